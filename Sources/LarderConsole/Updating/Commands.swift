import Larder
import LarderInspector

/// What can be typed behind `:`: every action by its name, and what takes more than a key.
struct Command: Sendable {
    var name: String
    /// What is written behind the name.
    var takes = ""
    var help: String
    /// Does it; what comes back is the effect or why it cannot be done.
    var run: @Sendable (inout Model, String) -> (effect: Effect?, refusal: String?)

    static let all: [Command] =
        own
        + Action.allCases.map { action in
            let help = KeyBindings().all.first { $0.action == action }?.help ?? ""
            return Command(name: action.rawValue, help: help) { model, text in
                guard text.isEmpty else { return (nil, "\(action.rawValue) takes no words") }
                return (update(&model, action), nil)
            }
        }

    /// What is typed with a word behind it.
    static let own: [Command] = [
        Command(name: "sort", takes: "COLUMN[:desc]", help: "Sort by a column") { model, text in
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard let column = parts.first.flatMap({ EntryColumn(rawValue: String($0)) }),
                parts.count == 1 || ["asc", "desc"].contains(parts[1])
            else {
                return (nil, "\(EntryColumn.accepted) are accepted, with :desc behind")
            }
            let descending = parts.count == 2 && parts[1] == "desc"
            if model.view != .memory { model.view = .entries }
            model.order = Model.Order(column: column, descending: descending)
            return (reorder(&model), nil)
        },
        Command(name: "filter", takes: "FILTER", help: "Show only what passes") { model, text in
            do throws(FilterError) { _ = try EntryFilter(text, of: model.filterScope) } catch {
                return (nil, error.sentence)
            }
            return (setFilter(&model, text), nil)
        },
        Command(name: "go", takes: "KEY", help: "Go to an entry by its key") { model, text in
            guard !text.isEmpty else { return (nil, "a key is expected") }
            let row = model.rows.first { Verbatim($0.id.key) == Verbatim(text) }
            guard let cache = row?.id.cache ?? model.aimedCache else {
                return (nil, "there is no cache")
            }
            return (goTo(&model, EntryKey(cache: cache, key: text)), nil)
        },
        Command(name: "search", takes: "TEXT", help: "Go to the next key that holds a text") {
            model, text in
            if let obstacle = Action.search.obstacle(model) { return (nil, obstacle) }
            return (search(&model, for: text, from: model.position + 1, backwards: false), nil)
        },
        bound("maxsize", "N|none|off", "Change maxsize of the cache: plan") {
            (new, text) throws(UnitError) in new.maxsize = try Units.maxsize(text)
        },
        bound("ttl", "DURATION|none|off", "Change ttl of the cache: plan") {
            (new, text) throws(UnitError) in new.ttl = try Units.ttl(text)
        },
        bound("maxbytes", "SIZE|none|off", "Change maxbytes of the cache: plan") {
            (new, text) throws(UnitError) in new.maxbytes = try Units.maxbytes(text)
        },
        bound("policy", "NAME", "Change the policy of the cache: plan") {
            (new, text) throws(UnitError) in new.policy = try Units.policy(text)
        },
        bound("jitter", "SHARE|off", "Change the jitter of the cache: plan") {
            (new, text) throws(UnitError) in new.jitter = try Units.jitter(text)
        },
        bound("stale", "DURATION|off", "Change how long past their end values serve: plan") {
            (new, text) throws(UnitError) in new.staleIfError = try Units.reserve(text)
        },
        bound("negative", "DURATION|off", "Change how long absences are known: plan") {
            (new, text) throws(UnitError) in new.negativeTTL = try Units.reserve(text)
        },
        Command(name: "fetch", takes: "KEY", help: "Fetch a key through the cache") { model, text in
            guard !text.isEmpty else { return (nil, "a key is expected") }
            if let obstacle = Action.fetch.obstacle(model) { return (nil, obstacle) }
            guard let cache = model.aimedCache else { return (nil, "there is no cache") }
            return (.fetch(EntryKey(cache: cache, key: text)), nil)
        },
        Command(name: "export", takes: "json|csv|text FILE", help: "Write what is seen to a file") {
            model, text in
            let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
            guard parts.count == 2, let content = Exports.text(model, parts[0]) else {
                return (nil, "write json, csv or text, and a file")
            }
            return (.export(path: parts[1], text: content, overwrites: false), nil)
        },
        Command(name: "attach", takes: "ENGINE", help: "Open another engine") { _, text in
            text.isEmpty ? (.findEngines, nil) : (.attach(text), nil)
        },
        Command(
            name: "budget", takes: "N", help: "Set the fetches a second that a change may cause"
        ) {
            model, text in
            guard let budget = Double(text), ViewState.budgets.contains(budget) else {
                return (nil, "0.1 to 1000000 are accepted; it is \(model.budget)")
            }
            model.budget = budget
            model.say("the budget of a change is \(Format.rate(budget)) fetches")
            return (nil, nil)
        },
        Command(
            name: "bell", takes: "THRESHOLD|off", help: "Set a value at which to ring, as hit<80%"
        ) { model, text in (nil, setBell(&model, text)) },
        Command(name: "theme", takes: "auto|dark|light|mono", help: "Choose the colors") {
            model, text in
            guard let theme = Theme(rawValue: text) else {
                return (nil, "auto, dark, light and mono are accepted")
            }
            model.theme = theme
            return (.use(theme), nil)
        },
        Command(
            name: "glyphs", takes: "braille|blocks|ascii", help: "Choose what graphs are made of"
        ) { model, text in
            guard let tier = GlyphTier(rawValue: text) else {
                return (nil, "braille, blocks and ascii are accepted")
            }
            model.use(tier)
            if model.glyphs.tier == tier { model.chosenGlyphs = tier }
            return (nil, model.glyphs.tier == tier ? nil : "this terminal shows only ASCII")
        },
        Command(
            name: "mouse", takes: "on|off", help: "Use the mouse, or leave it to select text with"
        ) { model, text in
            guard ["on", "off"].contains(text) else { return (nil, "on and off are accepted") }
            model.usesMouse = text == "on"
            return (.useMouse(model.usesMouse), nil)
        },
    ]

