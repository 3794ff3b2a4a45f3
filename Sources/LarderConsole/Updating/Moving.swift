import Larder
import LarderInspector

func move(_ model: inout Model, by rows: Int) -> Effect? {
    if let line = model.detailScroll {
        model.detailScroll = min(
            max(0, line + rows), DetailView.lines(model, DetailView.fullWidth(model)).count - 1)
        return nil
    }
    guard model.view != .entries else { return move(&model, to: model.position + rows) }
    let count = model.lines
    switch model.view {
    case .expiry: return sideways(&model, rows)
    case .whatIf: model.whatIf.move(down: rows, right: 0)
    default: model.pane.cursor = min(max(0, model.pane.cursor + rows), max(0, count - 1))
    }
    return nil
}

func goToFirst(_ model: inout Model) -> Effect? {
    guard model.past == nil else { return goLive(&model) }
    return move(&model, to: 0)
}

/// Order is held for so long after a move.
private let hold = Duration.seconds(5)

func move(_ model: inout Model, to position: Int) -> Effect? {
    guard model.view == .entries, model.detailScroll == nil else {
        return move(&model, by: position == 0 ? -100_000 : 100_000)
    }
    guard model.matched > 0 else { return nil }
    model.isPinned = true
    model.position = min(max(position, 0), model.matched - 1)
    model.heldUntil = model.now + hold
    takeCursorToItsPlace(&model)
    model.follows = false
    let isHeld = model.cursor != nil
    if !isHeld { model.detail = nil }
    return keepCursorVisible(&model) || !isHeld ? .look : .lookAtEntry
}

/// Stays on the entry under the cursor, or lets it go.
func follow(_ model: inout Model) -> Effect? {
    model.follows.toggle()
    model.say(model.follows ? "following \(model.cursor?.key ?? "")" : "follows no more")
    guard !model.follows, model.selected == nil else { return nil }
    // What was followed is not there: on with what stands in its place.
    takeCursorToItsPlace(&model)
    return model.cursor == nil ? .look : .lookAtEntry
}

/// Goes to the side in a graph; over the entries, back or on in time.
func sideways(_ model: inout Model, _ step: Int) -> Effect? {
    switch model.view {
    case .entries: return stepSample(&model, step)
    case .expiry:
        let last = max(0, model.bars - 1)
        model.pane.cursor = min(max(0, model.pane.cursor + step), last)
        return nil
    case .whatIf:
        model.whatIf.move(down: 0, right: step)
        return nil
    default: return nil
    }
}

/// One sample of the graphs back or on.
private func stepSample(_ model: inout Model, _ samples: Int) -> Effect? {
    step(&model, by: model.interval * samples)
}

extension Model {
    /// How many buckets of the forecast one bar of the graph stands for, so that all fit.
    var bucketsPerBar: Int {
        let room = max(1, size.columns - 4)
        return max(1, ((forecast?.count ?? 0) + room - 1) / room)
    }

    var bars: Int { ((forecast?.count ?? 0) + bucketsPerBar - 1) / bucketsPerBar }

    /// How many lines the view has that can be scrolled to.
    var lines: Int {
        switch view {
        case .entries: matched
        case .expiry: bars
        case .evictions: evictions.count
        case .events: eventLines.lines.count
        case .config: changes.count
        case .memory: largest.count
        case .origins: OriginsView.stops(self).count
        case .whatIf: whatIf.rows
        case .caches: cacheNames.count
        }
    }
}

// MARK: Marks

func mark(_ model: inout Model) -> Effect? {
    guard model.detailScroll == nil, let row = model.selected else { return nil }
    // A mark of what stood there before is set anew, on what is seen now.
    model.marks[row.id] = model.marks[row.id] == row.version ? nil : row.version
    return move(&model, by: 1)
}

/// All rows from the one at which it was begun to the one under the cursor, as they are seen: by
/// their entries, since others come and go meanwhile.
func markRange(_ model: inout Model) -> Effect? {
    guard let end = model.selected?.id else {
        model.say("no entry is selected")
        return nil
    }
    guard let start = model.rangeStart else {
        model.rangeStart = end
        model.say("V again marks all from here to there")
        return nil
    }
    model.rangeStart = nil
    let ends = [start, end].compactMap { id in model.rows.firstIndex { $0.id == id } }.sorted()
    guard ends.count == 2 else {
        model.say("\(start.key) is gone, or too far away; Z first, and all rows stay at hand")
        return nil
    }
    for row in model.rows[ends[0]...ends[1]] { model.marks[row.id] = row.version }
    return nil
}

// MARK: Which rows, in which order

func neighbour(of column: EntryColumn, _ step: Int) -> EntryColumn {
    let all = EntryColumn.allCases
    let place = all.firstIndex(of: column)! + step
    return all[(place + all.count) % all.count]
}

func sort(_ model: inout Model, by column: EntryColumn) -> Effect? {
    if column != model.order.column {
        model.order = Model.Order(column: column, descending: column.isLargestFirst)
    }
    return reorder(&model)
}

/// Asks for the rows anew, from the top; the cursor stays on its entry.
func reorder(_ model: inout Model) -> Effect? {
    guard model.view == .entries else {
        model.pane.cursor = 0
        return .look
    }
    model.query.offset = 0
    model.heldUntil = nil
    model.rangeStart = nil
    model.ghosts = []
    guard model.frozen != nil else { return .look }
    showFrozen(&model)
    return nil
}

func showNextCache(_ model: inout Model) -> Effect? {
    let names = model.cacheNames
    if model.view == .whatIf {
        let place = names.firstIndex { $0.isExactly(model.aimedCache ?? "") } ?? -1
        model.whatIf.aim(at: names.isEmpty ? nil : names[(place + 1) % names.count])
        return .look
    }
    let choices: [[String]] = [[]] + (names.count > 1 ? names.map { [$0] } : [])
    let place = choices.firstIndex(of: model.query.caches) ?? 0
    model.query.caches = choices[(place + 1) % choices.count]
    // These are other rows: the first of them is what is looked for.
    model.isPinned = false
    return reorder(&model)
}

func startFilter(_ model: inout Model) -> Effect? {
    let effect =
        model.view.isFiltered
        ? nil
        : open(&model) { model in
            model.view = .entries
            return .look
        }
    model.overlay = .prompt(Prompt(purpose: .filter, text: model.filter))
    return effect
}

/// Only what passes is shown, in the view that is shown.
func setFilter(_ model: inout Model, _ text: String) -> Effect? {
    if !model.view.isFiltered { model.view = .entries }
    guard text != model.filter else { return nil }
    switch model.view {
    case .events:
        setEventFilter(&model, text)
        return nil
    case .entries: model.query.filter = text
    default: model.pane = Model.Pane(filter: text, order: model.pane.order)
    }
    return reorder(&model)
}

/// A filter of the events: what passes of those that are kept is read anew.
func setEventFilter(_ model: inout Model, _ text: String) {
    model.pane.filter = text
    model.pane.cursor = 0
    guard !text.isEmpty, let filter = try? EntryFilter(text) else {
        model.found = nil
        return
    }
    var found = EventLines()
    found.tellsWrites = text.hasPrefix("key=")
    for event in model.events where filter.passes(event, at: model.now) { found.add(event) }
    model.found = found
}
