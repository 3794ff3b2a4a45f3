public import Foundation
public import Larder

/// An engine at one instant.
public struct Report: Hashable, Sendable, Codable {
    /// What the engine is called.
    public var name: String
    /// The random id of this run of the engine: versions and plans mean nothing in another.
    public var instance: String
    public var pid: Int32
    public var at: Instant
    /// The wall clock at `at`, to show times of day.
    public var wall: Date
    public var caches: [CacheReport]
    public var memory: ProcessMemory
    /// Where values come from.
    public var origins: [OriginReport]
    /// Nothing can be changed by whoever this report was made for.
    public var isReadOnly = false
    /// What the caches hold is invented, and no service's.
    public var isDemo = false
    /// Since when it can be looked into, and as whom its process runs.
    public var started: Date?
    public var user: String?

    public init(
        name: String, instance: String, pid: Int32, at: Instant, wall: Date,
        caches: [CacheReport], memory: ProcessMemory, origins: [OriginReport] = []
    ) {
        self.origins = origins
        self.name = name
        self.instance = instance
        self.pid = pid
        self.at = at
        self.wall = wall
        self.caches = caches
        self.memory = memory
    }
}

/// A cache at one instant.
public struct CacheReport: Hashable, Sendable, Codable {
    public var name: String
    public var snapshot: Snapshot
    /// The keys that were fetched most of late, the most often fetched first.
    public var mostFetched: [FetchedRow] = []
    /// Since when those were counted; `nil` where they were not.
    public var fetchedSince: Instant?

    public init(name: String, snapshot: Snapshot) {
        self.name = name
        self.snapshot = snapshot
    }

    /// So many keys are told of.
    public static let fetched = 10
}

/// A key that is fetched often, and how that went.
public struct FetchedRow: Hashable, Sendable, Codable {
    /// As it is shown.
    public var key: String
    /// At least so many fetches were begun.
    public var fetches: UInt64
    /// At least so many of them failed.
    public var failures: UInt64
    /// What kind of failure the last of those was, and why.
    public var kind: FailureKind?
    public var reason: String?

    public init(
        key: String, fetches: UInt64, failures: UInt64 = 0, kind: FailureKind? = nil,
        reason: String? = nil
    ) {
        self.key = key
        self.fetches = fetches
        self.failures = failures
        self.kind = kind
        self.reason = reason
    }
}

/// What addresses an entry: its cache and the key as shown, byte by byte.
public struct EntryKey: Hashable, Sendable, Codable {
    public var cache: String
    public var key: String

    public init(cache: String, key: String) {
        self.cache = cache
        self.key = key
    }

    /// Keys are compared byte by byte, be the letters of two of them ever so equal.
    public static func == (a: EntryKey, b: EntryKey) -> Bool {
        Verbatim(a.key) == Verbatim(b.key) && Verbatim(a.cache) == Verbatim(b.cache)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(Verbatim(cache))
        hasher.combine(Verbatim(key))
    }
}

/// What is known of an entry, without its value.
///
/// A failure that is remembered is a row too, where no entry is: its version is 0, it was written
/// when the last fetch failed, ends with the next try, and its hits are the look-ups that were
/// answered with it. ``Trouble`` says more.
public struct Row: Hashable, Sendable, Codable, Identifiable {
    public var id: EntryKey
    public var version: UInt64
    public var writtenAt: Instant
    /// The value's own end, where it has one.
    public var expiry: Instant?
    /// The earlier of written + ttl and expiry; `nil` where the entry has no end.
    public var deadline: Instant?
    public var hits: UInt64
    public var lastHit: Instant?
    public var bytes: Int
    /// How long its fetch took; zero where it was inserted.
    public var fetchTime: Duration
    /// A fetch under way, or one that failed; `nil` where there is nothing to say of either.
    public var renewal: RenewalFacts?
    /// Fetches of its key a second, within the last minute; `nil` where that is not known.
    public var fetchRate: Double?
    /// Its place in the order in which its cache lets entries go, 1 for the next; `nil` where that
    /// was not worked out, or where no entry is.
    public var toGo: Int?

