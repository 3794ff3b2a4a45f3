public import Larder

/// A column of a listing: what it can be sorted, filtered and written by.
///
/// All that there is to know of one is a line of one table: console, commands, filters, CSV, JSON
/// and the description of the service are read from there.
public struct EntryColumn: RawRepresentable, Hashable, Sendable, Codable, CaseIterable {
    private let place: Int

    /// By which it is asked for.
    public init?(rawValue: String) {
        guard let place = Self.places[rawValue] else { return nil }
        self.place = place
    }

    private init(place: Int) { self.place = place }

    public static func == (a: Self, b: Self) -> Bool { a.place == b.place }
    public func hash(into hasher: inout Hasher) { hasher.combine(place) }

    /// By which it is asked for.
    public var rawValue: String { line.name }
    /// What stands there, in a few words.
    public var about: String { line.about }

    /// In the order in which they stand.
    public static let allCases = table.indices.map { EntryColumn(place: $0) }

    private static let places = Dictionary(
        uniqueKeysWithValues: table.enumerated().map { ($1.name, $0) })

    private var line: Line { Self.table[place] }

    private struct Line: Sendable {
        var name: String
        var about: String
        var content: Content
        /// The engine's own order of it; `nil` where that cannot tell.
        var rank: Rank?
        /// What is known of an event as well.
        var isOfEvents = false
        /// The heading above it on a screen, where that is not the name.
        var heading: String?
        /// How long it stays on a narrow screen: the least worth leaves first. `nil` for what is
        /// always there, 0 for what is only seen where it is sorted by.
        var worth: Int?
    }

    /// What kind of value stands there, and from where it is read.
    private enum Content: Sendable {
        typealias Of<Value> = @Sendable (EntrySubject) -> Value

        case text(@Sendable (EntryRow) -> String)
        case state
        case count(Of<UInt64>)
        case bytes(Of<Int>)
        case left(Of<AgeInstant?>)
        case passed(Of<AgeInstant?>)
        case took(Of<Duration>)
        case rate(Of<Double?>)
        case turn(Of<Int?>)
    }

    private static let table = [
        Line(
            name: "cache", about: "the cache's name", content: .text(\.id.cache), rank: .written,
            worth: 110),
        Line(name: "key", about: "the key as it is shown", content: .text(\.id.key), rank: .key),
        Line(
            name: "ttl", about: "time left until the entry ends", content: .left(\.end),
            rank: .deadline),
        Line(
            name: "expiry", about: "time left until the value's own end",
            content: .left(\.facts.expiry), rank: .expiry, worth: 100),
        Line(
            name: "refresh", about: "time left until it is refreshed",
            content: .left(\.nextRefresh), worth: 40),
        Line(
            name: "age", about: "time since it was written",
            content: .passed { $0.facts.writtenAt },
            rank: .age, isOfEvents: true, worth: 50),
        Line(
            name: "hits", about: "hits since it was written", content: .count(\.facts.hits),
            rank: .hits, isOfEvents: true, worth: 90),
        Line(
            name: "lasthit", about: "time since its last hit", content: .passed(\.facts.lastHit),
            rank: .lastHit, heading: "LAST HIT", worth: 70),
        Line(
            name: "size", about: "bytes of key, value and record", content: .bytes(\.facts.bytes),
            rank: .bytes, isOfEvents: true, worth: 80),
        Line(
            name: "fetch", about: "how long its fetch took", content: .took(\.facts.fetchTime),
            rank: .fetchTime, isOfEvents: true, worth: 30),
        Line(
            name: "fetches", about: "fetches of its key a second, in the last minute",
            content: .rate(\.fetchRate), heading: "FETCHES/S", worth: 60),
        Line(
            name: "togo", about: "its turn to go, 1 next; exact for lru, fifo, lfu",
            content: .turn(\.toGo), heading: "TO GO", worth: 20),
        Line(
            name: "version", about: "the number of its write", content: .count(\.facts.version),
            rank: .version, isOfEvents: true, worth: 10),
        Line(
            name: "loads", about: "how often its key was written while it stayed",
            content: .count { UInt64(clamping: $0.facts.loads) }, rank: .loads,
            worth: 0),
        Line(
            name: "state", about: "how it is, in a word; the most urgent first", content: .state,
            rank: .state),
    ]

