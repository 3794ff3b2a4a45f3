extension LookUpRecord {
    /// What `bounds` would have brought for these look-ups.
    public func whatIf(_ bounds: CacheConfiguration) -> WhatIf { whatIf(bounds, bias) }

    /// What is to come under the present bounds and under others, if look-ups go on as they were.
    ///
    /// A cache that has just begun fetches every key once: that does not come again and is left out. Nor was
    /// anything as old as its ttl then: that will come.
    package func forecasts(_ bounds: CacheConfiguration) -> (now: WhatIf, then: WhatIf) {
        var settled = self
        if basis.isWhole, let span {
            settled.from = max(from, span.first &+ (span.last &- span.first) / 3)
        }
        let bias = settled.bias
        func toCome(_ bounds: CacheConfiguration) -> WhatIf {
            var whatIf = settled.whatIf(bounds, bias)
            // Of those that may end, half are counted.
            let ends = settled.endsToCome(whatIf) / 2
            whatIf.hitRatio = max(0, whatIf.hitRatio - ends)
            whatIf.fetchesPerSecond = (1 - whatIf.hitRatio) * lookupsPerSecond
            return settled.toCome(whatIf, ends: ends)
        }
        let now = toCome(present)
        return (now, bounds == present ? now : toCome(bounds))
    }

    /// The same for look-ups to come: those of another time differ by chance, so that the fewer there
    /// are the wider the bar.
    package func toCome(_ whatIf: WhatIf) -> WhatIf { toCome(whatIf, ends: 0) }

    /// - Parameter ends: By how much the ratio may differ for values that had no time to end. Where the
    ///   first fetches of a new cache count they stand for these.
    private func toCome(_ whatIf: WhatIf, ends: Double) -> WhatIf {
        var whatIf = whatIf
        let ratio = whatIf.hitRatio
        // By which keys are followed they differ already.
        let lookups = Double(max(1, basis.recorded, basis.lookups))
        let chance = 1.96 * (max(ratio * (1 - ratio), 1 / lookups) / lookups).squareRoot()
        whatIf.hitRatioError = min(1, whatIf.hitRatioError + chance + ends)
        whatIf.fetchesPerSecondError = whatIf.hitRatioError * lookupsPerSecond
        return whatIf
    }

    /// The share of the look-ups that find their value ended, at most, beyond those on record: in a
    /// cache that had just begun nothing was as old as its ttl for a while.
    private func endsToCome(_ whatIf: WhatIf) -> Double {
        guard basis.isWhole, let span, let ttl = whatIf.bounds.ttl?.nanoseconds, ttl > 0
        else { return 0 }
        let begin = max(from, span.first)
        let counted = Double(span.last &- begin)
        let lookups = Double(recorded) / basis.rate * counted / Double(span.last &- span.first)
        guard counted > 0 else { return 0 }
        let youthful = Double(ttl) - Double(begin &- span.first)
        let share = min(1, max(0, youthful / counted))
        return min(1, share * Double(whatIf.entries) * counted / Double(ttl) / lookups)
    }

    private func whatIf(_ bounds: CacheConfiguration, _ bias: Double) -> WhatIf {
        func ratios(_ less: CacheConfiguration, _ more: CacheConfiguration) -> [Double] {
            [less, more].map { hitRatio(tally($0)) }
        }
        let surveyed = surveyed(bounds)
        var around = Surroundings()
        if basis.rate < 1 { around.sizes = ratios(bounds.sized(by: 0.5), bounds.sized(by: 2)) }
        let isKnown = learns(bounds) && bounds.policy.goesByHashes
        if surveyed.unlearned != nil || surveyed.spread > 0, bounds.ttl != nil, !isKnown {
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
        let sizes = sizesTried
        let factors = present.ttl == nil || present.ttl == .zero ? [1] : Self.factors
        let ttls = Self.distinct(factors.map { present.living(by: $0) }).map(\.ttl)
        let rows = sizes.map { size in
            ttls.map { ttl in
                var bounds = size
                bounds.ttl = ttl
                return bounds
            }
        }
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
            ttls.indices.map { column in
                let beside = [row - 1, row + 1].filter(rows.indices.contains)
                let before = [column - 1, column + 1].filter(ttls.indices.contains)
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

    /// The present size and others: where there is no bound, parts of what is held, and where nothing is
    /// kept, of the keys that are asked for.
    private var sizesTried: [CacheConfiguration] {
        let isUnbounded = present.maxsize == nil && present.maxbytes == nil
        guard isUnbounded || present.maxsize == 0 && present.maxbytes != 0 else {
            return Self.distinct(Self.factors.map { present.sized(by: $0) })
        }
        let most = Double(isUnbounded ? tally(present).entries : basis.keys) / basis.rate
        let parts = Self.factors.filter { $0 <= 1 }.map { factor in
            var size = present
            size.maxsize = max(1, min(CacheConfiguration.largestMaxsize, Int(most * factor)))
            return size
        }
        return Self.distinct(isUnbounded ? parts + [present] : [present] + parts)
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
    func surveyed(
        _ bounds: CacheConfiguration, _ times: Range<Int64> = .min..<(.max)
    ) -> SimulatedCache.Tally {
        var tally = tally(bounds, times)
        if tally.evictions == 0, !bounds.policy.goesByTime {
            // Nothing has to leave: every policy does the same.
            var plain = bounds
            plain.policy = .lru
            return surveyed(plain, times)
        }
        func run(
            _ bounds: CacheConfiguration, _ beginning: SimulatedCache.Beginning
        ) -> SimulatedCache.Tally { self.run(bounds, beginning, times) }
        let (isWarm, goesByHashes) = (learns(bounds), bounds.policy.goesByHashes)
        if isWarm, goesByHashes {
            return middle(
                tally, run(bounds, .init()),
                ofWide: [1.5, 4].map { run(bounds, .init(isWarm: true, wide: $0)) },
                [0.25, 0.5, 0.9].map { run(bounds, .init(isWarm: true, window: $0)) })
        } else if isWarm {
            // Others begin with what larger caches hold.
            let others = [1.5, 4].map { run(bounds, .init(isWarm: true, wide: $0)) }
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
            tally.evictions = held.evictions
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

    /// The mean of W-TinyLFU with windows that it may have learned, and not having learned anything; and
    /// how far it may be from that. The keys have their own hashes, as they will have in this cache.
    ///
    /// - Parameter wide: Where the record begins with what larger caches hold: which of these a cache
    ///   goes on with hardly shows, unless one of them is far away.
    private func middle(
        _ held: SimulatedCache.Tally, _ unlearned: SimulatedCache.Tally,
        ofWide wide: [SimulatedCache.Tally], _ others: [SimulatedCache.Tally]
    ) -> SimulatedCache.Tally {
        let runs = [held, unlearned] + others
        let count = Double(runs.count)
        func missed(_ tally: SimulatedCache.Tally) -> Double { Self.misses(tally) - tally.surplus }
        let mean = runs.map(missed).reduce(0, +) / count
        let squares = runs.map { (missed($0) - mean) * (missed($0) - mean) }
        let variance = squares.reduce(0, +) / (count - 1)
        var tally = held
        tally.misses = Int(runs.map(Self.misses).reduce(0, +) / count)
        tally.surplus = Double(tally.misses) - mean
        tally.guessed = unlearned.guessed
        let far = (wide.map { abs(missed($0) - mean) }.max() ?? 0) - 0.03 * held.expected
        tally.spread = 0.0075 * held.expected + max(2.75 * variance.squareRoot(), far)
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

    /// The same with a ttl so many times as long, a hundred years at most, as people write it: in whole
    /// milliseconds, seconds or days.
    func living(by factor: Double) -> CacheConfiguration {
        guard let ttl, ttl > .zero, factor != 1 else { return self }
        let (now, millisecond, second, day) = (Double(ttl.nanoseconds), 1e6, 1e9, 86_400e9)
        let longest = 36_600 * day
        if factor > 1, now >= longest { return self }
        let exact = min(now * factor, longest)
        // Below a millisecond people write nothing.
        let unit =
            exact >= 100 * day
            ? day : exact >= second ? second : exact >= millisecond ? millisecond : 1
        var living = self
        living.ttl = .nanoseconds(Int64(max(1, (exact / unit).rounded()) * unit))
        return living
    }
}
