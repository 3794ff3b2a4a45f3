/// Everything a cache knows, as one value: no lock, no clock, no I/O.
///
/// The time comes in as an argument; what must be done next goes out as the result.
///
/// Entries live in the slots of a slab and are linked by slot number, so that a hit moves numbers
/// and never a reference. Two orders run through the slots: `recency`, whose first is the next
/// victim, and `written`, whose first is the next to outlive the ttl. An entry keeps the time of
/// its write and not a deadline: changing the ttl is one store and reorders nothing. Values that
/// end by themselves stand in `expiries` as well.
///
/// A flight is found by its key in `flights` only while its result may be kept. Invalidation takes
/// it out of there, so that the next look-up starts another, but leaves it in `pending`: its
/// waiters still get the value, and nothing is stored.
struct Store<Key: Hashable & Sendable, Value: Sendable>: ~Copyable {
    private var slots: [Slot<Key, Value>?] = []
    private var free: [UInt32] = []
    private var index: [Key: UInt32] = [:]
    private var recency = SlotList()
    private var written = SlotList()
    private var expiries = ExpiryHeap()

    private var flights: [Key: FlightID] = [:]
    private var pending: [FlightID: Flight<Key, Value>] = [:]
    private var lastFlight: FlightID = 0

    private(set) var configuration: Configuration
    private(set) var counters = Counters()
    private(set) var feed: Feed<Key>
    private(set) var version: UInt64 = 0
    private var bytes = 0

    private let expiryOf: @Sendable (Value) -> Instant?
    private let heapBytesOf: @Sendable (Key, Value) -> Int

    init(
        _ configuration: Configuration, feedCapacity: Int,
        expiryOf: @escaping @Sendable (Value) -> Instant?,
        heapBytesOf: @escaping @Sendable (Key, Value) -> Int
    ) {
        self.configuration = configuration
        self.feed = Feed(capacity: feedCapacity)
        self.expiryOf = expiryOf
        self.heapBytesOf = heapBytesOf
    }

    // MARK: Looking up

    /// The value of `key` where it is held and live, counted as a hit; otherwise nothing is counted.
    mutating func hit(_ key: Key, at now: Instant) -> Value? {
        guard let slot = index[key] else { return nil }
        guard now < deadline(slot) else {
            remove(slot, .expired, at: now)
            return nil
        }
        counters.hits += 1
        slots[Int(slot)]!.hits += 1
        slots[Int(slot)]!.lastHit = now
        recency.moveToEnd(slot)
        return slots[Int(slot)]!.value
    }

    /// Finds `key`, or the flight that is fetching it, or starts one for the caller to lead.
    mutating func lookup(_ key: Key, _ waiter: Waiter<Value>, at now: Instant) -> Lookup<Value> {
        if let value = hit(key, at: now) { return .hit(value) }
        if let flight = flights[key] {
            counters.coalesced += 1
            pending[flight]!.waiters.append(waiter)
            return .join
        }
        counters.misses += 1
        lastFlight += 1
        flights[key] = lastFlight
        pending[lastFlight] = Flight(key: key, waiters: [waiter])
        return .lead(lastFlight)
    }

    /// As ``hit(_:at:)``, and a look-up that finds nothing is a miss.
    mutating func cached(_ key: Key, at now: Instant) -> Value? {
        if let value = hit(key, at: now) { return value }
        counters.misses += 1
        return nil
    }

    /// The value and facts of a live entry; touches neither order nor counters.
    func peek(_ key: Key, at now: Instant) -> (value: Value, facts: EntryFacts)? {
        guard let slot = index[key], now < deadline(slot) else { return nil }
        return (slots[Int(slot)]!.value, facts(slot))
    }

    // MARK: Flights

    /// Gives the flight the task that fetches for it; false where nobody waits for it any more.
    mutating func attach(_ task: Task<Void, Never>, to flight: FlightID) -> Bool {
        guard pending[flight] != nil else { return false }
        pending[flight]!.task = task
        return true
    }

    /// Ends a flight: what it fetched is kept unless its key was written or invalidated meanwhile.
    mutating func land(
        _ flight: FlightID, _ result: Result<Value, any Error>, took: Duration, at now: Instant
    ) -> [Waiter<Value>] {
        guard let landed = pending.removeValue(forKey: flight) else { return [] }
        let current = flights[landed.key] == flight
        if current { flights[landed.key] = nil }
        switch result {
        case .success(let value):
            if current { write(value, for: landed.key, took: took, at: now) }
        case .failure(let error):
            counters.fetchFailures += 1
            feed.append(.failed(took: took, reason: "\(error)"), key: landed.key, at: now)
        }
        return landed.waiters
    }

