import Larder
import LarderInspector

/// Takes a message into the model; what has to be done for it comes out. Entry rows change only by
/// what was seen of the engine.
func update(_ model: inout Model, _ message: Message) -> Effect? {
    switch message {
    case .key(let key): return press(&model, key)
    case .resized(let size):
        model.size = size
        return keepCursorVisible(&model) ? .look : nil
    case .tick(let now):
        model.now = now
        if let toast = model.toast, toast.until <= now { model.toast = nil }
    case .looked(let look): return take(&model, look)
    case .lookedAtEntry(let id, let detail):
        if id == model.cursor { model.detail = detail }
    case .froze(let page):
        model.frozen = page
        showFrozen(&model)
    case .planned(let plan): return present(&model, plan)
    case .applied(let outcome):
        model.say(summary(outcome))
        if !outcome.skipped.isEmpty {
            for skipped in outcome.skipped.prefix(3) {
                model.log.add("left alone: \(skipped.id.key), \(skipped.why)", at: model.now)
            }
        }
        return .look
    case .fetched(let result):
        model.cursor = result.id
        model.say(
            "\(result.id.key): \(result.wasHit ? "hit" : "fetched")"
                + (result.row.map { ", version \($0.version)" } ?? ", not kept"))
        return .look
    case .verified(let verification):
        let text = "\(verification.id.key): \(verification.summary)"
        model.say(text)
        model.log.add(
            text, at: model.now,
            trouble: verification.failure != nil || !verification.differences.isEmpty)
    case .lost(let problem):
        if model.problem == nil { model.log.add(problem, at: model.now, trouble: true) }
        model.problem = problem
    case .failed(let problem):
        model.say(problem)
        model.log.add(problem, at: model.now, trouble: true)
    case .wrote(let line): model.log.add("stderr: \(line)", at: model.now, trouble: true)
    }
    return nil
}

/// Does what an action asks for, in the table or the view over it.
func update(_ model: inout Model, _ action: Action) -> Effect? {
    switch action {
    case .down: return move(&model, by: 1)
    case .up: return move(&model, by: -1)
    case .pageDown: return move(&model, by: model.layout.visibleRows)
    case .pageUp: return move(&model, by: -model.layout.visibleRows)
    case .halfDown: return move(&model, by: max(1, model.layout.visibleRows / 2))
    case .halfUp: return move(&model, by: -max(1, model.layout.visibleRows / 2))
    case .first: return move(&model, to: 0)
    case .last: return move(&model, to: model.matched - 1)
    case .filter:
        model.overlay = .prompt(Prompt(purpose: .filter, text: model.query.filter))
    case .sort: model.overlay = .sort(Column.allCases.firstIndex(of: model.query.sort) ?? 0)
    case .sortNext: return sort(&model, by: neighbour(of: model.query.sort, 1))
    case .sortPrevious: return sort(&model, by: neighbour(of: model.query.sort, -1))
    case .invertSort:
        model.query.descending.toggle()
        return reorder(&model)
    case .nextCache: return showNextCache(&model)
    case .open: model.view = model.cursor == nil ? .table : .detail(scroll: 0)
    case .events: model.view = .events(scroll: 0)
    case .mark: return mark(&model)
    case .unmarkAll: model.marks = [:]
    case .invalidate: return planInvalidation(&model)
    case .maxsize: return ask(&model) { .maxsize(cache: $0) }
    case .ttl: return ask(&model) { .ttl(cache: $0) }
    case .fetch: return ask(&model) { .fetch(cache: $0) }
    case .verify: return verify(&model)
    case .freeze: return freeze(&model)
    case .slower: setInterval(&model, slower: true)
    case .faster: setInterval(&model, slower: false)
    case .lookNow: return .look
    case .help: model.overlay = .help(scroll: 0)
    case .back: return back(&model)
    case .quit:
        if model.view == .table { return .quit }
        model.view = .table
    case .suspend: return .suspend
    case .repaint: return .repaint
    }
    return nil
}

// MARK: What was seen

