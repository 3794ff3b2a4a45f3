import Larder
@testable import LarderInspector
import Synchronization
import TestSupport
import Testing

@testable import LarderConsole

@Suite struct `The collector` {
    private final class Looks: Sendable {
        private let looks = Mutex<[Look]>([])

        func post(_ message: Message) {
            if case .looked(let look) = message { looks.withLock { $0.append(look) } }
        }

        /// The look after so many.
        func next(after count: Int) async -> Look? {
            for _ in 0..<500 {
                if let look = looks.withLock({ $0.count > count ? $0[count] : nil }) { return look }
                try? await Task.sleep(for: .milliseconds(10))
            }
            return nil
        }
    }

    @Test func `brings each event once, the latest of too many, and says how many it left out`()
        async throws
    {
        let cache = Cache<String, String>("accounts", maxsize: 10) { $0 }
        let inspector = LocalInspector("engine")
        inspector.add(cache) { .text($0) }
        let looks = Looks()
        let collector = Collector(inspector, actor: Actor("test")) { looks.post($0) }
        defer { collector.stop() }
        let request = Collector.Request(
            query: Query(), entry: nil, view: .entries, largest: Query(), underWay: nil,
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
}
