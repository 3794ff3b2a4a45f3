import Synchronization

/// The look-ups of a time, to try other bounds out on.
///
/// ```swift
/// if let record = accounts.lookUps(over: .seconds(600)) {
///     var bounds = accounts.configuration
///     bounds.maxsize = 128
///     print(record.whatIf(bounds).hitRatio)
/// }
/// ```
///
/// A what-if replays the record through a cache of those bounds: what is looked up and not held, or
/// held for a ttl, is fetched and lands at once, and a value that ended by itself does so again. A
/// look-up that waits for the fetch of another counts as a hit, and one that is refused does not
/// count. A fetch that brought nothing brings nothing again. Of refreshes before the end it knows
/// nothing. With jitter, the mean life counts.
///
/// A replay takes as long as the record has look-ups, up to 98,304, some ten milliseconds; and its memory
/// beside, some 6 MB. A what-if is one replay to some twenty: where chance decides what a policy does, or
/// what it held before, it takes more. Nothing of the cache is locked or changed.
public struct LookUpRecord: Sendable {
    /// What the figures rest on.
    public let basis: WhatIfBasis
    /// The bounds of the cache when the record was copied.
    public let present: CacheConfiguration

    let steps: [Step]
    let marks: [UInt32]
    /// The bytes of each key's entry at first; empty where bytes are no bound.
    let sizes: [UInt32]
    /// After how many milliseconds each key's value ends by itself, at first; empty where not one
    /// does.
    let lives: [UInt32]
    /// Look-ups before do not count.
    var from: Int64
    /// Of each piece; empty where every key is followed.
    let weights: [Weights]
    let lookupsPerSecond: Double
    /// Look-ups on record, those before the window too.
    let recorded: Int
    let entryBytes: Double
    /// Since when the present bounds are what they are.
    let boundsSince: Int64
    /// Those before, and since when; `nil` where there were no others.
    let former: (bounds: CacheConfiguration, since: Int64)?

    /// Whether it is known how large entries are: not where not one was ever held.
    package var knowsBytes: Bool { entryBytes > 0 || sizes.contains { $0 > 0 } }

    /// How long before its last step look-ups count, where it has no gaps.
    public var counts: Duration {
        guard let (first, last) = span else { return .zero }
        let start = basis.isWhole ? from : max(from, first &+ (last &- first) / 3)
        return .nanoseconds(last &- max(start, first))
    }

    /// When its first and its last step were; `nil` where there is not one.
    var span: (first: Int64, last: Int64)? {
        guard let first = steps.first, let last = steps.last else { return nil }
        return (first.at, last.at)
    }

    /// How many look-ups one in a piece stands for, of those that were to be expected of so many
    /// sampled keys, and how many misses one does.
    struct Weights {
        /// The first step in the piece.
        var from: Int
        var lookup: Double
        var miss: Double
    }

    /// Something that happened to a key, or a gap in the record: then `key` is the length of what
    /// follows up to the next.
    struct Step: BitwiseCopyable {
        var at: Int64
        var key: UInt32
        var kind: Kind
        /// Bytes, or milliseconds to an end.
        var amount: UInt32 = 0

        enum Kind: UInt8 {
            case lookup, missed, bytes, ends, written, gone, failed, cleared, gap
        }
    }

    /// What is copied of a cache's recorder.
    struct Copied {
        var pieces: [(piece: Recorder.Piece, words: [UInt64])] = []
        /// No piece is missing at the beginning.
        var isWhole = true
        var lookups: UInt64 = 0
        /// Since when the bounds are what they are.
        var boundsSince = Int64.min
        var former: (bounds: CacheConfiguration, since: Int64)?
        var entryBytes = 0.0
        var changes = ChangeRate()

        /// Leaves out what is before the window where fewer keys were followed then: it would only
        /// fill the caches that are tried out, and with fewer keys.
        mutating func leaveOutThinner(before start: Int64) {
            guard let inside = pieces.firstIndex(where: { $0.piece.ended >= start }),
                let below = pieces[inside...].map(\.piece.below).min(),
                let last = pieces[..<inside].lastIndex(where: { $0.piece.below < below })
            else { return }
            pieces.removeSubrange(...last)
            isWhole = false
        }
    }

