import Larder
import LarderInspector

/// The whole screen, from the model alone.
func render(_ model: Model) -> Frame {
    var frame = Frame(model.size)
    let layout = model.layout
    if layout.kind == .tiny {
        frame.put(HeaderView.oneLine(model), at: Place(row: 0, column: 0))
        return frame
    }
    HeaderView.draw(model, layout, &frame)
    switch model.view {
    case .table:
        TableView.draw(model, layout, &frame)
        if let box = layout.detail { DetailView.draw(model, layout, box, &frame) }
        if let box = layout.log { EventsView.draw(model, layout, box, &frame) }
    case .detail(let scroll): DetailView.drawFull(model, layout, scroll, &frame)
    case .events(let scroll): EventsView.drawFull(model, layout, scroll, &frame)
    }
    StatusView.draw(model, layout, &frame)
    switch model.overlay {
    case nil, .prompt: break
    case .help(let scroll): HelpView.draw(model, scroll, &frame)
    case .sort(let place): SortView.draw(model, place, &frame)
    case .plan(let dialog): PlanView.draw(model, dialog, &frame)
    }
    return frame
}

extension Frame {
    /// A border with a title in it.
    mutating func border(_ box: Box, _ title: String, _ glyphs: Glyphs, right: String = "") {
        guard box.width >= 2, box.height >= 2 else { return }
        let across = String(repeating: glyphs.horizontal, count: box.width - 2)
        let (top, bottom) = (box.row, box.row + box.height - 1)
        put(
            "\(glyphs.corners[0])\(across)\(glyphs.corners[1])",
            at: Place(row: top, column: box.column), .dim)
        put(
            "\(glyphs.corners[2])\(across)\(glyphs.corners[3])",
            at: Place(row: bottom, column: box.column), .dim)
        for row in top + 1..<max(top + 1, bottom) {
            put(String(glyphs.vertical), at: Place(row: row, column: box.column), .dim)
            put(
                String(glyphs.vertical), at: Place(row: row, column: box.column + box.width - 1),
                .dim)
        }
        if !title.isEmpty {
            put(" \(title) ", at: Place(row: top, column: box.column + 2), .accent)
        }
        if !right.isEmpty {
            let text = " \(right) "
            put(
                text,
                at: Place(row: top, column: box.column + box.width - 2 - Text.width(of: text)), .dim
            )
        }
    }

    /// A dialog in the middle of the screen: blank inside, with a border; returns its inside.
    mutating func dialog(_ title: String, width: Int, height: Int, _ glyphs: Glyphs) -> Box {
        let box = Box(
            row: max(0, (size.rows - height) / 2), column: max(0, (size.columns - width) / 2),
            height: min(height, size.rows), width: min(width, size.columns))
        clear(box)
        border(box, title, glyphs)
        return box.inside
    }

    /// Pieces of text one after the other, each in its style; returns the column behind them.
    @discardableResult
    mutating func put(
        _ pieces: [(text: String, style: Style)], at place: Place, limit: Int = .max
    ) -> Int {
        var column = place.column
        for piece in pieces {
            let used = column - place.column
            guard used < limit else { break }
            put(
                piece.text, at: Place(row: place.row, column: column), piece.style,
                limit: limit == .max ? .max : limit - used)
            column += Text.width(of: piece.text)
        }
        return column
    }
}