    public init(
        id: EntryKey, version: UInt64, writtenAt: Instant, expiry: Instant?, deadline: Instant?,
        hits: UInt64, lastHit: Instant?, bytes: Int, fetchTime: Duration,
        renewal: RenewalFacts? = nil, fetchRate: Double? = nil, toGo: Int? = nil
    ) {
        self.renewal = renewal
        self.fetchRate = fetchRate
        self.toGo = toGo
        self.id = id
        self.version = version
        self.writtenAt = writtenAt
        self.expiry = expiry
        self.deadline = deadline
        self.hits = hits
        self.lastHit = lastHit
        self.bytes = bytes
        self.fetchTime = fetchTime
    }

    /// An entry's state in one word; color may repeat it, never replace it.
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// Past its deadline and not yet swept, or kept in case that fetches fail.
        case expired
        /// The last fetch failed, and the next waits.
        case failed
        /// So near its end that all callers wait for a fetch, and none has come yet.
        case thin
        /// The origin has no such thing: that is remembered, and no entry held.
        case negative
        /// Being fetched anew.
        case refreshing
        /// In the last tenth of its life.
        case expiring
        /// Never hit since it was written.
        case cold
        case fresh
    }

    public func state(at now: Instant) -> State {
        State(
            hits: hits, writtenAt: writtenAt, deadline: deadline, renewal: renewal, at: now)
    }

    /// When it is fetched anew at the next look-up, were it looked up again and again: from a time
    /// before its end on, or once a failure lets it; `nil` where only its end decides.
    public func nextRefresh(at now: Instant) -> Instant? {
        Self.nextRefresh(renewal, deadline: deadline, at: now)
    }

    static func nextRefresh(
        _ renewal: RenewalFacts?, deadline: Instant?, at now: Instant
    ) -> Instant? {
        guard let renewal else { return nil }
        if let trouble = renewal.trouble, now < trouble.until { return trouble.until }
        if renewal.isFetching { return now }
        return renewal.start.flatMap { $0 == deadline ? nil : $0 }
    }

    /// Whether there is an entry: failures are rows as well.
    public var isHeld: Bool { version > 0 }
}

extension Row.State {
    init(
        hits: UInt64, writtenAt: Instant, deadline: Instant?, renewal: RenewalFacts?,
        at now: Instant
    ) {
        if let trouble = renewal?.trouble, now < trouble.until {
            self = trouble.kind == .absent ? .negative : .failed
        } else if renewal?.isFetching == true {
            self = .refreshing
        } else if let deadline, deadline <= now {
            self = .expired
        } else if let mandatory = renewal?.mandatory, mandatory <= now, mandatory != deadline {
            self = .thin
        } else if let deadline, deadline - now < (deadline - writtenAt) / 10 {
            self = .expiring
        } else {
            self = hits == 0 ? .cold : .fresh
        }
    }

    init(_ facts: EntryFacts, _ renewal: RenewalFacts?, at now: Instant) {
        let deadline = facts.deadline == .distantFuture ? nil : facts.deadline
        self.init(
            hits: facts.hits, writtenAt: facts.writtenAt, deadline: deadline, renewal: renewal,
            at: now)
    }

    /// The most urgent first.
    var rank: Int64 { Int64(Self.allCases.firstIndex(of: self)!) }
}

/// What a listing can be sorted by.
public enum Column: String, Hashable, Sendable, Codable, CaseIterable {
    case cache, key, ttl, expiry, age, hits, size, state, fetch, lasthit, fetches, refresh, togo
    case version

