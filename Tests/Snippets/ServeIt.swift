import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Larder
import LarderInspector
import LarderSocket
import LarderTesting
import NIOCore
import Synchronization
import Testing

/// The examples of the article "Serve it".
@Suite(.timeLimit(.minutes(1))) struct `Serve it` {
    struct Account: Sendable, Inspectable {
        var name: String
        var email: String
        var credit: Int

        var shown: Shown { ["name": name.shown, "credit": credit.shown, "email": .masked] }
    }

    func application(
        of accounts: Cache<String, Account>
    ) -> some ApplicationProtocol {
        let inspector = LocalInspector("accounts-service")
        inspector.add(accounts)
        let router = Router()
        router.get("/accounts/{id}") { _, context in
            try await accounts.value(for: context.parameters.require("id")).name
        }
        router.post("/webhook") { request, context -> HTTPResponse.Status in
            let changed = try await request.decode(as: [String].self, context: context)
            accounts.invalidate(changed, by: Operator("webhook"))
            return .noContent
        }
        router.get("/metrics") { _, _ in
            let text = try await inspector.report().metricsText
            return Response(
                status: .ok, headers: [.contentType: EngineReport.metricsType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
        return Application(
            router: router, services: [SocketService(inspector, "accounts-service")])
    }

    struct PriceList: Sendable, Expiring {
        var prices: [String: Int]
        var expiry: AgeInstant?

        init(_ prices: [String: Int], until date: Date, _ clock: AgeClock) {
            self.prices = prices
            expiry = clock.instant(of: date)
        }
    }

    @Test func `a webhook drops what has changed, and an email leaves nowhere`() async throws {
        let reads = Mutex(0)
        let accounts = Cache<String, Account>("accounts", maxsize: 64, ttl: .seconds(300)) { id in
            let read = reads.withLock { reads in
                reads += 1
                return reads
            }
            return Account(name: "\(id), read \(read)", email: "it@kestrel.example", credit: 7)
        }
        try await application(of: accounts).test(.router) { client in
            func ask(_ uri: String, _ method: HTTPRequest.Method, _ body: String = "") async throws
                -> (status: HTTPResponse.Status, text: String)
            {
                try await client.execute(
                    uri: uri, method: method, headers: [.contentType: "application/json"],
                    body: ByteBuffer(string: body)
                ) { ($0.status, String(buffer: $0.body)) }
            }
            for _ in 0..<2 { #expect(try await ask("/accounts/1", .get).text == "1, read 1") }
            #expect(try await ask("/webhook", .post, #"["1"]"#).status == .noContent)
            #expect(try await ask("/accounts/1", .get).text == "1, read 2")
            let metrics = try await ask("/metrics", .get)
            #expect(metrics.text.contains(#"larder_hits_total{cache="accounts"} 1"#))
            #expect(!metrics.text.contains("kestrel"))
        }
        let inspector = LocalInspector("accounts-service")
        inspector.add(accounts)
        let shown = try await inspector.entry(EntryKey(cache: "accounts", key: "1"))?.value
        #expect(shown?["email"] == .masked)
    }

    @Test func `prices end by their own date`() async throws {
        let clock = TestClock()
        let prices = Cache<String, PriceList>("prices", ttl: .seconds(60), clock: clock.ageClock) {
            _ in
            PriceList(["eggs": 3], until: clock.date.addingTimeInterval(10), clock.ageClock)
        }
        _ = try await prices.value(for: "today")
        clock.advance(by: .seconds(10))
        #expect(prices.cached("today") == nil)
        prices.expire()
        #expect(prices.count == 0)
    }
}
