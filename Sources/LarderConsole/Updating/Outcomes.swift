import Larder
import LarderInspector

// What came of a change, and what can be taken back of it.

func applied(_ model: inout Model, _ plan: Plan.ID, _ outcome: Outcome) -> Effect? {
    let how = model.ownPlans[plan]
    if let lasting = how?.lasting {
        model.goesBack = (plan, model.now + (how?.spread ?? .zero) + lasting)
    }
    let bounds = model.changing.removeValue(forKey: plan) ?? ""
    guard how?.spread == nil else {
        model.underWay = Model.UnderWay(plan: plan)
        model.say("under way; x stops it")
        return .look
    }
    canBeUndone(&model, plan, outcome)
    model.say(summary(outcome, isSoft: model.kinds[plan] == .nothing, bounds: bounds))
    warn(&model, of: outcome)
    for skipped in outcome.skipped.prefix(3) {
        model.log.add("left alone: \(skipped.id.key), \(skipped.why)", at: model.now)
    }
    return .look
}

/// Says what an outcome warns of; that stays to be read.
func warn(_ model: inout Model, of outcome: Outcome) {
    guard let warning = outcome.warning else { return }
    model.log.add(warning, at: model.now, trouble: true)
}

func canBeUndone(_ model: inout Model, _ plan: Plan.ID, _ outcome: Outcome) {
    let kind = model.kinds[plan] ?? .entries
    guard kind != .nothing else { return }
    model.undos.removeAll { $0.plan == plan }
    model.undos.append(
        Model.Undo(
            plan: plan, until: kind == .bounds ? nil : model.now + Plan.undoWindow,
            removed: outcome.removed - outcome.forgotten))
    if model.undos.count > mostUndos { model.undos.removeFirst() }
}

/// The engine remembers so many as well.
private let mostUndos = 64

func undone(_ model: inout Model, _ plan: Plan.ID, _ outcome: Outcome) -> Effect? {
    let removed = model.undos.first { $0.plan == plan }?.removed ?? 0
    model.undos.removeAll { $0.plan == plan }
    if model.goesBack?.plan == plan { model.goesBack = nil }
    let bounds = model.takingBack.removeValue(forKey: plan) ?? ""
    let text = words(of: outcome, removed: removed, bounds: bounds)
    model.say(text, for: .seconds(8))
    model.log.add(text, at: model.now)
    warn(&model, of: outcome)
    return .look
}

extension Change {
    /// What can be taken back of it.
    var kind: Model.Undo.Kind {
        switch self {
        case .configure: .bounds
        case .soften: .nothing
        case .invalidate, .invalidateAll: .entries
        case .all(let changes):
            changes.contains { $0.kind == .bounds } ? .bounds : .entries
        }
    }
}

/// What was taken back, what was not, and what had to go for it.
func words(of outcome: Outcome, removed: Int, bounds: String) -> String {
    let gone =
        outcome.removed == 0
        ? "" : "; \(Units.counted(outcome.removed, "entry", "entries")) had to go for it"
    let back = back(outcome, removed: removed)
    guard !bounds.isEmpty else { return back + gone + warning(outcome) }
    let entries = back == "taken back" ? "" : "; " + back.replacing("taken back: ", with: "")
    return "taken back: \(bounds)\(entries)\(gone)" + warning(outcome)
}

private func back(_ outcome: Outcome, removed: Int) -> String {
    let back = Units.counted(outcome.restored, "entry is", "entries are")
    let lost = removed - outcome.restored
    let why =
        "fetched again since, gone for more than \(Units.text(Plan.undoWindow)), or credentials, "
        + "which never do"
    switch (outcome.restored, lost) {
    case (0, ...0): return "taken back"
    case (0, _): return "no entry came back: \(why)"
    case (_, ...0): return "taken back: \(back) there again"
    default: return "taken back: \(back) there again, \(lost) not: \(why)"
    }
}

/// What is to be known beside what was done.
private func warning(_ outcome: Outcome) -> String {
    outcome.warning.map { "; WARNING: \($0)" } ?? ""
}

func summary(_ outcome: Outcome, isSoft: Bool = false, bounds: String = "") -> String {
    let removed = outcome.removed - outcome.forgotten
    let freed = removed == 0 ? "" : ", \(Format.bytes(outcome.bytes)) freed"
    let done = [
        removed > 0 || outcome.forgotten == 0 && bounds.isEmpty
            ? Units.counted(removed, "entry", "entries")
                + (isSoft ? " marked as stale" : " removed\(freed)") : "",
        outcome.forgotten > 0
            ? "\(Units.counted(outcome.forgotten, "failure")) forgotten" : "",
    ].filter { !$0.isEmpty }.joined(separator: ", ")
    let left = outcome.skipped.inShort(unnamed: outcome.unnamed).joined(separator: "; ")
    let skipped = left.isEmpty ? "" : "; left alone: \(left)"
    return "done: \(bounds)\(bounds.isEmpty || done.isEmpty ? "" : ", ")\(done)\(skipped)"
        + warning(outcome)
}
