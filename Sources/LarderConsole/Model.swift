import Foundation
import Larder
import LarderInspector

/// All that the console shows of one engine.
struct Model {
    var size: Size
    var glyphs: Glyphs
    /// The engine is an invented one, and says so.
    var isDemo = false
    /// To write times of day.
    var secondsFromUTC = 0
    /// The engines that are open, this one among them.
    var engines: [EngineTab] = []

    // What was seen.
    var report: EngineReport?
    /// When it was asked for: what was done before that is in it.
    var lookedSince: ContinuousClock.Instant?
    var histories: [Verbatim: History] = [:]
    var rows: [EntryRow] = []
    /// Columns of the longest key that was seen: a column may grow, and never jumps back.
    var widestKey = 0
    /// Where `rows` begin in the whole list.
    var offset = 0
    var matched = 0
    var total = 0
    /// Which question the rows answer, and of when they are.
    var drawn: Drawn?
    /// Keys that are kept until a plan has come; `nil` where no plan is waited for.
    var typedAhead: [Key]?
    /// The plan that is still to come is not wanted any more.
    var refusesPlan = false
    var detail: EntryDetail?
    var log = EventLines()
    /// The latest events, oldest first: what the past is made of.
    var events: [LoggedEvent] = []
    /// The lines of those that pass the filter of the events; `nil` where there is none.
    var found: EventLines?
    /// Events that came and went unseen.
    var dropped: UInt64 = 0
    var changes: [ChangeRecord] = []
    var forecast: Forecast?
    var whatIf = WhatIfPane()
    var largest: [EntryRow] = []
    /// What the process and its entries took, the last hour.
    var memory: [MemorySample] = []
    /// Rows that went while they were looked at, for two seconds.
    var ghosts: [Ghost] = []
    /// Why nothing new is seen.
    var problem: String?
    /// When the engine was lost, and when it answered again.
    var losses: [Moment] = []
    var ownCost = OwnCost()

    // What is asked for.
    var query = EntryQuery(limit: 60)
    var troubleOnly = false
    var interval = Duration.seconds(1)
    /// Fetches a second that a change may cause; one that causes more is spread over some time.
    var budget = 50.0

    // Where the operator is.
    var view = View.entries
    /// The selected entry in full, over the entries; how far it is scrolled.
    var detailScroll: Int?
    var panes: [View: Pane] = [:]
    /// From where what is shown was opened, the last step last.
    var trail: [Step] = []
    var cursor: EntryKey?
    /// The place of the cursor's row in the whole list.
    var position = 0
    /// The place of the first row on the screen.
    var top = 0
    /// The operator has chosen a row, and the cursor stays on its entry: until then it stands on the
    /// first row, whichever that is.
    var isPinned = false
    /// What was searched for last.
    var sought = ""
    /// The cursor stays on its entry, even while that is not there.
    var follows = false
    /// The entries that are marked, each as it was seen when it was: one that is written anew keeps
    /// the version that it was marked with, so that nothing is done to what nobody chose.
    var marks: [EntryKey: UInt64] = [:]
    /// The entry at which a range of marks began; rows keep their order until it ends.
    var rangeStart: EntryKey?
    /// Rows keep their order until then, because the operator has just moved.
    var heldUntil: AgeInstant?
    var overlay: Overlay?
    var frozen: EntryPage?
    var past: Past?
    var now = AgeInstant(nanoseconds: 0)
    var toast: Toast?
    /// The plans applied here that can be taken back, the last one last.
    var undos: [Undo] = []
    /// What kind of change those are that were applied from here.
    var kinds: [Plan.ID: Undo.Kind] = [:]
    /// Bounds that are being taken back, in words.
    var takingBack: [Plan.ID: String] = [:]
    /// The bounds that plans applied here change, in words, until they have.
    var changing: [Plan.ID: String] = [:]
    /// The plans that were applied from here, and how.
    var ownPlans: [Plan.ID: PlanApplication] = [:]
    /// The plan that is being applied over some time.
    var underWay: UnderWay?
    /// What rings when a cache comes beyond it, what is beyond it now, and how often it rang.
    var bells: [Threshold] = []
    var ringing: Set<Bell> = []
    var rings = 0
    /// What was seen when it was last measured.
    var measured: EngineReport?
    /// Whether it was said, when the console was to be left, that a change is under way.
    var asksToLeave = false
    /// When bounds that were changed for a while go back.
    var goesBack: (plan: Plan.ID, at: AgeInstant)?

