public import Synchronization

/// The part of a cache that a hit needs: the entries whose keys hash here, and notes of what was
/// hit. It is reached under its own lock, so that hits on other shards go on beside it.
///
/// The shard decides nothing. Who goes, and when, is the ``Store``'s business, under the store's
/// lock; only there are entries added and removed, under both locks, the store's first.
@usableFromInline
struct Shard<Key: Hashable & Sendable, Value: Sendable>: ~Copyable {
    // What a hit changes stands first, in the one line of the processor's cache that the latch is
    // in as well: two threads that meet here hand over one line and not two.
    @usableFromInline var hits: UInt64 = 0
    /// What was hit and not told to the policy yet, where it wants to know.
    @usableFromInline var touches: UnsafeMutablePointer<Touch>
    @usableFromInline var touchCount = 0
    /// Look-ups of keys whose mark is below are noted for what-ifs.
    @usableFromInline var noteBelow: UInt32 = 0
    private var noteCount = 0
    private var notes: UnsafeMutablePointer<LookUpNote>?

    @usableFromInline var index = SlotIndex()
    @usableFromInline var slab = Slab<Key, Value>()

    /// How long entries live.
    @usableFromInline var lives = Lives()
    /// The ends of values that end by themselves; `nil` where none ever does.
    @usableFromInline var expiries: UnsafeMutablePointer<Int64>?
    /// From when on a look-up of an entry has to go by the store: its value's end, or where entries
    /// are refreshed the time for that.
    @usableFromInline var gates: UnsafeMutablePointer<Int64>?
    private let hasOwnGates: Bool
    private var expiryCapacity = 0

    @usableFromInline var heedsHits = true
    @usableFromInline let stamps: UnsafeMutablePointer<Atomic<UInt32>>

    @usableFromInline
    struct Touch: BitwiseCopyable {
        /// The place among the touches of all shards.
        @usableFromInline var stamp: UInt32
        @usableFromInline var slot: UInt32

        @inlinable
        init(stamp: UInt32, slot: UInt32) {
            self.stamp = stamp
            self.slot = slot
        }
    }

    /// So many touches are worth settling; there is room for twice as many while the store is busy.
    @inlinable static var manyTouches: Int { 64 }

    init(stamps: UnsafeMutablePointer<Atomic<UInt32>>, hasOwnGates: Bool) {
        self.stamps = stamps
        self.hasOwnGates = hasOwnGates
        touches = Memory.grow(nil, to: 2 * Self.manyTouches)
    }

    @inlinable deinit { destroy() }

    @usableFromInline
    func destroy() {
        Memory.free(touches)
        if let notes { Memory.free(notes) }
        if let gates, gates != expiries { Memory.free(gates) }
        if let expiries { Memory.free(expiries) }
    }

    @inlinable @inline(__always)
    func find(_ key: Key, _ mark: UInt32) -> UInt32? {
        index.find(mark) { slab.key(slab.address($0)).pointee == key }
    }

    @inlinable
    func isLive(_ record: UnsafeMutablePointer<Record>, _ slot: UInt32, at now: Int64) -> Bool {
        if record.pointee.isStale { return false }
        let writtenAt = record.pointee.writtenAt
        // Whether it has ended under former bounds is for the store to find out.
        if writtenAt <= lives.newestFormer { return false }
        if lives.ttl != .max, now &- writtenAt >= lives.life(record.pointee.jitterClass) {
            return false
        }
        if let gates { return now < gates[Int(slot)] }
        return true
    }

    /// The value of `key` where it is held and live, counted as a hit; otherwise `isHeld` is whether
    /// there is an entry at all.
    @inlinable @inline(__always)
    mutating func hit(
        _ key: Key, _ mark: UInt32, at now: Int64, _ isHeld: inout Bool
    ) -> Value? {
        var found: UnsafeMutableRawPointer?
        let slot = index.find(mark) { slot in
            found = slab.address(slot)
            return slab.key(found.unsafelyUnwrapped).pointee == key
        }
        guard let slot, let address = found else {
            isHeld = false
            return nil
        }
        guard isLive(slab.record(address), slot, at: now) else { return nil }
        return serve(slot, mark, address, at: now)
    }

