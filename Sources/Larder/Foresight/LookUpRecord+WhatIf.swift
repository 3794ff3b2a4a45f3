extension LookUpRecord {
    /// What `bounds` would have brought for these look-ups.
    public func whatIf(_ bounds: CacheConfiguration) -> WhatIf {
        let tally = tally(bounds)
        guard basis.rate < 1 else { return whatIf(bounds, tally, steepness: 0) }
        let (less, more) = (bounds.sized(by: 0.5), bounds.sized(by: 2))
        let ratios = [self.tally(less), tally, self.tally(more)].map(hitRatio)
        return whatIf(bounds, tally, steepness: Self.steepness(ratios, 1))
    }

    /// The factors by which sizes and ttls are tried out.
    public static let factors = [0.125, 0.25, 0.5, 1, 2, 4, 8]

    /// Sizes by ttls of one policy, and all policies at the present bounds.
    ///
    /// It replays the record some sixty times, and gives way to other tasks between them.
    public func grid() async -> WhatIfGrid {
        let sizes = Self.distinct(Self.factors.map { present.sized(by: $0) })
        var points = sizes.map { _ in [WhatIf]() }
        for factor in present.ttl == nil || present.ttl == .zero ? [1] : Self.factors {
            let column = sizes.map { $0.living(by: factor) }
            var tallies: [Miniature.Tally] = []
            for bounds in column {
                tallies.append(tally(bounds))
                await Task.yield()
            }
            let ratios = tallies.map(hitRatio)
            for row in column.indices {
                points[row].append(
                    whatIf(column[row], tallies[row], steepness: Self.steepness(ratios, row)))
            }
        }
        var policies: [WhatIf] = []
        for name in Policy.names {
            var other = present
            let isPresent = "\(present.policy)".prefix { $0 != "," } == name
            if !isPresent, let named = Policy(name) { other.policy = named }
            policies.append(whatIf(other))
            await Task.yield()
        }
        return WhatIfGrid(
            basis: basis, present: whatIf(present), points: points.flatMap(\.self),
            policies: policies)
    }

    private static func distinct(_ sizes: [CacheConfiguration]) -> [CacheConfiguration] {
        sizes.enumerated().filter { $0 == 0 || sizes[$0 - 1] != $1 }.map(\.element)
    }

    private func tally(_ bounds: CacheConfiguration) -> Miniature.Tally {
        defer { Block.giveBack() }
        var miniature = Miniature(self, bounds)
        return miniature.run()
    }

    /// Of the look-ups that were to be expected: where a key that is asked for very often is not
    /// among the sampled ones, its hits are counted all the same (the correction of SHARDS).
    private func hitRatio(_ tally: Miniature.Tally) -> Double {
        guard tally.lookups > 0 else { return 0 }
        let misses = Double(tally.misses) - Double(tally.cold) / 2
        let expected = Double(tally.lookups) * weight
        return min(1, max(0, (expected - misses) / expected))
    }

    /// How much the ratio changes where a size is e times as large, at the steeper side.
    private static func steepness(_ ratios: [Double], _ row: Int) -> Double {
        let sides = [row - 1, row + 1].filter(ratios.indices.contains)
        return (sides.map { abs(ratios[$0] - ratios[row]) }.max() ?? 0) / Maths.log(2)
    }

    private func whatIf(
        _ bounds: CacheConfiguration, _ tally: Miniature.Tally, steepness: Double
    ) -> WhatIf {
        let ratio = hitRatio(tally)
        let error = error(bounds, tally, ratio, steepness)
        let expected = Double(tally.lookups) * weight
        let rate = basis.rate
        let (stale, staleError) = staleness(tally, expected, ratioError: error)
        let isInBytes = present.maxbytes != nil
        let entries = Double(tally.entries) / rate
        let bytes = isInBytes ? tally.bytes / rate : entries * entryBytes
        let spread = 1.96 * (Double(tally.entries) * (1 - rate)).squareRoot() / rate
        let each = isInBytes && tally.entries > 0 ? tally.bytes / Double(tally.entries) : entryBytes
        return WhatIf(
            bounds: bounds, hitRatio: ratio, hitRatioError: error,
            fetchesPerSecond: (1 - ratio) * lookupsPerSecond,
            fetchesPerSecondError: error * lookupsPerSecond, stale: stale, staleError: staleError,
            entries: Int(entries), bytes: Int(min(bytes, 1e18)),
            bytesError: Int(min(spread * each, 1e18)))
    }

    /// Half the width of the 95 % bar of a hit ratio.
    private func error(
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
    private func staleness(
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

extension CacheConfiguration {
    /// The same with sizes so many times as large, but not less than 1; an absent bound stays so.
    func sized(by factor: Double) -> CacheConfiguration {
        func scaled(_ bound: Int, _ most: Int) -> Int {
            bound == 0 ? 0 : max(1, Int(min(Double(most), Double(bound) * factor)))
        }
        var sized = self
        sized.maxsize = maxsize.map { scaled($0, CacheConfiguration.largestMaxsize) }
        sized.maxbytes = maxbytes.map { scaled($0, 1 << 62) }
        return sized
    }

    /// The same with a ttl so many times as long.
    func living(by factor: Double) -> CacheConfiguration {
        var living = self
        living.ttl = ttl.map { ttl in
            .nanoseconds(Int64(min(Double(ttl.nanoseconds) * factor, 9e18)))
        }
        return living
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