    // How things look.
    var hiddenColumns: Set<EntryColumn> = []
    var isWide = false
    var showsTimes = false
    var theme = Theme.auto
    var usesMouse = false
    var keys = KeyBindings()
    /// What was typed behind `:`, oldest first.
    var commands: [String] = []
    /// The signs that were chosen here, now or in an earlier run; `nil` where it is left to the
    /// terminal.
    var chosenGlyphs: GlyphTier?

    enum View: Int, Hashable, CaseIterable, Codable {
        case entries = 1
        case expiry, evictions, events, config, memory, origins, whatIf, caches

        /// A filter of its own has a place in it.
        var isFiltered: Bool { [.entries, .evictions, .events, .memory].contains(self) }

        /// The action that shows it.
        var action: Action {
            switch self {
            case .entries: .entries
            case .expiry: .expiry
            case .evictions: .evictions
            case .events: .events
            case .config: .config
            case .memory: .memory
            case .origins: .origins
            case .whatIf: .whatIf
            case .caches: .caches
            }
        }

        var title: String { Self.titles[self]! }
        // Made once: each frame has them all.
        private static let titles = Dictionary(
            uniqueKeysWithValues: allCases.map { view in
                let words = view.action.rawValue.replacing("-", with: " ")
                return (view, words.prefix(1).uppercased() + words.dropFirst())
            })
    }

    /// Where the operator is in a view that is no table of entries.
    struct Pane: Hashable {
        var cursor = 0
        var filter = ""
        /// Chosen here; `nil` for the view's own.
        var order: Order?
    }

    struct Order: Hashable, Codable {
        var column: EntryColumn
        var descending = false
    }

    /// The order of what the view lists.
    var order: Order {
        get {
            view == .memory
                ? pane.order ?? Self.largestFirst
                : Order(column: query.sort, descending: query.descending)
        }
        set {
            if view == .memory {
                pane.order = newValue
            } else {
                (query.sort, query.descending) = (newValue.column, newValue.descending)
            }
        }
    }

    private static let largestFirst = Order(column: .size, descending: true)

    /// What a filter of the view may name.
    var filterScope: EntryFilter.Scope {
        let caches = report?.caches.map(\.name)
        return view == .events || view == .evictions ? .events(of: caches) : .entries(of: caches)
    }

    /// The filter of the view: what it shows passes it.
    var filter: String { view == .entries ? query.filter : pane.filter }

    /// What the view of the memory lists.
    var largestQuery: EntryQuery {
        let pane = panes[.memory] ?? Pane()
        let order = pane.order ?? Self.largestFirst
        return EntryQuery(
            filter: pane.filter, sort: order.column, descending: order.descending, limit: 50)
    }

    var pane: Pane {
        get { panes[view] ?? Pane() }
        set { panes[view] = newValue }
    }

    /// The last plan applied here that can be taken back.
    var undo: Undo? { undos.last }

    /// What `u` takes back: of the changes listed the one under the cursor, whoever made it.
    var undoTarget: Plan.ID? {
        guard view == .config, !changes.isEmpty else { return undo?.plan }
        // Until one is chosen it is the latest that can be taken back.
        guard pane.cursor > 0 else {
            // The latest record of a plan decides.
            var seen: Set<Plan.ID> = []
            return changes.reversed().first {
                seen.insert($0.plan).inserted && $0.canUndo(at: now)
            }?.plan
        }
        let change = changes[max(0, changes.count - 1 - pane.cursor)]
        return change.canUndo(at: now) ? change.plan : nil
    }

