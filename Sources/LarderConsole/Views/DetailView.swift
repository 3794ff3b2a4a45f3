import Larder
import LarderInspector

/// The selected entry in full.
enum DetailView {
    static func draw(_ model: Model, _ layout: Layout, _ box: Box, _ frame: inout Frame) {
        if layout.kind == .wide {
            frame.border(box, "Detail", model.glyphs)
            frame.put(lines(model, box.inside.width - 2), in: box.inside, model)
        } else {
            frame.put(short(model), in: box, model)
        }
    }

    static func drawFull(_ model: Model, _ box: Box, _ scroll: Int, _ frame: inout Frame) {
        let lines = lines(model, fullWidth(model))
        let cursor = min(scroll, lines.count - 1)
        let first = max(0, cursor - box.height + 1)
        frame.put(Array(lines.dropFirst(first)), in: box, model)
        guard cursor - first < box.height else { return }
        frame.restyle(
            row: box.row + cursor - first, columns: box.column..<box.column + box.width, .selected)
    }

    static func lines(_ model: Model, _ width: Int) -> [Pieces] {
        parts(model, width).map(\.pieces)
    }

    /// Columns that the lines have where the entry has the whole screen.
    static func fullWidth(_ model: Model) -> Int {
        let layout = model.layout
        return (layout.kind == .wide ? layout.body.inside : layout.body).width - 2
    }

    /// A line, and what is copied of it: what is too long for one goes on in the next.
    private typealias Part = (pieces: Pieces, fact: String)

    private static func parts(_ model: Model, _ width: Int) -> [Part] {
        let key = model.selected?.id.key ?? ""
        func labelled(_ lines: [Pieces]) -> [Part] {
            lines.enumerated().flatMap { place, pieces -> [Part] in
                let fact = pieces.count > 1 ? pieces[1].text : pieces.map(\.text).joined()
                return Text.flow(pieces, labels: pieces.count > 1 ? 1 : 0, to: width)
                    .map { ($0, place == 0 && pieces.count == 1 ? key : fact) }
            }
        }
        let whole = life(model, width).map { ($0, $0.map(\.text).joined()) }
        let past = history(model).flatMap { pieces -> [Part] in
            let fact = pieces.map(\.text).joined()
            return Text.flow(pieces, labels: 2, to: width).map { ($0, fact) }
        }
        return labelled(facts(model)) + whole + labelled(value(model)) + past
    }

    /// Its history to look at, and a blank line.
    private static func life(_ model: Model, _ width: Int) -> [Pieces] {
        guard let row = model.selected else { return [] }
        let events = model.detail.flatMap { $0.row.id == row.id ? $0.history : nil } ?? []
        let line = LifeLine(
            row, events, at: model.shownNow, width: min(width, 100), model.glyphs)
        return line.map { $0.lines(model.time) + [[]] } ?? []
    }

    /// What a line tells, without its name; of an event, the whole line.
    static func fact(_ model: Model, at line: Int) -> String {
        let parts = parts(model, fullWidth(model))
        return parts[min(line, parts.count - 1)].fact
    }

    /// What happened to its key, the latest first.
    private static func history(_ model: Model) -> [Pieces] {
        guard let detail = model.detail, detail.row.id == model.cursor, !detail.history.isEmpty
        else { return [] }
        let events = detail.history.filter { $0.at <= model.shownNow }
        return [[], [("what happened", .dim)]]
            + events.reversed().map { event in
                let (word, note) = EventLines.words(event)
                return [
                    (model.time(event.at) + " ", .dim), (Text.left(word, 11) + " ", .dim),
                    (safe(note, model), .plain),
                ]
            }
    }

