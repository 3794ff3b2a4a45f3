// The least often used goes, among equals the least recently used. Constant time (Shah, Mitra and
// Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme", 2010).
//
// Slots used equally often share a bucket, and the buckets are linked from the least count to the
// greatest; a use moves a slot to the end of the bucket one up, so that a bucket is in order of
// last use by itself. An emptied bucket is kept for the next count that needs one.
//
// Where counts age, they all halve after 10 x maxsize look-ups. The buckets of 2n and 2n + 1 then
// become one and are merged by the time of last use: the reason why every slot has one. That is
// one pass over what the merged buckets hold, a fraction of what ten look-ups an entry cost.

final class LFU: EvictionPolicy {
    private struct Bucket {
        var uses = 0
        var slots = SlotOrder()
        var fewer = SlotOrder.none
        var more = SlotOrder.none
    }

    private var links = SlotLinks()
    /// The number of the bucket each slot is in.
    private var bucketOf = SlotColumn(SlotOrder.none)
    /// When each slot was last used, where counts age; counted in uses.
    private var lastUse = SlotColumn(UInt32(0))
    private var buckets = SlotColumn(Bucket())
    private var bucketCount: UInt32 = 0
    private var free = SlotOrder.none
    private var fewest = SlotOrder.none

    private let ages: Bool
    private let lastInstant: UInt32
    private var now: UInt32 = 0
    private var lookups = 0
    private var count = 0
    private var maxsize: Int?

    let heedsHits = true

    /// `lastInstant` is when the clock of uses is set back; only tests cannot wait that long.
    init(maxsize: Int?, ages: Bool, lastInstant: UInt32 = .max) {
        self.maxsize = maxsize
        self.ages = ages
        self.lastInstant = lastInstant
    }

    // MARK: What happens

    func added(_ slot: UInt32, hash: UInt64) {
        links.reserve(slot)
        bucketOf.reserve(slot)
        if ages { lastUse.reserve(slot) }
        count += 1
        var fewer = SlotOrder.none
        if fewest != SlotOrder.none, buckets[fewest].uses < 1 { fewer = fewest }
        put(slot, in: bucket(of: 1, after: fewer))
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
        lookups += 1
        if lookups >= 10 * max(maxsize ?? count, 1) { halve() }
    }

    func removed(_ slot: UInt32, evicted: Bool) {
        count -= 1
        take(slot, from: bucketOf[slot])
    }

    func resized(to maxsize: Int?) { self.maxsize = maxsize }

    func victim() -> UInt32 { buckets[fewest].slots.first }

    func victims(_ count: Int) -> [UInt32] {
        var slots: [UInt32] = []
        var bucket = fewest
        while bucket != SlotOrder.none, slots.count < count {
            slots += buckets[bucket].slots.slots(links, limit: count - slots.count)
            bucket = buckets[bucket].more
        }
        return slots
    }

    // MARK: Counts

    private func use(_ slot: UInt32) {
        let old = bucketOf[slot]
        let uses = buckets[old].uses + 1
        let more = buckets[old].more
        let isTaken = more != SlotOrder.none && buckets[more].uses == uses
        if !isTaken, buckets[old].slots.count == 1 {
            buckets[old].uses = uses
            stamp(slot)
        } else {
            let new = bucket(of: uses, after: old)
            take(slot, from: old)
            put(slot, in: new)
        }
    }

    private func put(_ slot: UInt32, in bucket: UInt32) {
        buckets[bucket].slots.append(slot, links)
        bucketOf[slot] = bucket
        stamp(slot)
    }

    private func take(_ slot: UInt32, from bucket: UInt32) {
        buckets[bucket].slots.remove(slot, links)
        if buckets[bucket].slots.count == 0 { drop(bucket) }
    }

    private func halve() {
        lookups = 0
        var bucket = fewest
        while bucket != SlotOrder.none {
            let (fewer, more) = (buckets[bucket].fewer, buckets[bucket].more)
            buckets[bucket].uses /= 2
            if fewer != SlotOrder.none, buckets[fewer].uses == buckets[bucket].uses {
                merge(bucket, into: fewer)
            }
            bucket = more
        }
    }

    /// The slots of both stand in `bucket`, in order of last use.
    private func merge(_ other: UInt32, into bucket: UInt32) {
        var (a, b) = (buckets[bucket].slots.first, buckets[other].slots.first)
        var merged = SlotOrder()
        while a != SlotOrder.none || b != SlotOrder.none {
            if b == SlotOrder.none || a != SlotOrder.none && lastUse[a] < lastUse[b] {
                let after = links[a].after
                merged.append(a, links)
                a = after
            } else {
                let after = links[b].after
                merged.append(b, links)
                bucketOf[b] = bucket
                b = after
            }
        }
        buckets[bucket].slots = merged
        drop(other)
    }

    // MARK: Time

    private func stamp(_ slot: UInt32) {
        guard ages else { return }
        if now == lastInstant { setBack() }
        now += 1
        lastUse[slot] = now
    }

    /// Numbers the last uses anew from 1, in the same order: once in four thousand million uses.
    private func setBack() {
        precondition(count < lastInstant, "there are more instants than entries")
        let slots = victims(count).sorted { lastUse[$0] < lastUse[$1] }
        for (number, slot) in slots.enumerated() { lastUse[slot] = UInt32(number) + 1 }
        now = UInt32(slots.count)
    }

    // MARK: Buckets

    /// The bucket of `uses`, which is above `fewer` and at most the next one; made where missing.
    private func bucket(of uses: Int, after fewer: UInt32) -> UInt32 {
        let more = fewer == SlotOrder.none ? fewest : buckets[fewer].more
        if more != SlotOrder.none, buckets[more].uses == uses { return more }
        let bucket = unusedBucket()
        buckets[bucket] = Bucket(uses: uses, fewer: fewer, more: more)
        if fewer == SlotOrder.none { fewest = bucket } else { buckets[fewer].more = bucket }
        if more != SlotOrder.none { buckets[more].fewer = bucket }
        return bucket
    }

    private func unusedBucket() -> UInt32 {
        guard free == SlotOrder.none else {
            defer { free = buckets[free].more }
            return free
        }
        buckets.reserve(bucketCount)
        bucketCount += 1
        return bucketCount - 1
    }

    private func drop(_ bucket: UInt32) {
        let (fewer, more) = (buckets[bucket].fewer, buckets[bucket].more)
        if fewer == SlotOrder.none { fewest = more } else { buckets[fewer].more = more }
        if more != SlotOrder.none { buckets[more].fewer = fewer }
        buckets[bucket] = Bucket(more: free)
        free = bucket
    }

    func checkInvariants(count: Int) {
        var (held, uses, fewer, bucket) = (0, -1, SlotOrder.none, fewest)
        while bucket != SlotOrder.none {
            let here = buckets[bucket]
            precondition(here.uses > uses, "buckets stand in order of their counts")
            precondition(here.fewer == fewer, "buckets are linked back")
            precondition(here.slots.count > 0, "an empty bucket is not kept")
            here.slots.checkInvariants(links)
            let slots = here.slots.slots(links)
            precondition(slots.allSatisfy { bucketOf[$0] == bucket }, "a slot knows its bucket")
            precondition(
                !ages || zip(slots, slots.dropFirst()).allSatisfy { lastUse[$0] < lastUse[$1] },
                "a bucket is in order of last use")
            held += here.slots.count
            (uses, fewer, bucket) = (here.uses, bucket, here.more)
        }
        precondition(held == count && self.count == count, "every entry has its place")
    }
}
