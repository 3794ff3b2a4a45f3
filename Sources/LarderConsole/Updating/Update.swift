import Larder
import LarderInspector

/// Takes a message into the model; what has to be done for it comes out. Entry rows change only by
/// what was seen of the engine.
func update(_ model: inout Model, _ message: Message) -> Effect? {
    let appended = model.eventLines.appended
    defer { keepEventUnderCursor(&model, since: appended) }
    switch message {
    case .key(let key): return press(&model, key)
    case .resized(let size):
        model.size = size
        return keepCursorVisible(&model) ? .look : nil
    case .tick(let now): pass(&model, now)
    case .looked(let look): return take(&model, look)
    case .lookedAtEntry(let id, let detail):
        if id == model.cursor { model.detail = detail }
    case .froze(let page): return froze(&model, page)
    case .remembered(let remembered): remember(&model, remembered)
    case .planned(let plan): return present(&model, plan)
    case .plannedMatching(let plan, let left): return present(&model, plan, left: left)
    case .applied(let plan, let outcome): return applied(&model, plan, outcome)
    case .halfDone(let plan, let outcome, let problem):
        canBeUndone(&model, plan, outcome)
        model.say(problem, for: .seconds(8))
        model.log.add(problem, at: model.now, trouble: true)
        return .look
    case .undone(let plan, let outcome): return undone(&model, plan, outcome)
    case .fetched(let result):
        model.say(
            "\(result.id.key): \(words(of: result, at: model.now))"
                + (result.row.map { ", version \($0.version)" } ?? ", not kept"))
        guard result.row != nil, model.frozen == nil else { return .look }
        // Where it is at hand already it is looked at anew all the same.
        let effect = goTo(&model, result.id)
        return effect == .lookAtEntry ? .look : effect
    case .sought(let id, let detail): return sought(&model, id, detail)
    case .found(let id, let place): return found(&model, id, at: place)
    case .searched(let text, let id, let place):
        return searched(&model, text, id, at: place)
    case .fileExists(let path, let text):
        model.overlay = .prompt(Prompt(purpose: .overwrite(path: path, text: text)))
    case .verified(let verification):
        let text = "\(verification.id.key): \(verification.summary)"
        model.say(text)
        model.log.add(
            text, at: model.now,
            trouble: verification.agrees == false || verification.failure != nil)
    case .changesBefore(let changes):
        model.changes = changes
        followOthers(&model)
    case .changed(let change): return heard(&model, of: change)
    case .engines(let engines): return choose(&model, among: engines)
    case .refused(let why):
        let sentence = String(why.prefix { $0 != "\n" })
        model.say(sentence, for: .seconds(8))
        model.log.add(sentence, at: model.now, trouble: true)
        // Asked for again each second, it would be refused each second.
        guard !model.query.filter.isEmpty else { return nil }
        model.query.filter = ""
        return reorder(&model)
    case .lost(let problem):
        if model.problem == nil {
            model.log.add(problem, at: model.now, trouble: true)
            model.note("the engine was lost", at: model.now)
        }
        model.problem = problem
        model.typedAhead = nil
    case .silent: return .look
    case .notUndone(let plan, let problem):
        model.takingBack[plan] = nil
        model.complain(problem)
    case .failed(let problem):
        (model.typedAhead, model.refusesPlan) = (nil, false)
        model.complain(problem)
    case .said(let text): model.say(text)
    case .wrote(let line): model.log.add("stderr: \(line)", at: model.now, trouble: true)
    case .cost(let cost): model.ownCost = cost
    }
    return nil
}

/// Where the value came from.
private func words(of result: FetchResult, at now: AgeInstant) -> String {
    guard result.wasHit else { return "fetched" }
    let isPastEnd = result.row?.deadline.map { $0 <= now } ?? false
    return isPastEnd ? "served past its end, the fetch failed" : "hit"
}

/// Time goes on: what was shown for a while goes.
private func pass(_ model: inout Model, _ now: AgeInstant) {
    model.now = now
    if let toast = model.toast, toast.until <= now { model.toast = nil }
    model.undos.removeAll { $0.until.map { $0 <= now } ?? false }
    if let until = model.heldUntil, until <= now { model.heldUntil = nil }
    if let back = model.goesBack, back.at <= now { model.goesBack = nil }
    model.ghosts.removeAll { $0.until <= now }
}

