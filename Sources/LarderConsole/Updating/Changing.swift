import Larder
import LarderInspector

// MARK: Asking for a plan

func planInvalidation(_ model: inout Model) -> Effect? {
    let seen =
        model.marks.isEmpty || model.view != .entries
        ? model.selected.map { [SeenEntry(id: $0.id, version: $0.version)] } ?? []
        : model.marks.map { SeenEntry(id: $0.key, version: $0.value) }
            .sorted { ($0.id.cache, $0.id.key) < ($1.id.cache, $1.id.key) }
    guard !seen.isEmpty else {
        model.say("there is no entry to invalidate")
        return nil
    }
    return .plan(.invalidate(seen))
}

/// All that the table lists, each as it was drawn. Where not all of it is at hand, the engine finds
/// the rest, without what was written since.
func planMatching(_ model: inout Model) -> Effect? {
    guard model.matched > 0, let drawn = model.drawn else {
        model.say("the table lists nothing to invalidate")
        return nil
    }
    let isWhole = model.offset == 0 && model.rows.count >= model.matched
    guard isWhole, drawn.query.asks(as: model.asked) else {
        return .planMatching(model.asked, drawn: drawn.at)
    }
    return .planShown(model.rows.map { SeenEntry(id: $0.id, version: $0.version) })
}

func verify(_ model: inout Model) -> Effect? {
    guard let id = model.selected?.id else { return nil }
    model.say("asking the origin for \(id.key)")
    return .verify(id)
}

// MARK: The plan

/// Lays a plan before the operator.
///
/// - Parameter left: For a plan of all that the table lists, how many more pass that were written
///   since; `nil` for any other plan.
func present(_ model: inout Model, _ plan: Plan, left: Int? = nil) -> Effect? {
    guard !model.refusesPlan else {
        model.refusesPlan = false
        return nil
    }
    let effect = show(&model, plan, left: left)
    return typeOn(&model) ?? effect
}

private func show(_ model: inout Model, _ plan: Plan, left: Int?) -> Effect? {
    switch model.overlay {
    case nil, .plan: break
    default:
        // The keys that are being pressed are meant for something else.
        model.say("the plan has come while something else was open; ask for it again")
        return nil
    }
    if let back = plan.takesBack, back.entries == 0, plan.entries == 0, back.problems.isEmpty,
        PlanView.bounds(model, plan).isEmpty
    {
        model.undos.removeAll { $0.plan == plan.id }
        model.say(
            "nothing of it can be taken back any more: that is for "
                + "\(Units.text(Plan.undoWindow)), unless it is fetched again; credentials never do"
        )
        return .look
    }
    switch plan.change {
    case .invalidate, .soften:
        if plan.entries == 0 {
            model.say("nothing to invalidate: " + (plan.skipped.first?.why ?? "no entry is there"))
            return .look
        }
    case .invalidateAll, .configure, .all: break
    }
    var dialog = PlanDialog(plan: plan, since: model.now)
    dialog.share = share(of: plan, model)
    dialog.left = left ?? 0
    dialog.remark = left == nil ? hidden(model, plan) : nil
    dialog.confirmation = confirmation(of: plan, model)
    // More fetches than the origin should have at once are spread.
    dialog.isPaced = plan.takesBack == nil && spread(plan, model) != nil
    // The same entries in another way: what was said of them before still holds.
    if case .plan(let before) = model.overlay, before.plan.change.entries == plan.change.entries {
        dialog.reason = before.reason
        if left == nil { (dialog.left, dialog.remark) = (before.left, before.remark) }
    }
    model.overlay = .plan(dialog)
    return nil
}

/// What part of each cache a plan is about.
private func share(of plan: Plan, _ model: Model) -> String {
    let shares = plan.byCache
    // Of what was skipped not all may be named.
    guard shares.values.reduce(0, +) == plan.entries - plan.failures else { return "" }
    return shares.sorted { $0.key < $1.key }.compactMap { cache, count in
        let held = model.held(in: cache)
        return count == 0 || held == 0 || count > held
            ? nil : "\(Format.percent(Double(count) / Double(held))) of \(cache)"
    }.joined(separator: " and ")
}

/// Which marked entries the table no longer shows; known only where all that it lists is at hand.
private func hidden(_ model: Model, _ plan: Plan) -> String? {
    let isNarrowed = !model.asked.filter.isEmpty || !model.query.caches.isEmpty
    guard isNarrowed, model.view == .entries, model.rows.count == model.matched else { return nil }
    let shown = Set(model.rows.map(\.id))
    let hidden = plan.named.count { !shown.contains($0.id) }
    guard hidden > 0 else { return nil }
    let isHidden = hidden == 1 ? "1 of these is" : "\(Format.count(hidden)) of these are"
    return "\(isHidden) marked and not in the table, which shows only what passes."
}

/// When a removal is confirmed by typing how many go: said the same in the dialog and in help.
enum Confirmation {
    /// So few need no confirmation.
    static let floor = 10
    /// One in so many of what a cache holds: a removal of more is confirmed.
    static let part = 20
    static let words = "more than \(floor) entries and more than a twentieth of a cache"
    static let brief = "more than \(floor) and more than a twentieth"

