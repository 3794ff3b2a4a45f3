/// Any goes, each with the same chance.
///
/// The slots stand side by side in no order, and a removal moves the last one into the gap. Which
/// place is drawn next follows from the generator's state alone, and that moves on only when an
/// entry was evicted: so the victim stays the same however often it is asked for.
final class RR: EvictionPolicy {
    private var dense: SlotColumn<UInt32>
    private var position: SlotColumn<UInt32>
    private(set) var count = 0
    private var state: UInt64
    /// Where a walk goes on.
    private var next = 0

    let heedsHits = false

    init(seed: UInt64?) {
        dense = SlotColumn(SlotOrder.none)
        position = SlotColumn(SlotOrder.none)
        state = seed ?? .random(in: .min ... .max)
    }

    func added(_ slot: UInt32, hash: UInt64) {
        dense.reserve(UInt32(count))
        position.reserve(slot)
        place(slot, at: UInt32(count))
        count += 1
    }

    func rewritten(_ slot: UInt32) {}

    func removed(_ slot: UInt32, evicted: Bool) {
        count -= 1
        place(dense[UInt32(count)], at: position[slot])
        if evicted { state &+= SplitMix.step }
    }

    private func place(_ slot: UInt32, at place: UInt32) {
        dense[place] = slot
        position[slot] = place
    }

    func victim() -> UInt32? {
        dense[UInt32(SplitMix.mixed(state).multipliedFullWidth(by: UInt64(count)).high)]
    }

    func beginWalk(_ other: any EvictionPolicy) {
        next = 0
        (other as? RR)?.state = state
    }

    func walk(_ limit: Int, _ seats: inout [Seat]) {
        while seats.count < limit, next < count {
            seats.append(Seat(slot: dense[UInt32(next)]))
            next += 1
        }
    }

    func seat(_ seat: Seat) { added(seat.slot, hash: 0) }

    func checkInvariants(count: Int) {
        precondition(self.count == count, "every entry has its place")
        for place in 0..<UInt32(count) {
            precondition(position[dense[place]] == place, "a slot stands where it is looked for")
        }
    }
}
