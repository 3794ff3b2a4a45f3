import Larder
import LarderInspector

/// The live entries, one a row.
enum TableView {
    /// What stands in a column of the table.
    private enum Content: Hashable {
        case column(EntryColumn)
        /// What is left of each entry's life, and its share of the hits, as lines to look at.
        case life, share
    }

    /// A column of the table: what stands in it, its heading and its width.
    private struct Cell {
        let content: Content
        let heading: String
        let width: Int

        init(_ column: EntryColumn, _ heading: String, _ width: Int) {
            (content, self.heading, self.width) = (.column(column), heading, width)
        }

        /// A line of so many columns; without a heading, it belongs to the column before.
        init(_ line: Content) { (content, heading, width) = (line, "", lineWidth) }

        /// What a press on the heading sorts by.
        var sorts: EntryColumn {
            switch content {
            case .column(let column): column
            case .life: .ttl
            case .share: .hits
            }
        }
    }

    private static let lineWidth = 8

    static func draw(_ model: Model, _ layout: Layout, _ frame: inout Frame) {
        var table = layout.table
        if layout.kind == .wide {
            let box = Box(
                row: table.row - 1, column: table.column - 1, height: table.height + 2,
                width: table.width + 2)
            frame.border(box, "Entries", model.glyphs, right: StatusView.range(model))
            // No word touches the border.
            table.width -= 1
        }
        let cells = columns(model, width: table.width)
        heading(model, cells, table, &frame)
        var place = max(model.top, model.offset)
        let lines = lines(model, table.height - 1)
        // The line of the most hit of the rows at hand is the longest.
        let most = model.rows.lazy.map(\.hits).max() ?? 0
        for (line, row) in lines.enumerated() {
            draw(
                model, row.row, gone: row.gone, cells, table, line: 1 + line, most: most, &frame)
            guard row.gone == nil else { continue }
            let isSelected = row.row.id == model.cursor
            frame.line(row: table.row + 1 + line, in: layout.table, place, isSelected: isSelected)
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

    /// The rows on the screen. Rows that went a moment ago stand among them in their old places,
    /// unless they would push the cursor's row off the screen.
    private static func lines(_ model: Model, _ height: Int) -> [(row: EntryRow, gone: String?)] {
        let first = model.top - model.offset
        let visible = first..<first + max(0, height)
        var lines: [(row: EntryRow, gone: String?)] = model.rows.indices.clamped(to: visible).map {
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
        if model.past?.gap != nil, let lack = model.incompleteness {
            return "nothing passes: \(lack)"
        }
        if model.report == nil { return model.problem ?? "waiting for the engine" }
        if model.troubleOnly { return "no row is in trouble; ! shows all" }
        if !model.query.filter.isEmpty {
            return "nothing passes \"\(model.query.filter)\"; Esc clears"
        }
        return "no entries are held"
    }

    /// The order in which columns that were chosen go where there is no room: key, ttl and state
    /// never do, nor does the one that is sorted by.
    private static let dropped: [Content] =
        (EntryColumn.optional.map { (Content.column($0.column), $0.worth) }
        + [(.share, 45), (.life, 55)])
        .sorted { $0.1 < $1.1 }.map(\.0)

    /// The columns that there is room for.
    static func seen(_ model: Model) -> Set<EntryColumn> {
        Set(
            columns(model, width: model.layout.table.width).compactMap {
                if case .column(let column) = $0.content { column } else { nil }
            })
    }

    private static func columns(_ model: Model, width: Int) -> [Cell] {
        var cells = EntryColumn.allCases.filter {
            $0 != .key && ($0.isUsual || $0 == model.query.sort)
        }.flatMap { column -> [Cell] in
            let cell = Cell(
                column, column.heading, max(column.heading.count, self.width(column, model)))
            return switch column {
            case .ttl: [cell, Cell(.life)]
            case .hits: [cell, Cell(.share)]
            default: [cell]
            }
        }
        cells.removeAll { model.hiddenColumns.contains($0.sorts) }
        if model.shownCaches.count <= 1 { cells.removeAll { $0.content == .column(.cache) } }
        var drop = dropped.filter { $0 != .column(model.query.sort) }[...]
        while room(cells, width) < keyRoom(model), let next = drop.popFirst() {
            cells.removeAll { $0.content == next }
        }
        return cells
    }

    private static func width(_ column: EntryColumn, _ model: Model) -> Int {
        switch column.kind {
        case .text: min(12, max(5, model.cacheNames.map { Text.width(of: $0) }.max() ?? 0))
        // As wide as the longest word, seen or not: columns do not move about.
        case .state: EntryRow.State.allCases.map(\.rawValue.count).max()!
        case .left, .passed: model.showsTimes ? 8 : 6
        case .bytes: 7
        case .count, .took, .turn, .rate: 6
        }
    }

    /// What stands in a column of a row, as people read it.
    static func text(_ column: EntryColumn, of row: EntryRow, _ model: Model) -> String {
        let now = model.shownNow
        func time(_ distance: Duration?, _ words: (Duration) -> String) -> String {
            guard let distance else { return "-" }
            return model.showsTimes ? model.time(now + distance) : words(distance)
        }
        return switch column.cell(of: row, at: now) {
        case .text(let text): text
        // A failure has no version: a dash stands there.
        case .count(let count) where column == .version: row.isHeld ? Format.count(count) : "-"
        case .count(let count): Format.brief(count)
        case .bytes(let bytes): Format.bytes(bytes)
        // An entry past its end shows for how long it has been.
        case .left where column == .ttl && row.isPastEnd(at: now) && !model.showsTimes:
            "-" + Format.age(now - row.deadline!)
        case .left(let left?): time(left) { Format.left($0) }
        case .left(nil): Format.left(nil)
        case .passed(let passed): time(passed.map { .zero - $0 }) { Format.age(.zero - $0) }
        case .took(let took): took == .zero ? "-" : Format.took(took)
        case .rate(let rate): Format.perSecond(rate)
        case .turn(let turn): turn.map { Format.brief(UInt64(clamping: $0)) } ?? "-"
        }
    }

    /// The longest key that was seen, within reason: the columns make room for it.
    private static func keyRoom(_ model: Model) -> Int { min(28, max(18, model.widestKey)) }

    /// What the other columns leave.
    private static func room(_ cells: [Cell], _ width: Int) -> Int {
        width - 3 - cells.reduce(0) { $0 + $1.width + gap($1) }
    }

    /// As wide as the longest key that was seen: what there is to read stands together.
    private static func keyWidth(_ model: Model, _ cells: [Cell], _ width: Int) -> Int {
        max(3, min(room(cells, width), max(12, model.widestKey)))
    }

    private static func heading(
        _ model: Model, _ cells: [Cell], _ table: Box, _ frame: inout Frame
    ) {
        var column = table.column + 3
        func put(_ text: String, _ this: EntryColumn, _ width: Int, _ gap: Int, leftward: Bool) {
            let sorted = model.query.sort == this && !text.isEmpty
            let mark = sorted ? (model.query.descending ? model.glyphs.down : model.glyphs.up) : ""
            let shown = leftward ? Text.left(text + mark, width) : Text.right(text + mark, width)
            frame.put(
                shown, at: Place(row: table.row, column: column + gap), sorted ? .accent : .dim,
                limit: table.column + table.width - column - gap)
            column += gap
            frame.point(row: table.row, columns: column..<column + width, .sort(this))
            column += width
        }
        put("KEY", .key, keyWidth(model, cells, table.width), 0, leftward: true)
        for cell in cells {
            put(cell.heading, cell.sorts, cell.width, gap(cell), leftward: leftward(cell))
        }
    }

    /// A line stands close to the figure that it shows.
    private static func gap(_ cell: Cell) -> Int { cell.heading.isEmpty ? 1 : 2 }

    private static func leftward(_ cell: Cell) -> Bool {
        [.column(.cache), .column(.state)].contains(cell.content)
    }

    private static func draw(
        _ model: Model, _ row: EntryRow, gone: String?, _ cells: [Cell], _ table: Box, line: Int,
        most: UInt64, _ frame: inout Frame
    ) {
        let now = model.shownNow
        let mark = model.marks[row.id]
        let marked = mark != nil
        // What was marked is not what stands there now.
        let isChanged = mark.map { $0 != row.version } ?? false
        let selected = row.id == model.cursor && gone == nil
        let place = Place(row: table.row + line, column: table.column)
        let keyWidth = keyWidth(model, cells, table.width)
        let key = Text.cut(
            Text.safe(row.id.key, ascii: model.glyphs.ascii),
            to: keyWidth, mark: model.glyphs.more)
        // What could not be confirmed, and what is gone, is grey.
        let isSure = model.problem == nil && gone == nil
        let base: Style = !isSure ? .dim : marked ? .marked : .plain
        var pieces: [(String, Style)] = [
            (
                (selected ? ">" : gone == nil ? " " : "~") + (isChanged ? "!" : marked ? "*" : " ")
                    + " ",
                isSure && isChanged ? .warning : base
            ),
            (Text.left(key, keyWidth), base),
        ]
        for cell in cells {
            pieces.append((String(repeating: " ", count: gap(cell)), base))
            switch cell.content {
            case .life:
                let isKnown = model.knows(.ttl, of: row.id)
                pieces += self.line(isKnown ? life(row, now) : nil, isSure, base, model)
            case .share:
                let isKnown = model.knows(.hits, of: row.id)
                let share = most > 0 && isKnown ? Double(row.hits) / Double(most) : 0
                pieces += self.line(share, isSure, base, model)
            case .column(let column):
                let word = column == .state ? gone : nil
                let isKnown = model.knows(column, of: row.id)
                var text = Text.safe(
                    word ?? (isKnown ? text(column, of: row, model) : "-"),
                    ascii: model.glyphs.ascii)
                // What became of an entry may be a longer word, and behind the state nothing stands.
                let more = column == .state ? max(0, room(cells, table.width) - keyWidth) : 0
                if column == .state, word == nil, isKnown, !model.showsTimes {
                    let words = [row.stateWords(at: now), row.stateWords(at: now, isBrief: true)]
                    text = words.first { $0.count <= cell.width + more } ?? text
                }
                let shown = Text.cut(text, to: cell.width + more, mark: model.glyphs.more)
                pieces.append(
                    (
                        leftward(cell)
                            ? Text.left(shown, cell.width) : Text.right(shown, cell.width),
                        column == .state && isSure && isKnown
                            ? style(row.state(at: now), base) : base
                    ))
            }
        }
        frame.put(pieces, at: place, limit: table.width)
    }

    /// What is left of its life, 0...1; `nil` where it has no end.
    static func life(_ row: EntryRow, _ now: AgeInstant) -> Double? {
        guard row.isHeld, let deadline = row.deadline, row.writtenAt < deadline else { return nil }
        return (deadline - now).inSeconds / (deadline - row.writtenAt).inSeconds
    }

    private static func line(
        _ share: Double?, _ isSure: Bool, _ base: Style, _ model: Model
    ) -> Pieces {
        guard let share, isSure else {
            return [(String(repeating: " ", count: lineWidth), base)]
        }
        let line = Sparkline.line(share, width: lineWidth, model.glyphs)
        return [(line.done, .accent), (line.toCome, .dim)]
    }

    private static func style(_ state: EntryRow.State, _ base: Style) -> Style {
        switch state {
        case .stale, .failed: .trouble
        case .expiring, .thin, .negative: .warning
        case .refreshing: .accent
        // An entry in reserve is fetched again by whoever asks for it.
        case .cold, .expired: base == .plain ? .dim : base
        case .fresh: base
        }
    }
}
