final class LRU: EvictionPolicy {
    private var links = SlotLinks()
    private var order = SlotOrder()
    let heedsHits = true
    func added(_ slot: UInt32, hash: UInt64) { links.reserve(slot); order.append(slot, links) }
    func rewritten(_ slot: UInt32) { order.moveToEnd(slot, links) }
    func touched(_ slots: UnsafeBufferPointer<UInt32>) {
        for slot in slots { order.moveToEnd(slot, links) }
    }
    func missed() {}
    func removed(_ slot: UInt32, evicted: Bool) { order.remove(slot, links) }
    func victim() -> UInt32 { order.first }
    func victims(_ count: Int) -> [UInt32] {
        var slots: [UInt32] = []
        var slot = order.first
        while slots.count < count, slot != SlotOrder.none {
            slots.append(slot)
            slot = links[slot].after
        }
        return slots
    }
    func resized(to maxsize: Int?) {}
    func checkInvariants(count: Int) { precondition(order.count == count) }
}
extension Policy { func make(maxsize: Int?) -> any EvictionPolicy { LRU() } }
