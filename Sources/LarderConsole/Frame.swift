import LarderInspector

/// A screenful as values: what is drawn is decided here and only painted by ``Screen``.
struct Frame: Equatable {
    let size: Size
    private(set) var cells: [Cell]
    /// The cells of more than one Unicode scalar.
    private var clusters: [String] = []
    /// What a press of the mouse means, and where; what lies on top comes last.
    private var targets: [Target] = []

    /// Plain numbers: a frame is made on every key press and compared with the one before.
    struct Cell: Equatable {
        /// A Unicode scalar, ``behind``, or with the topmost bit a place among the clusters.
        fileprivate var code: UInt32
        fileprivate(set) var style: Style

        /// The place behind a wide character.
        fileprivate static let behind: UInt32 = 0
        fileprivate static let cluster: UInt32 = 1 << 31
        fileprivate static let blank = Cell(code: 32, style: .plain)
    }

    init(_ size: Size) {
        self.size = size
        cells = Array(repeating: .blank, count: max(0, size.columns * size.rows))
    }

    /// Writes `text` from a place on, cut at `limit` columns and at the edge.
    mutating func put(
        _ text: String, at place: Place, _ style: Style = .plain, limit: Int = .max
    ) {
        guard (0..<size.rows).contains(place.row) else { return }
        let end = min(size.columns, limit == .max ? .max : place.column + limit)
        if Text.isPlain(text) {
            var text = text
            text.withUTF8 { put($0.lazy.map { UInt32($0) }, at: place, style, end: end) }
            return
        }
        if Text.isSteady(text) {
            put(text.unicodeScalars.lazy.map(\.value), at: place, style, end: end)
            return
        }
        var column = place.column
        // A text that was not made fit before is made fit here.
        for (cell, width) in Text.cells(PlainText.fit(text)) {
            if column + width > end { return }
            if column >= 0 {
                let first = place.row * size.columns + column
                cells[first] = Cell(code: code(of: cell), style: style)
                if width == 2 { cells[first + 1] = Cell(code: Cell.behind, style: style) }
            }
            column += width
        }
    }

    /// Each code is a column.
    private mutating func put(
        _ codes: some Sequence<UInt32>, at place: Place, _ style: Style, end: Int
    ) {
        var column = place.column
        let row = place.row * size.columns
        for code in codes {
            guard column < end else { return }
            if column >= 0 { cells[row + column] = Cell(code: code, style: style) }
            column += 1
        }
    }

    private mutating func code(of cell: String) -> UInt32 {
        let scalars = cell.unicodeScalars
        if scalars.count == 1 { return scalars.first!.value }
        clusters.append(cell)
        return Cell.cluster | UInt32(clusters.count - 1)
    }

    /// What stands in a cell; `nil` behind a wide character.
    private func text(of cell: Cell) -> String? {
        if cell.code == Cell.behind { return nil }
        if cell.code & Cell.cluster != 0 { return clusters[Int(cell.code & ~Cell.cluster)] }
        return Unicode.Scalar(cell.code).map { String($0) }
    }

    /// What differs from a frame of the same size, in each row from the first such column to the
    /// last; everything where the other frame had another size.
    func stretches(changedSince last: Frame?) -> [(row: Int, columns: Range<Int>)] {
        let all = 0..<size.columns
        guard let last, last.size == size else { return (0..<size.rows).map { ($0, all) } }
        return (0..<size.rows).compactMap { row in
            let start = row * size.columns
            // What a cluster is, its cell does not say.
            if cells[start..<start + size.columns].contains(where: { $0.code & Cell.cluster != 0 })
            {
                return (row, all)
            }
            guard let first = all.first(where: { cells[start + $0] != last.cells[start + $0] }),
                let end = all.last(where: { cells[start + $0] != last.cells[start + $0] })
            else { return nil }
            return (row, first..<end + 1)
        }
    }

    // MARK: The mouse

    private struct Target: Equatable {
        var row: Int
        var columns: Range<Int>
        var pointed: Pointed
    }

    /// From now on a press of the mouse there means that.
    mutating func point(row: Int, columns: Range<Int>, _ pointed: Pointed) {
        targets.append(Target(row: row, columns: columns, pointed: pointed))
    }

    /// What a press of the mouse on a place means.
    func pointed(at place: Place) -> Pointed? {
        targets.last { $0.row == place.row && $0.columns.contains(place.column) }?.pointed
    }

    /// Forgets what a press of the mouse means there: something lies over all of it.
    mutating func pointNowhere() { targets = [] }

    /// Gives a whole stretch one style, keeping its text.
    mutating func restyle(row: Int, columns: Range<Int>, _ style: Style) {
        guard (0..<size.rows).contains(row) else { return }
        for column in columns.clamped(to: 0..<size.columns) {
            cells[row * size.columns + column].style = style
        }
    }

    /// Blanks a rectangle.
    mutating func clear(_ box: Box) {
        for row in box.rows {
            put(
                String(repeating: " ", count: max(0, box.width)),
                at: Place(row: row, column: box.column))
        }
    }

    /// The rows as text, blanks at their ends removed.
    var text: [String] {
        (0..<size.rows).map { row in
            let line = cells[row * size.columns..<(row + 1) * size.columns]
            var text = line.compactMap { self.text(of: $0) }.joined()
            while text.last == " " { text.removeLast() }
            return text
        }
    }

    /// One row, or some of its columns, as stretches of one style each.
    func runs(
        in row: Int, _ columns: Range<Int>? = nil
    ) -> [(column: Int, text: String, style: Style)] {
        var runs: [(column: Int, text: String, style: Style)] = []
        for column in columns ?? 0..<size.columns {
            let cell = cells[row * size.columns + column]
            if cell.code == Cell.behind { continue }
            if runs.isEmpty || runs[runs.count - 1].style != cell.style {
                runs.append((column, "", cell.style))
            }
            if cell.code & Cell.cluster != 0 {
                runs[runs.count - 1].text.append(clusters[Int(cell.code & ~Cell.cluster)])
            } else {
                runs[runs.count - 1].text.unicodeScalars.append(Unicode.Scalar(cell.code)!)
            }
        }
        return runs
    }
}

struct Size: Hashable, Sendable {
    var columns: Int
    var rows: Int
}

struct Place: Hashable {
    var row: Int
    var column: Int
}

/// A rectangle of the screen.
struct Box: Hashable {
    var row: Int
    var column: Int
    var height: Int
    var width: Int

    var rows: Range<Int> { row..<max(row, row + height) }

    /// What is inside its border.
    var inside: Box {
        Box(row: row + 1, column: column + 1, height: height - 2, width: width - 2)
    }
}

/// What a stretch of text is, not how it looks: the painter knows the terminal.
enum Style: UInt8, Hashable {
    case plain
    /// What matters less: labels, borders, hints.
    case dim
    case bold
    /// The one accent: titles, the sorted column, graphs.
    case accent
    /// The row under the cursor.
    case selected
    /// A marked row.
    case marked
    /// Soon over, or in doubt.
    case warning
    /// Failed, expired.
    case trouble
    /// What must not be overlooked: DEMO, FROZEN.
    case badge
}
