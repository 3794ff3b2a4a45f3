import Larder
import LarderInspector

/// Where the operator was before something was opened, as it was seen there.
struct Whereabouts {
    private let view: Model.View
    private let panes: [Model.View: Model.Pane]
    private let query: EntryQuery
    private let troubleOnly: Bool
    private let cursor: EntryKey?
    private let isPinned: Bool
    private let places: (position: Int, top: Int, offset: Int)
    private let counts: (matched: Int, total: Int)
    private let rows: [EntryRow]
    private let drawn: Model.Drawn?

    init(_ model: Model) {
        (view, panes, query, troubleOnly) = (
            model.view, model.panes, model.query, model.troubleOnly
        )
        (cursor, isPinned, rows, drawn) = (model.cursor, model.isPinned, model.rows, model.drawn)
        places = (model.position, model.top, model.offset)
        counts = (model.matched, model.total)
    }

    func restore(_ model: inout Model) {
        (model.query, model.troubleOnly) = (query, troubleOnly)
        (model.cursor, model.isPinned, model.rows, model.drawn) = (cursor, isPinned, rows, drawn)
        (model.position, model.top, model.offset) = places
        (model.matched, model.total) = counts
        for view in Model.View.allCases { restore(panes[view] ?? .init(), of: view, &model) }
        model.view = view
    }

    /// A cursor that has followed its event, or eviction, since stays with it.
    private func restore(_ pane: Model.Pane, of view: Model.View, _ model: inout Model) {
        let isFollowed = view == .events || view == .evictions
        if isFollowed, model.panes[view, default: .init()].filter == pane.filter { return }
        model.view = view
        if view == .events { setEventFilter(&model, pane.filter) }
        model.pane = pane
    }
}

/// One thing that was opened: from where, and with which filter what it shows began.
struct Step {
    let before: Whereabouts
    /// The entry that it is about; `nil` where it is about more than one.
    let id: EntryKey?
    private(set) var arrival: Arrival

    struct Arrival: Equatable {
        var view: Model.View
        var filter: String
        var troubleOnly: Bool

        init(_ model: Model) {
            (view, filter, troubleOnly) = (model.view, model.filter, model.troubleOnly)
        }
    }

    init(_ before: Whereabouts, _ id: EntryKey?, _ model: Model) {
        (self.before, self.id) = (before, id)
        arrival = Arrival(model)
    }

    mutating func arrive(_ model: Model) { arrival = Arrival(model) }
}

/// How many steps can be gone back.
private let longest = 32

/// Opens something, and keeps from where.
func open(
    _ model: inout Model, _ id: EntryKey? = nil, _ go: (inout Model) -> Effect?
) -> Effect? {
    let (before, from) = (Whereabouts(model), Step.Arrival(model))
    let effect = go(&model)
    guard Step.Arrival(model) != from else { return effect }
    if let last = model.trail.last, let id, last.id == id, last.arrival == from {
        // This step was on its way to the entry, which is shown by itself now.
        model.trail[model.trail.count - 1].arrive(model)
        return effect
    }
    model.trail.append(Step(before, id, model))
    if model.trail.count > longest { model.trail.removeFirst() }
    return effect
}

/// Back to where what is shown was opened from; what was filtered since is unfiltered first.
func goBack(_ model: inout Model) -> Effect? {
    guard let step = model.trail.last else { return nil }
    guard Step.Arrival(model) == step.arrival || model.view != step.arrival.view else {
        model.troubleOnly = step.arrival.troubleOnly
        return setFilter(&model, step.arrival.filter) ?? reorder(&model)
    }
    model.trail.removeLast()
    step.before.restore(&model)
    (model.detailScroll, model.heldUntil, model.ghosts, model.rangeStart) = (nil, nil, [], nil)
    showFrozen(&model)
    _ = keepCursorVisible(&model)
    return .look
}
