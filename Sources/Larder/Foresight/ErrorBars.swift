// How sure what-ifs are.

extension LookUpRecord {
    /// By how much a replay under the present bounds differs from the hit ratio that came: by what is
    /// not on record, and by what a replay knows nothing of. 0 where the record is of other bounds as
    /// well.
    var bias: Double {
        guard isUnderPresent else { return 0 }
        let tally = tally(present)
        guard tally.lookups > 0 else { return 0 }
        return abs(Self.misses(tally) - Double(tally.came)) / Double(tally.lookups)
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
            let held = Double(max(1, tally.entries))
            variance += steepness * steepness * (1 - rate) / held
        }
        // What is left to chance, or to hashes, in a policy comes out otherwise another time.
        if bounds.policy.isLeftToChance {
            variance += max(ratio * (1 - ratio), 1 / expected) / expected
        }
        // What the record cannot teach of the time before is about what it does teach.
        let learning =
            tally.unlearned.map { 0.005 + 1.4 * abs(Self.misses(tally) - $0) / expected } ?? 0
        let cold = Double(tally.cold + tally.guessed) / 2 / expected
        return min(1, 1.96 * variance.squareRoot() + cold + learning)
    }

    /// The share of look-ups that are served what the origin has changed since.
    func staleness(
        _ tally: SimulatedCache.Tally, _ expected: Double, ratioError: Double
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
    /// Whether it goes by keys that it does not hold any more.
    var remembers: Bool {
        switch self {
        case .s3fifo, .tinylfu: true
        case .lru, .fifo, .lfu, .rr, .sieve: false
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
