// S3-FIFO (Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction",
// SOSP'23).
//
// Most keys are asked for once while they are held. A new entry therefore goes through a small
// queue, a tenth of the cache: who was hit at least twice by its end goes on to the main queue, the
// others leave, and only their hashes are remembered for a while. Who comes back while it is
// remembered was put out too early and goes to the main queue at once. There a hit entry goes round
// again, one count poorer.
//
// - Every slot is in one of the two queues; hits count up to 3 and move nothing.
// - The ghosts are no more than main may hold, once a smaller size has been tidied up after.
// - Which queue gives next is decided anew at each step, so that asking twice changes nothing.

final class S3FIFO: EvictionPolicy {
    private struct State {
        var hits: UInt8 = 0
        var isMain = false
    }

    private var links = SlotLinks()
    private var states = SlotColumn(State())
    private var tags = SlotColumn(UInt32(0))
    private var ghosts = GhostQueue()
    private var small = SlotOrder()
    private var main = SlotOrder()
    private var maxsize: Int?
    /// There may be more ghosts than a new size has room for.
    private var hasToForget = false

    let heedsHits = true
    let takesRewritesForHits = true

    init(maxsize: Int?) { self.maxsize = maxsize }

    var count: Int { small.count + main.count }

    /// What main may hold: all but a tenth, of what is held where there is no bound.
    private var mainLimit: Int {
        let capacity = maxsize ?? count
        return max(0, capacity - max(1, capacity / 10))
    }

    func added(_ slot: UInt32, hash: UInt64) {
        let tag = UInt32(truncatingIfNeeded: SplitMix.mixed(hash))
        add(slot, tag, State(isMain: ghosts.remove(tag)))
    }

    private func add(_ slot: UInt32, _ tag: UInt32, _ state: State) {
        links.reserve(slot)
        states.reserve(slot)
        tags.reserve(slot)
        tags[slot] = tag
        states[slot] = state
        if state.isMain { main.append(slot, links) } else { small.append(slot, links) }
    }

    func rewritten(_ slot: UInt32) { hit(slot) }

    func touched(_ slots: UnsafeBufferPointer<UInt32>) { slots.forEach(hit) }

    private func hit(_ slot: UInt32) { states[slot].hits = min(states[slot].hits + 1, 3) }

    func removed(_ slot: UInt32, evicted: Bool) {
        guard !states[slot].isMain else { return main.remove(slot, links) }
        small.remove(slot, links)
        if evicted { ghosts.insert(tags[slot], limit: mainLimit) }
    }

    func resized(to maxsize: Int?) {
        self.maxsize = maxsize
        hasToForget = true
    }

    func tidy(_ limit: Int) -> Bool {
        guard hasToForget else { return false }
        let most = mainLimit
        ghosts.keep(max(most, ghosts.count - min(limit, ghosts.count)))
        hasToForget = ghosts.count > most
        return hasToForget
    }

    func victim() -> UInt32? {
        for _ in 0..<Self.mostSteps {
            let fromMain = small.count == 0 || main.count > mainLimit
            let slot = fromMain ? main.first : small.first
            if fromMain, states[slot].hits > 0 {
                states[slot].hits -= 1
                main.moveToEnd(slot, links)
            } else if !fromMain, states[slot].hits > 1 {
                states[slot] = State(isMain: true)
                small.remove(slot, links)
                main.append(slot, links)
            } else {
                return slot
            }
        }
        return nil
    }

    func beginWalk(_ other: any EvictionPolicy) {
        small.beginWalk()
        main.beginWalk()
    }

    func walk(_ limit: Int, _ seats: inout [Seat]) {
        func seat(_ slot: UInt32) {
            let state = states[slot]
            seats.append(Seat(slot: slot, order: state.isMain ? 1 : 0, uses: Int(state.hits)))
        }
        small.walk(limit - seats.count, links, seat)
        main.walk(limit - seats.count, links, seat)
    }

    func seat(_ seat: Seat) {
        add(seat.slot, 0, State(hits: UInt8(seat.uses), isMain: seat.order == 1))
    }

    func checkInvariants(count: Int) {
        precondition(self.count == count, "every entry has its place")
        for (order, isMain) in [(small, false), (main, true)] {
            order.checkInvariants(links)
            precondition(
                order.slots(links).allSatisfy {
                    states[$0].isMain == isMain && states[$0].hits < 4
                },
                "a slot knows its queue")
        }
        ghosts.checkInvariants()
    }
}