    /// Three lines of what matters most.
    private static func short(_ model: Model) -> [Pieces] {
        guard let row = model.selected else { return [] }
        let now = model.shownNow
        var value = fields(model).map { "\($0.name) \($0.text)" }.joined(separator: "  ")
        value = Text.cut(value, to: max(0, model.size.columns - 2), mark: model.glyphs.more)
        let name: Pieces = [
            (safe(row.id.key, model), .bold), ("  \(safe(row.id.cache, model))", .plain),
        ]
        let written: Pieces = [
            (model.time(row.writtenAt), .plain),
            (" (\(Format.age(now - row.writtenAt)) ago)", .dim),
        ]
        guard row.isHeld else {
            let failures = row.refresh?.trouble.map { Format.count($0.failures) + "x, " } ?? ""
            return [
                name + [("  no entry is held", .dim)],
                [("\(row.refresh?.trouble?.failure.word ?? "failed") ", .dim)]
                    + [("\(failures)last ", .plain)] + written + [
                        ("  next try ", .dim), (ending(row, model), .plain),
                        ("  refusals ", .dim), (hits(row, model), .plain),
                    ] + lately(row),
                [(value, .plain)],
            ]
        }
        return [
            name + [("  version ", .dim), ("\(row.version)", .plain), ("  written ", .dim)]
                + written + [("  fetch ", .dim), (fetch(row, model), .plain)],
            [
                (row.isPastEnd(at: now) ? "ended " : "ends ", .dim), (ending(row, model), .plain),
                ("  hits ", .dim), (hits(row, model), .plain), ("  last hit ", .dim),
                (lastHit(row, model).map { "\($0) ago" } ?? never(row, model), .plain),
                ("  size ", .dim), (size(row, model), .plain),
            ] + lately(row),
            [(value, .plain)],
        ]
    }

    private static func lately(_ row: EntryRow) -> Pieces {
        guard let rate = row.fetchRate else { return [] }
        return [("  fetches/s ", .dim), (Format.perSecond(rate), .plain)]
    }

    private static func facts(_ model: Model) -> [Pieces] {
        guard let row = model.selected else { return [[("no entry is selected", .dim)]] }
        let now = model.shownNow
        func line(_ label: String, _ text: String, _ more: String = "") -> Pieces {
            [(Text.left(label, 10), .dim), (text, .plain), (more.isEmpty ? "" : "  " + more, .dim)]
        }
        if let trouble = row.refresh?.trouble, !row.isHeld {
            return failure(row, trouble, model, line)
        }
        return [
            [(safe(row.id.key, model), .bold)],
            line("cache", safe(row.id.cache, model), "version \(row.version)"),
            line(
                "state", model.knows(.state, of: row.id) ? row.state(at: now).rawValue : "-",
                refresh(row, model)),
            row.isPastEnd(at: now) && model.knows(.ttl, of: row.id)
                ? line(
                    row.state(at: now) == .stale ? "stale" : "ended",
                    "for \(Format.age(now - row.deadline!))",
                    "since \(model.time(row.deadline!))")
                : line(
                    "ttl left", Format.left(row.deadline.map { $0 - now }),
                    ending(row, model)),
            line(
                "expiry", Format.left(row.expiry.map { $0 - now }),
                row.expiry.map(model.time) ?? ""),
            line(
                "written", model.time(row.writtenAt), "\(Format.age(now - row.writtenAt)) ago"),
            line(
                "fetch", fetch(row, model),
                row.fetchRate.map { "\(Format.perSecond($0)) a second in the last minute" } ?? ""),
            line(
                "hits", hits(row, model),
                lastHit(row, model).map { "last \($0) ago" }
                    ?? (model.knows(.hits, of: row.id) ? "never hit" : "")),
            line(
                "size", size(row, model),
                model.knows(.size, of: row.id) && row.bytes >= 1000
                    ? "\(Format.count(row.bytes)) bytes" : ""),
            line("to go", turn(row)),
            [],
        ]
    }

    /// A failure is no entry: it has no size and no version, and its own times.
    private static func failure(
        _ row: EntryRow, _ trouble: Trouble, _ model: Model,
        _ line: (String, String, String) -> Pieces
    ) -> [Pieces] {
        let now = model.shownNow
        func ago(_ instant: AgeInstant) -> String { "\(Format.age(now - instant)) ago" }
        return [
            [(safe(row.id.key, model), .bold)],
            line("cache", safe(row.id.cache, model), "no entry is held"),
            line("state", row.state(at: now).rawValue, trouble.failure.word),
            line(
                "next try", "in \(Format.left(trouble.until - now))",
                "at \(model.time(trouble.until))"),
            line("first", model.time(trouble.since), ago(trouble.since)),
            line("last", model.time(trouble.last), ago(trouble.last)),
            line("count", Format.count(trouble.failures), "such answers, and no value between"),
            line(
                "refusals", Format.count(trouble.refusals),
                trouble.lastRefusal.map { "last \(ago($0))" } ?? "nobody asked since"),
            [],
        ]
    }

