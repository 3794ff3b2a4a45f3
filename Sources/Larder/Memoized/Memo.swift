import Synchronization

/// What a memoized function remembers: its cache, and since when it counts.
///
/// The cache's counters go on for ever; here stands how far they were at the last clear. Results of
/// plain functions come to the cache by `keep`, whose lock puts them before or after a clear.
public final class Memo<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Where the results are kept.
    public let cache: Cache<Key, Value>
    private let start = Guarded(Start())

    private struct Start {
        var clears: UInt64 = 0
        var counters = CacheCounters()
    }

    /// - Parameter fetch: `nil` where each call brings its own.
    init(_ options: MemoOptions, fetch: Cache<Key, Value>.Fetch?) {
        cache = Cache(
            options.name, maxsize: options.maxsize, ttl: options.ttl, policy: options.policy,
            clock: options.clock, fetch: fetch)
    }

    /// How often it was cleared.
    var clears: UInt64 { start.withLock { $0.clears } }

    /// Keeps a result worked out since the `clears`th clear, unless there is one by now; returns
    /// the one to go by.
    func keep(_ value: Value, for key: Key, unlessClearedSince clears: UInt64) -> Value {
        start.withLock { start in
            guard start.clears == clears else { return value }
            if let first = cache.peek(key)?.value { return first }
            cache.insert(value, for: key)
            return value
        }
    }

    func clear() {
        // From here on nothing older is kept; what was kept before goes next.
        start.withLock { start in
            start.clears += 1
            start.counters = cache.snapshot().counters
        }
        cache.invalidateAll()
    }

    var info: CacheInfo {
        let (start, now) = start.withLock { ($0.counters, cache.snapshot()) }
        var live = 0
        cache.survey { _, facts in if now.at < facts.deadline { live += 1 } }
        return CacheInfo(
            hits: now.counters.hits - start.hits, misses: now.counters.misses - start.misses,
            coalesced: now.counters.coalesced - start.coalesced,
            maxsize: now.configuration.maxsize, currsize: live)
    }
}

/// How a memoized function keeps its results.
struct MemoOptions {
    var policy = Policy.lru
    var name: String
    var maxsize: Int?
    var ttl: Duration?
    var clock: AgeClock
}
