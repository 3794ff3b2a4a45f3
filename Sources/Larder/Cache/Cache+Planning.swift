import Synchronization

extension Cache {
    /// How many of these entries ``restore(_:by:)`` could put back, were they removed at once, in
    /// this order and with an undo: the last of them, as many as are kept for that.
    package func restorable(_ victims: [Victim<Key>]) -> Int {
        guard traits.mayComeBack else { return 0 }
        var (count, bytes) = (0, 0)
        for victim in victims.reversed() where victim.version > 0 {
            bytes += victim.bytes
            guard count < Tombstones<Key, Value>.mostEntries,
                bytes <= Tombstones<Key, Value>.mostBytes
            else { break }
            count += 1
        }
        return count
    }

    /// The entries that would leave, in order, if the bounds were `new` now: first those whose
    /// reserve would be over; then, where there is no room for all, those that have ended, and those
    /// that the policy names. What ``configure(_:replacing:undo:by:)`` returns, unless something
    /// happens in between; but `rr` without a seed makes no promise.
    public func victims(of new: CacheConfiguration) -> [Victim<Key>] {
        let (outlook, present) = outlook(new)
        var (count, bytes) = outlook.staying
        return outlook.leaving.map(\.victim)
            + victims(of: new, present, outlook) {
                count > new.maxsize ?? .max || bytes > new.maxbytes ?? .max
            } taking: {
                count -= 1
                bytes -= $0.bytes
            }
    }

    /// The first `wanted` entries in the order in which they would leave if nothing were used or
    /// written any more: those that have ended, then those that the policy names. The order is
    /// exact for `lru`, `fifo` and `lfu`. For the others it holds until the next use: `sieve`,
    /// `s3fifo` and `tinylfu` put off what is used, and `rr` draws anew with each eviction.
    package func nextToGo(_ wanted: Int) -> [Victim<Key>] {
        guard wanted > 0 else { return [] }
        let (outlook, present) = outlook(nil)
        let over = outlook.over.map(\.victim).prefix(wanted)
        var count = over.count
        return over
            + victims(of: present, present, outlook) {
                count < wanted
            } taking: { _ in
                count += 1
            }
    }

    /// What bounds would do to each entry by itself: the new ones, or else the present ones.
    private func outlook(
        _ new: CacheConfiguration?
    ) -> (outlook: Outlook<Key>, present: CacheConfiguration) {
        let now = clock.now()
        let (present, lives, version) = store.withLock { ($0.configuration, $0.lives, $0.version) }
        var outlook = Outlook<Key>(
            new ?? present, present, lives, version: version, at: now)
        let hold = eachSlot { number, local, shard in
            outlook.look(local, shards.slot(local, in: number), in: shard)
        } afterSlice: {
            outlook.keepSeen()
        }
        store.withLock { $0.holds.planning.add(hold) }
        outlook.sort()
        return (outlook, present)
    }

    /// Those that make room under other bounds, in order, for as long as more are wanted.
    private func victims(
        of new: CacheConfiguration, _ present: CacheConfiguration, _ outlook: Outlook<Key>,
        while isBeyond: () -> Bool,
        taking: (Victim<Key>) -> Void
    ) -> [Victim<Key>] {
        var victims: [Victim<Key>] = []
        func take(_ victim: Victim<Key>) {
            victims.append(victim)
            taking(victim)
        }
        for ended in outlook.inReserve where isBeyond() { take(ended.victim) }
        guard isBeyond() else { return victims }
        let gone = Set((outlook.over + outlook.leaving + outlook.inReserve).map(\.slot))
        if new.policy == present.policy, store.withLock({ $0.policy.walksInOrder }) {
            walk { _ in
            } seats: { seats in
                for seat in seats where isBeyond() && !gone.contains(seat.slot) {
                    if let victim = evicted(seat.slot) { take(victim) }
                }
                return isBeyond()
            }
        } else {
            let policy = successor(present, new, outlook)
            while isBeyond(), let slot = policy.evict(1).first {
                if let victim = evicted(slot) { take(victim) }
            }
        }
        return victims
    }

