import Larder
import TestSupport
import Testing

@testable import Larder

/// No hold of the store does more than a bounded piece of work, whoever causes it.
@Suite struct SliceTests {
    private static let many = 2000

    /// A store of many entries, and what is on its way into it.
    private struct Rig: ~Copyable {
        var store: Store<Int, Int>
        let shards = Shards<Int, Int>(bits: 2)
        let now = AgeInstant(nanoseconds: 1_000_000_000)

        init(_ policy: Policy, maxsize: Int? = nil) {
            store = Store(
                CacheConfiguration(maxsize: maxsize, ttl: .seconds(60), policy: policy),
                feedCapacity: 16, shards: shards, traits: Traits(), at: now)
            for key in 0..<SliceTests.many { _ = write(key) }
        }

        deinit { shards.deallocate() }

        mutating func write(_ key: Int, drains: Bool = false) -> Bool {
            var arrival = Arrival(
                value: key, hash: shards.hash(key), expiry: nil, bytes: 100, took: nil)
            let isDone = store.write(&arrival, for: key, drains: drains, at: now)
            store.takeLeft().departed.drop(nil)
            return isDone
        }

        mutating func configure(_ new: CacheConfiguration) {
            store.configure(new, by: nil, at: now)
        }
    }

    @Test(arguments: PolicyTests.all)
    func `a write removes one slice, and is done once there is room`(policy: Policy) {
        var rig = Rig(policy)
        rig.configure(CacheConfiguration(maxsize: 10, ttl: .seconds(60), policy: policy))
        var last = rig.store.count
        var calls = 0
        while !rig.write(-1) {
            let count = rig.store.count
            #expect(last - count <= 64)
            (last, calls) = (count, calls + 1)
        }
        #expect(calls >= (Self.many - 10) / 64)
        let count = rig.store.count
        #expect(count == 10)
    }

    @Test(arguments: PolicyTests.all)
    func `where others remove what is beyond the bounds, a write goes on`(policy: Policy) {
        var rig = Rig(policy)
        rig.configure(CacheConfiguration(maxsize: 10, ttl: .seconds(60), policy: policy))
        rig.store.drainers = 1
        let isDone = rig.write(-1)
        #expect(isDone)
        let count = rig.store.count
        #expect(count == Self.many - 1)
        // Those who remove it come to an end all the same.
        var isMore = true
        var removed: [Victim<Int>] = []
        removed.reserveCapacity(64)
        let capacity = removed.capacity
        while isMore {
            removed.removeAll(keepingCapacity: true)
            rig.store.departed.use(Departures.Taken(room: 64))
            isMore = rig.store.shrink(limit: 64, at: rig.now, &removed)
            #expect(removed.count <= 64)
            // Nothing grew while the lock would have been held.
            #expect(removed.capacity == capacity)
            #expect(rig.store.departed.capacity == 64)
            rig.store.takeLeft().departed.drop(nil)
        }
        rig.store.drainers = 0
        rig.store.checkInvariants()
    }

    @Test(arguments: PolicyTests.all)
    func `a policy takes over in slices, with anything in between`(policy: Policy) {
        for former in PolicyTests.all where former != policy {
            var rig = Rig(former)
            rig.configure(CacheConfiguration(maxsize: nil, ttl: .seconds(60), policy: policy))
            var random = Seeded(1)
            var calls = 0
            while rig.store.tidy(64) {
                calls += 1
                let key = Int.random(in: 0..<Self.many, using: &random)
                _ = rig.write(key)
                _ = rig.write(key + Self.many)
                _ = rig.store.cached(key, rig.shards.hash(key), at: rig.now)
                _ = rig.store.invalidate(
                    key + 1, rig.shards.hash(key + 1), by: nil, at: rig.now)
                rig.store.takeLeft().departed.drop(nil)
                if calls % 8 == 0 { rig.store.checkInvariants() }
            }
            #expect(calls >= (Self.many - 100) / 64)
            rig.store.checkInvariants()
            let isOver = !(rig.store.policy is Handover)
            #expect(isOver)
        }
    }

