// The least often used goes, among equals the least recently used. Constant time (Shah, Mitra and
// Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme", 2010).
//
// Slots used equally often share a bucket, and the buckets are linked from the least count to the
// greatest; a use moves a slot to the end of the bucket one up, so that a bucket is in order of
// last use by itself. An emptied bucket is kept for the next count that needs one.
//
// Where counts age, they all halve after 10 x maxsize look-ups: the buckets of 2n and 2n + 1
// become one. Both are in order of last use, and so has their union to be. To merge two halves of a
// million would take milliseconds; so the union keeps both as runs of its own, and every use moves
// a few slots over into a third, the older head first, long before the next halving. The least
// recent of the bucket is the head of the third run, or the older head of the other two.

final class LFU: EvictionPolicy {
    /// Slots in order of last use, all in one bucket.
    private struct Run: BitwiseCopyable {
        var slots = SlotOrder()
        var bucket = SlotOrder.none
        /// The next of the unused runs.
        var nextFree = SlotOrder.none
    }

    private struct Bucket: BitwiseCopyable {
        var uses = 0
        var count = 0
        var fewer = SlotOrder.none
        var more = SlotOrder.none
        /// The run of all its slots, or of those that are merged already.
        var run = SlotOrder.none
        /// What is still to be merged; what is used now stands at the end of the first.
        var halves = (SlotOrder.none, SlotOrder.none)

        var isMerging: Bool { halves.0 != SlotOrder.none }
    }

    private var links = SlotLinks()
    /// The number of the run each slot is in.
    private var runOf = SlotColumn(SlotOrder.none)
    /// When each slot was last used, where counts age; counted in uses.
    private var lastUse = SlotColumn(UInt64(0))
    private var runs = SlotColumn(Run())
    private var runCount: UInt32 = 0
    private var freeRun = SlotOrder.none
    private var buckets = SlotColumn(Bucket())
    private var bucketCount: UInt32 = 0
    private var freeBucket = SlotOrder.none
    private var fewest = SlotOrder.none
    /// Buckets that are to be merged; some may have gone meanwhile.
    private var toMerge: [UInt32] = []

    private let ages: Bool
    private var now: UInt64 = 0
    private var lookups = 0
    private(set) var count = 0
    private var maxsize: Int?

    /// Where a walk is: in the bucket of so many uses, or behind it.
    private var walked = (uses: -1, bucket: SlotOrder.none)
    private var lastSeated = SlotOrder.none

    let heedsHits = true

    init(maxsize: Int?, ages: Bool) {
        self.maxsize = maxsize
        self.ages = ages
    }

    // MARK: What happens

    func added(_ slot: UInt32, hash: UInt64) {
        mergeSome()
        put(slot, uses: 1, after: SlotOrder.none)
    }

    private func put(_ slot: UInt32, uses: Int, after start: UInt32) {
        links.reserve(slot)
        runOf.reserve(slot)
        if ages { lastUse.reserve(slot) }
        count += 1
        var fewer = start
        var next = fewer == SlotOrder.none ? fewest : buckets[fewer].more
        while next != SlotOrder.none, buckets[next].uses < uses {
            (fewer, next) = (next, buckets[next].more)
        }
        put(slot, in: bucket(of: uses, after: fewer))
    }

    func rewritten(_ slot: UInt32) { use(slot) }

    func touched(_ slots: UnsafeBufferPointer<UInt32>) {
        for slot in slots {
            use(slot)
            missed()
        }
    }

    /// Any look-up brings the next halving nearer, not only one that missed.
    func missed() {
        guard ages else { return }
        mergeSome()
        lookups += 1
        // What the last halving left to merge is done by then: there were ten look-ups an entry.
        if lookups >= 10 * max(maxsize ?? count, 1), toMerge.isEmpty { halve() }
    }

    func removed(_ slot: UInt32, evicted: Bool) {
        count -= 1
        take(slot)
    }

    func resized(to maxsize: Int?) { self.maxsize = maxsize }

    func victim() -> UInt32? {
        let bucket = buckets[fewest]
        let first = runs[bucket.run].slots.first
        return first == SlotOrder.none ? older(runs[bucket.halves.0], runs[bucket.halves.1]) : first
    }

    /// The head of the run whose head was used longer ago.
    private func older(_ a: Run, _ b: Run) -> UInt32 {
        if b.slots.first == SlotOrder.none { return a.slots.first }
        if a.slots.first == SlotOrder.none { return b.slots.first }
        return lastUse[a.slots.first] < lastUse[b.slots.first] ? a.slots.first : b.slots.first
    }

