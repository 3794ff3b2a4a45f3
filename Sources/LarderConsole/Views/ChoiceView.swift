import LarderInspector

/// Lists to choose from, in the middle of the screen.
enum ChoiceView {
    static func drawSort(_ model: Model, _ place: Int, _ frame: inout Frame) {
        let arrow = model.order.descending ? model.glyphs.down : model.glyphs.up
        let lines = Column.allCases.map { column -> Pieces in
            let sorted = column == model.order.column
            return [
                (" \(Text.left(column.rawValue, 8))", sorted ? .accent : .plain),
                (Text.left(sorted ? arrow : "", 2), .accent), (column.about, .dim),
            ]
        }
        draw("Sort by", lines, place, width: width(model), model, &frame)
    }

    static func drawColumns(_ model: Model, _ place: Int, _ frame: inout Frame) {
        let lines = optionalColumns.map { column -> Pieces in
            let isShown = !model.hiddenColumns.contains(column)
            return [
                (isShown ? " [x] " : " [ ] ", .dim), (Text.left(column.rawValue, 10), .plain),
                (column.about, .dim),
            ]
        }
        draw("Columns", lines, place, width: width(model), model, &frame)
    }

    /// Room for a column's name and what it tells.
    private static func width(_ model: Model) -> Int {
        let longest = Column.allCases.map { Text.width(of: $0.about) }.max() ?? 0
        return min(model.size.columns - 2, longest + 18)
    }

    static func drawEngines(
        _ model: Model, _ engines: [Console.RunningEngine], _ place: Int, _ frame: inout Frame
    ) {
        let lines = engines.map { engine -> Pieces in
            let about = Text.safe(engine.about, ascii: model.glyphs.ascii)
            return [
                (" " + Text.cut(about, to: model.size.columns - 6, mark: model.glyphs.more), .plain)
            ]
        }
        let width = min(
            model.size.columns - 2, engines.map { Text.width(of: $0.about) + 4 }.max() ?? 0)
        draw("Open an engine", lines, place, width: max(24, width), model, &frame)
    }

    private static func draw(
        _ title: String, _ lines: [Pieces], _ place: Int, width: Int, _ model: Model,
        _ frame: inout Frame
    ) {
        let inside = frame.dialog(title, width: width, height: lines.count + 2, model.glyphs)
        let first = max(0, place - inside.height + 1)
        for (line, pieces) in lines.dropFirst(first).prefix(max(0, inside.height)).enumerated() {
            let row = inside.row + line
            frame.put(
                [pieces],
                in: Box(row: row, column: inside.column - 1, height: 1, width: inside.width + 2),
                model)
            let columns = inside.column..<inside.column + inside.width
            frame.point(row: row, columns: columns, .choice(first + line))
            if first + line == place {
                frame.restyle(row: row, columns: columns, .selected)
            }
        }
    }
}
