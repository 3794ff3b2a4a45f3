/// Keys that have left, by 32 bits of their hash, the oldest forgotten first: a ring in order of
/// leaving, and an open-addressed index into it. Two keys in four thousand million are taken for
/// each other, which costs a place in the wrong queue and nothing else.
struct GhostQueue: ~Copyable {
    private var ring: SlotColumn<UInt32>
    private var index: SlotColumn<UInt32>
    private var mask: UInt32
    private var capacity: UInt32
    private var oldest: UInt32 = 0
    /// How much of the ring is in use; a key taken out or renewed leaves a hole in it.
    private var span: UInt32 = 0
    private(set) var count = 0

    init(capacity: Int = 16) {
        let places = (capacity + capacity / 2).roundedUpToPowerOfTwo
        self.capacity = UInt32(capacity)
        ring = SlotColumn(0, capacity: capacity)
        index = SlotColumn(SlotOrder.none, capacity: places)
        mask = UInt32(places - 1)
    }

    private init(copying other: borrowing GhostQueue) {
        ring = other.ring.copy()
        index = other.index.copy()
        (mask, capacity, oldest) = (other.mask, other.capacity, other.oldest)
        (span, count) = (other.span, other.count)
    }

    func copy() -> GhostQueue { GhostQueue(copying: self) }

    /// Remembers `tag` as the youngest, and at most `limit` in all; true where it was there.
    @discardableResult
    mutating func insert(_ tag: UInt32, limit: Int) -> Bool {
        if span == capacity { closeHoles() }
        if let place = find({ ring[$0] == tag }, from: tag) {
            index[place] = push(tag)
            keep(limit)
            return true
        }
        keep(limit - 1)
        guard limit > 0 else { return false }
        link(push(tag))
        return false
    }

    /// Forgets `tag`; false where it was not there.
    mutating func remove(_ tag: UInt32) -> Bool {
        guard let place = find({ ring[$0] == tag }, from: tag) else { return false }
        unlink(place)
        return true
    }

    /// Forgets the oldest until no more than `limit` are left.
    mutating func keep(_ limit: Int) {
        while count > max(limit, 0) {
            if let place = find({ $0 == oldest }, from: ring[oldest]) { unlink(place) }
            oldest = oldest + 1 == capacity ? 0 : oldest + 1
            span -= 1
        }
    }

    /// Puts `tag` at the young end of the ring, and says where that is.
    private mutating func push(_ tag: UInt32) -> UInt32 {
        let end = oldest + span
        let position = end < capacity ? end : end - capacity
        ring[position] = tag
        span += 1
        return position
    }

    private mutating func link(_ position: UInt32) {
        var place = ring[position] & mask
        while index[place] != SlotOrder.none { place = (place + 1) & mask }
        index[place] = position
        count += 1
    }

    private func find(_ isIt: (UInt32) -> Bool, from tag: UInt32) -> UInt32? {
        var place = tag & mask
        while index[place] != SlotOrder.none {
            if isIt(index[place]) { return place }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Empties a place of the index, and closes the gap for those that had to step over it.
    private mutating func unlink(_ place: UInt32) {
        var (gap, next) = (place, (place + 1) & mask)
        while index[next] != SlotOrder.none {
            let home = ring[index[next]] & mask
            if (next &- home) & mask >= (next &- gap) & mask {
                index[gap] = index[next]
                gap = next
            }
            next = (next + 1) & mask
        }
        index[gap] = SlotOrder.none
        count -= 1
    }

    /// Makes the ring anew without its holes, and twice as large where these were few.
    private mutating func closeHoles() {
        var other = GhostQueue(capacity: Int(capacity) * (count * 2 > capacity ? 2 : 1))
        for number in 0..<span {
            let position = (oldest + number) % capacity
            guard find({ $0 == position }, from: ring[position]) != nil else { continue }
            other.link(other.push(ring[position]))
        }
        self = other
    }
}

extension Int {
    /// The least power of two that is no less; 1 for what is less than that.
    var roundedUpToPowerOfTwo: Int {
        self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
    }
}
