public import CoreMetrics
import Larder
public import LarderInspector
public import ServiceLifecycle
import Synchronization

/// Hands an engine's numbers to the backend of swift-metrics, under the names that `/metrics` has.
///
/// ```swift
/// let inspector = LocalInspector("accounts-service", accounts)
/// try await ServiceGroup(services: [MetricsService(inspector)], logger: logger).run()
/// ```
///
/// Counters are counted on by what came since the report before, so that a backend which adds up has
/// the engine's own totals. What a histogram of `/metrics` holds is told as the number of its values
/// and their sum, and bounds in words are not told. Labels are those of `/metrics`: a cache's name, a
/// cause, a kind of failure; never a key or a value.
public struct MetricsService: Service {
    private let inspector: any Inspector
    private let interval: Duration
    private let reported: Reported

    /// - Parameters:
    ///   - inspector: Whose caches and origins are told of.
    ///   - interval: How often, from 100 ms.
    ///   - factory: The backend; `nil` for the one that the program was started with
    ///     (`MetricsSystem.bootstrap`).
    public init(
        _ inspector: any Inspector, every interval: Duration = .seconds(10),
        factory: (any MetricsFactory)? = nil
    ) {
        self.inspector = inspector
        self.interval = max(interval, .milliseconds(100))
        reported = Reported(factory)
    }

    /// Tells how things stand, until the task is cancelled or its service group shuts down; and once
    /// more then, so that the last counts are not lost.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await report()
                try? await Task.sleep(for: interval)
            }
        }
        try? await report()
    }

    /// Tells how things stand now.
    ///
    /// - Throws: `InspectorError` where the engine does not answer; not where it is of this process.
    public func report() async throws {
        let report = try await inspector.report()
        reported.tell(Metric.all.flatMap { metric in metric.samples(report).map { (metric, $0) } })
    }
}

/// What a backend was told so far.
private final class Reported: Sendable {
    /// One of its numbers; its label tells it from the others.
    private struct Series: Hashable {
        var name: String
        var labels: [Label]
    }

    private struct Label: Hashable {
        var name: String
        var value: String
    }

    private enum Handler: Sendable {
        case counter(FloatingPointCounter, total: Double)
        case gauge(Gauge)
    }

    private let factory: (any MetricsFactory)?
    private let handlers = Guarded<[Series: Handler]>([:])

    init(_ factory: (any MetricsFactory)?) { self.factory = factory }

    func tell(_ samples: [(metric: Metric, sample: Metric.Sample)]) {
        handlers.withLock { handlers in
            var gone = Set(handlers.keys)
            for (metric, sample) in samples where Self.isTold(metric, sample) {
                let series = Series(
                    name: Metric.prefix + metric.name + sample.suffix,
                    labels: sample.labels.map { Label(name: $0.name, value: $0.value) })
                gone.remove(series)
                tell(series, metric.kind, sample.value, &handlers[series])
            }
            // A bound that was taken away has no value any more.
            for series in gone {
                if case .gauge(let gauge)? = handlers.removeValue(forKey: series) {
                    gauge.destroy()
                }
            }
        }
    }

    /// Whether a sample is told: not a bucket, as a backend makes its own, nor a word.
    private static func isTold(_ metric: Metric, _ sample: Metric.Sample) -> Bool {
        metric.kind != .info && sample.suffix != "_bucket"
    }

    private func tell(
        _ series: Series, _ kind: Metric.Kind, _ value: Double, _ handler: inout Handler?
    ) {
        let dimensions = series.labels.map { ($0.name, $0.value) }
        let factory = factory ?? MetricsSystem.factory
        switch (kind, handler) {
        case (.gauge, .gauge(let gauge)): gauge.record(value)
        case (.gauge, _):
            let gauge = Gauge(label: series.name, dimensions: dimensions, factory: factory)
            gauge.record(value)
            handler = .gauge(gauge)
        case (_, .counter(let counter, let total)):
            if value > total { counter.increment(by: value - total) }
            handler = .counter(counter, total: value)
        default:
            let counter = FloatingPointCounter(
                label: series.name, dimensions: dimensions, factory: factory)
            counter.increment(by: value)
            handler = .counter(counter, total: value)
        }
    }
}
