import Foundation
import Larder
import LarderInspector

/// A report in Prometheus' text form, or in OpenMetrics, which came of it.
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
        var isCounter: Bool
        var value: @Sendable (Snapshot) -> Double?
    }

    private static let families: [Family] = [
        Family(name: "entries", help: "Entries held.", isCounter: false) { Double($0.count) },
        Family(name: "bytes", help: "Bytes of all entries.", isCounter: false) {
            Double($0.bytes)
        },
        Family(name: "maxsize", help: "Most entries that may be held.", isCounter: false) {
            $0.configuration.maxsize.map { Double($0) }
        },
        Family(name: "ttl_seconds", help: "How long entries may be served.", isCounter: false) {
            $0.configuration.ttl?.inSeconds
        },
        Family(name: "flights", help: "Fetches under way.", isCounter: false) {
            Double($0.flights)
        },
        counter("hits", "Look-ups served from an entry.", \.hits),
        counter("misses", "Look-ups that started a fetch.", \.misses),
        counter("coalesced", "Look-ups that joined a fetch.", \.coalesced),
        counter("refused", "Look-ups answered by a failure remembered.", \.refused),
        counter("served_stale", "Look-ups served past the end.", \.servedStale),
        counter("fetch_failures", "Fetches that failed.", \.fetchFailures),
        counter("evicted", "Entries that gave way.", \.evicted),
        counter("expired", "Entries that reached their end.", \.expired),
        counter("invalidated", "Entries that someone removed.", \.invalidated),
        counter("replaced", "Entries that a newer value replaced.", \.replaced),
        counter("oversized", "Values too large to keep.", \.oversized),
        counter("unused", "Entries that left without a hit.", \.unused),
        counter("regret_evicted", "Misses on keys evicted lately.", \.regretEvicted),
        counter("regret_expired", "Misses on keys expired lately.", \.regretExpired),
    ]

    private static func counter(
        _ name: String, _ help: String, _ path: any KeyPath<Counters, UInt64> & Sendable
    ) -> Family {
        Family(name: name + "_total", help: help, isCounter: true) {
            Double($0.counters[keyPath: path])
        }
    }

    static func text(_ report: Report, _ form: Form = .prometheus) -> String {
        var lines: [String] = []
        for family in families {
            let samples = report.caches.compactMap { cache in
                family.value(cache.snapshot).map { value in
                    "larder_\(family.name){cache=\"\(escaped(cache.name))\"} \(number(value))"
                }
            }
            guard !samples.isEmpty else { continue }
            // To OpenMetrics the ending belongs to the sample, and not to the counter's name.
            let name =
                form == .openMetrics ? family.name.replacing("_total", with: "") : family.name
            lines += [
                "# HELP larder_\(name) \(family.help)",
                "# TYPE larder_\(name) \(family.isCounter ? "counter" : "gauge")",
            ]
            lines += samples
        }
        if let resident = report.memory.resident {
            lines += [
                "# HELP larder_resident_bytes Memory of the process.",
                "# TYPE larder_resident_bytes gauge", "larder_resident_bytes \(resident)",
            ]
        }
        if form == .openMetrics { lines.append("# EOF") }
        return lines.map { $0 + "\n" }.joined()
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
