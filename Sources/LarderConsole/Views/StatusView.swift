import Larder
import LarderInspector

/// The line under the table, and the keys on the last line.
enum StatusView {
    static func draw(_ model: Model, _ layout: Layout, _ frame: inout Frame) {
        let isTable = model.view == .entries && model.detailScroll == nil
        let row = isTable ? layout.status : model.size.rows - 2
        drawHints(model, &frame)
        switch model.overlay {
        case .prompt(let prompt): drawPrompt(model, prompt, row: row, &frame)
        case .palette(let palette): drawPalette(model, palette, row: row, &frame)
        default: drawStatus(model, row: row, &frame)
        }
    }

    /// Which part of the list is on the screen: `1-13/98`.
    static func range(_ model: Model) -> String {
        if let noRecord = model.noRecord { return noRecord }
        guard model.matched > 0 else { return "0/\(Format.count(model.total))" }
        let last = min(model.matched, model.top + model.layout.visibleRows)
        let hidden =
            model.matched < model.total ? " of \(Format.count(model.total))" : ""
        return "\(Format.count(model.top + 1))-\(Format.count(last))/"
            + "\(Format.count(model.matched))\(hidden)"
    }

    private static func drawStatus(_ model: Model, row: Int, _ frame: inout Frame) {
        let right = pending(model)
        let width = right.reduce(0) { $0 + Text.width(of: $1.text) }
        let room = model.size.columns - width - 1
        frame.put(right, at: Place(row: row, column: max(0, room)))
        if let toast = model.toast {
            let text = Text.safe(toast.text, ascii: model.glyphs.ascii)
            frame.put(
                Text.cut(text, to: max(0, room - 2), mark: model.glyphs.more),
                at: Place(row: row, column: 1), .bold)
            return
        }
        let pieces: Pieces =
            model.detailScroll != nil
            ? [(" the line under the cursor is copied by y", .dim)]
            : model.view == .entries ? table(model) : other(model)
        frame.put(pieces, at: Place(row: row, column: 0), limit: max(0, room))
    }

    /// What is going on and can be answered: a change under way, one that can be taken back.
    private static func pending(_ model: Model) -> Pieces {
        if let underWay = model.underWay {
            let isSoft = model.kinds[underWay.plan] == .nothing
            let gauge = Sparkline.gauge(underWay.share, width: 10, model.glyphs)
            return [
                (gauge, .accent),
                (
                    " \(Format.count(underWay.removed)) \(isSoft ? "marked stale" : "removed")",
                    .plain
                ),
                (underWay.by.map { " by \(Text.safe($0, ascii: model.glyphs.ascii))" } ?? "", .dim),
                ("  x stops", .bold), (" ", .plain),
            ]
        }
        // Over the list of changes `u` takes back the one under the cursor, and says so there.
        guard model.problem == nil, let undo = model.undo, model.undoTarget == undo.plan
        else { return [] }
        guard let until = undo.until else { return [("u undoes ", .dim)] }
        return [("u undoes, \(Format.left(until - model.now)) left ", .bold)]
    }

    private static func table(_ model: Model) -> Pieces {
        // What stands behind it stays where it is while rows come and go.
        var pieces: Pieces = [(" " + Text.left(range(model), 11), .plain)]
        if let lack = model.incompleteness { pieces.append(("  \(lack)", .warning)) }
        if !model.marks.isEmpty { pieces.append(("  \(model.marks.count) marked", .bold)) }
        if model.changedMarks > 0 {
            pieces.append((", \(model.changedMarks) changed since (!)", .warning))
        }
        if let start = model.rangeStart {
            let key = Text.safe(start.key, ascii: model.glyphs.ascii)
            pieces.append(("  V marks from \(key) to here", .accent))
        }
        if model.troubleOnly { pieces.append(("  trouble only (!)", .bold)) }
        if !model.query.caches.isEmpty {
            pieces += [("  only ", .dim), (model.query.caches.joined(separator: " "), .bold)]
        }
        if !model.query.filter.isEmpty {
            pieces += [
                ("  filter ", .dim),
                (Text.safe(model.query.filter, ascii: model.glyphs.ascii), .bold),
            ]
        }
        let arrow = model.query.descending ? model.glyphs.down : model.glyphs.up
        pieces += [("  sort ", .dim), ("\(model.query.sort.rawValue) \(arrow)", .plain)]
        if model.follows, model.cursor != nil { pieces.append(("  following", .accent)) }
        pieces += pace(model)
        // What comes and goes by itself stands last.
        if let until = model.heldUntil, model.frozen == nil {
            pieces.append(("  rows held \(Format.left(until - model.now))", .warning))
        }
        return pieces + trouble(model)
    }

