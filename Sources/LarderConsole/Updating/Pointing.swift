import Larder
import LarderInspector

/// What a press of the mouse on something means.
enum Pointed: Hashable {
    case action(Action)
    /// A line of a list: the first press selects it, the next opens it.
    case line(Int)
    case sort(EntryColumn)
    /// A sample of a graph.
    case instant(AgeInstant)
    case choice(Int)
    case button(PlanDialog.Focus)
}

/// The mouse acts on what is drawn: where things are is said by whoever draws them.
func point(_ model: inout Model, at place: Place) -> Effect? {
    guard let pointed = render(model).pointed(at: place) else { return nil }
    switch pointed {
    case .action(let action):
        model.overlay = nil
        return update(&model, action)
    case .line(let line): return select(&model, line)
    case .sort(let column):
        return column == model.order.column
            ? update(&model, .invertSort) : sort(&model, by: column)
    case .instant(let instant): return go(&model, to: instant)
    case .choice(let place): return choose(&model, place)
    case .button(let focus): return push(&model, focus)
    }
}

private func select(_ model: inout Model, _ line: Int) -> Effect? {
    switch model.view {
    case .entries:
        guard model.position != line || model.selected == nil else {
            return update(&model, .open)
        }
        return move(&model, to: line)
    case .whatIf:
        guard model.whatIf.row != line else { return update(&model, .open) }
        model.whatIf.move(down: line - model.whatIf.row, right: 0)
        return nil
    default:
        guard model.pane.cursor != line else { return update(&model, .open) }
        model.pane.cursor = line
        return nil
    }
}

/// In a list over the views: the first press selects, the next takes it.
private func choose(_ model: inout Model, _ place: Int) -> Effect? {
    switch model.overlay {
    case .sort(let now) where now != place: model.overlay = .sort(place)
    case .columns(let now) where now != place: model.overlay = .columns(place)
    case .engines(let engines, let now) where now != place:
        model.overlay = .engines(engines, place)
    case .keys(let keys, let now) where now != place: model.overlay = .keys(keys, place)
    default: return press(&model, .enter)
    }
    return nil
}

/// A button of a plan has to be pressed twice, as with keys: nothing goes by one slip of the hand.
private func push(_ model: inout Model, _ focus: PlanDialog.Focus) -> Effect? {
    guard case .plan(var dialog) = model.overlay else { return nil }
    guard dialog.focus != focus else { return press(&model, .enter) }
    dialog.focus = focus
    model.overlay = .plan(dialog)
    return nil
}
