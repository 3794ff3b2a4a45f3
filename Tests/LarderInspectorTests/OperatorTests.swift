import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import LarderInspector

/// Several who change the same engine at a time, and changes of several parts.
@Suite struct OperatorTests {
    private let ann = Operator("ann", reason: "room")
    private let clock = TestClock()
    private let accounts: Cache<String, Account>
    private let orders: Cache<String, Account>
    private let inspector: LocalInspector

    init() {
        func cache(_ name: String, _ clock: TestClock) -> Cache<String, Account> {
            let cache = Cache<String, Account>(
                name, maxsize: 120, ttl: .seconds(3000), events: 1 << 16, clock: clock.neverWaking
            ) { Account(name: $0) }
            for number in 0..<120 { cache.insert(Account(name: "a"), for: "\(number)") }
            return cache
        }
        accounts = cache("accounts", clock)
        orders = cache("orders", clock)
        inspector = LocalInspector("pantry", clock: clock.ageClock)
        inspector.add(accounts)
        inspector.add(orders)
    }

    private func bounds(_ cache: Cache<String, Account>, maxsize: Int) -> Change {
        var bounds = cache.configuration
        bounds.maxsize = maxsize
        return .configure(cache: cache.name, to: bounds)
    }

    private func apply(_ change: Change, _ how: PlanApplication = PlanApplication()) async throws
        -> Plan.ID
    {
        let plan = try await inspector.plan(change)
        _ = try await inspector.apply(plan.id, how, by: ann)
        return plan.id
    }

