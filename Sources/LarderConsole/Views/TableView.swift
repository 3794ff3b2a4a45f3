import Larder
import LarderInspector

/// The live entries, one a row.
enum TableView {
    /// A column of the table: its heading, its width, and what stands in it.
    private struct Cell {
        let column: Column
        let heading: String
        let width: Int
        let text: (Row, Instant) -> String
    }

    static func draw(_ model: Model, _ layout: Layout, _ frame: inout Frame) {
        let table = layout.table
        if layout.kind == .wide {
            let box = Box(
                row: table.row - 1, column: table.column - 1, height: table.height + 2,
                width: table.width + 2)
            frame.border(box, "Entries", model.glyphs, right: StatusView.range(model))
        }
        let cells = columns(model, width: table.width)
        heading(model, cells, table, &frame)
        var place = max(model.top, model.offset)
        let lines = lines(model, table.height - 1)
        for (line, row) in lines.enumerated() {
            draw(model, row.row, gone: row.gone, cells, table, line: 1 + line, &frame)
            guard row.gone == nil else { continue }
            let isSelected = row.row.id == model.cursor
            frame.line(row: table.row + 1 + line, in: table, place, isSelected: isSelected)
            place += 1
        }
        if model.rows.isEmpty, lines.count < table.height - 1 {
            frame.put(
                Text.cut(emptiness(model), to: table.width - 3, mark: model.glyphs.more),
                at: Place(row: table.row + 1 + lines.count, column: table.column + 3), .dim)
        }
    }

    /// Most rows that went and are shown all the same.
    private static let mostGhosts = 3

    /// The rows on the screen, those that went a moment ago in their old places among them as long as
    /// that pushes the cursor's out of nothing.
    private static func lines(_ model: Model, _ height: Int) -> [(row: Row, gone: String?)] {
        let first = model.top - model.offset
        let visible = first..<first + max(0, height)
        var lines: [(row: Row, gone: String?)] = model.rows.indices.clamped(to: visible).map {
            (model.rows[$0], nil)
        }
        let ghosts = model.ghosts.filter { visible.contains($0.place - model.offset) }
        for ghost in ghosts.suffix(mostGhosts).sorted(by: { $0.place < $1.place }) {
            let cursor = lines.lastIndex { $0.row.id == model.cursor } ?? 0
            guard cursor + 1 < height else { break }
            let place = min(ghost.place - model.offset - first, lines.count)
            lines.insert((ghost.row, ghost.cause), at: place)
        }
        return Array(lines.prefix(max(0, height)))
    }

    private static func emptiness(_ model: Model) -> String {
        if let noRecord = model.noRecord { return noRecord }
        if model.report == nil { return model.problem ?? "waiting for the engine" }
        if model.troubleOnly { return "no row is in trouble; ! shows all" }
        if !model.query.filter.isEmpty {
            return "nothing passes \"\(model.query.filter)\"; Esc clears"
        }
        return "no entries are held"
    }

    /// What fits of what was chosen: key, ttl and state always; the others go in this order.
    private static func columns(_ model: Model, width: Int) -> [Cell] {
        let dropped: [Column] = [.version, .fetch, .age, .size, .hits, .expiry, .cache]
        let cacheWidth = min(12, max(5, model.cacheNames.map { Text.width(of: $0) }.max() ?? 0))
        let showsTimes = model.showsTimes
        /// A countdown or the time of day.
        func end(_ instant: Instant?, _ now: Instant) -> String {
            guard showsTimes, let instant else { return Units.countdown(instant.map { $0 - now }) }
            return model.time(instant)
        }
        let timeWidth = showsTimes ? 8 : 7
        // As wide as the longest word, seen or not: columns do not move about.
        let stateWidth = Row.State.allCases.map(\.rawValue.count).max()!
        var cells = [
            Cell(column: .cache, heading: "CACHE", width: cacheWidth) { row, _ in row.id.cache },
            Cell(column: .ttl, heading: "TTL", width: timeWidth) { row, now in
                end(row.deadline, now)
            },
            Cell(column: .expiry, heading: "EXPIRY", width: timeWidth) { row, now in
                end(row.expiry, now)
            },
            Cell(column: .age, heading: "AGE", width: timeWidth) { row, now in
                showsTimes ? model.time(row.writtenAt) : Format.age(now - row.writtenAt)
            },
            Cell(column: .hits, heading: "HITS", width: 6) { row, _ in Format.brief(row.hits) },
            Cell(column: .size, heading: "SIZE", width: 5) { row, _ in
                Units.text(bytes: row.bytes)
            },
            Cell(column: .fetch, heading: "FETCH", width: 7) { row, _ in
                row.fetchTime == .zero ? "-" : Format.took(row.fetchTime)
            },
            Cell(column: .version, heading: "VERSION", width: 7) { row, _ in
                Format.count(row.version)
            },
            Cell(column: .state, heading: "STATE", width: stateWidth) { row, now in
                row.state(at: now).rawValue
            },
        ]
        cells.removeAll { model.hiddenColumns.contains($0.column) }
        if model.shownCaches.count <= 1 { cells.removeAll { $0.column == .cache } }
        var drop = dropped[...]
        while keyWidth(cells, width) < keyRoom(model), let next = drop.popFirst() {
            cells.removeAll { $0.column == next }
        }
        return cells
    }

