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

func ask(_ model: inout Model, _ purpose: (String) -> Prompt.Purpose) -> Effect? {
    guard let cache = model.aimedCache else {
        model.say("there is no cache to change")
        return nil
    }
    model.overlay = .prompt(Prompt(purpose: purpose(cache)))
    return nil
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
    plan.byCache.sorted { $0.key < $1.key }.compactMap { cache, count in
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

    /// How many entries go of which cache; failures are none.
    var byCache: [String: Int] {
        switch change {
        case .invalidateAll(let cache), .configure(let cache, _):
            return [cache: entries - failures]
        case .invalidate(let seen), .soften(let seen):
            let left = Set(skipped.map(\.id))
            return seen.reduce(into: [:]) { counts, entry in
                let goes = entry.version != 0 && !left.contains(entry.id)
                if goes { counts[entry.id.cache, default: 0] += 1 }
            }
        case .all: return Dictionary(grouping: victims, by: \.id.cache).mapValues { _ in entries }
        }
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
    let how = PlanApplication(
        spread: dialog.isPaced ? spread(dialog.plan, model) : nil,
        lasting: dialog.goesBack ? PlanDialog.lasting : nil,
        confirmation: dialog.plan.protected.isEmpty ? nil : dialog.confirmation)
    model.ownPlans[dialog.plan.id] = how
    return .apply(dialog.plan.id, how, reason: reason)
}

func applied(_ model: inout Model, _ plan: Plan.ID, _ outcome: Outcome) -> Effect? {
    let how = model.ownPlans[plan]
    if let lasting = how?.lasting {
        model.goesBack = (plan, model.now + (how?.spread ?? .zero) + lasting)
    }
    guard how?.spread == nil else {
        model.underWay = Model.UnderWay(plan: plan)
        model.say("under way; x stops it")
        return .look
    }
    canBeUndone(&model, plan, outcome)
    model.say(summary(outcome, isSoft: model.kinds[plan] == .nothing))
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
    fileprivate var kind: Model.Undo.Kind {
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
        "fetched anew since, gone for more than \(Units.text(Plan.undoWindow)), or credentials, "
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

func summary(_ outcome: Outcome, isSoft: Bool = false) -> String {
    let removed = outcome.removed - outcome.forgotten
    let freed = removed == 0 ? "" : ", \(Format.bytes(outcome.bytes)) freed"
    let done = [
        removed > 0 || outcome.forgotten == 0
            ? Units.counted(removed, "entry", "entries")
                + (isSoft ? " marked as stale" : " removed\(freed)") : "",
        outcome.forgotten > 0
            ? "\(Units.counted(outcome.forgotten, "failure")) forgotten" : "",
    ].filter { !$0.isEmpty }.joined(separator: ", ")
    let skipped =
        outcome.skipped.isEmpty
        ? ""
        : "; \(outcome.skipped.count) left alone: \(outcome.skipped[0].why)"
    return "done: \(done)\(skipped)" + warning(outcome)
}

// MARK: A line that is typed

func pressInPrompt(_ model: inout Model, _ key: Key, _ prompt: Prompt) -> Effect? {
    var prompt = prompt
    prompt.refusal = nil
    prompt.place = nil
    switch key {
    case .escape:
        model.overlay = nil
        if case .search(let from) = prompt.purpose { return move(&model, to: from) }
        return nil
    case .enter:
        model.overlay = nil
        return enter(&model, prompt)
    default: guard prompt.text.edit(key) else { return nil }
    }
    if case .search(let from) = prompt.purpose {
        model.overlay = .prompt(prompt)
        return search(&model, for: prompt.text, from: from, backwards: false)
    }
    guard prompt.purpose == .filter else {
        model.overlay = .prompt(prompt)
        return nil
    }
    // A word that is the name of a field is on its way to a comparison.
    if EntryFilter.isBegun(prompt.text) {
        model.overlay = .prompt(prompt)
        return nil
    }
    // While it makes no sense, the last filter that did stays on.
    do { _ = try EntryFilter(prompt.text, of: model.filterScope) } catch {
        prompt.refusal = error.sentence
        prompt.place = error.place
        model.overlay = .prompt(prompt)
        return nil
    }
    model.overlay = .prompt(prompt)
    return setFilter(&model, prompt.text)
}

private func enter(_ model: inout Model, _ prompt: Prompt) -> Effect? {
    let effect: (effect: Effect?, refusal: String?)
    switch prompt.purpose {
    case .filter:
        do { _ = try EntryFilter(prompt.text, of: model.filterScope) } catch {
            var prompt = prompt
            (prompt.refusal, prompt.place) = (error.sentence, error.place)
            model.overlay = .prompt(prompt)
            return nil
        }
        return setFilter(&model, prompt.text)
    case .fetch(let cache):
        return prompt.text.isEmpty ? nil : .fetch(EntryKey(cache: cache, key: prompt.text))
    case .search: return nil
    case .overwrite(let path, let text):
        guard ["y", "yes"].contains(prompt.text.lowercased()) else {
            model.say("\(path) is as it was")
            return nil
        }
        return .export(path: path, text: text, overwrites: true)
    case .maxsize(let cache):
        effect = bounds(&model, cache, prompt.text) { (new, text) throws(UnitError) in
            new.maxsize = try Units.maxsize(text)
        }
    case .ttl(let cache):
        effect = bounds(&model, cache, prompt.text) { (new, text) throws(UnitError) in
            new.ttl = try Units.ttl(text)
        }
    }
    guard let refusal = effect.refusal else { return effect.effect }
    var prompt = prompt
    prompt.refusal = refusal
    model.overlay = .prompt(prompt)
    return nil
}

/// A plan of other bounds, or why there can be none.
func bounds(
    _ model: inout Model, _ cache: String, _ text: String,
    _ change: (inout CacheConfiguration, String) throws(UnitError) -> Void
) -> (effect: Effect?, refusal: String?) {
    guard var new = model.configuration(of: cache) else {
        return (nil, "no cache is called \"\(cache)\"")
    }
    do { try change(&new, text.filter { $0 != " " }) } catch { return (nil, "\(error)") }
    guard new != model.configuration(of: cache) else {
        model.say("that is what \(cache) has already")
        return (nil, nil)
    }
    return (.plan(.configure(cache: cache, to: new)), nil)
}

extension Prompt {
    /// What a bare number means, while it is typed; `nil` where there is nothing to say.
    var understood: String? {
        guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        switch purpose {
        case .maxsize:
            guard let number = try? Units.maxsize(text) else { return nil }
            return Units.counted(number, "entry", "entries")
        case .ttl:
            guard let ttl = try? Units.ttl(text) else { return nil }
            let seconds = Units.counted(Int(clamping: ttl.inSeconds), "second")
            return ttl < .seconds(60) ? seconds : "\(seconds), \(Units.text(ttl))"
        case .filter, .fetch, .search, .overwrite: return nil
        }
    }
}

extension String {
    /// What a key does to a line that is typed; false where it does nothing.
    mutating func edit(_ key: Key) -> Bool {
        switch key {
        case .char(let character): append(character)
        case .backspace, .delete, .control("h"): _ = popLast()
        case .control("u"): self = ""
        case .control("w"):
            while last == " " { removeLast() }
            while let last, last != " " { removeLast() }
        default: return false
        }
        return true
    }
}
