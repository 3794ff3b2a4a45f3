/// A cache of keys alone, through which a record is replayed.
///
/// It has the engine's own policies and does in the same order what the store does. A key's number
/// in the record is its slot. Where keys are sampled it is smaller by as much.
struct SimulatedCache: ~Copyable {
    private let record: LookUpRecord
    private var maxsize: Int
    private var maxbytes: Double
    private let ttl: Int64
    private let rule: Policy
    private let beginning: Beginning
    /// Look-ups at these times count.
    private let counted: Range<Int64>
    private var policy: any EvictionPolicy

    /// When the key's value was fetched; the least number where it is not held.
    private let writtenAt: UnsafeMutablePointer<Int64>
    private let misses: UnsafeMutablePointer<UInt32>
    private let came: UnsafeMutablePointer<UInt32>
    /// When the cache itself missed the key last, and had it fetched, or it was written.
    private let broughtAt: UnsafeMutablePointer<Int64>
    private let seen: UnsafeMutablePointer<Seen>
    private let sizes: UnsafeMutablePointer<UInt32>
    /// After how many milliseconds a key's value ends by itself, and what is held and does.
    private var lives: [UInt32]
    private var expiries = ExpiryHeap()
    /// Writes in their order, to expire by.
    private let written: UnsafeMutablePointer<(key: UInt32, at: Int64)>
    private var (oldest, newest) = (0, 0)
    private var count = 0
    private var bytes = 0.0
    /// What is held does not depend on what was before the record.
    private var isExact: Bool
    /// How many entries from before the record may still be held that were not looked up in it.
    private var unseen = Int.max
    private var tally = Tally()
    private var isCounting = false

    /// Whether a key was looked up before in the stretch, and whether the age of what is held for
    /// it is a guess.
    private enum Seen: UInt8 { case never, looked, guessed }

    /// What it holds at first, and how it takes keys.
    struct Beginning {
        /// It is filled beforehand by the whole record, and not emptied at gaps.
        var isWarm = false
        /// How many times as large it is while it is filled beforehand.
        var wide = 1.0
        /// Which part of each stretch is left out.
        var late = 0.0
        /// With another one the keys have other hashes.
        var salt: UInt64 = 0
        /// The share of the window of W-TinyLFU that it begins with.
        var window: Double?
    }

    /// What came of a replay.
    struct Tally {
        var lookups = 0
        /// How many there would be if as many were sampled as were to be expected.
        var expected = 0.0
        var misses = 0
        /// Look-ups that missed in the cache itself, under its own bounds.
        var came = 0
        /// How many that would be if as many were sampled as were to be expected.
        var expectedCame = 0.0
        /// Misses without what the policy had learned before, where it matters.
        var unlearned: Double?
        /// The same with other beginnings.
        var others: [Double] = []
        /// By how much misses differ with other hashes of keys or other beginnings, for a policy that
        /// goes on another way then.
        var spread = 0.0
        /// How many entries were evicted, those before anything counted too.
        var evictions = 0
        /// Misses beyond those that were to be expected, since the cache itself missed the sampled
        /// keys more often; below 0 where it did so less often.
        var surplus = 0.0
        /// Of every key, the square of the misses that do not go with those of the cache itself.
        var squares = 0.0
        /// Misses that may have been hits, had the record begun earlier.
        var cold = 0
        /// Entries of a guessed age when counting began: each may end sooner or later than it does
        /// here.
        var guessed = 0
        /// Hits by the age of the value.
        var ages: [UInt32] = []
        var entries = 0
        var bytes = 0.0
        /// Of every entry held, its bytes squared.
        var squaredBytes = 0.0
    }

    private static var absent: Int64 { .min }

