import Larder
import LarderInspector

/// What was seen of the engine at an earlier instant: rows put together from those of now and from
/// what happened since.
struct Past {
    var at: AgeInstant
    /// What is not known of the entries there were.
    var unknown: [EntryKey: Set<EntryColumn>] = [:]
    /// Where the events begin that reach to now without a hole; entries that went before are not
    /// among the rows. `nil` where the rows are all there were.
    var eventsStart: AgeInstant?
    /// What the filter asks for and is not known of some rows; `nil` where all of it is known.
    var gap: Gap?

    struct Gap: Hashable {
        var columns: [EntryColumn]
        var rows: Int
    }

    /// - Parameter filter: The columns that it asks for.
    mutating func findGap(in rows: [EntryRow], _ filter: Set<EntryColumn>) {
        let lacks = rows.map { filter.intersection(unknown[$0.id] ?? []) }.filter { !$0.isEmpty }
        let columns = lacks.reduce(into: Set()) { $0.formUnion($1) }
        gap =
            lacks.isEmpty
            ? nil
            : Gap(columns: EntryColumn.allCases.filter(columns.contains), rows: lacks.count)
    }
}

func freeze(_ model: inout Model) -> Effect? {
    guard model.frozen != nil else { return .freeze }
    return goLive(&model)
}

func goLive(_ model: inout Model) -> Effect? {
    model.frozen = nil
    model.past = nil
    return .look
}

func froze(_ model: inout Model, _ page: EntryPage) -> Effect? {
    model.frozen = page
    model.heldUntil = nil
    model.ghosts = []
    if page.rows.count < page.matched {
        let (held, all) = (
            Format.count(page.rows.count), Format.count(page.matched)
        )
        model.say("the first \(held) of \(all) by \(model.query.sort.rawValue) are frozen")
    }
    // A step asked for before there was anything to step in.
    if let past = model.past { return go(&model, to: past.at) }
    showFrozen(&model)
    return nil
}

/// Takes in what the engine kept of the time before.
func remember(_ model: inout Model, _ remembered: Remembered) {
    // Of another run of the engine nothing counts here.
    guard remembered.instance == model.report?.instance else { return }
    for history in remembered.histories {
        model.histories[Verbatim(history.cache), default: History()].fill(history.samples)
    }
    if !remembered.events.isEmpty {
        struct Place: Hashable {
            var cache: Verbatim
            var number: UInt64
        }
        var known = Set(model.events.map { Place(cache: Verbatim($0.cache), number: $0.number) })
        let new = remembered.events.filter {
            known.insert(Place(cache: Verbatim($0.cache), number: $0.number)).inserted
        }
        model.events = (model.events + new).inOrder
    }
    showFrozen(&model)
}

/// Back or on by a time.
func step(_ model: inout Model, by time: Duration) -> Effect? {
    go(&model, to: model.shownNow + time)
}

/// To the instant of the event before or behind.
func stepEvent(_ model: inout Model, _ direction: Int) -> Effect? {
    let now = model.shownNow
    let event =
        direction < 0
        ? model.events.last { $0.at < now } : model.events.first { $0.at > now }
    guard let event else {
        model.say(direction < 0 ? "no event is known from before" : "that is all until now")
        return direction < 0 ? nil : goLive(&model)
    }
    return go(&model, to: event.at)
}

/// To a moment worth looking at, before or behind.
func stepMoment(_ model: inout Model, _ direction: Int) -> Effect? {
    let now = model.shownNow
    let moments = model.moments
    let moment =
        direction < 0
        ? moments.last { $0.at < now } : moments.first { $0.at > now }
    guard let moment else {
        model.say("nothing of note is \(direction < 0 ? "before" : "after") this")
        return nil
    }
    let effect = go(&model, to: moment.at)
    model.say("\(model.time(moment.at)): \(moment.what)", for: .seconds(8))
    return effect
}

func go(_ model: inout Model, to instant: AgeInstant) -> Effect? {
    guard let frozen = model.frozen else {
        model.past = Past(at: instant)
        return .freeze
    }
    guard instant < frozen.at else {
        model.past = nil
        showFrozen(&model)
        model.say("this is where it was frozen; Home goes on to now")
        return nil
    }
    model.past = Past(at: max(instant, frozen.at - CacheSample.kept))
    showFrozen(&model)
    return nil
}