    public static let cache = EntryColumn(rawValue: "cache")!
    public static let key = EntryColumn(rawValue: "key")!
    public static let ttl = EntryColumn(rawValue: "ttl")!
    public static let expiry = EntryColumn(rawValue: "expiry")!
    public static let refresh = EntryColumn(rawValue: "refresh")!
    public static let age = EntryColumn(rawValue: "age")!
    public static let hits = EntryColumn(rawValue: "hits")!
    public static let lasthit = EntryColumn(rawValue: "lasthit")!
    public static let size = EntryColumn(rawValue: "size")!
    public static let fetch = EntryColumn(rawValue: "fetch")!
    public static let fetches = EntryColumn(rawValue: "fetches")!
    public static let togo = EntryColumn(rawValue: "togo")!
    public static let version = EntryColumn(rawValue: "version")!
    public static let state = EntryColumn(rawValue: "state")!

    // MARK: Names

    /// A column by its name.
    public init(named text: String) throws(UnitError) {
        if let column = EntryColumn(rawValue: text) {
            self = column
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, EntryColumn(rawValue: String(parts[0])) != nil {
            throw UnitError(
                "\"\(text)\" is an order, which --sort takes; the column is \(parts[0])")
        }
        throw UnitError("\"\(text.prefix(40))\" is no column; \(Self.accepted) are accepted")
    }

    /// All of them, as a sentence's part.
    public static let accepted = allCases.map(\.rawValue).joined(separator: ", ")

    // MARK: On a screen

    /// What stands above it.
    package var heading: String { line.heading ?? rawValue.uppercased() }

    /// Those that can be left out, what a narrow screen leaves out first at the front.
    package static let optional: [(column: EntryColumn, worth: Int)] =
        allCases.compactMap { column in column.line.worth.map { (column, $0) } }
        .filter { $0.worth > 0 }.sorted { $0.worth < $1.worth }

    /// It is seen where there is room, whatever is sorted by.
    package var isUsual: Bool { line.worth != 0 }

    /// People look for the most hit, the largest, the slowest and the newest.
    package var isLargestFirst: Bool { [.count, .bytes, .took, .rate].contains(kind) }

    // MARK: Kinds

    package enum Kind: Sendable { case text, state, count, bytes, left, passed, took, rate, turn }

    package var kind: Kind {
        switch line.content {
        case .text: .text
        case .state: .state
        case .count: .count
        case .bytes: .bytes
        case .left: .left
        case .passed: .passed
        case .took: .took
        case .rate: .rate
        case .turn: .turn
        }
    }

    var isNumber: Bool { ![.text, .state].contains(kind) }
    var isDuration: Bool { [.left, .passed, .took].contains(kind) }
    /// What is known of an event as well.
    var isOfEvents: Bool { line.isOfEvents }
    /// The engine's own order of it; `nil` where it cannot tell.
    var rank: Rank? { line.rank }
    /// It stands beside the entry's record: to sort by it every entry has to be asked for it.
    package var isBesideRecord: Bool { line.rank == nil }

    // MARK: What stands there

    /// What stands there of a row.
    package func cell(of row: EntryRow, at now: AgeInstant) -> Cell {
        let subject = row.subject(at: now)
        return switch line.content {
        case .text(let text): .text(text(row))
        case .state: .text(subject.state.rawValue)
        case .count(let count): .count(count(subject))
        case .bytes(let bytes): .bytes(bytes(subject))
        case .left(let end): .left(end(subject).map { $0 - now })
        case .passed(let begin): .passed(begin(subject).map { now - $0 })
        case .took(let time): .took(time(subject))
        case .rate(let rate): .rate(rate(subject))
        case .turn(let turn): .turn(turn(subject))
        }
    }

    /// What entries are compared by: nanoseconds, bytes, millionths of a rate, places or counts.
    /// "No end" counts as more than any time left, "never" as longest ago; `nil` where it is a
    /// text, or not known.
    func number(of subject: EntrySubject) -> Int64? {
        switch line.content {
        case .text: nil
        case .state: subject.state.rank
        case .count(let count): Int64(clamping: count(subject))
        case .bytes(let bytes): Int64(bytes(subject))
        case .left(let end):
            end(subject).flatMap {
                $0 == .distantFuture ? nil : ($0 - subject.now).nanoseconds
            } ?? .max
        case .passed(let begin): begin(subject).map { (subject.now - $0).nanoseconds } ?? .max
        case .took(let time): time(subject).nanoseconds
        case .rate(let rate): rate(subject).map { Int64(clamping: $0 * Self.rateParts) }
        case .turn(let turn): turn(subject).map { Int64($0) }
        }
    }

    /// Rates are compared by the millionth.
    static let rateParts = 1e6

    /// What stands in this column of a row: text, or a number (times in seconds, as what is left or
    /// has passed at `now`); `nil` where there is nothing.
    public func value(of row: EntryRow, at now: AgeInstant) -> Shown {
        func number(_ number: (some CustomStringConvertible)?) -> Shown {
            number.map { .number("\($0)") } ?? .null
        }
        return switch cell(of: row, at: now) {
        case .text(let text): .text(text)
        case .count(let count): number(count)
        case .bytes(let bytes): number(bytes)
        case .left(let time), .passed(let time): number(time?.inSeconds)
        case .took(let time): number(time.inSeconds)
        case .rate(let rate): number(rate)
        case .turn(let turn): number(turn)
        }
    }
}

/// What stands in a column of a row, as what it is: programs and people are told it in their own
/// ways, and both ways are read from here.
package enum Cell: Hashable, Sendable {
    case text(String)
    case count(UInt64)
    case bytes(Int)
    /// Time until something; negative once it is over, `nil` where there is no end.
    case left(Duration?)
    /// Time since something; `nil` where it never was.
    case passed(Duration?)
    /// How long a piece of work took; zero where there was none.
    case took(Duration)
    /// So often a second; `nil` where that is not known.
    case rate(Double?)
    /// A place in an order, 1 for the first; `nil` where that is not known.
    case turn(Int?)
}

/// What there is to know of an entry at an instant, beside its key: what columns are read from.
struct EntrySubject {
    let facts: EntryFacts
    let refresh: RefreshFacts?
    let now: AgeInstant
    /// What stands beside its record: see ``EntryRow``.
    let fetchRate: Double?
    let toGo: Int?

    init(
        _ facts: EntryFacts, _ refresh: RefreshFacts?, _ beside: Selection.Beside,
        at now: AgeInstant
    ) {
        (self.facts, self.refresh, self.now) = (facts, refresh, now)
        (fetchRate, toGo) = (beside.fetchRate, beside.toGo)
    }

    var end: AgeInstant? { facts.deadline == .distantFuture ? nil : facts.deadline }
    var state: EntryRow.State { EntryRow.State(facts, refresh, at: now) }
    var nextRefresh: AgeInstant? {
        EntryRow.nextRefresh(refresh, deadline: facts.deadline, at: now)
    }
    /// Whether its last fetch failed.
    var isFailing: Bool { refresh?.trouble.map { $0.kind != .absent } ?? false }
}

extension EntryRow {
    func subject(at now: AgeInstant) -> EntrySubject {
        EntrySubject(facts, refresh, .init(fetchRate: fetchRate, toGo: toGo), at: now)
    }
}
