/// The least recently used goes: one order, most recent last. Exact.
///
/// Where it does not heed hits the oldest write goes (fifo): writing a key anew counts as a write,
/// as in cachetools.
final class LRU: EvictionPolicy {
    // One thread at a time is in here, under the store's lock, and no call of a policy makes
    // another: what the compiler cannot see would cost a tenth of a write to check.
    @exclusivity(unchecked) private var links = SlotLinks()
    @exclusivity(unchecked) private var order = SlotOrder()

    let heedsHits: Bool
    let walksInOrder = true

    init(heedsHits: Bool = true) { self.heedsHits = heedsHits }

    var takesRewritesForHits: Bool { heedsHits }

    var count: Int { order.count }

    func added(_ slot: UInt32, hash: UInt64) {
        links.reserve(slot)
        order.append(slot, links)
    }

    func rewritten(_ slot: UInt32) { order.moveToEnd(slot, links) }

    func touched(_ slots: UnsafeBufferPointer<UInt32>) {
        for slot in slots { order.moveToEnd(slot, links) }
    }

    func removed(_ slot: UInt32, evicted: Bool) { order.remove(slot, links) }

    func victim() -> UInt32? { order.first }

    func beginWalk(_ other: any EvictionPolicy) { order.beginWalk() }

    func walk(_ limit: Int, _ seats: inout [Seat]) {
        order.walk(limit - seats.count, links) { seats.append(Seat(slot: $0)) }
    }

    func seat(_ seat: Seat) { added(seat.slot, hash: 0) }

    func checkInvariants(count: Int) {
        precondition(order.count == count, "every entry has its place")
        order.checkInvariants(links)
    }
}
