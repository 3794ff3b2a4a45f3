import Larder
import LarderInspector

/// What one look brought, taken into the model.
func take(_ model: inout Model, _ look: Look) -> Effect? {
    if let before = model.report?.instance, before != look.report.instance {
        // Versions, instants and counters of another run mean nothing here.
        model.histories = [:]
        model.memory = []
        model.goesBack = nil
        model.marks = [:]
        model.rangeStart = nil
        model.trail = []
        model.note("the engine was started anew", at: look.report.at)
        model.whatIf.restart()
        model.frozen = nil
        model.past = nil
        model.events = []
        model.ghosts = []
        model.undos = []
        model.underWay = nil
        model.now = look.report.at
        model.overlay = nil
        model.log.add("the engine was started anew", at: model.now, trouble: true)
    } else if model.problem != nil {
        model.log.add("the engine answers again", at: model.now)
        model.note("the engine answered again", at: look.report.at)
    }
    model.report = look.report
    model.lookedSince = look.asked
    if look.report.isDemo { model.isDemo = true }
    defer { ring(&model) }
    model.now = max(model.now, look.report.at)
    model.problem = nil
    model.ownCost.look = look.took
    for cache in look.report.caches {
        let name = Verbatim(cache.name)
        model.histories[name, default: History()].longest = longestStep(model)
        model.histories[name]?.add(cache.snapshot)
    }
    if let resident = look.report.memory.resident {
        let held = look.report.caches.reduce(0) { $0 + $1.snapshot.bytes }
        model.memory.append(.init(at: look.report.at, resident: resident, held: held))
        if model.memory.count > 3600 { model.memory.removeFirst(600) }
    }
    take(&model, look.events)
    model.dropped += look.dropped
    if let forecast = look.forecast { model.forecast = forecast }
    // Who went on to another cache meanwhile is told of that one by the next look.
    if let cache = look.whatIfCache,
        model.view != .whatIf || model.aimedCache.map(cache.isExactly) ?? false
    {
        if let answer = look.whatIf { model.whatIf.take(answer) }
        if let problem = look.whatIfProblem { model.whatIf.failed(problem, of: cache) }
    }
    if let largest = look.largest { model.largest = largest }
    if let problem = look.largestProblem {
        model.panes[.memory]?.filter = ""
        model.say(String(problem.prefix { $0 != "\n" }), for: .seconds(8))
    }
    if let plan = look.progressOf, plan == model.underWay?.plan {
        if let progress = look.progress {
            take(&model, progress)
        } else if model.underWay?.by != nil {
            model.underWay = nil
        }
    }
    guard model.frozen == nil else { return nil }
    // An answer to a question that has changed since: another is under way.
    guard look.query.asks(as: model.asked) else { return nil }
    let moved = show(&model, look.page, of: look.query)
    if let detail = look.detail, detail.row.id == model.cursor {
        model.detail = detail
    } else if model.detail?.row.id != model.cursor {
        model.detail = nil
        return moved ? .look : .lookAtEntry
    }
    return moved ? .look : nil
}

/// The longest time between two looks that is not a gap: longer where looks are seldom.
private func longestStep(_ model: Model) -> Duration {
    max(.seconds(5), model.interval + .seconds(2))
}

/// Events kept for the past.
private let eventsKept = 20_000

private func take(_ model: inout Model, _ events: [LoggedEvent]) {
    let filter = model.found == nil ? nil : try? EntryFilter(model.panes[.events]?.filter ?? "")
    for event in events {
        model.log.add(event)
        if let filter, filter.passes(event, at: model.now) { model.found?.add(event) }
        addGhost(&model, event)
    }
    keepEvictionUnderCursor(&model, events)
    model.events += events
    if model.events.count > eventsKept {
        model.events.removeFirst(model.events.count - eventsKept * 3 / 4)
    }
}

/// A row that was on the screen and went is seen for two seconds more, with what became of it; not
/// among rows that pass a filter, which it does not pass any more.
private func addGhost(_ model: inout Model, _ event: LoggedEvent) {
    guard model.frozen == nil, !model.troubleOnly, model.query.filter.isEmpty, let key = event.key,
        case .removed(let cause, let version, _, _) = event.kind, cause != .replaced,
        let place = model.rows.firstIndex(where: {
            $0.version == version && $0.id == EntryKey(cache: event.cache, key: key)
        }),
        (model.top..<model.top + model.layout.visibleRows).contains(model.offset + place)
    else { return }
    model.ghosts.append(
        Model.Ghost(
            row: model.rows[place], cause: cause.rawValue, until: model.now + .seconds(2),
            place: model.offset + place))
}

