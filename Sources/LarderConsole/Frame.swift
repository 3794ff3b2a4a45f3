/// A screenful as values: what is drawn is decided here and only painted by ``Screen``.
struct Frame: Equatable {
    let size: Size
    private(set) var cells: [Cell]

    struct Cell: Equatable {
        /// One character; the place behind a wide one holds an empty text.
        var text: Character?
        var style: Style
    }

    init(_ size: Size) {
        self.size = size
        cells = Array(
            repeating: Cell(text: " ", style: .plain), count: max(0, size.columns * size.rows))
    }

    /// Writes `text` from a place on, cut at `limit` columns and at the edge.
    mutating func put(
        _ text: String, at place: Place, _ style: Style = .plain, limit: Int = .max
    ) {
        guard (0..<size.rows).contains(place.row) else { return }
        var column = place.column
        let end = min(size.columns, limit == .max ? .max : place.column + limit)
        for character in text {
            let width = Text.width(of: character)
            guard width > 0 else { continue }
            if column + width > end { return }
            if column >= 0 {
                let first = place.row * size.columns + column
                cells[first] = Cell(text: character, style: style)
                if width == 2 { cells[first + 1] = Cell(text: nil, style: style) }
            }
            column += width
        }
    }

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
            var text = String(line.compactMap(\.text))
            while text.last == " " { text.removeLast() }
            return text
        }
    }

    /// One row as stretches of one style each.
    func runs(in row: Int) -> [(column: Int, text: String, style: Style)] {
        var runs: [(column: Int, text: String, style: Style)] = []
        for column in 0..<size.columns {
            let cell = cells[row * size.columns + column]
            guard let character = cell.text else { continue }
            if let last = runs.last, last.style == cell.style {
                runs[runs.count - 1].text.append(character)
            } else {
                runs.append((column, String(character), cell.style))
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
enum Style: Hashable {
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
