import Foundation
import Larder
import LarderInspector

/// What the origins were asked, how that went and why not, and what the caches saved.
enum OriginsView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        guard let report = model.report else { return }
        let parts = [
            caches(model, report), failures(model, report), fetched(model, report),
            calls(model, report),
        ]
        let lines = Array(parts.filter { !$0.isEmpty }.joined(separator: [[]]))
        frame.put(
            Array(lines.dropFirst(min(model.pane.scroll, max(0, lines.count - box.height)))),
            in: box, model)
    }

    // MARK: Lines

    private static func nameWidth(_ model: Model) -> Int {
        let names = model.cacheNames + (model.report?.origins.map(\.name) ?? [])
        return min(18, max(5, names.map { Text.width(of: $0) }.max() ?? 0))
    }

    private static func cell(_ model: Model) -> Int { model.size.columns >= 110 ? 11 : 10 }

    private static func heading(
        _ model: Model, _ name: String, _ headings: [String], last: String = ""
    ) -> Pieces {
        let width = headings.count > 6 && model.size.columns < 90 ? 7 : cell(model)
        let text = headings.map {
            Text.right(Text.cut($0, to: width - 1, mark: model.glyphs.more), width)
        }.joined()
        return [
            (Text.left(name, nameWidth(model)), .dim),
            (text + (last.isEmpty ? "" : "  " + last), .dim),
        ]
    }

    private static func name(_ model: Model, _ text: String) -> (text: String, style: Style) {
        let width = nameWidth(model)
        return (Text.left(cut(model, text, width), width), .accent)
    }

    private static func cut(_ model: Model, _ text: String, _ width: Int) -> String {
        Text.cut(
            Text.safe(text, ascii: model.glyphs.ascii), to: max(0, width), mark: model.glyphs.more)
    }

    private static func cells(_ model: Model, _ figures: [String]) -> String {
        figures.map { Text.right($0, cell(model)) }.joined()
    }

    // MARK: Caches

    private static func caches(_ model: Model, _ report: Report) -> [Pieces] {
        let headings = ["FETCHES", "FAILED", "MEAN", "P99 <=", "SPARED", "OF TIME"]
        return [heading(model, "CACHE", headings)] + report.caches.map { cache(model, $0) }
    }

    private static func cache(_ model: Model, _ cache: CacheReport) -> Pieces {
        let snapshot = cache.snapshot
        let counters = snapshot.counters
        let saved = counters.hits + counters.coalesced
        let mean = snapshot.fetchTimes.mean
        let time =
            mean.map { Format.age(.seconds(clamping: $0.inSeconds * Double(saved))) } ?? "-"
        let figures = [
            Format.count(snapshot.fetchTimes.count + counters.fetchFailures),
            Format.count(counters.fetchFailures), mean.map(Format.took) ?? "-",
            snapshot.fetchTimes.quantile(0.99).map(Format.took) ?? "-", Format.count(saved), time,
        ]
        return [name(model, cache.name), (cells(model, figures), .plain)]
    }

    // MARK: Failures

    /// Each kind of failure that there was, how often within the last minute, and why the last time.
    private static func failures(_ model: Model, _ report: Report) -> [Pieces] {
        let lines = report.caches.flatMap { cache in
            FailureKind.allCases.compactMap { failure(model, cache, $0) }
        }
        guard !lines.isEmpty else { return [] }
        let heading = heading(
            model, "CACHE", ["FAILED", "IN ALL", "IN 1M", "LAST"], last: "WHY")
        return [heading] + lines
    }

    private static func failure(
        _ model: Model, _ cache: CacheReport, _ kind: FailureKind
    ) -> Pieces? {
        let snapshot = cache.snapshot
        let count = snapshot.counters.failures[kind]
        guard count > 0 else { return nil }
        let last = snapshot.lastFailures[kind]
        let lately = snapshot.failuresLately[kind]
        let figures = [
            kind.word, Format.count(count), Format.count(lately),
            last.map { Format.age(snapshot.at - $0.at) } ?? "-",
        ]
        let front = cells(model, figures) + "  "
        let room = model.size.columns - 3 - nameWidth(model) - Text.width(of: front)
        // That something is not there is an answer.
        let style: Style = kind == .absent || lately == 0 ? .plain : .trouble
        return [
            name(model, cache.name), (front, style),
            (cut(model, last?.reason ?? "", room), .dim),
        ]
    }

    // MARK: What is fetched most

    private static func fetched(_ model: Model, _ report: Report) -> [Pieces] {
        let caches = report.caches.filter { !$0.mostFetched.isEmpty }
        guard let since = caches.compactMap(\.fetchedSince).min() else { return [] }
        let width = keyWidth(model)
        let heading: Pieces = [
            (
                Text.left("CACHE", nameWidth(model)) + "  "
                    + Text.left(cut(model, "FETCHED MOST SINCE \(model.time(since))", width), width)
                    + cells(model, ["FETCHES", "FAILED"]) + "  WHY", .dim
            )
        ]
        return [heading]
            + report.fetchedMost.prefix(CacheReport.fetched).map {
                fetched(model, $0.cache, $0.row)
            }
    }

    private static func keyWidth(_ model: Model) -> Int {
        min(48, max(27, model.size.columns / 3))
    }

    private static func fetched(
        _ model: Model, _ cache: String, _ row: FetchedRow
    ) -> Pieces {
        let width = keyWidth(model)
        let key = "  " + Text.left(cut(model, row.key, width), width)
        let figures = cells(model, [Format.count(row.fetches), Format.count(row.failures)]) + "  "
        let room =
            model.size.columns - 3 - nameWidth(model) - Text.width(of: key)
            - Text.width(of: figures)
        return [
            name(model, cache), (key, .plain),
            (figures, row.kind == nil || row.kind == .absent ? .plain : .trouble),
            (cut(model, row.why, room), .dim),
        ]
    }

    // MARK: Calls

    private static func calls(_ model: Model, _ report: Report) -> [Pieces] {
        guard !report.origins.isEmpty else {
            return [[("this origin counts no calls of its own", .dim)]]
        }
        let heading = heading(
            model, "CALL",
            ["CALLS", "FAILED", "RETRIED", "THROTTLED", "MEAN", "P99 <=", "SPARED", "OF USD"])
        return [heading] + report.origins.flatMap { origin(model, $0) }
    }

    private static func origin(_ model: Model, _ origin: OriginReport) -> [Pieces] {
        let width = model.size.columns < 90 ? 7 : cell(model)
        let figures = [
            Format.count(origin.calls), Format.count(origin.failed), Format.count(origin.retries),
            Format.count(origin.throttles), origin.latency.mean.map(Format.took) ?? "-",
            origin.latency.quantile(0.99).map(Format.took) ?? "-", Format.count(origin.savedCalls),
            origin.savedDollars.map { Units.text($0, digits: 4) } ?? "-",
        ]
        let line: Pieces = [
            name(model, origin.name),
            (figures.map { Text.right($0, width) }.joined(), .plain),
        ]
        let failures = origin.failures.sorted { $0.value > $1.value }.map { code, count -> Pieces in
            [(Text.left("", nameWidth(model)), .plain), ("   \(count)  \(code)", .trouble)]
        }
        return [line] + failures
    }
}