    /// What should be looked at, and the key that shows it.
    private static func trouble(_ model: Model) -> Pieces {
        var pieces: Pieces = []
        let stale = model.stale
        if stale.count > 0, !model.troubleOnly {
            let more = stale.isAtLeast ? "+" : ""
            pieces.append(("  ! \(Format.count(stale.count))\(more) stale", .warning))
        }
        if let storm = model.storm, model.past == nil {
            pieces.append(("  2 STORM at \(model.time(storm.peak.at))", .trouble))
        } else if let knob = model.wrongKnob, model.past == nil, model.view != .evictions {
            pieces.append(("  3 raise \(knob)", .warning))
        }
        return pieces
    }

    private static func other(_ model: Model) -> Pieces {
        var pieces: Pieces =
            model.lines > 0 ? [(" \(Format.count(model.lines)) lines", .plain)] : []
        switch model.view {
        case .whatIf:
            let hasOthers = model.cacheNames.count > 1
            pieces = [(" \(model.whatIf.figure.title), M shows others", .plain)]
            if hasOthers, model.whatIf.answer == nil {
                pieces = [(" a shows the next cache", .plain)]
            } else if hasOthers, model.size.columns >= 100 {
                pieces.append((", a the next cache", .plain))
            }
        case .expiry: pieces = [(" \(model.bars) bars, h l moves", .plain)]
        case .events where !model.pane.filter.isEmpty:
            pieces.append((" of \(model.log.lines.count)", .dim))
        case .caches: pieces = [(" \(Units.counted(model.lines, "cache"))", .plain)]
        case .config: pieces = [(" \(Units.counted(model.lines, "change"))", .plain)]
        default: break
        }
        if !model.pane.filter.isEmpty {
            pieces += [
                ("  filter ", .dim),
                (Text.safe(model.pane.filter, ascii: model.glyphs.ascii), .bold),
            ]
        }
        return pieces + pace(model)
    }

    /// How often it looks, and what it has not seen.
    private static func pace(_ model: Model) -> Pieces {
        let interval =
            model.view == .whatIf
            ? max(model.interval, Collector.whatIfInterval) : model.interval
        var pieces: Pieces = [("  every ", .dim), (Units.text(interval), .plain)]
        if model.dropped > 0 {
            pieces.append(("  \(Format.count(model.dropped)) events not seen", .dim))
        }
        return pieces
    }

    private static func drawPalette(
        _ model: Model, _ palette: Palette, row: Int, _ frame: inout Frame
    ) {
        let text = Text.safe(palette.text, ascii: model.glyphs.ascii)
        let ghost = Command.completions(palette.text).first.map { $0.dropFirst(palette.text.count) }
        let known = Command.find(palette.text)
        let accepted =
            known.map { known in
                let takes = known.command.takes
                return (takes.isEmpty ? "" : takes + ": ") + known.command.help
            } ?? Command.completions(palette.text).prefix(8).joined(separator: " ")
        let unknown =
            palette.text.isEmpty
            ? "a command by its name; Tab lists them, Up has the last"
            : "no command begins like that"
        drawLine(
            label: ":", text: text, ghost: ghost.map(String.init) ?? "",
            note: palette.refusal ?? (accepted.isEmpty ? unknown : accepted),
            isRefused: palette.refusal != nil, model, row: row, &frame)
    }

    private static func drawPrompt(
        _ model: Model, _ prompt: Prompt, row: Int, _ frame: inout Frame
    ) {
        let (label, accepted) = labels(model, prompt.purpose)
        // How many pass is seen while it is typed.
        let passes = prompt.purpose == .filter && !model.filter.isEmpty && model.view == .entries
        let note =
            passes
            ? "\(range(model)); Enter or Esc ends, Esc again clears"
            : prompt.understood.map { "\($0); Enter shows what it would do" } ?? accepted
        let isBeside = drawLine(
            label: label + " ", text: Text.safe(prompt.text, ascii: model.glyphs.ascii), ghost: "",
            note: prompt.refusal ?? note, isRefused: prompt.refusal != nil, model, row: row,
            &frame)
        if let place = prompt.place {
            let column =
                2 + Text.width(of: label) + Text.width(of: String(prompt.text.prefix(place)))
            if isBeside, column < model.size.columns - 1, row + 1 < model.size.rows {
                frame.clear(Box(row: row + 1, column: 0, height: 1, width: model.size.columns))
                frame.put("^", at: Place(row: row + 1, column: column), .trouble)
            }
        }
    }

