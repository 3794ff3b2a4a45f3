/// What a key asks for.
enum Action: Hashable, Sendable {
    case down, up, pageDown, pageUp, halfDown, halfUp, first, last
    case filter, sort, sortNext, sortPrevious, invertSort, nextCache
    case open, events, mark, unmarkAll, fetch, verify
    case invalidate, maxsize, ttl
    case freeze, slower, faster, lookNow
    case help, back, quit, suspend, repaint
}

/// One row a key: the keymap, the help screen, the bottom line and the README are read from here.
struct Binding: Sendable {
    let keys: [Key]
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

let bindings: [Binding] = [
    Binding([.char("j"), .down], .down, "Select the row below"),
    Binding([.char("k"), .up], .up, "Select the row above"),
    Binding([.pageDown, .control("f")], .pageDown, "One page down"),
    Binding([.pageUp, .control("b")], .pageUp, "One page up"),
    Binding([.control("d")], .halfDown, "Half a page down"),
    Binding([.control("u")], .halfUp, "Half a page up"),
    Binding([.char("g"), .home], .first, "To the first row"),
    Binding([.char("G"), .end], .last, "To the last row"),
    Binding([.enter], .open, "Show the selected entry in full", hint: "Detail"),
    Binding(
        [.char("/"), .function(4)], .filter, "Show only keys that contain a text; Esc clears",
        hint: "Filter"),
    Binding([.char("s"), .function(6)], .sort, "Choose the column to sort by", hint: "Sort"),
    Binding([.char(">")], .sortNext, "Sort by the next column"),
    Binding([.char("<")], .sortPrevious, "Sort by the previous column"),
    Binding([.char("I")], .invertSort, "Turn the order round"),
    Binding([.char("a")], .nextCache, "Show all caches, or one after the other"),
    Binding([.char(" ")], .mark, "Mark or unmark the row, and go on to the next", hint: "Mark"),
    Binding([.char("U")], .unmarkAll, "Unmark all rows"),
    Binding(
        [.char("d"), .delete, .function(9)], .invalidate,
        "Invalidate the marked entries or the selected one: plan",
        hint: "Invalidate"),
    Binding(
        [.char("m")], .maxsize, "Change maxsize of the selected row's cache: plan", hint: "Maxsize"),
    Binding([.char("t")], .ttl, "Change ttl of the selected row's cache: plan", hint: "Ttl"),
    Binding([.char("f")], .fetch, "Fetch a key through the selected row's cache"),
    Binding(
        [.char("v")], .verify, "Compare the entry with its origin; changes nothing"),
    Binding([.char("Z")], .freeze, "Freeze the table, or let it run again", hint: "Freeze"),
    Binding([.char("+")], .slower, "Refresh less often"),
    Binding([.char("-")], .faster, "Refresh more often"),
    Binding([.control("t")], .lookNow, "Refresh now"),
    Binding([.char("e")], .events, "Read the event log on the whole screen"),
    Binding([.char("?"), .function(1)], .help, "This help", hint: "Help"),
    Binding([.escape], .back, "Back; in the table, clear the filter"),
    Binding([.char("q")], .quit, "Back, and from the table: quit", hint: "Quit"),
    Binding([.control("c")], .quit, "Quit from anywhere"),
    Binding([.control("z")], .suspend, "Suspend; fg comes back"),
    Binding([.control("l")], .repaint, "Draw the screen anew"),
]

let keymap: [Key: Action] = Dictionary(
    bindings.flatMap { binding in binding.keys.map { ($0, binding.action) } }
) { first, _ in first }