    /// - Parameter counted: Look-ups at these times count, as far as they are within the window.
    init(
        _ record: LookUpRecord, _ bounds: CacheConfiguration, _ beginning: Beginning,
        counted: Range<Int64> = .min..<(.max)
    ) {
        self.record = record
        self.beginning = beginning
        self.counted = counted.clamped(to: record.from..<(.max))
        lives = record.lives
        let rate = record.basis.rate
        maxsize =
            bounds.maxsize.map { most in
                let most = min(most, CacheConfiguration.largestMaxsize)
                return most <= 0 ? 0 : max(1, Int(Double(most) * rate + 0.5))
            } ?? .max
        maxbytes = bounds.maxbytes.map { Double($0) * rate } ?? .infinity
        // Classes of jitter live shorter by 0 to 7 steps.
        ttl = bounds.ttl.map { max(0, $0.nanoseconds &- bounds.jitterStep * 7 / 2) } ?? .max
        rule = bounds.policy
        policy = rule.make(maxsize: bounds.maxsize == nil ? nil : maxsize)
        if let share = beginning.window { (policy as? TinyLFU)?.begin(window: share) }
        isExact = record.basis.isWhole
        let keys = record.marks.count
        writtenAt = .allocate(capacity: keys)
        writtenAt.initialize(repeating: Self.absent, count: keys)
        misses = Memory.zeroed(keys)
        came = Memory.zeroed(keys)
        broughtAt = .allocate(capacity: keys)
        broughtAt.initialize(repeating: Self.absent, count: keys)
        seen = .allocate(capacity: keys)
        seen.initialize(repeating: .never, count: keys)
        sizes = Memory.zeroed(max(1, record.sizes.count))
        for (key, size) in record.sizes.enumerated() { sizes[key] = size }
        written = .allocate(capacity: record.steps.count * (beginning.isWarm ? 2 : 1))
    }

    deinit {
        writtenAt.deallocate()
        Memory.free(misses)
        Memory.free(came)
        broughtAt.deallocate()
        seen.deallocate()
        Memory.free(sizes)
        written.deallocate()
    }

    mutating func run() -> Tally {
        let ages = UnsafeMutablePointer<UInt32>.allocate(capacity: AgeBuckets.count)
        ages.initialize(repeating: 0, count: AgeBuckets.count)
        defer { ages.deallocate() }
        let record = record
        if beginning.isWarm, let (first, last) = record.span {
            let (maxsize, maxbytes) = (maxsize, maxbytes)
            let wide = beginning.wide
            if wide != 1 {
                let most = Double(CacheConfiguration.largestMaxsize)
                let size = maxsize == .max ? .max : Int(min(most, Double(maxsize) * wide))
                resize(size, maxbytes * wide)
            }
            replay(record, by: first &- last &- 1, ages, counting: false)
            if wide != 1 { resize(maxsize, maxbytes) }
        }
        replay(record, by: 0, ages, counting: true)
        tally.ages = (0..<AgeBuckets.count).map { ages[$0] }
        if record.basis.rate < 1 { explain() }
        (tally.entries, tally.bytes) = (count, bytes)
        for key in 0..<UInt32(record.marks.count) where writtenAt[Int(key)] != Self.absent {
            tally.squaredBytes += size(key) * size(key)
        }
        return tally
    }

    /// How often the cache itself missed is known of all keys. Where it missed the sampled ones more
    /// often than was to be expected, they are fetched more often under other bounds too, by as much
    /// as a linear regression over keys says (Cochran, "Sampling Techniques", 7).
    private mutating func explain() {
        var (squares, products) = (0.0, 0.0)
        for key in 0..<record.marks.count {
            squares += Double(came[key]) * Double(came[key])
            products += Double(came[key]) * Double(misses[key])
        }
        let slope = squares > 0 ? products / squares : 0
        tally.surplus = slope * (Double(tally.came) - tally.expectedCame)
        for key in 0..<record.marks.count {
            let (came, misses) = (Double(came[key]), Double(misses[key]))
            // A key that matters much to the slope is explained by itself.
            let leverage = squares > 0 ? came * came / squares : 0
            let error = (misses - slope * came) / max(0.1, 1 - leverage)
            tally.squares += error * error
        }
    }

    /// It gets other bounds; what is beyond them goes.
    private mutating func resize(_ maxsize: Int, _ maxbytes: Double) {
        (self.maxsize, self.maxbytes) = (maxsize, maxbytes)
        if maxsize != .max {
            policy.resized(to: maxsize)
            while policy.tidy(1024) {}
        }
        makeRoom(for: 0, places: 0)
    }