private func take(_ model: inout Model, _ look: Look) -> Effect? {
    if let before = model.report?.instance, before != look.report.instance {
        // Versions, instants and counters of another run mean nothing here.
        model.histories = [:]
        model.marks = [:]
        model.frozen = nil
        model.now = look.report.at
        model.overlay = nil
        model.log.add("the engine was started anew", at: model.now, trouble: true)
    } else if model.problem != nil {
        model.log.add("the engine answers again", at: model.now)
    }
    model.report = look.report
    model.now = max(model.now, look.report.at)
    model.problem = nil
    for cache in look.report.caches {
        model.histories[cache.name, default: History()].add(cache.snapshot)
    }
    for event in look.events { model.log.add(event) }
    model.dropped += look.dropped
    guard model.frozen == nil else { return nil }
    // An answer to a question that has changed since: another is under way.
    guard look.query.asks(as: model.query) else { return nil }
    let moved = show(&model, look.page, offset: look.query.offset)
    if let detail = look.detail, detail.row.id == model.cursor {
        model.detail = detail
    } else if model.detail?.row.id != model.cursor {
        model.detail = nil
        return moved ? .look : .lookAtEntry
    }
    return moved ? .look : nil
}

/// Puts a page into the table; true where the rows to be seen are not among those at hand.
private func show(_ model: inout Model, _ page: Page, offset: Int) -> Bool {
    model.rows = page.rows
    model.offset = offset
    model.matched = page.matched
    model.total = page.total
    for row in page.rows where model.marks[row.id] != nil { model.marks[row.id] = row.version }
    if page.rows.count == page.total {
        let there = Set(page.rows.map(\.id))
        model.marks = model.marks.filter { there.contains($0.key) }
    }
    if let place = page.rows.firstIndex(where: { $0.id == model.cursor }) {
        model.position = offset + place
    } else {
        model.position = min(max(model.position, 0), max(0, page.matched - 1))
        let place = model.position - offset
        model.cursor = page.rows.indices.contains(place) ? page.rows[place].id : nil
    }
    return keepCursorVisible(&model)
}

/// Scrolls just as far as needed; true where other rows are needed than those at hand.
private func keepCursorVisible(_ model: inout Model) -> Bool {
    let visible = model.layout.visibleRows
    model.top = min(model.top, model.position)
    model.top = max(model.top, model.position - visible + 1)
    model.top = max(0, min(model.top, model.matched - visible))
    let wanted = model.top..<min(model.matched, model.top + visible)
    let held = model.offset..<model.offset + model.rows.count
    guard model.frozen == nil,
        wanted.lowerBound < held.lowerBound || wanted.upperBound > held.upperBound
    else { return false }
    // Two screens before and two behind, so that moving about seldom has to wait.
    model.query.limit = max(200, 5 * visible)
    model.query.offset = max(0, model.top - 2 * visible)
    return true
}

private func showFrozen(_ model: inout Model) {
    guard let frozen = model.frozen else { return }
    var query = model.query
    query.offset = 0
    query.limit = frozen.rows.count
    // What stands in the query was read before.
    guard let page = try? query.page(of: frozen.rows, at: frozen.at) else { return }
    _ = show(&model, page, offset: 0)
}

extension Query {
    /// The same entries in the same order, if not the same part of them.
    fileprivate func asks(as other: Query) -> Bool {
        (caches, filter, sort, descending)
            == (other.caches, other.filter, other.sort, other.descending)
    }
}

// MARK: Moving

private func move(_ model: inout Model, by rows: Int) -> Effect? {
    switch model.view {
    case .table: return move(&model, to: model.position + rows)
    case .detail(let scroll): model.view = .detail(scroll: max(0, scroll + rows))
    case .events(let scroll):
        // The log is read from its end: up goes back in time.
        model.view = .events(scroll: min(max(0, scroll - rows), max(0, model.log.lines.count - 1)))
    }
    return nil
}

private func move(_ model: inout Model, to position: Int) -> Effect? {
    guard model.view == .table else {
        return move(&model, by: position == 0 ? -10_000 : 10_000)
    }
    guard model.matched > 0 else { return nil }
    model.position = min(max(position, 0), model.matched - 1)
    let place = model.position - model.offset
    let held = model.rows.indices.contains(place)
    model.cursor = held ? model.rows[place].id : nil
    if !held { model.detail = nil }
    return keepCursorVisible(&model) || !held ? .look : .lookAtEntry
}

private func mark(_ model: inout Model) -> Effect? {
    guard model.view == .table, let row = model.selected else { return nil }
    if model.marks.removeValue(forKey: row.id) == nil { model.marks[row.id] = row.version }
    return move(&model, by: 1)
}

// MARK: Which rows, in which order

private func neighbour(of column: Column, _ step: Int) -> Column {
    let all = Column.allCases
    let place = all.firstIndex(of: column)! + step
    return all[(place + all.count) % all.count]
}

private func sort(_ model: inout Model, by column: Column) -> Effect? {
    if column != model.query.sort {
        model.query.sort = column
        // People look for the most hit, the largest, the slowest and the newest.
        model.query.descending = [.hits, .size, .fetch, .version].contains(column)
    }
    return reorder(&model)
}

