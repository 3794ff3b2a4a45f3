import Synchronization

/// What bounds would do to the entries there are, worked out without a change.
struct Outlook<Key: Hashable & Sendable> {
    /// How entries live now, and would.
    private let (lives, newLives): (Lives, Lives)
    private let (reserve, newReserve): (Int64, Int64)
    private let now: Int64

    /// Entries that leave without the change; those that the change ends for good; and those that
    /// have ended, or would by the change, and stay in reserve.
    private(set) var over: [Ended] = []
    private(set) var leaving: [Ended] = []
    private(set) var inReserve: [Ended] = []
    /// What the last slice found. It has room made before the lock: nothing may grow under one.
    private var seen: (over: [Ended], leaving: [Ended], inReserve: [Ended]) = ([], [], [])
    /// As many as a slice has, see ``Cache/eachSlot(_:afterSlice:)``.
    private static var mostSeen: Int { 256 }
    /// What would stay, were there room for all: those in reserve too.
    private(set) var staying = (count: 0, bytes: 0)

    init(
        _ new: CacheConfiguration, _ present: CacheConfiguration, _ lives: Lives, version: UInt64,
        at now: AgeInstant
    ) {
        self.lives = lives
        self.now = now.nanoseconds
        newLives = lives.changed(to: new, version: version, at: now.nanoseconds)
        (reserve, newReserve) = (
            present.staleIfError.nanoseconds, new.staleIfError.nanoseconds
        )
        seen.over.reserveCapacity(Self.mostSeen)
        seen.leaving.reserveCapacity(Self.mostSeen)
        seen.inReserve.reserveCapacity(Self.mostSeen)
    }

    /// An entry that leaves, or may.
    struct Ended {
        let slot: UInt32
        let victim: Victim<Key>
        /// The value's own end; of what an undo brought back, the deadline.
        let expiry: Int64
    }

    mutating func look<Value: Sendable>(
        _ local: UInt32, _ slot: UInt32, in shard: borrowing Shard<Key, Value>
    ) {
        guard shard.slab.isHeld(local) else { return }
        let record = shard.slab.record(shard.slab.address(local)).pointee
        let expiry = shard.expiry(local) ?? .max
        func end(_ lives: Lives) -> Int64 {
            lives.end(record, expiry: expiry)
        }
        func ended(_ end: Int64) -> Ended {
            Ended(
                slot: slot, victim: Victim(local, in: shard, .expired),
                expiry: record.isBack ? end : expiry)
        }
        let presentEnd = end(lives)
        if isOver(presentEnd, reserve) { return seen.over.append(ended(presentEnd)) }
        let newEnd = end(newLives)
        if isOver(newEnd, newReserve) { return seen.leaving.append(ended(newEnd)) }
        staying.count += 1
        staying.bytes += Int(record.bytes)
        if newEnd <= now { seen.inReserve.append(ended(newEnd)) }
    }

    /// Keeps what was looked at since the last time.
    mutating func keepSeen() {
        Self.move(&seen.over, to: &over)
        Self.move(&seen.leaving, to: &leaving)
        Self.move(&seen.inReserve, to: &inReserve)
    }

    private static func move(_ seen: inout [Ended], to kept: inout [Ended]) {
        kept += seen
        seen.removeAll(keepingCapacity: true)
    }

    /// Whether the reserve of what ended at `end` is over.
    private func isOver(_ end: Int64, _ reserve: Int64) -> Bool {
        let (gone, overflow) = end.addingReportingOverflow(reserve)
        return !overflow && gone <= now
    }

    /// Puts those that go in the order in which they would: what has an end of its own first.
    mutating func sort() {
        Self.sort(&over, by: now &- reserve)
        Self.sort(&leaving, by: now &- newReserve)
        Self.sort(&inReserve, by: now)
    }

    private static func sort(_ ended: inout [Ended], by time: Int64) {
        func rank(_ one: Ended) -> (Int64, UInt64) {
            (one.expiry <= time ? one.expiry : .max, one.victim.version)
        }
        ended.sort { rank($0) < rank($1) }
    }
}

extension Victim {
    /// The entry in a slot.
    init<Value: Sendable>(
        _ slot: UInt32, in shard: borrowing Shard<Key, Value>, _ cause: RemovalCause
    ) where Key: Hashable {
        let address = shard.slab.address(slot)
        let record = shard.slab.record(address).pointee
        self.init(
            key: shard.slab.key(address).pointee, version: record.version,
            bytes: Int(record.bytes), cause: cause, lastHit: record.lastHitInstant)
    }
}