    /// Takes a waiter that gave up out of its flight. The last one leaving ends the flight: its
    /// task is returned, to be cancelled.
    mutating func leave(_ id: WaiterID) -> Departure<Value>? {
        for (flight, var waiting) in pending {
            guard let place = waiting.waiters.firstIndex(where: { $0.id == id }) else { continue }
            let waiter = waiting.waiters.remove(at: place)
            guard waiting.waiters.isEmpty else {
                pending[flight] = waiting
                return Departure(waiter: waiter, abandoned: nil)
            }
            pending[flight] = nil
            if flights[waiting.key] == flight { flights[waiting.key] = nil }
            return Departure(waiter: waiter, abandoned: waiting.task)
        }
        return nil
    }

    // MARK: Writing and removing

    /// Writes a value that was not asked for by a look-up; a fetch under way for the key is
    /// older than it and will not be kept.
    mutating func insert(_ value: Value, for key: Key, at now: Instant) {
        flights[key] = nil
        write(value, for: key, took: nil, at: now)
    }

    private mutating func write(_ value: Value, for key: Key, took: Duration?, at now: Instant) {
        if let old = index[key] {
            remove(old, now < deadline(old) ? .replaced : .expired, at: now)
        }
        let expiry = expiryOf(value)
        let lives = now < ending(writtenAt: now, expiry: expiry)
        guard lives, makeRoom(for: 1, at: now) else { return }
        version += 1
        let size = MemoryLayout<Slot<Key, Value>?>.stride + Self.overhead + heapBytesOf(key, value)
        let slot = place(
            Slot(
                key: key, value: value, version: version, writtenAt: now, expiry: expiry,
                bytes: size, fetchTime: took ?? .zero))
        index[key] = slot
        recency.append(slot)
        written.append(slot)
        if let expiry { expiries.insert(slot, expiry) }
        bytes += size
        feed.append(.written(version: version, took: took, bytes: size), key: key, at: now)
    }

    /// The engine's record of an entry beyond its slot: links in two orders and a place in the index.
    private static var overhead: Int {
        2 * 2 * MemoryLayout<UInt32>.stride
            + (MemoryLayout<Key>.stride + MemoryLayout<UInt32>.stride) * 4 / 3
    }

    private mutating func place(_ entry: Slot<Key, Value>) -> UInt32 {
        if let slot = free.popLast() {
            slots[Int(slot)] = entry
            return slot
        }
        slots.append(entry)
        recency.grow()
        written.grow()
        return UInt32(slots.count - 1)
    }

    /// Expired entries go first, then the least recently used, until `more` fit; false where
    /// nothing may be held at all.
    private mutating func makeRoom(for more: Int, at now: Instant) -> Bool {
        guard let maxsize = configuration.maxsize else { return true }
        guard maxsize >= more else { return false }
        while index.count + more > maxsize {
            remove(overdue(at: now) ?? recency.first, at: now)
        }
        return true
    }

    @discardableResult
    private mutating func remove(_ slot: UInt32, at now: Instant) -> Victim<Key> {
        remove(slot, now < deadline(slot) ? .evicted : .expired, at: now)
    }

    @discardableResult
    private mutating func remove(
        _ slot: UInt32, _ cause: RemovalCause, by: Actor? = nil, at now: Instant
    ) -> Victim<Key> {
        let entry = slots[Int(slot)].take()!
        index[entry.key] = nil
        recency.remove(slot)
        written.remove(slot)
        if entry.expiry != nil { expiries.remove(slot) }
        free.append(slot)
        bytes -= entry.bytes
        counters.count(cause)
        feed.append(
            .removed(
                cause, version: entry.version, age: now - entry.writtenAt, hits: entry.hits),
            key: entry.key, by: by, at: now)
        return Victim(key: entry.key, version: entry.version, bytes: entry.bytes, cause: cause)
    }

