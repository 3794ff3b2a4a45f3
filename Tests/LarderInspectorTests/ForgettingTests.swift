import Foundation
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder
@testable import LarderInspector

/// Failures that are remembered, as an operator sees them and forgets them.
@Suite struct ForgettingTests {
    private let clock = TestClock()
    private let inspector: LocalInspector
    private let accounts: Cache<String, Account>
    private let credentials: Cache<Role, Credential>
    private let known = Known()
    private let ann = Operator("ann", reason: "just created")

    private enum Missing: Error { case item }

    /// What the origin has.
    private final class Known: Sendable {
        private let keys = Guarded<Set<String>>([])

        func has(_ key: String) -> Bool { keys.withLock { $0.contains(key) } }
        func add(_ key: String) { keys.withLock { _ = $0.insert(key) } }
        func remove(_ key: String) { keys.withLock { _ = $0.remove(key) } }
    }

    init() {
        let (clock, known) = (clock, known)
        let refresh = Refresh(meaning: { $0 is Missing ? .absent : .passing })
        let bounds = CacheConfiguration(maxsize: 64, ttl: .seconds(300), negativeTTL: .seconds(60))
        accounts = Cache("accounts", bounds, refresh: refresh, clock: clock.neverWaking) { key in
            guard known.has(key) else { throw Missing.item }
            return Account(name: key)
        }
        // Its keys are no texts, and nobody can read one.
        credentials = Cache("credentials", bounds, refresh: refresh, clock: clock.neverWaking) {
            _ in throw Missing.item
        }
        inspector = LocalInspector("pantry", clock: clock.neverWaking)
        inspector.add(accounts)
        inspector.add(credentials, key: \.shownKey)
    }

    private func miss(_ keys: String...) async {
        for key in keys { _ = try? await accounts.value(for: key) }
    }

    private func key(_ key: String) -> EntryKey { EntryKey(cache: "accounts", key: key) }

    @Test func `a row of a failure has the last one's age, and refusals for hits`() async throws {
        await miss("a")
        clock.advance(by: .seconds(61))
        await miss("a")
        clock.advance(by: .seconds(7))
        await miss("a", "a")
        let row = try #require(try await inspector.entries(EntryQuery()).rows.first)
        #expect(clock.now - row.writtenAt == .seconds(7))
        #expect(row.hits == 2 && row.lastHit == clock.now)
        let trouble = try #require(row.refresh?.trouble)
        #expect(clock.now - trouble.since == .seconds(68) && trouble.failures == 2)
        for filter in ["hits>=2", "age<10s", "state=negative"] {
            #expect(try await inspector.keys(EntryQuery(filter: filter)) == ["a"], "\(filter)")
        }
        #expect(try await inspector.keys(EntryQuery(filter: "age>30s")) == [])
    }

    @Test(arguments: [nil, 0] as [UInt64?])
    func `to invalidate its key forgets it, and the plan and the outcome say so`(
        version: UInt64?
    ) async throws {
        await miss("a", "a")
        known.add("a")
        let plan = try await inspector.plan(.invalidate([seen("a", version: version)]))
        #expect(plan.entries == 1 && plan.failures == 1 && plan.bytes == 0)
        #expect(plan.victims.map(\.version) == [0] && plan.skipped.isEmpty)
        #expect(plan.fetches == 1)
        let outcome = try await inspector.apply(plan.id, by: ann)
        #expect(outcome.removed == 1 && outcome.forgotten == 1 && outcome.skipped.isEmpty)
        #expect(try await accounts.value(for: "a").name == "a")
        let log = try await inspector.events(in: "accounts", after: 0, limit: 10)
        let event = try #require(log.events.first { $0.kind.word == .forgotten })
        #expect(event.by?.reason == "just created" && event.key == "a")
        let change = try #require(try await inspector.changes(after: 0).last)
        #expect(change.summary == "accounts a: 1 failure forgotten")
    }