    /// - Parameter shift: Nanoseconds by which all of it is moved.
    private mutating func replay(
        _ record: LookUpRecord, by shift: Int64, _ ages: UnsafeMutablePointer<UInt32>,
        counting: Bool
    ) {
        let (isWhole, from) = (record.basis.isWhole, counting ? counted.lowerBound : .max)
        record.steps.withUnsafeBufferPointer { steps in
            var (countFrom, exactFrom) = (from, Int64.max)
            var lookFrom = Int64.min
            var (piece, weights) = (0, LookUpRecord.Weights(from: 0, lookup: 1, miss: 1))
            for place in steps.indices {
                while piece < record.weights.count, record.weights[piece].from <= place {
                    weights = record.weights[piece]
                    piece += 1
                }
                var step = steps[place]
                step.at = step.at &+ shift
                expire(at: step.at)
                if step.at >= exactFrom { isExact = true }
                switch step.kind {
                case .lookup, .missed:
                    if step.at < lookFrom { continue }
                    isCounting = step.at >= countFrom && step.at < counted.upperBound
                    if step.kind == .missed {
                        broughtAt[Int(step.key)] = step.at
                        if isCounting {
                            tally.came += 1
                            tally.expectedCame += weights.miss
                            // Not by a subscript, at which the compiler fails for ThreadSanitizer.
                            (came + Int(step.key)).pointee += 1
                        }
                    }
                    if isCounting {
                        tally.lookups += 1
                        tally.expected += weights.lookup
                    }
                    look(step, ages)
                case .written: write(step)
                case .gone: if writtenAt[Int(step.key)] != Self.absent { remove(step.key, false) }
                case .failed: if isOfThatFetch(step.key) { remove(step.key, false) }
                case .cleared: empty()
                case .bytes: resize(step)
                case .ends: end(step)
                case .gap:
                    guard !isWhole else { break }
                    if !beginning.isWarm { clear() }
                    // The first third fills the cache.
                    let end = steps[place + Int(step.key) - 1].at &+ shift
                    countFrom = max(from, step.at &+ (end &- step.at) / 3)
                    lookFrom = step.at &+ Int64(Double(end &- step.at) * beginning.late)
                    exactFrom = ttl == .max ? .max : step.at &+ min(ttl, .max / 4)
                }
            }
        }
    }

    private mutating func look(
        _ step: LookUpRecord.Step, _ ages: UnsafeMutablePointer<UInt32>
    ) {
        let key = Int(step.key)
        if writtenAt[key] != Self.absent, ttl == .max || step.at &- writtenAt[key] < ttl {
            if policy.heedsHits {
                withUnsafePointer(to: step.key) {
                    policy.touched(UnsafeBufferPointer(start: $0, count: 1))
                }
            }
            if isCounting { ages[AgeBuckets.bucket(step.at &- writtenAt[key])] += 1 }
        } else {
            if writtenAt[key] != Self.absent { remove(step.key, false) }
            policy.missed()
            let isCold = !beginning.isWarm && !isExact && seen[key] == .never
            if isCold, unseen != .max {
                unseen -= 1
                if unseen <= 0 { isExact = true }
            }
            if isCounting {
                tally.misses += 1
                (misses + key).pointee += 1
                if isCold { tally.cold += 1 }
            }
            load(step, isCold ? step.at &- former(step.key) : step.at)
            if isCold, ttl != .max, writtenAt[key] != Self.absent {
                seen[key] = .guessed
                tally.guessed += 1
            }
        }
        if seen[key] == .never { seen[key] = .looked }
    }

    /// The age of a value that may have been held before the record: any within the ttl is as
    /// likely.
    private func former(_ key: UInt32) -> Int64 {
        guard ttl != .max else { return 0 }
        let draw = SplitMix.mixed(UInt64(record.marks[Int(key)])) >> 11
        return Int64(Double(ttl) * Double(draw) / Double(1 << 53))
    }

    private mutating func write(_ step: LookUpRecord.Step) {
        broughtAt[Int(step.key)] = step.at
        guard writtenAt[Int(step.key)] != Self.absent else { return load(step, step.at) }
        knows(step.key)
        began(step.key, step.at)
        policy.rewritten(step.key)
    }

    /// A value that is held from now on ends by the ttl, or by itself.
    private mutating func began(_ key: UInt32, _ at: Int64) {
        writtenAt[Int(key)] = at
        written[newest] = (key, at)
        newest += 1
        endsByItself(key)
    }

