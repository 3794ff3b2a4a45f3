import Larder
import LarderTesting
import TestSupport
import Testing

@testable import LarderInspector

/// Whoever may look can make plans: what is kept of them is bounded.
@Suite struct `What is kept of plans` {
    private func names(_ range: Range<Int>, _ tail: String = "") -> [SeenEntry] {
        range.map { seen("a key that is not there, \($0)\(tail)") }
    }

    @Test func `is so much of each maker, and so much in all, and always the newest`()
        async throws
    {
        let inspector = Engine().inspector
        let large = names(0..<9000, String(repeating: ".", count: 1000))
        func plan(_ uid: UInt32) async throws -> Plan {
            try await inspector.plan(.invalidate(large), by: Operator("somebody", uid: uid))
        }
        let honest = try await inspector.plan(
            .invalidateAll(cache: "accounts"), by: Operator("ann", uid: 1))
        var last: [UInt32: Plan] = [:]
        for round in 0..<7 {
            for uid in [7, 8, 9] as [UInt32] {
                last[uid] = try await plan(uid)
                #expect(inspector.bytesOfPlans <= Plans.mostOfAll.bytes, "round \(round)")
            }
        }
        for plan in last.values { #expect(try await inspector.plan(known: plan.id) == plan) }
        // However much others make, it is there to be applied.
        _ = try await inspector.apply(honest.id, by: Operator("ann"))
        let other = Engine().inspector
        for _ in 0..<9 { _ = try await other.plan(.invalidate(large), by: Operator("bob", uid: 7)) }
        #expect(other.bytesOfPlans <= Plans.mostOfOne.bytes)
    }

    @Test func `is let go of after five minutes, which is said`() async throws {
        let engine = Engine()
        engine.accounts.insert(Account(name: "a"), for: "1")
        let (first, second) = (
            try await engine.inspector.plan(.invalidateAll(cache: "accounts")),
            try await engine.inspector.plan(.invalidate([seen("1")]))
        )
        engine.clock.advance(by: .seconds(299))
        #expect(try await engine.inspector.apply(first.id, by: Operator("ann")).removed == 1)
        engine.clock.advance(by: .seconds(1))
        let late = InspectorError(
            "this plan was made more than 5m ago and is forgotten; plan the change again")
        await #expect(throws: late) {
            try await engine.inspector.apply(second.id, by: Operator("ann"))
        }
        await #expect(throws: late) { try await engine.inspector.plan(known: second.id) }
        await #expect(throws: late) { try await engine.inspector.progress(of: second.id) }
        #expect(engine.inspector.bytesOfPlans == 0)
        // What was applied is known, and can be taken back, as long as ever.
        #expect(try await engine.inspector.progress(of: first.id).state == .done)
    }

    @Test func `names each entry once, as it was named first`() async throws {
        let engine = Engine()
        engine.accounts.insert(Account(name: "a"), for: "1")
        let twice = (0..<1000).map { seen("1", version: $0 == 0 ? 1 : 77) }
        for change in [Change.invalidate(twice), .soften(twice), .all([.invalidate(twice)])] {
            let plan = try await engine.inspector.plan(change)
            #expect(plan.change.named == 1 && plan.entries == 1 && plan.skipped.isEmpty)
        }
    }

    @Test func `names the first of what is left alone, and counts the rest`() async throws {
        let engine = Engine(maxsize: nil)
        for key in 0..<3 { engine.accounts.insert(Account(name: "a"), for: "\(key)") }
        let plan = try await engine.inspector.plan(.invalidate(names(0..<1500) + [seen("1")]))
        #expect(plan.skipped.count == 1000 && plan.unnamed == 500 && plan.entries == 1)
        for key in 0..<5000 { engine.accounts.insert(Account(name: "a"), for: "\(key)") }
        let all = try await engine.inspector.plan(.invalidateAll(cache: "accounts"))
        for key in 0..<5000 { engine.accounts.insert(Account(name: "b"), for: "\(key)") }
        let outcome = try await engine.inspector.apply(all.id, by: Operator("ann"))
        #expect(outcome.skipped.count == 1000 && outcome.unnamed == 4000)
        let record = try #require(try await engine.inspector.changes(after: 0).last)
        #expect(record.skipped.count == 1000 && record.summary.contains("5000 left alone"))
    }

