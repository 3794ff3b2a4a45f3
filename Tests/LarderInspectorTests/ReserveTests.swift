import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import LarderInspector

/// What is said of entries past their end, of what is known to be absent, and where nothing is kept.
@Suite struct ReserveTests {
    private let clock = TestClock()
    private let cache: Cache<String, Account>
    private let inspector: LocalInspector
    private let failure = Failing()
    private let key = EntryKey(cache: "accounts", key: "1")

    private enum Missing: Error { case item, service }

    private final class Failing: Sendable {
        private let error = Guarded<Missing?>(nil)
        func set(_ new: Missing?) { error.withLock { $0 = new } }
        func check() throws { if let error = error.withLock({ $0 }) { throw error } }
    }

    init() {
        let failure = failure
        cache = Cache(
            "accounts",
            CacheConfiguration(
                maxsize: 8, ttl: .seconds(60), staleIfError: .seconds(600),
                negativeTTL: .seconds(5)),
            refresh: Refresh(backoff: .seconds(20) ... .seconds(20)) {
                $0 as? Missing == .item ? .absent : .passing
            }, clock: clock.neverWaking
        ) { _ in
            try failure.check()
            return Account(name: "new")
        }
        inspector = LocalInspector("pantry", clock: clock.neverWaking)
        inspector.add(cache)
        cache.insert(Account(name: "old"), for: "1")
    }

    private func outlive() { clock.advance(by: .seconds(100)) }

    @Test func `an entry served past its end is a hit, and told as what it is`() async throws {
        outlive()
        failure.set(.service)
        let served = try await inspector.fetch(key)
        #expect(served.wasHit && served.row?.version == 1)
        #expect(served.row?.state(at: clock.now) == .stale)
        // It was to end after a minute.
        #expect(served.row?.stateWords(at: clock.now) == "stale 40s")
        clock.advance(by: .seconds(15))
        #expect(served.row?.stateWords(at: clock.now) == "stale 55s")
        clock.advance(by: .seconds(10))
        #expect(served.row?.stateWords(at: clock.now, isBrief: true) == "stale 1m")
        #expect(served.value == .fields([.init("name", .text("old"))]))
        let detail = try #require(try await inspector.entry(key))
        #expect(detail.value == .fields([.init("name", .text("old"))]))
        #expect(detail.row.version == 1 && detail.row.refresh?.trouble?.reason == "Missing.service")
        failure.set(nil)
        clock.advance(by: .seconds(30))
        let fetched = try await inspector.fetch(key)
        #expect(!fetched.wasHit && fetched.row?.version == 2)
    }

    @Test func `it is stale between two tries of its fetch, and until they are forgotten`()
        async throws
    {
        outlive()
        failure.set(.service)
        _ = try await inspector.fetch(key)
        func stale() async throws -> [EntryRow.State] {
            let rows = try await inspector.entries(EntryQuery(filter: "state=stale")).rows
            return rows.map { $0.state(at: clock.now) }
        }
        #expect(try await stale() == [.stale])
        // The next try is due since five seconds, and nobody has looked it up.
        clock.advance(by: .seconds(25))
        #expect(try await stale() == [.stale])
        #expect(try await inspector.entry(key)?.row.state(at: clock.now) == .stale)
        clock.advance(by: .seconds(60))
        #expect(try await stale().isEmpty)
        #expect(try await inspector.entry(key)?.row.state(at: clock.now) == .expired)
    }

    @Test func `once its reserve is over nothing is held`() async throws {
        clock.advance(by: .seconds(660))
        #expect(try await inspector.entry(key) == nil)
        failure.set(.service)
        #expect(try await inspector.verify(key).held == nil)
        await #expect(throws: Missing.service) { try await inspector.fetch(key) }
    }

    @Test func `what is past its end is compared with its origin, and said to be`() async throws {
        outlive()
        let other = try await inspector.verify(key)
        #expect(
            other.isPastEnd && other.summary == "held past its end; name is old here and new there")
        failure.set(.service)
        #expect(
            try await inspector.verify(key).summary
                == "the origin could not be asked: Missing.service")
        failure.set(.item)
        let absent = try await inspector.verify(key)
        #expect(absent.summary == "held past its end, but the origin has no such thing")
        let nowhere = try await inspector.verify(EntryKey(cache: "accounts", key: "2"))
        #expect(nowhere.summary == "not held, and the origin has no such thing")
    }

    @Test func `what is past its end can be invalidated, one by one and all`() async throws {
        for change in [
            Change.invalidateAll(cache: "accounts"), .invalidate([seen("1", version: 1)]),
        ] {
            clock.advance(by: .seconds(1))
            cache.insert(Account(name: "old"), for: "1")
            let version = try #require(cache.peek("1")?.facts.version)
            var change = change
            if case .invalidate = change { change = .invalidate([seen("1", version: version)]) }
            outlive()
            failure.set(.service)
            #expect(try await inspector.fetch(key).wasHit)
            #expect(try await inspector.apply(change).removed == 1)
            await #expect(throws: Missing.service) { try await inspector.fetch(key) }
        }
    }

    @Test func `what is past its end is not marked as stale`() async throws {
        outlive()
        let plan = try await inspector.plan(.soften([seen("1")]))
        #expect(plan.entries == 0)
        #expect(
            plan.skipped.map(\.why) == ["past its end, and served only as long as fetches fail"])
    }

    @Test func `what was marked as stale is served once more, as what it was`() async throws {
        _ = try await inspector.apply(.soften([seen("1")]))
        let served = try await inspector.fetch(key)
        #expect(served.wasHit && served.row?.version == 1)
        #expect(served.value == .fields([.init("name", .text("old"))]))
    }

    @Test func `what is known to be absent is a failure and no entry`() async throws {
        failure.set(.item)
        let missing = EntryKey(cache: "accounts", key: "2")
        await #expect(throws: Missing.item) { try await inspector.fetch(missing) }
        failure.set(nil)
        await #expect(throws: Missing.item) { try await inspector.fetch(missing) }
        #expect(try await inspector.entry(missing)?.row.isHeld == false)
        let plan = try await inspector.plan(.invalidate([seen("2", version: 0)]))
        #expect(plan.entries == 1 && plan.failures == 1 && plan.skipped.isEmpty)
    }

    @Test func `a failure whose next try is due is not one to forget`() async throws {
        clock.advance(by: .seconds(645))
        failure.set(.service)
        #expect(try await inspector.fetch(key).wasHit)
        // The reserve is over and nobody has swept it; the failure is remembered a minute more.
        clock.advance(by: .seconds(25))
        #expect(cache.troubles().count == 1)
        let plan = try await inspector.plan(.invalidateAll(cache: "accounts"))
        #expect(plan.entries == 0 && plan.failures == 0)
        #expect(try await inspector.apply(plan.id, by: Operator("ann")).forgotten == 0)
    }

    @Test func `where nothing is kept, nothing is said to be`() async throws {
        try cache.update { $0.maxsize = 0 }
        let fetched = try await inspector.fetch(key)
        #expect(!fetched.wasHit && fetched.row == nil)
        #expect(try await inspector.entry(key) == nil)
        #expect(try await inspector.verify(key).summary == "not held; the origin has: name new")
        #expect(try await inspector.plan(.invalidateAll(cache: "accounts")).entries == 0)
    }
}