    @Test func `what was fetched since stays, and what is forgotten already is told`() async throws
    {
        await miss("a", "b")
        let plan = try await inspector.plan(
            .invalidate([seen("a", version: 0), seen("b", version: 0)]))
        known.add("a")
        accounts.forgetFailure(of: "a")
        _ = try await accounts.value(for: "a")
        let outcome = try await inspector.apply(plan.id, by: ann)
        #expect(outcome.forgotten == 1)
        #expect(outcome.skipped.map(\.why) == ["the failure is not remembered any more"])
        #expect(accounts.peek("a") != nil)
        // An entry is there now: that was not seen.
        let late = try await inspector.plan(.invalidate([seen("a", version: 0)]))
        #expect(late.entries == 0 && late.skipped.count == 1)
    }

    @Test func `who saw an entry forgets no failure that came after it`() async throws {
        known.add("a")
        _ = try await accounts.value(for: "a")
        let version = try #require(accounts.peek("a")).facts.version
        accounts.invalidate("a")
        known.remove("a")
        await miss("a")
        let plan = try await inspector.plan(
            .invalidate([seen("a", version: version)]))
        #expect(plan.entries == 0 && plan.skipped.map(\.why) == ["not there any more"])
    }

    @Test func `filters and all find failures too, whatever the keys are`() async throws {
        await miss("a", "b")
        known.add("c")
        _ = try await accounts.value(for: "c")
        let role = Role("100000000001", "reader")
        _ = try? await credentials.value(for: role)
        let negative = try await inspector.matching(EntryQuery(filter: "state=negative"))
        #expect(Set(negative.map(\.id.key)) == ["a", "b", role.shownKey])
        #expect(negative.allSatisfy { $0.version == 0 })
        let plan = try await inspector.plan(.invalidate(negative))
        #expect(plan.entries == 3 && plan.failures == 3)
        _ = try await inspector.apply(plan.id, by: ann)
        #expect(accounts.troubles().isEmpty && credentials.troubles().isEmpty)
        await miss("a")
        let all = try await inspector.plan(.invalidateAll(cache: "accounts"))
        #expect(all.entries == 2 && all.failures == 1)
        #expect(try await inspector.apply(all.id, by: ann).forgotten == 1)
        #expect(accounts.troubles().isEmpty)
    }