    // MARK: Counts

    private func use(_ slot: UInt32) {
        mergeSome()
        let old = runs[runOf[slot]].bucket
        let uses = buckets[old].uses + 1
        let more = buckets[old].more
        let isTaken = more != SlotOrder.none && buckets[more].uses == uses
        if !isTaken, buckets[old].count == 1 {
            buckets[old].uses = uses
            stamp(slot)
        } else {
            let new = bucket(of: uses, after: old)
            take(slot)
            put(slot, in: new)
        }
    }

    private func put(_ slot: UInt32, in bucket: UInt32) {
        let run = buckets[bucket].isMerging ? buckets[bucket].halves.0 : buckets[bucket].run
        runs[run].slots.append(slot, links)
        runOf[slot] = run
        buckets[bucket].count += 1
        stamp(slot)
    }

    private func take(_ slot: UInt32) {
        let run = runOf[slot]
        let bucket = runs[run].bucket
        runs[run].slots.remove(slot, links)
        buckets[bucket].count -= 1
        if buckets[bucket].count == 0 { drop(bucket) }
    }

    private func stamp(_ slot: UInt32) {
        guard ages else { return }
        now += 1
        lastUse[slot] = now
    }

    // MARK: Ageing

    private func halve() {
        lookups = 0
        var bucket = fewest
        while bucket != SlotOrder.none {
            let (fewer, more) = (buckets[bucket].fewer, buckets[bucket].more)
            buckets[bucket].uses /= 2
            if fewer != SlotOrder.none, buckets[fewer].uses == buckets[bucket].uses {
                join(bucket, into: fewer)
            }
            bucket = more
        }
    }

    /// The slots of both stand in `bucket`, each in its own run for now.
    private func join(_ other: UInt32, into bucket: UInt32) {
        let halves = (buckets[bucket].run, buckets[other].run)
        runs[halves.1].bucket = bucket
        buckets[bucket].halves = halves
        buckets[bucket].run = newRun(in: bucket)
        buckets[bucket].count += buckets[other].count
        buckets[other].run = SlotOrder.none
        drop(other)
        toMerge.append(bucket)
    }

    /// A use adds one slot to the runs at most; so four steps are enough to come to an end.
    private func mergeSome() { if !toMerge.isEmpty { merge(4) } }

    private func merge(_ steps: Int) {
        for _ in 0..<steps {
            guard let bucket = toMerge.last else { return }
            let halves = buckets[bucket].halves
            if buckets[bucket].isMerging, let slot = nextToMerge(halves) {
                runs[runOf[slot]].slots.remove(slot, links)
                runOf[slot] = buckets[bucket].run
                runs[runOf[slot]].slots.append(slot, links)
            } else {
                endMerge(of: bucket)
                toMerge.removeLast()
            }
        }
    }

    private func nextToMerge(_ halves: (UInt32, UInt32)) -> UInt32? {
        let slot = older(runs[halves.0], runs[halves.1])
        return slot == SlotOrder.none ? nil : slot
    }

    private func endMerge(of bucket: UInt32) {
        guard buckets[bucket].isMerging else { return }
        drop(run: buckets[bucket].halves.0)
        drop(run: buckets[bucket].halves.1)
        buckets[bucket].halves = (SlotOrder.none, SlotOrder.none)
    }

    // MARK: Buckets

    /// The bucket of `uses`, which is above `fewer` and at most the next one; made where missing.
    private func bucket(of uses: Int, after fewer: UInt32) -> UInt32 {
        let more = fewer == SlotOrder.none ? fewest : buckets[fewer].more
        if more != SlotOrder.none, buckets[more].uses == uses { return more }
        let bucket = unusedBucket()
        buckets[bucket] = Bucket(uses: uses, fewer: fewer, more: more, run: newRun(in: bucket))
        if fewer == SlotOrder.none { fewest = bucket } else { buckets[fewer].more = bucket }
        if more != SlotOrder.none { buckets[more].fewer = bucket }
        return bucket
    }

    private func unusedBucket() -> UInt32 {
        guard freeBucket == SlotOrder.none else {
            defer { freeBucket = buckets[freeBucket].more }
            return freeBucket
        }
        buckets.reserve(bucketCount)
        bucketCount += 1
        return bucketCount - 1
    }

