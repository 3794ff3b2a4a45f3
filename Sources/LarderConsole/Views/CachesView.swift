import Larder
import LarderInspector

/// The caches, one a row: how each does, and within which bounds.
enum CachesView {
    /// A column: its heading, its width, and what stands in it.
    private struct Cell: Sendable {
        let heading: String
        let width: Int
        /// Made of what was held at the instant that is shown and its bounds, of what happened
        /// until then, and of the cache as it is now; `nil` where that is not known.
        let text: @Sendable (CacheSample, History, CacheSnapshot?) -> String?
    }

    /// In this order as many as there is room for.
    private static let cells = [
        Cell(heading: "HELD", width: 9) { held, _, _ in Format.count(held.count) },
        Cell(heading: "MAXSIZE", width: 9) { held, _, _ in
            held.maxsize.map { $0 == 0 ? "off" : Format.count($0) } ?? "none"
        },
        Cell(heading: "TTL", width: 9) { held, _, _ in Units.text(ttl: held.ttl) },
        Cell(heading: "HIT 1M", width: 8) { _, history, _ in Format.percent(history.hitRatio()) },
        Cell(heading: "LOOK-UPS", width: 10) { _, history, _ in
            Format.rate(history.rate(\.lookups))
        },
        Cell(heading: "MISSES", width: 9) { _, history, _ in Format.rate(history.rate(\.misses)) },
        Cell(heading: "EVICTED", width: 9) { _, history, _ in Format.rate(history.rate(\.evicted))
        },
        Cell(heading: "SIZE", width: 10) { held, _, _ in Format.bytes(held.bytes) },
        Cell(heading: "POLICY", width: 9) { _, _, now in (now?.configuration.policy).map { "\($0)" }
        },
        Cell(heading: "FAILED", width: 9) { _, _, now in
            (now?.counters.failed).map { Format.count($0) }
        },
    ]

    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        let caches = model.report?.caches ?? []
        let names = nameWidth(model)
        var (shown, width): ([Cell], Int) = ([], names)
        for cell in cells where width + cell.width + 1 <= box.width - 2 {
            shown.append(cell)
            width += cell.width + 1
        }
        let heading = Text.left("CACHE", names) + line(shown.map { ($0.heading, $0.width) })
        frame.put([[(heading, .dim)]], in: box, model)
        let room = box.height - 1
        guard room > 0, !caches.isEmpty else { return }
        let cursor = min(model.pane.cursor, caches.count - 1)
        let first = max(0, cursor - room + 1)
        for (place, cache) in caches.dropFirst(first).prefix(room).enumerated() {
            let row = Box(
                row: box.row + 1 + place, column: box.column, height: 1, width: box.width)
            let history = model.history(of: cache.name)
            let (held, now) = (model.held(cache), model.past == nil ? cache.snapshot : nil)
            let figures = line(
                shown.map { cell in
                    (held.flatMap { cell.text($0, history, now) } ?? "-", cell.width)
                })
            let name = Text.cut(
                Text.safe(cache.name, ascii: model.glyphs.ascii), to: names, mark: model.glyphs.more
            )
            frame.put([[(Text.left(name, names), .accent), (figures, .plain)]], in: row, model)
            frame.line(row: row.row, in: box, first + place, isSelected: first + place == cursor)
        }
    }

    private static func line(_ texts: [(text: String, width: Int)]) -> String {
        texts.map { " " + Text.right($0.text, $0.width) }.joined()
    }

    private static func nameWidth(_ model: Model) -> Int {
        min(24, max(5, model.cacheNames.map { Text.width(of: $0) }.max() ?? 0))
    }
}