    /// Counts a hit, and returns what was hit.
    @inlinable @inline(__always)
    mutating func serve(
        _ slot: UInt32, _ mark: UInt32, _ address: UnsafeMutableRawPointer, at now: Int64
    ) -> Value {
        slab.record(address).pointee.hit(at: now)
        hits &+= 1
        if mark < noteBelow { note(slot, mark, at: now) }
        touch(slot)
        return slab.value(address).pointee
    }

    /// Notes a look-up for what-ifs, or a rewrite in its place among them.
    @usableFromInline @inline(never)
    mutating func note(_ slot: UInt32, _ mark: UInt32, isRewrite: Bool = false, at now: Int64) {
        guard noteCount < 2 * Self.manyTouches else { return }
        let notes = notes ?? Memory.grow(nil, to: 2 * Self.manyTouches)
        self.notes = notes
        notes[noteCount] = LookUpNote(
            stamp: stamps.pointee.load(ordering: .relaxed), mark: mark, isRewrite: isRewrite,
            at: now)
        noteCount &+= 1
        guard !heedsHits, touchCount < 2 * Self.manyTouches else { return }
        // The policy does not care, but the notes are settled by the number of touches.
        touches[touchCount] = Touch(stamp: countStamp(), slot: slot)
        touchCount &+= 1
    }

    /// Moves the notes to a place that has room for them; returns how many there were.
    mutating func takeNotes(to place: UnsafeMutablePointer<LookUpNote>) -> Int {
        defer { noteCount = 0 }
        if let notes { place.update(from: notes, count: noteCount) }
        return noteCount
    }

    /// Notes a use, for the policy to be told of.
    @inlinable @inline(__always)
    mutating func touch(_ slot: UInt32) {
        // Where the store is held for very long, an order that is a little off is the lesser evil.
        guard heedsHits, touchCount < 2 * Self.manyTouches else { return }
        touches[touchCount] = Touch(stamp: countStamp(), slot: slot)
        touchCount &+= 1
    }

    // No atomic addition, which costs as much as a lock: hits at the same instant may get the same
    // stamp, and which of them was first is nobody's business.
    @inlinable @inline(__always)
    func countStamp() -> UInt32 {
        let stamp = stamps.pointee.load(ordering: .relaxed)
        stamps.pointee.store(stamp &+ 1, ordering: .relaxed)
        return stamp
    }

    /// The earliest instant at which the entry is no longer served.
    func deadline(_ slot: UInt32) -> Int64 {
        let record = slab.record(slab.address(slot))
        return lives.end(record.pointee, expiry: expiry(slot))
    }

    /// The value's own end.
    func expiry(_ slot: UInt32) -> Int64? {
        guard let expiries, expiries[Int(slot)] != .max else { return nil }
        return expiries[Int(slot)]
    }

    func facts(_ slot: UInt32) -> EntryFacts {
        let record = slab.record(slab.address(slot)).pointee
        return EntryFacts(
            version: record.version, writtenAt: AgeInstant(nanoseconds: record.writtenAt),
            expiry: expiry(slot).map { AgeInstant(nanoseconds: $0) },
            deadline: AgeInstant(nanoseconds: deadline(slot)),
            hits: UInt64(record.hits),
            lastHit: record.lastHitInstant, bytes: Int(record.bytes),
            fetchTime: .microseconds(Int64(record.fetchMicroseconds)), loads: Int(record.loads),
            isStale: record.isStale)
    }

    // MARK: Changing, under the store's lock as well

    mutating func add(
        _ record: Record, _ key: consuming Key, _ value: consuming Value, _ mark: UInt32,
        expiry: Int64?, gate: Int64
    ) -> UInt32 {
        let slot = slab.add(record, key, value)
        index.insert(slot, mark)
        if expiries != nil { setExpiry(slot, expiry ?? .max, gate) }
        return slot
    }

