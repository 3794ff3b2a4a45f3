import Foundation
import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import LarderInspector

@Suite struct ChangeTests {
    private let ann = Operator("ann", reason: "stale", uid: 7, pid: 8)
    private let engine = Engine(maxsize: 8)
    private var accounts: Cache<String, Account> { engine.accounts }
    private var inspector: LocalInspector { engine.inspector }

    init() {
        for number in 1...5 { accounts.insert(Account(name: "name"), for: "\(number)") }
    }

    @Test func `each is told with who, why, before and after`() async throws {
        let handed = Guarded<[ChangeRecord]>([])
        inspector.record { record in handed.withLock { $0.append(record) } }
        let plan = try await inspector.plan(
            .invalidate([seen("2"), seen("4", version: 77), seen("5")]))
        accounts.insert(Account(name: "new"), for: "5")
        _ = try await inspector.apply(plan.id, by: ann)
        _ = try await inspector.undo(plan.id, by: ann.because("sorry"))
        var smaller = accounts.configuration
        smaller.maxsize = 3
        let bounds = try await inspector.plan(.configure(cache: "accounts", to: smaller))
        _ = try await inspector.apply(bounds.id, by: ann)
        let changes = try await inspector.changes(after: 0)
        #expect(handed.withLock { $0 } == changes)
        #expect(changes.map(\.number) == [1, 2, 3])
        #expect(changes.map(\.what) == [.applied, .undone, .applied])
        #expect(changes.allSatisfy { $0.instance == inspector.instance })
        #expect(changes[0].by == ann.applying(plan.id))
        #expect(changes[0].entries.map(\.id.key) == ["2"] && changes[0].removed == 1)
        #expect(changes[0].skipped.map(\.id.key) == ["5"])
        #expect(changes[1].restored == 1 && changes[1].by.reason == "sorry")
        #expect(changes[2].bounds.map(\.before.maxsize) == [8])
        #expect(changes[2].bounds.map(\.after.maxsize) == [3])
        #expect(changes[2].summary == "accounts maxsize 8 -> 3 entries, 2 removed")
        #expect(try await inspector.changes(after: 2).map(\.number) == [3])
    }

