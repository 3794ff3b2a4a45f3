import Larder
import LarderInspector

/// What takes the memory, how it grows, and the largest entries.
enum MemoryView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        guard let report = model.report else { return }
        let parts = parts(report)
        let whole = max(1, report.memory.limit ?? report.memory.resident ?? parts[0].bytes ?? 0)
        var lines = parts.map { part(model, $0, of: whole, box) }
        lines.append(biggest(model, parts, report))
        if let limit = report.memory.limit {
            lines.append(part(model, Part(name: "limit", bytes: limit), of: whole, box))
        } else {
            lines.append(line("limit", "none"))
        }
        lines.append(growth(model, limit: report.memory.limit))
        lines += [[], caches(model)]
        let all = report.caches.reduce(0) { $0 + $1.snapshot.bytes }
        lines += report.caches.map { cache(model, $0, of: all) }
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

    /// What there is to tell apart of the process's memory.
    private struct Part {
        var name: String
        var bytes: Int?
        /// What it is, in a sentence's part.
        var about = ""
    }

    private static func parts(_ report: EngineReport) -> [Part] {
        let names: [MemoryPart.What: String] = [.undo: "for undo", .rest: "the rest"]
        return report.memoryParts.map {
            Part(name: names[$0.what] ?? $0.what.rawValue, bytes: $0.bytes, about: $0.what.about)
        }
    }

    /// Which of them is the largest, or why that cannot be said.
    private static func biggest(_ model: Model, _ parts: [Part], _ report: EngineReport) -> Pieces {
        guard report.memory.resident != nil else {
            return line("biggest", "not known: the system does not say what the process takes")
        }
        let most = parts.max { ($0.bytes ?? 0) < ($1.bytes ?? 0) }!
        return line("biggest", most.name, most.about)
    }

    /// Where texts and figures begin, behind their names.
    private static let nameRoom = 10

    private static func line(_ name: String, _ text: String, _ about: String = "") -> Pieces {
        [
            (Text.left(name, nameRoom), .dim),
            (Text.right(text, max(9, Text.width(of: text))), .bold),
            (about.isEmpty ? "" : "  " + about, .dim),
        ]
    }

    private static func part(_ model: Model, _ part: Part, of whole: Int, _ box: Box) -> Pieces {
        guard let bytes = part.bytes else { return line(part.name, "not known") }
        let share = Double(bytes) / Double(whole)
        let width = min(60, max(8, box.width - 32))
        let gauge = Sparkline.line(share, width: width, model.glyphs)
        return line(part.name, Format.bytes(bytes)) + [
            ("  ", .plain), (gauge.done, .accent), (gauge.toCome, .dim),
            (" " + Text.right(Format.percent(share), 6), .dim),
        ]
    }

    /// The growth over the last minutes, for each minute, and when the limit would be reached.
    private static func growth(_ model: Model, limit: Int?) -> Pieces {
        guard let rate = model.growth, let last = model.memory.last else {
            return line("growth", "-", "told once this console has looked for half a minute")
        }
        // Less than a hundredth of a percent a minute is none.
        guard abs(rate) >= Double(last.resident) / 10_000 else { return line("growth", "none") }
        let amount = Format.bytes(Int(clamping: abs(rate)))
        var pieces = line("growth", (rate < 0 ? "-" : "+") + amount, "a minute")
        if let limit, rate > 0 {
            let minutes = Double(limit - last.resident) / rate
            if minutes < 24 * 60 {
                let left = Format.age(.seconds(clamping: max(0, minutes * 60)))
                pieces.append(("  limit in \(left)", .warning))
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
                    + Text.right("SIZE", 10) + (hasShares(model) ? Text.right("SHARE", 8) : "")
                    + Text.right("MEAN", 10)
                    + Text.right("MAXBYTES", 10),
                .dim
            )
        ]
    }

    /// Whether there is room for what part of all bytes each cache has.
    private static func hasShares(_ model: Model) -> Bool { model.size.columns >= 68 }

    /// - Parameter all: Bytes of the entries of all caches.
    private static func cache(_ model: Model, _ cache: CacheReport, of all: Int) -> Pieces {
        let snapshot = cache.snapshot
        let share = all == 0 ? "-" : Format.percent(Double(snapshot.bytes) / Double(all))
        let mean = snapshot.count == 0 ? "-" : Format.bytes(snapshot.bytes / snapshot.count)
        let most = snapshot.configuration.maxbytes.map { Format.bytes($0) } ?? "none"
        let name = Text.cut(
            Text.safe(cache.name, ascii: model.glyphs.ascii), to: nameWidth(model),
            mark: model.glyphs.more)
        return [
            (Text.left(name, nameWidth(model)), .accent),
            (
                Text.right(Format.count(snapshot.count), 11)
                    + Text.right(Format.bytes(snapshot.bytes), 10)
                    + (hasShares(model) ? Text.right(share, 8) : "")
                    + Text.right(mean, 10)
                    + Text.right(most, 10), .plain
            ),
        ]
    }

    private static func largest(_ model: Model) -> Pieces {
        let query = model.largestQuery
        let isUsual = query.sort == .size && query.descending
        let arrow = query.descending ? model.glyphs.down : model.glyphs.up
        let what = isUsual ? "LARGEST ENTRIES" : "ENTRIES BY \(query.sort.rawValue) \(arrow)"
        return [(Text.right("SIZE", 9) + Text.right("HITS", 9) + "  " + what, .dim)]
    }

    private static func entry(_ model: Model, _ row: EntryRow) -> Pieces {
        [
            (Text.right(Format.bytes(row.bytes), 9), .bold),
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
