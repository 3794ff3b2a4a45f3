import Larder
import LarderTesting
import TestSupport
import Testing

@testable import LarderInspector

@Suite struct PlanTests {
    private let ann = Operator("ann", reason: "stale")

    private func stocked(_ keys: ClosedRange<Int>, maxsize: Int? = 64) -> Engine {
        let engine = Engine(maxsize: maxsize)
        for key in keys { engine.accounts.insert(Account(name: "name"), for: "\(key)") }
        return engine
    }

    @Test func `a plan counts entries and bytes, and changes nothing`() async throws {
        let engine = stocked(1...5)
        let before = engine.accounts.snapshot()
        let plan = try await engine.inspector.plan(.invalidate([seen("2"), seen("4", version: 4)]))
        #expect(plan.entries == 2)
        #expect(plan.bytes == before.bytes / 5 * 2)
        #expect(plan.victims.map(\.id.key) == ["2", "4"])
        #expect(plan.victims.map(\.version) == [2, 4])
        #expect(plan.victims.allSatisfy { $0.cause == .invalidated })
        #expect(plan.skipped.isEmpty)
        #expect(plan.before == nil)
        #expect(plan.instance == engine.inspector.instance)
        #expect(plan.at == engine.clock.now)
        #expect(engine.accounts.snapshot() == before)
        let outcome = try await engine.inspector.apply(plan.id, by: ann)
        #expect(outcome == Outcome(removed: 2, bytes: plan.bytes, skipped: []))
        #expect(engine.accounts.order == ["1", "3", "5"])
        let events = engine.accounts.events(after: 5).events
        #expect(events.map(\.by) == [ann.applying(plan.id), ann.applying(plan.id)])
        #expect(engine.accounts.snapshot().counters.invalidated == 2)
    }

    @Test func `of many, the first 20 are named`() async throws {
        let engine = stocked(1...50)
        let plan = try await engine.inspector.plan(.invalidateAll(cache: "accounts"))
        #expect(plan.entries == 50)
        #expect(plan.bytes == engine.accounts.snapshot().bytes)
        #expect(plan.victims.map(\.id.key) == (1...20).map { "\($0)" })
        let outcome = try await engine.inspector.apply(plan.id, by: ann)
        #expect(outcome == Outcome(removed: 50, bytes: plan.bytes, skipped: []))
        #expect(engine.accounts.snapshot().count == 0)
    }

    @Test func `an entry written after the plan stays when all are dropped`() async throws {
        let engine = stocked(1...3)
        let plan = try await engine.inspector.plan(.invalidateAll(cache: "accounts"))
        engine.accounts.insert(Account(name: "new"), for: "4")
        engine.accounts.insert(Account(name: "new"), for: "2")
        let outcome = try await engine.inspector.apply(plan.id, by: ann)
        #expect(outcome.removed == 2)
        #expect(outcome.skipped.map(\.id.key) == ["2"])
        #expect(engine.accounts.order == ["4", "2"])
    }

