/// A doubly linked order over the numbers of a slab's slots: constant time, no allocation a move.
struct SlotList {
    private var links: [Link] = []
    private(set) var first = SlotList.none
    private(set) var last = SlotList.none

    /// The number of no slot.
    static let none = UInt32.max

    private struct Link {
        var before = SlotList.none
        var after = SlotList.none
    }

    /// Makes room for one more slot number.
    mutating func grow() { links.append(Link()) }

    func after(_ slot: UInt32) -> UInt32 { links[Int(slot)].after }

    mutating func append(_ slot: UInt32) {
        links[Int(slot)] = Link(before: last, after: SlotList.none)
        if last == SlotList.none { first = slot } else { links[Int(last)].after = slot }
        last = slot
    }

    mutating func remove(_ slot: UInt32) {
        let link = links[Int(slot)]
        if link.before == SlotList.none {
            first = link.after
        } else {
            links[Int(link.before)].after = link.after
        }
        if link.after == SlotList.none {
            last = link.before
        } else {
            links[Int(link.after)].before = link.before
        }
        links[Int(slot)] = Link()
    }

    mutating func moveToEnd(_ slot: UInt32) {
        guard last != slot else { return }
        remove(slot)
        append(slot)
    }
}