    /// Removes the entry of `key` and disowns a fetch under way for it. Where `version` is given,
    /// an entry written since is left alone, and so is its flight.
    mutating func invalidate(
        _ key: Key, version: UInt64? = nil, by: Actor?, at now: Instant
    ) -> Invalidation {
        guard let slot = index[key], now < deadline(slot) else {
            if version == nil { flights[key] = nil }
            return .absent
        }
        let present = slots[Int(slot)]!.version
        if let version, version != present { return .changed(version: present) }
        flights[key] = nil
        let size = slots[Int(slot)]!.bytes
        remove(slot, .invalidated, by: by, at: now)
        return .removed(bytes: size)
    }

    /// What the fetches under way bring will be handed to their waiters and not kept.
    mutating func disownFlights() { flights.removeAll() }

    /// Removes at most `limit` entries written up to `version`, oldest first; returns how many.
    mutating func invalidateAll(
        upTo version: UInt64, limit: Int, by: Actor?, at now: Instant
    ) -> Int {
        var removed = 0
        while removed < limit, written.first != SlotList.none,
            slots[Int(written.first)]!.version <= version
        {
            let live = now < deadline(written.first)
            remove(written.first, live ? .invalidated : .expired, by: live ? by : nil, at: now)
            removed += 1
        }
        return removed
    }

    /// Removes at most `limit` entries whose deadline has come; returns how many.
    mutating func expire(limit: Int, at now: Instant) -> Int {
        var removed = 0
        while removed < limit, let slot = overdue(at: now) {
            remove(slot, .expired, at: now)
            removed += 1
        }
        return removed
    }

    // MARK: Configuration

    mutating func configure(_ new: Configuration, by: Actor?, at now: Instant) {
        guard new != configuration else { return }
        feed.append(.configured(from: configuration, to: new), key: nil, by: by, at: now)
        configuration = new
    }

    /// Removes at most `limit` entries beyond the bounds, expired ones first; returns them.
    mutating func shrink(limit: Int, at now: Instant) -> [Victim<Key>] {
        var removed: [Victim<Key>] = []
        while removed.count < limit {
            if let slot = overdue(at: now) {
                removed.append(remove(slot, .expired, at: now))
            } else if index.count > configuration.maxsize ?? .max {
                removed.append(remove(recency.first, .evicted, at: now))
            } else {
                break
            }
        }
        return removed
    }

    /// The entries that would leave under `new` bounds, in the order in which they would go, and
    /// why; those overdue already are not the change's doing and are left out.
    func victims(of new: Configuration, at now: Instant) -> [Victim<Key>] {
        var victims: [Victim<Key>] = []
        var overdue = 0
        var slot = written.first
        while slot != SlotList.none {
            let entry = slots[Int(slot)]!
            if now >= deadline(slot) {
                overdue += 1
            } else if now >= ending(writtenAt: entry.writtenAt, expiry: entry.expiry, new.ttl) {
                victims.append(victim(slot, .expired))
            }
            slot = written.after(slot)
        }
        var excess = index.count - overdue - victims.count - (new.maxsize ?? .max)
        slot = recency.first
        while excess > 0, slot != SlotList.none {
            let entry = slots[Int(slot)]!
            let stays =
                now < deadline(slot)
                && now < ending(writtenAt: entry.writtenAt, expiry: entry.expiry, new.ttl)
            if stays {
                victims.append(victim(slot, .evicted))
                excess -= 1
            }
            slot = recency.after(slot)
        }
        return victims
    }

    private func victim(_ slot: UInt32, _ cause: RemovalCause) -> Victim<Key> {
        let entry = slots[Int(slot)]!
        return Victim(key: entry.key, version: entry.version, bytes: entry.bytes, cause: cause)
    }

    // MARK: Looking without touching

    func snapshot(at now: Instant) -> Snapshot {
        Snapshot(
            at: now, configuration: configuration, count: index.count, bytes: bytes,
            flights: pending.count, counters: counters)
    }

    /// Visits the slots numbered `range` that hold entries written up to `version`.
    func survey(_ range: Range<Int>, upTo version: UInt64, _ visit: (Key, EntryFacts) -> Void) {
        for slot in range.clamped(to: 0..<slots.count) {
            guard let entry = slots[slot], entry.version <= version else { continue }
            visit(entry.key, facts(UInt32(slot)))
        }
    }

    var slotCount: Int { slots.count }

    private func facts(_ slot: UInt32) -> EntryFacts {
        let entry = slots[Int(slot)]!
        return EntryFacts(
            version: entry.version, writtenAt: entry.writtenAt, expiry: entry.expiry,
            deadline: deadline(slot), hits: entry.hits, lastHit: entry.lastHit,
            bytes: entry.bytes, fetchTime: entry.fetchTime)
    }

