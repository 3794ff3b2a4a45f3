import Larder
import LarderInspector

/// Pieces of text one after the other, each in its style.
typealias Pieces = [(text: String, style: Style)]

/// The whole screen, from the model alone.
func render(_ model: Model) -> Frame {
    var frame = Frame(model.size)
    let layout = model.layout
    if layout.kind == .tiny {
        frame.put(HeaderView.oneLine(model), at: Place(row: 0, column: 0))
        return frame
    }
    HeaderView.draw(model, layout, &frame)
    if let scroll = model.detailScroll {
        DetailView.drawFull(
            model, frame.box("Detail", layout, model, "Esc goes back"), scroll, &frame)
    } else {
        draw(model, layout, &frame)
    }
    StatusView.draw(model, layout, &frame)
    switch model.overlay {
    case nil, .prompt: break
    case .palette(let palette): ChoiceView.drawCommands(model, palette, &frame)
    case .keys(let keys, let place): ChoiceView.drawKeys(model, keys, place, &frame)
    case .help(let scroll): HelpView.draw(model, scroll, &frame)
    case .sort(let place): ChoiceView.drawSort(model, place, &frame)
    case .columns(let place): ChoiceView.drawColumns(model, place, &frame)
    case .engines(let engines, let place):
        ChoiceView.drawEngines(model, engines, place, &frame)
    case .plan(let dialog): PlanView.draw(model, dialog, &frame)
    case .own: OwnCostView.draw(model, &frame)
    case .record(let change): ConfigView.drawRecord(model, change, &frame)
    }
    return frame
}

/// A view without a record of the past shows the present, and says so above all of it.
private func now(_ model: Model, _ box: Box, _ frame: inout Frame) -> Box {
    guard model.past != nil, box.height > 1 else { return box }
    let words = "as it is now, not then; 1, 4 and 9 tell of the past"
    frame.put([[(words, .warning)]], in: box, model)
    return Box(row: box.row + 1, column: box.column, height: box.height - 1, width: box.width)
}

private func draw(_ model: Model, _ layout: Layout, _ frame: inout Frame) {
    func box(_ title: String) -> Box {
        now(model, frame.box(title, layout, model), &frame)
    }
    switch model.view {
    case .entries:
        TableView.draw(model, layout, &frame)
        if let box = layout.detail { DetailView.draw(model, layout, box, &frame) }
        if let box = layout.log { EventsView.draw(model, layout, box, &frame) }
    case .expiry:
        let reach = model.forecast.map { " \(Units.text($0.reach))" } ?? ""
        ExpiryView.draw(model, box("The next\(reach)"), &frame)
    case .evictions:
        EvictionsView.draw(model, box("Evictions"), &frame)
    case .events:
        let unseen = EventsView.unseen(model)
        EventsView.drawFull(model, frame.box("Events", layout, model, unseen), &frame)
    case .config: ConfigView.draw(model, box("Config"), &frame)
    case .memory: MemoryView.draw(model, box("Memory"), &frame)
    case .origins: OriginsView.draw(model, box("Origins"), &frame)
    case .whatIf: WhatIfView.draw(model, box("What if"), &frame)
    case .caches: CachesView.draw(model, frame.box("Caches", layout, model), &frame)
    }
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

    /// The place of a view other than the entries; on a wide screen it has a border.
    mutating func box(
        _ title: String, _ layout: Layout, _ model: Model, _ right: String = ""
    ) -> Box {
        guard layout.kind == .wide else { return layout.body }
        border(layout.body, title, model.glyphs, right: right)
        return layout.body.inside
    }

    /// Lines one under the other, as many as there is room for, each cut with a mark.
    mutating func put(_ lines: [Pieces], in box: Box, _ model: Model) {
        for (place, line) in lines.prefix(max(0, box.height)).enumerated() {
            let row = box.row + place
            let end = put(line, at: Place(row: row, column: box.column + 1), limit: box.width - 2)
            if end > box.column + box.width - 1 {
                put(
                    model.glyphs.more, at: Place(row: row, column: box.column + box.width - 2), .dim
                )
            }
        }
    }

    /// A line of a list: the one under the cursor stands out, and the mouse selects it.
    mutating func line(row: Int, in box: Box, _ number: Int, isSelected: Bool) {
        let columns = box.column..<box.column + box.width
        if isSelected { restyle(row: row, columns: columns, .selected) }
        point(row: row, columns: columns, .line(number))
    }

    /// A dialog in the middle of the screen: blank inside, with a border; returns its inside.
    mutating func dialog(_ title: String, width: Int, height: Int, _ glyphs: Glyphs) -> Box {
        let box = Box(
            row: max(0, (size.rows - height) / 2), column: max(0, (size.columns - width) / 2),
            height: min(height, size.rows > 3 ? size.rows - 1 : size.rows),
            width: min(width, size.columns))
        clear(box)
        pointNowhere()
        border(box, title, glyphs)
        return box.inside
    }

    /// Pieces of text one after the other, each in its style; returns the column behind them.
    @discardableResult
    mutating func put(
        _ pieces: Pieces, at place: Place, limit: Int = .max
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