    /// What stands there, in a few words.
    public var about: String {
        switch self {
        case .cache: "the cache's name"
        case .key: "the key as it is shown"
        case .ttl: "time left until the entry ends"
        case .expiry: "time left until the value's own end"
        case .age: "time since it was written"
        case .hits: "hits since it was written"
        case .size: "bytes of key, value and record"
        case .state: "how it is, in a word; the most urgent first"
        case .fetch: "how long its fetch took"
        case .version: "the number of its write"
        case .lasthit: "time since its last hit"
        case .fetches: "fetches of its key a second, in the last minute"
        case .refresh: "time left until it is fetched anew"
        case .togo: "its turn to go, 1 next; exact for lru, fifo, lfu"
        }
    }

    /// A column by its name.
    public init(named text: String) throws(UnitError) {
        if let column = Column(rawValue: text) {
            self = column
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, Column(rawValue: String(parts[0])) != nil {
            throw UnitError(
                "\"\(text)\" is an order, which --sort takes; the column is \(parts[0])")
        }
        throw UnitError("\"\(text.prefix(40))\" is no column; \(Self.accepted) are accepted")
    }

    /// All of them, as a sentence's part.
    public static let accepted = allCases.map(\.rawValue).joined(separator: ", ")
}

/// Which entries to list, and in which order.
public struct Query: Hashable, Sendable, Codable {
    /// Caches by name; empty for all.
    public var caches: [String]
    /// What ``Filter`` reads: part of a shown key, comparisons; empty for every entry.
    public var filter: String
    public var sort: Column
    public var descending: Bool
    public var offset: Int
    public var limit: Int

    public init(
        caches: [String] = [], filter: String = "", sort: Column = .ttl, descending: Bool = false,
        offset: Int = 0, limit: Int = 50
    ) {
        self.caches = caches
        self.filter = filter
        self.sort = sort
        self.descending = descending
        self.offset = offset
        self.limit = limit
    }
}

/// A screenful of entries, all seen at one instant.
public struct Page: Hashable, Sendable, Codable {
    public var at: Instant
    public var rows: [Row]
    /// Entries that pass the filter.
    public var matched: Int
    /// Entries of the caches asked for.
    public var total: Int

    public init(at: Instant, rows: [Row], matched: Int, total: Int) {
        self.at = at
        self.rows = rows
        self.matched = matched
        self.total = total
    }
}

/// One entry in full, its value as far as its type shows it.
public struct EntryDetail: Hashable, Sendable, Codable {
    public var row: Row
    public var value: Shown
    /// What happened to its key lately, oldest first.
    public var history: [LoggedEvent]

    public init(row: Row, value: Shown, history: [LoggedEvent] = []) {
        self.row = row
        self.value = value
        self.history = history
    }
}

/// What a look-up came to.
public struct FetchResult: Hashable, Sendable, Codable {
    public var id: EntryKey
    /// Served from an entry that was there before; past its end, where the row says so.
    public var wasHit: Bool
    public var value: Shown
    /// The entry as it is now; `nil` where the cache kept nothing.
    public var row: Row?

    public init(id: EntryKey, wasHit: Bool, value: Shown, row: Row?) {
        self.id = id
        self.wasHit = wasHit
        self.value = value
        self.row = row
    }
}

/// A page of a cache's events.
public struct EventLog: Hashable, Sendable, Codable {
    public var events: [LoggedEvent]
    /// Events after the number asked for that were overwritten before they were read.
    public var dropped: UInt64
    /// The number of the newest event that there is.
    public var last: UInt64

    public init(events: [LoggedEvent], dropped: UInt64, last: UInt64) {
        self.last = last
        self.events = events
        self.dropped = dropped
    }
}

/// An event with its key as shown.
public struct LoggedEvent: Hashable, Sendable, Codable {
    public var cache: String
    public var number: UInt64
    public var at: Instant
    public var key: String?
    public var kind: EventKind
    public var by: Actor?
    /// The key for whose write there was no room without the eviction.
    public var rival: String?

    public init(
        cache: String, number: UInt64, at: Instant, key: String?, kind: EventKind, by: Actor?,
        rival: String? = nil
    ) {
        self.rival = rival
        self.cache = cache
        self.number = number
        self.at = at
        self.key = key
        self.kind = kind
        self.by = by
    }
}