    @Test func `is nothing where more is named than one change may`() async throws {
        let inspector = Engine().inspector
        let half = Change.invalidate(names(0..<60_000))
        await #expect(
            throws: InspectorError(
                "a change names 100000 entries at most, and this one 120000; narrow it, or "
                    + "invalidate the whole cache")
        ) { try await inspector.plan(.all([half, half])) }
        #expect(inspector.bytesOfPlans == 0)
    }

    @Test func `is nothing for those who may not change anything`() async throws {
        let engine = Engine()
        engine.accounts.insert(Account(name: "a"), for: "1")
        let plan = try await engine.inspector.preview(.invalidateAll(cache: "accounts"))
        #expect(plan.entries == 1 && engine.inspector.bytesOfPlans == 0)
        await #expect(throws: InspectorError.self) {
            try await engine.inspector.preview(.all([.invalidate([seen("1")])]))
        }
        await #expect(throws: InspectorError.self) {
            try await engine.inspector.apply(plan.id, by: Operator("ann"))
        }
    }

    @Test func `keeps to its bounds, whoever makes what and when`() {
        var random = Fuzz.random("kept plans")
        var plans = Plans()
        var now = AgeInstant(nanoseconds: 0)
        var last: [UInt32?: Plan.ID] = [:]
        // What goes is handed back, to be dropped where no lock is held.
        var handedBack: Set<Plan.ID> = []
        for number in 0..<min(Fuzz.count, 2000) {
            now = now + .milliseconds(Int64.random(in: 0..<20_000, using: &random))
            let maker = ([nil, 1, 2, 3, 4, 5, 6, 7] as [UInt32?]).randomElement(using: &random)!
            let tail = String(repeating: "x", count: Int.random(in: 0..<3000, using: &random))
            let change = Change.invalidate(
                names(0..<Int.random(in: 0..<1500, using: &random), tail)
            )
            let plan = Plan(
                id: "\(number)", instance: "", change: change, at: now, entries: 0, bytes: 0,
                victims: [], skipped: [])
            for gone in plans.add(plan, PreparedPlan([]), of: maker) {
                #expect(handedBack.insert(gone.plan.id).inserted)
            }
            #expect(handedBack.count + plans.count == number + 1)
            last = [maker: plan.id]
            #expect(plans.bytes <= Plans.mostOfAll.bytes)
            guard case .kept = plans.find(plan.id, at: now).0 else {
                Issue.record("the newest is not kept")
                return
            }
        }
        for id in last.values {
            let (found, old) = plans.find(id, at: now + Plans.life)
            handedBack.formUnion(old.map(\.plan.id))
            guard case .late = found else {
                Issue.record("\(id) is kept for too long")
                continue
            }
        }
        #expect(handedBack.count == min(Fuzz.count, 2000))
        #expect(plans.isEmpty)
    }

    @Test(arguments: [(500, true), (501, false), (100_000, false)])
    func `is no reason of more than 500 characters`(length: Int, isTaken: Bool) async throws {
        let engine = Engine()
        // Marks count as well: there may be any number of them on one letter.
        let reason = "e" + String(repeating: "\u{301}", count: length - 1)
        let plan = try await engine.inspector.plan(.invalidateAll(cache: "accounts"))
        let result = await Result {
            try await engine.inspector.apply(plan.id, by: Operator("ann", reason: reason))
        }
        #expect(((try? result.get()) != nil) == isTaken)
        guard case .failure(let error) = result else { return }
        #expect("\(error)" == "a reason has 500 characters at most, and this one \(length)")
        _ = try await engine.inspector.apply(plan.id, by: Operator("ann", reason: "short"))
    }

    @Test func `is read anew by a follower, however late it reads`() async throws {
        let engine = Engine()
        var follower = engine.inspector.follow(after: 0).makeAsyncIterator()
        for _ in 0..<300 {
            _ = try await engine.inspector.apply(.invalidateAll(cache: "accounts"))
        }
        // The 256 that are kept, from their first on.
        for number in 45...300 as ClosedRange<UInt64> {
            #expect(try await follower.next()?.number == number)
        }
        let next = Task { [inspector = engine.inspector] in
            try await inspector.apply(.invalidateAll(cache: "accounts"))
        }
        #expect(try await follower.next()?.number == 301)
        _ = try await next.value
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ work: () async throws -> Success) async {
        do { self = .success(try await work()) } catch { self = .failure(error) }
    }
}

@Suite struct `A search that takes too long` {
    @Test func `is given up whole, however many patterns it has`() async throws {
        let engine = Engine(maxsize: nil)
        for key in 0..<200 {
            engine.accounts.insert(
                Account(name: "a"), for: String(repeating: "a", count: 2000) + "\(key)")
        }
        let evil = (0..<100).map { "key~^(a+)+\($0)x$" }.joined(separator: " or ")
        for _ in 0..<2 {
            await #expect {
                try await engine.inspector.entries(EntryQuery(filter: evil))
            } throws: { "\($0)".contains("takes too long to search with") }
            await #expect {
                try await engine.inspector.matching(EntryQuery(filter: evil))
            } throws: { "\($0)".contains("takes too long to search with") }
        }
        #expect(try await engine.inspector.entries(EntryQuery(filter: "key~^a+7$")).matched == 1)
    }

    @Test func `is given up though no pattern is in it`() async throws {
        let engine = Engine(maxsize: nil)
        for key in 0..<3000 {
            engine.accounts.insert(
                Account(name: "a"), for: String(repeating: "a", count: 3000) + "\(key)")
        }
        let words = (0..<220).map { "aaaaaaa\($0)x" }.joined(separator: " or ")
        await #expect {
            try await engine.inspector.entries(EntryQuery(filter: words))
        } throws: { "\($0)".contains("takes too long to search with; write it simpler") }
    }
}