    /// The cache whose bounds are changed, and through which keys are fetched.
    var aimedCache: String? {
        if let pointed = pointedCache { return pointed }
        return (selected?.id ?? cursor)?.cache ?? shownCaches.first
    }

    /// The cache that a view without entries points at, if it does.
    private var pointedCache: String? {
        switch view {
        case .caches:
            return cacheNames.isEmpty ? nil : cacheNames[min(pane.cursor, cacheNames.count - 1)]
        case .evictions: return advised
        case .origins:
            let stops = OriginsView.stops(self)
            return stops.isEmpty ? nil : stops[min(pane.cursor, stops.count - 1)].cache
        case .whatIf:
            return whatIf.cache.flatMap { cache in cacheNames.first { $0.isExactly(cache) } }
        case .entries, .memory, .expiry, .events, .config: return nil
        }
    }

    /// The bound that is clearly short, and of which cache where several are shown; `nil` where none
    /// is, and where fetches fail, which no bound mends.
    var wrongKnob: String? {
        guard let (cache, advice) = advices.first(where: Self.isClear) else { return nil }
        let name = Text.safe(cache.name, ascii: glyphs.ascii)
        return advice.knob.rawValue + (shownCaches.count > 1 ? " of \(name)" : "")
    }

    private static func isClear(_ cache: CacheReport, _ advice: Advice) -> Bool {
        advice.knob != .policy && advice.share >= clearly && Advice.failing(cache.snapshot) == nil
    }

    /// The share of the misses for which a bound is called short wherever one looks.
    private static let clearly = 0.2

    /// The cache of which a knob is to be turned, the first that is clear: what the view of the
    /// evictions says of it is what its keys are to do.
    private var advised: String? {
        let all = advices
        return (all.first(where: Self.isClear) ?? all.first)?.cache.name
    }

    private var advices: [(cache: CacheReport, advice: Advice)] {
        let shown = Set(shownCaches.map { Verbatim($0) })
        return (report?.caches ?? []).filter { shown.contains(Verbatim($0.name)) }
            .flatMap { cache in Advice.of(cache.snapshot).map { (cache, $0) } }
    }

    enum Overlay {
        /// Keys, to choose one to go to.
        case keys([EntryKey], Int)
        case help(scroll: Int)
        case sort(Int)
        case columns(Int)
        case engines([Console.RunningEngine], Int)
        case prompt(Prompt)
        case palette(Palette)
        case plan(PlanDialog)
        case own
        case record(ChangeRecord)
    }

    struct Drawn {
        var query: EntryQuery
        var at: AgeInstant
    }

    /// An instant worth going back to, and why.
    struct Moment: Hashable {
        var at: AgeInstant
        var what: String
    }

    struct Toast {
        var text: String
        var until: AgeInstant
        /// Whether it says why something was not done: then nothing else is written over it.
        var isRefusal = false
    }

    struct EngineTab: Hashable {
        var name: String
        var isShown: Bool
        var isLost: Bool
    }

    struct Ghost: Hashable {
        var row: EntryRow
        var cause: String
        var until: AgeInstant
        /// Where it stood in the whole list.
        var place: Int
    }

    struct MemorySample: Hashable {
        var at: AgeInstant
        var resident: Int
        var held: Int
    }

    struct Undo {
        /// What can be taken back: bounds as long as nobody changes them, entries for a while, and
        /// what was marked as stale not at all.
        enum Kind { case bounds, entries, nothing }

        var plan: Plan.ID
        /// `nil` where it can be taken back as long as nobody changes the same.
        var until: AgeInstant?
        /// The entries that went.
        var removed = 0
    }

    struct UnderWay {
        var plan: Plan.ID
        var share = 0.0
        var removed = 0
        /// Who began it elsewhere; `nil` for one from here.
        var by: String?
    }