    private var last: ChangeRecord {
        get async throws { try #require(try await inspector.changes(after: 0).last) }
    }

    private func turn(_ seconds: Int) async {
        #expect(await settles { clock.sleepers.count > 1 })
        clock.advance(by: .seconds(seconds))
    }

    @Test func `bounds that somebody else sets end those that are on their way`() async throws {
        let plan = try await apply(
            bounds(accounts, maxsize: 60), PlanApplication(spread: .seconds(60)))
        await turn(30)
        #expect(await settles { accounts.configuration.maxsize == 90 })
        try accounts.update { $0.ttl = .seconds(2000) }
        await turn(10)
        #expect(try await settles { try await last.what == .failed })
        #expect(
            accounts.configuration.maxsize == 90 && accounts.configuration.ttl == .seconds(2000))
        let record = try await last
        #expect(record.what == .failed && record.removed == 30 && record.entries.count == 30)
        #expect(record.bounds.map(\.before.maxsize) == [120])
        #expect(record.bounds.map(\.after.maxsize) == [90])
        #expect(record.failure?.contains("accounts were changed since by someone else") == true)
        // What it has set goes back, and what the other has set stays.
        #expect(try await inspector.undo(plan, by: ann).restored == 30)
        #expect(
            accounts.configuration.maxsize == 120 && accounts.configuration.ttl == .seconds(2000))
        #expect(try await inspector.changes(after: 0).map(\.what) == [.began, .failed, .undone])
    }

    @Test func `a bound goes back by itself, though another one was set meanwhile`() async throws {
        var shorter = accounts.configuration
        shorter.ttl = .seconds(60)
        let plan = try await apply(
            .configure(cache: "accounts", to: shorter), PlanApplication(lasting: .seconds(600)))
        try accounts.update { $0.maxsize = 300 }
        let way = try await inspector.plan(undoing: plan)
        #expect(way.before?.maxsize == 300 && way.takesBack?.problems == [])
        await turn(600)
        #expect(await settles { accounts.configuration.ttl == .seconds(3000) })
        #expect(accounts.configuration.maxsize == 300)
        #expect(try await settles { try await last.what == .undone })
        let record = try await last
        #expect(record.failure == nil && record.bounds.map(\.before.maxsize) == [300])
        #expect(record.bounds.map(\.after.maxsize) == [300])
    }

    @Test func `of two that were set for a while on each other nothing stays`() async throws {
        func ttl(_ seconds: Int, for time: Int?) async throws -> Plan.ID {
            var new = accounts.configuration
            new.ttl = .seconds(seconds)
            let how = PlanApplication(lasting: time.map { .seconds($0) })
            return try await apply(.configure(cache: "accounts", to: new), how)
        }
        _ = try await ttl(1000, for: 10)
        _ = try await ttl(500, for: 20)
        #expect(await settles { clock.sleepers.count > 2 })
        clock.advance(by: .seconds(10))
        #expect(try await settles { try await last.what == .failed })
        #expect(accounts.configuration.ttl == .seconds(500))
        await turn(10)
        #expect(await settles { accounts.configuration.ttl == .seconds(3000) })
        // Nor does what was set for good on top of one bring it back.
        _ = try await ttl(1000, for: 10)
        let lasting = try await ttl(500, for: nil)
        await turn(10)
        #expect(try await settles { try await inspector.changes(after: 0).count == 7 })
        #expect(try await inspector.plan(undoing: lasting).before?.ttl == .seconds(500))
        _ = try await inspector.undo(lasting, by: ann)
        #expect(accounts.configuration.ttl == .seconds(3000))
    }

    @Test func `of two bounds the one goes back that nobody else has set`() async throws {
        var both = accounts.configuration
        (both.ttl, both.maxsize) = (.seconds(60), 200)
        let plan = try await apply(.configure(cache: "accounts", to: both))
        try accounts.update { $0.ttl = .seconds(90) }
        let why = "ttl of accounts was changed since by someone else"
        let way = try await inspector.plan(undoing: plan)
        #expect(way.takesBack?.problems == [why])
        let error = await #expect(throws: InspectorError.self) {
            try await inspector.undo(plan, by: ann)
        }
        #expect(error?.description == "not all was taken back: \(why)")
        #expect(
            accounts.configuration.maxsize == 120 && accounts.configuration.ttl == .seconds(90))
        // What the other has set is the other's from then on, whatever it is.
        #expect(try await inspector.progress(of: plan).state == .undone)
        try accounts.update { $0.ttl = .seconds(60) }
        await #expect(throws: InspectorError.self) { try await inspector.undo(plan, by: ann) }
        #expect(accounts.configuration.ttl == .seconds(60))
    }

    @Test func `bounds that are as before already bring their entries back`() async throws {
        let plan = try await apply(bounds(accounts, maxsize: 100))
        try accounts.update { $0.maxsize = 120 }
        #expect(try await inspector.plan(undoing: plan).takesBack?.entries == 20)
        #expect(try await inspector.undo(plan, by: ann).restored == 20)
        #expect(accounts.configuration.maxsize == 120)
        #expect(try await last.bounds.isEmpty)
    }

    @Test func `a jitter that was set meanwhile keeps its ttl, and the rest goes back`()
        async throws
    {
        try accounts.update { $0.ttl = nil }
        var both = accounts.configuration
        (both.ttl, both.maxsize) = (.seconds(300), 200)
        let plan = try await apply(.configure(cache: "accounts", to: both))
        try accounts.update { $0.jitter = 0.1 }
        await #expect(throws: InspectorError.self) { try await inspector.undo(plan, by: ann) }
        #expect(accounts.configuration.maxsize == 120)
        #expect(accounts.configuration.ttl == .seconds(300))
        #expect(accounts.configuration.jitter == 0.1)
    }

    @Test func `of a second cache of a name it is said that its bounds were changed`() async throws
    {
        let second = Cache<String, Account>("accounts", maxsize: 10, clock: clock.neverWaking) {
            Account(name: $0)
        }
        inspector.add(second)
        var new = second.configuration
        new.maxsize = 5
        let plan = try await inspector.plan(.configure(cache: "accounts-2", to: new))
        try second.update { $0.maxsize = 7 }
        let error = await #expect(throws: InspectorError.self) {
            try await inspector.apply(plan.id, by: ann)
        }
        #expect(error?.description.contains("were changed since; plan the change again") == true)
    }

    @Test func `a part that fails leaves a record of the others, and those can be taken back`()
        async throws
    {
        let plan = try await inspector.plan(
            .all([bounds(accounts, maxsize: 100), bounds(orders, maxsize: 100)]))
        try orders.update { $0.maxsize = 110 }
        let error = await #expect(throws: InspectorError.self) {
            try await inspector.apply(plan.id, by: ann)
        }
        #expect(error?.description.contains("the bounds of orders were changed since") == true)
        #expect(error?.description.contains("done to accounts") == true)
        var record = try await last
        #expect(record.what == .failed && record.removed == 20)
        #expect(record.bounds.map(\.cache) == ["accounts"])
        #expect(Set(record.entries.map(\.id.cache)) == ["accounts"])
        #expect(try await inspector.undo(plan.id, by: ann).restored == 20)
        #expect(accounts.configuration.maxsize == 120 && orders.configuration.maxsize == 110)
        record = try await last
        #expect(record.what == .undone && record.restored == 20 && record.failure == nil)
        #expect(record.bounds.map(\.cache) == ["accounts"])
    }

    @Test func `a part that cannot go back is named, and the rest is taken back`() async throws {
        let plan = try await apply(
            .all([
                bounds(accounts, maxsize: 100), bounds(orders, maxsize: 100),
                .invalidate([seen("119", in: "accounts")]),
            ]))
        try orders.update { $0.maxsize = 110 }
        let error = await #expect(throws: InspectorError.self) {
            try await inspector.undo(plan, by: ann)
        }
        #expect(
            error?.description
                == "not all was taken back: the bounds of orders were changed since by someone else"
        )
        #expect(accounts.configuration.maxsize == 120 && orders.configuration.maxsize == 110)
        #expect(accounts.peek("119") != nil && accounts.snapshot().count == 120)
        let record = try await last
        #expect(record.what == .undone && record.restored == 21)
        #expect(record.bounds.map(\.cache) == ["accounts"])
        #expect(record.failure?.contains("orders") == true)
        // Once the other has gone back, so can the rest: and only that.
        try orders.update { $0.maxsize = 100 }
        _ = try await inspector.undo(plan, by: ann)
        #expect(orders.configuration.maxsize == 120)
        #expect(try await inspector.progress(of: plan).state == .undone)
        await #expect(throws: InspectorError.self) { try await inspector.undo(plan, by: ann) }
    }

    @Test func `bounds that cannot go back by themselves say so, and their plan ends`()
        async throws
    {
        let plan = try await apply(
            bounds(accounts, maxsize: 200), PlanApplication(lasting: .seconds(600)))
        #expect(await settles { clock.sleepers.count > 1 })
        try accounts.update { $0.maxsize = 300 }
        clock.advance(by: .seconds(600))
        #expect(try await settles { try await inspector.progress(of: plan).goesBack == nil })
        #expect(try await settles { try await inspector.changes(after: 0).count == 2 })
        #expect(accounts.configuration.maxsize == 300)
        let record = try await last
        #expect(record.what == .failed && record.removed == 0 && record.bounds.isEmpty)
        #expect(record.failure?.contains("bounds did not go back") == true)
        #expect(record.by.reason == "back after the time that was given")
        for _ in 0..<64 { _ = try await apply(.invalidate([])) }
        await #expect(throws: InspectorError.self) { try await inspector.progress(of: plan) }
    }

    @Test func `only bounds go back by themselves, of all caches of a change`() async throws {
        _ = try await apply(
            .all([
                bounds(accounts, maxsize: 200), bounds(orders, maxsize: 300),
                .invalidate([seen("5")]),
            ]), PlanApplication(lasting: .seconds(10)))
        await turn(10)
        #expect(
            await settles {
                accounts.configuration.maxsize == 120 && orders.configuration.maxsize == 120
            })
        #expect(accounts.peek("5") == nil)
        #expect(try await settles { try await last.what == .undone })
        let record = try await last
        #expect(record.bounds.count == 2 && record.restored == 0)
    }

    @Test func `a change of several caches that is stopped half-way goes back as far as it came`()
        async throws
    {
        let plan = try await apply(
            .all([bounds(accounts, maxsize: 60), bounds(orders, maxsize: 60)]),
            PlanApplication(spread: .seconds(120)))
        await turn(90)
        #expect(await settles { orders.configuration.maxsize == 90 })
        #expect(accounts.configuration.maxsize == 60)
        _ = try await inspector.cancel(plan, by: ann)
        var record = try await last
        #expect(record.what == .cancelled && record.removed == 90)
        #expect(record.bounds.map(\.after.maxsize) == [60, 90])
        #expect(try await inspector.undo(plan, by: ann).restored == 90)
        #expect(accounts.configuration.maxsize == 120 && orders.configuration.maxsize == 120)
        record = try await last
        #expect(record.what == .undone && record.restored == 90)
        #expect(record.bounds.map(\.before.maxsize) == [90, 60])
    }

    @Test func `what going back removes is told`() async throws {
        let plan = try await apply(bounds(accounts, maxsize: 200))
        for number in 200..<250 { accounts.insert(Account(name: "b"), for: "\(number)") }
        let outcome = try await inspector.undo(plan, by: ann)
        #expect(outcome.removed == 50 && accounts.snapshot().count == 120)
        let record = try await last
        #expect(record.removed == 50 && record.entries.count == 50)
        #expect(record.summary == "accounts maxsize 200 -> 120 entries, 50 removed")
    }

    @Test func `a change of several changes the bounds of a cache once`() async throws {
        await #expect(throws: InspectorError.self) {
            try await inspector.plan(
                .all([bounds(accounts, maxsize: 5), bounds(accounts, maxsize: 6)]))
        }
    }

    @Test func `what is kept of plans has so many bytes, and the newest is one of them`() {
        var shelf = KeptApplied<Int>(most: 4, mostBytes: 100)
        for number in 0..<10 { shelf.add(number, of: 30, for: "\(number)") }
        #expect(shelf.all.sorted() == [7, 8, 9] && shelf.bytes == 90)
        shelf.add(10, of: 1000, for: "10")
        #expect(shelf.all.sorted() == [10] && shelf.bytes == 1000)
        shelf.add(11, of: 1, for: "11") { $0 != 10 }
        #expect(shelf.all.sorted() == [10, 11])
        shelf.weigh("10", 5)
        for number in 12..<20 { shelf.add(number, of: 1, for: "\(number)") }
        #expect(shelf.all.sorted() == [16, 17, 18, 19] && shelf.bytes == 4)
        shelf.remove("17")
        #expect(shelf["17"] == nil && shelf.bytes == 3)
    }

    @Test func `what an application held on to is let go of once it has ended`() async throws {
        let prepared = PreparedPlan([
            Part(
                cache: "accounts", entries: 2, bytes: 2, first: [], weight: 200 << 20, units: 2,
                run: { _, _, _ in Step() }, undo: { _, _, _, _ in Step() })
        ])
        let applied = AppliedPlans(clock: clock.ageClock, changes: ChangeLog(instance: "1"))
        let paced = PlanApplication(spread: .seconds(60))
        _ = try applied.apply("a", prepared, paced, by: ann)
        // Two of these under way would take too much.
        #expect(throws: InspectorError.self) { try applied.check(prepared, paced) }
        _ = applied.cancel("a", by: ann)
        try applied.check(prepared, paced)
        for number in 0..<60 {
            _ = try applied.apply("\(number)", prepared, PlanApplication(), by: ann)
        }
        #expect(applied.progress(of: "a")?.state == .cancelled)
    }

    // MARK: At random

    /// Two who plan, apply, stop, take back and set bounds directly, while time goes on.
    @Test(arguments: 0..<24 as Range<UInt64>)
    func `whatever two operators do, nobody overwrites what he did not see`(seed: UInt64)
        async throws
    {
        var random = Seeded(seed)
        var world = World(
            caches: [accounts, orders], inspector: inspector, clock: clock)
        inspector.record { [told = world.told] record in told.withLock { $0.append(record) } }
        for step in 0..<120 {
            try await world.act(&random)
            #expect(await world.rests, "seed \(seed), step \(step): something never comes to rest")
            try await world.check("seed \(seed), step \(step)")
        }
    }
}

