import Larder
import LarderInspector

/// What a key means: first to what lies over the views, then by the table of bindings.
func press(_ model: inout Model, _ key: Key) -> Effect? {
    // A key press shows that the message was read; only to look anew is no sign of that.
    if model.keys[key] != .lookNow { model.toast = nil }
    if key == .control("c") { return .quit }
    if key == .control("z") { return .suspend }
    if key == .control("l") { return .repaint }
    switch key {
    case .click(let place): return point(&model, at: place)
    case .wheelUp: return press(&model, .up, times: 3)
    case .wheelDown: return press(&model, .down, times: 3)
    case .pasted(let text): return paste(&model, text)
    default: break
    }
    if model.overlay == nil, model.typedAhead != nil { return typeAhead(&model, key) }
    let effect = pressNow(&model, key)
    // What is typed until a plan has come is meant for its dialog.
    if model.overlay == nil, effect?.asksForPlan == true { model.typedAhead = [] }
    return effect
}

private func pressNow(_ model: inout Model, _ key: Key) -> Effect? {
    switch model.overlay {
    case nil: return model.keys[key].flatMap { update(&model, $0) }
    case .help(let scroll): return pressInHelp(&model, key, scroll)
    case .sort(let place): return pressInSort(&model, key, place)
    case .columns(let place): return pressInColumns(&model, key, place)
    case .engines(let engines, let place):
        return pressInEngines(&model, key, engines, place)
    case .keys(let keys, let place): return pressInEntryKeys(&model, key, keys, place)
    case .prompt(let prompt): return pressInPrompt(&model, key, prompt)
    case .palette(let palette): return pressInPalette(&model, key, palette)
    case .plan(let dialog): return pressInPlan(&model, key, dialog)
    case .own, .record:
        // To look anew is to stay.
        if model.keys[key] == .lookNow { return .look }
        model.overlay = nil
        return nil
    }
}

/// Keeps a key for the dialog that is to come; Esc does not wait for it.
private func typeAhead(_ model: inout Model, _ key: Key) -> Effect? {
    guard key == .escape else {
        model.typedAhead?.append(key)
        model.say("the plan is being made; Esc does not wait for it")
        return nil
    }
    model.typedAhead = nil
    model.refusesPlan = true
    model.say("the plan is not waited for")
    return nil
}

/// The plan has come, or the reason why there is none: what was typed until then goes to its
/// dialog, up to the first key with an effect.
func typeOn(_ model: inout Model) -> Effect? {
    let keys = model.typedAhead ?? []
    model.typedAhead = nil
    for key in keys {
        guard case .plan = model.overlay else { break }
        if let effect = press(&model, key) { return effect }
    }
    return nil
}

/// A pasted text goes into a line that is typed, and nowhere else.
private func paste(_ model: inout Model, _ text: String) -> Effect? {
    switch model.overlay {
    case .prompt, .palette: break
    case .plan(let dialog) where [.reason, .confirmation].contains(dialog.focus): break
    default:
        model.say("what was pasted is no key: / and : take it")
        return nil
    }
    let line = text.filter { $0.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } }
    return line.reduce(nil) { effect, character in
        press(&model, .char(character)) ?? effect
    }
}

private func press(_ model: inout Model, _ key: Key, times: Int) -> Effect? {
    (0..<times).reduce(nil) { effect, _ in press(&model, key) ?? effect }
}

private func pressInHelp(_ model: inout Model, _ key: Key, _ scroll: Int) -> Effect? {
    let page = max(1, model.size.rows - 6)
    switch model.keys[key] {
    case .down: model.overlay = .help(scroll: scroll + 1)
    case .up: model.overlay = .help(scroll: max(0, scroll - 1))
    case .pageDown, .mark: model.overlay = .help(scroll: scroll + page)
    case .pageUp: model.overlay = .help(scroll: max(0, scroll - page))
    case .first: model.overlay = .help(scroll: 0)
    case .last: model.overlay = .help(scroll: .max)
    default: model.overlay = nil
    }
    if case .help(let scroll) = model.overlay {
        model.overlay = .help(scroll: min(scroll, HelpView.lastScroll(model)))
    }
    return nil
}

/// Where a key goes in a list of so many; `nil` where it leaves the list.
private func moved(_ model: Model, _ key: Key, from place: Int, of count: Int) -> Int? {
    switch model.keys[key] {
    case .down: min(place + 1, max(0, count - 1))
    case .up: max(place - 1, 0)
    case .first: 0
    case .last: max(0, count - 1)
    default: nil
    }
}

private func pressInSort(_ model: inout Model, _ key: Key, _ place: Int) -> Effect? {
    switch key {
    case .enter, .char(" "):
        model.overlay = nil
        return sort(&model, by: EntryColumn.allCases[place])
    case .char("I"):
        model.overlay = nil
        return update(&model, .invertSort)
    default:
        model.overlay = moved(model, key, from: place, of: EntryColumn.allCases.count).map {
            .sort($0)
        }
        return nil
    }
}

/// The columns that can be left out: key, ttl and state are always there.
let optionalColumns: [EntryColumn] = {
    let optional = Set(EntryColumn.optional.map(\.column))
    return EntryColumn.allCases.filter(optional.contains)
}()

private func pressInColumns(_ model: inout Model, _ key: Key, _ place: Int) -> Effect? {
    switch key {
    case .enter, .char(" "):
        let column = optionalColumns[place]
        if model.hiddenColumns.remove(column) == nil { model.hiddenColumns.insert(column) }
    default:
        model.overlay = moved(model, key, from: place, of: optionalColumns.count).map {
            .columns($0)
        }
    }
    return nil
}

private func pressInEntryKeys(
    _ model: inout Model, _ key: Key, _ keys: [EntryKey], _ place: Int
) -> Effect? {
    if key == .enter || key == .char(" ") {
        model.overlay = nil
        return .seek(keys[place])
    }
    model.overlay = moved(model, key, from: place, of: keys.count).map { .keys(keys, $0) }
    return nil
}

private func pressInEngines(
    _ model: inout Model, _ key: Key, _ engines: [Console.RunningEngine], _ place: Int
) -> Effect? {
    if key == .enter || key == .char(" ") {
        model.overlay = nil
        return .attach(engines[place].name)
    }
    model.overlay = moved(model, key, from: place, of: engines.count).map { .engines(engines, $0) }
    return nil
}
