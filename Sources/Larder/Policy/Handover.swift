/// One policy taking over from another, in pieces: a million entries cannot change hands at once.
///
/// The new one is told of the entries in the order in which the former would let them go. An entry
/// that is used meanwhile changes hands at once. Those that have not changed hands yet are evicted
/// first, as they would be in an order that is taken over whole.
final class Handover: EvictionPolicy {
    private let former: any EvictionPolicy
    let successor: any EvictionPolicy
    /// Whether each slot is the successor's; those beyond are.
    private let isHandedOver: UnsafeMutableBufferPointer<Bool>
    private let hash: (UInt32) -> UInt64

    let heedsHits = true

    /// - Parameters:
    ///   - slots: Slots are numbered below this.
    ///   - hash: The hash of the key in a slot.
    init(
        from former: any EvictionPolicy, to successor: any EvictionPolicy, slots: Int,
        hash: @escaping (UInt32) -> UInt64
    ) {
        (self.former, self.successor, self.hash) = (former, successor, hash)
        isHandedOver = UnsafeMutableBufferPointer(start: Memory.zeroed(slots), count: slots)
    }

    deinit { Memory.free(isHandedOver.baseAddress!) }

    var count: Int { former.count + successor.count }

    var isOver: Bool { former.count == 0 }

    /// Hands over at most `limit` entries.
    func tidy(_ limit: Int) -> Bool {
        for _ in 0..<limit where former.count > 0 {
            guard let slot = former.victim() else { continue }
            former.removed(slot, evicted: true)
            take(slot)
        }
        return former.count > 0
    }

    private func take(_ slot: UInt32) {
        isHandedOver[Int(slot)] = true
        successor.added(slot, hash: hash(slot))
    }

    private func holder(of slot: UInt32) -> any EvictionPolicy {
        slot < isHandedOver.count && !isHandedOver[Int(slot)] ? former : successor
    }

    /// Has the successor hold what is used.
    private func claim(_ slot: UInt32) {
        guard holder(of: slot) === former else { return }
        former.removed(slot, evicted: false)
        take(slot)
    }

    func added(_ slot: UInt32, hash: UInt64) {
        if slot < isHandedOver.count { isHandedOver[Int(slot)] = true }
        successor.added(slot, hash: hash)
    }

    func rewritten(_ slot: UInt32) {
        claim(slot)
        successor.rewritten(slot)
    }

    func touched(_ slots: UnsafeBufferPointer<UInt32>) {
        guard successor.heedsHits else { return }
        slots.forEach(claim)
        successor.touched(slots)
    }

    func missed() { successor.missed() }

    func removed(_ slot: UInt32, evicted: Bool) {
        holder(of: slot).removed(slot, evicted: evicted)
    }

    func victim() -> UInt32? { (isOver ? successor : former).victim() }

    func resized(to maxsize: Int?) {
        former.resized(to: maxsize)
        successor.resized(to: maxsize)
    }

    // Nobody plans before the handover is over.
    func beginWalk(_ other: any EvictionPolicy) { successor.beginWalk(other) }

    func walk(_ limit: Int, _ seats: inout [Seat]) { successor.walk(limit, &seats) }

    func seat(_ seat: Seat) { successor.seat(seat) }

    func checkInvariants(count: Int) {
        precondition(self.count == count, "every entry has its place")
        former.checkInvariants(count: former.count)
        successor.checkInvariants(count: successor.count)
    }
}
