extension SlotOrder {
    /// Up to `limit` slots from the first on.
    func slots(_ links: borrowing SlotLinks, limit: Int = .max) -> [UInt32] {
        var slots: [UInt32] = []
        slots.reserveCapacity(Swift.min(limit, count))
        var slot = first
        while slot != SlotOrder.none, slots.count < limit {
            slots.append(slot)
            slot = links[slot].after
        }
        return slots
    }

    /// Stops the program where the links do not lead through `count` slots and back.
    func checkInvariants(_ links: borrowing SlotLinks) {
        let slots = slots(links, limit: count + 1)
        precondition(slots.count == count, "an order links as many slots as it counts")
        precondition(last == slots.last ?? SlotOrder.none, "an order ends with its last slot")
        var before = SlotOrder.none
        for slot in slots {
            precondition(links[slot].before == before, "links lead back where they came from")
            before = slot
        }
    }
}
