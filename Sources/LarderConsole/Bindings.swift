import LarderInspector

/// What a key asks for. Its name is how it is called by hand, behind `:`.
enum Action: String, Hashable, Sendable, CaseIterable {
    case down, up
    case pageDown = "page-down"
    case pageUp = "page-up"
    case halfDown = "half-down"
    case halfUp = "half-up"
    case first, last, left, right
    case filter
    case sort
    case sortNext = "sort-next"
    case sortPrevious = "sort-previous"
    case invertSort = "invert"
    case trouble
    case nextCache = "next-cache"
    case entries, expiry, evictions, events, config, memory, origins, caches
    case whatIf = "what-if"
    case measure
    case search
    case searchNext = "search-next"
    case searchPrevious = "search-previous"
    case open = "detail"
    case follow, columns, wide, times
    case mark
    case markRange = "mark-range"
    case unmarkAll = "unmark"
    case invalidate
    case invalidateMatching = "invalidate-matching"
    case maxsize, ttl, undo, stop, fetch, verify
    case freeze
    case stepBack = "step-back"
    case stepOn = "step-on"
    case minuteBack = "minute-back"
    case minuteOn = "minute-on"
    case spikeBack = "spike-back"
    case spikeOn = "spike-on"
    case copyKey = "copy-key"
    case copyRow = "copy-row"
    case slower, faster
    case lookNow = "look"
    case engines
    case nextEngine = "next-engine"
    case previousEngine = "previous-engine"
    case command
    case own = "self"
    case help, back, quit, suspend, repaint
}

/// One row a key: the keymap, the help screen, the bottom line, the palette and the article "Keys"
/// are read from here.
struct Binding: Sendable {
    var keys: [Key]
    let action: Action
    let help: String
    /// Its word on the bottom line, where it has a place there.
    var hint: String?
    var group = Group.move

    init(_ keys: [Key], _ action: Action, _ help: String, hint: String? = nil) {
        self.keys = keys
        self.action = action
        self.help = help
        self.hint = hint
    }

    /// Its word on the bottom line in the view that is shown; `nil` where it has no place there.
    func word(_ model: Model) -> String? {
        guard let hint, action.isThere(model) else { return nil }
        return switch action {
        case .open: action.word(in: model.view)
        case .quit: model.view == .entries && model.detailScroll == nil ? hint : "Back"
        default: hint
        }
    }

    /// The keys as people read them: `j Down`.
    var names: String { keys.map(\.name).joined(separator: " ") }
}

/// What bindings are about, as help and the article "Keys" group them.
enum Group: String, Sendable, CaseIterable {
    case move = "Move"
    case views = "Views"
    case sortAndFilter = "Sort and filter"
    case change = "Change"
    case time = "Time"
    case engine = "Engine"

    /// What is to be known beside the keys.
    var note: String? {
        self == .change
            ? "Every change is a plan first. What removes \(Confirmation.words) is confirmed by "
                + "typing how many, a change of a protected cache by typing its name." : nil
    }
}

private let usual: [Binding] = Group.allCases.flatMap { group in
    groups[group, default: []].map { binding in
        var binding = binding
        binding.group = group
        return binding
    }
}

