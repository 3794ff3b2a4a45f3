import Synchronization

/// Everything a cache knows, as one value: no clock, no I/O, and no lock but the shards' own.
///
/// The time comes in as an argument; what must be done next goes out as the result. No call does
/// more than a bounded piece of work, however many entries there are, and none calls a function
/// that is not the engine's own, but for `==` and the hash of keys.
///
/// Entries live in the ``Shards``, where hits find them without coming here. Hits leave notes of
/// what they touched, and the store settles those notes, in the order of the hits, before it
/// decides anything: so whatever the number of shards, calls one after the other evict exactly as
/// they would in one piece, and a policy is plain code over slot numbers that knows no lock.
///
/// An entry keeps the time of its write and not a deadline: changing the ttl is one store a shard
/// and reorders nothing. `written` holds the entries in the order of their writes, one order for
/// each class of jitter, so that the first to outlive the ttl is always a first. Values that end
/// by themselves stand in `expiries` as well.
///
/// A flight is found by its key in `flights` only while its result may be kept. Invalidation takes
/// it out of there, so that the next look-up starts another: its waiters still get the value, and
/// nothing is stored.
struct Store<Key: Hashable & Sendable, Value: Sendable>: ~Copyable {
    let shards: Shards<Key, Value>
    var count = 0
    var bytes = 0
    /// What the last entry took, of a cache that holds nothing any more.
    var lastBytes = 0
    var written = InlineArray<8, SlotOrder>(repeating: SlotOrder())
    var links = SlotLinks()
    var expiries = ExpiryHeap()
    /// What an undo brought back: it is not in the order of its age in `written`, so it stands in
    /// `expiries` with its deadline, which changes with the lives.
    var back = SlotOrder()
    var backLinks = SlotLinks()
    /// How many of the first in `back` may stand in `expiries` with an end by former lives.
    var outdated = 0
    /// No entry ends before.
    var soonest = Int64.max
    var policy: any EvictionPolicy
    private var touched: [UInt32] = []
    private var settled: UInt32 = 0

    var flights = KeyTable<Key, Flight<Key, Value>>()
    /// What was under way in an earlier era is not kept.
    var era: UInt64 = 0
    /// Fetches under way, also those whose result will not be kept.
    var underWay = 0
    var troubles = Troubles<Key>()

    var configuration: CacheConfiguration
    var lives: Lives
    /// How long entries stay past their end, for as long as fetches fail; in nanoseconds.
    var reserve: Int64
    var version: UInt64 = 0
    var feed: Feed<Key>
    var counters = CacheCounters()
    var fetchTimes = Histogram()
    var lastFailures: [FailureKind: LastFailure] = [:]
    var latelyFailed = LatelyFailed()
    var mostFetched: MostFetched<Key>
    var ages = Ages()
    var ghosts = Ghosts()
    var underBounds: UnderBounds
    var holds = Holds()
    var tombstones = Tombstones<Key, Value>()
    var recorder: Recorder
    private let notes: LookUpNotes
    /// Nothing has to be done by itself before: no deadline, no end of a reserve or of an undo.
    var wake = Int64.max
    /// Those who are removing what is beyond the bounds, a slice at a time. As long as there is
    /// one, a write that finds no room exceeds the bounds.
    var drainers = 0

    /// What has left and is to be told of, and dropped, once no lock is held.
    var departed = Departures<Key, Value>()
    /// As ``departed``, but told of already.
    var discarded: [RemovedEntry<Key, Value>] = []
    var discardedErrors: [any Error] = []

    let traits: Traits<Key, Value>

    init(
        _ configuration: CacheConfiguration, feedCapacity: Int, shards: Shards<Key, Value>,
        traits: Traits<Key, Value>, foresight: Bool = true, at now: AgeInstant
    ) {
        self.configuration = configuration
        self.shards = shards
        self.traits = traits
        lives = Lives(configuration)
        reserve = configuration.staleIfError.nanoseconds
        mostFetched = MostFetched(at: now)
        recorder = Recorder(isOn: foresight, shards: shards.count)
        notes = LookUpNotes(foresight ? shards.count : 0)
        underBounds = UnderBounds(since: now, CacheCounters())
        feed = Feed(capacity: feedCapacity)
        policy = configuration.policy.make(maxsize: configuration.maxsize)
        touched = Array(
            repeating: SlotOrder.none, count: shards.count * Shard<Key, Value>.manyTouches * 2)
        spread()
    }