    /// What is known of the next fetch.
    private static func refresh(_ row: EntryRow, _ model: Model) -> String {
        var parts = [softened(row, model)].compactMap(\.self)
        guard let refresh = row.refresh else { return parts.joined() }
        let now = model.shownNow
        if let trouble = refresh.trouble, now < trouble.until || row.isPastEnd(at: now) {
            if trouble.kind != .absent {
                parts.append(
                    "failed \(trouble.failures)x since \(model.time(trouble.since)), "
                        + "\(trouble.failure.word)")
            }
            parts.append(
                now < trouble.until
                    ? "next try in \(Format.left(trouble.until - now))"
                    : refresh.isFetching ? "a fetch is under way" : "next try at the next look-up")
        } else if refresh.isFetching {
            parts.append("a fetch is under way")
        } else if let start = refresh.start, start != row.deadline {
            parts.append("refreshed from \(model.time(start))")
        }
        if refresh.waiters > 0 { parts.append("\(refresh.waiters) waiting") }
        return parts.joined(separator: ", ")
    }

    /// Since when it is marked as stale, where that is known; `nil` where it is not marked.
    private static func softened(_ row: EntryRow, _ model: Model) -> String? {
        guard row.isMarkedStale, row.state(at: model.shownNow) == .stale else { return nil }
        let marked = model.detail.flatMap { detail in
            detail.row.id != row.id
                ? nil
                : detail.history.last {
                    $0.at <= model.shownNow && $0.kind == .softened(version: row.version)
                }
        }
        let since = marked.map { " since \(model.time($0.at))" } ?? ""
        return "marked\(since), served until refreshed"
    }

    private static func value(_ model: Model) -> [Pieces] {
        let fields = fields(model)
        let width = min(24, fields.map { Text.width(of: $0.name) }.max() ?? 0)
        return fields.map { field in
            [
                (
                    Text.left(Text.cut(field.name, to: width, mark: model.glyphs.more), width)
                        + " ", .dim
                ),
                (field.text, .plain),
            ]
        }
    }

    /// The value's parts, what is inside of them written behind their names: `tags.0`.
    private static func fields(_ model: Model) -> [(name: String, text: String)] {
        guard let detail = model.detail, detail.row.id == model.cursor else { return [] }
        var lines: [(name: String, text: String)] = []
        func walk(_ name: String, _ shown: Shown) {
            switch shown {
            case .text(let text): lines.append((name, text))
            case .number(let digits): lines.append((name, digits))
            case .bool(let bool): lines.append((name, bool ? "true" : "false"))
            case .null: lines.append((name, "null"))
            case .list(let items):
                for (place, item) in items.enumerated() { walk(path(name, "\(place)"), item) }
            case .fields(let fields):
                for field in fields { walk(path(name, field.name), field.value) }
            }
        }
        walk("", detail.value)
        return lines.map {
            (safe($0.name.isEmpty ? "value" : $0.name, model), safe($0.text, model))
        }
    }

    private static func path(_ name: String, _ part: String) -> String {
        name.isEmpty ? part : "\(name).\(part)"
    }

    private static func ending(_ row: EntryRow, _ model: Model) -> String {
        guard model.knows(.ttl, of: row.id) else { return "-" }
        return row.deadline.map { "at " + model.time($0) } ?? "never"
    }

    /// When it would be evicted, were nothing used any more.
    private static func turn(_ row: EntryRow) -> String {
        guard let place = row.toGo else { return "-" }
        return place == 1 ? "next" : "after " + Units.counted(place - 1, "other")
    }

    private static func fetch(_ row: EntryRow, _ model: Model) -> String {
        guard model.knows(.fetch, of: row.id) else { return "-" }
        return row.fetchTime == .zero ? "none" : Format.took(row.fetchTime)
    }

    // In the past not everything is known: a dash stands there, and no "never".

    private static func hits(_ row: EntryRow, _ model: Model) -> String {
        model.knows(.hits, of: row.id) ? Format.count(row.hits) : "-"
    }

    private static func lastHit(_ row: EntryRow, _ model: Model) -> String? {
        row.lastHit.map { Format.age(model.shownNow - $0) }
    }

    private static func never(_ row: EntryRow, _ model: Model) -> String {
        model.knows(.hits, of: row.id) ? "never" : "-"
    }

    private static func size(_ row: EntryRow, _ model: Model) -> String {
        model.knows(.size, of: row.id) ? Format.bytes(row.bytes) : "-"
    }

    private static func safe(_ text: String, _ model: Model) -> String {
        Text.safe(text, ascii: model.glyphs.ascii)
    }
}