    /// - Returns: `nil` where nothing was looked up within the window.
    init?(
        _ copied: Copied, _ present: CacheConfiguration, window: Duration, at now: AgeInstant
    ) {
        let (begin, overflow) = now.nanoseconds.subtractingReportingOverflow(window.nanoseconds)
        let start = overflow ? Int64.min : begin
        var copied = copied
        copied.leaveOutThinner(before: start)
        guard let first = copied.pieces.first else { return nil }
        self.present = present
        entryBytes = copied.entryBytes
        (boundsSince, former) = (copied.boundsSince, copied.former)
        let below = copied.pieces.map(\.piece.below).min()!
        let rate = below == .max ? 1 : Double(below) / Double(UInt32.max)

        var building = Building(
            below: below, isInBytes: present.maxbytes != nil, from: start,
            entryBytes: copied.entryBytes)
        var weights: [Weights] = []
        var (lookups, misses, isFirst) = (0.0, 0.0, true)
        for (piece, words) in copied.pieces {
            let (from, before) = (building.steps.count, (building.lookups, building.misses))
            building.add(piece, words, isAfterGap: piece.isAfterGap || isFirst)
            isFirst = false
            guard rate < 1 else { continue }
            lookups += Double(piece.lookupsAfter &- piece.lookupsBefore) * rate
            misses += Double(piece.missesAfter &- piece.missesBefore) * rate
            let sampled = (building.lookups - before.0, building.misses - before.1)
            // What stands for nothing here is left to the next.
            weights.append(
                Weights(
                    from: from, lookup: sampled.0 > 0 ? lookups / Double(sampled.0) : 0,
                    miss: sampled.1 > 0 ? misses / Double(sampled.1) : 0))
            if sampled.0 > 0 { lookups = 0 }
            if sampled.1 > 0 { misses = 0 }
        }
        building.close()
        guard building.counted > 0, now.nanoseconds >= start else { return nil }
        let hasGap = copied.pieces.dropFirst().contains(where: \.piece.isAfterGap)
        (steps, marks) = (building.steps, building.marks)
        (sizes, lives, recorded) = (building.sizes, building.lives, building.lookups)
        self.weights = weights
        from = start
        let opening = copied.pieces.last { $0.piece.began <= start } ?? first
        // A piece may have been opened since the clock was read.
        let time = max(0, now.nanoseconds &- max(start, opening.piece.began))
        let counted = copied.lookups &- opening.piece.lookupsBefore
        let since = Double(now.nanoseconds &- opening.piece.began) / 1e9
        lookupsPerSecond = since > 0 ? Double(counted) / since : 0
        basis = WhatIfBasis(
            window: .nanoseconds(time),
            lookups: Int(lookupsPerSecond * Double(time) / 1e9 + 0.5),
            recorded: building.counted, keys: marks.count, rate: rate,
            isWhole: copied.isWhole && !hasGap,
            changes: copied.changes)
    }

    /// The steps of a record as they are gathered.
    private struct Building {
        let below: UInt32
        let isInBytes: Bool
        var steps: [Step] = []
        var marks: [UInt32] = []
        var sizes: [UInt32] = []
        /// As in the record, once one is known; then for every key.
        var lives: [UInt32] = []
        var lookups = 0
        var misses = 0
        /// Of the look-ups, those within the window.
        var counted = 0
        private let start: Int64
        private let entryBytes: Double
        private var numbers: [UInt32: UInt32] = [:]
        private var gap: Int?
        private var isMissed: [Bool] = []
        private var known: [Bool] = []
        private var sum = (bytes: 0.0, count: 0.0)

        init(below: UInt32, isInBytes: Bool, from start: Int64, entryBytes: Double) {
            (self.below, self.isInBytes) = (below, isInBytes)
            (self.start, self.entryBytes) = (start, entryBytes)
        }

        mutating func add(_ piece: Recorder.Piece, _ words: [UInt64], isAfterGap: Bool) {
            if isAfterGap { begin(at: piece.began) }
            var now = piece.began
            for word in words {
                let (mark, kind, amount) = Recorder.parts(word)
                if kind == .cleared {
                    now = piece.began &+ amount &* 1000
                    steps.append(Step(at: now, key: 0, kind: .cleared))
                    for key in isMissed.indices { isMissed[key] = false }
                    continue
                }
                guard mark < below || below == .max else { continue }
                let key = number(mark)
                switch kind {
                case .bytes: sizeIs(UInt32(amount), of: key, at: now)
                case .ends: lifeIs(UInt32(amount), of: key, at: now)
                default:
                    now = piece.began &+ amount &* 1000
                    append(kind, key, at: now)
                }
            }
        }

        private mutating func append(_ kind: Recorder.Kind, _ key: UInt32, at now: Int64) {
            func append(_ kind: Step.Kind) { steps.append(Step(at: now, key: key, kind: kind)) }
            switch kind {
            case .lookup, .missed, .loaded, .led:
                lookups += 1
                if kind != .lookup { misses += 1 }
                if now >= start { counted += 1 }
                isMissed[Int(key)] = kind == .missed
                append(kind == .lookup ? .lookup : .missed)
            case .filled:
                // What was missed is written by whoever missed it: a what-if fetches by itself.
                if isMissed[Int(key)] { isMissed[Int(key)] = false } else { append(.written) }
            case .rewritten: append(.written)
            case .gone, .failed:
                isMissed[Int(key)] = false
                append(kind == .gone ? .gone : .failed)
            case .bytes, .ends, .cleared: break
            }
        }

