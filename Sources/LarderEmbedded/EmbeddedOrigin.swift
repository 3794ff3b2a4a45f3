import Foundation
public import Larder

/// Accounts and credentials without any AWS: an origin like any other.
public struct EmbeddedOrigin: Sendable {
    /// How many accounts are known; look-ups beyond them are missing.
    public let knownAccounts: Int
    private let store: AccountStore
    private let issuer: Issuer
    private let behavior: Behavior

    /// How the origin behaves.
    public struct Behavior: Sendable {
        /// The mean of a fetch's time; a single one takes from half to three times as long.
        public var latency = Duration.zero
        /// The share of fetches that are refused as throttled, 0...1.
        public var throttled = 0.0
        /// How long credentials live, in seconds.
        public var lifetime: ClosedRange<Double> = 120...900

        public init(
            latency: Duration = .zero, throttled: Double = 0,
            lifetime: ClosedRange<Double> = 120...900
        ) {
            self.latency = latency
            self.throttled = throttled
            self.lifetime = lifetime
        }
    }

    /// - Throws: ``EmbeddedError`` where the store cannot be used.
    public init(
        path: String?, accounts: Int, behavior: Behavior = Behavior(), clock: AgeClock = .system
    ) throws {
        store = try AccountStore(path: path, accounts: accounts)
        knownAccounts = accounts
        issuer = Issuer(clock: clock)
        self.behavior = behavior
    }

    /// - Throws: ``EmbeddedError``; `CancellationError` where the caller gave up.
    public func account(_ number: String) async throws -> Account {
        try await travel()
        guard let place = Int(number).map({ $0 - 100_000_000_000 }), place < knownAccounts else {
            throw EmbeddedError.missing
        }
        return try await store.account(number)
    }

    /// - Throws: ``EmbeddedError``; `CancellationError` where the caller gave up.
    public func credentials(for role: EmbeddedRole) async throws -> IssuedCredentials {
        try await travel()
        return issuer.issue(role, lifetime: .seconds(.random(in: behavior.lifetime)))
    }

    /// The way to the origin and back, which some never survive.
    private func travel() async throws {
        if behavior.latency > .zero {
            // Most are quick and a few are slow: an exponential tail behind a fixed half.
            let tail = min(-log(1 - Double.random(in: 0..<1)) / 2, 2.5)
            try await Task.sleep(for: behavior.latency * (0.5 + tail))
        }
        if Double.random(in: 0..<1) < behavior.throttled { throw EmbeddedError.throttled }
    }
}