/// Somebody, perhaps from here, did something to the engine.
private func heard(_ model: inout Model, of change: ChangeRecord) -> Effect? {
    model.changes.append(change)
    if change.missed > 0 {
        let lost = Units.counted(Int(clamping: change.missed), "change")
        model.log.add(
            "\(lost) went by too fast to be followed, and what came of it is not known here",
            at: model.now, trouble: true)
    }
    if model.changes.count > 256 { model.changes.removeFirst() }
    let own = model.ownPlans[change.plan]
    let hasEnded = [.undone, .failed, .cancelled].contains(change.what)
    if hasEnded, model.goesBack?.plan == change.plan {
        model.goesBack = nil
    }
    // What did not go back with the rest cannot be taken back any more.
    if change.what == .undone, change.failure == nil || !change.bounds.isEmpty {
        model.undos.removeAll { $0.plan == change.plan }
    }
    followOthers(&model)
    // An undo from here has an answer of its own.
    if model.takingBack[change.plan] != nil { return .look }
    // The answer tells what was done from here, but not what goes back by itself, or fails to.
    if own == nil || own?.lasting != nil && change.failure != nil {
        let why = change.by.reason.map { " \"\($0)\"" } ?? ""
        let text = "\(change.by): \(change.summary(arrow: model.glyphs.arrow))\(why)"
        if model.toast?.isRefusal == true {
            model.log.add(text, at: model.now)
        } else {
            model.say(text, for: .seconds(8))
        }
    }
    return .look
}

/// Shows how far a change has come that somebody else has under way; the latest record of each tells
/// whether one is.
func followOthers(_ model: inout Model) {
    var seen: Set<Plan.ID> = []
    let latest = model.changes.reversed().filter { seen.insert($0.plan).inserted }
    if let underWay = model.underWay, underWay.by != nil,
        latest.first(where: { $0.plan == underWay.plan })?.what != .began
    {
        model.underWay = nil
    }
    guard model.underWay == nil,
        let other = latest.first(where: { $0.what == .began && model.ownPlans[$0.plan] == nil })
    else { return }
    model.underWay = Model.UnderWay(plan: other.plan, by: "\(other.by)")
    if other.isSoft { model.kinds[other.plan] = .nothing }
}