    /// A newer value has been put into the slot of its key: all else follows.
    mutating func replaced(_ slot: UInt32, _ record: Record, expiry: Int64?, gate: Int64) {
        slab.record(slab.address(slot)).pointee = record
        if expiry != nil { keepExpiries() }
        if expiries != nil { setExpiry(slot, expiry ?? .max, gate) }
    }

    /// Takes out an entry whose key and value have been moved away.
    mutating func removeEmptied(_ slot: UInt32, _ mark: UInt32) {
        index.remove(slot, mark)
        var touch = 0
        while touch < touchCount {
            if touches[touch].slot == slot {
                touchCount -= 1
                (touches + touch).update(from: touches + touch + 1, count: touchCount - touch)
            } else {
                touch += 1
            }
        }
        slab.removeEmptied(slot)
    }

    /// Makes room for the ends of values that end by themselves.
    mutating func keepExpiries() {
        if expiries == nil { reserveExpiries(max(8, Int(slab.slotCount))) }
    }

    private mutating func setExpiry(_ slot: UInt32, _ expiry: Int64, _ gate: Int64) {
        if slot >= expiryCapacity {
            reserveExpiries(max(Int(slot) + 1, expiryCapacity + min(expiryCapacity / 4, 1 << 13)))
        }
        expiries![Int(slot)] = expiry
        if hasOwnGates { gates![Int(slot)] = gate }
    }

    /// The value ends now, if it has not ended before.
    mutating func end(_ slot: UInt32, at now: Int64) {
        let end = min(now, expiry(slot) ?? .max)
        setExpiry(slot, end, end)
    }

    /// Has look-ups of up to `limit` entries from a slot on go by the store, where these have gates
    /// of their own; returns the slot where to go on, `nil` behind the last.
    mutating func shutGates(from slot: UInt32, limit: Int) -> UInt32? {
        guard hasOwnGates, let gates else { return nil }
        let end = min(Int(slot) + limit, expiryCapacity)
        for slot in min(Int(slot), end)..<end { gates[slot] = .min }
        return end < expiryCapacity ? UInt32(end) : nil
    }

    /// From `gate` on look-ups of the entry go by the store; nothing without a refresh of entries.
    mutating func setGate(_ slot: UInt32, _ gate: Int64) {
        if hasOwnGates { gates![Int(slot)] = gate }
    }

    private mutating func reserveExpiries(_ capacity: Int) {
        let old = (expiries, gates)
        expiries = grown(old.0, to: capacity)
        gates = hasOwnGates ? grown(old.1, to: capacity) : expiries
        expiryCapacity = capacity
    }

    private func grown(
        _ column: UnsafeMutablePointer<Int64>?, to capacity: Int
    ) -> UnsafeMutablePointer<Int64> {
        let grown = Memory.grow(column, to: capacity)
        (grown + expiryCapacity).initialize(repeating: .max, count: capacity - expiryCapacity)
        return grown
    }

    func checkInvariants(_ markOf: (Key) -> UInt32) {
        slab.checkInvariants()
        precondition(index.count == slab.count, "every entry stands in the index")
        index.checkInvariants { slot in
            slab.isHeld(slot) ? markOf(slab.key(slab.address(slot)).pointee) : nil
        }
        for touch in 0..<touchCount {
            precondition(slab.isHeld(touches[touch].slot), "only entries held were touched")
        }
    }
}

/// All shards of a cache. A slot's number among all has the shard in its lowest bits.
@usableFromInline
// Unchecked, since the pointers never change and what they point to is locked.
struct Shards<Key: Hashable & Sendable, Value: Sendable>: @unchecked Sendable {
    @usableFromInline let base: UnsafeMutableRawPointer
    @usableFromInline let bits: UInt32
    @usableFromInline let keyHash = KeyHash()
    /// The number of touches so far, which puts those of all shards into one order.
    @usableFromInline let stamps: UnsafeMutablePointer<Atomic<UInt32>>

