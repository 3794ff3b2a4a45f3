// How sure what-ifs are.

extension LookUpRecord {
    /// By how much a replay differs from the hit ratio that came: by what is not on record, and by
    /// what a replay knows nothing of. It is seen under the present bounds, and under those before as
    /// long as there are few look-ups since; 0 where there are few under either.
    var bias: Double {
        func bias(_ bounds: CacheConfiguration, _ times: Range<Int64>) -> Double? {
            let tally = tally(bounds, times)
            let enough = isUnder(bounds, times) ? 1 : 200
            guard tally.lookups >= enough else { return nil }
            return abs(Self.misses(tally) - Double(tally.came)) / Double(tally.lookups)
        }
        let now = bias(present, boundsSince..<(.max))
        guard let former, now == nil, former.since < boundsSince else { return now ?? 0 }
        return bias(former.bounds, former.since..<boundsSince) ?? 0
    }

    /// Whether all that is on record was looked up under the present bounds.
    private func isUnder(_ bounds: CacheConfiguration, _ times: Range<Int64>) -> Bool {
        bounds == present && times.lowerBound <= steps.first?.at ?? .max
    }

    /// Half the width of the 95 % bar of a hit ratio.
    func error(
        _ bounds: CacheConfiguration, _ tally: SimulatedCache.Tally, _ ratio: Double,
        _ steepness: Double
    ) -> Double {
        guard tally.lookups > 0 else { return 1 }
        let expected = Double(tally.lookups) * weight
        let rate = basis.rate
        // A sum over sampled keys, each of which is in by chance.
        var variance = (1 - rate) * tally.squares / (expected * expected)
        // By the same chance more or fewer of the keys that matter share the smaller cache.
        if rate < 1 {
            let held = tally.effectiveEntries
            variance += steepness * steepness * (1 - rate) / held
        }
        // What is left to chance, or to hashes, in a policy comes out otherwise another time.
        if bounds.policy.isLeftToChance {
            variance += max(ratio * (1 - ratio), 1 / expected) / expected
        }
        // What the record cannot teach of the time before is about what it does teach.
        let learning =
            tally.unlearned.map { 0.005 + 1.4 * abs(Self.misses(tally) - $0) / expected } ?? 0
        // Of three draws the truth is another one.
        let hashes = 1.3 * tally.spread / expected
        let cold = Double(tally.cold + tally.guessed) / 2 / expected
        let error =
            1.96 * variance.squareRoot() + cold + max(learning, hashes)
            + (isRhythmUnknown(bounds) ? 0.01 : 0)
        // So few places are not a smaller cache any more.
        let isTooSmall = rate < 1 && Double(bounds.maxsize ?? .max) * rate < Self.fewestPlaces
        return min(1, isTooSmall ? max(0.5, error) : error)
    }

    /// Counts of uses halve every so many look-ups, which depends on how many entries there are where
    /// bytes are the only bound, at instants that no replay knows.
    private func isRhythmUnknown(_ bounds: CacheConfiguration) -> Bool {
        if case .lfu(ages: true) = bounds.policy { bounds.maxsize == nil } else { false }
    }

    /// A sampled cache of fewer says nothing of the whole.
    private static let fewestPlaces = 8.0

    /// The share of look-ups that are served what the origin has changed since: of the hits, a share
    /// that their ages tell.
    func staleness(
        _ tally: SimulatedCache.Tally, _ ratio: Double, ratioError: Double
    ) -> (share: Double?, error: Double?) {
        let hits = tally.ages.reduce(0.0) { $0 + Double($1) }
        guard tally.lookups > 0, let rate = basis.changes.perSecond, let most = basis.changes.most
        else { return (nil, nil) }
        func share(_ rate: Double) -> Double {
            let outdated = tally.ages.enumerated().reduce(0.0) { sum, bucket in
                guard bucket.element > 0 else { return sum }
                let kept = Maths.exp(-rate * AgeBuckets.seconds(bucket.offset))
                return sum + Double(bucket.element) * (1 - kept)
            }
            return hits > 0 ? ratio * outdated / hits : 0
        }
        let likeliest = share(rate)
        let spread = max(likeliest - share(basis.changes.least), share(most) - likeliest)
        return (likeliest, min(1, spread + likeliest * ratioError))
    }
}

extension SimulatedCache.Tally {
    /// Entries of one size that would spread as much by chance as those that are held.
    var effectiveEntries: Double {
        squaredBytes > 0 ? max(1, bytes * bytes / squaredBytes) : Double(max(1, entries))
    }
}

extension Policy {
    /// Whether it goes by keys that it does not hold any more.
    var remembers: Bool {
        switch self {
        case .s3fifo, .tinylfu: true
        case .lru, .fifo, .lfu, .rr, .sieve: false
        }
    }

    /// Whether what is held depends on the look-ups of late alone, once the cache is full.
    var goesByTime: Bool {
        switch self {
        case .lru, .fifo: true
        case .lfu, .rr, .sieve, .s3fifo, .tinylfu: false
        }
    }

    /// Whether it evicts others where keys have other hashes, which a replay does not know.
    var goesByHashes: Bool { if case .tinylfu = self { true } else { false } }

    /// Whether another run would evict others.
    var isLeftToChance: Bool {
        switch self {
        case .rr, .tinylfu: true
        case .lru, .fifo, .lfu, .sieve, .s3fifo: false
        }
    }
}