/// What two operators see of an engine, and what they may rely upon.
private struct World {
    let caches: [Cache<String, Account>]
    let inspector: LocalInspector
    let clock: TestClock
    let told = Told()
    private let actors = [Operator("ann"), Operator("bob")]
    private var plans: [Plan] = []
    private var applied: [Plan.ID] = []
    /// Entries that left because bounds were set past the inspector.
    private var removedDirectly = 0

    final class Told: Sendable {
        private let records = Guarded<[ChangeRecord]>([])
        func withLock<Result: Sendable>(_ work: (inout sending [ChangeRecord]) -> Result) -> Result
        {
            records.withLock { work(&$0) }
        }
    }

    init(caches: [Cache<String, Account>], inspector: LocalInspector, clock: TestClock) {
        self.caches = caches
        self.inspector = inspector
        self.clock = clock
    }

    mutating func act(_ random: inout Seeded) async throws {
        let actor = actors.randomElement(using: &random)!
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1:
            plans.append(try await inspector.plan(change(&random)))
        case 2, 3, 4:
            if plans.isEmpty || Bool.random(using: &random) {
                plans.append(try await inspector.plan(change(&random)))
            }
            let plan = plans.remove(at: .random(in: 0..<plans.count, using: &random))
            var how = PlanApplication()
            if Bool.random(using: &random) { how.spread = .seconds(6) }
            if Int.random(in: 0..<3, using: &random) == 0 { how.lasting = .seconds(10) }
            applied.append(plan.id)
            _ = try? await inspector.apply(plan.id, how, by: actor)
        case 5:
            guard let plan = applied.randomElement(using: &random) else { return }
            _ = try? await inspector.cancel(plan, by: actor)
        case 6, 7:
            guard let plan = applied.randomElement(using: &random) else { return }
            _ = try? await inspector.undo(plan, by: actor)
        case 8:
            let before = evictions
            let maxsize = Int.random(in: 20...140, using: &random)
            let ttl = Int.random(in: 2000...3000, using: &random)
            let isOfTime = Int.random(in: 0..<3, using: &random) == 0
            try caches.randomElement(using: &random)!.update(by: actor) {
                if isOfTime { $0.ttl = .seconds(ttl) } else { $0.maxsize = maxsize }
            }
            removedDirectly += evictions - before
        case 9:
            for _ in 0..<20 {
                caches.randomElement(using: &random)!.insert(
                    Account(name: "x"), for: "\(Int.random(in: 0..<200, using: &random))")
            }
        default: clock.advance(by: .milliseconds(.random(in: 50...3000, using: &random)))
        }
    }

    private func change(_ random: inout Seeded) -> Change {
        func bounds(_ cache: Cache<String, Account>) -> Change {
            var bounds = cache.configuration
            bounds.maxsize = .random(in: 20...140, using: &random)
            bounds.ttl = [.seconds(2000), .seconds(3000)].randomElement(using: &random)!
            return .configure(cache: cache.name, to: bounds)
        }
        let some = (0..<9).map { _ in
            SeenEntry(
                id: EntryKey(
                    cache: caches.randomElement(using: &random)!.name,
                    key: "\(Int.random(in: 0..<200, using: &random))"), version: nil)
        }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return bounds(caches[0])
        case 1: return .invalidate(some)
        case 2: return .all([bounds(caches[0]), bounds(caches[1])])
        case 3: return .all([.invalidate(some), bounds(caches[1])])
        default: return .all([bounds(caches[1]), .invalidateAll(cache: "accounts")])
        }
    }

    /// Everything that is under way, or waits to go back, sleeps.
    var rests: Bool {
        get async {
            await settles {
                var live = 0
                for plan in applied {
                    let progress = try? await inspector.progress(of: plan)
                    if progress?.state == .underWay || progress?.goesBack != nil { live += 1 }
                }
                // The inspector sleeps until its next sample as well.
                return clock.sleepers.count == live + 1
            }
        }
    }

    /// Entries that left for bounds, and not for the room of another.
    private var evictions: Int {
        caches.reduce(0) { $0 + removals(of: $1) { $0.rival == nil && $1 == .evicted } }
    }

    private func removals(
        of cache: Cache<String, Account>, where counts: (CacheEvent<String>, RemovalCause) -> Bool
    ) -> Int {
        cache.events(after: 0).events.count { event in
            if case .removed(let cause, _, _, _) = event.kind {
                counts(event, cause)
            } else {
                false
            }
        }
    }

    /// Whether all that left is told of; what is under way is told of in the end.
    private var isTold: Bool {
        get async {
            var removed = told.withLock { $0.reduce(0) { $0 + $1.removed } }
            for plan in applied {
                guard let progress = try? await inspector.progress(of: plan) else { continue }
                if progress.state == .underWay { removed += progress.outcome.removed }
            }
            let invalidated = caches.reduce(0) {
                $0 + removals(of: $1) { _, why in why == .invalidated }
            }
            return removed == evictions + invalidated - removedDirectly
        }
    }

    func check(_ place: String) async throws {
        // A plan has ended a moment before that is told.
        #expect(await settles { await isTold }, "\(place): what was removed is told")
        let records = told.withLock { $0 }
        for cache in caches { checkBounds(of: cache, place) }
        for plan in applied {
            guard let progress = try? await inspector.progress(of: plan), progress.state == .done,
                let known = try? await inspector.plan(known: plan)
            else { continue }
            let record = records.first { $0.plan == plan && $0.what == .applied }
            #expect(record?.bounds.map(\.after) == known.change.bounds, "\(place): bounds are told")
        }
    }

    /// Every change of bounds begins where the one before ended, and what a step of a plan changes is
    /// what its own last one has set.
    private func checkBounds(of cache: Cache<String, Account>, _ place: String) {
        var now: CacheConfiguration?
        var own: [String: CacheConfiguration] = [:]
        for event in cache.events(after: 0).events {
            guard case .configured(let from, let to) = event.kind else { continue }
            #expect(now == nil || now == from, "\(place): nothing lies between")
            if let plan = event.by?.plan {
                var known = own[plan] ?? from
                #expect(
                    (from.maxsize == to.maxsize || from.maxsize == known.maxsize)
                        && (from.ttl == to.ttl || from.ttl == known.ttl),
                    "\(place): another's are overwritten")
                if from.maxsize != to.maxsize { known.maxsize = to.maxsize }
                if from.ttl != to.ttl { known.ttl = to.ttl }
                own[plan] = known
            }
            now = to
        }
        #expect(now == nil || now == cache.configuration, "\(place): the last are those there are")
    }
}

extension Change {
    fileprivate var bounds: [CacheConfiguration] {
        switch self {
        case .configure(_, let to): [to]
        case .all(let changes): changes.flatMap(\.bounds)
        default: []
        }
    }
}