    @Test func `nothing can be served on in its place`() async throws {
        await miss("a")
        let plan = try await inspector.plan(.soften([seen("a")]))
        #expect(plan.entries == 0)
        #expect(
            plan.skipped.map(\.why) == [
                "no entry, only that it failed or is absent; a hard drop forgets that"
            ])
    }

    @Test func `to verify says whether the origin agrees`() async throws {
        await miss("a")
        let same = try await inspector.verify(key("a"))
        #expect(same.summary == "the origin agrees: it has no such thing" && same.agrees == true)
        known.add("a")
        let other = try await inspector.verify(key("a"))
        #expect(other.agrees == false && other.remembered?.kind == .absent)
        #expect(
            other.summary
                == "remembered as absent, but the origin has it now; to invalidate it forgets that")
        let never = try await inspector.verify(key("b"))
        #expect(never.summary == "not held, and the origin has no such thing")
        #expect(never.verdict == .notHeld && same.verdict == .agrees && other.verdict == .differs)
    }

    @Test func `a report tells the keys that are fetched most`() async throws {
        await miss("a")
        for _ in 0..<3 {
            accounts.forgetFailure(of: "b")
            await miss("b")
        }
        let report = try await inspector.report().caches[0]
        #expect(report.mostFetched.map(\.key) == ["b", "a"])
        #expect(
            report.mostFetched[0]
                == FetchedRow(
                    key: "b", fetches: 3, failures: 3, kind: .absent, reason: "Missing.item"))
    }

    @Test func `its figures have names, and what was forgotten survives the wire`() async throws {
        await miss("a", "a")
        accounts.forgetFailure(of: "a", by: ann)
        let report = try await inspector.report().caches[0]
        #expect(report.failureFigures.first { $0.name == "absent" }?.count == 1)
        #expect(report.failureFigures.map(\.name).contains("failedTimedOut"))
        #expect(report.failureWords == "failed 0, absent 1")
        #expect(report.ghostFigures.map(\.share) == [0, 0])
        let event = try #require(
            try await inspector.events(in: "accounts", after: 0, limit: 9).events.last)
        let data = try JSONEncoder().encode(event)
        #expect(try JSONDecoder().decode(LoggedEvent.self, from: data) == event)
        let filter = try EntryFilter("state=forgotten and by=ann and hits=1")
        #expect(filter.passes(event, at: clock.now))
    }

    // MARK: What is lost

    @Test func `who follows too slowly is told how many changes are lost`() async throws {
        for number in 0..<3 { accounts.insert(Account(name: "a"), for: "\(number)") }
        _ = try await inspector.apply(.invalidate([seen("0")]), by: ann)
        var following = inspector.follow(after: 0).makeAsyncIterator()
        #expect(try await following.next()?.missed == 0)
        for number in 0..<300 {
            accounts.insert(Account(name: "a"), for: "\(number)")
            _ = try await inspector.apply(.invalidate([seen("\(number)")]), by: ann)
        }
        // 256 are kept of 301, and one was read.
        let next = try #require(try await following.next())
        #expect(next.number == 46 && next.missed == 44)
        #expect(try await following.next()?.missed == 0)
        #expect(try await inspector.changes(after: 0).first?.missed == 45)
        #expect(try await inspector.changes(after: 100).first?.missed == 0)
    }

    // MARK: What cannot be taken back

    private func plan(entries: Int) async throws -> Plan {
        for number in 0..<entries { accounts.insert(Account(name: "a"), for: "\(number)") }
        return try await inspector.plan(.invalidateAll(cache: "accounts"))
    }

    @Test func `a plan says what of it cannot be taken back`() async throws {
        let some = try await plan(entries: 40)
        #expect(some.undoable == 40 && some.undoNote() == nil)
        #expect(some.undoNote(spread: .seconds(30)) == nil)
        #expect(
            some.undoNote(spread: .seconds(300))
                == "Of what goes only the last 30s can be taken back: when the 5m are over about 4 "
                + "of 40 entries.")
        var bounds = accounts.configuration
        bounds.maxsize = 10
        let smaller = try await inspector.plan(.configure(cache: "accounts", to: bounds))
        #expect(
            smaller.undoNote(spread: .seconds(60))
                == "The bounds can be taken back at any time; of what goes only the last 30s can be "
                + "taken back: when the 1m are over about 15 of 30 entries.")
        let soft = try await inspector.plan(.soften([seen("1")]))
        #expect(soft.undoNote(spread: .seconds(300)) == nil)
        await miss("a")
        let failure = try await inspector.plan(.invalidate([seen("a")]))
        #expect(failure.undoNote(spread: .seconds(300)) == nil)
    }

    @Test func `more than is kept, and what is never kept, do not come back`() async throws {
        try accounts.update { $0.maxsize = 10_000 }
        let many = try await plan(entries: 5000)
        #expect(many.undoable == 4096)
        #expect(many.undoNote() == "Only 4096 of 5000 entries can be taken back, for 30s.")
        let outcome = try await inspector.apply(many.id, by: ann)
        #expect(outcome.removed == 5000)
        #expect(try await inspector.undo(many.id, by: ann).restored == many.undoable)
        let secrets = Cache<String, Sealed>("secrets", clock: clock.neverWaking) { _ in Sealed() }
        inspector.add(secrets) { _ in .null }
        secrets.insert(Sealed(), for: "a")
        let sealed = try await inspector.plan(.invalidateAll(cache: "secrets"))
        #expect(sealed.undoable == 0)
        #expect(sealed.undoNote() == "Nothing of what goes comes back.")
    }

    private struct Sealed: Sensitive {}
}
