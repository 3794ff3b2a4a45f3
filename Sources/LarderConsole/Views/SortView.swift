import LarderInspector

/// The columns to choose from.
enum SortView {
    static func draw(_ model: Model, _ place: Int, _ frame: inout Frame) {
        let columns = Column.allCases
        let inside = frame.dialog("Sort by", width: 24, height: columns.count + 2, model.glyphs)
        let first = max(0, place - inside.height + 1)
        for (line, column) in columns.dropFirst(first).prefix(max(0, inside.height)).enumerated() {
            let row = inside.row + line
            let sorted = column == model.query.sort
            let arrow = model.query.descending ? model.glyphs.down : model.glyphs.up
            frame.put(
                [
                    (" \(column.rawValue)", sorted ? .accent : .plain),
                    (sorted ? " \(arrow)" : "", .accent),
                ],
                at: Place(row: row, column: inside.column))
            if first + line == place {
                frame.restyle(
                    row: row, columns: inside.column..<inside.column + inside.width, .selected)
            }
        }
    }
}
