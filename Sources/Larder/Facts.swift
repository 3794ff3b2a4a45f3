/// What bounds a cache: either bound may be absent (`nil`).
public struct Configuration: Hashable, Sendable, Codable {
    /// Most entries the cache may hold. 0 keeps nothing: every look-up fetches.
    public var maxsize: Int?
    /// How long an entry may be served after it was written. 0 keeps nothing.
    public var ttl: Duration?

    public init(maxsize: Int?, ttl: Duration?) {
        self.maxsize = maxsize
        self.ttl = ttl
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
        if let ttl, ttl < .zero {
            throw CacheError("ttl \(ttl) is negative; 0 s or more is accepted")
        }
    }

    /// Entries are addressed by 32-bit numbers.
    public static let largestMaxsize = Int(Int32.max)
}

/// Why a cache refused something, as a sentence for the one who asked.
public struct CacheError: Error, Hashable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// A value that knows when it ends: a cache never serves it from then on, whatever its ttl.
public protocol Expiring {
    /// The first instant at which the value is no longer good; `nil` where it has no end.
    var expiry: Instant? { get }
}

/// A key or value that knows the memory it owns outside its own inline storage.
public protocol ByteSized {
    /// Bytes on the heap, allocation headers included; 0 for a value held inline.
    var heapBytes: Int { get }
}

extension String: ByteSized {
    /// Up to 15 UTF-8 bytes are held inline; longer text has a 32-byte header and a closing zero.
    public var heapBytes: Int { utf8.count <= 15 ? 0 : allocated(32 + utf8.count + 1) }
}

extension Array: ByteSized where Element == UInt8 {
    /// The room for bytes behind a 32-byte header; an array without room owns nothing.
    public var heapBytes: Int { capacity == 0 ? 0 : allocated(32 + capacity) }
}

/// What the allocator takes for a request: its own 8 bytes, in steps of 16, at least 32.
package func allocated(_ bytes: Int) -> Int { max(32, (bytes + 8 + 15) & ~15) }

/// Why an entry left its cache.
public enum RemovalCause: String, Hashable, Sendable, Codable, CaseIterable {
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
    /// How long its fetch took; zero where the value was inserted.
    public var fetchTime: Duration

    public init(
        version: UInt64, writtenAt: Instant, expiry: Instant?, deadline: Instant, hits: UInt64,
        lastHit: Instant?, bytes: Int, fetchTime: Duration
    ) {
        self.version = version
        self.writtenAt = writtenAt
        self.expiry = expiry
        self.deadline = deadline
        self.hits = hits
        self.lastHit = lastHit
        self.bytes = bytes
        self.fetchTime = fetchTime
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
    /// Flights whose fetch failed.
    public var fetchFailures: UInt64 = 0
    public var evicted: UInt64 = 0
    public var expired: UInt64 = 0
    public var invalidated: UInt64 = 0
    public var replaced: UInt64 = 0

    public init() {}

    public var lookups: UInt64 { hits + misses + coalesced }

    /// Hits over look-ups, 0...1; `nil` before the first look-up.
    public var hitRatio: Double? { lookups == 0 ? nil : Double(hits) / Double(lookups) }

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

/// Who asked for a change, and why.
public struct Actor: Hashable, Sendable, Codable {
    public var name: String
    public var reason: String?

    public init(_ name: String, reason: String? = nil) {
        self.name = name
        self.reason = reason
    }
}
