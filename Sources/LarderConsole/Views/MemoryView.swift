import Larder
import LarderInspector

/// What takes the memory, how it grows, and the largest entries.
enum MemoryView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        guard let report = model.report else { return }
        let held = report.caches.reduce(0) { $0 + $1.snapshot.bytes }
        let resident = report.memory.resident
        let undoable = report.caches.reduce(0) { $0 + $1.snapshot.undoableBytes }
        let whole = max(1, report.memory.limit ?? resident ?? held)
        var lines: [Pieces] = [part(model, "entries", held, of: whole, box)]
        // What was removed, and can be put back for a while.
        if undoable > 0 { lines.append(part(model, "for undo", undoable, of: whole, box)) }
        // The last hour: samples and events.
        let record = report.caches.reduce(0) { $0 + $1.snapshot.recordBytes }
        lines.append(part(model, "record", record, of: whole, box))
        let rest = resident.map { max(0, $0 - held - undoable - record) }
        lines.append(part(model, "the rest", rest, of: whole, box))
        if let limit = report.memory.limit {
            lines.append(part(model, "limit", limit, of: whole, box))
        } else {
            lines.append([(Text.left("limit", 10), .dim), ("none", .plain)])
        }
        lines.append(growth(model, limit: report.memory.limit))
        lines += [[], caches(model)]
        lines += report.caches.map { cache(model, $0) }
        lines += [[], largest(model)]
        frame.put(lines, in: box, model)
        let room = box.height - lines.count
        guard room > 0, !model.largest.isEmpty else { return }
        let cursor = min(model.pane.cursor, model.largest.count - 1)
        let first = max(0, cursor - room + 1)
        for (place, row) in model.largest.dropFirst(first).prefix(room).enumerated() {
            let line = Box(
                row: box.row + lines.count + place, column: box.column, height: 1, width: box.width)
            frame.put([entry(model, row)], in: line, model)
            frame.line(row: line.row, in: box, first + place, isSelected: first + place == cursor)
        }
    }

    private static func part(
        _ model: Model, _ name: String, _ bytes: Int?, of whole: Int, _ box: Box
    ) -> Pieces {
        guard let bytes else { return [(Text.left(name, 10), .dim), ("not known here", .plain)] }
        let share = Double(bytes) / Double(whole)
        let width = min(60, max(8, box.width - 30))
        return [
            (Text.left(name, 10), .dim), (Text.right(Units.text(bytes: bytes), 7) + "  ", .bold),
            (Sparkline.gauge(share, width: width, model.glyphs), .accent),
            (" " + Text.right(Format.percent(share), 6), .dim),
        ]
    }

    /// What came to be in the last minutes, by the minute, and when the limit would be reached.
    private static func growth(_ model: Model, limit: Int?) -> Pieces {
        guard let rate = model.growth, let last = model.memory.last else {
            return [(Text.left("growth", 10), .dim), ("seen after half a minute", .dim)]
        }
        // Less than a hundredth of a percent a minute is none.
        let isNone = abs(rate) < Double(last.resident) / 10_000
        var pieces: Pieces = [
            (Text.left("growth", 10), .dim),
            (
                isNone
                    ? "none"
                    : (rate < 0 ? "-" : "+") + Units.text(bytes: Int(clamping: abs(rate)))
                        + " a minute",
                .plain
            ),
        ]
        if let limit, rate > 0, !isNone {
            let minutes = Double(limit - last.resident) / rate
            if minutes < 24 * 60 {
                pieces.append(
                    ("  limit in \(Format.age(.seconds(clamping: max(0, minutes * 60))))", .warning)
                )
            }
        }
        return pieces
    }

    private static func nameWidth(_ model: Model) -> Int {
        min(14, max(5, model.cacheNames.map { Text.width(of: $0) }.max() ?? 0))
    }

    private static func caches(_ model: Model) -> Pieces {
        [
            (
                Text.left("CACHE", nameWidth(model)) + Text.right("ENTRIES", 11)
                    + Text.right("BYTES", 9) + Text.right("MEAN", 9) + Text.right("MAXBYTES", 11),
                .dim
            )
        ]
    }

    private static func cache(_ model: Model, _ cache: CacheReport) -> Pieces {
        let snapshot = cache.snapshot
        let mean = snapshot.count == 0 ? "-" : Units.text(bytes: snapshot.bytes / snapshot.count)
        let most = snapshot.configuration.maxbytes.map { Units.text(bytes: $0) } ?? "none"
        let name = Text.cut(
            Text.safe(cache.name, ascii: model.glyphs.ascii), to: nameWidth(model),
            mark: model.glyphs.more)
        return [
            (Text.left(name, nameWidth(model)), .accent),
            (
                Text.right(Format.count(snapshot.count), 11)
                    + Text.right(Units.text(bytes: snapshot.bytes), 9) + Text.right(mean, 9)
                    + Text.right(most, 11), .plain
            ),
        ]
    }

    private static func largest(_ model: Model) -> Pieces {
        let query = model.largestQuery
        let isUsual = query.sort == .size && query.descending
        let arrow = query.descending ? model.glyphs.down : model.glyphs.up
        let what = isUsual ? "LARGEST ENTRIES" : "ENTRIES BY \(query.sort.rawValue) \(arrow)"
        return [(Text.right("SIZE", 7) + Text.right("HITS", 9) + "  " + what, .dim)]
    }

    private static func entry(_ model: Model, _ row: Row) -> Pieces {
        [
            (Text.right(Units.text(bytes: row.bytes), 7), .bold),
            (Text.right(Format.count(row.hits), 9) + "  ", .plain),
            (Text.safe(row.id.key, ascii: model.glyphs.ascii), .plain),
            ("  " + Text.safe(row.id.cache, ascii: model.glyphs.ascii), .dim),
        ]
    }
}

extension Model {
    /// Bytes a minute that the process grew by over the last five minutes; `nil` before there is
    /// half a minute to tell it from.
    var growth: Double? {
        guard let last = memory.last else { return nil }
        let recent = memory.filter { last.at - $0.at <= .seconds(300) }
        guard let first = recent.first, last.at - first.at >= .seconds(30) else { return nil }
        return Double(last.resident - first.resident) / ((last.at - first.at).inSeconds / 60)
    }
}
