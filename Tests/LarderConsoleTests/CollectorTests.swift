import Larder
@testable import LarderInspector
import Synchronization
import TestSupport
import Testing

@testable import LarderConsole

@Suite struct `The collector` {
    private final class Looks: Sendable {
        private let looks = Guarded<[Look]>([])

        func post(_ message: Message) {
            if case .looked(let look) = message { looks.withLock { $0.append(look) } }
        }

        /// The look after so many.
        func next(after count: Int) async -> Look? {
            _ = await settles { looks.withLock { $0.count } > count }
            return looks.withLock { $0.count > count ? $0[count] : nil }
        }
    }

    @Test func `brings each event once, the latest of too many, and says how many it left out`()
        async throws
    {
        let cache = Cache<String, String>("accounts", maxsize: 10) { $0 }
        let inspector = LocalInspector("engine")
        inspector.add(cache) { .text($0) }
        let looks = Looks()
        let collector = Collector(inspector, actor: Operator("test")) { looks.post($0) }
        defer { collector.stop() }
        let request = Collector.Request(
            query: EntryQuery(), entry: nil, view: .entries, largest: EntryQuery(), underWay: nil,
            everything: true)
        var number: UInt64 = 0
        // What is there comes first, and then what happened before.
        collector.ask(request)
        #expect(try #require(await looks.next(after: 0)).events.isEmpty)
        _ = try #require(await looks.next(after: 1))
        for (round, written) in [1000, 0, 3, 0, 2000, 5].enumerated() {
            for place in 0..<written { cache.insert("x", for: "\(round)-\(place)") }
            collector.ask(request)
            let look = try #require(await looks.next(after: round + 2))
            let log = try await inspector.events(in: "accounts", after: 0, limit: 1_000_000)
            let numbers = look.events.map(\.number)
            #expect(UInt64(numbers.count) + look.dropped == log.last - number)
            #expect(numbers == Array((log.last - UInt64(numbers.count) + 1)..<(log.last + 1)))
            number = log.last
        }
    }

    /// The plan of all that passes, and how many were written since the table was drawn.
    private final class Plans: Sendable {
        private let plans = Guarded<[(Plan, Int)]>([])

        func post(_ message: Message) {
            if case .plannedMatching(let plan, let left) = message {
                plans.withLock { $0.append((plan, left)) }
            }
        }

        func first() async -> (plan: Plan, left: Int)? {
            _ = await settles { plans.withLock { !$0.isEmpty } }
            return plans.withLock { $0.first }
        }
    }

    @Test(arguments: [3, 40])
    func `plans for all that passes what was there when it was drawn, and counts the rest`(
        count: Int
    ) async throws {
        let cache = Cache<String, String>("accounts", maxsize: 100) { $0 }
        let inspector = LocalInspector("engine")
        inspector.add(cache) { .text($0) }
        for number in 0..<count { cache.insert("x", for: "k\(number)") }
        let drawn = try await inspector.report().at
        // The coarse clock ticks.
        while try await inspector.report().at <= drawn { await Task.yield() }
        cache.insert("y", for: "k1")
        cache.insert("y", for: "knew")
        cache.insert("y", for: "other")
        let plans = Plans()
        let collector = Collector(inspector, actor: Operator("test")) { plans.post($0) }
        defer { collector.stop() }
        collector.planMatching(EntryQuery(filter: "k"), drawn: drawn)
        let (plan, left) = try #require(await plans.first())
        #expect(plan.entries == count - 1 && left == 2)
        guard case .invalidate(let seen) = plan.change else {
            Issue.record("it is another change")
            return
        }
        #expect(!seen.contains { ["k1", "knew", "other"].contains($0.id.key) })
    }
}