/// Does what an action asks for, in the view that is shown.
func update(_ model: inout Model, _ action: Action) -> Effect? {
    if let obstacle = action.obstacle(model) {
        model.say(obstacle)
        return nil
    }
    if Action.ofRow.contains(action), model.view == .entries { model.isPinned = true }
    switch action {
    case .down: return move(&model, by: 1)
    case .up: return move(&model, by: -1)
    case .pageDown: return move(&model, by: model.layout.visibleRows)
    case .pageUp: return move(&model, by: -model.layout.visibleRows)
    case .halfDown: return move(&model, by: max(1, model.layout.visibleRows / 2))
    case .halfUp: return move(&model, by: -max(1, model.layout.visibleRows / 2))
    case .first: return goToFirst(&model)
    case .last: return move(&model, to: .max)
    case .left: return sideways(&model, -1)
    case .right: return sideways(&model, 1)
    case .filter: return startFilter(&model)
    case .sort: model.overlay = .sort(EntryColumn.allCases.firstIndex(of: model.order.column) ?? 0)
    case .sortNext: return sort(&model, by: neighbour(of: model.order.column, 1))
    case .sortPrevious: return sort(&model, by: neighbour(of: model.order.column, -1))
    case .invertSort:
        model.order.descending.toggle()
        return reorder(&model)
    case .trouble:
        model.troubleOnly.toggle()
        model.say(model.troubleOnly ? "only rows in trouble; ! shows all" : "all rows")
        return reorder(&model)
    case .nextCache: return showNextCache(&model)
    case .entries: return show(&model, .entries)
    case .expiry: return show(&model, .expiry)
    case .evictions: return show(&model, .evictions)
    case .events: return show(&model, .events)
    case .config: return show(&model, .config)
    case .memory: return show(&model, .memory)
    case .origins: return show(&model, .origins)
    case .whatIf:
        model.whatIf.aim(at: model.aimedCache)
        return show(&model, .whatIf)
    case .caches: return show(&model, .caches)
    case .measure: model.whatIf.figure = model.whatIf.figure.next
    case .search: return startSearch(&model)
    case .searchNext: return searchOn(&model, backwards: false)
    case .searchPrevious: return searchOn(&model, backwards: true)
    case .open: return open(&model)
    case .follow: return follow(&model)
    case .columns: model.overlay = .columns(0)
    case .wide:
        model.isWide.toggle()
        return keepCursorVisible(&model) ? .look : nil
    case .times: model.showsTimes.toggle()
    case .mark: return mark(&model)
    case .markRange: return markRange(&model)
    case .unmarkAll:
        model.marks = [:]
        model.rangeStart = nil
    case .invalidate: return planInvalidation(&model)
    case .invalidateMatching: return planMatching(&model)
    case .maxsize: return ask(&model) { .maxsize(cache: $0) }
    case .ttl: return ask(&model) { .ttl(cache: $0) }
    case .undo: return model.undoTarget.map { .planUndo($0) }
    case .stop: return model.underWay.map { .cancel($0.plan) }
    case .fetch: return ask(&model) { .fetch(cache: $0) }
    case .verify: return verify(&model)
    case .freeze: return freeze(&model)
    case .stepBack: return stepEvent(&model, -1)
    case .stepOn: return stepEvent(&model, 1)
    case .minuteBack: return step(&model, by: .seconds(-60))
    case .minuteOn: return step(&model, by: .seconds(60))
    case .spikeBack: return stepMoment(&model, -1)
    case .spikeOn: return stepMoment(&model, 1)
    case .copyKey:
        if let line = model.detailScroll { return .copy(DetailView.fact(model, at: line)) }
        return model.selected.map { .copy($0.id.key) }
    case .copyRow: return model.selected.map { .copy(Exports.shown($0, model)) }
    case .slower: setInterval(&model, slower: true)
    case .faster: setInterval(&model, slower: false)
    case .lookNow: return .look
    case .engines: return .findEngines
    case .nextEngine: return .switchEngine(1)
    case .previousEngine: return .switchEngine(-1)
    case .command: model.overlay = .palette(Palette())
    case .own: model.overlay = .own
    case .help: model.overlay = .help(scroll: 0)
    case .back: return back(&model)
    case .quit:
        guard model.detailScroll == nil, model.view == .entries else { return leave(&model) }
        if let underWay = model.underWay, underWay.by == nil, !model.asksToLeave {
            model.asksToLeave = true
            model.say("a change is under way: x stops it, q again leaves it to go on")
            return nil
        }
        return .quit
    case .suspend: return .suspend
    case .repaint: return .repaint
    }
    return nil
}

// MARK: Views

func show(_ model: inout Model, _ view: Model.View) -> Effect? {
    model.detailScroll = nil
    model.trail = []
    model.view = view
    return .look
}

private func leave(_ model: inout Model) -> Effect? {
    guard model.detailScroll == nil else {
        model.detailScroll = nil
        return nil
    }
    guard model.trail.isEmpty else { return goBack(&model) }
    model.view = .entries
    return nil
}

private func back(_ model: inout Model) -> Effect? {
    if model.detailScroll != nil {
        return leave(&model)
    } else if model.view == .entries, model.rangeStart != nil {
        model.rangeStart = nil
    } else if !model.trail.isEmpty {
        return goBack(&model)
    } else if model.view != .entries, !model.pane.filter.isEmpty {
        return setFilter(&model, "")
    } else if model.view != .entries {
        return leave(&model)
    } else if !model.query.filter.isEmpty || model.troubleOnly {
        model.query.filter = ""
        model.troubleOnly = false
        return reorder(&model)
    }
    return nil
}

