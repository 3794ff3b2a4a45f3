import Foundation
import Larder
import LarderInspector
import LarderTesting
import Testing

private struct Customer: Sendable, Inspectable {
    var number: Int
    var credit: Double
    var token: String

    var shown: Shown { ["number": number.shown, "credit": credit.shown, "token": .masked] }
}

private struct OrderKey: Hashable, Sendable {
    var customer: String
    var number: Int
}

private struct BankError: Error {
    var secret = "4111-1111"
}

@Suite struct `An inspector` {
    private let me = Operator("ann", reason: "a test")

    @Test func `shows what a value lets it`() async throws {
        let cache = Cache<Int, Customer>("customers")
        cache.insert(Customer(number: 7, credit: 1.5, token: "s3cret"), for: 7)
        let inspector = LocalInspector("shop", cache)
        let detail = try #require(
            try await inspector.entry(EntryKey(cache: "customers", key: "7")))
        #expect(detail.value == ["number": 7, "credit": 1.5, "token": .masked])
        #expect(!"\(detail)".contains("s3cret"))
    }

    @Test func `shows the usual types`() async throws {
        let inspector = LocalInspector("shop")
        inspector.add(Cache<Int, Int>("integers"))
        inspector.add(Cache<Int, Bool>("truths"))
        inspector.add(Cache<Int, Double>("numbers"))
        inspector.add(Cache<Int, Date>("dates"))
        inspector.add(Cache<Int, String?>("texts"))
        inspector.add(Cache<Int, [String]>("lists"))
        inspector.add(Cache<Int, [String: Int]>("tables"))
        inspector.add(Cache<UUID, URL>("links"))
        #expect(try await inspector.report().caches.count == 8)
    }

    @Test func `shows a foreign type by a closure, and its key as it is told`() async throws {
        let orders = Cache<OrderKey, URLComponents>("orders")
        orders.insert(
            URLComponents(string: "https://a.example/b")!, for: OrderKey(customer: "Ann", number: 4)
        )
        let inspector = LocalInspector("shop")
        inspector.add(orders, key: { "order \($0.number)" }) { parts in
            ["path": .text(parts.path)]
        }
        let page = try await inspector.entries(EntryQuery())
        #expect(page.rows.map(\.id.key) == ["order 4"])
        #expect(!"\(page)".contains("Ann"))
    }

    @Test func `shows the type of an error, and nothing that it holds`() async throws {
        let cache = Cache<Int, Int>("cards") { _ in throw BankError() }
        let inspector = LocalInspector("shop", cache)
        await #expect(throws: BankError.self) { try await cache.value(for: 1) }
        let events = try await inspector.events(in: "cards", after: 0, limit: 10)
        #expect(events.events.contains { "\($0)".contains("BankError") })
        #expect(!"\(events)".contains("4111"))
    }

    @Test func `takes two caches of one name`() async throws {
        let inspector = LocalInspector("shop")
        inspector.add(memoized(name: "twice") { (number: Int) -> Int in number }.cache)
        inspector.add(memoized(name: "twice") { (number: Int) -> Int in number }.cache)
        #expect(try await inspector.report().caches.map(\.name) == ["twice", "twice-2"])
    }

    @Test func `lists what passes a filter`() async throws {
        let cache = Cache<String, Int>("numbers")
        for number in 0..<20 { cache.insert(number, for: "key \(number)") }
        for _ in 0..<3 { _ = cache.cached("key 5") }
        let inspector = LocalInspector("shop", cache)
        let page = try await inspector.entries(
            EntryQuery(filter: "hits>=1", sort: .hits, descending: true, limit: 10))
        #expect(page.matched == 1 && page.rows.map(\.id.key) == ["key 5"])
    }

    @Test func `plans a change, makes it and takes it back`() async throws {
        let cache = Cache<String, Int>("numbers")
        for number in 0..<20 { cache.insert(number, for: "\(number)") }
        let inspector = LocalInspector("shop", cache)
        let plan = try await inspector.plan(.invalidateAll(cache: "numbers"), by: me)
        #expect(plan.entries == 20 && cache.count == 20)
        let outcome = try await inspector.apply(plan.id, PlanApplication(), by: me)
        #expect(outcome.removed == 20 && cache.count == 0)
        #expect(try await inspector.undo(plan.id, by: me).restored == 20)
        #expect(cache.count == 20)
    }

    @Test func `changes a protected cache only where it is named`() async throws {
        let cache = Cache<String, Int>("numbers")
        cache.insert(1, for: "a")
        let inspector = LocalInspector("shop")
        inspector.add(cache, isProtected: true)
        let plan = try await inspector.plan(.invalidateAll(cache: "numbers"), by: me)
        await #expect(throws: InspectorError.self) {
            try await inspector.apply(plan.id, PlanApplication(), by: me)
        }
        let how = PlanApplication(confirmation: "numbers")
        #expect(try await inspector.apply(plan.id, how, by: me).removed == 1)
    }

    @Test func `fetches a key for an operator`() async throws {
        let squares = Cache<Int, Int>("squares") { $0 * $0 }
        let inspector = LocalInspector("shop")
        inspector.add(
            squares,
            parse: { text in
                guard let number = Int(text) else { throw InspectorError("\(text) is no number") }
                return number
            })
        _ = try await inspector.fetch(EntryKey(cache: "squares", key: "12"))
        #expect(squares.cached(12) == 144)
        await #expect(throws: InspectorError.self) {
            try await inspector.fetch(EntryKey(cache: "squares", key: "twelve"))
        }
    }

    @Test func `foretells what ends when`() async throws {
        let clock = TestClock()
        let cache = Cache<Int, Int>("numbers", ttl: .seconds(25), clock: clock.neverWaking)
        for number in 0..<3 { cache.insert(number, for: number) }
        let inspector = LocalInspector("shop", clock: clock.neverWaking)
        inspector.add(cache)
        let forecast = try await inspector.forecast(width: .seconds(10), count: 6)
        #expect(forecast.ending == [0, 0, 3, 0, 0, 0])
    }
}