    static func isDue(_ count: Int, of held: Int) -> Bool { count > max(floor, held / part) }
}

/// Removals of much are confirmed by the number of entries that go, a change of a protected cache by
/// its name. What is served on, or was no entry, is not removed.
private func confirmation(of plan: Plan, _ model: Model) -> String? {
    if !plan.protected.isEmpty { return plan.protected.joined(separator: ",") }
    if plan.change.isSoft { return nil }
    let isMuch = plan.byCache.contains { cache, count in
        Confirmation.isDue(count, of: model.held(in: cache))
    }
    return isMuch ? "\(plan.entries)" : nil
}

extension Model {
    func held(in cache: String) -> Int {
        report?.caches.first { $0.name.isExactly(cache) }?.snapshot.count ?? 0
    }
}

extension Plan {
    /// The entries that it is about by name and that were there.
    fileprivate var named: [SeenEntry] {
        let left = Set(skipped.map(\.id))
        return change.entries.filter { !left.contains($0.id) }
    }
}

/// Over how long the removals are spread, so that the fetches to come stay within the budget.
func spread(_ plan: Plan, _ model: Model) -> Duration? {
    let seconds = (Double(plan.fetches) / model.budget).rounded(.up)
    return seconds > 1 ? .seconds(clamping: seconds) : nil
}

extension Change {
    /// The entries that it names.
    fileprivate var entries: [SeenEntry] {
        switch self {
        case .invalidate(let seen), .soften(let seen): seen
        case .invalidateAll, .configure, .all: []
        }
    }
}

func pressInPlan(_ model: inout Model, _ key: Key, _ dialog: PlanDialog) -> Effect? {
    var dialog = dialog
    defer { if case .plan = model.overlay { model.overlay = .plan(dialog) } }
    if dialog.focus == .reason {
        switch key {
        case .char(let character): dialog.reason.append(character)
        case .backspace, .delete: _ = dialog.reason.popLast()
        case .control("u"): dialog.reason = ""
        case .enter, .escape, .tab: dialog.focus = .cancel
        default: break
        }
        return nil
    }
    if dialog.focus == .confirmation {
        switch key {
        case .char(let character):
            dialog.typed.append(character)
            return nil
        case .backspace, .delete:
            _ = dialog.typed.popLast()
            return nil
        default: break
        }
    }
    switch key {
    case .right, .tab, .char("l"): dialog.focus = next(dialog, 1)
    case .left, .backtab, .char("h"): dialog.focus = next(dialog, -1)
    case .char(let digit) where dialog.confirmation != nil && digit.isNumber:
        dialog.focus = .confirmation
        dialog.typed.append(digit)
    case .char("r"): dialog.focus = .reason
    case .char("p") where dialog.canBePaced(model): dialog.isPaced.toggle()
    case .char("b") where dialog.canGoBack: dialog.goesBack.toggle()
    case .char("s") where dialog.canBeSoft: return soften(dialog.plan)
    case .enter: return decide(&model, dialog)
    case .escape, .char("q"), .char("n"): model.overlay = nil
    default: break
    }
    return nil
}

private func next(_ dialog: PlanDialog, _ step: Int) -> PlanDialog.Focus {
    let all: [PlanDialog.Focus] =
        dialog.confirmation == nil ? [.cancel, .apply] : [.cancel, .confirmation, .apply]
    let place = all.firstIndex(of: dialog.focus) ?? 0
    return all[(place + step + all.count) % all.count]
}

/// The same entries served until a fetch has landed, or not.
private func soften(_ plan: Plan) -> Effect? {
    switch plan.change {
    case .invalidate(let seen): .plan(.soften(seen))
    case .soften(let seen): .plan(.invalidate(seen))
    case .invalidateAll, .configure, .all: nil
    }
}

private func decide(_ model: inout Model, _ dialog: PlanDialog) -> Effect? {
    guard dialog.focus != .cancel else {
        model.overlay = nil
        return nil
    }
    if let confirmation = dialog.confirmation, dialog.typed != confirmation {
        model.say("type \(confirmation) to confirm, or Esc")
        // On a small screen the dialog is all there is to see: the line to type in says it.
        var dialog = dialog
        dialog.focus = .confirmation
        model.overlay = .plan(dialog)
        return nil
    }
    model.overlay = nil
    switch dialog.plan.change {
    case .invalidate, .soften: model.marks = [:]
    default: break
    }
    let reason = dialog.reason.isEmpty ? nil : dialog.reason
    if dialog.plan.takesBack != nil {
        model.takingBack[dialog.plan.id] = PlanView.bounds(model, dialog.plan)
        return .undo(dialog.plan.id, reason: reason)
    }
    model.kinds[dialog.plan.id] = dialog.plan.change.kind
    model.changing[dialog.plan.id] = PlanView.bounds(model, dialog.plan)
    let how = PlanApplication(
        spread: dialog.isPaced ? spread(dialog.plan, model) : nil,
        lasting: dialog.goesBack ? PlanDialog.lasting : nil,
        confirmation: dialog.plan.protected.isEmpty ? nil : dialog.confirmation)
    model.ownPlans[dialog.plan.id] = how
    return .apply(dialog.plan.id, how, reason: reason)
}