/// Asks for the rows anew, from the top; the cursor stays on its entry.
private func reorder(_ model: inout Model) -> Effect? {
    model.query.offset = 0
    guard model.frozen != nil else { return .look }
    showFrozen(&model)
    return nil
}

private func showNextCache(_ model: inout Model) -> Effect? {
    let names = model.cacheNames
    let choices: [[String]] = [[]] + (names.count > 1 ? names.map { [$0] } : [])
    let place = choices.firstIndex(of: model.query.caches) ?? 0
    model.query.caches = choices[(place + 1) % choices.count]
    return reorder(&model)
}

// MARK: Changing

private func planInvalidation(_ model: inout Model) -> Effect? {
    let seen =
        model.marks.isEmpty
        ? model.selected.map { [SeenEntry(id: $0.id, version: $0.version)] } ?? []
        : model.marks.map { SeenEntry(id: $0.key, version: $0.value) }
            .sorted { ($0.id.cache, $0.id.key) < ($1.id.cache, $1.id.key) }
    guard !seen.isEmpty else {
        model.say("there is no entry to invalidate")
        return nil
    }
    return .plan(.invalidate(seen))
}

private func ask(_ model: inout Model, _ purpose: (String) -> Prompt.Purpose) -> Effect? {
    guard let cache = model.cursor?.cache ?? model.shownCaches.first else {
        model.say("there is no cache to change")
        return nil
    }
    model.overlay = .prompt(Prompt(purpose: purpose(cache)))
    return nil
}

private func verify(_ model: inout Model) -> Effect? {
    guard let cursor = model.cursor else {
        model.say("there is no entry to verify")
        return nil
    }
    model.say("asking the origin for \(cursor.key)")
    return .verify(cursor)
}

private func present(_ model: inout Model, _ plan: Plan) -> Effect? {
    if case .invalidate = plan.change, plan.entries == 0 {
        model.say("nothing to invalidate: " + (plan.skipped.first?.why ?? "no entry is there"))
        return .look
    }
    model.overlay = .plan(PlanDialog(plan: plan))
    return nil
}

private func summary(_ outcome: Outcome) -> String {
    let entries = outcome.removed == 1 ? "1 entry" : "\(outcome.removed) entries"
    let freed = outcome.removed == 0 ? "" : ", \(Units.text(bytes: outcome.bytes)) freed"
    let skipped =
        outcome.skipped.isEmpty
        ? ""
        : "; \(outcome.skipped.count) left alone: \(outcome.skipped[0].why)"
    return "done: \(entries) removed\(freed)\(skipped)"
}

// MARK: Time

private func freeze(_ model: inout Model) -> Effect? {
    guard model.frozen != nil else { return .freeze }
    model.frozen = nil
    return .look
}

private let intervals: [Duration] = [
    .milliseconds(100), .milliseconds(200), .milliseconds(500), .seconds(1), .seconds(2),
    .seconds(5), .seconds(10),
]

private func setInterval(_ model: inout Model, slower: Bool) {
    let other =
        slower
        ? intervals.first { $0 > model.interval } : intervals.last { $0 < model.interval }
    model.interval = other ?? model.interval
    model.say("refresh every \(Units.text(model.interval))")
}

// MARK: Going back

private func back(_ model: inout Model) -> Effect? {
    if model.view != .table {
        model.view = .table
    } else if !model.query.filter.isEmpty {
        model.query.filter = ""
        return reorder(&model)
    }
    return nil
}

// MARK: Keys

private func press(_ model: inout Model, _ key: Key) -> Effect? {
    if key == .control("c") { return .quit }
    if key == .control("z") { return .suspend }
    if key == .control("l") { return .repaint }
    switch model.overlay {
    case nil: return keymap[key].flatMap { update(&model, $0) }
    case .help(let scroll): return pressInHelp(&model, key, scroll)
    case .sort(let place): return pressInSort(&model, key, place)
    case .prompt(let prompt): return pressInPrompt(&model, key, prompt)
    case .plan(let dialog): return pressInPlan(&model, key, dialog)
    }
}

private func pressInHelp(_ model: inout Model, _ key: Key, _ scroll: Int) -> Effect? {
    let page = max(1, model.size.rows - 6)
    switch keymap[key] {
    case .down: model.overlay = .help(scroll: scroll + 1)
    case .up: model.overlay = .help(scroll: max(0, scroll - 1))
    case .pageDown, .mark: model.overlay = .help(scroll: scroll + page)
    case .pageUp: model.overlay = .help(scroll: max(0, scroll - page))
    case .first: model.overlay = .help(scroll: 0)
    case .last: model.overlay = .help(scroll: bindings.count)
    default: model.overlay = nil
    }
    if case .help(let scroll) = model.overlay {
        model.overlay = .help(scroll: min(scroll, HelpView.lastScroll(model.size)))
    }
    return nil
}

