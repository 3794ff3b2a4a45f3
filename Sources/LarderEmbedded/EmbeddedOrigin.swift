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
        /// The mean of an account's fetch; a single one takes from half to three times as long, and
        /// credentials sixteen times that.
        public var latency = Duration.zero
        /// The share of fetches that are refused as throttled, 0...1.
        public var throttled = 0.0
        /// The share of fetches that fail for somebody who wants to see that, 0...1: half of them
        /// are throttled, half find the origin broken.
        public var failing = 0.0
        /// How long credentials live, in seconds.
        public var lifetime: ClosedRange<Double> = 120...900

        /// An origin that answers at once and never fails, where nothing is said.
        public init(
            latency: Duration = .zero, throttled: Double = 0, failing: Double = 0,
            lifetime: ClosedRange<Double> = 120...900
        ) {
            self.latency = latency
            self.throttled = throttled
            self.failing = failing
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
        guard let place = Account.place(of: number), place < knownAccounts else {
            throw EmbeddedError.missing
        }
        return try await store.account(number)
    }

    /// The accounts behind a number, in the order of their numbers; from the first where none is
    /// named.
    ///
    /// - Throws: ``EmbeddedError``; `CancellationError` where the caller gave up.
    public func accounts(after number: String?, limit: Int) async throws -> [Account] {
        try await travel()
        let left = knownAccounts - (number.flatMap { Account.place(of: $0) }.map { $0 + 1 } ?? 0)
        return try await store.accounts(after: number ?? "", limit: min(limit, max(0, left)))
    }

    /// - Throws: ``EmbeddedError``; `CancellationError` where the caller gave up.
    public func credentials(for role: EmbeddedRole) async throws -> IssuedCredentials {
        // A session takes an issuer far longer than an item takes a table.
        try await travel(times: 16)
        // As many between one minute and two as between five and ten.
        let range = log(behavior.lifetime.lowerBound)...log(behavior.lifetime.upperBound)
        return issuer.issue(role, lifetime: .seconds(exp(.random(in: range))))
    }

    /// Takes the time of the way to the origin and back, on which some calls fail.
    private func travel(times: Int = 1) async throws {
        if behavior.latency > .zero {
            // Most are quick and a few are slow: an exponential tail behind a fixed half.
            let tail = min(-log(1 - Double.random(in: 0..<1)) / 2, 2.5)
            try await Task.sleep(for: behavior.latency * (0.5 + tail) * times)
        }
        if Double.random(in: 0..<1) < behavior.throttled { throw EmbeddedError.throttled }
        guard Double.random(in: 0..<1) < behavior.failing else { return }
        throw Bool.random() ? EmbeddedError.throttled : .broken
    }
}

extension EmbeddedError: KnownFailure {
    /// As a cache counts it.
    public var failureKind: FailureKind {
        switch self {
        case .missing: .absent
        case .throttled: .throttled
        case .noRole: .refused
        case .unusable, .broken: .broken
        }
    }
}

extension Refresh {
    /// Credentials are refreshed half a minute after they were issued, so that one sees it.
    public static let embeddedCredentials = Refresh(
        window: { life in life - .seconds(30) }, mandatory: .seconds(10))

    /// That an account is missing is remembered, as long as the bounds say.
    public static let embeddedAccounts = Refresh(backoff: .seconds(1) ... .seconds(5)) { error in
        (error as? EmbeddedError) == .missing ? .absent : .passing
    }
}
