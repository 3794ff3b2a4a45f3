import Foundation
import LarderInspector

/// How things look, as it is kept from one run to the next: nothing of the engine, no key.
struct ViewState: Codable {
    var sort: EntryColumn
    var descending: Bool
    var hiddenColumns: [EntryColumn]
    var isWide: Bool
    var showsTimes: Bool
    var theme: Theme
    var budget: Double
    var commands: [String]
    /// Later than the others: a file may be without them.
    var usesMouse: Bool?
    /// Only what was chosen in the console: what a terminal cannot show is no choice.
    var chosenGlyphs: GlyphTier?
    var memoryOrder: Model.Order?

    /// Fetches a second that can be a budget.
    static let budgets = 0.1...1_000_000

    init(_ model: Model) {
        sort = model.query.sort
        descending = model.query.descending
        usesMouse = model.usesMouse
        chosenGlyphs = model.chosenGlyphs
        memoryOrder = model.panes[.memory]?.order
        hiddenColumns = model.hiddenColumns.sorted { $0.rawValue < $1.rawValue }
        isWide = model.isWide
        showsTimes = model.showsTimes
        theme = model.theme
        budget = model.budget
        // A command that names an entry is nobody's business later.
        commands = model.commands.filter { line in
            ["sort", "theme", "budget", "attach"].contains { line.hasPrefix($0) }
                || !line.contains(" ")
        }
    }

    /// What a file says; `nil` where there is none that can be read.
    init?(_ path: String) {
        guard let data = FileManager.default.contents(atPath: path),
            let state = try? PlainJSON.decode(ViewState.self, from: data)
        else { return nil }
        self = state
    }

    func apply(to model: inout Model) {
        model.query.sort = sort
        model.query.descending = descending
        model.hiddenColumns = Set(hiddenColumns)
        model.isWide = isWide
        model.showsTimes = showsTimes
        model.theme = theme
        model.budget = Self.budgets.contains(budget) ? budget : model.budget
        model.commands = commands
        model.chosenGlyphs = chosenGlyphs
        if let chosenGlyphs { model.use(chosenGlyphs) }
        model.panes[.memory, default: .init()].order = memoryOrder
    }

    /// What is to be kept of a run: what was changed in it, and else what was kept before. What a
    /// flag said is for its run.
    func kept(over before: ViewState, asBegun: ViewState) -> ViewState {
        var kept = before
        func take<Value: Equatable>(_ part: WritableKeyPath<ViewState, Value>) {
            if self[keyPath: part] != asBegun[keyPath: part] {
                kept[keyPath: part] = self[keyPath: part]
            }
        }
        take(\.sort)
        take(\.descending)
        take(\.hiddenColumns)
        take(\.isWide)
        take(\.showsTimes)
        take(\.theme)
        take(\.budget)
        take(\.commands)
        take(\.usesMouse)
        take(\.chosenGlyphs)
        take(\.memoryOrder)
        return kept
    }

    /// Saves it if that can be done; the console does not fail over it.
    func save(to path: String) {
        let folder = (path as NSString).deletingLastPathComponent
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        guard let data = try? PlainJSON.encode(self, [.prettyPrinted, .sortedKeys])
        else { return }
        // Written beside and put in its place: two consoles that end at once leave one of the two.
        try? data.write(to: URL(filePath: path), options: .atomic)
    }
}
