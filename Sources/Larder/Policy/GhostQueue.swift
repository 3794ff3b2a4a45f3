/// Keys that have left, by 32 bits of their hash, the oldest forgotten first: an order of places,
/// and an index into it. Two keys in four thousand million are taken for each other, which costs a
/// place in the wrong queue and nothing else. It grows by bounded pieces, as its parts do.
struct GhostQueue: ~Copyable {
    private var tags = SlotColumn(UInt32(0))
    private var links = SlotLinks()
    private var order = SlotOrder()
    private var index = SlotIndex()
    /// The first of the places that are free again; each holds the number of the next as its tag.
    private var free = SlotOrder.none
    /// Places below this one were in use at some time.
    private var used: UInt32 = 0

    /// Ghosts forgotten at a time.
    private static let pace = 64

    var count: Int { order.count }

    /// Remembers `tag` as the youngest, and at most `limit` in all; true where it was there. What
    /// a much smaller limit leaves to forget is forgotten by and by.
    @discardableResult
    mutating func insert(_ tag: UInt32, limit: Int) -> Bool {
        if let place = find(tag) {
            order.moveToEnd(place, links)
            keep(max(limit, count - Self.pace))
            return true
        }
        keep(max(limit - 1, count - Self.pace))
        guard limit > 0 else { return false }
        let place = newPlace()
        tags[place] = tag
        order.append(place, links)
        index.insert(place, tag)
        return false
    }

    /// Forgets `tag`; false where it was not there.
    mutating func remove(_ tag: UInt32) -> Bool {
        guard count > 0, let place = find(tag) else { return false }
        forget(place)
        return true
    }

    /// Forgets the oldest until no more than `limit` are left.
    mutating func keep(_ limit: Int) {
        while count > max(limit, 0) { forget(order.first) }
    }

    private func find(_ tag: UInt32) -> UInt32? { index.find(tag) { tags[$0] == tag } }

    private mutating func forget(_ place: UInt32) {
        index.remove(place, tags[place])
        order.remove(place, links)
        tags[place] = free
        free = place
    }

    private mutating func newPlace() -> UInt32 {
        guard free == SlotOrder.none else {
            defer { free = tags[free] }
            return free
        }
        tags.reserve(used)
        links.reserve(used)
        used += 1
        return used - 1
    }

    /// The oldest first; for tests.
    var all: [UInt32] { order.slots(links).map { tags[$0] } }

    func checkInvariants() {
        order.checkInvariants(links)
        precondition(index.count == count, "every ghost stands in the index")
        index.checkInvariants { tags[$0] }
    }
}

extension Int {
    /// The smallest power of two that is at least this; 1 for anything below 1.
    var roundedUpToPowerOfTwo: Int {
        self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
    }
}
