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
    case entries, expiry, evictions, events, config, memory, origins
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

/// One row a key: the keymap, the help screen, the bottom line, the palette and the README are read
/// from here.
struct Binding: Sendable {
    var keys: [Key]
    let action: Action
    let help: String
    /// Its word on the bottom line, where it has a place there.
    var hint: String?

    init(_ keys: [Key], _ action: Action, _ help: String, hint: String? = nil) {
        self.keys = keys
        self.action = action
        self.help = help
        self.hint = hint
    }

    /// The keys as people read them: `j Down`.
    var names: String { keys.map(\.name).joined(separator: " ") }
}

private let usual: [Binding] = [
    Binding([.char("j"), .down], .down, "Select the row below"),
    Binding([.char("k"), .up], .up, "Select the row above"),
    Binding([.pageDown, .control("f")], .pageDown, "One page down"),
    Binding([.pageUp, .control("b")], .pageUp, "One page up"),
    Binding([.control("d")], .halfDown, "Half a page down"),
    Binding([.control("u")], .halfUp, "Half a page up"),
    Binding([.char("g"), .home], .first, "To the first row; from the past, back to now"),
    Binding([.char("G"), .end], .last, "To the last row"),
    Binding([.char("h"), .left], .left, "To the left in a graph; over the entries, back in time"),
    Binding([.char("l"), .right], .right, "To the right in a graph; over the entries, on in time"),
    Binding([.char("1")], .entries, "The entries held"),
    Binding([.char("2")], .expiry, "When they end: the next 15 minutes"),
    Binding([.char("3")], .evictions, "What had to go, for what, and what that says"),
    Binding([.char("4"), .char("e")], .events, "What happened, who did it and why"),
    Binding([.char("5")], .config, "Bounds now and before, and what was changed"),
    Binding([.char("6")], .memory, "What takes the memory, and how it grows"),
    Binding([.char("7")], .origins, "What the origins were asked, and what was saved"),
    Binding(
        [.enter], .open, "Show the entry in full; of a graph, what is under the cursor",
        hint: "Detail"),
    Binding(
        [.char("/"), .function(4)], .filter, "Show only what passes a filter; Esc clears it",
        hint: "Filter"),
    Binding([.char("!")], .trouble, "Show only rows in trouble, or all again"),
    Binding([.char("s"), .function(6)], .sort, "Choose the column to sort by", hint: "Sort"),
    Binding([.char(">")], .sortNext, "Sort by the next column"),
    Binding([.char("<")], .sortPrevious, "Sort by the previous column"),
    Binding([.char("I")], .invertSort, "Turn the order round"),
    Binding([.char("a")], .nextCache, "Show all caches, or one after the other"),
    Binding([.char("F")], .follow, "Stay on this entry, through reloads, or let it go"),
    Binding([.char("c")], .columns, "Choose the columns"),
    Binding([.char("w")], .wide, "The table over the whole width, or with its neighbours"),
    Binding([.char("r")], .times, "Times of day instead of what is left, or back"),
    Binding([.char(" ")], .mark, "Mark or unmark the row, and go on to the next", hint: "Mark"),
    Binding([.char("V")], .markRange, "Mark all from here to where it is pressed again"),
    Binding([.char("U")], .unmarkAll, "Unmark all rows"),
    Binding(
        [.char("d"), .delete, .function(9)], .invalidate,
        "Invalidate the marked entries or the selected one: plan",
        hint: "Invalidate"),
    Binding([.char("D")], .invalidateMatching, "Invalidate all that pass the filter: plan"),
    Binding(
        [.char("m")], .maxsize, "Change maxsize of the selected row's cache: plan", hint: "Maxsize"),
    Binding([.char("t")], .ttl, "Change ttl of the selected row's cache: plan", hint: "Ttl"),
    Binding([.char("u")], .undo, "Take the last change back, while that can be done"),
    Binding([.char("x")], .stop, "Stop a change that is under way"),
    Binding([.char("f")], .fetch, "Fetch a key through the selected row's cache"),
    Binding([.char("v")], .verify, "Compare the entry with its origin; changes nothing"),
    Binding([.char("Z")], .freeze, "Freeze the table, or let it run again", hint: "Freeze"),
    Binding([.char("[")], .stepBack, "Back in time by one event"),
    Binding([.char("]")], .stepOn, "On in time by one event"),
    Binding([.char("{")], .minuteBack, "Back in time by a minute"),
    Binding([.char("}")], .minuteOn, "On in time by a minute"),
    Binding([.char("(")], .spikeBack, "Back in time to where many look-ups missed"),
    Binding([.char(")")], .spikeOn, "On in time to where many look-ups missed"),
    Binding([.char("y")], .copyKey, "Copy the key to the clipboard"),
    Binding([.char("Y")], .copyRow, "Copy the row to the clipboard, as JSON"),
    Binding([.char("+")], .slower, "Refresh less often"),
    Binding([.char("-")], .faster, "Refresh more often"),
    Binding([.control("t")], .lookNow, "Refresh now"),
    Binding([.char("o")], .engines, "Open another engine that runs here"),
    Binding([.tab], .nextEngine, "Show the next of the open engines"),
    Binding([.backtab], .previousEngine, "Show the open engine before"),
    Binding([.char(":")], .command, "Type a command by its name; Tab completes", hint: "Command"),
    Binding([.char("S")], .own, "What looking costs, here and in the engine"),
    Binding([.char("?"), .function(1)], .help, "This help", hint: "Help"),
    Binding([.escape], .back, "Back; in the table, clear the filter"),
    Binding([.char("q")], .quit, "Back, and from the table: quit", hint: "Quit"),
    Binding([.control("c")], .quit, "Quit from anywhere"),
    Binding([.control("z")], .suspend, "Suspend; fg comes back"),
    Binding([.control("l")], .repaint, "Draw the screen anew"),
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

    /// Whether it is anything at all to this engine and in this view.
    func isThere(_ model: Model) -> Bool {
        if Self.changes.contains(self) { return !model.isReadOnly }
        return self != .sort || model.view == .entries || model.view == .memory
    }

    /// Why it cannot be done just now; `nil` where it can.
    func obstacle(_ model: Model) -> String? {
        if Self.changes.contains(self) {
            if model.isReadOnly { return "this engine lets nobody change anything" }
            if model.past != nil { return "this is the past; Home goes back to now" }
            if model.problem != nil { return "the engine does not answer" }
        }
        switch self {
        case .undo where model.undo == nil: return "nothing was changed here that can be taken back"
        case .stop where model.underWay == nil: return "no change is under way"
        case .invalidate where model.view == .entries && !model.marks.isEmpty: return nil
        case .invalidate, .verify, .copyKey, .copyRow:
            return model.selected == nil ? "no entry is selected" : nil
        case .sort, .sortNext, .sortPrevious, .invertSort:
            return model.view == .entries || model.view == .memory
                ? nil : "that is for entries; 1 and 6 show them"
        case .follow, .mark, .markRange, .unmarkAll, .invalidateMatching, .columns, .times, .wide,
            .trouble, .nextCache:
            return model.view == .entries ? nil : "that is for the entries; 1 shows them"
        case .nextEngine, .previousEngine:
            return model.engines.count < 2 ? "only one engine is open; o opens another" : nil
        default: return nil
        }
    }
}
