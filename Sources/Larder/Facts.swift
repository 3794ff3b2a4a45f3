/// What bounds a cache: any bound may be absent (`nil`).
public struct Configuration: Hashable, Sendable, Codable {
    /// Most entries the cache may hold. 0 keeps nothing: every look-up fetches.
    public var maxsize: Int?
    /// Most bytes its entries may take. A larger one is handed out and not kept.
    public var maxbytes: Int?
    /// How long an entry may be served after it was written. 0 keeps nothing.
    public var ttl: Duration?
    /// By up to which part of the ttl entries live shorter, so that those written together do
    /// not end together: 0 to 1. It works in steps of an eighth.
    public var jitter: Double
    /// Who goes where there is no room.
    public var policy: Policy
    /// How long past its end a value may be served while fetches for it fail.
    public var staleIfError: Duration
    /// How long it is remembered that the origin has no such thing, where it says so.
    public var negativeTTL: Duration

    /// The bounds of a cache for which none are said: ``Cache/init(_:maxsize:maxbytes:ttl:jitter:policy:lifetime:weigher:renewal:events:clock:onRemoval:fetch:)``.
    public init(
        maxsize: Int? = 128, maxbytes: Int? = nil, ttl: Duration? = .seconds(600),
        jitter: Double = 0, policy: Policy = .lru, staleIfError: Duration = .zero,
        negativeTTL: Duration = .zero
    ) {
        self.staleIfError = staleIfError
        self.negativeTTL = negativeTTL
        self.maxsize = maxsize
        self.maxbytes = maxbytes
        self.ttl = ttl
        self.jitter = jitter
        self.policy = policy
    }

    /// - Throws: ``CacheError`` where a bound is negative or beyond what a cache can count.
    public func validate() throws(CacheError) {
        if let maxsize, maxsize < 0 {
            throw CacheError("maxsize \(maxsize) is negative; 0 or more is accepted")
        }
        if let maxsize, maxsize > Configuration.largestMaxsize {
            throw CacheError(
                "maxsize \(maxsize) is too large; up to \(Configuration.largestMaxsize) is accepted"
            )
        }
        if let maxbytes, maxbytes < 0 {
            throw CacheError("maxbytes \(maxbytes) is negative; 0 or more is accepted")
        }
        if let ttl, ttl < .zero {
            throw CacheError("ttl \(ttl) is negative; 0 s or more is accepted")
        }
        for (name, duration) in [("stale", staleIfError), ("negative", negativeTTL)]
        where duration < .zero {
            throw CacheError("\(name) \(duration) is negative; 0 s or more is accepted")
        }
        guard jitter.isFinite, (0...1).contains(jitter) else {
            throw CacheError("jitter \(jitter) is no part of the ttl; 0 to 1 is accepted")
        }
        if jitter > 0, ttl == nil {
            throw CacheError("jitter \(jitter) needs a ttl that it can shorten; give a ttl as well")
        }
    }

    /// What is left out is absent, or as it usually is.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            maxsize: try values.decodeIfPresent(Int.self, forKey: .maxsize),
            maxbytes: try values.decodeIfPresent(Int.self, forKey: .maxbytes),
            ttl: try values.decodeIfPresent(Duration.self, forKey: .ttl),
            jitter: try values.decodeIfPresent(Double.self, forKey: .jitter) ?? 0,
            policy: try values.decodeIfPresent(Policy.self, forKey: .policy) ?? .lru,
            staleIfError: try values.decodeIfPresent(Duration.self, forKey: .staleIfError) ?? .zero,
            negativeTTL: try values.decodeIfPresent(Duration.self, forKey: .negativeTTL) ?? .zero)
    }

    /// By how much shorter, in nanoseconds, each class of entries lives than the one before.
    var jitterStep: Int64 {
        guard let ttl else { return 0 }
        return Int64(Double(ttl.nanoseconds) * jitter / Double(Record.jitterClasses))
    }

    /// Entries are addressed by numbers of a bounded width.
    public static let largestMaxsize = 1 << 27
}

/// Why a cache refused something, as a sentence for the one who asked.
public struct CacheError: Error, Hashable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }

    /// The bounds that a change was to replace are not there any more: somebody set others.
    public static func boundsWereChanged(_ cache: String) -> CacheError {
        CacheError("the bounds of \(cache) were changed since by someone else")
    }

    static func noFetch(_ cache: String) -> CacheError {
        CacheError(
            "\(cache) was made without a fetch; hand one over: value(for: key) { ... }")
    }

    static func reentry(_ cache: String, _ key: String) -> CacheError {
        CacheError(
            "the fetch of \(key) looks itself up in \(cache) and would wait for ever; fetch "
                + "what it needs under another key, or call the origin")
    }

    static func circle(_ cache: String, _ waiting: String, _ key: String) -> CacheError {
        CacheError(
            "the fetch of \(waiting) looks up \(key) in \(cache), whose fetch waits for that of "
                + "\(waiting), and both would wait for ever; fetch what one of them needs from the "
                + "origin")
    }
}