    @Test(arguments: [Policy.sieve, .s3fifo])
    func `where all were hit, a victim is named in several calls`(policy: Policy) {
        let fresh = policy.make(maxsize: Self.many)
        for slot in 0..<UInt32(Self.many) { fresh.added(slot, hash: UInt64(slot)) }
        for slot in 0..<UInt32(Self.many) { fresh.touched([slot, slot, slot]) }
        var calls = 1
        while fresh.victim() == nil { calls += 1 }
        #expect(calls >= Self.many / 256)
        fresh.checkInvariants(count: Self.many)
    }

    @Test func `counts that halve are merged by and by, in the order of last use`() {
        let policy = LFU(maxsize: 100, ages: true)
        for slot in 0..<100 as Range<UInt32> { policy.added(slot, hash: 0) }
        var order = Array(0..<100 as Range<UInt32>)
        var random = Seeded(7)
        for _ in 0..<5000 {
            let slot = UInt32.random(in: 0..<100, using: &random)
            policy.touched([slot])
            order.removeAll { $0 == slot }
            order.append(slot)
            policy.checkInvariants(count: 100)
        }
        // Nobody looks for long enough for all counts to be 0: only the order of use is left.
        for _ in 0..<20_000 { policy.missed() }
        #expect(policy.victims(100, on: LFU(maxsize: 100, ages: true)) == order)
    }

    @Test func `a sketch that halves and grows bit by bit counts as one that does so at once`() {
        var bitByBit = FrequencySketch(capacity: 64)
        var random = Seeded(3)
        var uses: [UInt32: Int] = [:]
        var sinceHalving = 0
        // Keys apart from each other: their blocks differ in the smallest sketch already.
        let tags = (0..<8 as Range<UInt32>).map { $0 | $0 << 20 }
        for number in 0..<4000 {
            let tag = tags.randomElement(using: &random)!
            let grew = bitByBit.count(tag) < 15
            bitByBit.increment(tag, sample: 100)
            uses[tag] = min(15, uses[tag, default: 0] + 1)
            sinceHalving += grew ? 1 : 0
            if sinceHalving >= 100 {
                sinceHalving /= 2
                uses = uses.mapValues { $0 / 2 }
            }
            if number % 500 == 499 { bitByBit.reserve(64 << (number / 500)) }
            let counts = tags.map { bitByBit.count($0) }
            #expect(counts == tags.map { uses[$0] ?? 0 })
        }
    }

    @Test func `an index that is trimmed step by step finds all that is left`() {
        var index = SlotIndex()
        var random = Seeded(5)
        let marks = (0..<20_000).map { _ in UInt32.random(in: .min ... .max, using: &random) }
        for (slot, mark) in marks.enumerated() { index.insert(UInt32(slot), mark) }
        for slot in 40..<20_000 { index.remove(UInt32(slot), marks[slot]) }
        var steps = 0
        while index.trim() {
            steps += 1
            if steps % 10 == 0 { index.checkInvariants { marks[Int($0)] } }
        }
        index.checkInvariants { marks[Int($0)] }
        let (count, depth) = (index.count, index.depth)
        #expect(count == 40)
        #expect(depth == 0)
        #expect(steps > 1)
    }

    @Test func `an undo of many comes back in slices, and whole`() {
        let cache = Cache<Int, Int>("many", maxsize: nil, ttl: nil) { $0 }
        for key in 0..<1000 { cache.insert(key, for: key) }
        let undo = UndoID()
        for key in 0..<1000 { cache.invalidate(key, undo: undo) }
        #expect(cache.restore(undo) == (1000, 0))
        #expect(cache.snapshot().holds.shrinking.count >= 1000 / 64)
        #expect(cache.snapshot().count == 1000)
    }

