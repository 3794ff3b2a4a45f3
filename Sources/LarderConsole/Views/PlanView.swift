import Larder
import LarderInspector

/// What a change would do, and the question whether to do it.
enum PlanView {
    static func draw(_ model: Model, _ dialog: PlanDialog, _ frame: inout Frame) {
        let plan = dialog.plan
        let width = min(model.size.columns - 2, 72)
        // The last line has the keys.
        let rows = model.size.rows - 1
        let choices = choices(model, dialog)
        // The border, the buttons and what can be chosen have their place; the words what is left.
        let most = max(1, rows - 3 - choices.count)
        var notes = (notes(model, dialog) + undo(model, dialog) + age(model, dialog)).flatMap {
            Text.wrap($0, to: width - 4)
        }
        if notes.count > most {
            notes = Array(notes.prefix(most))
            notes[most - 1] = Text.cut(notes[most - 1], to: width - 5, mark: "") + model.glyphs.more
        }
        let room = max(0, rows - notes.count - choices.count - 7)
        let named = min(plan.victims.count, min(8, room))
        let others = plan.entries - named
        let more = named > 0 && others > 0 ? 1 : 0
        let height = min(
            rows,
            named + more + notes.count + choices.count + 4 + (named > 0 ? 1 : 0)
                + (choices.isEmpty ? 0 : 1))
        let title = Text.cut(
            Text.safe(title(model, plan), ascii: model.glyphs.ascii), to: max(0, width - 6),
            mark: model.glyphs.more)
        let inside = frame.dialog(title, width: width, height: height, model.glyphs)
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
        if more > 0 {
            frame.put(
                "and \(Format.count(others)) more",
                at: Place(row: row, column: inside.column + 1), .dim)
        }
        // What can be chosen stands above the buttons, whatever the room.
        let last = inside.row + inside.height - 2
        let first = max(inside.row + min(notes.count, most), last - choices.count)
        frame.put(
            choices,
            in: Box(
                row: min(first, last + 1 - choices.count), column: inside.column,
                height: choices.count, width: inside.width), model)
        drawButtons(dialog, inside, &frame)
    }

    /// What the operator can still say: the number typed, soft or hard, spread, for a while, why.
    private static func choices(_ model: Model, _ dialog: PlanDialog) -> [Pieces] {
        var lines: [Pieces] = []
        switch dialog.plan.change {
        case .invalidate where dialog.canBeSoft:
            lines.append([
                ("s", .bold),
                (
                    " serve them on until refreshed"
                        + (model.size.columns < 60 ? "" : " instead: no stampede"), .dim
                ),
            ])
        case .soften: lines.append([("s", .bold), (" drop them at once instead", .dim)])
        case .invalidate, .invalidateAll, .configure, .all: break
        }
        if dialog.canBePaced(model), let time = spread(dialog.plan, model) {
            lines.append([
                ("p", .bold),
                (
                    dialog.isPaced
                        ? " [x] spread over \(Units.text(time)), within the budget: no stampede"
                        : " [ ] all at once, beyond the budget: a stampede",
                    dialog.isPaced ? .plain : .warning
                ),
            ])
        }
        if dialog.canGoBack {
            let box = dialog.goesBack ? "[x]" : "[ ]"
            lines.append([("b", .bold), (" \(box) goes back by itself after 10 minutes", .plain)])
        }
        lines.append([
            ("r", .bold), (" reason: ", .dim),
            (Text.safe(dialog.reason, ascii: model.glyphs.ascii), .plain),
            (dialog.focus == .reason ? " " : "", .selected),
        ])
        if let confirmation = dialog.confirmation {
            lines.append([
                (
                    "type \(Text.safe(confirmation, ascii: model.glyphs.ascii)) to confirm: ",
                    .warning
                ),
                (Text.safe(dialog.typed, ascii: model.glyphs.ascii), .bold),
                (dialog.focus == .confirmation ? " " : "", .selected),
                (
                    dialog.typed == confirmation ? "  Enter does it" : "  \(why(dialog.plan))",
                    .dim
                ),
            ])
        }
        return lines
    }