    /// Entries removed or visited under one hold of a lock.
    static var slice: Int { 32 }

    /// Tells the shards what they have to know of the bounds.
    func spread() {
        for number in 0..<shards.count {
            shards[number].withLock { shard in
                shard.lives = lives
                shard.heedsHits = policy.heedsHits
                shard.noteBelow = recorder.noteBelow
                if traits.mayEnd || traits.refreshes { shard.keepExpiries() }
            }
        }
    }

    // MARK: Settling

    /// Tells the policy of the hits since the last time, in the order in which they were.
    ///
    /// - Parameter isFull: A shard has run out of room for notes. Otherwise the number of stamps
    ///   tells whether there is anything to do; hits that meet can set it back.
    mutating func settle(isFull: Bool = false) {
        let now = shards.stamps.pointee.load(ordering: .relaxed)
        guard now != settled || isFull else { return }
        let settledBefore = settled
        settled = now
        let (shards, policy, notes) = (shards, policy, notes)
        touched.withUnsafeMutableBufferPointer { touched in
            let reach = min(Int(now &- settledBefore), touched.count)
            touched[..<reach].update(repeating: SlotOrder.none)
            var found = 0
            // Notes whose stamp was taken while we collect, or is that of another note too.
            var late: [UInt32] = []
            for number in 0..<shards.count {
                shards[number].withLock { shard in
                    for note in 0..<shard.touchCount {
                        let touch = shard.touches[note]
                        let place = Int(touch.stamp &- settledBefore)
                        if place < reach, touched[place] == SlotOrder.none {
                            touched[place] = shards.slot(touch.slot, in: number)
                            found &+= 1
                        } else {
                            late.append(shards.slot(touch.slot, in: number))
                        }
                    }
                    shard.touchCount = 0
                    notes.count += shard.takeNotes(to: notes.base + notes.count)
                }
            }
            if found < reach {
                var kept = 0
                for place in 0..<reach where touched[place] != SlotOrder.none {
                    touched[kept] = touched[place]
                    kept += 1
                }
            }
            // Where hits do not matter to it, the touches were there to count the notes.
            guard policy.heedsHits else { return }
            policy.touched(UnsafeBufferPointer(rebasing: touched[..<found]))
            late.withUnsafeBufferPointer { if !$0.isEmpty { policy.touched($0) } }
        }
        if notes.count > 0 { recordNotes(since: settledBefore) }
    }

    // MARK: Recording

    private mutating func recordNotes(since stamp: UInt32) {
        if shards.count > 1 { notes.sort(since: stamp) }
        for place in 0..<notes.count {
            let one = notes.base[place]
            note(one.isRewrite ? .rewritten : .lookup, mark: one.mark, at: one.at)
        }
        notes.count = 0
    }

    /// Records what happened to a key, where it is followed.
    mutating func note(_ kind: Recorder.Kind, _ hash: UInt64, at now: AgeInstant) {
        note(kind, mark: Shards<Key, Value>.mark(hash), at: now.nanoseconds)
    }

    private mutating func note(
        _ kind: Recorder.Kind, mark: UInt32, at now: Int64, amount: Int64? = nil
    ) {
        if kind == .missed || kind == .led { recorder.countMiss() }
        if recorder.isPaused { resumeRecording(at: now) }
        guard recorder.follows(mark) else { return }
        if recorder.needsPiece(at: now) {
            let before = recorder.noteBelow
            recorder.openPiece(lookups: lookups, maxsize: mostEntries, at: now)
            if recorder.noteBelow != before { spread() }
            guard recorder.follows(mark) else { return }
        }
        recorder.add(kind, mark, at: now, amount: amount)
    }