    /// Whether what is held is what the cache itself got last, and not of an earlier fetch.
    private func isOfThatFetch(_ key: UInt32) -> Bool {
        writtenAt[Int(key)] != Self.absent && writtenAt[Int(key)] == broughtAt[Int(key)]
    }

    private mutating func end(_ step: LookUpRecord.Step) {
        lives[Int(step.key)] = step.amount
        if isOfThatFetch(step.key) { endsByItself(step.key) }
    }

    /// Notes when what is held ends by itself.
    private mutating func endsByItself(_ key: UInt32) {
        guard !lives.isEmpty else { return }
        expiries.remove(key)
        let life = lives[Int(key)]
        guard life < Recorder.largest else { return }
        let end = writtenAt[Int(key)] &+ Int64(life) &* 1_000_000
        expiries.insert(key, end, version: UInt64(newest))
    }

    private mutating func resize(_ step: LookUpRecord.Step) {
        let key = Int(step.key)
        let isHeld = writtenAt[key] != Self.absent
        if isHeld { bytes += Double(step.amount) - Double(sizes[key]) }
        sizes[key] = step.amount
        guard isHeld else { return }
        if !fits(Double(step.amount)) { return remove(step.key, false) }
        makeRoom(for: 0, places: 0)
    }

    /// An entry may be as large as the whole cache may be, sampled or not.
    private func fits(_ size: Double) -> Bool {
        maxbytes > 0 && size <= maxbytes / record.basis.rate
    }

    private mutating func load(_ step: LookUpRecord.Step, _ at: Int64) {
        let size = size(step.key)
        guard maxsize > 0, ttl > 0, fits(size), lives.isEmpty || lives[Int(step.key)] > 0
        else { return }
        makeRoom(for: size, places: 1)
        let mark = UInt64(record.marks[Int(step.key)])
        policy.added(
            step.key, hash: beginning.salt == 0 ? mark : SplitMix.mixed(mark &+ beginning.salt))
        began(step.key, at)
        count += 1
        bytes += size
    }

    private mutating func makeRoom(for size: Double, places: Int) {
        // What is alone may be as large as all of it.
        while count > 1 - places, count + places > maxsize || bytes + size > maxbytes {
            if rule.goesByTime {
                isExact = true
            } else if !isExact {
                unseen = min(unseen, count)
            }
            guard let victim = policy.victim() else { continue }
            tally.evictions += 1
            remove(victim, true)
        }
    }

    private mutating func remove(_ key: UInt32, _ evicted: Bool) {
        policy.removed(key, evicted: evicted)
        knows(key)
        if !lives.isEmpty { expiries.remove(key) }
        writtenAt[Int(key)] = Self.absent
        count -= 1
        bytes -= size(key)
    }

    /// The bytes of a key's entry: of none is known what it takes where bytes are no bound so far,
    /// and each takes what they take in the mean.
    private func size(_ key: UInt32) -> Double {
        record.sizes.isEmpty ? record.entryBytes : Double(sizes[Int(key)])
    }

    /// The age of what was held for a key does not matter any more.
    private mutating func knows(_ key: UInt32) {
        guard seen[Int(key)] == .guessed else { return }
        seen[Int(key)] = .looked
        if !isCounting { tally.guessed -= 1 }
    }

    private mutating func expire(at now: Int64) {
        while let first = expiries.first, first.expiry <= now { remove(first.slot, false) }
        guard ttl != .max else { return }
        while oldest < newest, now &- written[oldest].at >= ttl {
            let (key, at) = written[oldest]
            if writtenAt[Int(key)] == at { remove(key, false) }
            oldest += 1
        }
    }

    /// All that is held goes, and so did what was held before the record.
    private mutating func empty() {
        while oldest < newest {
            let (key, at) = written[oldest]
            if writtenAt[Int(key)] == at { remove(key, false) }
            oldest += 1
        }
        isExact = true
    }

    /// What is held at the end of a gap is not known.
    private mutating func clear() {
        policy = rule.make(maxsize: maxsize == .max ? nil : maxsize)
        let keys = record.marks.count
        writtenAt.update(repeating: Self.absent, count: keys)
        seen.update(repeating: .never, count: keys)
        isCounting = false
        (oldest, newest, count, bytes) = (0, 0, 0, 0)
        (isExact, unseen) = (false, .max)
        expiries = ExpiryHeap()
    }
}