    /// Why it has to be typed.
    private static func why(_ plan: Plan) -> String {
        guard plan.protected.isEmpty else {
            return plan.protected.count == 1 ? "it is protected" : "they are protected"
        }
        return Confirmation.brief
    }

    private static func draw(
        _ model: Model, _ victim: PlannedVictim, row: Int, _ box: Box, _ frame: inout Frame
    ) {
        let why = victim.cause == .invalidated ? "" : "\(victim.cause.rawValue)  "
        let facts =
            victim.version == 0
            ? "a failure"
            : "\(why)version \(victim.version)  "
                + Text.right(Format.bytes(victim.bytes), 8)
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
        frame.put(
            cancel, at: Place(row: row, column: column),
            dialog.focus == .cancel ? .selected : .plain)
        frame.put(
            apply, at: Place(row: row, column: column + cancel.count + 3),
            dialog.confirms ? .selected : .plain)
        frame.point(row: row, columns: column..<column + cancel.count, .button(.cancel))
        let second = column + cancel.count + 3
        frame.point(row: row, columns: second..<second + apply.count, .button(.apply))
    }

    // MARK: Words

    /// The whole dialog, a sentence or a choice each.
    static func words(_ model: Model, _ dialog: PlanDialog) -> [String] {
        let victims = dialog.plan.victims.prefix(8).map { victim in
            "\(victim.id.key), \(victim.cause.rawValue), version \(victim.version), "
                + Format.bytes(victim.bytes)
        }
        let choices = choices(model, dialog).map { $0.map(\.text).joined() }
        return [title(model, dialog.plan)] + notes(model, dialog) + undo(model, dialog) + victims
            + choices
    }

    private static func title(_ model: Model, _ plan: Plan) -> String {
        if plan.takesBack != nil {
            let done = model.changes.last {
                $0.plan == plan.id && [.applied, .cancelled, .failed].contains($0.what)
            }
            return "Take back "
                + (done.map { $0.summary(arrow: model.glyphs.arrow) } ?? "plan \(plan.id)")
        }
        return switch plan.change {
        case .invalidate where plan.failures == plan.entries:
            "Forget what is known of \(keys(plan.failures))"
        case .invalidate where plan.failures > 0:
            "Invalidate \(entries(plan.entries - plan.failures)), forget \(keys(plan.failures))"
        case .invalidate: "Invalidate \(entries(plan.entries)) \(caches(plan))"
        case .invalidateAll(let cache): "Invalidate all of \(cache)"
        case .configure(let cache, _): "Change \(cache)"
        case .soften: "Mark \(entries(plan.entries)) \(caches(plan)) as stale"
        case .all(let changes): "\(changes.count) changes"
        }
    }

    /// Of which caches: `of accounts`.
    private static func caches(_ plan: Plan) -> String {
        let names = plan.byCache.keys.sorted()
        return names.count > 2
            ? "of \(names.count) caches" : "of " + names.joined(separator: " and ")
    }

    private static func verb(_ plan: Plan) -> String {
        if plan.takesBack != nil { return "Take back" }
        return switch plan.change {
        case .invalidate where plan.failures == plan.entries: "Forget"
        case .invalidate, .invalidateAll: "Invalidate"
        case .soften: "Mark"
        case .configure, .all: "Change"
        }
    }

    /// What could not be taken back.
    private static func undo(_ model: Model, _ dialog: PlanDialog) -> [String] {
        guard dialog.plan.takesBack == nil else { return [] }
        let spread = dialog.isPaced ? spread(dialog.plan, model) : nil
        return [dialog.plan.undoNote(spread: spread)].compactMap(\.self)
    }