    /// Records a write: for no look-up, and for one where its bytes, its end or the value are of
    /// interest.
    mutating func note(_ kind: Recorder.Kind, _ arrival: Arrival<Value>, at now: AgeInstant) {
        guard recorder.isOn else { return }
        let mark = Shards<Key, Value>.mark(arrival.hash)
        if kind == .rewritten, policy.takesRewritesForHits {
            // It was noted in its place among the look-ups, and comes before what is told of it.
            if arrival.expiry != nil || recorder.hasEnds { settle() }
        } else if arrival.took == nil || kind == .rewritten {
            note(kind, mark: mark, at: now.nanoseconds)
        }
        noteTraits(arrival, at: now)
        if let print = arrival.print {
            recorder.compare(mark, print, at: now.nanoseconds)
        } else if arrival.took == nil {
            recorder.forgetPrint(mark)
        }
    }

    /// Records what a value takes and when it ends by itself, whether or not it is kept.
    mutating func noteTraits(_ arrival: Arrival<Value>, at now: AgeInstant) {
        let mark = Shards<Key, Value>.mark(arrival.hash)
        if configuration.maxbytes != nil {
            note(.bytes, mark: mark, at: now.nanoseconds, amount: Int64(arrival.bytes))
        }
        guard arrival.expiry != nil || recorder.hasEnds else { return }
        // One that ends is not to be taken for one that does not.
        let life = arrival.expiry.map {
            min(Recorder.largest - 1, max(0, $0 &- now.nanoseconds &+ 999_999) / 1_000_000)
        }
        note(.ends, mark: mark, at: now.nanoseconds, amount: life ?? Recorder.largest)
    }

    /// Records that a key is not held any more, by word of somebody else.
    mutating func noteGone(_ hash: UInt64, at now: AgeInstant) {
        let mark = Shards<Key, Value>.mark(hash)
        recorder.forgetPrint(mark)
        if recorder.mayKnow(mark) { note(.gone, hash, at: now) }
    }

    /// Records that all that is held is invalidated.
    mutating func noteCleared(at now: AgeInstant) {
        note(.cleared, mark: 0, at: now.nanoseconds)
        recorder.forgetPrints(at: now.nanoseconds)
    }

    /// Follows more keys where hardly any that is followed was looked up.
    mutating func followMoreWhereSlow(at now: Int64) {
        guard recorder.isOn, !recorder.isPaused, recorder.isSlow(at: now) else { return }
        let before = recorder.noteBelow
        recorder.openPiece(lookups: lookups, maxsize: mostEntries, at: now)
        if recorder.noteBelow != before { spread() }
    }

    /// Goes on recording where a pause is over.
    mutating func resumeRecording(at now: Int64) {
        guard recorder.isPaused, now >= recorder.pausedUntil else { return }
        recorder.resume(lookups: lookups, at: now)
        spread()
    }

    /// All look-ups so far that could find something: who is refused was not looked for.
    var lookups: UInt64 {
        (0..<shards.count).reduce(counters.lookups - counters.refused) { sum, number in
            sum + shards[number].withLock { $0.hits }
        }
    }

    /// How many entries there may be, as far as that is known.
    private var mostEntries: Int {
        let byBytes = configuration.maxbytes.map { $0 / max(1, bytes / max(1, count)) }
        return min(configuration.maxsize ?? .max, byBytes ?? .max, 1 << 30)
    }

    // MARK: Deadlines

    /// Notes that an entry ends at `end`.
    mutating func ends(at end: Int64) {
        soonest = min(soonest, end)
        let (gone, overflow) = end.addingReportingOverflow(reserve)
        if !overflow { wake = min(wake, gone) }
    }

    /// An entry whose deadline has come at `time`: of those that end by themselves the first to
    /// end, then the oldest.
    mutating func overdue(at time: Int64) -> UInt32? {
        guard time >= soonest else { return nil }
        if let first = expiries.first, first.expiry <= time { return first.slot }
        var due: (slot: UInt32, version: UInt64)?
        var next = expiries.first?.expiry ?? .max
        for number in written.indices where written[number].first != SlotOrder.none {
            let slot = written[number].first
            let (record, end) = recordAndEnd(slot)
            next = min(next, end)
            if end <= time, record.version < due?.version ?? .max { due = (slot, record.version) }
        }
        if due == nil { soonest = next }
        return due?.slot
    }