    @Test func `what fails, or is cancelled, is told as well`() async throws {
        var other = accounts.configuration
        other.ttl = .seconds(10)
        let plan = try await inspector.plan(.configure(cache: "accounts", to: other))
        try accounts.update { $0.maxsize = 4 }
        await #expect(throws: InspectorError.self) {
            try await inspector.apply(plan.id, by: ann)
        }
        let paced = try await inspector.plan(.invalidateAll(cache: "accounts"))
        _ = try await inspector.apply(paced.id, PlanApplication(spread: .seconds(60)), by: ann)
        _ = try await inspector.cancel(paced.id, by: ann.because("enough"))
        let changes = try await inspector.changes(after: 0)
        #expect(changes.map(\.what) == [.failed, .began, .cancelled])
        #expect(changes[0].failure?.contains("plan the change again") == true)
        #expect(changes[2].by.reason == "enough")
    }

    @Test func `what begins names each cache of which something goes`() async throws {
        let role = Role("1", "reader")
        engine.credentials.insert(
            Credential(role: role, expiry: engine.clock.now + .seconds(900)), for: role)
        // More than a plan names.
        try accounts.update { $0.maxsize = 100 }
        for number in 6...30 { accounts.insert(Account(name: "name"), for: "\(number)") }
        let all: [Change] = ["accounts", "credentials"].map { .invalidateAll(cache: $0) }
        let paced = try await inspector.plan(.all(all))
        _ = try await inspector.apply(paced.id, PlanApplication(spread: .seconds(60)), by: ann)
        let began = try #require(try await inspector.changes(after: 0).first)
        #expect(began.what == .began)
        #expect(began.summary == "31 of accounts, credentials go, one by one")
        _ = try await inspector.cancel(paced.id, by: ann)
    }

    private struct Full: Error, CustomStringConvertible { var description = "the disk is full" }

    @Test func `what could not be written down is told to whoever made the change`() async throws {
        inspector.record { _ in throw Full() }
        let plan = try await inspector.plan(.invalidate([seen("2")]))
        let outcome = try await inspector.apply(plan.id, by: ann)
        #expect(outcome.removed == 1 && outcome.warning == "the disk is full")
        #expect(try await inspector.progress(of: plan.id).outcome.warning == "the disk is full")
        let back = try await inspector.undo(plan.id, by: ann)
        #expect(back.restored == 1 && back.warning == "the disk is full")
        let paced = try await inspector.plan(.invalidateAll(cache: "accounts"))
        let begun = try await inspector.apply(
            paced.id, PlanApplication(spread: .seconds(60)), by: ann)
        #expect(begun.warning == "the disk is full")
        #expect(try await inspector.cancel(paced.id, by: ann).outcome.warning != nil)
        var other = accounts.configuration
        other.ttl = .seconds(10)
        let late = try await inspector.plan(.configure(cache: "accounts", to: other))
        try accounts.update { $0.maxsize = 4 }
        let error = await #expect(throws: InspectorError.self) {
            try await inspector.apply(late.id, by: ann)
        }
        #expect(error?.description.hasSuffix("; the disk is full") == true)
    }

    @Test func `what has to be written down first is not done where that fails`() async throws {
        let handed = Guarded<[ChangeRecord]>([])
        let isFull = Guarded(true)
        inspector.record(intents: true) { record in
            if isFull.withLock({ $0 }) { throw Full() }
            handed.withLock { $0.append(record) }
        }
        let plan = try await inspector.plan(.invalidate([seen("2")]))
        await #expect(throws: InspectorError("the disk is full")) {
            try await inspector.apply(plan.id, by: ann)
        }
        #expect(accounts.snapshot().count == 5)
        #expect(try await inspector.changes(after: 0).isEmpty)
        isFull.withLock { $0 = false }
        // The plan is as good as before.
        #expect(try await inspector.apply(plan.id, by: ann).removed == 1)
        isFull.withLock { $0 = true }
        await #expect(throws: InspectorError("the disk is full")) {
            try await inspector.undo(plan.id, by: ann)
        }
        #expect(accounts.snapshot().count == 4)
        isFull.withLock { $0 = false }
        #expect(try await inspector.undo(plan.id, by: ann).restored == 1)
        let records = handed.withLock { $0 }
        #expect(records.map(\.what) == [.applying, .applied, .undoing, .undone])
        #expect(records.map(\.number) == [0, 1, 0, 2])
        #expect(records.allSatisfy { $0.instance == inspector.instance && $0.plan == plan.id })
        #expect(records[0].entries.map(\.id.key) == ["2"] && records[0].removed == 1)
        #expect(try await inspector.changes(after: 0).map(\.what) == [.applied, .undone])
    }

    @Test func `what is said to be about to be done has an end, whatever comes of it`()
        async throws
    {
        let handed = Guarded<[ChangeRecord]>([])
        inspector.record(intents: true) { record in handed.withLock { $0.append(record) } }
        func whats() -> [ChangeRecord.What] {
            handed.withLock { records in
                defer { records = [] }
                return records.map(\.what)
            }
        }
        let plan = try await inspector.plan(.invalidate([seen("2")]))
        _ = try await inspector.apply(plan.id, by: ann)
        _ = whats()
        // A second time nothing is about to be done.
        await #expect(throws: InspectorError.self) { try await inspector.apply(plan.id, by: ann) }
        await #expect(throws: InspectorError.self) { try await inspector.undo("no plan", by: ann) }
        #expect(whats() == [])
        _ = try await inspector.undo(plan.id, by: ann)
        #expect(whats() == [.undoing, .undone])
        await #expect(throws: InspectorError.self) { try await inspector.undo(plan.id, by: ann) }
        #expect(whats() == [])
        // What cannot go back any more is known only once it was tried.
        var other = accounts.configuration
        other.ttl = .seconds(10)
        let bounds = try await inspector.plan(.configure(cache: "accounts", to: other))
        _ = try await inspector.apply(bounds.id, by: ann)
        try accounts.update { $0.ttl = .seconds(4) }
        _ = whats()
        let error = await #expect(throws: InspectorError.self) {
            try await inspector.undo(bounds.id, by: ann)
        }
        let records = handed.withLock { $0 }
        #expect(records.map(\.what) == [.undoing, .failed])
        #expect(records.last?.failure == error.map { "not taken back: \($0)" })
        #expect(records.last?.number != 0)
    }

    @Test func `two that apply a plan at once say once that it is about to be done`()
        async throws
    {
        let handed = Guarded<[ChangeRecord.What]>([])
        inspector.record(intents: true) { record in handed.withLock { $0.append(record.what) } }
        for _ in 0..<200 {
            let plan = try await inspector.plan(.invalidateAll(cache: "accounts"))
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { [inspector, ann] in
                        _ = try? await inspector.apply(plan.id, by: ann)
                    }
                }
            }
        }
        let whats = handed.withLock { $0 }
        #expect(whats.count { $0 == .applying } == 200 && whats.count { $0 == .applied } == 200)
    }

    @Test func `whoever follows gets those of before and each new one`() async throws {
        let first = try await inspector.plan(.invalidate([seen("1")]))
        _ = try await inspector.apply(first.id, by: ann)
        var changes = inspector.follow(after: 0).makeAsyncIterator()
        #expect(try await changes.next()?.plan == first.id)
        let second = try await inspector.plan(.invalidate([seen("2")]))
        _ = try await inspector.apply(second.id, by: ann)
        #expect(try await changes.next()?.plan == second.id)
    }

    @Test func `what is marked as stale is told as that, and cannot be taken back`()
        async throws
    {
        let soft = try await inspector.apply(.soften([seen("1"), seen("3")]), by: ann)
        #expect(soft.removed == 2 && soft.softened == 2)
        let marked = try #require(try await inspector.changes(after: 0).last)
        #expect(
            marked.isSoft && marked.softened == 2 && marked.summary == "accounts: 2 marked stale")
        #expect(!marked.canUndo(at: engine.clock.now))
        await #expect(throws: InspectorError.self) {
            try await inspector.undo(marked.plan, by: ann)
        }
        _ = try await inspector.apply(.invalidate([seen("2")]), by: ann)
        let gone = try #require(try await inspector.changes(after: 0).last)
        #expect(!gone.isSoft && gone.softened == 0 && gone.summary == "accounts 2: 1 removed")
        #expect(gone.canUndo(at: engine.clock.now))
        #expect(!gone.canUndo(at: engine.clock.now + .seconds(30)))
        var bounds = accounts.configuration
        bounds.ttl = .seconds(600)
        let both = Change.all([.soften([seen("4")]), .configure(cache: "accounts", to: bounds)])
        _ = try await inspector.apply(both, by: ann)
        let last = try #require(try await inspector.changes(after: 0).last)
        #expect(last.summary == "accounts ttl 5m -> 10m, 1 marked stale" && !last.isSoft)
        #expect(last.canUndo(at: engine.clock.now + .seconds(3600)))
        // What can go back does.
        await #expect(throws: InspectorError.self) {
            try await inspector.undo(last.plan, by: ann)
        }
        let undone = try #require(try await inspector.changes(after: 0).last)
        #expect(undone.what == .undone && !undone.canUndo(at: engine.clock.now))
        let copy = try JSONDecoder().decode(
            ChangeRecord.self, from: JSONEncoder().encode(marked))
        #expect(copy.isSoft && copy.softened == 2)
    }

    @Test func `entries and events can be asked for by who changed them`() async throws {
        _ = try await inspector.apply(.soften([seen("3")]), by: ann)
        let gone = try await inspector.plan(.invalidate([seen("1"), seen("2")]))
        _ = try await inspector.apply(gone.id, by: Operator("bob", uid: 9))
        for (filter, keys) in [
            ("by=ann", ["3"]), ("by=7", ["3"]), ("by~stale", ["3"]), ("by=bob", []),
            ("not by=ann", ["4", "5"]), ("by!=7 and key=5", ["5"]),
        ] {
            let query = EntryQuery(filter: filter, sort: .key)
            #expect(try await inspector.keys(query) == keys, "\(filter)")
        }
        let log = try await inspector.events(in: "accounts", after: 0, limit: 100)
        for (text, count) in [
            ("by=bob", 2), ("by=9 and key=1", 1), ("state=invalidated", 2), ("state=written", 5),
            ("state=softened and by~ann", 1), ("state=fresh", 0), ("version=3", 2), ("by=8", 0),
        ] {
            let filter = try EntryFilter(text)
            let passed = log.events.filter { filter.passes($0, at: engine.clock.now) }
            #expect(passed.count == count, "\(text)")
        }
    }

    @Test func `an entry's history is told with it`() async throws {
        accounts.insert(Account(name: "again"), for: "2")
        _ = try await inspector.apply(.invalidate([seen("3")]), by: ann)
        let detail = try #require(
            try await inspector.entry(EntryKey(cache: "accounts", key: "2")))
        #expect(detail.history.map(\.kind.word) == [.written, .replaced, .written])
    }

    @Test func `bounds go back in their time, however much is changed meanwhile`() async throws {
        let inspector = LocalInspector("pantry", clock: engine.clock.ageClock)
        inspector.add(accounts)
        var other = accounts.configuration
        other.maxsize = 50
        let plan = try await inspector.plan(.configure(cache: "accounts", to: other))
        _ = try await inspector.apply(plan.id, PlanApplication(lasting: .seconds(600)), by: ann)
        for _ in 0..<100 { _ = try await inspector.apply(.invalidate([]), by: ann) }
        #expect(try await inspector.progress(of: plan.id).goesBack != nil)
        #expect(await settles { engine.clock.sleepers.contains(.seconds(600)) })
        engine.clock.advance(by: .seconds(600))
        #expect(await settles { accounts.configuration.maxsize == 8 })
    }

    @Test func `a change of several holds few, and none of several`() async throws {
        let one = Change.invalidateAll(cache: "accounts")
        #expect(try await inspector.plan(.all(Array(repeating: one, count: 16))).entries == 80)
        for change in [Change.all(Array(repeating: one, count: 17)), .all([.all([one])])] {
            await #expect(throws: InspectorError.self) { try await inspector.plan(change) }
        }
    }

    @Test func `what was marked as stale is not said to be taken back`() async throws {
        let plan = try await inspector.plan(.soften([seen("3")]))
        _ = try await inspector.apply(plan.id, by: ann)
        await #expect(throws: InspectorError.self) {
            try await inspector.undo(plan.id, by: ann)
        }
        #expect(try await inspector.changes(after: 0).map(\.what) == [.applied])
    }

    @Test func `what was taken back is not done on`() async throws {
        let inspector = LocalInspector("pantry", clock: engine.clock.ageClock)
        inspector.add(accounts)
        // An inspector waits for its next sample as well.
        #expect(await settles { engine.clock.sleepers.count == 1 })
        let plan = try await inspector.plan(.invalidateAll(cache: "accounts"))
        _ = try await inspector.apply(plan.id, PlanApplication(spread: .seconds(10)), by: ann)
        #expect(await settles { engine.clock.sleepers.count == 2 })
        engine.clock.advance(by: .seconds(5))
        #expect(await settles { accounts.snapshot().count == 3 })
        #expect(try await inspector.undo(plan.id, by: ann).restored == 2)
        #expect(await settles { engine.clock.sleepers.count == 1 })
        engine.clock.advance(by: .seconds(60))
        #expect(accounts.snapshot().count == 5)
        #expect(try await inspector.progress(of: plan.id).state == .undone)
    }

    @Test(arguments: [
        CacheConfiguration(maxsize: 0, ttl: .seconds(60)),
        CacheConfiguration(maxsize: 8, ttl: .zero),
        CacheConfiguration(maxsize: 8, maxbytes: 0, ttl: .seconds(60)),
    ])
    func `of what is not kept no fetch has it back`(bounds: CacheConfiguration) async throws {
        for number in 1...5 { _ = try await accounts.value(for: "\(number)") }
        let plan = try await inspector.plan(.configure(cache: "accounts", to: bounds))
        #expect(plan.entries == 5 && plan.fetches == 5 && plan.keepsNothing)
        #expect(plan.cost?.contains("back within") != true)
        let other = try await inspector.plan(.invalidateAll(cache: "accounts"))
        #expect(other.cost == "5 fetches to have them back within a minute")
    }

    @Test func `a first ttl is spread over the ages that there are`() {
        let all = CacheConfiguration(maxsize: 8, ttl: nil)
        var short = all
        short.ttl = .seconds(10)
        let bounds = Bounds(from: all, to: short, held: 5, bytes: 0, oldest: .seconds(70))
        #expect(bounds.isGradual)
        #expect(bounds.after(0).ttl == .seconds(70))
        #expect(bounds.after(Bounds.steps / 2).ttl == .seconds(40))
        #expect(bounds.after(Bounds.steps).ttl == .seconds(10))
        #expect(!Bounds(from: all, to: short, held: 5, bytes: 0, oldest: .seconds(9)).isGradual)
    }

    @Test func `fewer bytes are reached step by step`() {
        let all = CacheConfiguration(maxsize: nil, maxbytes: 8000, ttl: nil)
        var small = all
        small.maxbytes = 2000
        let bounds = Bounds(from: all, to: small, held: 50, bytes: 5000, oldest: .zero)
        #expect(bounds.isGradual)
        #expect(bounds.after(0).maxbytes == 5000)
        #expect(bounds.after(Bounds.steps / 2).maxbytes == 3500)
        #expect(bounds.after(Bounds.steps).maxbytes == 2000)
        #expect(!Bounds(from: all, to: small, held: 5, bytes: 1999, oldest: .zero).isGradual)
    }

    @Test func `tighter bounds say how many fetches a minute there will be`() async throws {
        for _ in 0..<30 {
            engine.clock.advance(by: .seconds(2))
            for key in ["1", "2"] { _ = try await accounts.value(for: key) }
        }
        var other = accounts.configuration
        other.ttl = .seconds(4)
        // Each is looked up every two seconds: one fetch in six seconds.
        let shorter = try await inspector.plan(.configure(cache: "accounts", to: other))
        #expect(shorter.perMinute == 20)
        other.ttl = .zero
        #expect(try await inspector.plan(.configure(cache: "accounts", to: other)).perMinute == 60)
        other.ttl = .seconds(900)
        #expect(try await inspector.plan(.configure(cache: "accounts", to: other)).perMinute == nil)
    }
}
