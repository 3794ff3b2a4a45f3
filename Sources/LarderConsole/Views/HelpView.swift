/// Every key there is, in its group, from the table of bindings, and what can be typed behind `:`;
/// what cannot be done just now is grey, and its key says why.
enum HelpView {
    private enum Line {
        case heading(String)
        case note(String)
        /// What goes on in the next line has no name there.
        case row(name: String, text: String, isThere: Bool)
        case blank
    }

    static func draw(_ model: Model, _ scroll: Int, _ frame: inout Frame) {
        let lines = lines(model)
        let inside = frame.dialog(
            "Keys and commands", width: width(model), height: lines.count + 2,
            model.glyphs)
        let names = nameWidth(model)
        for (place, line) in lines.dropFirst(scroll).prefix(max(0, inside.height)).enumerated() {
            frame.put(
                pieces(line, names),
                at: Place(row: inside.row + place, column: inside.column + 1),
                limit: inside.width - 2)
        }
        if lastScroll(model) > 0 {
            frame.put(
                " j k scroll ",
                at: Place(row: inside.row + inside.height, column: inside.column + 2),
                .dim)
        }
    }

    private static func pieces(_ line: Line, _ names: Int) -> Pieces {
        switch line {
        case .blank: return []
        case .heading(let text): return [(text, .bold)]
        case .note(let text): return [(text, .dim)]
        case .row(let name, let text, let isThere):
            return [
                (Text.left(name, names + 2), isThere ? .accent : .dim),
                (text, isThere ? .plain : .dim),
            ]
        }
    }

    private static func lines(_ model: Model) -> [Line] {
        var lines: [Line] = []
        for group in Group.allCases {
            if !lines.isEmpty { lines.append(.blank) }
            lines.append(.heading(group.rawValue))
            lines += Text.wrap(group.note ?? "", to: max(20, width(model) - 4))
                .filter { !$0.isEmpty }.map { .note($0) }
            lines += model.keys.all.filter { $0.group == group }.flatMap { binding in
                rows(
                    model, binding.names, binding.help,
                    isThere: binding.action.obstacle(model) == nil)
            }
        }
        lines += [.blank, .heading("Commands behind :, beside the names of what keys do")]
        lines += Command.own.flatMap { command in
            rows(model, "\(command.name) \(command.takes)", command.help, isThere: true)
        }
        return lines
    }

    private static func rows(
        _ model: Model, _ name: String, _ text: String, isThere: Bool
    ) -> [Line] {
        let room = max(12, width(model) - 4 - nameWidth(model) - 2)
        let names = Text.wrap(name, to: nameWidth(model))
        let texts = Text.wrap(text, to: room)
        return (0..<max(names.count, texts.count)).map { line in
            .row(
                name: line < names.count ? names[line] : "",
                text: line < texts.count ? texts[line] : "", isThere: isThere)
        }
    }

    private static func nameWidth(_ model: Model) -> Int {
        let names =
            model.keys.all.map(\.names.count)
            + Command.own.map { $0.name.count + 1 + $0.takes.count }
        return min(names.max() ?? 0, max(12, model.size.columns / 3))
    }

    private static func width(_ model: Model) -> Int {
        let texts = model.keys.all.map(\.help.count) + Command.own.map(\.help.count)
        return min(model.size.columns - 2, nameWidth(model) + 4 + (texts.max() ?? 0) + 4)
    }

    /// How far help can be scrolled.
    static func lastScroll(_ model: Model) -> Int {
        max(0, lines(model).count - (model.size.rows - 3))
    }
}
