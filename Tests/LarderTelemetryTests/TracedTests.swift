import InMemoryTracing
import Larder
import LarderTelemetry
import Testing
import Tracing

@Suite struct `A fetch that is traced` {
    private struct Refused: Error, CustomStringConvertible {
        var description: String { "account 4711 of ann@example.com is closed" }
    }

    private let tracer = InMemoryTracer()

    @Test func `has one span for all who wait for it, and a hit has none`() async throws {
        let cache = Cache<String, String>(
            "accounts", maxsize: 9,
            fetch: traced("accounts", tracer: tracer) { number in
                await Task.yield()
                return "account \(number)"
            })
        for _ in 0..<3 { #expect(try await cache.value(for: "4711") == "account 4711") }
        let span = try #require(tracer.finishedSpans.first)
        #expect(tracer.finishedSpans.count == 1)
        #expect(span.operationName == "fetch accounts" && span.kind == .client)
        #expect(span.attributes.get("larder.cache") == .string("accounts"))
        #expect(span.status == nil)
    }

    @Test func `is a child of the first caller's span`() async throws {
        let cache = Cache<Int, Int>(
            "numbers", maxsize: 9, fetch: traced("numbers", tracer: tracer) { $0 })
        _ = try await tracer.withSpan("request") { _ in try await cache.value(for: 1) }
        let spans = tracer.finishedSpans
        let fetch = try #require(spans.first { $0.operationName == "fetch numbers" })
        let request = try #require(spans.first { $0.operationName == "request" })
        #expect(fetch.parentSpanID == request.spanID)
    }

    @Test func `tells the type of a failure, and nothing that it says`() async throws {
        let cache = Cache<String, String>(
            "accounts", maxsize: 9,
            fetch: traced("accounts", tracer: tracer) { _ -> String in throw Refused() })
        await #expect(throws: Refused.self) { try await cache.value(for: "4711") }
        let span = try #require(tracer.finishedSpans.first)
        #expect(span.status?.code == .error)
        #expect(span.attributes.get("error.type") == .string("Refused"))
        #expect(!"\(span)".contains("4711") && !"\(span)".contains("ann@"))
    }
}