    @Test func `what was rewritten or went since is left alone, with the reason`() async throws {
        let engine = stocked(1...3)
        let plan = try await engine.inspector.plan(
            .invalidate([seen("1", version: 1), seen("2", version: 2), seen("3", version: 3)]))
        engine.accounts.insert(Account(name: "new"), for: "1")
        engine.accounts.invalidate("2")
        engine.clock.advance(by: .seconds(12))
        let outcome = try await engine.inspector.apply(plan.id, by: ann)
        #expect(outcome.removed == 1)
        #expect(outcome.skipped.map(\.id.key) == ["1", "2"])
        #expect(
            outcome.skipped.map(\.why) == [
                "now version 4, written 12s ago", "not there any more",
            ])
        #expect(engine.accounts.order == ["1"])
    }

    @Test func `what is not there as it was seen is not planned, with the reason`() async throws {
        let engine = stocked(1...2)
        engine.accounts.insert(Account(name: "new"), for: "1")
        engine.clock.advance(by: .milliseconds(3900))
        let plan = try await engine.inspector.plan(
            .invalidate([seen("1", version: 1), seen("9", version: 7), seen("2")]))
        #expect(plan.victims.map(\.id.key) == ["2"])
        #expect(plan.skipped.map(\.id.key) == ["1", "9"])
        #expect(
            plan.skipped.map(\.why) == ["now version 3, written 3s ago", "not there any more"])
    }

    @Test func `one plan may reach into several caches`() async throws {
        let engine = stocked(1...2)
        let role = Role("1", "reader")
        engine.credentials.insert(
            Credential(role: role, expiry: engine.clock.now + .seconds(9)), for: role)
        let plan = try await engine.inspector.plan(
            .invalidate([seen("1/reader", in: "credentials"), seen("1")]))
        #expect(plan.victims.map(\.id.cache) == ["accounts", "credentials"])
        let outcome = try await engine.inspector.apply(plan.id, by: ann)
        #expect(outcome.removed == 2)
        #expect(outcome.bytes == plan.bytes)
        #expect(engine.credentials.snapshot().count == 0)
    }

    @Test func `a plan of bounds names exactly what goes, and that goes`() async throws {
        let engine = stocked(1...3)
        engine.clock.advance(by: .seconds(100))
        for key in 4...8 { engine.accounts.insert(Account(name: "name"), for: "\(key)") }
        _ = engine.accounts.cached("4")
        let old = engine.accounts.configuration
        let new = CacheConfiguration(maxsize: 2, ttl: .seconds(100))
        let plan = try await engine.inspector.plan(.configure(cache: "accounts", to: new))
        #expect(plan.before == old)
        #expect(plan.entries == 6)
        #expect(plan.victims.map(\.id.key) == ["1", "2", "3", "5", "6", "7"])
        #expect(
            plan.victims.map(\.cause) == [
                .expired, .expired, .expired, .evicted, .evicted, .evicted,
            ])
        #expect(engine.accounts.configuration == old)
        let last = engine.accounts.lastEvent
        let outcome = try await engine.inspector.apply(plan.id, by: ann)
        #expect(outcome == Outcome(removed: 6, bytes: plan.bytes, skipped: []))
        #expect(engine.accounts.configuration == new)
        let events = engine.accounts.events(after: last).events
        #expect(events.first?.by == ann.applying(plan.id))
        #expect(events.dropFirst().compactMap(\.key) == plan.victims.map(\.id.key))
        #expect(engine.accounts.order == ["8", "4"])
    }

    @Test func `what had ended before a change of bounds is not the change's doing`()
        async throws
    {
        let engine = stocked(1...3)
        engine.clock.advance(by: .seconds(300))
        engine.accounts.insert(Account(name: "name"), for: "4")
        for new in [
            CacheConfiguration(maxsize: 1, ttl: .seconds(600)),
            CacheConfiguration(maxsize: 1, ttl: nil),
        ] {
            let plan = try await engine.inspector.plan(.configure(cache: "accounts", to: new))
            #expect(plan.entries == 0)
            #expect(try await engine.inspector.apply(plan.id, by: ann).removed == 0)
            #expect(engine.accounts.order == ["4"])
        }
        #expect(engine.accounts.snapshot().counters.expired == 3)
    }

    @Test func `an entry used since the plan is spared, and said to be`() async throws {
        let engine = stocked(1...3)
        let new = CacheConfiguration(maxsize: 2, ttl: .seconds(300))
        let plan = try await engine.inspector.plan(.configure(cache: "accounts", to: new))
        #expect(plan.victims.map(\.id.key) == ["1"])
        _ = engine.accounts.cached("1")
        let outcome = try await engine.inspector.apply(plan.id, by: ann)
        #expect(outcome.removed == 1)
        #expect(outcome.skipped.map(\.id.key) == ["1"])
        #expect(engine.accounts.order == ["3", "1"])
    }

    @Test func `a plan of bounds is refused where the bounds were changed since`() async throws {
        let engine = stocked(1...3)
        let plan = try await engine.inspector.plan(
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: 1, ttl: nil)))
        try engine.accounts.update { $0.maxsize = 32 }
        let before = engine.accounts.snapshot()
        await #expect(
            throws: InspectorError(
                "the bounds of accounts were changed since; plan the change again")
        ) { try await engine.inspector.apply(plan.id, by: ann) }
        var after = engine.accounts.snapshot()
        // That it was looked at took its time.
        after.holds = before.holds
        #expect(after == before)
    }

    @Test(arguments: [
        CacheConfiguration(maxsize: -1, ttl: nil),
        CacheConfiguration(maxsize: 1, ttl: .seconds(-1)),
    ])
    func `bounds out of range cannot be planned`(new: CacheConfiguration) async {
        await #expect(throws: CacheError.self) {
            try await Engine().inspector.plan(.configure(cache: "accounts", to: new))
        }
    }

    @Test func `a plan is applied once, and an unknown or forgotten one not at all`() async throws {
        let engine = stocked(1...3)
        let refusal = InspectorError("this plan is not known any more; plan the change again")
        let inspector = engine.inspector
        let plan = try await inspector.plan(.invalidate([seen("1")]))
        #expect(try await inspector.apply(plan.id, by: ann).removed == 1)
        engine.accounts.insert(Account(name: "new"), for: "1")
        await #expect(throws: refusal) { try await inspector.apply(plan.id, by: ann) }
        await #expect(throws: refusal) { try await inspector.apply("", by: ann) }
        await #expect(throws: refusal) { try await Engine().inspector.apply(plan.id, by: ann) }
        let old = try await inspector.plan(.invalidate([seen("2")]))
        let kept = try await inspector.plan(.invalidate([seen("3")]))
        for _ in 0..<63 { _ = try await inspector.plan(.invalidate([])) }
        await #expect(throws: refusal) { try await inspector.apply(old.id, by: ann) }
        #expect(try await inspector.apply(kept.id, by: ann).removed == 1)
        #expect(engine.accounts.order == ["2", "1"])
    }
}

@Suite struct `What is left alone` {
    private func skipped(_ count: Int, _ why: (Int) -> String) -> [Skipped] {
        (0..<count).map {
            Skipped(id: EntryKey(cache: "accounts", key: "\($0)"), why: why($0))
        }
    }

    @Test func `is told by name where it is little, and by its reasons where it is much`() {
        #expect(
            skipped(2) { _ in "not there any more" }.inShort(unnamed: 0)
                == ["0, not there any more", "1, not there any more"])
        let much =
            skipped(4) { "now version \($0), written \($0)s ago" }
            + skipped(5) { _ in "past its end" }
        #expect(
            much.inShort(unnamed: 7) == ["5, past its end", "4, written anew since", "7 more"])
        #expect([Skipped]().inShort(unnamed: 0).isEmpty)
    }
}
