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
        let now = Instant(nanoseconds: 1_000_000_000)

        init(_ policy: Policy, maxsize: Int? = nil) {
            store = Store(
                Configuration(maxsize: maxsize, ttl: .seconds(60), policy: policy),
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

        mutating func configure(_ new: Configuration) { store.configure(new, by: nil, at: now) }
    }

    @Test(arguments: PolicyTests.all)
    func `a write removes one slice, and is done once there is room`(policy: Policy) {
        var rig = Rig(policy)
        rig.configure(Configuration(maxsize: 10, ttl: .seconds(60), policy: policy))
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
        rig.configure(Configuration(maxsize: 10, ttl: .seconds(60), policy: policy))
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
            rig.configure(Configuration(maxsize: nil, ttl: .seconds(60), policy: policy))
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
}