        private mutating func number(_ mark: UInt32) -> UInt32 {
            if let number = numbers[mark] { return number }
            let number = UInt32(marks.count)
            numbers[mark] = number
            marks.append(mark)
            isMissed.append(false)
            if isInBytes {
                sizes.append(0)
                known.append(false)
            }
            if !lives.isEmpty { lives.append(Self.lifeUnknown) }
            return number
        }

        /// What no life is known of lives on.
        private static let lifeUnknown = UInt32.max

        private mutating func lifeIs(_ milliseconds: UInt32, of key: UInt32, at now: Int64) {
            if lives.isEmpty { lives = Array(repeating: Self.lifeUnknown, count: marks.count) }
            steps.append(Step(at: now, key: key, kind: .ends, amount: milliseconds))
            if lives[Int(key)] == Self.lifeUnknown { lives[Int(key)] = milliseconds }
        }

        private mutating func sizeIs(_ bytes: UInt32, of key: UInt32, at now: Int64) {
            guard isInBytes else { return }
            steps.append(Step(at: now, key: key, kind: .bytes, amount: bytes))
            if known[Int(key)] { return }
            (known[Int(key)], sizes[Int(key)]) = (true, bytes)
            sum = (sum.bytes + Double(bytes), sum.count + 1)
        }

        private mutating func begin(at now: Int64) {
            close()
            gap = steps.count
            steps.append(Step(at: now, key: 0, kind: .gap))
        }

        /// Says how long the last stretch is; what no size is known of is of the mean size.
        mutating func close() {
            if let gap { steps[gap].key = UInt32(steps.count - gap) }
            guard isInBytes else { return }
            let all = sum.count > 0 ? sum.bytes / sum.count : entryBytes
            let mean = UInt32(min(max(0, all), Double(Recorder.largest)))
            for key in known.indices where !known[key] { sizes[key] = mean }
        }
    }
}

extension Cache {
    /// The look-ups of late, to try other bounds out on: of the window that is asked for, or as far
    /// as they are on record. `nil` where there are none, and where the cache was made without
    /// foresight.
    ///
    /// - Parameter window: It is an hour where nothing else is said.
    public func lookUps(over window: Duration = .seconds(3600)) -> LookUpRecord? {
        let now = clock.now()
        var copied = LookUpRecord.Copied()
        var numbers: Range<UInt64> = 0..<0
        var changes = ChangeSamples()
        let present = store.withLock { store in
            store.settle(isFull: true)
            store.resumeRecording(at: now.nanoseconds)
            store.followMoreWhereSlow(at: now.nanoseconds)
            numbers = store.recorder.first..<store.recorder.next
            copied.lookups = store.lookups
            copied.boundsSince = store.underBounds.since.nanoseconds
            copied.former = store.underBounds.former
            copied.entryBytes =
                Double(store.bytes + (store.count > 0 ? 0 : store.lastBytes))
                / Double(max(1, store.count))
            changes = store.recorder.changes
            return store.configuration
        }
        copied.changes = changes.rate
        copied.isWhole = numbers.lowerBound == 0
        let lookups = copied.lookups
        for number in numbers {
            // Nothing that grows is to grow under a lock.
            var words: [UInt64] = []
            words.reserveCapacity(Recorder.pieceSize)
            let piece = store.withLock { store in
                store.recorder.read(number, lookups: lookups, into: &words)
            }
            guard let piece else {
                // It was overwritten meanwhile, and so were those before.
                copied.isWhole = false
                copied.pieces = []
                continue
            }
            copied.pieces.append((piece, words))
        }
        return LookUpRecord(copied, present, window: window, at: now)
    }

    /// Whether values say themselves when they end, and are refreshed before, which no what-if
    /// knows of.
    package var isForeseen: Bool { !traits.expires }

    /// Notes that the origin was asked for a value that is held, for comparison: it counts as a
    /// refetch, and the next one is compared with what this one brought.
    package func noteVerified(_ key: Key, _ held: Value, writtenAt: AgeInstant, origin: Value) {
        guard let fingerprint = traits.fingerprint else { return }
        let prints = (held: fingerprint(held), origin: fingerprint(origin))
        let (now, mark) = (clock.now(), Shards<Key, Value>.mark(shards.hash(key)))
        store.withLock { store in
            guard store.recorder.isOn else { return }
            store.recorder.verified(
                mark, prints, writtenAt: writtenAt.nanoseconds, at: now.nanoseconds)
        }
    }

    /// How fast the origin changes its values, as far as refetches told.
    public var changeRate: ChangeRate { store.withLock { $0.recorder.changes }.rate }
}
