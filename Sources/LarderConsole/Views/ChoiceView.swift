import LarderInspector

/// Lists to choose from, in the middle of the screen.
enum ChoiceView {
    static func drawSort(_ model: Model, _ place: Int, _ frame: inout Frame) {
        let arrow = model.order.descending ? model.glyphs.down : model.glyphs.up
        let lines = EntryColumn.allCases.map { column -> Pieces in
            let sorted = column == model.order.column
            return [
                (" \(Text.left(column.rawValue, 8))", sorted ? .accent : .plain),
                (Text.left(sorted ? arrow : "", 2), .accent), (column.about, .dim),
            ]
        }
        draw("Sort by", lines, place, width: width(model), model, &frame)
    }

    static func drawColumns(_ model: Model, _ place: Int, _ frame: inout Frame) {
        let seen = TableView.seen(model)
        let lines = optionalColumns.map { column -> Pieces in
            let isShown = !model.hiddenColumns.contains(column)
            let hasRoom = !isShown || seen.contains(column)
            return [
                (isShown ? hasRoom ? " [x] " : " (x) " : " [ ] ", .dim),
                (Text.left(column.rawValue, 10), hasRoom ? .plain : .dim), (column.about, .dim),
            ]
        }
        let isAllSeen = optionalColumns.allSatisfy {
            model.hiddenColumns.contains($0) || seen.contains($0)
        }
        let title = isAllSeen ? "Columns" : "Columns; (x) has no room here"
        draw(title, lines, place, width: width(model), model, &frame)
    }

    /// Room for a column's name and what it tells.
    private static func width(_ model: Model) -> Int {
        let longest = EntryColumn.allCases.map { Text.width(of: $0.about) }.max() ?? 0
        return min(model.size.columns - 2, longest + 18)
    }

    static func drawKeys(
        _ model: Model, _ keys: [EntryKey], _ place: Int, _ frame: inout Frame
    ) {
        let lines = keys.map { id -> Pieces in
            [(" " + Text.safe(id.key, ascii: model.glyphs.ascii), .plain)]
        }
        let width = min(
            model.size.columns - 2, keys.map { Text.width(of: $0.key) + 4 }.max() ?? 0)
        draw("Go to", lines, place, width: max(24, width), model, &frame)
    }

    /// The names that what is typed can become, above the line in which it is.
    static func drawCommands(_ model: Model, _ palette: Palette, _ frame: inout Frame) {
        let names = Command.candidates(palette.text)
        guard palette.isListing, !names.isEmpty, model.size.rows >= 8 else { return }
        let width = min(model.size.columns - 2, 100)
        let lines = Text.wrap(names.joined(separator: "  "), to: width - 4)
        let height = min(lines.count + 2, model.size.rows - 3)
        let box = Box(
            row: max(0, model.size.rows - 2 - height), column: 1, height: height, width: width)
        frame.clear(box)
        frame.border(box, "Commands", model.glyphs)
        frame.put(lines.map { [($0, .plain)] }, in: box.inside, model)
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
