import Larder
import LarderTesting
@testable import LarderInspector
import TestSupport
import Testing

@Suite struct `A plan to take back` {
    private let clock = TestClock()
    private let accounts: Cache<String, String>
    private let inspector: LocalInspector
    private let ann = Operator("ann")

    init() {
        accounts = Cache("accounts", maxsize: 64, ttl: .seconds(300), clock: clock.ageClock) {
            "\($0)"
        }
        inspector = LocalInspector("test", clock: clock.ageClock)
        inspector.add(accounts) { .text($0) }
    }

    private func fill(_ numbers: Range<Int>) {
        for number in numbers { accounts.insert("a", for: "\(number)") }
    }

    private func apply(_ change: Change) async throws -> Plan.ID {
        let plan = try await inspector.plan(change)
        _ = try await inspector.apply(plan.id, by: ann)
        return plan.id
    }

    private func bounds(_ change: (inout CacheConfiguration) -> Void) -> Change {
        var new = accounts.configuration
        change(&new)
        return .configure(cache: "accounts", to: new)
    }

    @Test func `names what has to go for it, and that is what goes`() async throws {
        fill(0..<64)
        let plan = try await apply(bounds { $0.maxsize = 128 })
        fill(64..<85)
        let back = try await inspector.plan(undoing: plan)
        #expect(back.id == plan && back.entries == 21 && back.takesBack?.entries == 0)
        #expect(back.victims.map(\.id.key) == (0..<20).map { "\($0)" })
        #expect(back.before?.maxsize == 128)
        #expect(accounts.snapshot().count == 85, "nothing is changed")
        let outcome = try await inspector.undo(plan, by: ann)
        #expect(outcome.removed == 21)
        #expect((0..<21).allSatisfy { accounts.peek("\($0)") == nil })
    }

    @Test func `of a longer ttl tells the fetches to come`() async throws {
        fill(0..<10)
        let plan = try await apply(bounds { $0.ttl = .seconds(3600) })
        clock.advance(by: .seconds(400))
        for number in 0..<10 { _ = accounts.cached("\(number)") }
        let back = try await inspector.plan(undoing: plan)
        #expect(back.entries == 10 && back.fetches == 10 && back.perMinute != nil)
        // To go back to a longer one fetches nothing.
        _ = try await inspector.undo(plan, by: ann)
        let shorter = try await apply(bounds { $0.ttl = .seconds(10) })
        let longer = try await inspector.plan(undoing: shorter)
        #expect(longer.fetches == 0 && longer.perMinute == nil)
    }

    @Test func `tells what comes back, less what was fetched again, and nothing after its time`()
        async throws
    {
        fill(0..<10)
        let seen = (0..<4).map {
            SeenEntry(id: EntryKey(cache: "accounts", key: "\($0)"), version: nil)
        }
        let plan = try await apply(.invalidate(seen))
        #expect(try await inspector.plan(undoing: plan).takesBack?.entries == 4)
        fill(0..<1)
        let back = try await inspector.plan(undoing: plan)
        #expect(back.takesBack?.entries == 3 && back.entries == 0 && back.before == nil)
        clock.advance(by: .seconds(31))
        #expect(try await inspector.plan(undoing: plan).takesBack?.entries == 0)
    }

    @Test func `is refused where taking back would be`() async throws {
        fill(0..<4)
        let plan = try await apply(bounds { $0.maxsize = 2 })
        try accounts.update { $0.maxsize = 3 }
        let error = await #expect(throws: InspectorError.self) {
            try await inspector.plan(undoing: plan)
        }
        #expect(error?.description == "the bounds of accounts were changed since by someone else")
        try accounts.update { $0.maxsize = 2 }
        _ = try await inspector.undo(plan, by: ann)
        await #expect(throws: InspectorError.self) { try await inspector.plan(undoing: plan) }
        await #expect(throws: InspectorError.self) { try await inspector.plan(undoing: "none") }
    }

    @Test func `says what taking back then does, whatever happened meanwhile`() async throws {
        var random = Seeded(5)
        for _ in 0..<300 {
            let start = Int.random(in: 1...40, using: &random)
            _ = accounts.invalidateAll()
            var usual = CacheConfiguration(maxsize: start, ttl: .seconds(300))
            _ = try accounts.configure(usual)
            fill(0..<Int.random(in: 0...60, using: &random))
            usual.maxsize = .random(in: 1...60, using: &random)
            guard usual.maxsize != start else { continue }
            let plan = try await apply(.configure(cache: "accounts", to: usual))
            let first = Int.random(in: 0...60, using: &random)
            fill(first..<first + Int.random(in: 0...20, using: &random))
            if Bool.random(using: &random) { clock.advance(by: .seconds(20)) }
            let said = try await inspector.plan(undoing: plan)
            let done = try await inspector.undo(plan, by: ann)
            #expect(done.removed == said.entries && done.restored == said.takesBack?.entries)
        }
    }
}

@Suite struct `A ttl of a bare number` {
    @Test(arguments: ["1", "45", "300", "007"])
    func `is in seconds`(text: String) throws {
        #expect(try Units.ttl(text) == .seconds(Int(text)!))
    }

    @Test(arguments: ["0", "", "-1", "1.5", "3e2", "٣", "99999999999999999999", "300 "])
    func `that is none is refused with what would be accepted`(text: String) {
        #expect { try Units.ttl(text) } throws: { "\($0)".contains("off") }
    }
}