/// A value that knows when it ends: a cache never serves it from then on, whatever its ttl.
public protocol Expiring {
    /// The first instant at which the value is no longer good; `nil` where it has no end.
    var expiry: Instant? { get }
}

/// A value that must not be kept a moment longer than it is needed: once its entry is removed it
/// is dropped, and there is no undoing that.
public protocol Sensitive {}

/// Why an entry left its cache.
public enum RemovalCause: String, Hashable, Sendable, Codable, CaseIterable,
    CodingKeyRepresentable
{
    /// Its deadline came.
    case expired
    /// The cache was full and the policy named it.
    case evicted
    /// Someone asked for it to go.
    case invalidated
    /// A newer value was written for its key.
    case replaced
}

/// What is known of an entry beside its key and value.
public struct EntryFacts: Hashable, Sendable {
    /// The cache-wide number of the write that made it, never used again in this process.
    public var version: UInt64
    public var writtenAt: Instant
    /// The value's own end, where it has one.
    public var expiry: Instant?
    /// The earlier of written + ttl and expiry; `distantFuture` where neither is set.
    public var deadline: Instant
    public var hits: UInt64
    public var lastHit: Instant?
    /// Key, value and the engine's own record.
    public var bytes: Int
    /// How long its fetch took, to the microsecond; zero where the value was inserted.
    public var fetchTime: Duration
    /// How often its key was written while it stayed; counts to 32,767.
    public var loads: Int
    /// Invalidated softly: served until the fetch for it lands.
    public var isStale: Bool

    public init(
        version: UInt64, writtenAt: Instant, expiry: Instant?, deadline: Instant, hits: UInt64,
        lastHit: Instant?, bytes: Int, fetchTime: Duration, loads: Int = 1, isStale: Bool = false
    ) {
        self.version = version
        self.writtenAt = writtenAt
        self.expiry = expiry
        self.deadline = deadline
        self.hits = hits
        self.lastHit = lastHit
        self.bytes = bytes
        self.fetchTime = fetchTime
        self.loads = loads
        self.isStale = isStale
    }
}

/// Everything a cache counts, since it was made.
public struct Counters: Hashable, Sendable, Codable {
    /// Look-ups served from an entry.
    public var hits: UInt64 = 0
    /// Look-ups that started a flight, or found nothing where none could start.
    public var misses: UInt64 = 0
    /// Look-ups that joined a flight already under way.
    public var coalesced: UInt64 = 0
    /// Look-ups answered by a failure that is remembered.
    public var refused: UInt64 = 0
    /// Look-ups served past the end, because the fetch had failed; they are among the others too.
    public var servedStale: UInt64 = 0
    /// Flights whose fetch failed.
    public var fetchFailures: UInt64 = 0
    /// The same, by kind.
    public var failures = FailureCounts()
    public var evicted: UInt64 = 0
    public var expired: UInt64 = 0
    public var invalidated: UInt64 = 0
    public var replaced: UInt64 = 0
    /// Values that were larger than the whole cache may be, and were not kept.
    public var oversized: UInt64 = 0
    /// Entries that left without a single hit: fetched for nothing.
    public var unused: UInt64 = 0
    /// Misses on keys that had been evicted within the last minute: room is short.
    public var regretEvicted: UInt64 = 0
    /// Misses on keys that had expired within the last minute: the ttl is short.
    public var regretExpired: UInt64 = 0

    public init() {}

    public var lookups: UInt64 { hits + misses + coalesced + refused }

    /// Hits over look-ups, 0...1; `nil` before the first look-up.
    public var hitRatio: Double? { lookups == 0 ? nil : Double(hits) / Double(lookups) }

    /// The share of the misses, 0...1, that were on keys evicted within the minute before: so many
    /// more room would spare. `nil` before the first miss.
    public var regretEvictedShare: Double? { shareOfMisses(regretEvicted) }

    /// The share of the misses, 0...1, that were on keys expired within the minute before: so many
    /// a longer ttl would spare. `nil` before the first miss.
    public var regretExpiredShare: Double? { shareOfMisses(regretExpired) }

    private func shareOfMisses(_ count: UInt64) -> Double? {
        misses == 0 ? nil : Double(count) / Double(misses)
    }

    mutating func regret(_ cause: RemovalCause) {
        switch cause {
        case .expired: regretExpired += 1
        case .evicted: regretEvicted += 1
        case .invalidated, .replaced: break
        }
    }