    /// The failures that a plan forgets, in a sentence; `nil` where there are none.
    private static func forgotten(_ plan: Plan) -> String? {
        guard plan.failures > 0 else { return nil }
        return
            "That \(keys(plan.failures)) failed, or \(plan.failures == 1 ? "is" : "are") absent, is "
            + "forgotten; the next look-up of \(plan.failures == 1 ? "it" : "each") asks the origin again."
    }

    private static func keys(_ count: Int) -> String { Units.counted(count, "key") }

    private static func notes(_ model: Model, _ dialog: PlanDialog) -> [String] {
        let plan = dialog.plan
        var notes: [String] = []
        let held = plan.entries - plan.failures
        switch plan.change {
        case _ where plan.takesBack != nil:
            notes += takenBack(model, dialog) + foreseen(model, plan)
        case .invalidate:
            if held > 0 {
                let each = held == 1 ? "its next look-up" : "the next look-up of each"
                notes.append("\(plan.going(held, dialog.share)); \(each) fetches it again.")
            }
            if let forgotten = forgotten(plan) { notes.append(forgotten) }
        case .soften:
            notes.append("\(plan.effect(dialog.share)).")
        case .all, .invalidateAll:
            notes.append("\(plan.going(held, dialog.share)).")
            if let forgotten = forgotten(plan) { notes.append(forgotten) }
        case .configure(let cache, let new):
            if let before = plan.before {
                notes += changed(model, dialog, cache, new, from: before)
            }
            if let other = overtaken(model, plan, cache) { notes.append(other) }
        }
        if let remark = dialog.remark { notes.append(remark) }
        if let cost = cost(model, plan) { notes.append(cost) }
        let echo = plan.echo(isSpread: dialog.isPaced) { model.configuration(of: $0) }
        if let echo { notes.append(echo) }
        if plan.victims.contains(where: { victim in
            model.rows.contains { $0.id == victim.id && $0.expiry != nil }
        }), plan.before == nil, plan.takesBack == nil {
            notes.append(
                "Credentials: only our copy goes; the session stays valid until it expires.")
        }
        notes += leftAlone(plan, dialog.left)
        return notes.map { Text.safe($0, ascii: model.glyphs.ascii) }
    }

    /// What passes, or was chosen, and stays: each by its name where they are few.
    private static func leftAlone(_ plan: Plan, _ left: Int) -> [String] {
        let since =
            left == 0
            ? []
            : [
                "\(Format.count(left)) more \(left == 1 ? "passes" : "pass") by now, written since the "
                    + "table was drawn: \(left == 1 ? "it stays" : "they stay")."
            ]
        return since + plan.skipped.inShort(unnamed: plan.unnamed).map { "Left alone: \($0)." }
    }

    /// Other bounds, what goes for them, and what they do beside.
    private static func changed(
        _ model: Model, _ dialog: PlanDialog, _ cache: String, _ new: CacheConfiguration,
        from before: CacheConfiguration
    ) -> [String] {
        let plan = dialog.plan
        let stay = max(0, model.held(in: cache) - plan.entries)
        let done = [
            ("expire", "expires", RemovalCause.expired), ("are evicted", "is evicted", .evicted),
        ].filter { word in plan.victims.contains { $0.cause == word.2 } }
            .map { plan.entries == 1 ? $0.1 : $0.0 }
        let gone =
            plan.entries == 0
            ? "No entry goes."
            : "\(entries(plan.entries)) (\(size(dialog))) "
                + "\(done.isEmpty ? "go" : done.joined(separator: " or "))."
        return [new.differences(from: before, arrow: model.glyphs.arrow), gone]
            + new.consequences(from: before, held: stay) + foreseen(model, plan)
    }

    /// How large it is that goes, and what part of a cache: `22 KiB, 93.3% of accounts`.
    private static func size(_ dialog: PlanDialog) -> String {
        Format.bytes(dialog.plan.bytes) + (dialog.share.isEmpty ? "" : ", \(dialog.share)")
    }

