/// Every key there is, from the table of bindings; what cannot be done just now is grey and says why.
enum HelpView {
    static func draw(_ model: Model, _ scroll: Int, _ frame: inout Frame) {
        let bindings = model.keys.all
        let keys = bindings.map(\.names.count).max() ?? 0
        let width = min(
            model.size.columns - 2, keys + 4 + (bindings.map(\.help.count).max() ?? 0) + 4)
        let inside = frame.dialog(
            "Keys", width: width, height: min(model.size.rows, bindings.count + 2), model.glyphs)
        for (line, binding) in bindings.dropFirst(scroll).prefix(max(0, inside.height)).enumerated()
        {
            let obstacle = binding.action.obstacle(model)
            let help = obstacle.map { "not now: \($0)" } ?? binding.help
            let room = inside.width - 2 - keys - 2
            frame.put(
                [
                    (Text.left(binding.names, keys + 2), obstacle == nil ? .accent : .dim),
                    (
                        Text.cut(help, to: max(0, room), mark: model.glyphs.more),
                        obstacle == nil ? .plain : .dim
                    ),
                ],
                at: Place(row: inside.row + line, column: inside.column + 1),
                limit: inside.width - 2)
        }
        if lastScroll(model) > 0 {
            frame.put(
                " j k scroll ",
                at: Place(row: inside.row + inside.height, column: inside.column + 2),
                .dim)
        }
    }

    /// How far help can be scrolled.
    static func lastScroll(_ model: Model) -> Int {
        max(0, model.keys.all.count - (model.size.rows - 2))
    }
}
