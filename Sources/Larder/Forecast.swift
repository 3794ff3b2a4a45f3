import Synchronization

/// What bounds would do to entries, worked out without a change.
struct Forecast<Key: Hashable & Sendable> {
    private let ttl: Int64
    private let jitterStep: Int64
    private let now: Int64

    init(_ new: Configuration, now: Instant) {
        ttl = new.ttl?.nanoseconds ?? .max
        jitterStep = new.jitterStep
        self.now = now.nanoseconds
    }

    /// An entry, with its present deadline and the one that it would have.
    struct Entry {
        let key: Key
        let version: UInt64
        let bytes: Int
        let deadline: Int64
        let newDeadline: Int64
        let lastHit: Instant?

        func victim(_ cause: RemovalCause) -> Victim<Key> {
            Victim(key: key, version: version, bytes: bytes, cause: cause, lastHit: lastHit)
        }
    }

    /// `nil` where the slot holds no entry.
    func entry<Value: Sendable>(_ slot: UInt32, in shard: borrowing Shard<Key, Value>) -> Entry? {
        guard shard.slab.isHeld(slot) else { return nil }
        let address = shard.slab.address(slot)
        let record = shard.slab.record(address).pointee
        let (end, overflow) = record.writtenAt.addingReportingOverflow(
            ttl &- jitterStep &* Int64(record.jitterClass))
        return Entry(
            key: shard.slab.key(address).pointee, version: record.version,
            bytes: Int(record.bytes), deadline: shard.deadline(slot),
            newDeadline: min(ttl == .max || overflow ? .max : end, shard.expiry(slot) ?? .max),
            lastHit: record.lastHitInstant)
    }

    /// Of the slots in the order in which they would go, those that have to, until the excess is
    /// made up for; entries that end anyhow make up for nothing.
    func evictions<Value: Sendable>(
        _ order: [UInt32], _ shards: Shards<Key, Value>, _ excess: (count: Int, bytes: Int)
    ) -> [Victim<Key>] {
        var left = excess
        var victims: [Victim<Key>] = []
        for slot in order {
            guard left.count > 0 || left.bytes > 0 else { break }
            let local = shards.local(slot)
            let entry: Entry? = shards.shard(of: slot).withLock {
                self.entry(local, in: $0)
            }
            guard let entry, now < entry.deadline, now < entry.newDeadline else { continue }
            victims.append(entry.victim(.evicted))
            left.count -= 1
            left.bytes -= entry.bytes
        }
        return victims
    }
}
