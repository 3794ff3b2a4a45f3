import Larder
import LarderAWS
import LarderInspector
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import LarderCommand

/// Settings that are read again, and what traffic remembers.
@Suite struct ReloadTests {
    private let clock = TestClock()
    private let accounts: Cache<String, String>
    private let credentials: Cache<String, String>
    private let inspector: LocalInspector
    private let hup = Operator("ops", reason: "settings were read again")

    init() {
        func cache(_ name: String, _ clock: TestClock) -> Cache<String, String> {
            let cache = Cache<String, String>(
                name, maxsize: 100, ttl: .seconds(300), clock: clock.neverWaking
            ) { $0 }
            for number in 0..<100 { cache.insert("a", for: "\(number)") }
            return cache
        }
        accounts = cache("accounts", clock)
        credentials = cache("credentials", clock)
        inspector = LocalInspector("pantry", clock: clock.ageClock)
        inspector.add(accounts)
        inspector.add(credentials, isProtected: true)
    }

    private func said(
        _ cache: String, _ change: (inout CacheConfiguration) -> Void
    ) -> SaidBounds {
        let before = CacheConfiguration(maxsize: 100, ttl: .seconds(300))
        var after = before
        change(&after)
        return SaidBounds(cache: cache, before: before, after: after)
    }

    @Test func `what is said otherwise changes, at once and as one`() async throws {
        try accounts.update { $0.ttl = .seconds(60) }
        let outcome = try await inspector.change(
            [said("accounts") { $0.maxsize = 90 }, said("credentials") { $0.maxsize = 80 }], by: hup
        )
        #expect(outcome?.removed == 30)
        #expect(accounts.configuration.maxsize == 90 && credentials.configuration.maxsize == 80)
        // What an operator changed beside stays.
        #expect(accounts.configuration.ttl == .seconds(60))
        let changes = try await inspector.changes(after: 0)
        #expect(changes.map(\.what) == [.applied] && changes[0].bounds.count == 2)
        #expect(try await inspector.change([said("accounts") { _ in }], by: hup) == nil)
        #expect(try await inspector.changes(after: 0).count == 1)
    }

    @Test func `where one cache's bounds are refused, no other's change`() async throws {
        await #expect(throws: CacheError.self) {
            try await inspector.change(
                [said("accounts") { $0.maxsize = 90 }, said("credentials") { $0.maxsize = -1 }],
                by: hup)
        }
        #expect(accounts.configuration.maxsize == 100)
        #expect(credentials.configuration.maxsize == 100)
        #expect(try await inspector.changes(after: 0).isEmpty)
    }

    @Test func `where bounds are refused, keys are not read again either`() async throws {
        let hasRead = Mutex(false)
        let engine = Engine(
            inspector: inspector, defaults: [:], warm: { _ in true }, lookUp: {},
            reveal: { _ in .null },
            readAgain: {
                hasRead.withLock { $0 = true }
                return ["region"]
            }, close: {})
        let first = said("accounts") { $0.maxsize = 90 }
        for refused in [
            said("credentials") { $0.maxsize = -1 }, said("credentials") { $0.jitter = 2 },
            said("credentials") { ($0.ttl, $0.jitter) = (nil, 0.5) },
        ] {
            await #expect(throws: CacheError.self) {
                try await engine.take([first, refused], by: hup)
            }
            #expect(!hasRead.withLock { $0 })
            #expect(accounts.configuration.maxsize == 100)
            #expect(credentials.configuration == accounts.configuration)
        }
        let taken = try await engine.take([first], by: hup)
        #expect(taken.others == ["region"] && taken.outcome?.removed == 10)
        #expect(hasRead.withLock { $0 } && accounts.configuration.maxsize == 90)
        // What keys cannot be read for changes no bounds.
        struct Unreadable: Error {}
        var broken = engine
        broken.readAgain = { throw Unreadable() }
        await #expect(throws: Unreadable.self) {
            try await broken.take([said("accounts") { $0.maxsize = 80 }], by: hup)
        }
        #expect(accounts.configuration.maxsize == 90)
    }

    @Test func `one that is under way notices it, and ends`() async throws {
        var smaller = accounts.configuration
        smaller.maxsize = 40
        let plan = try await inspector.plan(.configure(cache: "accounts", to: smaller))
        _ = try await inspector.apply(
            plan.id, PlanApplication(spread: .seconds(60)), by: Operator("ann"))
        #expect(await settles { !clock.sleepers.isEmpty })
        clock.advance(by: .seconds(30))
        // It may not have slept before, and sleeps a tenth of a second then.
        #expect(
            await settles {
                clock.advance(by: .milliseconds(20))
                return accounts.configuration.maxsize == 70
            })
        _ = try await inspector.change([said("accounts") { $0.ttl = .seconds(200) }], by: hup)
        // Its next step may not be slept for yet.
        #expect(
            try await settles {
                clock.advance(by: .seconds(1))
                return try await inspector.changes(after: 0).last?.what == .failed
            })
        #expect(accounts.configuration.maxsize == 70)
        #expect(accounts.configuration.ttl == .seconds(200))
        #expect(
            try await inspector.changes(after: 0).map(\.what) == [.began, .applied, .failed])
    }

    @Test func `traffic remembers so many keys, of all that there were`() {
        var sample = Sample<Int>(most: 100)
        for number in 0..<10_000 {
            sample.add(number)
            sample.add(number)
        }
        #expect(sample.all.count == 100 && Set(sample.all).count == 100)
        #expect(sample.all.contains { $0 >= 1000 })
        var nothing = Sample<Int>(most: 0)
        nothing.add(1)
        #expect(nothing.all.isEmpty)
        var following = FollowingOptions()
        following.followRoles = "role"
        following.allowRole = ["arn:aws:iam::*:role/reader"]
        let known = KnownKeys(roles: [], following: following, most: 16)
        for number in 0..<1000 {
            let account = 100_000_000_000 + number
            known.add(
                Verbatim("\(account)"),
                DynamoDBItem(
                    ["role": .string("arn:aws:iam::\(account):role/reader")], keyName: "role"))
        }
        #expect(known.accounts.count == 16 && known.roles.count == 16)
    }
}
