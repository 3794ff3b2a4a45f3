public import Larder

/// The first `offset + limit` entries in the order asked for, of all that are offered.
///
/// Everything is compared at one frozen instant. Only entries that may still make the page are
/// turned into rows, and at most twice as many are held as the page needs: the cost of a listing
/// is a comparison an entry.
struct Selection {
    private let query: EntryQuery
    private let filter: EntryFilter
    private let now: AgeInstant
    private let wanted: Int
    private var best: [Candidate] = []
    /// The last candidate that is in for now; what sorts behind it need not be looked at.
    private var bar: Candidate?
    private var matched = 0
    private var total = 0
    private var patience = Patience()
    /// How many caches offer entries.
    var caches = 1

    /// What is known of an entry beside its record.
    struct Beside {
        /// See ``EntryRow``.
        var fetchRate: Double?
        var toGo: Int?
    }

    private struct Candidate {
        let rank: Rank
        let place: Int
        let row: EntryRow
    }

    /// - Parameter known: The caches that there are; `nil` where that is not known.
    /// - Throws: ``FilterError``.
    init(_ query: EntryQuery, at now: AgeInstant, of known: [String]? = nil) throws(FilterError) {
        self.query = query
        self.now = now
        filter = try EntryFilter(query.filter, of: EntryFilter.Scope(caches: known))
        wanted = Self.bounded(query.limit) + Self.bounded(query.offset)
    }

    /// Bounded, so that twice as many can be counted.
    private static func bounded(_ number: Int) -> Int { min(max(0, number), Int.max / 8) }

    mutating func offer(
        _ facts: EntryFacts, _ refresh: RefreshFacts? = nil, place: Int, cache: String,
        by actor: Operator? = nil, owner: EntryFilter.Owner? = nil, beside: Beside = Beside(),
        _ makeRow: () -> EntryRow
    ) {
        total += 1
        let subject = EntrySubject(facts, refresh, beside, at: now)
        var row: EntryRow?
        if !filter.isEmpty {
            guard patience.lasts else { return }
            let subject = EntryFilter.Subject(
                entry: subject, cache: cache, by: actor, owner: owner)
            let passes = filter.passes(subject) {
                let made = row ?? makeRow()
                row = made
                return made.id.key
            }
            guard passes else { return }
        }
        matched += 1
        guard wanted > 0 else { return }
        let number = query.sort == .cache ? Int64(place) : rank(subject)
        if let bar, let number, isBefore(bar.rank, .number(number)) { return }
        let made = row ?? makeRow()
        let rank: Rank = number.map { .number($0) } ?? .text(Verbatim(made.id.key))
        let candidate = Candidate(rank: rank, place: place, row: made)
        if let bar, !precedes(candidate, bar) { return }
        best.append(candidate)
        if best.count >= 2 * wanted + 16 { prune() }
    }

    /// Counts entries that need not be offered: others of their cache come before them.
    mutating func pass(_ count: Int) {
        total += count
        matched += count
    }

    /// How many of a cache's entries are enough, in which order; `nil` where all have to be
    /// offered, because only their shown keys can tell.
    func order(keysAreShown: Bool) -> (count: Int, rank: Larder.Rank)? {
        guard filter.isEmpty, query.sort != .key || keysAreShown else { return nil }
        return query.sort.rank.map { (wanted, $0) }
    }

    /// Whether it has to be told of which table entries are, and who read them.
    var asksForOwners: Bool { filter.asksForOwners }

    /// Whether it has to be told who changed an entry last.
    var asksForActors: Bool { filter.asksForActors }

    /// How many of a cache's entries have to be told their places in the order in which they go.
    var wantedToGo: Int {
        filter.asksForTurns
            ? .max : query.sort != .togo ? 0 : filter.isEmpty && !query.descending ? wanted : .max
    }

    var isDescending: Bool { query.descending }
    var instant: AgeInstant { now }

    /// - Throws: ``FilterError`` where the filter took too long to be of use.
    mutating func page() throws(FilterError) -> EntryPage {
        try filter.checkPatience()
        if patience.isOver { throw filter.tooSlow }
        prune()
        let rows = best.dropFirst(Self.bounded(query.offset))
            .prefix(Self.bounded(query.limit)).map(\.row)
        return EntryPage(at: now, rows: Array(rows), matched: matched, total: total)
    }

    private mutating func prune() {
        best.sort(by: precedes)
        if best.count >= wanted {
            best.removeLast(best.count - wanted)
            bar = best.last
        }
    }

    // MARK: Order

    private enum Rank {
        case number(Int64)
        case text(Verbatim)
    }

    /// What the entry is sorted by where that is a number; `nil` for its shown key.
    private func rank(_ subject: EntrySubject) -> Int64? {
        guard query.sort.kind != .text else { return nil }
        // A turn that is not known comes behind all others; such a rate counts as 0.
        return query.sort.number(of: subject) ?? (query.sort.kind == .rate ? 0 : .max)
    }

    private func isBefore(_ a: Rank, _ b: Rank) -> Bool {
        switch (a, b) {
        case (.number(let a), .number(let b)): query.descending ? a > b : a < b
        case (.text(let a), .text(let b)): query.descending ? a > b : a < b
        default: false
        }
    }

    /// Equal entries stand by cache, then in the order of writing: nothing moves that did not change.
    private func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
        if isBefore(a.rank, b.rank) { return true }
        if isBefore(b.rank, a.rank) { return false }
        // Failures have no version.
        return (a.place, a.row.version, Verbatim(a.row.id.key))
            < (b.place, b.row.version, Verbatim(b.row.id.key))
    }
}

/// A text to be found in others, whatever the case of its ASCII letters.
struct Needle {
    private let bytes: [UInt8]

    init(_ text: String) { bytes = text.utf8.map(Self.folded) }

    var isEmpty: Bool { bytes.isEmpty }

    func occurs(in text: String) -> Bool {
        var text = text
        return text.withUTF8 { hay in
            bytes.withUnsafeBufferPointer { needle in
                var start = 0
                while start + needle.count <= hay.count {
                    var same = 0
                    while same < needle.count, Self.folded(hay[start + same]) == needle[same] {
                        same += 1
                    }
                    if same == needle.count { return true }
                    start += 1
                }
                return false
            }
        }
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
}

extension EntryQuery {
    /// The page of this query over rows held elsewhere, as they were at `now`.
    ///
    /// - Parameters:
    ///   - rows: Of any caches, in any order.
    ///   - now: By which they are compared.
    ///   - actor: Who changed the entry of a row last, where that is known.
    /// - Throws: ``FilterError``.
    public func page(
        of rows: [EntryRow], at now: AgeInstant, by actor: (EntryRow) -> Operator? = { _ in nil }
    ) throws(FilterError) -> EntryPage {
        let names = Set(rows.map { Verbatim($0.id.cache) }).map(\.text).sorted()
        let wanted = caches.isEmpty ? names : caches
        var selection = try Selection(self, at: now)
        for row in rows {
            guard let place = wanted.firstIndex(where: row.id.cache.isExactly) else { continue }
            let actor = selection.asksForActors ? actor(row) : nil
            let beside = Selection.Beside(fetchRate: row.fetchRate, toGo: row.toGo)
            selection.offer(
                row.facts, row.refresh, place: place, cache: row.id.cache, by: actor, beside: beside
            ) { row }
        }
        return try selection.page()
    }
}
