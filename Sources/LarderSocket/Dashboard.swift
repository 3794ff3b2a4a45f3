import Foundation
import LarderWire

/// A dashboard for Grafana, over what `/metrics` tells: to be imported as it is.
public enum Dashboard {
    /// What one panel shows: expressions with what each is called there.
    private struct Panel {
        var title: String
        var unit: String
        var kind = "timeseries"
        var targets: [(expression: String, legend: String)]
        /// Of the 24 columns there are.
        var width = 12
        var about = ""
    }

    /// A counter's rate a second, by labels; of the caches that are chosen.
    private static func rate(_ name: String, by labels: String = "cache") -> String {
        "sum by (\(labels)) (rate(\(name){cache=~\"$cache\"}[$__rate_interval]))"
    }

    private static func now(_ name: String) -> String { name + "{cache=~\"$cache\"}" }

    private static let lookUps = ["hits", "misses", "coalesced", "refused"].map {
        rate("larder_\($0)_total")
    }

    private static func quantile(_ share: String) -> String {
        "histogram_quantile(\(share), "
            + rate("larder_fetch_duration_seconds_bucket", by: "cache, le") + ")"
    }

    private static let panels: [Panel] = [
        Panel(
            title: "Hit ratio", unit: "percentunit",
            targets: [
                ("\(lookUps[0]) / (\(lookUps.joined(separator: " + ")))", "{{cache}}")
            ], about: "Of all look-ups, those that a failure remembered answered among them."),
        Panel(
            title: "Look-ups", unit: "ops",
            targets: zip(lookUps, ["hits", "misses", "coalesced", "refused"]).map {
                ($0, "{{cache}} \($1)")
            }),
        Panel(
            title: "Fetch time", unit: "s",
            targets: [
                (quantile("0.5"), "{{cache}} p50"), (quantile("0.99"), "{{cache}} p99"),
            ], about: "Of fetches that succeeded."),
        Panel(
            title: "Failures by kind", unit: "ops",
            targets: [
                (rate("larder_fetch_failures_total", by: "cache, kind"), "{{cache}} {{kind}}")
            ], about: "That something is absent is an answer, and no trouble."),
        Panel(
            title: "Ghost hits, of the misses", unit: "percentunit",
            targets: [
                (
                    rate("larder_ghost_hits_total", by: "cache, cause")
                        + " / on (cache) group_left "
                        + lookUps[1], "{{cache}} {{cause}}"
                )
            ],
            about: "Misses on keys that left within the minute before. Evicted: raise maxsize. "
                + "Expired: raise ttl."),
        Panel(
            title: "Removals by cause", unit: "ops",
            targets: [
                (rate("larder_removals_total", by: "cache, cause"), "{{cache}} {{cause}}"),
                (rate("larder_unused_total"), "{{cache}} never hit"),
            ]),
        Panel(
            title: "Entries", unit: "none",
            targets: [
                (now("larder_entries"), "{{cache}}"), (now("larder_maxsize"), "{{cache}} maxsize"),
            ]),
        Panel(
            title: "Memory", unit: "bytes",
            targets: [
                (now("larder_bytes"), "{{cache}}"), ("larder_resident_bytes", "process"),
            ]),
        Panel(
            title: "Fetches under way", unit: "none",
            targets: [(now("larder_flights"), "{{cache}}")], width: 8),
        Panel(
            title: "Served stale, too large to keep", unit: "ops",
            targets: [
                (rate("larder_served_stale_total"), "{{cache}} stale"),
                (rate("larder_oversized_total"), "{{cache}} too large"),
            ], width: 8),
        Panel(
            title: "Up", unit: "s", kind: "stat", targets: [("larder_uptime_seconds", "")], width: 4
        ),
        Panel(
            title: "Forecasts", unit: "none", kind: "stat",
            targets: [(now("larder_forecasts_total"), "{{cache}} {{result}}")], width: 4,
            about: "Of changes, by whether what came was what was foreseen."),
        Panel(
            title: "Bounds", unit: "none", kind: "table",
            targets: [
                (now("larder_cache_info"), ""), (now("larder_ttl_seconds"), ""),
                (now("larder_max_bytes"), ""),
            ], width: 24),
    ]

    // MARK: JSON

    private typealias Object = [String: any Sendable]

    private static let source: Object = ["type": "prometheus", "uid": "${DS_PROMETHEUS}"]

    /// As Grafana imports it.
    public static var json: String {
        let cache: Object = [
            "name": "cache", "label": "Cache", "type": "query", "datasource": source,
            "query": "label_values(larder_entries, cache)", "refresh": 2, "includeAll": true,
            "multi": true, "current": ["text": "All", "value": "$__all"] as Object,
        ]
        let document: Object = [
            "__inputs": [
                [
                    "name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource",
                    "pluginId": "prometheus", "pluginName": "Prometheus",
                ] as Object
            ], "title": "Larder", "uid": "larder", "tags": ["larder", "cache"],
            "schemaVersion": 39, "version": 1, "editable": true, "refresh": "10s",
            "time": ["from": "now-1h", "to": "now"] as Object,
            "templating": ["list": [cache]] as Object, "panels": laidOut(),
        ]
        // It is made of literals, so it can be written.
        let data = try! JSONSerialization.data(
            withJSONObject: document,
            options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    /// Panel behind panel, in rows of 24 columns.
    private static func laidOut() -> [Object] {
        let height = 8
        var (row, column) = (0, 0)
        return panels.enumerated().map { place, panel in
            if column + panel.width > 24 { (row, column) = (row + height, 0) }
            defer { column += panel.width }
            return object(
                panel, id: place + 1,
                at: ["h": height, "w": panel.width, "x": column, "y": row] as Object)
        }
    }

    private static func object(_ panel: Panel, id: Int, at position: Object) -> Object {
        let targets: [Object] = panel.targets.enumerated().map { place, target in
            var object: Object = [
                "refId": String(UnicodeScalar(UInt8(65 + place))), "datasource": source,
                "expr": target.expression, "legendFormat": target.legend,
            ]
            if panel.kind == "table" { (object["format"], object["instant"]) = ("table", true) }
            return object
        }
        return [
            "id": id, "title": panel.title, "type": panel.kind, "description": panel.about,
            "datasource": source, "gridPos": position, "targets": targets,
            "fieldConfig": [
                "defaults": ["unit": panel.unit, "min": 0] as Object, "overrides": [Object](),
            ] as Object,
        ]
    }
}
