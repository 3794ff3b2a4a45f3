import Foundation
import Larder
import LarderInspector

/// One look at an engine, as text for people, as JSON or as CSV. Times are in seconds.
struct OneLook {
    let report: EngineReport
    let page: EntryPage
    /// What is seen is invented: the first line says so, whatever the format.
    private var isDemo: Bool { report.isDemo }

    func text(_ format: LookingOptions.Format) -> String {
        switch format {
        case .text: table
        case .json: json
        case .csv: csv
        }
    }

    // MARK: JSON

    private var json: String {
        let fields = [
            Field("name", report.name), Field("instance", report.instance),
            Field("pid", count: report.pid), Field("at", report.wall.formatted(.iso8601)),
            Field("memory", report.memory.fields.object),
            Field("caches", .list(report.caches.map(\.fields.object))),
            Field("origins", .list(report.origins.map(\.fields.object))),
            Field("matched", count: page.matched),
            Field("entries", .list(page.rows.map { $0.fields(at: page.at).object })),
        ]
        let text = FormatOption.json(fields.object)
        return Output.text(json: isDemo ? "{\"DEMO\" : true," + text.dropFirst() : text) + "\n"
    }

    // MARK: CSV

    private var csv: String {
        let rows = page.rows.map { row in
            let fields = row.fields(at: page.at)
            return Self.names.map { name in fields.first { $0.name == name }?.figure ?? "" }
                + (isDemo ? ["true"] : [])
        }
        // Behind the others, so that they keep their places.
        return ([Self.names + (isDemo ? ["DEMO"] : [])] + rows).map { Output.line(csv: $0) + "\n" }
            .joined()
    }

    private static let names =
        EntryColumn.allCases.map(\.rawValue) + ["failureKind", "failures", "refusals"]

    // MARK: Text

    private var table: String {
        let keys = page.rows.map { PlainText.fit($0.id.key) }
        let keyWidth = max(3, keys.map(Table.width).max() ?? 0)
        let names = report.caches.map { PlainText.fit($0.name) }
        let cacheWidth = max(5, names.map(Table.width).max() ?? 0)
        var lines = isDemo ? ["DEMO: invented accounts and credentials, no service's"] : []
        lines += report.caches.map { cache -> String in
            let (snapshot, counters) = (cache.snapshot, cache.snapshot.counters)
            let parts: [String] = [
                Table.left(PlainText.fit(cache.name), cacheWidth),
                Units.counted(snapshot.count, "entry", "entries")
                    + " of \(Units.text(maxsize: snapshot.configuration.maxsize))",
                "ttl \(Units.text(ttl: snapshot.configuration.ttl))",
                "hit since the start \(Format.percent(counters.hitRatio))",
                Format.bytes(snapshot.bytes),
                "evicted \(counters.evicted)", "expired \(counters.expired)",
                "refused \(counters.refused)", cache.failureWords,
            ]
            return parts.joined(separator: "  ")
        }
        lines += report.origins.filter { $0.calls > 0 || $0.failed > 0 }.map { origin in
            let failures = origin.failures.sorted { $0.key < $1.key }
                .map { "\(PlainText.fit($0.key)) \($0.value)" }.joined(separator: ", ")
            let p50 = origin.latency.quantile(0.5).map { Format.took($0) } ?? "-"
            let saved =
                "saved \(origin.savedCalls)"
                + (origin.savedDollars.map { " ($\(Units.text($0, digits: 6)))" } ?? "")
            return
                "\(PlainText.fit(origin.name))  calls \(origin.calls)  retries \(origin.retries)  throttled "
                + "\(origin.throttles)  failed \(origin.failed)"
                + (failures.isEmpty ? "" : " (\(failures))") + "  p50 \(p50)  \(saved)"
        }
        lines.append("")
        lines.append(
            Table.left("CACHE", cacheWidth) + "  " + Table.left("KEY", keyWidth)
                + "      TTL   EXPIRY     HITS     SIZE  STATE")
        lines += zip(page.rows, keys).map { row, key in
            Table.left(PlainText.fit(row.id.cache), cacheWidth) + "  " + Table.left(key, keyWidth)
                + Table.right(Format.left(row.deadline.map { $0 - page.at }), 9)
                + Table.right(Format.left(row.expiry.map { $0 - page.at }), 9)
                + Table.right("\(row.hits)", 9) + Table.right(Format.bytes(row.bytes), 9)
                + "  \(row.state(at: page.at).rawValue)"
        }
        if page.matched > page.rows.count {
            lines.append("\(page.matched - page.rows.count) more; --limit shows them")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
