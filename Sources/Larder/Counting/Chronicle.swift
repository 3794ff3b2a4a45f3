/// A cache at one instant of its last hour: what it had counted until then, what it held, and the
/// bounds that it had.
///
/// Between two samples of ``Cache/history(since:)`` lies about a second. Where more lies between
/// them, nobody looked or the machine stood still: of that time only the sums are known.
public struct CacheSample: Hashable, Sendable {
    /// When the sample was taken.
    public var at: AgeInstant
    /// As ``CacheCounters/hits``: like all counts here, since the cache was made.
    public var hits: UInt64 = 0
    /// As ``CacheCounters/misses``.
    public var misses: UInt64 = 0
    /// As ``CacheCounters/coalesced``.
    public var coalesced: UInt64 = 0
    /// As ``CacheCounters/refused``.
    public var refused: UInt64 = 0
    /// Fetches that brought a value, or that there is no such thing.
    public var fetched: UInt64 = 0
    /// As ``CacheCounters/failed``.
    public var failed: UInt64 = 0
    /// As ``CacheCounters/evicted``.
    public var evicted: UInt64 = 0
    /// As ``CacheCounters/expired``.
    public var expired: UInt64 = 0
    /// As ``CacheCounters/invalidated``.
    public var invalidated: UInt64 = 0
    /// As ``CacheCounters/replaced``.
    public var replaced: UInt64 = 0
    /// Entries held; those past their deadline and not yet swept are among them.
    public var count = 0
    /// Bytes of all entries held.
    public var bytes = 0
    /// Most entries at that time; `nil` where there was no such bound.
    public var maxsize: Int?
    /// Most bytes at that time; `nil` where there was no such bound.
    public var maxbytes: Int?
    /// How long an entry lived at that time; `nil` for no end but the value's own.
    public var ttl: Duration?

    /// All counts are 0 and all bounds absent until they are set.
    public init(at: AgeInstant) { self.at = at }

    /// How far back samples are kept.
    package static let kept = Duration.seconds(3600)
    /// A sample that follows another sooner is not kept: two who look each second are one.
    package static let spacing = Duration.milliseconds(950)
    /// Most samples in an hour, at their closest.
    package static let most = 3800

    /// What is kept of a snapshot for an hour.
    public init(_ snapshot: CacheSnapshot) {
        let counters = snapshot.counters
        at = snapshot.at
        (hits, misses, coalesced) = (counters.hits, counters.misses, counters.coalesced)
        refused = counters.refused
        (fetched, failed) = (
            snapshot.fetchTimes.count &+ counters.failures[.absent], counters.failed
        )
        (evicted, expired) = (counters.evicted, counters.expired)
        (invalidated, replaced) = (counters.invalidated, counters.replaced)
        (count, bytes) = (snapshot.count, snapshot.bytes)
        maxsize = snapshot.configuration.maxsize
        maxbytes = snapshot.configuration.maxbytes
        ttl = snapshot.configuration.ttl
    }
}

/// The last hour of a cache, so that whoever attaches sees what was before.
///
/// Samples come from whoever looks, and from the inspector once a second: a hit knows nothing of
/// them. They lie in a ring of bounded size; with the usual feed of events beside it a cache keeps
/// less than 1 MiB of what was.
struct Chronicle: Sendable {
    private var samples: [CacheSample] = []
    /// The oldest, once the ring is full.
    private var oldest = 0
    /// Counts under the present bounds, read now and then: recent counts are their differences.
    var readings = Readings()

    private static let (length, spacing) = (CacheSample.kept, CacheSample.spacing)
    private static let most = CacheSample.most

    private var last: CacheSample? {
        samples.isEmpty ? nil : samples[(oldest + samples.count - 1) % samples.count]
    }

    func isDue(at now: AgeInstant) -> Bool { last.map { now - $0.at >= Self.spacing } ?? true }

    mutating func add(_ sample: CacheSample) {
        guard isDue(at: sample.at) else { return }
        if samples.count < Self.most {
            // All the room at once: what is not used of it costs nothing, and nothing is ever moved.
            if samples.isEmpty { samples.reserveCapacity(Self.most) }
            samples.append(sample)
        } else {
            samples[oldest] = sample
            oldest = (oldest + 1) % samples.count
        }
    }

    /// Those after `instant` and of the last hour, oldest first.
    func samples(after instant: AgeInstant, at now: AgeInstant) -> [CacheSample] {
        let first = max(instant, now + (.zero - Self.length))
        return (samples[oldest...] + samples[..<oldest]).filter { $0.at > first }
    }

    /// The memory in use for them.
    var bytes: Int { samples.count * MemoryLayout<CacheSample>.stride + readings.bytes }
}
