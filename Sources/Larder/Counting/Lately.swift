/// What a cache counted in its last ten minutes, or since its bounds were changed or somebody
/// looked again, where that is shorter. Only this tells whether a bound is short: older counts
/// belong to other bounds.
public struct Lately: Hashable, Sendable, Codable {
    /// When that time began; it reaches to the instant of the snapshot.
    public var since: AgeInstant
    /// As ``CacheCounters/misses``, within that time.
    public var misses: UInt64 = 0
    /// Misses on keys that had been evicted within the minute before, under the present bounds.
    public var ghostEvicted: UInt64 = 0
    /// Misses on keys that had expired within the minute before, under the present bounds.
    public var ghostExpired: UInt64 = 0
    /// As ``CacheCounters/evicted``, within that time.
    public var evicted: UInt64 = 0
    /// Entries that left, for whatever cause.
    public var left: UInt64 = 0
    /// Those of them that left without a single hit.
    public var unused: UInt64 = 0

    /// Nothing counted yet.
    public init(since: AgeInstant) { self.since = since }

    /// How far back it reaches at most.
    public static let longest = Duration.seconds(600)

    /// The share of the misses, 0...1, that more room would have spared; `nil` without a miss.
    public var ghostEvictedShare: Double? { shareOfMisses(ghostEvicted) }

    /// The share of the misses, 0...1, that a longer ttl would have spared; `nil` without a miss.
    public var ghostExpiredShare: Double? { shareOfMisses(ghostExpired) }

    private func shareOfMisses(_ count: UInt64) -> Double? {
        misses == 0 ? nil : Double(count) / Double(misses)
    }

    /// What came since an earlier count from the same beginning.
    fileprivate func after(_ reading: Readings.Reading) -> Lately {
        var rest = Lately(since: reading.at)
        for part in Self.parts {
            // Two who look at once may come here in either order.
            let (now, before) = (self[keyPath: part], reading.counted[keyPath: part])
            rest[keyPath: part] = now - min(now, before)
        }
        return rest
    }

    fileprivate static var parts: [WritableKeyPath<Lately, UInt64>] {
        [\.misses, \.ghostEvicted, \.ghostExpired, \.evicted, \.left, \.unused]
    }
}

/// What was counted since the bounds of a cache are what they are.
struct UnderBounds {
    let since: AgeInstant
    /// The bounds before, and since when; `nil` where there were no others.
    let former: (bounds: CacheConfiguration, since: Int64)?
    private let before: CacheCounters
    private var (ghostEvicted, ghostExpired) = (UInt64(0), UInt64(0))

    init(
        since: AgeInstant, after former: (bounds: CacheConfiguration, since: Int64)? = nil,
        _ counters: CacheCounters
    ) {
        (self.since, self.former, before) = (since, former, counters)
    }

    /// Notes a miss on a key that left at an instant. What left under other bounds does not tell
    /// whether these are short.
    mutating func ghostHit(_ cause: RemovalCause, leftAt left: Int64) {
        guard left >= since.nanoseconds else { return }
        switch cause {
        case .evicted: ghostEvicted += 1
        case .expired: ghostExpired += 1
        case .invalidated, .replaced: break
        }
    }

    func counted(_ counters: CacheCounters) -> Lately {
        var lately = Lately(since: since)
        lately.misses = counters.misses - before.misses
        (lately.ghostEvicted, lately.ghostExpired) = (ghostEvicted, ghostExpired)
        lately.evicted = counters.evicted - before.evicted
        lately.left = counters.left - before.left
        lately.unused = counters.unused - before.unused
        return lately
    }
}

extension CacheCounters {
    /// Entries that left, for whatever cause.
    var left: UInt64 { RemovalCause.allCases.reduce(0) { $0 + removals($1) } }
}

/// What a cache had counted since its bounds were changed, read every few seconds of the last ten
/// minutes: what came since one of those instants is the difference.
struct Readings: Sendable {
    struct Reading: Sendable {
        var at: AgeInstant
        var counted: Lately
    }

    /// Of the present bounds, in the order of time.
    private var all: [Reading] = []

    static let spacing = Duration.seconds(5)
    private static let most = 121

    /// Takes a reading; tells what came within ``Lately/longest``, or `nil` where nobody has looked
    /// for so long that it is not known.
    mutating func take(_ counted: Lately, at now: AgeInstant) -> Lately? {
        all.removeAll { $0.counted.since != counted.since || now - $0.at > Lately.longest }
        let first = all.first
        if all.last.map({ now - $0.at >= Self.spacing }) ?? true, all.count < Self.most {
            if all.isEmpty { all.reserveCapacity(Self.most) }
            all.append(Reading(at: now, counted: counted))
        }
        guard now - counted.since > Lately.longest else { return counted }
        return first.map { counted.after($0) }
    }

    /// The memory in use for them.
    var bytes: Int { all.count * MemoryLayout<Reading>.stride }
}