    /// When there is something to do by itself: the first deadline to come, the end of a reserve
    /// or of an undo; `nil` where there is not. ``wake`` is set to it.
    mutating func nextDeadline() -> AgeInstant? {
        soonest = expiries.first?.expiry ?? .max
        for number in written.indices where written[number].first != SlotOrder.none {
            soonest = min(soonest, recordAndEnd(written[number].first).end)
        }
        wake = .max
        if soonest != .max { ends(at: soonest) }
        if let end = tombstones.nextEnd { wake = min(wake, end.nanoseconds) }
        if !troubles.isEmpty { wake = min(wake, troubles.nextEnd.nanoseconds) }
        return wake == .max ? nil : AgeInstant(nanoseconds: wake)
    }

    var oldest: UInt32? {
        var oldest: (slot: UInt32, version: UInt64)?
        for number in written.indices where written[number].first != SlotOrder.none {
            let version = record(written[number].first).version
            if version < oldest?.version ?? .max { oldest = (written[number].first, version) }
        }
        return oldest?.slot
    }

    // MARK: Entries

    // What is written only under both locks may be read under the store's alone.

    func slot(of key: Key, _ hash: UInt64) -> UInt32? {
        let number = shards.number(hash)
        return shards[number].withLock { $0.find(key, Shards<Key, Value>.mark(hash)) }
            .map { shards.slot($0, in: number) }
    }

    func record(_ slot: UInt32) -> Record {
        let local = shards.local(slot)
        return shards.shard(of: slot).withLock { shard in
            shard.slab.record(shard.slab.address(local)).pointee
        }
    }

    func recordAndEnd(_ slot: UInt32) -> (record: Record, end: Int64) {
        let local = shards.local(slot)
        return shards.shard(of: slot).withLock { shard in
            (shard.slab.record(shard.slab.address(local)).pointee, shard.deadline(local))
        }
    }

    func expiry(_ slot: UInt32) -> Int64? {
        let local = shards.local(slot)
        return shards.shard(of: slot).withLock { $0.expiry(local) }
    }

    /// Whether an entry that ended at `end` is still kept, in case fetches fail.
    func isInReserve(_ end: Int64, at now: AgeInstant) -> Bool {
        let (gone, overflow) = end.addingReportingOverflow(reserve)
        return overflow || now.nanoseconds < gone
    }

    // MARK: What left

    var hasLeft: Bool {
        departed.capacity > 0 || !discarded.isEmpty || !discardedErrors.isEmpty
    }

    /// What has left since the last time, for the listener; and what is to be dropped.
    mutating func takeLeft() -> Left<Key, Value> {
        var left = Left<Key, Value>()
        if departed.capacity > 0 { left.departed = departed.take() }
        if !discarded.isEmpty { swap(&left.discarded, &discarded) }
        if !discardedErrors.isEmpty { swap(&left.errors, &discardedErrors) }
        return left
    }
}

/// What a change of the store leaves to be told of, and to be dropped, with no lock held.
struct Left<Key: Sendable, Value: Sendable>: Sendable {
    var departed = Departures<Key, Value>.Taken()
    var discarded: [RemovedEntry<Key, Value>] = []
    var errors: [any Error] = []
}

/// How old entries were when they left, by cause: as ``Histogram``, at no cost worth the name.
struct Ages: ~Copyable {
    private var counts = SlotColumn(UInt64(0), capacity: 4 * 64)
    private var sums = SlotColumn(UInt64(0), capacity: 4)

    func add(_ nanoseconds: Int64, _ cause: RemovalCause) {
        let microseconds = UInt64(max(0, nanoseconds)) / 1000
        let bucket = 64 - microseconds.leadingZeroBitCount
        counts[cause.number * 64 + UInt32(bucket)] += 1
        sums[cause.number] &+= microseconds
    }

    var histograms: [RemovalCause: Histogram] {
        var histograms: [RemovalCause: Histogram] = [:]
        for cause in RemovalCause.allCases {
            let own = (0..<64).map { counts[cause.number * 64 + $0] }
            if own.contains(where: { $0 > 0 }) {
                histograms[cause] = Histogram(buckets: own, microseconds: sums[cause.number])
            }
        }
        return histograms
    }
}

extension RemovalCause {
    var number: UInt32 {
        switch self {
        case .expired: 0
        case .evicted: 1
        case .invalidated: 2
        case .replaced: 3
        }
    }
}