    /// A line that is typed, of which the end is always seen, and what there is to say of it; true
    /// where that stands beside it.
    @discardableResult
    private static func drawLine(
        label: String, text: String, ghost: String, note: String, isRefused: Bool, _ model: Model,
        row: Int, _ frame: inout Frame
    ) -> Bool {
        let room = max(1, model.size.columns - Text.width(of: label) - 3)
        var shown = text
        while Text.width(of: shown) > room { shown.removeFirst() }
        let end = frame.put(
            [
                (" \(label)", .accent), (shown, .plain), (ghost.isEmpty ? " " : "", .selected),
                (String(ghost.prefix(1)), .selected), (String(ghost.dropFirst()), .dim),
            ],
            at: Place(row: row, column: 0), limit: model.size.columns)
        let note = Text.safe(note, ascii: model.glyphs.ascii)
        let style: Style = isRefused ? .trouble : .dim
        if end + 3 + Text.width(of: note) <= model.size.columns {
            frame.put(note, at: Place(row: row, column: end + 2), style)
            return true
        } else {
            // It takes the place of the keys, which do not count while a line is typed.
            let last = Box(
                row: model.size.rows - 1, column: 0, height: 1, width: model.size.columns)
            frame.clear(last)
            frame.put(
                Text.cut(note, to: last.width - 2, mark: model.glyphs.more),
                at: Place(row: last.row, column: 1), style)
            return false
        }
    }

    static func labels(
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
            return (
                "maxsize of \(cache), now \(now):", "a number of entries, none or off; Esc cancels"
            )
        case .search: return ("search:", "part of a key; n and N go on; Esc goes back")
        case .overwrite(let path, _):
            return ("\(path) exists; write over it?", "y and Enter do; Esc leaves it")
        case .fetch(let cache): return ("fetch from \(cache):", "a key; Esc cancels")
        case .ttl(let cache):
            let now = Units.text(ttl: model.configuration(of: cache)?.ttl)
            return (
                "ttl of \(cache), now \(now):",
                "seconds, or like 5m, 1h30m; none or off; Esc cancels"
            )
        }
    }

    private static func drawHints(_ model: Model, _ frame: inout Frame) {
        var column = 1
        // What lies over the views has the keys.
        if let overlay = model.overlay {
            for (key, hint) in keys(of: overlay) {
                let width = key.count + 1 + hint.count
                guard column + width <= model.size.columns else { break }
                frame.put(
                    [(key, .bold), (" \(hint)", .dim)],
                    at: Place(row: model.size.rows - 1, column: column))
                column += width + 2
            }
            return
        }
        for binding in hints(model) {
            let (key, hint, width) = hint(binding, model)
            frame.put(
                [(key, .bold), (" \(hint)", .dim)],
                at: Place(row: model.size.rows - 1, column: column))
            let columns = column..<column + width
            frame.point(row: model.size.rows - 1, columns: columns, .action(binding.action))
            column += width + 2
        }
    }

    private static func keys(of overlay: Model.Overlay) -> [(key: String, hint: String)] {
        switch overlay {
        case .plan(let dialog):
            [("Tab", "Choose"), ("Enter", enter(dialog))]
                + (dialog.focus == .reason ? [] : [("r", "Reason")]) + [("Esc", "Cancel")]
                + (dialog.focus == .reason || !dialog.canBeSoft
                    ? [] : [("s", dialog.plan.change.isSoft ? "Drop at once" : "Mark as stale")])
        case .prompt: [("Enter", "Take it"), ("Esc", "Leave"), ("^U", "Clear")]
        case .palette: [("Enter", "Do it"), ("Tab", "List"), ("Up", "Last"), ("Esc", "Leave")]
        case .help: [("j k", "Scroll"), ("Space", "Page"), ("Esc", "Close")]
        case .sort: [("Enter", "Sort"), ("I", "Invert"), ("Esc", "Cancel")]
        case .columns: [("Enter", "Show or hide"), ("Esc", "Done")]
        case .engines: [("Enter", "Open"), ("Esc", "Cancel")]
        case .keys: [("Enter", "Go to"), ("Esc", "Cancel")]
        case .own, .record: [("Esc", "Close")]
        }
    }

    private static func enter(_ dialog: PlanDialog) -> String {
        switch dialog.focus {
        case .cancel: "Cancel"
        case .reason: "Take it"
        case .apply, .confirmation: "Do it"
        }
    }

    private static func hint(
        _ binding: Binding, _ model: Model
    ) -> (key: String, word: String, width: Int) {
        let (key, word) = (binding.keys[0].name, binding.word(model)!)
        return (key, word, key.count + 1 + word.count)
    }

    /// Help and Quit stand at the end, also where not all of the others have room before them:
    /// whoever knows those two finds the rest.
    private static func hints(_ model: Model) -> [Binding] {
        let all = model.keys.all.filter { !$0.keys.isEmpty && $0.word(model) != nil }
        let ends = all.filter { [.help, .quit].contains($0.action) }.sorted {
            $0.action == .help && $1.action == .quit
        }
        var room = model.size.columns + 1
        func fits(_ binding: Binding) -> Bool {
            room -= hint(binding, model).width + 2
            return room > 0
        }
        let last = ends.prefix(while: fits)
        let others = all.filter { ![.help, .quit].contains($0.action) }
        return others.prefix(while: fits) + last
    }
}
