// How sure what-ifs are.

extension LookUpRecord {
    /// By how much a replay differs from the hit ratio that came: by what is not on record, and by
    /// what a replay knows nothing of, chance aside. It is seen under the present bounds, and under
    /// those before as long as there are few look-ups since; 0 where there are few under either.
    var bias: Double {
        func bias(_ bounds: CacheConfiguration, _ times: Range<Int64>) -> Double? {
            let isChaotic = bounds.policy.goesByHashes
            let tally = isChaotic ? surveyed(bounds, times) : tally(bounds, times)
            let enough = isUnder(bounds, times) ? 1 : 200
            guard tally.lookups >= enough else { return nil }
            let apart = abs(Self.misses(tally) - Double(tally.came))
            let chance = isChaotic && tally.evictions > 0 ? tally.spread : 0
            return max(0, apart - chance) / Double(tally.lookups)
        }
        let now = bias(present, boundsSince..<(.max))
        guard let former, now == nil, former.since < boundsSince else { return now ?? 0 }
        return bias(former.bounds, former.since..<boundsSince) ?? 0
    }

    /// Whether all that is on record was looked up under the present bounds.
    private func isUnder(_ bounds: CacheConfiguration, _ times: Range<Int64>) -> Bool {
        bounds == present && times.lowerBound <= steps.first?.at ?? .max
    }

    /// Hit ratios around a point.
    struct Surroundings {
        /// At half the size and at twice, as far as they are known.
        var sizes: [Double] = []
        /// At half the ttl and at twice.
        var ttls: [Double] = []

        /// How far the ratio is from them at the most.
        static func apart(_ ratios: [Double], _ ratio: Double) -> Double {
            ratios.map { abs($0 - ratio) }.max() ?? 0
        }
    }

    /// Half the width of the 95 % bar of a hit ratio.
    func error(
        _ bounds: CacheConfiguration, _ tally: SimulatedCache.Tally, _ ratio: Double,
        _ around: Surroundings
    ) -> Double {
        guard tally.lookups > 0, tally.expected > 0 else { return 1 }
        let (expected, rate) = (tally.expected, basis.rate)
        let policy = tally.evictions == 0 ? Policy.lru : bounds.policy
        // A sum over sampled keys, each of which is in by chance.
        var variance = (1 - rate) * tally.squares / (expected * expected)
        // By the same chance more or fewer of the keys that matter share the smaller cache.
        if rate < 1 {
            let steepness = Surroundings.apart(around.sizes, ratio) / Maths.log(2)
            variance += steepness * steepness * (1 - rate) / tally.effectiveEntries
        }
        // What is left to chance, or to hashes, in a policy comes out otherwise another time; the
        // other beginnings have other hashes already.
        if policy.isLeftToChance(isWhole: basis.isWhole) {
            variance += max(ratio * (1 - ratio), 1 / expected) / expected
        }
        let acrossTTLs = Surroundings.apart(around.ttls, ratio)
        let spread = tally.spread / expected
        let isKnown = policy.goesByTime || policy.goesByHashes && !basis.isWhole
        let chaos = spread + (isKnown ? 0 : Self.otherStates(acrossTTLs, spread))
        let learning = learningError(tally, acrossTTLs)
        let cold = Double(tally.cold + tally.guessed) / 2 / expected
        let error =
            Self.deviations * variance.squareRoot() + cold + max(learning, chaos)
            + stateError(bounds, policy)
        // So few places are not a smaller cache any more.
        let isTooSmall = rate < 1 && Double(bounds.maxsize ?? .max) * rate < Self.fewestPlaces
        return min(1, isTooSmall ? max(0.5, error) : error)
    }

    /// What the record cannot teach of the time before is about what it does teach, and what other
    /// beginnings would.
    private func learningError(_ tally: SimulatedCache.Tally, _ acrossTTLs: Double) -> Double {
        guard let unlearned = tally.unlearned else { return 0 }
        let misses = Self.misses(tally)
        func apart(_ other: Double) -> Double { abs(misses - other) / tally.expected }
        let most = max(apart(unlearned), tally.others.map(apart).max() ?? 0)
        return 0.0075 + max(1.4 * apart(unlearned), most) + Self.otherStates(acrossTTLs, most)
    }

    /// Where beginnings differ, and a longer ttl would bring something else too, there are more states
    /// that last than the few that were tried.
    private static func otherStates(_ acrossTTLs: Double, _ acrossBeginnings: Double) -> Double {
        min(0.4 * acrossTTLs, 2 * acrossBeginnings)
    }

    /// What a policy does by a state that no replay knows.
    private func stateError(_ bounds: CacheConfiguration, _ policy: Policy) -> Double {
        // Where the record begins in the middle, they hold for long what they did then.
        let past = basis.isWhole ? 0 : 0.0075
        switch policy {
        // Counts of uses halve every so many look-ups, which depends on how many entries there are
        // where bytes are the only bound, at instants that no replay knows.
        case .lfu(let ages): return ages && bounds.maxsize == nil ? 0.01 : past
        case .rr, .sieve: return past
        // It goes on another way from the least difference.
        case .tinylfu: return basis.isWhole ? 0.005 : 0
        case .lru, .fifo, .s3fifo: return 0
        }
    }

    /// More than 1.96, for a table's points are off together.
    private static let deviations = 2.6

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

    /// Whether another run would evict others, and its replays do not tell how far apart these are.
    func isLeftToChance(isWhole: Bool) -> Bool {
        switch self {
        case .rr: true
        case .tinylfu: isWhole
        case .lru, .fifo, .lfu, .sieve, .s3fifo: false
        }
    }
}