    @Test func `what is buried is told in slices, whatever goes and comes meanwhile`() {
        var random = Seeded(11)
        for limit in [1, 3, 64, 5000] {
            var tombstones = Tombstones<Int, Int>()
            var naive: [(key: Int, undo: UndoID, until: AgeInstant)] = []
            let undos = [UndoID(), UndoID(), UndoID()]
            var (now, key) = (AgeInstant(nanoseconds: 0), 0)
            func bury(_ tombstones: inout Tombstones<Int, Int>) {
                let undo = undos.randomElement(using: &random)!
                let entry = RemovedEntry(
                    key: key, value: key, cause: .invalidated, version: 1, ageInNanoseconds: 0,
                    hits: 0, bytes: 100)
                var dropped: [RemovedEntry<Int, Int>] = []
                tombstones.bury(
                    Tombstone(
                        entry: entry,
                        record: Record(writtenAt: 0, version: 1, loads: 1, bytes: 100, took: 0),
                        expiry: nil, undo: undo), at: now,
                    dropped: &dropped)
                naive.removeAll { tombstone in dropped.contains { $0.key == tombstone.key } }
                naive.append((key, undo, now + UndoID.window))
                key += 1
            }
            for _ in 0..<40 {
                for _ in 0..<Int.random(in: 0...60, using: &random) { bury(&tombstones) }
                now = now + .seconds(Int.random(in: 0...6, using: &random))
                var dropped: [RemovedEntry<Int, Int>] = []
                while tombstones.purge(at: now, dropped: &dropped) {}
                naive.removeAll { $0.until <= now }
                if Bool.random(using: &random) {
                    let undo = undos.randomElement(using: &random)!
                    let opened = tombstones.open(undo, limit: 5, at: now).map(\.entry.key)
                    naive.removeAll { opened.contains($0.key) }
                }
                let undo = undos[0]
                var (keys, next): ([Int], UInt64?) = ([], 0)
                while let number = next {
                    let before = keys.count
                    next = tombstones.buried(undo, from: number, limit: limit, at: now, into: &keys)
                    #expect(keys.count - before <= limit)
                }
                #expect(keys == naive.filter { $0.undo == undo }.map(\.key))
                // What gives way between two slices is told of no more, and nothing twice.
                var told: [Int] = []
                next = tombstones.buried(undo, from: 0, limit: 2, at: now, into: &told)
                now = now + .seconds(1)
                while tombstones.purge(at: now, dropped: &dropped) {}
                naive.removeAll { $0.until <= now }
                let newest = key
                bury(&tombstones)
                while let number = next {
                    next = tombstones.buried(undo, from: number, limit: 2, at: now, into: &told)
                }
                #expect(Set(told).count == told.count)
                let left = naive.filter { $0.undo == undo && $0.key < newest }.map(\.key)
                #expect(Set(left).isSubset(of: told))
            }
        }
    }

    @Test func `how many an undo would bring back is counted in slices`() {
        let cache = Cache<Int, Int>("many", maxsize: nil, ttl: nil) { $0 }
        for key in 0..<2000 { cache.insert(key, for: key) }
        let undo = UndoID()
        for key in 0..<2000 { cache.invalidate(key, undo: undo) }
        cache.insert(7, for: 7)
        let before = cache.snapshot().holds.planning.count
        #expect(cache.restorable(undo) == 1999)
        #expect(cache.snapshot().holds.planning.count - before >= 2000 / 256)
    }

    @Test func `what was fetched most is copied into room that is there, and shares none of it`() {
        var random = Seeded(13)
        var now = AgeInstant(nanoseconds: 0)
        var most = MostFetched<Int>(at: now)
        for _ in 0..<20 {
            for _ in 0..<200 {
                let key = Int.random(in: 0..<100, using: &random)
                most.begin(key, UInt64(key), at: now)
                now = now + .milliseconds(Int.random(in: 0...1500, using: &random))
            }
            var copy = MostFetched<Int>.withRoom(at: now)
            most.copy(into: &copy)
            let told = most.first(64, at: now)
            most.begin(-1, 1, at: now)
            let copied = copy.first(64, at: now)
            #expect(copied.since == told.since)
            #expect(copied.keys.map(\.fetches) == told.keys.map(\.fetches))
            #expect(Set(copied.keys.map(\.key)) == Set(told.keys.map(\.key)))
        }
    }
}