    /// Entries that left, by cause.
    public func removals(_ cause: RemovalCause) -> UInt64 {
        switch cause {
        case .expired: expired
        case .evicted: evicted
        case .invalidated: invalidated
        case .replaced: replaced
        }
    }

    mutating func count(_ cause: RemovalCause) {
        switch cause {
        case .expired: expired += 1
        case .evicted: evicted += 1
        case .invalidated: invalidated += 1
        case .replaced: replaced += 1
        }
    }
}

/// All that a cache says of itself at one instant.
public struct Snapshot: Hashable, Sendable, Codable {
    public var at: Instant
    public var configuration: Configuration
    /// Entries held; those past their deadline and not yet swept are among them.
    public var count: Int
    /// Bytes of all entries held.
    public var bytes: Int
    /// Fetches under way.
    public var flights: Int
    public var counters: Counters
    /// What was counted of late; `nil` where nobody has looked for so long that it is not known.
    public var lately: Lately?
    /// The number of the newest event.
    public var lastEvent: UInt64 = 0
    /// How long fetches took that succeeded.
    public var fetchTimes = Histogram()
    /// The latest failure of each kind that there was.
    public var lastFailures: [FailureKind: LastFailure] = [:]
    /// Failures within the last minute.
    public var failuresLately = FailureCounts()
    /// How old entries were when they left, by cause.
    public var agesAtRemoval: [RemovalCause: Histogram] = [:]
    public var holds = Holds()
    /// Removed entries that can still be put back, and their bytes, which are not in ``bytes``.
    public var undoable = 0
    public var undoableBytes = 0
    /// What is kept of the last hour: samples and events, but for what their keys own.
    public var recordBytes = 0

    public init(
        at: Instant, configuration: Configuration, count: Int, bytes: Int, flights: Int,
        counters: Counters
    ) {
        self.at = at
        self.configuration = configuration
        self.count = count
        self.bytes = bytes
        self.flights = flights
        self.counters = counters
    }
}

/// Who asked for a change, and why. Events keep it by reference: it is one word in each.
public struct Actor: Hashable, Sendable, Codable, CustomStringConvertible {
    private let facts: Facts

    private final class Facts: Sendable {
        let name: String
        let reason: String?
        let uid: UInt32?
        let pid: Int32?
        let plan: String?

        init(name: String, reason: String?, uid: UInt32?, pid: Int32?, plan: String?) {
            self.name = name
            self.reason = reason
            self.uid = uid
            self.pid = pid
            self.plan = plan
        }
    }

    public var name: String { facts.name }
    /// Why, in the actor's own words.
    public var reason: String? { facts.reason }
    /// The user and the process, where the kernel told them.
    public var uid: UInt32? { facts.uid }
    public var pid: Int32? { facts.pid }
    /// The plan that was applied.
    public var plan: String? { facts.plan }

    public init(
        _ name: String, reason: String? = nil, uid: UInt32? = nil, pid: Int32? = nil,
        plan: String? = nil
    ) {
        facts = Facts(name: name, reason: reason, uid: uid, pid: pid, plan: plan)
    }

    /// The same, as the one who applies a plan.
    public func applying(_ plan: String) -> Actor {
        Actor(name, reason: reason, uid: uid, pid: pid, plan: plan)
    }

    /// The same, for another reason.
    public func because(_ reason: String) -> Actor {
        Actor(name, reason: reason, uid: uid, pid: pid, plan: plan)
    }

    /// `ops (uid 1001, pid 4242)`, as far as it is known.
    public var description: String {
        let known = [uid.map { "uid \($0)" }, pid.map { "pid \($0)" }].compactMap(\.self)
        return known.isEmpty ? name : "\(name) (\(known.joined(separator: ", ")))"
    }

    public static func == (a: Actor, b: Actor) -> Bool {
        a.facts === b.facts
            || (a.name, a.reason, a.uid, a.pid, a.plan) == (b.name, b.reason, b.uid, b.pid, b.plan)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(plan)
    }

    private enum CodingKeys: String, CodingKey {
        case name, reason, uid, pid, plan
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try values.decode(String.self, forKey: .name),
            reason: try values.decodeIfPresent(String.self, forKey: .reason),
            uid: try values.decodeIfPresent(UInt32.self, forKey: .uid),
            pid: try values.decodeIfPresent(Int32.self, forKey: .pid),
            plan: try values.decodeIfPresent(String.self, forKey: .plan))
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encodeIfPresent(reason, forKey: .reason)
        try values.encodeIfPresent(uid, forKey: .uid)
        try values.encodeIfPresent(pid, forKey: .pid)
        try values.encodeIfPresent(plan, forKey: .plan)
    }
}
