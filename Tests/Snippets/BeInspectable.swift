import Larder
import LarderInspector
import Testing

/// The examples of the article "Be inspectable".
@Suite struct `Be inspectable` {
    struct Account: Sendable, Inspectable {
        var number: String
        var credit: Int
        var token: String

        var shown: Shown {
            ["number": "\(number)", "credit": .number("\(credit)"), "token": .masked]
        }
    }

    func inspector(of accounts: Cache<String, Account>) -> LocalInspector {
        let inspector = LocalInspector("accounts-service")
        inspector.add(accounts)
        return inspector
    }

    struct OrderKey: Hashable, Sendable, CustomStringConvertible {
        var customer: String
        var number: Int

        var description: String { "\(customer)/\(number)" }

        init(_ text: String) throws {
            let parts = text.split(separator: "/")
            guard parts.count == 2, let number = Int(parts[1]) else {
                throw InspectorError("\"\(text)\" is no order; write CUSTOMER/NUMBER")
            }
            customer = String(parts[0])
            self.number = number
        }
    }

    struct Order: Sendable {
        var total: Int
    }

    func add(_ orders: Cache<OrderKey, Order>, to inspector: LocalInspector) {
        inspector.add(orders, parse: { try OrderKey($0) }, isProtected: true) { order in
            ["total": .number("\(order.total)")]
        }
    }

    func mostHit(_ inspector: any Inspector) async throws -> [String] {
        let query = EntryQuery(filter: "hits>=1", sort: .hits, descending: true, limit: 10)
        let page = try await inspector.entries(query)
        return page.rows.map { "\($0.id.key): \($0.hits)" }
    }

    func dropOrders(_ inspector: any Inspector) async throws -> Int {
        let me = Operator("price-import", reason: "prices were imported")
        let plan = try await inspector.plan(.invalidateAll(cache: "orders"), by: me)
        let how = PlanApplication(confirmation: plan.protected.joined(separator: ","))
        let outcome = try await inspector.apply(plan.id, how, by: me)
        return outcome.removed
    }

    @Test func `a masked part never leaves the process`() async throws {
        let accounts = Cache<String, Account>("accounts") { number in
            Account(number: number, credit: 7, token: "canary")
        }
        let inspector = inspector(of: accounts)
        _ = try await accounts.value(for: "1")
        let found = try await inspector.entry(EntryKey(cache: "accounts", key: "1"))
        let detail = try #require(found)
        let shown: Shown = ["number": "1", "credit": 7, "token": "(masked)"]
        #expect(detail.value == shown)
        #expect(!"\(detail)".contains("canary"))
    }

    @Test func `an order is fetched by the text of its key`() async throws {
        let inspector = LocalInspector("shop")
        add(Cache<OrderKey, Order>("orders") { Order(total: $0.number * 10) }, to: inspector)
        let key = EntryKey(cache: "orders", key: "ann/7")
        let shown: Shown = ["total": 70]
        #expect(try await inspector.fetch(key).value == shown)
        #expect(try await inspector.fetch(key).wasHit)
        #expect(try await mostHit(inspector) == ["ann/7: 1"])
        await #expect(throws: InspectorError.self) {
            try await inspector.fetch(EntryKey(cache: "orders", key: "ann"))
        }
    }

    @Test func `a change is planned, confirmed and made`() async throws {
        let inspector = LocalInspector("shop")
        let orders = Cache<OrderKey, Order>("orders") { Order(total: $0.number) }
        add(orders, to: inspector)
        _ = try await orders.value(for: OrderKey("ann/7"))
        #expect(try await dropOrders(inspector) == 1)
        #expect(orders.keys.isEmpty)
        #expect(try await inspector.changes(after: 0).map(\.by.name) == ["price-import"])
    }
}
