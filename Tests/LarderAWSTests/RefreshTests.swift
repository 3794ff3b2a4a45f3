import Foundation
import Larder
import LarderInspector
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import LarderAWS

/// When sessions are fetched again, and what becomes of those that their source cannot refresh.
@Suite(.timeLimit(.minutes(1))) struct RefreshTests {
    private static func keys(_ number: Int, until end: AgeInstant) -> Credentials {
        Credentials(
            accessKeyID: "ASIA\(number)", secretAccessKey: Secret("canary"), expiry: end)
    }

    /// How often a source was asked.
    private final class Asked: Sendable {
        private let times = Mutex(0)
        var count: Int { times.withLock { $0 } }

        func again() -> Int {
            times.withLock { times in
                times += 1
                return times
            }
        }
    }

    private static let denied = AWSError(
        .denied, operation: "AssumeRole", code: "AccessDenied", "AssumeRole: AccessDenied")

    /// A source that hands out one and the same session, with the time that is left of it.
    @Test(arguments: [1, 9, 11, 30, 60, 119, 240, 300, 301, 599, 601, 900, 1201, 3600])
    func `a session that its source does not refresh is served to its end, with few tries`(
        life: Int
    ) async throws {
        let clock = TestClock()
        let end = clock.now + .seconds(life)
        let asked = Asked()
        let cache = Cache<String, Credentials>(
            "caller", maxsize: 1, ttl: nil, refresh: .credentials, clock: clock.neverWaking
        ) { _ in
            _ = asked.again()
            return Self.keys(1, until: end)
        }
        for _ in 0..<20 { _ = try await cache.value(for: "a") }
        #expect(asked.count == 1)
        while clock.now + .seconds(1) < end {
            clock.advance(by: .seconds(1))
            for _ in 0..<2 { _ = try await cache.value(for: "a") }
        }
        #expect(asked.count <= 10, "\(asked.count) tries in \(life) s")
    }

    @Test func `whatever its life, a session is refreshed in time and not at once`() {
        var random = Seeded(16)
        for _ in 0..<10_000 {
            let life = Duration.milliseconds(Int.random(in: 1...50_000_000, using: &random))
            let window = Refresh.credentials.window(life)
            #expect(window <= life * 3 / 4 && window >= .zero, "\(life)")
            #expect(window > .zero || life <= .seconds(10), "\(life)")
        }
    }

    /// A cache whose first session lives an hour, and whose refreshes are denied.
    private func refused(
        _ refresh: Refresh, _ error: AWSError = denied, _ clock: TestClock, _ asked: Asked
    ) -> Cache<String, Credentials> {
        let end = clock.now + .seconds(3600)
        return Cache(
            "credentials", maxsize: 1, ttl: nil, refresh: refresh, clock: clock.neverWaking
        ) { _ in
            let number = asked.again()
            guard number == 1 else { throw error }
            return Self.keys(1, until: end)
        }
    }

    @Test(arguments: [
        "AccessDenied", "ExpiredTokenException", "RegionDisabledException", "InvalidIdentityToken",
        "MalformedPolicyDocument", "PackedPolicyTooLarge", "Throttling", "SomethingElse",
    ])
    func `a session with 19 minutes left is served while STS refuses, and the refusal shown`(
        code: String
    ) async throws {
        let (clock, asked) = (TestClock(), Asked())
        let error = AWSError(.service, operation: "AssumeRole", code: code, "AssumeRole: \(code)")
        let cache = refused(.credentials, error, clock, asked)
        _ = try await cache.value(for: "a")
        clock.advance(by: .seconds(41 * 60))
        for _ in 0..<20 { #expect(try await cache.value(for: "a").accessKeyID == "ASIA1") }
        #expect(asked.count == 2)
        #expect(cache.troubles().map(\.trouble.kind) == [.failed])
        #expect(cache.troubles().first?.trouble.reason == "AssumeRole: \(code)")
        clock.advance(by: .seconds(19 * 60 - 1))
        _ = try await cache.value(for: "a")
        // Past its end nobody gets it, and the refusal is told without asking each time.
        clock.advance(by: .seconds(2))
        for _ in 0..<20 {
            let told = try await failure { try await cache.value(for: "a") }
            #expect(told == error)
        }
        #expect(asked.count <= 4)
    }

    @Test func `by the SDKs' own rule a refusal is told at once`() async throws {
        let (clock, asked) = (TestClock(), Asked())
        let cache = refused(.credentials(servesRefused: false), Self.denied, clock, asked)
        _ = try await cache.value(for: "a")
        clock.advance(by: .seconds(41 * 60))
        for _ in 0..<20 {
            let told = try await failure { try await cache.value(for: "a") }
            #expect(told.kind == .denied)
        }
        #expect(asked.count == 2)
        #expect(cache.troubles().map(\.trouble.kind) == [.refused])
    }
}