    /// How many entries ``restore(_:by:)`` would put back, were there room for all: those whose
    /// keys have no other entry by now.
    package func restorable(_ undo: UndoID) -> Int {
        let now = clock.now()
        let slice = 8 * Store<Key, Value>.slice
        var (count, keys, next): (Int, [Key], UInt64?) = (0, [], 0)
        // Nothing that grows is to grow under a lock.
        keys.reserveCapacity(slice)
        while let number = next {
            next = held(for: \.planning) {
                $0.tombstones.buried(undo, from: number, limit: slice, at: now, into: &keys)
            }
            count += keys.count { facts(of: $0) == nil }
            keys.removeAll(keepingCapacity: true)
        }
        return count
    }

    private func evicted(_ slot: UInt32) -> Victim<Key>? {
        let local = shards.local(slot)
        return shards.shard(of: slot).withLock { shard in
            shard.slab.isHeld(local) ? Victim(local, in: shard, .evicted) : nil
        }
    }

    /// The policy as it would be once the new bounds are set and what has ended is gone, to try
    /// evictions on: it is made outside of any lock, from what the present one tells in pieces.
    private func successor(
        _ present: CacheConfiguration, _ new: CacheConfiguration, _ outlook: Outlook<Key>
    ) -> any EvictionPolicy {
        var policy = replica()
        var seen = policy.seen
        func remove(_ ended: [Outlook<Key>.Ended]) {
            for slot in ended.map(\.slot) where seen.remove(slot) != nil {
                policy.policy.removed(slot, evicted: false)
            }
        }
        remove(outlook.over)
        if new.policy != present.policy {
            let next = new.policy.make(maxsize: new.maxsize)
            for slot in policy.policy.evict(.max) {
                if let hash = shards.hash(of: slot) { next.added(slot, hash: hash) }
            }
            policy.policy = next
        } else if new.maxsize != present.maxsize {
            policy.policy.resized(to: new.maxsize)
        }
        while policy.policy.tidy(.max) {}
        remove(outlook.leaving)
        remove(outlook.inReserve)
        return policy.policy
    }

    /// A copy of the present policy, and the slots that it knows of.
    private func replica() -> (policy: any EvictionPolicy, seen: Set<UInt32>) {
        var replica: any EvictionPolicy = LRU()
        // A slot that is used during the walk may come a second time.
        var seen: Set<UInt32> = []
        walk {
            replica = $0
        } seats: { seats in
            for seat in seats where seen.insert(seat.slot).inserted { replica.seat(seat) }
            return true
        }
        return (replica, seen)
    }

    /// Has the policy tell what it knows in pieces, for as long as `seats` wants more.
    ///
    /// - Parameter began: Is handed a policy that can be told of what comes.
    private func walk(
        _ began: (any EvictionPolicy) -> Void = { _ in }, seats: ([Seat]) -> Bool
    ) {
        let slice = 4 * Store<Key, Value>.slice
        walking.withLock { _ in
            untilDone(for: \.planning) { $0.tidy(Store<Key, Value>.slice) ? nil : true }
            var start: (held: Int, empty: any EvictionPolicy)?
            while start == nil {
                let present = configuration
                let empty = Unshared(present.policy.make(maxsize: present.maxsize))
                let held = held(for: \.planning) { store -> Int? in
                    let now = store.configuration
                    guard now.policy == present.policy, now.maxsize == present.maxsize else {
                        return nil
                    }
                    store.policy.beginWalk(empty.value)
                    return store.count
                }
                start = held.map { ($0, empty.value) }
            }
            guard let (held, empty) = start else { return }
            began(empty)
            var piece: [Seat] = []
            piece.reserveCapacity(slice)
            // Hits that never stop must not prolong the walk for ever: its pieces are counted.
            for _ in 0...2 * held / slice {
                piece.removeAll(keepingCapacity: true)
                self.held(for: \.planning) { $0.policy.walk(slice, &piece) }
                if !seats(piece) || piece.count < slice { return }
            }
        }
    }
}

/// Something that only one thread knows of, on its way out of a lock.
private struct Unshared<Value>: @unchecked Sendable {  // nobody else has it
    let value: Value
    init(_ value: Value) { self.value = value }
}