/// Sorts and filters what was frozen, as it was at the instant that is shown.
func showFrozen(_ model: inout Model) {
    guard let frozen = model.frozen else { return }
    var rows = frozen.rows
    if let instant = model.past?.at {
        var rewound = Rewound(frozen, at: instant)
        if model.noRecord == nil { rewound.undo(model.events, model) }
        rows = model.noRecord == nil ? Array(rewound.rows.values) : []
        model.past?.unknown = rewound.unknown
        model.past?.eventsStart = rewound.eventsStart
        let filter = try? EntryFilter(model.asked.filter)
        model.past?.findGap(in: rows, filter?.columns ?? [])
    }
    var query = model.asked
    query.offset = 0
    query.limit = rows.count
    let actors = actors(model.events, until: model.shownNow)
    // What stands in the query was read before.
    let page = try? query.page(of: rows, at: model.shownNow) { row in
        actors[Written(cache: Verbatim(row.id.cache), version: row.version)]
    }
    guard let page else { return }
    _ = show(&model, page, of: query)
}

/// A write, as versions tell them apart.
private struct Written: Hashable {
    var cache: Verbatim
    var version: UInt64
}

/// Who put entries back or marked them as stale, as the engine tells it of those of now.
private func actors(_ events: [LoggedEvent], until instant: AgeInstant) -> [Written: Operator] {
    var actors: [Written: Operator] = [:]
    for event in events where event.at <= instant {
        switch event.kind {
        case .restored(let version), .softened(let version):
            actors[Written(cache: Verbatim(event.cache), version: version)] = event.by
        default: break
        }
    }
    return actors
}

/// The rows of an earlier instant: those of the freeze, and every event since undone, the latest
/// first.
private struct Rewound {
    private(set) var rows: [EntryKey: EntryRow] = [:]
    /// Of what went since, and of what was hit since.
    private(set) var unknown: [EntryKey: Set<EntryColumn>] = [:]
    private(set) var eventsStart: AgeInstant?
    private let instant: AgeInstant
    private let frozen: EntryPage
    /// Caches whose values have ends of their own.
    private let ownEnds: Set<Verbatim>

    init(_ frozen: EntryPage, at instant: AgeInstant) {
        (self.frozen, self.instant) = (frozen, instant)
        for row in frozen.rows { rows[row.id] = row }
        ownEnds = Set(frozen.rows.lazy.filter { $0.expiry != nil }.map { Verbatim($0.id.cache) })
    }

    mutating func undo(_ events: [LoggedEvent], _ model: Model) {
        eventsStart = (model.report?.caches ?? []).compactMap { start(of: $0, events) }.max()
        for event in events.reversed() where event.at > instant && event.at <= frozen.at {
            undo(event)
        }
        rows = rows.filter { $0.value.writtenAt <= instant }
        unknown = unknown.filter { rows[$0.key] != nil }
        takeFacts(of: events)
        for row in rows.values { describe(row, model) }
    }

    /// Where the events of a cache begin that reach on without a hole; `nil` where nothing is
    /// missing since the instant.
    private func start(of cache: CacheReport, _ events: [LoggedEvent]) -> AgeInstant? {
        var next = cache.snapshot.lastEvent + 1
        var start = frozen.at
        for event in events.reversed() where event.cache.isExactly(cache.name) {
            // What came after the report is no hole.
            guard event.number + 1 >= next else { break }
            guard event.at > instant else { return nil }
            (next, start) = (event.number, event.at)
        }
        return next <= 1 ? nil : min(start, frozen.at)
    }

    /// What the event of its removal does not tell of an entry.
    private static let notTold = Set(EntryColumn.allCases)
        .subtracting([.cache, .key, .age, .version, .state])

    private mutating func undo(_ event: LoggedEvent) {
        guard let key = event.key else { return }
        let id = EntryKey(cache: event.cache, key: key)
        switch event.kind {
        case .written(let version, _, _), .restored(let version):
            if rows[id]?.version == version { rows[id] = nil }
        case .removed(let cause, let version, let age, let hits):
            rows[id] = EntryRow(
                id: id, version: version, writtenAt: event.at + (.zero - age), expiry: nil,
                // One that expired went at its end, or soon after.
                deadline: cause == .expired ? event.at : nil, hits: hits, lastHit: nil, bytes: 0,
                fetchTime: .zero)
            unknown[id] = Self.notTold
            if cause == .expired { unknown[id]?.remove(.ttl) }
            if hits == 0 { unknown[id]?.subtract([.hits, .lasthit]) }
        case .softened(let version):
            if rows[id]?.version == version { rows[id]?.isMarkedStale = false }
        case .failed, .oversized, .forgotten, .configured: break
        }
    }