    // MARK: Deadlines

    /// The first deadline to come; `nil` where no entry has one.
    var nextDeadline: Instant? {
        var next = expiries.first?.expiry
        if configuration.ttl != nil, written.first != SlotList.none {
            next = min(next ?? .distantFuture, deadline(written.first))
        }
        return next
    }

    private func overdue(at now: Instant) -> UInt32? {
        if let first = expiries.first, first.expiry <= now { return first.slot }
        guard written.first != SlotList.none, deadline(written.first) <= now else { return nil }
        return written.first
    }

    private func deadline(_ slot: UInt32) -> Instant {
        let entry = slots[Int(slot)]!
        return ending(writtenAt: entry.writtenAt, expiry: entry.expiry)
    }

    private func ending(writtenAt: Instant, expiry: Instant?) -> Instant {
        ending(writtenAt: writtenAt, expiry: expiry, configuration.ttl)
    }

    private func ending(writtenAt: Instant, expiry: Instant?, _ ttl: Duration?) -> Instant {
        min(ttl.map { writtenAt + $0 } ?? .distantFuture, expiry ?? .distantFuture)
    }

    // MARK: Self-check

    /// Stops the program where the parts contradict each other. Linear; for tests.
    func checkInvariants() {
        let held = slots.indices.filter { slots[$0] != nil }
        precondition(held.count == index.count, "every entry has its place in the index")
        precondition(held.count + free.count == slots.count, "a slot is held or free")
        precondition(bytes == held.reduce(0) { $0 + slots[$1]!.bytes }, "bytes add up")
        precondition(
            index.allSatisfy { slots[Int($1)]?.key == $0 }, "the index points at its keys")
        precondition(index.count <= configuration.maxsize ?? .max, "within maxsize")
        for (order, name) in [(recency, "recency"), (written, "written")] {
            var seen = 0
            var slot = order.first
            while slot != SlotList.none {
                precondition(slots[Int(slot)] != nil, "\(name) links only entries")
                seen += 1
                slot = order.after(slot)
            }
            precondition(seen == held.count, "\(name) links every entry once")
        }
        var slot = written.first
        var newest: UInt64 = 0
        while slot != SlotList.none {
            precondition(newest < slots[Int(slot)]!.version, "written is in order of writing")
            newest = slots[Int(slot)]!.version
            slot = written.after(slot)
        }
        precondition(expiries.isOrdered, "the heap is a heap")
        precondition(
            expiries.count == held.count { slots[$0]!.expiry != nil }, "own ends are in the heap")
        precondition(
            flights.allSatisfy { pending[$1]?.key == $0 }, "a flight found by key is under way")
        precondition(pending.allSatisfy { !$1.waiters.isEmpty }, "every flight has waiters")
    }
}

struct Slot<Key: Sendable, Value: Sendable>: Sendable {
    let key: Key
    let value: Value
    let version: UInt64
    let writtenAt: Instant
    let expiry: Instant?
    let bytes: Int
    let fetchTime: Duration
    var hits: UInt64 = 0
    var lastHit: Instant?
}

typealias FlightID = UInt64

/// One fetch under way, and those who wait for it.
struct Flight<Key: Sendable, Value: Sendable>: Sendable {
    let key: Key
    var waiters: [Waiter<Value>]
    var task: Task<Void, Never>?
}

/// What a look-up came to.
enum Lookup<Value: Sendable>: Sendable {
    case hit(Value)
    /// The waiter now stands in a flight that another leads.
    case join
    /// The waiter stands in a new flight, for the caller to start.
    case lead(FlightID)
}

/// What came of invalidating one key.
public enum Invalidation: Hashable, Sendable {
    case removed(bytes: Int)
    /// Nothing live was held for the key.
    case absent
    /// The entry was written anew since the version asked for, and stays.
    case changed(version: UInt64)
}

/// An entry that a change would remove.
public struct Victim<Key: Sendable>: Sendable {
    public let key: Key
    public let version: UInt64
    public let bytes: Int
    public let cause: RemovalCause

    public init(key: Key, version: UInt64, bytes: Int, cause: RemovalCause) {
        self.key = key
        self.version = version
        self.bytes = bytes
        self.cause = cause
    }
}

/// A waiter that left its flight, and the task of the flight where it was the last.
struct Departure<Value: Sendable>: Sendable {
    let waiter: Waiter<Value>
    let abandoned: Task<Void, Never>?
}
