/// What is known of an entry beside its key and value, in 32 bytes.
@usableFromInline
struct Record: BitwiseCopyable, Sendable {
    @usableFromInline var writtenAt: Int64
    /// Seconds from the write to the last hit, to the millisecond for hours; negative before one.
    @usableFromInline var lastHit: Float = -1
    /// Stops at the most that it can count.
    @usableFromInline var hits: UInt32 = 0
    /// A flag, the version in 47 bits, another flag, how often the key was loaded in 15.
    @usableFromInline var versionAndLoads: UInt64
    @usableFromInline var bytes: UInt32
    @usableFromInline var fetchMicroseconds: UInt32

    @inlinable
    init(writtenAt: Int64, version: UInt64, loads: UInt16, bytes: UInt32, took: UInt32) {
        self.writtenAt = writtenAt
        versionAndLoads = version << 16 | UInt64(loads)
        self.bytes = bytes
        fetchMicroseconds = took
    }

    @inlinable var version: UInt64 { (versionAndLoads & ~Self.backFlag) >> 16 }
    @inlinable static var backFlag: UInt64 { 1 << 63 }
    /// Brought back by an undo: it stands later in the order of writes than its age says.
    @inlinable var isBack: Bool { versionAndLoads & Self.backFlag != 0 }
    @inlinable var loads: UInt16 { UInt16(truncatingIfNeeded: versionAndLoads) & Self.mostLoads }
    /// Entries of one class live shorter by the same part of the jitter.
    @inlinable var jitterClass: Int { Self.jitterClass(version) }
    @inlinable static func jitterClass(_ version: UInt64) -> Int {
        Int(version & (jitterClasses - 1))
    }
    @inlinable static var jitterClasses: UInt64 { 8 }

    @inlinable static var mostLoads: UInt16 { 0x7fff }

    /// Invalidated softly: a hit has to go by the store.
    @inlinable var isStale: Bool {
        get { versionAndLoads & 0x8000 != 0 }
        set { versionAndLoads = newValue ? versionAndLoads | 0x8000 : versionAndLoads & ~0x8000 }
    }

    var lastHitInstant: AgeInstant? {
        guard lastHit >= 0 else { return nil }
        let since = Duration.milliseconds(Int64((lastHit * 1000).rounded()))
        return AgeInstant(nanoseconds: writtenAt) + since
    }

    @inlinable
    mutating func hit(at now: Int64) {
        if hits != .max { hits += 1 }
        lastHit = max(0, Float(now &- writtenAt) * 1e-9)
    }
}

/// The entries of one shard: record, key and value side by side, in chunks that never move and
/// are given back once they are empty.
@usableFromInline
struct Slab<Key, Value>: ~Copyable {
    @usableFromInline var chunks: UnsafeMutablePointer<Chunk>
    private var chunkCount = 0
    /// The chunk that the next entry goes to; the others with room are linked behind it.
    private var roomy = none
    private(set) var count = 0

    @usableFromInline
    struct Chunk: BitwiseCopyable {
        @usableFromInline var base: UnsafeMutableRawPointer?
        /// Slots below this one were in use at some time.
        @usableFromInline var used: UInt32 = 0
        @usableFromInline var live: UInt32 = 0
        /// The first of the freed slots, each of which holds the next one's number.
        @usableFromInline var free = none
        @usableFromInline var nextRoomy = none
    }

    @usableFromInline static var none: UInt32 { .max }
    /// Slot numbers fit into 24 bits.
    static var largestCount: Int { 1 << 24 }

    init() { chunks = Memory.grow(nil, to: 1) }

    @inlinable deinit { destroy() }

    @usableFromInline
    func destroy() {
        for number in 0..<slotCount where isHeld(number) {
            key(address(number)).deinitialize(count: 1)
            value(address(number)).deinitialize(count: 1)
        }
        for chunk in 0..<chunkCount { release(chunk) }
        Memory.free(chunks)
    }

    // MARK: Places

    // Seven chunks of 8 to 512 slots, so that a small cache is small; then chunks of 1,024.
    @inlinable static var small: UInt32 { 1016 }

    @inlinable
    static func place(_ slot: UInt32) -> (chunk: Int, offset: Int) {
        if slot >= small {
            return (7 + Int((slot &- small) >> 10), Int((slot &- small) & 1023))
        }
        let number = slot &+ 8
        let top = 31 &- number.leadingZeroBitCount
        return (top &- 3, Int(number &- (1 << UInt32(truncatingIfNeeded: top))))
    }

    private static func size(ofChunk chunk: Int) -> Int { chunk < 7 ? 8 << chunk : 1024 }

    private static func bytes(ofChunk chunk: Int) -> Int { size(ofChunk: chunk) * stride }

    private func release(_ chunk: Int) {
        guard let base = chunks[chunk].base else { return }
        Block.release(base, Self.bytes(ofChunk: chunk), alignment: Self.alignment)
    }

    private static func start(ofChunk chunk: Int) -> UInt32 {
        chunk < 7 ? (8 << UInt32(chunk)) - 8 : small + UInt32(chunk - 7) << 10
    }

