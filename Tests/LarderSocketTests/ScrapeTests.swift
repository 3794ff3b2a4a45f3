import Foundation
import Larder
import LarderInspector
import TestSupport
import Testing

import LarderRemote
@testable import LarderSocket
import LarderWire

/// What Prometheus makes of `/metrics`, and Grafana of the dashboard over it.
@Suite struct ScrapeTests {
    /// Every bound is set, everything was counted.
    static let report: EngineReport = {
        var configuration = CacheConfiguration(maxsize: 64, maxbytes: 1 << 20, ttl: .seconds(300))
        configuration.staleIfError = .seconds(60)
        var counters = CacheCounters()
        (counters.hits, counters.misses, counters.coalesced, counters.refused) = (90, 10, 3, 7)
        (counters.failures.timedOut, counters.failures.absent) = (2, 1)
        counters.fetchFailures = 3
        (counters.evicted, counters.ghostEvicted, counters.ghostExpired) = (4, 3, 2)
        var snapshot = CacheSnapshot(
            at: AgeInstant(nanoseconds: 1), configuration: configuration, count: 5, bytes: 500,
            flights: 1, counters: counters)
        for time in [100, 300, 40_000, 100_000_000] as [Int64] {
            snapshot.fetchTimes.add(.microseconds(time))
        }
        var report = EngineReport(
            name: "pantry", instance: "1f", pid: 1, at: snapshot.at,
            wall: Date(timeIntervalSince1970: 1_000_090),
            caches: [
                CacheReport(name: "accounts", snapshot: snapshot),
                CacheReport(name: "credentials", snapshot: snapshot),
            ], memory: ProcessMemory(resident: 40 << 20, limit: nil))
        report.started = Date(timeIntervalSince1970: 1_000_000)
        return report
    }()

    private struct Sample: Hashable {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    private struct Metric {
        var help: String
        var type: String
        var samples: [Sample] = []
    }

    /// A text form taken apart; a sample belongs to the metric above it.
    private func metrics(_ text: String) throws -> [String: Metric] {
        var metrics: [String: Metric] = [:]
        var (help, current) = ("", "")
        for line in text.split(separator: "\n") {
            if let match = line.wholeMatch(of: /# HELP ([a-z_]+) (.*)/) {
                help = String(match.2)
            } else if let match = line.wholeMatch(of: /# TYPE ([a-z_]+) ([a-z]+)/) {
                current = String(match.1)
                #expect(metrics[current] == nil, "\(current) stands twice")
                metrics[current] = Metric(help: help, type: String(match.2))
            } else if line != "# EOF" {
                let match = try #require(
                    line.wholeMatch(of: /([a-z_]+)(?:\{(.*)\})? ([0-9.e+-]+)/), "\(line)")
                let labels = (match.2 ?? "").matches(of: /([a-z]+)="([^"]*)"/)
                metrics[current]?.samples.append(
                    Sample(
                        name: String(match.1),
                        labels: Dictionary(
                            uniqueKeysWithValues: labels.map { (String($0.1), String($0.2)) }),
                        value: try #require(Double(match.3))))
            }
        }
        return metrics
    }

    private func value(
        _ name: String, _ labels: [String: String] = ["cache": "accounts"]
    ) throws -> Double? {
        try metrics(MetricsText.text(Self.report)).values.flatMap(\.samples)
            .first { $0.name == name && $0.labels == labels }?.value
    }