    /// The longest key in sight, within reason: the columns make room for it.
    private static func keyRoom(_ model: Model) -> Int {
        let longest = model.rows.lazy.map { Text.width(of: $0.id.key) }.max() ?? 0
        return min(28, max(18, longest))
    }

    private static func keyWidth(_ cells: [Cell], _ width: Int) -> Int {
        width - 3 - cells.reduce(0) { $0 + $1.width + 2 }
    }

    private static func heading(
        _ model: Model, _ cells: [Cell], _ table: Box, _ frame: inout Frame
    ) {
        var column = table.column + 3
        func put(_ text: String, _ this: Column, width: Int, leftward: Bool) {
            let sorted = model.query.sort == this
            let mark = sorted ? (model.query.descending ? model.glyphs.down : model.glyphs.up) : ""
            let shown = leftward ? Text.left(text + mark, width) : Text.right(text + mark, width)
            frame.put(
                shown, at: Place(row: table.row, column: column), sorted ? .accent : .dim,
                limit: table.column + table.width - column)
            frame.point(row: table.row, columns: column..<column + width, .sort(this))
            column += width + 2
        }
        put("KEY", .key, width: max(3, keyWidth(cells, table.width)), leftward: true)
        for cell in cells {
            put(cell.heading, cell.column, width: cell.width, leftward: leftward(cell.column))
        }
    }

    private static func leftward(_ column: Column) -> Bool { column == .cache || column == .state }

    private static func draw(
        _ model: Model, _ row: Row, gone: String?, _ cells: [Cell], _ table: Box, line: Int,
        _ frame: inout Frame
    ) {
        let now = model.shownNow
        let mark = model.marks[row.id]
        let marked = mark != nil
        // What was marked is not what stands there now.
        let isChanged = mark.map { $0 != row.version } ?? false
        let selected = row.id == model.cursor && gone == nil
        let place = Place(row: table.row + line, column: table.column)
        let key = Text.cut(
            Text.safe(row.id.key, ascii: model.glyphs.ascii),
            to: max(3, keyWidth(cells, table.width)), mark: model.glyphs.more)
        // What could not be confirmed, and what is gone, is grey.
        let isSure = model.problem == nil && gone == nil
        let base: Style = !isSure ? .dim : marked ? .marked : .plain
        var pieces: [(String, Style)] = [
            (
                (selected ? ">" : gone == nil ? " " : "~") + (isChanged ? "!" : marked ? "*" : " ")
                    + " ",
                isSure && isChanged ? .warning : base
            ),
            (Text.left(key, max(3, keyWidth(cells, table.width))), base),
        ]
        for cell in cells {
            let word = cell.column == .state ? gone : nil
            let isKnown = model.knows(cell.column, of: row.id)
            let text = Text.safe(
                word ?? (isKnown ? cell.text(row, now) : "-"), ascii: model.glyphs.ascii)
            let shown = Text.cut(text, to: cell.width, mark: model.glyphs.more)
            let style =
                cell.column == .state && isSure && isKnown
                ? style(row.state(at: now), base) : base
            pieces.append(("  ", base))
            pieces.append(
                (
                    leftward(cell.column)
                        ? Text.left(shown, cell.width) : Text.right(shown, cell.width), style
                ))
        }
        frame.put(pieces, at: place, limit: table.width)
    }

    private static func style(_ state: Row.State, _ base: Style) -> Style {
        switch state {
        case .expired, .failed: .trouble
        case .expiring, .thin, .negative: .warning
        case .refreshing: .accent
        case .cold: base == .plain ? .dim : base
        case .fresh: base
        }
    }
}