    private static func bound(
        _ name: String, _ takes: String, _ help: String,
        _ change: @escaping @Sendable (inout CacheConfiguration, String) throws(UnitError) -> Void
    ) -> Command {
        Command(name: name, takes: takes, help: help) { model, text in
            if let obstacle = Action.maxsize.obstacle(model) { return (nil, obstacle) }
            guard let cache = model.aimedCache else { return (nil, "there is no cache") }
            return bounds(&model, cache, text, change)
        }
    }

    /// The command that a line begins with, and what stands behind it.
    static func find(_ line: String) -> (command: Command, rest: String)? {
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        guard let name = parts.first else { return nil }
        let rest = parts.count > 1 ? parts[1] : ""
        let named = all.filter { $0.name == name }
        // `maxsize` alone asks for the number, with one it plans.
        let command =
            named.first { $0.takes.isEmpty == rest.isEmpty } ?? named.first
        return command.map { ($0, rest) }
    }

    /// The names that a line could be completed to.
    static func completions(_ line: String) -> [String] {
        line.isEmpty ? [] : candidates(line).filter { $0 != line }
    }

    /// The names that begin like a line: of an empty one, all.
    static func candidates(_ line: String) -> [String] {
        guard !line.contains(" ") else { return [] }
        return Set(all.map(\.name)).filter { $0.hasPrefix(line) }.sorted()
    }
}

func pressInPalette(_ model: inout Model, _ key: Key, _ palette: Palette) -> Effect? {
    var palette = palette
    palette.refusal = nil
    palette.isListing = false
    switch key {
    case .escape:
        model.overlay = nil
        return nil
    case .enter: return run(&model, palette)
    case .tab, .right:
        let completions = Command.completions(palette.text)
        palette.isListing = key == .tab && completions.count != 1
        if let first = completions.first {
            palette.text = completions.count == 1 ? first + " " : first.shared(with: completions)
        }
    case .up, .down:
        let last = model.commands.count - 1
        let place = palette.place ?? last + 1
        let next = key == .up ? max(0, place - 1) : place + 1
        palette.place = next > last ? nil : next
        palette.text = next > last || last < 0 ? "" : model.commands[next]
    case .backspace where palette.text.isEmpty:
        model.overlay = nil
        return nil
    default: _ = palette.text.edit(key)
    }
    model.overlay = .palette(palette)
    return nil
}

private func run(_ model: inout Model, _ palette: Palette) -> Effect? {
    let line = palette.text.trimmingBlanks
    model.overlay = nil
    guard !line.isEmpty else { return nil }
    func refuse(_ why: String) {
        var palette = palette
        palette.refusal = why
        model.overlay = .palette(palette)
    }
    guard let (command, rest) = Command.find(line) else {
        refuse(
            "there is no command \"\(line.prefix { $0 != " " })\"; Tab lists them, ? tells what they do"
        )
        return nil
    }
    if model.commands.last != line { model.commands.append(line) }
    if model.commands.count > 100 { model.commands.removeFirst() }
    let (effect, refusal) = command.run(&model, rest)
    if let refusal { refuse(refusal) }
    return effect
}

extension String {
    fileprivate var trimmingBlanks: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// The longest beginning that all have.
    fileprivate func shared(with others: [String]) -> String {
        var text = self
        while !others.allSatisfy({ $0.hasPrefix(text) }) { text.removeLast() }
        return text
    }
}