    /// One shard with the latch in front of it.
    @usableFromInline
    struct Latched {
        @usableFromInline let latch: UnsafeMutablePointer<Latch>
        @usableFromInline let shard: UnsafeMutablePointer<Shard<Key, Value>>

        @inlinable
        init(_ base: UnsafeMutableRawPointer) {
            latch = base.assumingMemoryBound(to: Latch.self)
            shard = (base + 16).assumingMemoryBound(to: Shard<Key, Value>.self)
        }

        @inlinable @inline(__always)
        func withLock<Result>(_ body: (inout Shard<Key, Value>) -> Result) -> Result {
            latch.pointee.lock()
            defer { latch.pointee.unlock() }
            return body(&shard.pointee)
        }
    }

    /// Two latches in one line of the processor's cache would hold each other up.
    @inlinable static var stride: Int { (16 + MemoryLayout<Shard<Key, Value>>.size + 127) & ~127 }

    init(bits: UInt32, hasOwnGates: Bool = false) {
        self.bits = bits
        let count = 1 << Int(bits)
        base = .allocate(byteCount: Self.stride * count + 128, alignment: 128)
        stamps = (base + count * Self.stride).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        stamps.initialize(to: Atomic(0))
        for number in 0..<count {
            let own = base + number * Self.stride
            own.bindMemory(to: Latch.self, capacity: 1).initialize(to: Latch())
            (own + 16).bindMemory(to: Shard<Key, Value>.self, capacity: 1)
                .initialize(to: Shard(stamps: stamps, hasOwnGates: hasOwnGates))
        }
    }

    func deallocate() {
        for number in 0..<count {
            self[number].shard.deinitialize(count: 1)
            self[number].latch.deinitialize(count: 1)
            // Piece by piece: whoever changes another cache meanwhile would give back all of it.
            Block.giveBack()
        }
        stamps.deinitialize(count: 1)
        base.deallocate()
    }

    var count: Int { 1 << Int(bits) }

    @inlinable @inline(__always)
    subscript(number: Int) -> Latched { Latched(base + number &* Self.stride) }

    @inlinable @inline(__always)
    func hash(_ key: Key) -> UInt64 { keyHash.hash(key) }
    /// The hash of the key in a slot; `nil` where none is held there.
    func hash(of slot: UInt32) -> UInt64? {
        let local = local(slot)
        return shard(of: slot).withLock { shard in
            shard.slab.isHeld(local)
                ? hash(shard.slab.key(shard.slab.address(local)).pointee) : nil
        }
    }

    /// Which shard holds a key.
    @inlinable
    func number(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> (64 - UInt64(bits))) }
    @inlinable
    static func mark(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash) }

    /// The live value and facts of a key; touches neither order nor counters.
    func peek(_ key: Key, at now: AgeInstant) -> (value: Value, facts: EntryFacts)? {
        let hash = hash(key)
        return self[number(hash)].withLock { shard in
            guard let slot = shard.find(key, Self.mark(hash)) else { return nil }
            let facts = shard.facts(slot)
            guard now < facts.deadline else { return nil }
            return (shard.slab.value(shard.slab.address(slot)).pointee, facts)
        }
    }

    /// The value and version of what is held for a key, also where it has ended.
    func held(_ key: Key, _ hash: UInt64) -> (value: Value, version: UInt64)? {
        self[number(hash)].withLock { shard in
            shard.find(key, Self.mark(hash)).map { slot in
                let address = shard.slab.address(slot)
                return (
                    shard.slab.value(address).pointee, shard.slab.record(address).pointee.version
                )
            }
        }
    }

    func facts(of key: Key) -> EntryFacts? {
        let hash = hash(key)
        return self[number(hash)].withLock { shard in
            shard.find(key, Self.mark(hash)).map { shard.facts($0) }
        }
    }

    func shard(of slot: UInt32) -> Latched {
        self[Int(slot & (1 << bits - 1))]
    }
    func local(_ slot: UInt32) -> UInt32 { slot >> bits }
    func slot(_ local: UInt32, in shard: Int) -> UInt32 { local << bits | UInt32(shard) }
}
