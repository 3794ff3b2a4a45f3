/// The least recently used goes: one order, most recent last. Exact.
final class LRU: EvictionPolicy {
    private var links = SlotLinks()
    private var order = SlotOrder()

    let heedsHits = true

    func added(_ slot: UInt32, hash: UInt64) {
        links.reserve(slot)
        order.append(slot, links)
    }

    func rewritten(_ slot: UInt32) { order.moveToEnd(slot, links) }

    func touched(_ slots: UnsafeBufferPointer<UInt32>) {
        for slot in slots { order.moveToEnd(slot, links) }
    }

    func removed(_ slot: UInt32, evicted: Bool) { order.remove(slot, links) }

    func victim() -> UInt32 { order.first }

    func victims(_ count: Int) -> [UInt32] { order.slots(links, limit: count) }

    func beginWalk() -> Bool {
        order.beginWalk()
        return true
    }

    func walk(_ limit: Int) -> [UInt32] { order.walk(limit, links) }

    func checkInvariants(count: Int) {
        precondition(order.count == count, "every entry has its place")
        order.checkInvariants(links)
    }
}
