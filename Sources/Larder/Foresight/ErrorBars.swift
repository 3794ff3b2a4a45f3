// How sure what-ifs are.

extension LookUpRecord {
    /// Half the width of the 95 % bar of a hit ratio.
    func error(
        _ bounds: CacheConfiguration, _ tally: Miniature.Tally, _ ratio: Double,
        _ steepness: Double
    ) -> Double {
        guard tally.lookups > 0 else { return 1 }
        let expected = Double(tally.lookups) * weight
        let rate = basis.rate
        // A sum over sampled keys, each of which is in by chance.
        var variance = (1 - rate) * tally.squares / (expected * expected)
        // By the same chance more or fewer of the keys that matter share the smaller cache.
        if rate < 1 {
            let held = Double(max(1, tally.entries))
            variance += steepness * steepness * (1 - rate) / held
        }
        // What is left to chance, or to hashes, in a policy comes out otherwise another time.
        if bounds.policy.isLeftToChance {
            variance += max(ratio * (1 - ratio), 1 / expected) / expected
        }
        // What a policy has learned before the record it learns here anew: how far that goes on is
        // seen by the difference between two halves.
        var learning = 0.0
        let (later, rest) = (tally.later.lookups, tally.lookups - tally.later.lookups)
        if bounds.policy.learns, !basis.isWhole || rate < 1, later > 0, rest > 0 {
            let before = Double(tally.misses - tally.later.misses) / Double(rest)
            learning = 0.01 + abs(Double(tally.later.misses) / Double(later) - before) / 2
        }
        let cold = Double(tally.cold + tally.guessed) / 2 / expected
        return min(1, 1.96 * variance.squareRoot() + cold + learning)
    }

    /// The share of look-ups that are served what the origin has changed since.
    func staleness(
        _ tally: Miniature.Tally, _ expected: Double, ratioError: Double
    ) -> (share: Double?, error: Double?) {
        guard expected > 0, let rate = basis.changes.perSecond, let most = basis.changes.most else {
            return (nil, nil)
        }
        func share(_ rate: Double) -> Double {
            let hits = tally.ages.enumerated().reduce(0.0) { sum, bucket in
                guard bucket.element > 0 else { return sum }
                let kept = Maths.exp(-rate * AgeBuckets.seconds(bucket.offset))
                return sum + Double(bucket.element) * (1 - kept)
            }
            return min(1, hits / expected)
        }
        let likeliest = share(rate)
        let spread = max(likeliest - share(basis.changes.least), share(most) - likeliest)
        return (likeliest, min(1, spread + likeliest * ratioError))
    }
}

extension Policy {
    /// Whether it adapts itself to what it saw long ago.
    var learns: Bool {
        switch self {
        case .tinylfu: true
        case .lru, .fifo, .lfu, .rr, .sieve, .s3fifo: false
        }
    }

    /// Whether another run would evict others.
    var isLeftToChance: Bool {
        switch self {
        case .rr, .tinylfu: true
        case .lru, .fifo, .lfu, .sieve, .s3fifo: false
        }
    }
}
