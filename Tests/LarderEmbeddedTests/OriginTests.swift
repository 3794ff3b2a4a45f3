import Foundation
import Larder
import LarderInspector
import LarderTesting
import TestSupport
import Testing

@testable import LarderEmbedded

@Suite struct `The embedded origin` {
    @Test func `knows the accounts it was asked for, though the store holds more`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/accounts.sqlite"
        _ = try EmbeddedOrigin(path: path, accounts: 30)
        let origin = try EmbeddedOrigin(path: path, accounts: 10)
        #expect(try await origin.account("100000000009").number == "100000000009")
        for number in ["100000000010", "1", "", "one", "99999999999999999999"] {
            await #expect(throws: EmbeddedError.missing) { try await origin.account(number) }
        }
    }

    @Test func `knows no account of a number that there cannot be`() async throws {
        let origin = try EmbeddedOrigin(path: nil, accounts: 3)
        var random = Fuzz.random("account numbers")
        let edges = [
            "-9223372036854775808", "9223372036854775807", "-100000000000", "+10000000000",
        ]
        for number in edges + (0..<Fuzz.count / 10).map({ _ in Fuzz.number(using: &random) })
        where number != "100000000000" {
            await #expect(throws: EmbeddedError.missing) { try await origin.account(number) }
        }
        #expect(try await origin.account("100000000000").number == "100000000000")
    }

    @Test func `says so where a file of accounts holds something else`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/accounts.sqlite"
        _ = try AccountStore(path: path, accounts: 3)
        let change = "UPDATE accounts SET credit = 'a lot' WHERE number = '100000000001'"
        let ran = try run(
            [
                "python3", "-c",
                "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()",
                path, change,
            ])
        try #require(ran.status == 0, "\(ran.errors)")
        let origin = try EmbeddedOrigin(path: path, accounts: 3)
        await #expect(throws: (any Error).self) { try await origin.account("100000000001") }
        #expect(try await origin.account("100000000002").number == "100000000002")
    }

    @Test func `throttles the share of fetches that it was told to`() async throws {
        let origin = try EmbeddedOrigin(
            path: nil, accounts: 1, behavior: .init(throttled: 0.25))
        var refused = 0
        for _ in 0..<2000 {
            do { _ = try await origin.account("100000000000") } catch {
                #expect(error as? EmbeddedError == .throttled)
                refused += 1
            }
        }
        // Six standard deviations about 500.
        #expect((384...616).contains(refused))
    }

    @Test func `ends a fetch whose caller gave up`() async throws {
        let origin = try EmbeddedOrigin(
            path: nil, accounts: 1, behavior: .init(latency: .seconds(60)))
        let fetch = Task { try await origin.account("100000000000") }
        fetch.cancel()
        await #expect(throws: CancellationError.self) { try await fetch.value }
    }
}

@Suite struct `Issued credentials` {
    private let clock = TestClock()

    private func issued() throws -> IssuedCredentials {
        Issuer(clock: clock.ageClock).issue(
            try EmbeddedRole("arn:aws:iam::100000000001:role/team/reader"), lifetime: .seconds(120))
    }

    @Test func `end at their lifetime on the age line, in a cache too`() async throws {
        let first = try issued()
        #expect(first.expiry == clock.ageClock.now() + .seconds(120))
        let cache = Cache<EmbeddedRole, IssuedCredentials>(
            "credentials", maxsize: 8, ttl: nil, clock: clock.ageClock
        ) { _ in first }
        _ = try await cache.value(for: first.role)
        clock.advance(by: .seconds(120) - .nanoseconds(1))
        #expect(cache.cached(first.role) != nil)
        clock.advance(by: .nanoseconds(1))
        #expect(cache.cached(first.role) == nil)
    }

    @Test func `show the key id's last four, the role and the end, whoever asks`() throws {
        let credentials = try issued()
        let secrets = [
            credentials.secretAccessKey.reveal(), credentials.sessionToken.reveal(),
        ]
        #expect(credentials.accessKeyID.wholeMatch(of: /ASIA[A-Z2-7]{16}/) != nil)
        #expect(secrets[0].count == 40 && Set(secrets[1]).count > 20)
        var dumped = ""
        dump(credentials, to: &dumped)
        let shown = String(
            decoding: try JSONEncoder().encode(credentials.shown), as: UTF8.self)
        for text in ["\(credentials)", String(reflecting: credentials), dumped, shown] {
            #expect(secrets.allSatisfy { !text.contains($0) })
        }
        #expect(!shown.contains(credentials.accessKeyID))
        #expect(shown.contains("…" + credentials.accessKeyID.suffix(4)))
    }

    @Test func `are no two alike`() throws {
        let (one, other) = (try issued(), try issued())
        #expect(one.accessKeyID != other.accessKeyID)
        #expect(one.secretAccessKey.reveal() != other.secretAccessKey.reveal())
    }

    @Test(arguments: [
        "", "reader", "arn:aws:iam::1:role/x", "arn:aws:iam::100000000001:user/x",
        "arn:aws:iam::100000000001:role/", "arn:aws:iam::100000000001:role/a b",
    ])
    func `are issued to roles only`(text: String) {
        #expect(throws: EmbeddedError.noRole(text)) { try EmbeddedRole(text) }
    }

    @Test func `stand under account and role`() throws {
        #expect(try issued().role.shownKey == "100000000001/team/reader")
    }
}

@Suite struct `Zipf's law` {
    @Test(arguments: [(10, 0.99), (100, 1.2), (1, 1.0)])
    func `gives every number its share`(count: Int, s: Double) {
        let zipf = Zipf(count: count, s: s)
        var random = SplitMix64(seed: 7)
        var seen = [Int](repeating: 0, count: count)
        let draws = 100_000
        for _ in 0..<draws { seen[zipf.draw(using: &random)] += 1 }
        let total = (0..<count).reduce(0) { $0 + zipf.probability(of: $1) }
        #expect(abs(total - 1) < 1e-9)
        for number in 0..<count {
            let share = zipf.probability(of: number)
            // Six standard deviations of a count.
            let slack = 6 * (Double(draws) * share * (1 - share)).squareRoot() + 1
            #expect(abs(Double(seen[number]) - Double(draws) * share) <= slack)
        }
        if count > 1 { #expect(seen[0] > seen[count - 1]) }
    }
}
