/// Everything a cache counts, since it was made.
public struct CacheCounters: Hashable, Sendable, Codable {
    /// Look-ups served from an entry.
    public var hits: UInt64 = 0
    /// Look-ups that had to wait for a flight that they started, and those that found nothing and
    /// could not start one.
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
    /// Fetches that failed. That something is absent is an answer, and no failure.
    public var failed: UInt64 { fetchFailures - min(failures[.absent], fetchFailures) }
    /// Entries that left because the cache was full.
    public var evicted: UInt64 = 0
    /// Entries that left because their deadline had come.
    public var expired: UInt64 = 0
    /// Entries that left because someone asked for it.
    public var invalidated: UInt64 = 0
    /// Entries that gave way to a newer value, or to the answer that there is no such thing.
    public var replaced: UInt64 = 0
    /// Values that were larger than the whole cache may be, and were not kept.
    public var oversized: UInt64 = 0
    /// Entries that left without a single hit: fetched for nothing.
    public var unused: UInt64 = 0
    /// Misses on keys that had been evicted within the last minute: room is short.
    public var ghostEvicted: UInt64 = 0
    /// Misses on keys that had expired within the last minute: the ttl is short.
    public var ghostExpired: UInt64 = 0

    /// All counts 0.
    public init() {}

    /// All look-ups: each is a hit, a miss, coalesced or refused.
    public var lookups: UInt64 { hits + misses + coalesced + refused }

    /// Hits over look-ups, 0...1; `nil` before the first look-up.
    public var hitRatio: Double? { lookups == 0 ? nil : Double(hits) / Double(lookups) }

    /// The share of the misses, 0...1, that were on keys evicted within the minute before: more
    /// room would spare them. `nil` before the first miss.
    public var ghostEvictedShare: Double? { shareOfMisses(ghostEvicted) }

    /// The share of the misses, 0...1, that were on keys expired within the minute before: a longer
    /// ttl would spare them. `nil` before the first miss.
    public var ghostExpiredShare: Double? { shareOfMisses(ghostExpired) }

    private func shareOfMisses(_ count: UInt64) -> Double? {
        misses == 0 ? nil : Double(count) / Double(misses)
    }

    mutating func ghostHit(_ cause: RemovalCause) {
        switch cause {
        case .expired: ghostExpired += 1
        case .evicted: ghostEvicted += 1
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
