extension LookUpRecord {
    /// What `bounds` would have brought for these look-ups.
    public func whatIf(_ bounds: CacheConfiguration) -> WhatIf { whatIf(bounds, bias) }

    /// What is to come under the present bounds and under others, if look-ups go on as they were.
    ///
    /// A cache that has just begun fetches every key once: that does not come again and is left out.
    /// And look-ups of another time differ by chance, so that the fewer there are the wider the bar.
    package func forecasts(_ bounds: CacheConfiguration) -> (now: WhatIf, then: WhatIf) {
        var settled = self
        if basis.isWhole, let span {
            settled.from = max(from, span.first &+ (span.last &- span.first) / 3)
        }
        func forecast(_ bounds: CacheConfiguration, _ bias: Double) -> WhatIf {
            var whatIf = settled.whatIf(bounds, bias)
            let ratio = whatIf.hitRatio
            let lookups = max(1, Double(basis.recorded))
            let chance = 1.96 * (max(ratio * (1 - ratio), 1 / lookups) / lookups).squareRoot()
            whatIf.hitRatioError = min(1, whatIf.hitRatioError + chance)
            whatIf.fetchesPerSecondError = whatIf.hitRatioError * lookupsPerSecond
            return whatIf
        }
        let bias = settled.bias
        return (forecast(present, bias), forecast(bounds, bias))
    }

    private func whatIf(_ bounds: CacheConfiguration, _ bias: Double) -> WhatIf {
        let tally = tally(bounds)
        guard basis.rate < 1 else { return whatIf(bounds, tally, bias, steepness: 0) }
        let (less, more) = (bounds.sized(by: 0.5), bounds.sized(by: 2))
        let ratios = [self.tally(less), tally, self.tally(more)].map(hitRatio)
        return whatIf(bounds, tally, bias, steepness: Self.steepness(ratios, 1))
    }

    /// The factors by which sizes and ttls are tried out.
    public static let factors = [0.125, 0.25, 0.5, 1, 2, 4, 8]

    /// Sizes by ttls of one policy, and all policies at the present bounds.
    ///
    /// It replays the record some sixty times, and gives way to other tasks between them.
    public func grid() async -> WhatIfGrid {
        let sizes = Self.distinct(Self.factors.map { present.sized(by: $0) })
        let bias = bias
        var points = sizes.map { _ in [WhatIf]() }
        for factor in present.ttl == nil || present.ttl == .zero ? [1] : Self.factors {
            let column = sizes.map { $0.living(by: factor) }
            var tallies: [SimulatedCache.Tally] = []
            for bounds in column {
                tallies.append(tally(bounds))
                await Task.yield()
            }
            let ratios = tallies.map(hitRatio)
            for row in column.indices {
                points[row].append(
                    whatIf(
                        column[row], tallies[row], bias, steepness: Self.steepness(ratios, row)))
            }
        }
        var policies: [WhatIf] = []
        for name in Policy.names {
            var other = present
            let isPresent = "\(present.policy)".prefix { $0 != "," } == name
            if !isPresent, let named = Policy(name) { other.policy = named }
            policies.append(whatIf(other, bias))
            await Task.yield()
        }
        return WhatIfGrid(
            basis: basis, present: whatIf(present, bias), points: points.flatMap(\.self),
            policies: policies)
    }

    static func distinct(_ sizes: [CacheConfiguration]) -> [CacheConfiguration] {
        sizes.enumerated().filter { $0 == 0 || sizes[$0 - 1] != $1 }.map(\.element)
    }

    /// - Parameter times: Of the look-ups that count, as far as they are within the window.
    func tally(
        _ bounds: CacheConfiguration, _ times: Range<Int64> = .min..<(.max)
    ) -> SimulatedCache.Tally {
        defer { Block.giveBack() }
        func run(isWarm: Bool, salt: UInt64 = 0) -> SimulatedCache.Tally {
            var miniature = SimulatedCache(
                self, bounds, isWarm: isWarm, counted: times, salt: salt)
            return miniature.run()
        }
        // What a policy has learned goes further back than the record: it is to learn that from the
        // record itself.
        let isWarm = bounds.policy.remembers && !basis.isWhole
        var tally = run(isWarm: isWarm)
        if bounds.policy.goesByHashes {
            // Which keys share a place in its sketch is not known: the middle one of three.
            let runs = ([tally] + [1, 2].map { run(isWarm: isWarm, salt: $0) })
                .sorted { $0.misses < $1.misses }
            tally = runs[1]
            tally.spread = Double(runs[2].misses - runs[0].misses)
        }
        if isWarm { tally.unlearned = Self.misses(run(isWarm: false)) }
        return tally
    }

    /// Of what may have been hits, had the record begun earlier, half counts.
    static func misses(_ tally: SimulatedCache.Tally) -> Double {
        Double(tally.misses) - Double(tally.cold) / 2
    }

    /// Of the look-ups that were to be expected: where a key that is asked for very often is not
    /// among the sampled ones, its hits are counted all the same (the correction of SHARDS).
    func hitRatio(_ tally: SimulatedCache.Tally) -> Double {
        guard tally.lookups > 0 else { return 0 }
        let expected = Double(tally.lookups) * weight
        return min(1, max(0, (expected - Self.misses(tally)) / expected))
    }

    /// How much the ratio changes where a size is e times as large, at the steeper side.
    static func steepness(_ ratios: [Double], _ row: Int) -> Double {
        let sides = [row - 1, row + 1].filter(ratios.indices.contains)
        return (sides.map { abs(ratios[$0] - ratios[row]) }.max() ?? 0) / Maths.log(2)
    }

    func whatIf(
        _ bounds: CacheConfiguration, _ tally: SimulatedCache.Tally, _ bias: Double,
        steepness: Double
    ) -> WhatIf {
        let ratio = hitRatio(tally)
        let error = min(1, error(bounds, tally, ratio, steepness) + bias)
        let rate = basis.rate
        let (stale, staleError) = staleness(tally, ratio, ratioError: error)
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