    /// What the look-ups of late say that comes of it.
    private static func foreseen(_ model: Model, _ plan: Plan) -> [String] {
        guard let sentence = plan.forecast else { return [] }
        return [WhatIfView.fit("Foreseen: \(sentence).", model)]
    }

    /// Says that the bounds have changed since the plan was made; `nil` where they have not.
    private static func overtaken(_ model: Model, _ plan: Plan, _ cache: String) -> String? {
        guard let before = plan.before, let now = model.configuration(of: cache), now != before,
            let report = model.report, plan.at < report.at
        else { return nil }
        let what = now.differences(from: before, arrow: model.glyphs.arrow)
        return "The bounds are other ones since, \(what): plan it again."
    }

    /// What comes back, what has to go for it, and what cannot be taken back.
    private static func takenBack(_ model: Model, _ dialog: PlanDialog) -> [String] {
        let plan = dialog.plan
        let bounds = bounds(model, plan)
        let back = plan.takesBack?.entries ?? 0
        var notes = bounds.isEmpty ? [] : [bounds]
        if back > 0 {
            let comes = back == 1 ? "comes" : "come"
            notes.append("\(entries(back)) \(comes) back, unless fetched again until then.")
        } else if model.undos.first(where: { $0.plan == plan.id })?.removed != 0 {
            notes.append(
                "No entry comes back: that is for \(Units.text(Plan.undoWindow)), unless it is fetched "
                    + "again; credentials never do.")
        }
        notes.append(
            plan.entries == 0
                ? "No entry goes."
                : "\(entries(plan.entries)) (\(size(dialog))) "
                    + "\(plan.entries == 1 ? "has" : "have") to go for it.")
        return notes + (plan.takesBack?.problems ?? []).map { "This stays: \($0)." }
    }

    /// The bounds that a plan changes, in words; empty where it changes none.
    static func bounds(_ model: Model, _ plan: Plan) -> String {
        let changes: [Change] =
            if case .all(let changes) = plan.change { changes } else { [plan.change] }
        return changes.compactMap { change in
            guard case .configure(let cache, let new) = change,
                let old = plan.before ?? model.configuration(of: cache)
            else { return nil }
            return "\(cache) \(new.differences(from: old, arrow: model.glyphs.arrow))"
        }.joined(separator: ", ")
    }

    /// The fetches to come, and how they stand to the budget.
    private static func cost(_ model: Model, _ plan: Plan) -> String? {
        var sentences: [String] = []
        if plan.entries > plan.failures {
            let held = plan.entries - plan.failures
            if plan.fetches == 0 {
                sentences.append("None was hit in the last minute.")
            } else if !plan.keepsNothing {
                let them = held == 1 ? "it" : "them"
                sentences.append(
                    "About \(fetches(plan.fetches)) to "
                        + (plan.change.isSoft ? "refresh \(them)" : "have \(them) back")
                        + " within a minute; the budget is \(Format.rate(model.budget)).")
            }
        }
        // What is foreseen says it better.
        if plan.foreseen == nil, let perMinute = plan.perMinute {
            sentences.append(
                "From then on about \(fetches(perMinute)) a minute for what is held; what is missed "
                    + "today comes on top.")
        }
        return sentences.isEmpty ? nil : sentences.joined(separator: " ")
    }

    private static func fetches(_ count: Int) -> String {
        Units.counted(count, "fetch", "fetches")
    }

    /// Says how old the plan is: what is used meanwhile changes what would go.
    private static func age(_ model: Model, _ dialog: PlanDialog) -> [String] {
        let age = model.now - dialog.since
        guard age >= .seconds(5), dialog.plan.entries > 0 else { return [] }
        let others =
            dialog.plan.before == nil
            ? "what was written since stays" : "others may go for those that were used since"
        return ["Planned \(Format.age(age)) ago: \(others)."]
    }

    private static func entries(_ count: Int) -> String {
        Units.counted(count, "entry", "entries")
    }
}
