// SIEVE (Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is Simpler than LRU", NSDI'24).
//
// One queue in order of arrival, one bit a slot, one hand. A hit sets the bit and moves nothing.
// To evict, the hand goes from the oldest towards the newest and round again: what it finds hit
// loses its bit and keeps its place; the first that was not hit goes, and the hand stays there.
// Unlike CLOCK's, a survivor is not moved to the end, so that entries that have just come are soon
// under the hand and what nobody asks for twice leaves quickly.
//
// - The hand is on a held slot, or nowhere: then it begins with the oldest.
// - It goes a bounded way at a time: where all were hit, it is asked again and goes on.
// - A slot that leaves from under the hand passes it on to the next newer one.

final class SIEVE: EvictionPolicy {
    private var links = SlotLinks()
    private var hit = SlotColumn(false)
    private var order = SlotOrder()
    private var hand = SlotOrder.none
    /// Where the hand of the policy was that this one takes over from.
    private var handToCome = SlotOrder.none

    let heedsHits = true
    let takesRewritesForHits = true

    var count: Int { order.count }

    func added(_ slot: UInt32, hash: UInt64) {
        links.reserve(slot)
        hit.reserve(slot)
        hit[slot] = false
        order.append(slot, links)
    }

    func rewritten(_ slot: UInt32) { hit[slot] = true }

    func touched(_ slots: UnsafeBufferPointer<UInt32>) {
        for slot in slots { hit[slot] = true }
    }

    func removed(_ slot: UInt32, evicted: Bool) {
        if hand == slot { hand = links[slot].after }
        order.remove(slot, links)
    }

    func victim() -> UInt32? {
        if hand == SlotOrder.none { hand = order.first }
        for _ in 0..<Self.mostSteps {
            guard hit[hand] else { return hand }
            hit[hand] = false
            hand = links[hand].after
            if hand == SlotOrder.none { hand = order.first }
        }
        return nil
    }

    func beginWalk(_ other: any EvictionPolicy) {
        order.beginWalk()
        (other as? SIEVE)?.handToCome = hand
    }

    func walk(_ limit: Int, _ seats: inout [Seat]) {
        order.walk(limit - seats.count, links) {
            seats.append(Seat(slot: $0, uses: hit[$0] ? 1 : 0))
        }
    }

    func seat(_ seat: Seat) {
        added(seat.slot, hash: 0)
        hit[seat.slot] = seat.uses > 0
        if seat.slot == handToCome { hand = seat.slot }
    }

    func checkInvariants(count: Int) {
        precondition(order.count == count, "every entry has its place")
        order.checkInvariants(links)
        precondition(
            hand == SlotOrder.none || order.slots(links).contains(hand), "the hand is on an entry")
    }
}