    @Test func `names go by the rules that promtool checks`() throws {
        let units = [
            "milliseconds", "microseconds", "minutes", "hours", "kilobytes", "megabytes", "bits",
            "percent", "ms", "us", "secs", "sec", "kb", "mb",
        ]
        for (name, metric) in try metrics(MetricsText.text(Self.report)) {
            #expect(name.hasPrefix("larder_") && !metric.help.isEmpty, "\(name)")
            #expect(name.wholeMatch(of: /[a-z][a-z0-9]*(_[a-z0-9]+)*/) != nil, "\(name)")
            #expect(name.hasSuffix("_total") == (metric.type == "counter"), "\(name)")
            let words = Set(name.split(separator: "_").map(String.init))
            #expect(words.isDisjoint(with: units), "\(name)")
            #expect(
                words.isDisjoint(with: ["counter", "gauge", "histogram", "summary"]), "\(name)")
            for suffix in ["_bucket", "_sum", "_count"] { #expect(!name.hasSuffix(suffix)) }
            if name.hasSuffix("_info") { #expect(metric.samples.allSatisfy { $0.value == 1 }) }
            // A time or a size says so at its end, before what makes it a counter.
            let base = name.replacing("_total", with: "")
            if words.contains("bytes") { #expect(base.hasSuffix("_bytes"), "\(name)") }
            if words.contains("seconds") { #expect(base.hasSuffix("_seconds"), "\(name)") }
            #expect(
                Set(metric.samples.map { "\($0.name)\($0.labels)" }).count == metric.samples.count)
            let isHistogram = metric.type == "histogram"
            #expect(metric.samples.allSatisfy { ($0.labels["le"] == nil) || isHistogram })
        }
    }

    @Test func `a service's own route can say it too`() {
        #expect(Self.report.metricsText == MetricsText.text(Self.report))
        #expect(EngineReport.metricsType.hasPrefix("text/plain; version=0.0.4"))
    }

    @Test func `both forms tell the same`() throws {
        let plain = try metrics(MetricsText.text(Self.report))
        let open = try metrics(MetricsText.text(Self.report, .openMetrics))
        #expect(plain.count == open.count)
        #expect(
            Set(plain.values.flatMap(\.samples)) == Set(open.values.flatMap(\.samples)))
        #expect(open["larder_cache"]?.type == "info" && plain["larder_cache_info"]?.type == "gauge")
    }

    @Test func `the time of fetches is a histogram that adds up`() throws {
        let metric = try #require(
            try metrics(MetricsText.text(Self.report))["larder_fetch_duration_seconds"])
        let own = metric.samples.filter { $0.labels["cache"] == "accounts" }
        let buckets = own.filter { $0.name.hasSuffix("_bucket") }
        let ends = buckets.map { $0.labels["le"] == "+Inf" ? .infinity : Double($0.labels["le"]!)! }
        #expect(ends == ends.sorted() && ends.last == .infinity && ends.count == 20)
        #expect(buckets.map(\.value) == buckets.map(\.value).sorted())
        // 100 us, 300 us and 40 ms are below, 100 s is not.
        for (end, count) in [(0.000256, 1.0), (0.000512, 2), (0.065536, 3), (67.108864, 3)] {
            let bucket = zip(ends, buckets).first { $0.0 == end }?.1
            #expect(bucket?.value == count, "\(end)")
        }
        #expect(own.first { $0.name.hasSuffix("_count") }?.value == 4)
        #expect(buckets.last?.value == 4)
        #expect(own.first { $0.name.hasSuffix("_sum") }?.value == 100.0404)
    }

    @Test func `what left is told by the words that its events have`() throws {
        let causes =
            try metrics(MetricsText.text(Self.report))["larder_removals_total"]?.samples
            .compactMap { $0.labels["cause"] } ?? []
        let words = RemovalCause.allCases.map {
            EventKind.removed($0, version: 1, age: .zero, hits: 0).word.rawValue
        }
        #expect(Set(causes) == Set(words))
        let names = try metrics(MetricsText.text(Self.report)).keys
        #expect(names.contains("larder_\(EventKind.Word.oversized.rawValue)_total"))
    }