    /// What the events of their writes tell of rows that went.
    private mutating func takeFacts(of events: [LoggedEvent]) {
        for event in events where event.at <= instant {
            guard let id = event.key.map({ EntryKey(cache: event.cache, key: $0) }),
                unknown[id] != nil, let row = rows[id]
            else { continue }
            if event.kind == .softened(version: row.version) { rows[id]?.isMarkedStale = true }
            guard case .written(row.version, let took, let bytes) = event.kind else { continue }
            rows[id]?.bytes = bytes
            // As the engine keeps it of an entry.
            rows[id]?.fetchTime = .microseconds((took ?? .zero).nanoseconds / 1000)
            unknown[id]?.subtract([.size, .fetch])
        }
    }

    /// A row as it was at the instant, and what of it nobody can tell.
    private mutating func describe(_ row: EntryRow, _ model: Model) {
        var (row, gaps) = (row, unknown[row.id] ?? [])
        setEnd(of: &row, &gaps, model)
        if !row.isHeld {
            // A failure is remembered with its first and last time, but not with the end that its
            // pause had then.
            row.deadline = nil
            gaps.insert(.ttl)
        }
        // Hits since then are counted with those of before.
        if let last = row.lastHit, last > instant { gaps.insert(.hits) }
        if gaps.contains(.hits) {
            (row.hits, row.lastHit) = (0, nil)
            gaps.insert(.lasthit)
        }
        // What the engine reckons of an entry it reckons for now alone.
        gaps.formUnion(EntryColumn.allCases.lazy.filter(\.isBesideRecord))
        if row.refresh?.isFetching == true { row.refresh = nil }
        // Only the hits and the end tell whether it was cold or fresh.
        let isOpen = [.cold, .fresh].contains(row.state(at: instant))
        if isOpen, !gaps.isDisjoint(with: [.hits, .ttl]) { gaps.insert(.state) }
        rows[row.id] = row
        unknown[row.id] = gaps.isEmpty ? nil : gaps
    }

    /// The end that an entry had under the bounds of then, where these alone tell it.
    private func setEnd(of row: inout EntryRow, _ gaps: inout Set<EntryColumn>, _ model: Model) {
        let now = model.configuration(of: row.id.cache)
        let then = model.histories[Verbatim(row.id.cache)]?.at(instant).point
        guard row.isHeld, let now, let then, now.jitter == 0 else { return }
        let end = then.ttl.map { row.writtenAt + $0 }
        if unknown[row.id] != nil {
            // Of a value that may end by itself only the end that came is known.
            let isKnown = !gaps.contains(.ttl) || !ownEnds.contains(Verbatim(row.id.cache))
            guard let end, isKnown else { return }
            row.deadline = min(end, row.deadline ?? end)
            gaps.remove(.ttl)
        } else if then.ttl != now.ttl {
            row.deadline = [row.expiry, end].compactMap(\.self).min()
        }
    }
}

extension Model {
    /// Whether a column of a row is known at the instant that is shown.
    func knows(_ column: EntryColumn, of id: EntryKey) -> Bool {
        !(past?.unknown[id]?.contains(column) ?? false)
    }

    /// The lines there would have been at an instant, those that came from no cache among them.
    func eventLines(until instant: AgeInstant) -> ArraySlice<EventLines.Line> {
        var before = EventLines()
        for event in events.prefix(while: { $0.at <= instant }).suffix(1000) { before.add(event) }
        let own = log.lines.filter { $0.cache.isEmpty && $0.at <= instant }
        return (before.lines + own).sorted { $0.at < $1.at }[...]
    }

    /// What the rows of the past lack, in words; `nil` where they lack nothing.
    var incompleteness: String? {
        guard noRecord == nil else { return nil }
        if let gap = past?.gap {
            let names = gap.columns.map(\.rawValue).joined(separator: ", ")
            return "\(names) not known of \(Units.counted(gap.rows, "entry", "entries")) then"
        }
        guard let start = past?.eventsStart else { return nil }
        return "entries that went before \(time(start)) are not known"
    }
}

extension AgeInstant {
    fileprivate static func - (instant: AgeInstant, time: Duration) -> AgeInstant {
        instant + (.zero - time)
    }
}