    /// What the console itself takes.
    struct OwnCost: Hashable, Sendable {
        /// Processor time over wall time since the last tick, 0...1.
        var share = 0.0
        var memory = 0
        /// Bytes a second, of terminal, socket and files together.
        var read = 0.0
        var written = 0.0
        var frames = 0
        /// How long the last look took.
        var look = Duration.zero
    }

    /// The instant that is shown: while frozen the one of the freeze, in the past that one. While
    /// the engine is lost time stands still at what was seen last.
    var shownNow: AgeInstant {
        past?.at ?? frozen?.at ?? (problem == nil ? now : report?.at ?? now)
    }

    var cacheNames: [String] { report?.caches.map(\.name) ?? [] }

    /// The caches that the table shows.
    var shownCaches: [String] { query.caches.isEmpty ? cacheNames : query.caches }

    /// The row that is shown as selected: no key acts on another.
    var selected: EntryRow? {
        switch view {
        case .entries: cursor.flatMap { id in rows.first { $0.id == id } }
        case .memory: largest.indices.contains(pane.cursor) ? largest[pane.cursor] : nil
        case .expiry, .evictions, .events, .config, .origins, .whatIf, .caches: nil
        }
    }

    var layout: Layout {
        Layout(size, caches: cacheNames.count, isAlone: isWide)
    }

    var isReadOnly: Bool { report?.isReadOnly ?? false }

    /// The words that only rows in trouble pass.
    static let trouble = "(state=stale or state=failed or state=thin or state=negative)"

    /// What the engine is asked for.
    var asked: EntryQuery {
        var asked = query
        if troubleOnly {
            asked.filter =
                query.filter.isEmpty ? Self.trouble : "(\(query.filter)) and \(Self.trouble)"
        }
        return asked
    }

    /// Entries that are stale, and whether there may be more than those at hand.
    var stale: (count: Int, isAtLeast: Bool) {
        (rows.count { $0.state(at: shownNow) == .stale }, rows.count < matched)
    }

    /// The wall clock at an instant of the engine.
    func wall(_ instant: AgeInstant) -> Date? {
        report.map { $0.wall.addingTimeInterval((instant - $0.at).inSeconds) }
    }

    func time(_ instant: AgeInstant) -> String {
        wall(instant).map { Format.time($0, secondsFromUTC: secondsFromUTC) } ?? "--:--:--"
    }

    /// Marks of entries that have been written anew since, as far as they are at hand.
    var changedMarks: Int {
        rows.count { row in marks[row.id].map { $0 != row.version } ?? false }
    }

    func configuration(of cache: String) -> CacheConfiguration? {
        report?.caches.first { $0.name.isExactly(cache) }?.snapshot.configuration
    }

    /// The terminal shows only the plainest signs.
    var isPlainOnly = false

    /// Takes other signs, unless the terminal shows only the plainest.
    mutating func use(_ tier: GlyphTier) {
        if !isPlainOnly || tier == .ascii { glyphs = Glyphs(tier) }
    }

    /// How old is what is shown, where that is longer than usual.
    var lag: Duration? {
        guard let report, frozen == nil else { return nil }
        let age = now - report.at
        return problem != nil || age > max(.seconds(2), interval + interval) ? age : nil
    }

    /// Says what did not work; it stays to be read.
    mutating func complain(_ problem: String) {
        say(problem)
        toast?.isRefusal = true
        log.add(problem, at: now, trouble: true)
    }

    /// Remembers that the engine was lost, or found again.
    mutating func note(_ what: String, at instant: AgeInstant) {
        losses.append(Moment(at: instant, what: what))
        if losses.count > 64 { losses.removeFirst() }
    }

    mutating func say(_ text: String, for time: Duration = .seconds(4)) {
        toast = Toast(text: text, until: now + time)
    }
}

extension EntryRow {
    /// Whether an entry is past its end, and there for longer than until it is swept.
    func isPastEnd(at now: AgeInstant) -> Bool {
        isHeld && deadline.map { $0 + .seconds(2) <= now } ?? false
    }
}
