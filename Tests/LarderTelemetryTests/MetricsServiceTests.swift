import CoreMetrics
import Larder
import LarderInspector
import LarderTelemetry
import MetricsTestKit
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(1)))
struct `The numbers of an engine, told to swift-metrics` {
    private let backend = TestMetrics()
    private let cache = Cache<String, String>("greetings", maxsize: 2, ttl: .seconds(60)) { name in
        guard name != "nobody" else { throw NoSuchValue() }
        return "hello, \(name)"
    }
    private let inspector: LocalInspector

    init() { inspector = LocalInspector("greeter", cache) }

    private func total(_ name: String, _ more: (String, String)...) throws -> Int64 {
        try backend.expectCounter(name, [("cache", "greetings")] + more).totalValue
    }

    private func now(_ name: String) throws -> Double? {
        try backend.expectGauge(name, [("cache", "greetings")]).lastValue
    }

    @Test func `are those of metrics, and are counted on from one report to the next`() async throws
    {
        let service = MetricsService(inspector, factory: backend)
        for name in ["ann", "ann", "bob", "nobody"] { _ = try? await cache.value(for: name) }
        try await service.report()
        #expect(try total("larder_hits_total") == 1)
        #expect(try total("larder_misses_total") == 3)
        #expect(try total("larder_fetch_failures_total", ("kind", "absent")) == 1)
        #expect(try total("larder_fetch_duration_seconds_count") == 2)
        #expect(try now("larder_entries") == 2)
        for name in ["cat", "cat", "cat"] { _ = try await cache.value(for: name) }
        try await service.report()
        try await service.report()
        #expect(try total("larder_hits_total") == 3)
        #expect(try total("larder_removals_total", ("cause", "evicted")) == 1)
    }

    @Test func `end with a bound that there is no more`() async throws {
        let service = MetricsService(inspector, factory: backend)
        try await service.report()
        #expect(try now("larder_ttl_seconds") == 60)
        try cache.update { $0.ttl = nil }
        try await service.report()
        #expect(throws: (any Error).self) { try now("larder_ttl_seconds") }
        try cache.update { $0.ttl = .seconds(30) }
        try await service.report()
        #expect(try now("larder_ttl_seconds") == 30)
    }

    @Test func `hold what an origin was asked for`() async throws {
        inspector.add {
            OriginReport(name: "GetItem", calls: 7, retries: 2, failures: ["Throttling": 1])
        }
        try await MetricsService(inspector, factory: backend).report()
        let label = ("operation", "GetItem")
        #expect(try backend.expectCounter("larder_origin_calls_total", [label]).totalValue == 7)
        #expect(
            try backend.expectCounter(
                "larder_origin_failures_total", [label, ("code", "Throttling")]
            ).totalValue == 1)
    }

    @Test func `are told once more when the service ends`() async throws {
        let service = MetricsService(inspector, every: .seconds(3600), factory: backend)
        let running = Task { try await service.run() }
        while (try? total("larder_hits_total")) == nil { await Task.yield() }
        _ = try await cache.value(for: "ann")
        _ = try await cache.value(for: "ann")
        running.cancel()
        try await running.value
        #expect(try total("larder_hits_total") == 1)
    }
}
