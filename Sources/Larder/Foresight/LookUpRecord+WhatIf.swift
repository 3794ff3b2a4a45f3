extension LookUpRecord {
    /// What `bounds` would have brought for these look-ups.
    public func whatIf(_ bounds: CacheConfiguration) -> WhatIf { whatIf(bounds, bias) }

    /// What is to come under the present bounds and under others, if look-ups go on as they were.
    ///
    /// A cache that has just begun fetches every key once: that does not come again and is left out.
    package func forecasts(_ bounds: CacheConfiguration) -> (now: WhatIf, then: WhatIf) {
        var settled = self
        if basis.isWhole, let span {
            settled.from = max(from, span.first &+ (span.last &- span.first) / 3)
        }
        let bias = settled.bias
        return (
            settled.toCome(settled.whatIf(present, bias)),
            settled.toCome(settled.whatIf(bounds, bias))
        )
    }

    /// The same for look-ups to come: those of another time differ by chance, so that the fewer there
    /// are the wider the bar.
    package func toCome(_ whatIf: WhatIf) -> WhatIf {
        var whatIf = whatIf
        let ratio = whatIf.hitRatio
        // By which keys are followed they differ already.
        let lookups = Double(max(1, basis.recorded, basis.lookups))
        let chance = 1.96 * (max(ratio * (1 - ratio), 1 / lookups) / lookups).squareRoot()
        whatIf.hitRatioError = min(1, whatIf.hitRatioError + chance)
        whatIf.fetchesPerSecondError = whatIf.hitRatioError * lookupsPerSecond
        return whatIf
    }

    private func whatIf(_ bounds: CacheConfiguration, _ bias: Double) -> WhatIf {
        func ratios(_ less: CacheConfiguration, _ more: CacheConfiguration) -> [Double] {
            [less, more].map { hitRatio(tally($0)) }
        }
        let surveyed = surveyed(bounds)
        var around = Surroundings()
        if basis.rate < 1 { around.sizes = ratios(bounds.sized(by: 0.5), bounds.sized(by: 2)) }
        if surveyed.unlearned != nil || surveyed.spread > 0, bounds.ttl != nil {
            around.ttls = ratios(bounds.living(by: 0.5), bounds.living(by: 2))
        }
        return whatIf(bounds, surveyed, bias, around)
    }

    /// The factors by which sizes and ttls are tried out.
    public static let factors = [0.125, 0.25, 0.5, 1, 2, 4, 8]

    /// Sizes by ttls of one policy, and all policies at the present bounds.
    ///
    /// It replays the record up to seven times a point, and gives way to other tasks between points.
    public func grid() async -> WhatIfGrid {
        let sizes = Self.distinct(Self.factors.map { present.sized(by: $0) })
        let factors = present.ttl == nil || present.ttl == .zero ? [1] : Self.factors
        let rows = sizes.map { size in factors.map { size.living(by: $0) } }
        var tallies: [[SimulatedCache.Tally]] = []
        for row in rows {
            tallies.append([])
            for bounds in row {
                tallies[tallies.count - 1].append(surveyed(bounds))
                await Task.yield()
            }
        }
        let ratios = tallies.map { $0.map(hitRatio) }
        let bias = bias
        let points = rows.indices.flatMap { row in
            factors.indices.map { column in
                let beside = [row - 1, row + 1].filter(rows.indices.contains)
                let before = [column - 1, column + 1].filter(factors.indices.contains)
                let around = Surroundings(
                    sizes: beside.map { ratios[$0][column] }, ttls: before.map { ratios[row][$0] })
                return whatIf(rows[row][column], tallies[row][column], bias, around)
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
            basis: basis, present: whatIf(present, bias), points: points,
            policies: policies)
    }

    static func distinct(_ sizes: [CacheConfiguration]) -> [CacheConfiguration] {
        sizes.enumerated().filter { $0 == 0 || sizes[$0 - 1] != $1 }.map(\.element)
    }

    /// - Parameter times: Of the look-ups that count, as far as they are within the window.
    func tally(
        _ bounds: CacheConfiguration, _ times: Range<Int64> = .min..<(.max)
    ) -> SimulatedCache.Tally {
        run(bounds, .init(isWarm: learns(bounds)), times)
    }

    private func run(
        _ bounds: CacheConfiguration, _ beginning: SimulatedCache.Beginning,
        _ times: Range<Int64> = .min..<(.max)
    ) -> SimulatedCache.Tally {
        defer { Block.giveBack() }
        var miniature = SimulatedCache(self, bounds, beginning, counted: times)
        return miniature.run()
    }

    /// What a policy has learned goes further back than the record: it is to learn that from the
    /// record itself.
    private func learns(_ bounds: CacheConfiguration) -> Bool {
        bounds.policy.remembers && !basis.isWhole
    }

    /// The same with what tells how sure it is, where a policy goes on another way from a small
    /// difference: by what it held when the record began, or which keys share a place in a sketch.
    private func surveyed(_ bounds: CacheConfiguration) -> SimulatedCache.Tally {
        var tally = tally(bounds)
        let (isWarm, goesByHashes) = (learns(bounds), bounds.policy.goesByHashes)
        if isWarm {
            // Others begin with what larger caches hold.
            let others = [(1.5, UInt64(1)), (4, 2)].map { wide, salt in
                run(bounds, .init(isWarm: true, wide: wide, salt: goesByHashes ? salt : 0))
            }
            let unlearned = run(bounds, .init())
            tally.guessed = unlearned.guessed
            tally.unlearned = Self.misses(unlearned)
            tally.others = others.map(Self.misses)
        } else if goesByHashes || bounds.policy == .sieve && !basis.isWhole {
            let others =
                goesByHashes
                ? [1, 2].map { run(bounds, .init(salt: $0)) }
                : [0.06, 0.2].map { run(bounds, .init(late: $0)) }
                    + Self.beside(bounds).map { run($0, .init()) }
            let runs = ([tally] + others).sorted { $0.misses < $1.misses }
            let held = tally
            tally = runs[runs.count / 2]
            // What another size holds is not what is asked for.
            (tally.entries, tally.bytes) = (held.entries, held.bytes)
            tally.squaredBytes = held.squaredBytes
            // The truth is another one.
            tally.spread = 1.3 * Double(runs[runs.count - 1].misses - runs[0].misses)
        } else if !basis.isWhole {
            // What is asked for at intervals near the ttl is fetched every other time: which ones
            // depends on when that began.
            let misses = Self.misses(tally)
            let apart = [0.06, 0.2].map { abs(Self.misses(run(bounds, .init(late: $0))) - misses) }
            tally.spread = 2 * max(apart[0], apart[1])
        }
        return tally
    }

    /// Sizes that are hardly others; of a few entries there is not one.
    private static func beside(_ bounds: CacheConfiguration) -> [CacheConfiguration] {
        bounds.maxsize ?? .max >= 20 ? [0.95, 1.05].map { bounds.sized(by: $0) } : []
    }

    /// Of what may have been hits, had the record begun earlier, half counts.
    static func misses(_ tally: SimulatedCache.Tally) -> Double {
        Double(tally.misses) - Double(tally.cold) / 2
    }

    /// Of the look-ups that were to be expected: where a key that is asked for very often is not
    /// among the sampled ones, its hits are counted all the same (the correction of SHARDS).
    func hitRatio(_ tally: SimulatedCache.Tally) -> Double {
        guard tally.lookups > 0, tally.expected > 0 else { return 0 }
        let misses = Self.misses(tally) - tally.surplus
        return min(1, max(0, (tally.expected - misses) / tally.expected))
    }

    func whatIf(
        _ bounds: CacheConfiguration, _ tally: SimulatedCache.Tally, _ bias: Double,
        _ around: Surroundings
    ) -> WhatIf {
        let ratio = hitRatio(tally)
        let error = min(1, error(bounds, tally, ratio, around) + bias)
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
