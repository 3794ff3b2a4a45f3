import Foundation
import Larder
public import LarderInspector
import LarderWire

extension EngineReport {
    /// What `/metrics` says of it, in Prometheus' text form, for a route of a service's own; its
    /// type is ``metricsType``.
    public var metricsText: String { Metrics.text(self) }

    /// The media type of ``metricsText``.
    public static var metricsType: String { Metrics.Form.prometheus.type }
}

/// A report in Prometheus' text form, or in OpenMetrics, which came of it.
///
/// Names go by Prometheus' conventions: base units at the end, `_total` behind counters and nothing
/// else, what is of one kind in one metric with a label.
enum Metrics {
    enum Form {
        case prometheus, openMetrics

        /// OpenMetrics where it is named and nothing better is: that is how Prometheus asks.
        init(_ accepted: Accepted) {
            let open = accepted.quality(
                of: "application/openmetrics-text", versions: ["0.0.1", "1.0.0"])
            let plain = accepted.quality(of: "text/plain", versions: ["0.0.4"])
            self = open > 0 && open >= plain ? .openMetrics : .prometheus
        }

        var type: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    private struct Family: Sendable {
        var name: String
        var help: String
        var kind: Kind
        var samples: @Sendable (EngineReport) -> [Sample]
    }

    private enum Kind {
        case counter, gauge, histogram, info

        /// What belongs to the sample and, to OpenMetrics, not to the name.
        var suffix: String {
            switch self {
            case .counter: "_total"
            case .info: "_info"
            case .gauge, .histogram: ""
            }
        }

