/// The links of every slot in whatever order it stands: one flat column, shared by orders that
/// have no slot in common. It grows by remapping, so that growing copies nothing.
struct SlotLinks: ~Copyable {
    private var links: UnsafeMutablePointer<Link>
    private(set) var capacity: Int

    struct Link {
        var before = SlotOrder.none
        var after = SlotOrder.none
    }

    init(capacity: Int = 16) {
        links = Memory.grow(nil, to: capacity)
        links.initialize(repeating: Link(), count: capacity)
        self.capacity = capacity
    }

    deinit { Memory.free(links) }

    /// A column of its own with the same links.
    func copy() -> SlotLinks {
        let copy = SlotLinks(capacity: capacity)
        copy.links.update(from: links, count: capacity)
        return copy
    }

    /// Makes room for `slot`.
    mutating func reserve(_ slot: UInt32) {
        guard slot >= capacity else { return }
        let larger = max(Int(slot) + 1, capacity + capacity / 8)
        links = Memory.grow(links, to: larger)
        (links + capacity).initialize(repeating: Link(), count: larger - capacity)
        capacity = larger
    }

    subscript(slot: UInt32) -> Link {
        get {
            assert(slot < capacity)
            return links[Int(slot)]
        }
        nonmutating set {
            assert(slot < capacity)
            links[Int(slot)] = newValue
        }
    }

    func setBefore(_ slot: UInt32, _ before: UInt32) { links[Int(slot)].before = before }
    func setAfter(_ slot: UInt32, _ after: UInt32) { links[Int(slot)].after = after }
}

/// A doubly linked order over slot numbers: constant time, no allocation a move. The links stand
/// in a ``SlotLinks`` that is handed in.
struct SlotOrder {
    private(set) var first = SlotOrder.none
    private(set) var last = SlotOrder.none
    private(set) var count = 0
    /// Where a walk in pieces goes on: it steps aside where its slot is moved or removed.
    private var next = SlotOrder.none

    /// The number of no slot.
    static let none = UInt32.max

    mutating func append(_ slot: UInt32, _ links: borrowing SlotLinks) {
        links[slot] = SlotLinks.Link(before: last, after: SlotOrder.none)
        if last == SlotOrder.none { first = slot } else { links.setAfter(last, slot) }
        last = slot
        count += 1
    }

    mutating func remove(_ slot: UInt32, _ links: borrowing SlotLinks) {
        let link = links[slot]
        if slot == next { next = link.after }
        if link.before == SlotOrder.none {
            first = link.after
        } else {
            links.setAfter(link.before, link.after)
        }
        if link.after == SlotOrder.none {
            last = link.before
        } else {
            links.setBefore(link.after, link.before)
        }
        count -= 1
    }

    /// Begins a walk from the first slot on; one at a time.
    mutating func beginWalk() { next = first }

    /// The next slots of the walk, fewer than `limit` at its end. What was moved to the end since
    /// it began may come twice.
    mutating func walk(_ limit: Int, _ links: borrowing SlotLinks) -> [UInt32] {
        var slots: [UInt32] = []
        while slots.count < limit, next != SlotOrder.none {
            slots.append(next)
            next = links[next].after
        }
        return slots
    }

    mutating func moveToEnd(_ slot: UInt32, _ links: borrowing SlotLinks) {
        guard last != slot else { return }
        remove(slot, links)
        append(slot, links)
    }
}