    @inlinable static var keyOffset: Int {
        align(MemoryLayout<Record>.size, MemoryLayout<Key>.alignment)
    }
    @inlinable static var valueOffset: Int {
        align(keyOffset + MemoryLayout<Key>.size, MemoryLayout<Value>.alignment)
    }
    /// Bytes from one slot to the next.
    @inlinable static var stride: Int {
        align(valueOffset + MemoryLayout<Value>.size, alignment)
    }
    @inlinable static var alignment: Int {
        max(8, MemoryLayout<Key>.alignment, MemoryLayout<Value>.alignment)
    }
    @inlinable
    static func align(_ size: Int, _ alignment: Int) -> Int {
        (size + alignment - 1) & ~(alignment - 1)
    }

    @inlinable
    func address(_ slot: UInt32) -> UnsafeMutableRawPointer {
        let place = Self.place(slot)
        return chunks[place.chunk].base.unsafelyUnwrapped + place.offset &* Self.stride
    }

    @inlinable
    func record(_ address: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Record> {
        address.assumingMemoryBound(to: Record.self)
    }

    @inlinable
    func key(_ address: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Key> {
        (address + Self.keyOffset).assumingMemoryBound(to: Key.self)
    }

    @inlinable
    func value(_ address: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Value> {
        (address + Self.valueOffset).assumingMemoryBound(to: Value.self)
    }

    /// Slots are numbered below this.
    var slotCount: UInt32 { Self.start(ofChunk: chunkCount) }

    /// The slots of a chunk that were ever used; its base is `nil` where it holds nothing. `nil`
    /// behind the last chunk.
    func span(_ chunk: Int) -> (base: UnsafeMutableRawPointer?, count: Int, start: UInt32)? {
        guard chunk < chunkCount else { return nil }
        return (chunks[chunk].base, Int(chunks[chunk].used), Self.start(ofChunk: chunk))
    }

    func isHeld(_ slot: UInt32) -> Bool {
        let place = Self.place(slot)
        guard place.chunk < chunkCount, let base = chunks[place.chunk].base,
            place.offset < chunks[place.chunk].used
        else { return false }
        return record(base + place.offset * Self.stride).pointee.versionAndLoads != 0
    }

    // MARK: Changing

    /// Gives the new entry a slot; its key and value are moved in.
    mutating func add(_ entry: Record, _ newKey: consuming Key, _ newValue: consuming Value)
        -> UInt32
    {
        if roomy == Self.none { addChunk() }
        let number = Int(roomy)
        if chunks[number].base == nil {
            chunks[number].base = Block.allocate(
                Self.bytes(ofChunk: number), alignment: Self.alignment)
        }
        let offset: UInt32
        if chunks[number].free != Self.none {
            offset = chunks[number].free
            let freed = chunks[number].base! + Int(offset) * Self.stride
            chunks[number].free = record(freed).pointee.bytes
        } else {
            offset = chunks[number].used
            chunks[number].used += 1
        }
        chunks[number].live += 1
        if chunks[number].live == Self.size(ofChunk: number) {
            roomy = chunks[number].nextRoomy
            chunks[number].nextRoomy = Self.none
        }
        let slot = chunks[number].base! + Int(offset) * Self.stride
        record(slot).initialize(to: entry)
        key(slot).initialize(to: newKey)
        value(slot).initialize(to: newValue)
        count += 1
        return Self.start(ofChunk: number) + offset
    }

    private mutating func addChunk() {
        precondition(slotCount < Self.largestCount - 1024, "more entries than a shard can number")
        chunks = Memory.grow(chunks, to: chunkCount + 1)
        (chunks + chunkCount).initialize(to: Chunk())
        roomy = UInt32(chunkCount)
        chunkCount += 1
    }

    /// Takes an entry out: its value.
    mutating func remove(_ slot: UInt32) -> Value {
        let address = address(slot)
        _ = key(address).move()
        let value = value(address).move()
        removeEmptied(slot)
        return value
    }

    /// Takes out an entry whose key and value have been moved away: whoever did that decides where
    /// they are dropped.
    mutating func removeEmptied(_ slot: UInt32) {
        let place = Self.place(slot)
        let address = address(slot)
        record(address).pointee.versionAndLoads = 0
        record(address).pointee.bytes = chunks[place.chunk].free
        if chunks[place.chunk].live == Self.size(ofChunk: place.chunk) {
            chunks[place.chunk].nextRoomy = roomy
            roomy = UInt32(place.chunk)
        }
        chunks[place.chunk].free = UInt32(place.offset)
        chunks[place.chunk].live -= 1
        count -= 1
        // The smallest chunks are cheaper to keep.
        if chunks[place.chunk].live == 0, place.chunk > 2 {
            release(place.chunk)
            chunks[place.chunk].base = nil
            chunks[place.chunk].used = 0
            chunks[place.chunk].free = Self.none
        }
    }

    // MARK: Own checks

    func checkInvariants() {
        var held = 0
        for chunk in 0..<chunkCount {
            let start = Self.start(ofChunk: chunk)
            let live = (0..<UInt32(Self.size(ofChunk: chunk))).count { isHeld(start + $0) }
            precondition(live == chunks[chunk].live, "a chunk counts its entries")
            held += live
        }
        precondition(held == count, "the slab counts its entries")
        var room: Set<UInt32> = []
        var chunk = roomy
        while chunk != Self.none {
            precondition(room.insert(chunk).inserted, "a chunk with room is linked once")
            chunk = chunks[Int(chunk)].nextRoomy
        }
        for chunk in 0..<chunkCount {
            let hasRoom = chunks[chunk].live < Self.size(ofChunk: chunk)
            precondition(room.contains(UInt32(chunk)) == hasRoom, "chunks with room are linked")
        }
    }
}
