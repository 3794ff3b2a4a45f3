import Foundation
import Larder
import LarderInspector

/// What the origins were asked and how that went, and what the caches saved.
enum OriginsView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        guard let report = model.report else { return }
        var lines: [Pieces] = [
            heading(model, "CACHE", ["FETCHES", "FAILED", "P50", "P99", "SPARED", "OF TIME"])
        ]
        lines += report.caches.map { cache(model, $0) }
        lines.append([])
        if report.origins.isEmpty {
            lines.append([("this origin counts no calls of its own", .dim)])
        } else {
            lines.append(
                heading(
                    model, "CALL",
                    ["CALLS", "FAILED", "RETRIED", "THROTTLED", "P50", "P99", "SPARED", "OF USD"])
            )
            lines += report.origins.flatMap { origin(model, $0) }
        }
        frame.put(
            Array(lines.dropFirst(min(model.pane.scroll, max(0, lines.count - box.height)))),
            in: box, model)
    }

    private static func nameWidth(_ model: Model) -> Int {
        let names = model.cacheNames + (model.report?.origins.map(\.name) ?? [])
        return min(18, max(5, names.map { Text.width(of: $0) }.max() ?? 0))
    }

    private static func cell(_ model: Model) -> Int { model.size.columns >= 110 ? 11 : 10 }

    private static func heading(_ model: Model, _ name: String, _ headings: [String]) -> Pieces {
        let width = headings.count > 6 && model.size.columns < 90 ? 7 : cell(model)
        return [
            (Text.left(name, nameWidth(model)), .dim),
            (
                headings.map {
                    Text.right(Text.cut($0, to: width - 1, mark: model.glyphs.more), width)
                }.joined(), .dim
            ),
        ]
    }

    private static func name(_ model: Model, _ text: String) -> (text: String, style: Style) {
        let width = nameWidth(model)
        let name = Text.safe(text, ascii: model.glyphs.ascii)
        return (Text.left(Text.cut(name, to: width, mark: model.glyphs.more), width), .accent)
    }

    private static func cache(_ model: Model, _ cache: CacheReport) -> Pieces {
        let snapshot = cache.snapshot
        let counters = snapshot.counters
        let saved = counters.hits + counters.coalesced
        let middle = snapshot.fetchTimes.quantile(0.5)
        let time =
            middle.map { Format.age(.seconds(clamping: $0.inSeconds * Double(saved))) } ?? "-"
        let figures = [
            Format.count(snapshot.fetchTimes.count + counters.fetchFailures),
            Format.count(counters.fetchFailures), middle.map(Format.took) ?? "-",
            snapshot.fetchTimes.quantile(0.99).map(Format.took) ?? "-", Format.count(saved), time,
        ]
        return [
            name(model, cache.name),
            (figures.map { Text.right($0, cell(model)) }.joined(), .plain),
        ]
    }

    private static func origin(_ model: Model, _ origin: OriginReport) -> [Pieces] {
        let width = model.size.columns < 90 ? 7 : cell(model)
        let figures = [
            Format.count(origin.calls), Format.count(origin.failed), Format.count(origin.retries),
            Format.count(origin.throttles), origin.latency.quantile(0.5).map(Format.took) ?? "-",
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