    private func drop(_ bucket: UInt32) {
        endMerge(of: bucket)
        if buckets[bucket].run != SlotOrder.none { drop(run: buckets[bucket].run) }
        let (fewer, more) = (buckets[bucket].fewer, buckets[bucket].more)
        if fewer == SlotOrder.none { fewest = more } else { buckets[fewer].more = more }
        if more != SlotOrder.none { buckets[more].fewer = fewer }
        buckets[bucket] = Bucket(more: freeBucket)
        freeBucket = bucket
    }

    private func newRun(in bucket: UInt32) -> UInt32 {
        var run = freeRun
        if run == SlotOrder.none {
            runs.reserve(runCount)
            run = runCount
            runCount += 1
        } else {
            freeRun = runs[run].nextFree
        }
        runs[run] = Run(bucket: bucket)
        return run
    }

    private func drop(run: UInt32) {
        runs[run] = Run(nextFree: freeRun)
        freeRun = run
    }

    // MARK: Walking

    func beginWalk(_ other: any EvictionPolicy) { walked = (-1, SlotOrder.none) }

    func walk(_ limit: Int, _ seats: inout [Seat]) {
        while seats.count < limit, enterBucket() {
            let (bucket, uses) = (buckets[walked.bucket], walked.uses)
            while seats.count < limit, let slot = nextWalked(bucket) {
                seats.append(Seat(slot: slot, uses: uses))
            }
            if seats.count < limit { walked.bucket = SlotOrder.none }
        }
    }

    /// Finds the bucket where the walk goes on; false behind the last.
    private func enterBucket() -> Bool {
        if walked.bucket != SlotOrder.none, walked.bucket < bucketCount,
            buckets[walked.bucket].uses == walked.uses, buckets[walked.bucket].count > 0
        {
            return true
        }
        var bucket = fewest
        while bucket != SlotOrder.none, buckets[bucket].uses <= walked.uses {
            bucket = buckets[bucket].more
        }
        guard bucket != SlotOrder.none else { return false }
        walked = (buckets[bucket].uses, bucket)
        for run in [buckets[bucket].run, buckets[bucket].halves.0, buckets[bucket].halves.1]
        where run != SlotOrder.none { runs[run].slots.beginWalk() }
        return true
    }

    private func nextWalked(_ bucket: Bucket) -> UInt32? {
        if let slot = runs[bucket.run].slots.step(links) { return slot }
        guard bucket.isMerging else { return nil }
        let (a, b) = (runs[bucket.halves.0].slots.next, runs[bucket.halves.1].slots.next)
        let isFirst =
            b == SlotOrder.none || a != SlotOrder.none && lastUse[a] < lastUse[b]
        return runs[isFirst ? bucket.halves.0 : bucket.halves.1].slots.step(links)
    }

    func seat(_ seat: Seat) {
        let isBehind =
            lastSeated != SlotOrder.none && buckets[lastSeated].uses <= seat.uses
        put(
            seat.slot, uses: seat.uses,
            after: isBehind ? buckets[lastSeated].fewer : SlotOrder.none)
        lastSeated = runs[runOf[seat.slot]].bucket
    }

    // MARK: Own checks

    func checkInvariants(count: Int) {
        var (held, uses, fewer, bucket) = (0, -1, SlotOrder.none, fewest)
        while bucket != SlotOrder.none {
            let here = buckets[bucket]
            precondition(here.uses > uses, "buckets stand in order of their counts")
            precondition(here.fewer == fewer, "buckets are linked back")
            precondition(here.count > 0, "an empty bucket is not kept")
            precondition(!here.isMerging || toMerge.contains(bucket), "a merge goes on")
            let slots = [here.run, here.halves.0, here.halves.1].map(checked)
            precondition(slots.joined().count == here.count, "a bucket counts its slots")
            let (merged, rest) = (slots[0].last, slots[1...].joined())
            precondition(
                rest.allSatisfy { merged == nil || lastUse[merged!] < lastUse[$0] },
                "what is merged was used before the rest")
            held += here.count
            (uses, fewer, bucket) = (here.uses, bucket, here.more)
        }
        precondition(held == count && self.count == count, "every entry has its place")
    }

    private func checked(_ run: UInt32) -> [UInt32] {
        guard run != SlotOrder.none else { return [] }
        runs[run].slots.checkInvariants(links)
        let slots = runs[run].slots.slots(links)
        precondition(slots.allSatisfy { runOf[$0] == run }, "a slot knows its run")
        precondition(
            !ages || zip(slots, slots.dropFirst()).allSatisfy { lastUse[$0] < lastUse[$1] },
            "a run is in order of last use")
        return slots
    }
}