private func pressInSort(_ model: inout Model, _ key: Key, _ place: Int) -> Effect? {
    let last = Column.allCases.count - 1
    switch key {
    case .enter, .char(" "):
        model.overlay = nil
        return sort(&model, by: Column.allCases[place])
    case .char("I"):
        model.overlay = nil
        return update(&model, .invertSort)
    default: break
    }
    switch keymap[key] {
    case .down: model.overlay = .sort(min(place + 1, last))
    case .up: model.overlay = .sort(max(place - 1, 0))
    case .first: model.overlay = .sort(0)
    case .last: model.overlay = .sort(last)
    default: model.overlay = nil
    }
    return nil
}

private func pressInPrompt(_ model: inout Model, _ key: Key, _ prompt: Prompt) -> Effect? {
    var prompt = prompt
    prompt.refusal = nil
    switch key {
    case .char(let character): prompt.text.append(character)
    case .backspace, .delete, .control("h"): _ = prompt.text.popLast()
    case .control("u"): prompt.text = ""
    case .control("w"): prompt.text = String(prompt.text.dropLastWord())
    case .escape:
        model.overlay = nil
        return nil
    case .enter:
        model.overlay = nil
        return enter(&model, prompt)
    default: return nil
    }
    guard prompt.purpose == .filter else {
        model.overlay = .prompt(prompt)
        return nil
    }
    // While it makes no sense, the last filter that did stays on.
    do { _ = try Filter(prompt.text) } catch {
        prompt.refusal = error.sentence
        model.overlay = .prompt(prompt)
        return nil
    }
    model.overlay = .prompt(prompt)
    guard prompt.text != model.query.filter else { return nil }
    model.query.filter = prompt.text
    return reorder(&model)
}

private func enter(_ model: inout Model, _ prompt: Prompt) -> Effect? {
    if case .fetch(let cache) = prompt.purpose {
        return prompt.text.isEmpty ? nil : .fetch(EntryKey(cache: cache, key: prompt.text))
    }
    guard let (cache, change) = change(model, prompt.purpose) else { return nil }
    do {
        let new = try change(prompt.text.filter { $0 != " " })
        guard new != model.configuration(of: cache) else {
            model.say("that is what \(cache) has already")
            return nil
        }
        return .plan(.configure(cache: cache, to: new))
    } catch {
        var prompt = prompt
        prompt.refusal = "\(error)"
        model.overlay = .prompt(prompt)
        return nil
    }
}

/// The cache that a prompt is about, and what its text makes of the bounds.
private func change(
    _ model: Model, _ purpose: Prompt.Purpose
) -> (cache: String, change: (String) throws(UnitError) -> Configuration)? {
    switch purpose {
    case .filter, .fetch: return nil
    case .maxsize(let cache):
        guard var new = model.configuration(of: cache) else { return nil }
        return (
            cache,
            { (text) throws(UnitError) in
                new.maxsize = try Units.maxsize(text)
                return new
            }
        )
    case .ttl(let cache):
        guard var new = model.configuration(of: cache) else { return nil }
        return (
            cache,
            { (text) throws(UnitError) in
                new.ttl = try Units.ttl(text)
                return new
            }
        )
    }
}

extension Model {
    func configuration(of cache: String) -> Configuration? {
        report?.caches.first { $0.name == cache }?.snapshot.configuration
    }
}

private func pressInPlan(_ model: inout Model, _ key: Key, _ dialog: PlanDialog) -> Effect? {
    var dialog = dialog
    switch key {
    case .left, .right, .tab, .backtab, .char("h"), .char("l"):
        dialog.confirms.toggle()
        model.overlay = .plan(dialog)
    case .enter:
        model.overlay = nil
        guard dialog.confirms else { return nil }
        if case .invalidate = dialog.plan.change { model.marks = [:] }
        return .apply(dialog.plan.id)
    case .escape, .char("q"), .char("n"): model.overlay = nil
    default: break
    }
    return nil
}

extension String {
    fileprivate func dropLastWord() -> Substring {
        var rest = self[...]
        while rest.last == " " { rest.removeLast() }
        while let last = rest.last, last != " " { rest.removeLast() }
        return rest
    }
}