    @Test func `parts of a whole are one metric, with a label`() throws {
        let names = [
            "larder_fetch_failures_total", "larder_removals_total", "larder_ghost_hits_total",
        ]
        for (name, label, part, count) in [
            (names[0], "kind", "timed_out", 2.0), (names[0], "kind", "broken", 0),
            (names[1], "cause", "evicted", 4), (names[2], "cause", "expired", 2),
        ] {
            #expect(
                try value(name, ["cache": "accounts", label: part]) == count, "\(name) \(part)")
        }
        #expect(try value("larder_refused_total") == 7)
        #expect(try value("larder_max_bytes") == Double(1 << 20))
        #expect(try value("larder_uptime_seconds", [:]) == 90)
        let info = try #require(
            try metrics(MetricsText.text(Self.report))["larder_cache_info"]?.samples.first)
        #expect(info.labels["policy"] == "lru" && info.labels["maxsize"] == "64")
        #expect(info.labels["ttl"] == "5m" && info.labels["stale"] == "1m")
    }

    // MARK: The dashboard

    private struct Board: Decodable {
        struct Panel: Decodable {
            struct Target: Decodable {
                var refId: String
                var expr: String
            }
            struct Position: Decodable { var h, w, x, y: Int }
            var id: Int
            var title: String
            var targets: [Target]
            var gridPos: Position
        }
        var title: String
        var panels: [Panel]
    }

    private func board() throws -> Board {
        try JSONDecoder().decode(Board.self, from: Data(Dashboard.json.utf8))
    }

    @Test func `every name and label of the dashboard is told by the engine`() throws {
        let samples = try metrics(MetricsText.text(Self.report)).values.flatMap(\.samples)
        let labels = Dictionary(grouping: samples, by: \.name).mapValues {
            $0.reduce(into: Set<String>()) { $0.formUnion($1.labels.keys) }
        }
        for panel in try board().panels {
            #expect(!panel.targets.isEmpty, "\(panel.title)")
            for target in panel.targets {
                let names = target.expr.matches(of: /larder_[a-z_]+/).map { String($0.0) }
                #expect(!names.isEmpty, "\(panel.title)")
                for name in names { #expect(labels[name] != nil, "\(panel.title): \(name)") }
                let known = names.reduce(into: Set<String>()) { $0.formUnion(labels[$1] ?? []) }
                for match in target.expr.matches(of: /by \(([a-z, ]+)\)/) {
                    let asked = match.1.split(separator: ", ").map(String.init)
                    #expect(known.isSuperset(of: asked), "\(panel.title): \(asked)")
                }
            }
        }
    }

    @Test func `every metric is on the dashboard`() throws {
        let expressions = try board().panels.flatMap(\.targets).map(\.expr).joined(separator: " ")
        for (name, _) in try metrics(MetricsText.text(Self.report)) {
            #expect(expressions.contains(name), "\(name)")
        }
    }

    @Test func `panels have their own places and names`() throws {
        let panels = try board().panels
        #expect(Set(panels.map(\.id)).count == panels.count)
        #expect(Set(panels.map(\.title)).count == panels.count)
        var taken: Set<[Int]> = []
        for panel in panels {
            #expect(Set(panel.targets.map(\.refId)).count == panel.targets.count)
            let place = panel.gridPos
            #expect(place.x + place.w <= 24)
            for x in place.x..<place.x + place.w {
                for y in place.y..<place.y + place.h {
                    #expect(taken.insert([x, y]).inserted, "\(panel.title)")
                }
            }
        }
    }

    // MARK: What is lost

    @Test func `who reads the stream of changes late is told how many are lost`() async throws {
        try await Engine.run { engine in
            for number in 0..<300 {
                engine.accounts.insert("a", for: "\(number)")
                let entry = SeenEntry(
                    id: EntryKey(cache: "accounts", key: "\(number)"), version: nil)
                let plan = try await engine.inspector.plan(.invalidate([entry]))
                _ = try await engine.inspector.apply(plan.id, by: Operator("ann"))
            }
            let ran = try run([
                "curl", "-s", "-N", "-m", "1", "-H", "Accept: text/event-stream", "-H",
                "Last-Event-ID: \(engine.inspector.instance)-1", "--unix-socket",
                engine.place.socket, "http://larder/v1/changes",
            ])
            let first = try #require(
                ran.output.split(separator: "\n").first { $0.hasPrefix("data: ") })
            #expect(
                first.contains("\"missed\":43") && first.contains("\"number\":45"),
                "\(first.prefix(200))")
            #expect(ran.output.matches(of: /"missed":0/).count == 255)
            #expect(try await engine.remote.changes(after: 0).first?.missed == 44)
        }
    }
}