/// What Enter means where the cursor stands.
private func open(_ model: inout Model) -> Effect? {
    switch model.view {
    case .entries:
        if model.cursor != nil, model.detailScroll == nil { model.detailScroll = 0 }
        return nil
    case .expiry: return open(&model) { showBucket(&$0) }
    case .evictions:
        let evictions = model.evictions
        guard !evictions.isEmpty else { return nil }
        let event = evictions[min(model.pane.cursor, evictions.count - 1)]
        return seekKeys(
            &model, event.key.map { [EntryKey(cache: event.cache, key: $0)] } ?? [])
    case .memory:
        guard model.largest.indices.contains(model.pane.cursor) else { return nil }
        let row = model.largest[model.pane.cursor]
        return open(&model, row.id) { showKey(&$0, row.id) }
    case .events:
        let lines = EventsView.lines(model)
        guard !lines.isEmpty else { return nil }
        let line = lines[max(lines.startIndex, lines.endIndex - 1 - model.pane.cursor)]
        return seekKeys(&model, line.keys.map { EntryKey(cache: line.cache, key: $0) })
    case .caches:
        guard let cache = model.aimedCache else { return nil }
        return open(&model) { showCache(&$0, cache) }
    case .origins: return openOrigin(&model)
    case .whatIf: return planWhatIf(&model)
    case .config:
        guard !model.changes.isEmpty else { return nil }
        model.overlay = .record(
            model.changes[max(0, model.changes.count - 1 - model.pane.cursor)])
        return nil
    }
}

private func showCache(_ model: inout Model, _ cache: String) -> Effect? {
    model.view = .entries
    model.query.caches = [cache]
    model.isPinned = false
    return reorder(&model)
}

/// A plan of the bounds under the cursor.
private func planWhatIf(_ model: inout Model) -> Effect? {
    guard let answer = model.whatIf.answer, let point = model.whatIf.chosen else { return nil }
    guard point.bounds != answer.present.bounds else {
        model.say("that is what \(answer.cache) has already")
        return nil
    }
    return .plan(.configure(cache: answer.cache, to: point.bounds))
}

/// The entries of a cache, the key that is fetched most, or what failed.
private func openOrigin(_ model: inout Model) -> Effect? {
    let stops = OriginsView.stops(model)
    guard !stops.isEmpty else { return nil }
    switch stops[min(model.pane.cursor, stops.count - 1)] {
    case .cache(let cache): return open(&model) { showCache(&$0, cache) }
    case .key(let id): return .seek(id)
    case .failures(let cache):
        return open(&model) { model in
            model.view = .events
            setEventFilter(&model, "state=failed and cache=\(quoted(cache))")
            return .look
        }
    case .call:
        model.say("calls are counted, and not told one by one")
        return nil
    }
}

extension Action {
    /// What is about the row under the cursor: whoever asks for it has chosen that one.
    fileprivate static let ofRow: Set<Action> = [
        .open, .follow, .mark, .markRange, .invalidate, .verify, .copyKey, .copyRow,
    ]
}

/// The entries that end in the bucket under the cursor.
private func showBucket(_ model: inout Model) -> Effect? {
    guard let forecast = model.forecast else { return nil }
    let width = forecast.width.inSeconds * Double(model.bucketsPerBar)
    let from = Double(model.pane.cursor) * width
    model.view = .entries
    model.query.filter = "ttl>=\(Int(clamping: from))s and ttl<\(Int(clamping: from + width))s"
    model.query.sort = .ttl
    model.query.descending = false
    return reorder(&model)
}

extension Model {
    /// What was evicted lately, the latest first.
    var evictions: [LoggedEvent] {
        let text = panes[.evictions]?.filter ?? ""
        let filter = text.isEmpty ? nil : try? EntryFilter(text)
        return Array(
            events.reversed().lazy.filter { event in
                event.isEviction && filter?.passes(event, at: shownNow) ?? true
            }.prefix(1000))
    }
}

// MARK: Engines

private func choose(
    _ model: inout Model, among engines: [Console.RunningEngine]
) -> Effect? {
    guard !engines.isEmpty else {
        model.say("no other engine is running here")
        return nil
    }
    model.overlay = .engines(engines, 0)
    return nil
}

// MARK: Pace

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