        func word(_ form: Form) -> String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            case .info: form == .openMetrics ? "info" : "gauge"
            }
        }
    }

    private struct Sample {
        var suffix = ""
        var labels: [(name: String, value: String)]
        var value: Double
    }

    private static let families: [Family] = [
        gauge("entries", "Entries held.") { Double($0.count) },
        gauge("bytes", "Bytes of all entries.") { Double($0.bytes) },
        gauge("maxsize", "Most entries that may be held.") {
            $0.configuration.maxsize.map { Double($0) }
        },
        gauge("max_bytes", "Most bytes that may be held.") {
            $0.configuration.maxbytes.map { Double($0) }
        },
        gauge("ttl_seconds", "How long entries may be served.") {
            $0.configuration.ttl?.inSeconds
        },
        gauge("flights", "Fetches under way.") { Double($0.flights) },
        info("cache", "Bounds and policy of a cache, in words; its value is 1."),
        counter("hits", "Look-ups served from an entry.", \.hits),
        counter("misses", "Look-ups that started a fetch.", \.misses),
        counter("coalesced", "Look-ups that joined a fetch.", \.coalesced),
        counter("refused", "Look-ups answered by a failure remembered.", \.refused),
        counter("served_stale", "Look-ups served past the end.", \.servedStale),
        histogram("fetch_duration_seconds", "How long fetches took that succeeded.", \.fetchTimes),
        counters("fetch_failures", "Fetches that failed, by the kind of failure.", "kind") {
            counters in
            FailureKind.allCases.map { ($0.label, counters.failures[$0]) }
        },
        counters("removals", "Entries that left, by the cause.", "cause") { counters in
            RemovalCause.allCases.map { ($0.rawValue, counters.removals($0)) }
        },
        counters(
            "regrets", "Misses on keys that left within the minute before, by the cause.", "cause"
        ) { counters in
            [
                (RemovalCause.evicted.rawValue, counters.regretEvicted),
                (RemovalCause.expired.rawValue, counters.regretExpired),
            ]
        },
        counter("oversized", "Values too large to keep.", \.oversized),
        counter("unused", "Entries that left without a hit.", \.unused),
        ofProcess("resident_bytes", "Memory of the process.") {
            $0.memory.resident.map(Double.init)
        },
        ofProcess("uptime_seconds", "Since when the engine can be looked into.") { report in
            report.started.map { max(0, report.wall.timeIntervalSince($0)) }
        },
    ]

    // MARK: Families

    private static func gauge(
        _ name: String, _ help: String, _ value: @escaping @Sendable (CacheSnapshot) -> Double?
    ) -> Family {
        Family(name: name, help: help, kind: .gauge) { report in
            report.caches.compactMap { cache in
                value(cache.snapshot).map { Sample(labels: [("cache", cache.name)], value: $0) }
            }
        }
    }

    private static func counter(
        _ name: String, _ help: String, _ path: any KeyPath<CacheCounters, UInt64> & Sendable
    ) -> Family {
        Family(name: name, help: help, kind: .counter) { report in
            report.caches.map { cache in
                Sample(
                    suffix: "_total", labels: [("cache", cache.name)],
                    value: Double(cache.snapshot.counters[keyPath: path]))
            }
        }
    }

    /// Counters that are parts of one whole.
    private static func counters(
        _ name: String, _ help: String, _ label: String,
        _ parts: @escaping @Sendable (CacheCounters) -> [(String, UInt64)]
    ) -> Family {
        Family(name: name, help: help, kind: .counter) { report in
            report.caches.flatMap { cache in
                parts(cache.snapshot.counters).map { part in
                    Sample(
                        suffix: "_total", labels: [("cache", cache.name), (label, part.0)],
                        value: Double(part.1))
                }
            }
        }
    }

    private static func info(_ name: String, _ help: String) -> Family {
        Family(name: name, help: help, kind: .info) { report in
            report.caches.map { cache in
                let bounds = cache.snapshot.configuration
                return Sample(
                    suffix: "_info",
                    labels: [
                        ("cache", cache.name), ("policy", "\(bounds.policy)"),
                        ("maxsize", Units.text(maxsize: bounds.maxsize)),
                        ("maxbytes", bounds.maxbytes.map { "\($0)" } ?? "none"),
                        ("ttl", Units.text(ttl: bounds.ttl)), ("jitter", number(bounds.jitter)),
                        ("stale", Units.text(bounds.staleIfError)),
                        ("negative", Units.text(bounds.negativeTTL)),
                    ], value: 1)
            }
        }
    }

    private static func ofProcess(
        _ name: String, _ help: String, _ value: @escaping @Sendable (EngineReport) -> Double?
    ) -> Family {
        Family(name: name, help: help, kind: .gauge) { report in
            value(report).map { [Sample(labels: [], value: $0)] } ?? []
        }
    }

    /// The buckets that are told, 256 us to 67 s, each holding those below its end too: always the
    /// same ones, so that a series never begins in the middle.
    private static let buckets = 8...26

    private static func histogram(
        _ name: String, _ help: String, _ path: any KeyPath<CacheSnapshot, Histogram> & Sendable
    ) -> Family {
        Family(name: name, help: help, kind: .histogram) { report in
            report.caches.flatMap { cache -> [Sample] in
                let histogram = cache.snapshot[keyPath: path]
                let own = [(name: "cache", value: cache.name)]
                let parts = buckets.map { bucket in
                    Sample(
                        suffix: "_bucket",
                        labels: own + [("le", number(Histogram.end(of: bucket).inSeconds))],
                        value: Double(histogram.buckets.prefix(bucket + 1).reduce(0, +)))
                }
                return parts + [
                    Sample(
                        suffix: "_bucket", labels: own + [("le", "+Inf")],
                        value: Double(histogram.count)),
                    Sample(
                        suffix: "_sum", labels: own, value: Double(histogram.microseconds) / 1e6),
                    Sample(suffix: "_count", labels: own, value: Double(histogram.count)),
                ]
            }
        }
    }

    // MARK: Text

    static func text(_ report: EngineReport, _ form: Form = .prometheus) -> String {
        var lines: [String] = []
        for family in families {
            let samples = family.samples(report)
            guard !samples.isEmpty else { continue }
            // To OpenMetrics the ending belongs to the sample, and not to the metric's name.
            let name =
                "larder_" + family.name + (form == .openMetrics ? "" : family.kind.suffix)
            lines += [
                "# HELP \(name) \(family.help)", "# TYPE \(name) \(family.kind.word(form))",
            ]
            lines += samples.map { "larder_\(family.name)\(line($0))" }
        }
        if form == .openMetrics { lines.append("# EOF") }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func line(_ sample: Sample) -> String {
        let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value))\"" }
            .joined(separator: ",")
        return sample.suffix + (labels.isEmpty ? "" : "{\(labels)}") + " \(number(sample.value))"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    /// A label's value. A line's end of two characters is one `Character` to Swift, and an accent
    /// makes another of a quote: it is looked at scalar by scalar.
    ///
    /// Prometheus knows `\\`, `\"` and `\n`, and its readers refuse other escapes. Whatever else could
    /// end a line, or a text, for some of them is shown instead, as the label will read.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\\\r"
            case _ where endings.contains(scalar.properties.generalCategory):
                escaped += "\\\\u{\(String(scalar.value, radix: 16))}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static let endings: [Unicode.GeneralCategory] = [
        .control, .lineSeparator, .paragraphSeparator,
    ]
}

extension FailureKind {
    /// As a label's value is written.
    fileprivate var label: String { self == .timedOut ? "timed_out" : rawValue }
}
