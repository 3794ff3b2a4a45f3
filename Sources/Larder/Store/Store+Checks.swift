extension Store {
    /// Stops the program where the store contradicts itself.
    mutating func checkInvariants() {
        settle()
        var held: Set<UInt32> = []
        var size = 0
        var (ends, backs) = (0, 0)
        for number in 0..<shards.count {
            shards[number].withLock { shard in
                shard.checkInvariants { Shards<Key, Value>.mark(shards.hash($0)) }
                precondition(shard.lives == lives, "a shard knows how long entries live")
                for local in 0..<shard.slab.slotCount where shard.slab.isHeld(local) {
                    held.insert(shards.slot(local, in: number))
                    size += Int(shard.slab.record(shard.slab.address(local)).pointee.bytes)
                    let isBack = shard.slab.record(shard.slab.address(local)).pointee.isBack
                    if isBack { backs += 1 }
                    if isBack || shard.expiry(local) != nil { ends += 1 }
                    precondition(
                        isBack && outdated > 0 || soonest <= shard.deadline(local),
                        "no entry ends before")
                }
            }
        }
        precondition(held.count == count, "the store counts its entries")
        precondition(backs == back.count && outdated <= backs, "what is back is counted")
        precondition(size == bytes, "bytes add up")
        precondition(drainers > 0 || !isBeyondBounds, "within the bounds")
        var seen: Set<UInt32> = []
        for number in written.indices {
            var newest: UInt64 = 0
            var slot = written[number].first
            while slot != SlotOrder.none {
                precondition(seen.insert(slot).inserted, "written links an entry once")
                let version = record(slot).version
                precondition(newest < version, "written is in the order of writing")
                precondition(Record.jitterClass(version) == number, "an entry is in its class")
                newest = version
                slot = links[slot].after
            }
        }
        precondition(seen == held, "written links every entry")
        precondition(expiries.isOrdered, "the heap is a heap")
        precondition(expiries.count == ends, "own ends are in the heap")
        policy.checkInvariants(count: count)
        precondition(
            counters.failures.total == counters.fetchFailures, "each failure is of one kind")
        precondition(flights.count <= underWay, "a flight found by key is under way")
    }
}
