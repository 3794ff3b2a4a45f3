import Larder
import LarderInspector

// MARK: Going to an entry

/// To the row of an entry, wherever in the list it stands.
func goTo(_ model: inout Model, _ id: EntryKey) -> Effect? {
    open(&model, id) { goInTable(&$0, to: id) }
}

private func goInTable(_ model: inout Model, to id: EntryKey) -> Effect? {
    model.detailScroll = nil
    model.view = .entries
    if model.rows.contains(where: { $0.id == id }) {
        takeCursor(&model, to: id)
        return .lookAtEntry
    }
    guard model.frozen == nil else {
        model.say("\(id.key) is not among the rows that are frozen")
        return nil
    }
    return .find(id, model.whole)
}

func found(_ model: inout Model, _ id: EntryKey, at place: Int?) -> Effect? {
    // The filter, or the choice of caches, hides it: it is shown by itself.
    guard let place else { return open(&model, id) { showKey(&$0, id) } }
    guard model.frozen == nil else { return nil }
    model.isPinned = true
    model.cursor = id
    model.position = place
    model.matched = max(model.matched, place + 1)
    _ = keepCursorVisible(&model)
    return .look
}

/// Shows an entry and nothing else, until Esc.
func showKey(_ model: inout Model, _ id: EntryKey) -> Effect? {
    model.view = .entries
    takeCursor(&model, to: id)
    model.query.caches = []
    model.troubleOnly = false
    model.query.filter = only(id)
    return reorder(&model)
}

/// The filter that only one key passes.
private func only(_ id: EntryKey) -> String {
    "key=\(quoted(id.key)) and cache=\(quoted(id.cache))"
}

/// In quotes everything is text, and a quote is written twice.
func quoted(_ text: String) -> String {
    "\"" + text.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
}

/// To the entry of a key, or where none is held, to what happened to it.
func sought(_ model: inout Model, _ id: EntryKey, _ detail: EntryDetail?) -> Effect? {
    guard detail == nil else { return goTo(&model, id) }
    let effect = open(&model, id) { model in
        model.view = .events
        setEventFilter(&model, only(id))
        return nil
    }
    model.say("\(id.key) is not held: this is what happened to it; Esc goes back")
    return effect
}

/// Asks for the entry of what is under the cursor of the events, or of what was evicted.
func seekKeys(_ model: inout Model, _ keys: [EntryKey]) -> Effect? {
    guard keys.count != 1 else { return .seek(keys[0]) }
    if keys.isEmpty {
        model.say("this is about no entry")
    } else {
        model.overlay = .keys(keys, 0)
    }
    return nil
}

extension Model {
    /// All that the table lists.
    var whole: EntryQuery {
        var whole = asked
        whole.offset = 0
        whole.limit = Self.mostFound
        return whole
    }

    /// Most rows among which an entry is looked for.
    private static let mostFound = 100_000

    /// The events that the view shows, oldest first.
    var eventLines: EventLines { found ?? log }
}

/// The cursor stays on its event while others come; on the newest it stays on the newest.
func keepEventUnderCursor(_ model: inout Model, since appended: Int) {
    guard var pane = model.panes[.events], pane.cursor > 0 else { return }
    pane.cursor += max(0, model.eventLines.appended - appended)
    model.panes[.events] = pane
}

func keepEvictionUnderCursor(_ model: inout Model, _ events: [LoggedEvent]) {
    guard var pane = model.panes[.evictions], pane.cursor > 0 else { return }
    let filter = pane.filter.isEmpty ? nil : try? EntryFilter(pane.filter)
    pane.cursor += events.count { event in
        event.isEviction && filter?.passes(event, at: model.shownNow) ?? true
    }
    model.panes[.evictions] = pane
}

extension LoggedEvent {
    var isEviction: Bool {
        if case .removed(.evicted, _, _, _) = kind { true } else { false }
    }
}

// MARK: Searching

enum Search {
    /// The place of the next key that holds a text, in any case of letters, from a place on or back
    /// from it; behind the last row comes the first.
    static func place(
        of text: String, in rows: [EntryRow], from: Int, backwards: Bool
    ) -> Int? {
        let wanted = text.lowercased()
        guard !rows.isEmpty, !wanted.isEmpty else { return nil }
        let start = (from % rows.count + rows.count) % rows.count
        return rows.indices.lazy.map { step in
            (start + (backwards ? rows.count - step : step)) % rows.count
        }.first { rows[$0].id.key.lowercased().contains(wanted) }
    }
}

func startSearch(_ model: inout Model) -> Effect? {
    model.overlay = .prompt(Prompt(purpose: .search(from: model.position)))
    return nil
}

func searchOn(_ model: inout Model, backwards: Bool) -> Effect? {
    search(
        &model, for: model.sought, from: model.position + (backwards ? -1 : 1), backwards: backwards
    )
}

/// To the next key that holds a text. The rows at hand are looked through at once, and the whole
/// list by whoever has it.
func search(
    _ model: inout Model, for text: String, from: Int, backwards: Bool
) -> Effect? {
    guard !text.isEmpty else { return nil }
    model.sought = text
    guard model.rows.count >= model.matched || model.frozen != nil else {
        return .search(text, from: from, backwards: backwards, model.whole)
    }
    guard
        let place = Search.place(of: text, in: model.rows, from: from, backwards: backwards)
    else {
        model.say("no key holds \"\(text)\"")
        return nil
    }
    return move(&model, to: place)
}

func searched(_ model: inout Model, _ text: String, _ id: EntryKey?, at place: Int) -> Effect? {
    // What has been typed since is another question.
    guard text == model.sought, model.view == .entries else { return nil }
    guard let id else {
        model.say("no key holds \"\(text)\"")
        return nil
    }
    model.heldUntil = nil
    return found(&model, id, at: place)
}
