import Larder
import LarderInspector

/// The line under the table, and the keys on the last line.
enum StatusView {
    static func draw(_ model: Model, _ layout: Layout, _ frame: inout Frame) {
        let row = model.view == .table ? layout.status : model.size.rows - 2
        drawHints(model, &frame)
        if case .prompt(let prompt) = model.overlay {
            drawPrompt(model, prompt, row: row, &frame)
        } else {
            drawStatus(model, layout, row: row, &frame)
        }
    }

    /// Which part of the list is on the screen: `1-13/98`.
    static func range(_ model: Model) -> String {
        guard model.matched > 0 else { return "0/\(Format.count(UInt64(model.total)))" }
        let last = min(model.matched, model.top + model.layout.visibleRows)
        let hidden =
            model.matched < model.total ? " of \(Format.count(UInt64(model.total)))" : ""
        return "\(Format.count(UInt64(model.top + 1)))-\(Format.count(UInt64(last)))/"
            + "\(Format.count(UInt64(model.matched)))\(hidden)"
    }

    private static func drawStatus(
        _ model: Model, _ layout: Layout, row: Int, _ frame: inout Frame
    ) {
        if let toast = model.toast {
            let text = Text.cut(
                Text.safe(toast.text, ascii: model.glyphs.ascii), to: model.size.columns - 2,
                mark: model.glyphs.more)
            frame.put(text, at: Place(row: row, column: 1), .bold)
            return
        }
        var pieces: [(String, Style)] = [(" \(range(model))", .plain)]
        if !model.marks.isEmpty { pieces.append(("  \(model.marks.count) marked", .bold)) }
        let arrow = model.query.descending ? model.glyphs.down : model.glyphs.up
        pieces += [
            ("  sort ", .dim), ("\(model.query.sort.rawValue) \(arrow)", .plain),
            ("  every ", .dim), (Units.text(model.interval), .plain),
        ]
        if !model.query.caches.isEmpty {
            pieces += [("  only ", .dim), (model.query.caches.joined(separator: " "), .bold)]
        }
        if !model.query.filter.isEmpty {
            pieces += [
                ("  filter ", .dim),
                (Text.safe(model.query.filter, ascii: model.glyphs.ascii), .bold),
            ]
        }
        frame.put(pieces, at: Place(row: row, column: 0), limit: model.size.columns)
    }

    private static func drawPrompt(
        _ model: Model, _ prompt: Prompt, row: Int, _ frame: inout Frame
    ) {
        let (label, accepted) = labels(model, prompt.purpose)
        let text = Text.safe(prompt.text, ascii: model.glyphs.ascii)
        let end = frame.put(
            [(" \(label) ", .accent), (text, .plain), (" ", .selected)],
            at: Place(row: row, column: 0), limit: model.size.columns)
        let note = Text.safe(prompt.refusal ?? accepted, ascii: model.glyphs.ascii)
        let style: Style = prompt.refusal == nil ? .dim : .trouble
        if end + 3 + Text.width(of: note) <= model.size.columns {
            frame.put(note, at: Place(row: row, column: end + 2), style)
        } else {
            // It takes the place of the keys, which do not count while a line is typed.
            let last = Box(
                row: model.size.rows - 1, column: 0, height: 1, width: model.size.columns)
            frame.clear(last)
            frame.put(
                Text.cut(note, to: last.width - 2, mark: model.glyphs.more),
                at: Place(row: last.row, column: 1), style)
        }
    }

    private static func labels(
        _ model: Model, _ purpose: Prompt.Purpose
    ) -> (label: String, accepted: String) {
        switch purpose {
        case .filter:
            return (
                "filter:",
                "part of a key, or hits>=100 and ttl<5m; Enter or Esc ends, Esc again clears"
            )
        case .maxsize(let cache):
            let now = Units.text(maxsize: model.configuration(of: cache)?.maxsize)
            return ("maxsize of \(cache), now \(now):", "a number, none or off; Esc cancels")
        case .fetch(let cache): return ("fetch from \(cache):", "a key; Esc cancels")
        case .ttl(let cache):
            let now = Units.text(ttl: model.configuration(of: cache)?.ttl)
            return (
                "ttl of \(cache), now \(now):", "like 300s, 5m, 1h30m; none or off; Esc cancels"
            )
        }
    }

    private static func drawHints(_ model: Model, _ frame: inout Frame) {
        var column = 1
        for binding in hints(model) {
            let key = binding.keys[0].name
            let width = key.count + 1 + binding.hint!.count
            guard column + width <= model.size.columns else { break }
            frame.put(
                [(key, .bold), (" \(binding.hint!)", .dim)],
                at: Place(row: model.size.rows - 1, column: column))
            column += width + 2
        }
    }

    /// Help and Quit first where not all fit: whoever knows those two finds the rest.
    private static func hints(_ model: Model) -> [Binding] {
        let all = bindings.filter { $0.hint != nil }
        let width = all.reduce(0) { $0 + $1.keys[0].name.count + $1.hint!.count + 3 }
        guard width > model.size.columns else { return all }
        let last = all.filter { [.help, .quit].contains($0.action) }
        return last + all.filter { ![.help, .quit].contains($0.action) }
    }
}