private func take(_ model: inout Model, _ progress: PlanProgress) {
    guard let underWay = model.underWay else { return }
    model.underWay?.share = progress.share
    model.underWay?.removed = progress.outcome.removed
    guard progress.state != .underWay else { return }
    model.underWay = nil
    model.asksToLeave = false
    // What others do is told by its record.
    guard underWay.by == nil else { return }
    defer { followOthers(&model) }
    warn(&model, of: progress.outcome)
    switch progress.state {
    case .done:
        canBeUndone(&model, underWay.plan, progress.outcome)
        model.say(summary(progress.outcome, isSoft: model.kinds[underWay.plan] == .nothing))
    case .cancelled: canBeUndone(&model, underWay.plan, progress.outcome)
    case .failed(let why):
        if progress.share > 0 { canBeUndone(&model, underWay.plan, progress.outcome) }
        model.say("failed: \(why)", for: .seconds(8))
    case .underWay, .undone: break
    }
}

/// Puts a page into the table; true where the rows to be seen are not among those at hand.
func show(_ model: inout Model, _ page: EntryPage, of query: EntryQuery) -> Bool {
    let offset = query.offset
    model.drawn = .init(query: query, at: page.at)
    let isHeld = (model.heldUntil != nil || model.rangeStart != nil) && model.offset == offset
    model.rows = isHeld ? held(model.rows, page.rows) : page.rows
    model.widestKey = page.rows.reduce(model.widestKey) {
        max($0, Text.width(of: $1.id.key))
    }
    model.offset = offset
    model.matched = page.matched
    model.total = page.total
    if page.rows.count == page.total {
        let there = Set(page.rows.map(\.id))
        model.marks = model.marks.filter { there.contains($0.key) }
    }
    let there = Set(model.rows.lazy.map(\.id))
    model.ghosts.removeAll { ghost in
        there.contains(ghost.row.id)
            || !query.caches.isEmpty && !query.caches.contains { $0.isExactly(ghost.row.id.cache) }
    }
    if !model.isPinned, !model.follows, offset == 0 {
        // Nobody has chosen an entry: the cursor stays on the first row.
        model.position = 0
        takeCursorToItsPlace(&model)
    } else if let place = model.rows.firstIndex(where: { $0.id == model.cursor }) {
        model.position = offset + place
    } else {
        model.position = min(max(model.position, 0), max(0, page.matched - 1))
        if !model.follows || model.cursor == nil { takeCursorToItsPlace(&model) }
    }
    return keepCursorVisible(&model)
}

/// The cursor goes to an entry, and the screen with it as far as that is at hand.
func takeCursor(_ model: inout Model, to id: EntryKey) {
    model.isPinned = true
    model.cursor = id
    guard let place = model.rows.firstIndex(where: { $0.id == id }) else { return }
    model.position = model.offset + place
    _ = keepCursorVisible(&model)
}

/// The cursor goes to the row that stands where it is, if that is at hand.
func takeCursorToItsPlace(_ model: inout Model) {
    let place = model.position - model.offset
    model.cursor = model.rows.indices.contains(place) ? model.rows[place].id : nil
}

/// New rows in the order of the old ones: one that is new stands behind the row that it follows.
private func held(_ old: [EntryRow], _ new: [EntryRow]) -> [EntryRow] {
    let places = Dictionary(old.enumerated().map { ($0.element.id, $0.offset) }) { first, _ in first
    }
    var rank: [(place: Int, order: Int, row: EntryRow)] = []
    var last = -1
    for (order, row) in new.enumerated() {
        if let place = places[row.id] { last = place }
        rank.append((places[row.id] ?? last, order, row))
    }
    return rank.sorted { ($0.place, $0.order) < ($1.place, $1.order) }.map(\.row)
}

/// Scrolls just as far as needed; true where other rows are needed than those at hand.
func keepCursorVisible(_ model: inout Model) -> Bool {
    let visible = model.layout.visibleRows
    model.top = min(model.top, model.position)
    model.top = max(model.top, model.position - visible + 1)
    model.top = max(0, min(model.top, model.matched - visible))
    // Half a screen before and behind have to be at hand, so that moving about seldom has to wait.
    let first = max(0, model.top - visible / 2)
    let last = min(model.matched, model.top + visible + visible / 2)
    let held = model.offset..<model.offset + model.rows.count
    guard model.frozen == nil, first < held.lowerBound || last > held.upperBound else {
        return false
    }
    // Every row asked for is work for the engine and for this side, each second.
    model.query.limit = 2 * visible + visible / 2
    model.query.offset = max(0, model.top - visible * 3 / 4)
    return true
}

extension EntryQuery {
    /// The same entries in the same order, if not the same part of them.
    func asks(as other: EntryQuery) -> Bool {
        (caches, filter, sort, descending)
            == (other.caches, other.filter, other.sort, other.descending)
    }
}