private let groups: [Group: [Binding]] =
    [
        .move: [
            Binding([.char("j"), .down], .down, "Select the row below"),
            Binding([.char("k"), .up], .up, "Select the row above"),
            Binding([.pageDown, .control("f")], .pageDown, "Go one page down"),
            Binding([.pageUp, .control("b")], .pageUp, "Go one page up"),
            Binding([.control("d")], .halfDown, "Go half a page down"),
            Binding([.control("u")], .halfUp, "Go half a page up"),
            Binding(
                [.char("g"), .home], .first, "Go to the first row; from the past, back to now"),
            Binding([.char("G"), .end], .last, "Go to the last row"),
            Binding([.char("h"), .left], .left, "Go left in a graph; in the table, back in time"),
            Binding([.char("l"), .right], .right, "Go right in a graph; in the table, on in time"),
            Binding(
                [.enter], .open, "Open what is under the cursor: an entry, a cache, a bar",
                hint: "Detail"),
            Binding([.char("F")], .follow, "Follow this entry, through reloads, or let it go"),
            Binding([.escape], .back, "Go back to where one came from, or clear the filter"),
            Binding([.char("q")], .quit, "Go back, and from the table: quit", hint: "Quit"),
        ],
        .views: [
            Binding([.char("1")], .entries, "Show the entries held"),
            Binding([.char("2")], .expiry, "Show when they end, and the fetches to come"),
            Binding([.char("3")], .evictions, "Show evictions, and which knob they say to turn"),
            Binding([.char("4"), .char("e")], .events, "Show what happened, who did it and why"),
            Binding([.char("5")], .config, "Show bounds now and before, and what was changed"),
            Binding([.char("6")], .memory, "Show what takes the memory, and how it grows"),
            Binding([.char("7")], .origins, "Show what the origins were asked, what was saved"),
            Binding([.char("8")], .whatIf, "Show what another maxsize, ttl or policy would bring"),
            Binding([.char("M")], .measure, "Show hits, fetches or what is outdated in What if"),
            Binding([.char("9")], .caches, "Show the caches; Enter shows the entries of one"),
            Binding([.char("a")], .nextCache, "Show all caches, or one after the other"),
            Binding([.char("c")], .columns, "Choose the columns"),
            Binding([.char("w")], .wide, "Show the table alone, or with its neighbours"),
            Binding([.char("r")], .times, "Show times of day instead of what is left, or back"),
        ],
        .sortAndFilter: [
            Binding(
                [.char("/"), .function(4)], .filter,
                "Show only what passes a filter; Esc clears it",
                hint: "Filter"),
            Binding(
                [.char("!")], .trouble, "Show only what is stale, failed or absent, or all again"),
            Binding([.function(3)], .search, "Search for a key as it is typed"),
            Binding([.char("n")], .searchNext, "Go to the next key that was searched for"),
            Binding([.char("N")], .searchPrevious, "Go to the one before"),
            Binding(
                [.char("s"), .function(6)], .sort, "Choose the column to sort by", hint: "Sort"),
            Binding([.char(">")], .sortNext, "Sort by the next column"),
            Binding([.char("<")], .sortPrevious, "Sort by the previous column"),
            Binding([.char("I")], .invertSort, "Turn the order round"),
        ],
        .change: [
            Binding(
                [.char(" ")], .mark, "Mark or unmark the row, and go on to the next", hint: "Mark"),
            Binding([.char("V")], .markRange, "Mark all from here to where it is pressed again"),
            Binding([.char("U")], .unmarkAll, "Unmark all rows"),
            Binding(
                [.char("d"), .delete, .function(9)], .invalidate,
                "Invalidate the marked entries or the selected one: plan",
                hint: "Invalidate"),
            Binding(
                [.char("D")], .invalidateMatching,
                "Invalidate all listed, softly by s: plan"),
            Binding(
                [.char("m")], .maxsize, "Change maxsize of the selected row's cache: plan",
                hint: "Maxsize"),
            Binding(
                [.char("t")], .ttl, "Change ttl of the selected row's cache: plan", hint: "Ttl"),
            Binding([.char("u")], .undo, "Take a change back, while that can be done: plan"),
            Binding([.char("x")], .stop, "Stop a change that is under way"),
            Binding([.char("f")], .fetch, "Fetch a key through the selected row's cache"),
            Binding([.char("v")], .verify, "Compare the entry with its origin; changes nothing"),
            Binding(
                [.char("y")], .copyKey, "Copy the key, or the fact under the cursor in Detail",
                hint: "Copy"),
            Binding([.char("Y")], .copyRow, "Copy the row as it is shown, as JSON"),
        ],
        .time: [
            Binding([.char("Z")], .freeze, "Freeze the table, or let it run again", hint: "Freeze"),
            Binding([.char("[")], .stepBack, "Go back in time by one event"),
            Binding([.char("]")], .stepOn, "Go on in time by one event"),
            Binding([.char("{")], .minuteBack, "Go back in time by a minute"),
            Binding([.char("}")], .minuteOn, "Go on in time by a minute"),
            Binding(
                [.char("(")], .spikeBack, "Go back in time to a change, failure, burst or loss"),
            Binding(
                [.char(")")], .spikeOn, "Go on in time to a change, failure, burst or loss"),
            Binding([.char("+")], .slower, "Refresh less often"),
            Binding([.char("-")], .faster, "Refresh more often"),
            Binding([.control("t")], .lookNow, "Refresh now"),
        ],
        .engine: [
            Binding([.char("o")], .engines, "Open another engine that runs here"),
            Binding([.tab], .nextEngine, "Show the next of the open engines"),
            Binding([.backtab], .previousEngine, "Show the open engine before"),
            Binding(
                [.char(":")], .command, "Type a command by its name; Tab lists and completes",
                hint: "Command"),
            Binding([.char("S")], .own, "Show what looking costs, here and in the engine"),
            Binding([.char("?"), .function(1)], .help, "Show this help", hint: "Help"),
            Binding([.control("c")], .quit, "Quit from anywhere"),
            Binding([.control("z")], .suspend, "Suspend; fg comes back"),
            Binding([.control("l")], .repaint, "Draw the screen anew"),
        ],
    ]

/// Which keys do what: the usual ones, and what was chosen instead.
public struct KeyBindings: Sendable {
    private(set) var all: [Binding]
    private var actions: [Key: Action]

    /// The usual ones.
    public init() { self.init(usual) }

    private init(_ all: [Binding]) {
        self.all = all
        actions = Dictionary(all.flatMap { binding in binding.keys.map { ($0, binding.action) } }) {
            first, _ in first
        }
    }

