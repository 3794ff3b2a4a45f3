/// The links of every slot in whatever order it stands, shared by orders that have no slot in
/// common.
typealias SlotLinks = SlotColumn<SlotLink>

struct SlotLink: BitwiseCopyable {
    var before = SlotOrder.none
    var after = SlotOrder.none
}

extension SlotColumn where Element == SlotLink {
    init() { self.init(SlotLink()) }
}

/// A doubly linked order over slot numbers: constant time, no allocation a move. The links stand
/// in a ``SlotLinks`` that is handed in.
struct SlotOrder: BitwiseCopyable {
    private(set) var first = SlotOrder.none
    private(set) var last = SlotOrder.none
    private(set) var count = 0
    /// Where a walk in pieces goes on: it steps aside where its slot is moved or removed.
    private(set) var next = SlotOrder.none

    /// The number of no slot.
    static let none = UInt32.max

    mutating func append(_ slot: UInt32, _ links: borrowing SlotLinks) {
        links[slot] = SlotLink(before: last, after: SlotOrder.none)
        if last == SlotOrder.none { first = slot } else { links[last].after = slot }
        last = slot
        count += 1
    }

    mutating func remove(_ slot: UInt32, _ links: borrowing SlotLinks) {
        let link = links[slot]
        if slot == next { next = link.after }
        if link.before == SlotOrder.none {
            first = link.after
        } else {
            links[link.before].after = link.after
        }
        if link.after == SlotOrder.none {
            last = link.before
        } else {
            links[link.after].before = link.before
        }
        count -= 1
    }

    /// Begins a walk from the first slot on; one at a time.
    mutating func beginWalk() { next = first }

    /// The next slot of the walk, which steps on; `nil` at its end.
    mutating func step(_ links: borrowing SlotLinks) -> UInt32? {
        guard next != SlotOrder.none else { return nil }
        defer { next = links[next].after }
        return next
    }

    /// Visits the next slots of the walk, at most `limit`. What was moved to the end since it began
    /// may come twice.
    mutating func walk(_ limit: Int, _ links: borrowing SlotLinks, _ visit: (UInt32) -> Void) {
        for _ in 0..<limit {
            guard let slot = step(links) else { return }
            visit(slot)
        }
    }

    mutating func moveToEnd(_ slot: UInt32, _ links: borrowing SlotLinks) {
        guard last != slot else { return }
        remove(slot, links)
        append(slot, links)
    }
}
