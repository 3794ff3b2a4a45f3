import Larder
import LarderInspector

/// What happened, the newest first, as evictions and changes are.
enum EventsView {
    static func draw(_ model: Model, _ layout: Layout, _ box: Box, _ frame: inout Frame) {
        var inside = box
        if layout.kind == .wide {
            frame.border(box, "Events", model.glyphs, right: unseen(model))
            inside = box.inside
        }
        put(model, lines(model).suffix(inside.height).reversed(), in: inside, &frame)
    }

    static func drawFull(_ model: Model, _ box: Box, _ frame: inout Frame) {
        let all = lines(model)
        guard !all.isEmpty else {
            let filter = model.pane.filter
            let text = filter.isEmpty ? "nothing has happened yet" : "nothing passes \"\(filter)\""
            return frame.put([[(Text.safe(text, ascii: model.glyphs.ascii), .dim)]], in: box, model)
        }
        let cursor = min(model.pane.cursor, all.count - 1)
        let first = max(0, cursor - box.height + 1)
        let shown = Array(all.dropLast(first).suffix(box.height).reversed())
        put(model, shown, in: box, &frame)
        for place in shown.indices {
            frame.line(
                row: box.row + place, in: box, first + place, isSelected: first + place == cursor)
        }
    }

    /// Those that had happened at the instant that is shown, oldest first.
    static func lines(_ model: Model) -> ArraySlice<EventLines.Line> {
        let lines = (model.view == .events ? model.found ?? model.log : model.log).lines
        guard let past = model.past else { return lines[...] }
        // The past has more events than were told while it went by.
        if model.view != .events || model.found == nil { return model.eventLines(until: past.at) }
        return lines[..<(lines.firstIndex { $0.at > past.at } ?? lines.endIndex)]
    }

    /// How many nobody saw, in words.
    static func unseen(_ model: Model) -> String {
        model.dropped > 0 ? "\(Format.count(model.dropped)) not seen" : ""
    }

    private static func put(
        _ model: Model, _ lines: [EventLines.Line], in box: Box, _ frame: inout Frame
    ) {
        let width = min(12, model.cacheNames.map { Text.width(of: $0) }.max() ?? 0)
        for (place, line) in lines.enumerated() {
            frame.put(
                pieces(model, line, cacheWidth: width, room: box.width - 2),
                at: Place(row: box.row + place, column: box.column + 1), limit: box.width - 2)
        }
    }

    private static func pieces(
        _ model: Model, _ line: EventLines.Line, cacheWidth: Int, room: Int
    ) -> Pieces {
        let style: Style = line.isTrouble ? .trouble : .plain
        let keys = line.keys.map { Text.safe($0, ascii: model.glyphs.ascii) }
        let note = Text.safe(line.note, ascii: model.glyphs.ascii)
        var pieces: Pieces = [(model.time(line.at) + " ", .dim)]
        if !line.word.isEmpty {
            pieces += [
                (
                    Text.left(
                        Text.cut(line.cache, to: cacheWidth, mark: model.glyphs.more), cacheWidth)
                        + " ", .dim
                ),
                (Text.left(line.word, 11) + " ", style),
            ]
        }
        if line.count > 1 { pieces.append((Text.right("\(line.count): ", 5), .bold)) }
        if !keys.isEmpty {
            let used = pieces.reduce(0) { $0 + Text.width(of: $1.text) }
            let more = " " + model.glyphs.more
            var shown = keys[...]
            while shown.count > 1, Text.width(of: shown.joined(separator: " ") + more) > room - used
            {
                shown.removeLast()
            }
            let rest = line.count > shown.count ? more : ""
            let text = shown.joined(separator: " ") + rest
            pieces.append((Text.cut(text, to: room - used, mark: model.glyphs.more), style))
        }
        if !note.isEmpty {
            let used = pieces.reduce(0) { $0 + Text.width(of: $1.text) }
            let text = (keys.isEmpty ? "" : "  ") + note
            pieces.append(
                (Text.cut(text, to: max(0, room - used), mark: model.glyphs.more), .plain))
        }
        return pieces
    }
}