    subscript(key: Key) -> Action? { actions[key] }

    /// Gives an action other keys, as `invalidate=X,F8`: those are taken from whatever had them.
    ///
    /// - Throws: ``ConsoleError`` with what would be accepted.
    public mutating func bind(_ text: String) throws(ConsoleError) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let action = Action(rawValue: parts[0]) else {
            throw .wrongKey(
                "\"\(text)\" is no ACTION=KEY; the actions are "
                    + Action.allCases.map(\.rawValue).joined(separator: ", "))
        }
        var keys: [Key] = []
        for name in parts[1] == "," ? [","] : parts[1].split(separator: ",").map(String.init) {
            guard let key = Key(named: name) else {
                throw .wrongKey(
                    "\"\(name)\" is no key; write it like x, Ctrl-X, F8, Space, PgDn or Del")
            }
            guard !Self.fixed.contains(key) else {
                throw .wrongKey("\(name) stays what it is, so that there is always a way out")
            }
            keys.append(key)
        }
        self = Self(
            all.map { binding in
                var binding = binding
                binding.keys =
                    binding.action == action
                    ? keys + binding.keys.filter(Self.fixed.contains)
                    : binding.keys.filter { !keys.contains($0) }
                return binding
            })
    }

    private static let fixed: Set<Key> = [
        .control("c"), .control("z"), .control("l"), .escape, .enter,
    ]
}

extension Action {
    private static let changes: Set<Action> = [
        .invalidate, .invalidateMatching, .maxsize, .ttl, .undo, .stop, .fetch, .verify,
    ]

    /// Whether it has a place on the bottom line, for this engine and in this view.
    func isThere(_ model: Model) -> Bool {
        if Self.changes.contains(self), model.isReadOnly { return false }
        let isDetail = model.detailScroll != nil
        switch self {
        case .mark, .freeze: return model.view == .entries && !isDetail
        case .sort: return [.entries, .memory].contains(model.view) && !isDetail
        case .invalidate: return [.entries, .memory].contains(model.view)
        case .open: return obstacle(model) == nil && !isDetail
        case .filter: return model.view.isFiltered && !isDetail
        case .copyKey: return isDetail
        default: return true
        }
    }

    /// What opening is called in a view.
    fileprivate func word(in view: Model.View) -> String {
        switch view {
        case .entries: "Detail"
        case .expiry, .caches: "Entries"
        case .whatIf: "Plan"
        case .evictions, .events, .memory: "Entry"
        case .origins: "Open"
        case .config: "Record"
        }
    }

    /// Why it cannot be done just now; `nil` where it can.
    func obstacle(_ model: Model) -> String? {
        if Self.changes.contains(self) {
            if model.isReadOnly { return "this engine lets nobody change anything" }
            if model.past != nil { return "this is the past; Home goes back to now" }
            if model.problem != nil { return "the engine does not answer" }
        }
        switch self {
        case .undo where model.undoTarget == nil:
            return model.changes.last.map { $0.isSoft } ?? false
                ? "what was marked as stale is served until it is refreshed: there is nothing to take "
                    + "back"
                : "nothing was changed here that can be taken back"
        case .stop where model.underWay == nil:
            return "no change is under way"
        case .open where model.view == .config && model.changes.isEmpty:
            return "nothing was changed yet"
        case .measure where model.view != .whatIf:
            return "that is for What if; 8 shows it"
        case .open where model.view == .whatIf && model.whatIf.chosen == nil:
            return model.whatIf.problem ?? "nothing is foreseen yet"
        case .open where model.view == .whatIf && model.past != nil:
            return "this is the past; Home goes back to now"
        case .open where model.view == .whatIf && model.problem != nil:
            return "the engine does not answer"
        case .open where model.view == .whatIf && model.isReadOnly:
            return "this engine lets nobody change anything"
        case .searchNext where model.sought.isEmpty, .searchPrevious where model.sought.isEmpty:
            return "nothing was searched for yet; F3 does"
        case .invalidate where model.view == .entries && !model.marks.isEmpty: return nil
        case .invalidate, .verify, .copyKey, .copyRow:
            return model.selected == nil ? "no entry is selected" : nil
        case .sort, .sortNext, .sortPrevious, .invertSort:
            return model.view == .entries || model.view == .memory
                ? nil : "that is for entries; 1 and 6 show them"
        case .follow, .mark, .markRange, .unmarkAll, .invalidateMatching, .columns, .times, .wide,
            .trouble, .search, .searchNext, .searchPrevious:
            return model.view == .entries ? nil : "that is for the entries; 1 shows them"
        case .nextCache:
            return model.view == .entries || model.view == .whatIf
                ? nil : "that is for entries and What if; 1 and 8 show them"
        case .nextEngine, .previousEngine:
            return model.engines.count < 2 ? "only one engine is open; o opens another" : nil
        default: return nil
        }
    }
}
