import Larder
import LarderInspector

/// What a change would do, and the question whether to do it.
enum PlanView {
    static func draw(_ model: Model, _ dialog: PlanDialog, _ frame: inout Frame) {
        let plan = dialog.plan
        let width = min(model.size.columns - 2, 72)
        let notes = notes(model, plan).flatMap { wrap($0, width - 4) }
        let room = max(0, model.size.rows - notes.count - 6)
        let named = min(plan.victims.count, min(8, room))
        let height = min(model.size.rows, named + notes.count + 5 + (named > 0 ? 1 : 0))
        let inside = frame.dialog(title(plan), width: width, height: height, model.glyphs)
        var row = inside.row
        for note in notes {
            frame.put(
                note, at: Place(row: row, column: inside.column + 1), limit: inside.width - 2)
            row += 1
        }
        if named > 0 { row += 1 }
        for victim in plan.victims.prefix(named) {
            draw(model, victim, row: row, inside, &frame)
            row += 1
        }
        drawButtons(dialog, inside, &frame)
    }

    private static func draw(
        _ model: Model, _ victim: PlannedVictim, row: Int, _ box: Box, _ frame: inout Frame
    ) {
        let why = victim.cause == .invalidated ? "" : "\(victim.cause.rawValue)  "
        let facts =
            "\(why)version \(victim.version)  "
            + Text.right(Units.text(bytes: victim.bytes), 5)
        let key = Text.cut(
            Text.safe(victim.id.key, ascii: model.glyphs.ascii),
            to: max(4, box.width - 4 - Text.width(of: facts)), mark: model.glyphs.more)
        frame.put(key, at: Place(row: row, column: box.column + 1), limit: box.width - 2)
        frame.put(
            facts,
            at: Place(row: row, column: box.column + box.width - 1 - Text.width(of: facts)), .dim)
    }

    private static func drawButtons(_ dialog: PlanDialog, _ box: Box, _ frame: inout Frame) {
        let (cancel, apply) = ("[ Cancel ]", "[ \(verb(dialog.plan)) ]")
        let row = box.row + box.height - 1
        let column = box.column + max(0, (box.width - cancel.count - apply.count - 3) / 2)
        frame.put(cancel, at: Place(row: row, column: column), dialog.confirms ? .plain : .selected)
        frame.put(
            apply, at: Place(row: row, column: column + cancel.count + 3),
            dialog.confirms ? .selected : .plain)
    }

    // MARK: Words

    private static func title(_ plan: Plan) -> String {
        switch plan.change {
        case .invalidate: "Invalidate \(entries(plan.entries))"
        case .invalidateAll(let cache): "Invalidate all of \(cache)"
        case .configure(let cache, _): "Change \(cache)"
        case .soften: "Mark \(entries(plan.entries)) as stale"
        case .all(let changes): "\(changes.count) changes"
        }
    }

    private static func verb(_ plan: Plan) -> String {
        switch plan.change {
        case .invalidate, .invalidateAll: "Invalidate"
        case .soften: "Mark"
        case .configure, .all: "Change"
        }
    }

    private static func notes(_ model: Model, _ plan: Plan) -> [String] {
        var notes: [String] = []
        switch plan.change {
        case .invalidate(let seen):
            notes.append(
                "\(entries(plan.entries)) and \(Units.text(bytes: plan.bytes)) go; "
                    + "the next look-up of each fetches it anew.")
            let there = Set(model.rows.map(\.id))
            let hidden = model.query.filter.isEmpty ? 0 : seen.count { !there.contains($0.id) }
            if hidden > 0 { notes.append("\(hidden) of these hidden by the filter.") }
        case .soften:
            notes.append(
                "\(entries(plan.entries)) \(plan.entries == 1 ? "is" : "are") served until a fetch "
                    + "for it has landed.")
        case .all, .invalidateAll:
            notes.append("\(entries(plan.entries)) and \(Units.text(bytes: plan.bytes)) go.")
        case .configure(_, let new):
            if let before = plan.before { notes.append(new.differences(from: before)) }
            let expired = plan.victims.contains { $0.cause == .expired }
            let evicted = plan.victims.contains { $0.cause == .evicted }
            let how = [expired ? "expire" : "", evicted ? "are evicted" : ""]
                .filter { !$0.isEmpty }.joined(separator: " or ")
            notes.append(
                plan.entries == 0
                    ? "No entry goes."
                    : "\(entries(plan.entries)) \(how), \(Units.text(bytes: plan.bytes)) in all"
                        + (plan.entries > plan.victims.count || plan.victims.count > 8
                            ? "; first:" : ":"))
        }
        if plan.victims.contains(where: { victim in
            model.rows.contains { $0.id == victim.id && $0.expiry != nil }
        }), plan.before == nil {
            notes.append(
                "Credentials: only our copy goes; the session stays valid until it expires.")
        }
        for skipped in plan.skipped.prefix(2) {
            notes.append("Left alone: \(skipped.id.key), \(skipped.why).")
        }
        return notes.map { Text.safe($0, ascii: model.glyphs.ascii) }
    }

    private static func entries(_ count: Int) -> String {
        count == 1 ? "1 entry" : "\(Format.count(UInt64(count))) entries"
    }

    private static func wrap(_ text: String, _ width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            if !lines.last!.isEmpty,
                Text.width(of: lines.last!) + 1 + Text.width(of: String(word)) > width
            {
                lines.append("")
            }
            lines[lines.count - 1] += (lines.last!.isEmpty ? "" : " ") + word
        }
        return lines
    }
}
