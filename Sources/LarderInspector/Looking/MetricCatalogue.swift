import FoundationEssentials
import Larder

/// What monitoring is told of an engine: every metric with its name, its help and where it comes from.
///
/// Names go by Prometheus' conventions: base units at the end, `_total` behind counters and nothing
/// else, what is of one kind in one metric with a label. `/metrics` and swift-metrics say the same.
package struct Metric: Sendable {
    /// What each name begins with.
    package static let prefix = "larder_"

    /// Without ``prefix`` and the suffixes of its samples.
    package var name: String
    /// A sentence.
    package var help: String
    package var kind: Kind
    /// What it is at one instant; nothing where it is not known.
    package var samples: @Sendable (EngineReport) -> [Sample]

    package enum Kind {
        case counter, gauge, histogram, info

        /// What belongs to the sample and, to OpenMetrics, not to the name.
        package var suffix: String {
            switch self {
            case .counter: "_total"
            case .info: "_info"
            case .gauge, .histogram: ""
            }
        }
    }

    /// One number, told from the metric's others by its labels.
    package struct Sample {
        /// What stands behind the metric's name.
        package var suffix = ""
        package var labels: [(name: String, value: String)]
        package var value: Double
    }

    /// All of them.
    package static let all: [Metric] = [
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
            "ghost_hits", "Misses on keys that left within the minute before, by the cause.",
            "cause"
        ) { counters in
            [
                (RemovalCause.evicted.rawValue, counters.ghostEvicted),
                (RemovalCause.expired.rawValue, counters.ghostExpired),
            ]
        },
        counter("oversized", "Values too large to keep.", \.oversized),
        counter("unused", "Entries that left without a hit.", \.unused),
        Metric(
            name: "forecasts",
            help: "Forecasts of changes, by whether what came was what was foreseen.",
            kind: .counter
        ) { report in
            report.caches.flatMap { cache in
                let forecasts = cache.forecasts ?? CacheReport.Forecasts()
                return [("held", forecasts.held), ("missed", forecasts.missed)].map { result in
                    Sample(
                        suffix: "_total", labels: [("cache", cache.name), ("result", result.0)],
                        value: Double(result.1))
                }
            }
        },
        ofOrigins("origin_calls", "Calls of an origin, each with all its attempts.") {
            [([], Double($0.calls))]
        },
        ofOrigins("origin_retries", "Attempts beyond the first of a call.") {
            [([], Double($0.retries))]
        },
        ofOrigins("origin_throttles", "Attempts refused because they were too many.") {
            [([], Double($0.throttles))]
        },
        ofOrigins("origin_failures", "Calls that failed in the end, by the code.") { origin in
            origin.failures.sorted { $0.key < $1.key }.map {
                ([("code", $0.key)], Double($0.value))
            }
        },
        ofOrigins("origin_capacity_units", "Capacity units that calls used.") {
            [([], $0.capacity)]
        },
        ofOrigins("origin_saved_calls", "Calls that the caches made unnecessary.") {
            [([], Double($0.savedCalls))]
        },
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
    ) -> Metric {
        Metric(name: name, help: help, kind: .gauge) { report in
            report.caches.compactMap { cache in
                value(cache.snapshot).map { Sample(labels: [("cache", cache.name)], value: $0) }
            }
        }
    }

    private static func counter(
        _ name: String, _ help: String, _ path: any KeyPath<CacheCounters, UInt64> & Sendable
    ) -> Metric {
        Metric(name: name, help: help, kind: .counter) { report in
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
    ) -> Metric {
        Metric(name: name, help: help, kind: .counter) { report in
            report.caches.flatMap { cache in
                parts(cache.snapshot.counters).map { part in
                    Sample(
                        suffix: "_total", labels: [("cache", cache.name), (label, part.0)],
                        value: Double(part.1))
                }
            }
        }
    }

    private static func info(_ name: String, _ help: String) -> Metric {
        Metric(name: name, help: help, kind: .info) { report in
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

    /// Counters of each operation of an origin.
    private static func ofOrigins(
        _ name: String, _ help: String,
        _ parts:
            @escaping @Sendable (OriginReport) -> [(
                labels: [(name: String, value: String)], value: Double
            )]
    ) -> Metric {
        Metric(name: name, help: help, kind: .counter) { report in
            report.origins.flatMap { origin in
                parts(origin).map { part in
                    Sample(
                        suffix: "_total",
                        labels: [("operation", origin.name)] + part.labels,
                        value: part.value)
                }
            }
        }
    }

    private static func ofProcess(
        _ name: String, _ help: String, _ value: @escaping @Sendable (EngineReport) -> Double?
    ) -> Metric {
        Metric(name: name, help: help, kind: .gauge) { report in
            value(report).map { [Sample(labels: [], value: $0)] } ?? []
        }
    }

    /// The buckets that are told, 256 us to 67 s, each holding those below its end too: always the
    /// same ones, so that a series never begins in the middle.
    private static let buckets = 8...26

    private static func histogram(
        _ name: String, _ help: String, _ path: any KeyPath<CacheSnapshot, Histogram> & Sendable
    ) -> Metric {
        Metric(name: name, help: help, kind: .histogram) { report in
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

    /// As a sample is written.
    package static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
}

extension FailureKind {
    /// As a label's value is written.
    fileprivate var label: String { self == .timedOut ? "timed_out" : rawValue }
}
