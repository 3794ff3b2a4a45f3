// W-TinyLFU (Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy",
// ACM ToS 2017).
//
// A new entry stands in a window, an LRU. Who falls out of the window is the candidate for main,
// and is compared with who would have to leave main for it: the one asked for more often lately, by
// a sketch that remembers keys long gone, stays. So what comes once cannot push out what comes
// again and again, and what has just become popular has the window's length to show it.
//
// Main is a segmented LRU: a candidate enters on probation, a hit there protects it, and who falls
// out of the protected 80 % is on probation again. ``WindowClimber`` says how long the window is,
// from a hundredth of the cache up to all of it, which is a plain LRU.
//
// - Every slot is in one of the three orders, each in order of last use.
// - Room is made before the new entry comes: the window gives its candidate when the new one would
//   not fit into it. A candidate that wins is moved on by being asked about, and the answer is the
//   same when asked again, since the window then has room.
// - What a longer or shorter window moves, and what no longer fits into the protected part, is moved
//   by a few entries with each use: at a million it would take milliseconds to do so at once.
// - A tie is the victim's. One candidate in 128 that was asked for a good deal is let in all the
//   same: or else a few keys chosen to collide in the sketch could keep main shut for ever.

final class TinyLFU: EvictionPolicy {
    private enum Segment: UInt8 { case window, probation, protected }

    /// What the segments have to give away or to get.
    private struct Moves {
        var trimsWindow = false
        /// How many entries main has to give to the window.
        var toFill = 0
        var trimsProtected = false
    }

    private var links = SlotLinks()
    private var segments = SlotColumn(Segment.window)
    private var tags = SlotColumn(UInt32(0))
    private var sketch: FrequencySketch
    private var climber = WindowClimber()
    private var window = SlotOrder()
    private var probation = SlotOrder()
    private var protected = SlotOrder()
    private var moves = Moves()
    private var maxsize: Int?
    /// The window's share of the capacity.
    private var share = WindowClimber.leastShare
    private var dice: UInt64 = 0
    /// Where this one took over from another: how often each of its entries was asked for.
    private var usesBefore = SlotColumn(UInt8(0))
    private var tookOver = false

    let heedsHits = true

    /// Entries moved with each use.
    private static let pace = 8

    init(maxsize: Int?) {
        self.maxsize = maxsize
        // A large one grows with what is held: a bound may be far beyond what ever comes.
        sketch = FrequencySketch(capacity: min(maxsize ?? 0, 4096))
    }

    /// Begins with a window of that share, as one that has learned so would.
    func begin(window share: Double) {
        self.share = share
        climber.begin(at: share)
    }

    var count: Int { window.count + probation.count + protected.count }
    private var capacity: Int { max(maxsize ?? count, 1) }
    private var windowLimit: Int { max(1, Int(share * Double(capacity))) }
    private var protectedLimit: Int { (capacity - windowLimit) * 4 / 5 }

    // MARK: What happens

    func added(_ slot: UInt32, hash: UInt64) {
        links.reserve(slot)
        segments.reserve(slot)
        tags.reserve(slot)
        // The half that a record of look-ups has: a what-if is to count as the cache does.
        tags[slot] = UInt32(
            truncatingIfNeeded: SplitMix.mixed(UInt64(UInt32(truncatingIfNeeded: hash))))
        segments[slot] = .window
        window.append(slot, links)
        sketch.reserve(count)
        sketch.increment(tags[slot], sample: 10 * capacity)
        refer(slot, hit: false)
        moves.trimsWindow = true
        move(Self.pace)
    }

    func rewritten(_ slot: UInt32) { use(slot) }

    func touched(_ slots: UnsafeBufferPointer<UInt32>) {
        for slot in slots {
            use(slot)
            refer(slot, hit: true)
        }
    }

    func removed(_ slot: UInt32, evicted: Bool) {
        switch segments[slot] {
        case .window: window.remove(slot, links)
        case .probation: probation.remove(slot, links)
        case .protected: protected.remove(slot, links)
        }
        if evicted { dice &+= SplitMix.step }
    }

    func resized(to maxsize: Int?) {
        self.maxsize = maxsize
        moves.trimsProtected = true
    }

    func tidy(_ limit: Int) -> Bool { move(limit) }

    // MARK: Uses

    private func use(_ slot: UInt32) {
        sketch.increment(tags[slot], sample: 10 * capacity)
        switch segments[slot] {
        case .window: window.moveToEnd(slot, links)
        case .protected: protected.moveToEnd(slot, links)
        case .probation:
            probation.remove(slot, links)
            append(slot, to: .protected)
            moves.trimsProtected = true
        }
        move(Self.pace)
    }

    private func refer(_ slot: UInt32, hit: Bool) {
        guard let share = climber.refer(tags[slot], hit: hit, capacity: capacity) else { return }
        self.share = share
        moves = Moves(trimsWindow: true, toFill: windowLimit - window.count, trimsProtected: true)
        move(Self.pace)
    }

    private func append(_ slot: UInt32, to segment: Segment) {
        segments[slot] = segment
        switch segment {
        case .window: window.append(slot, links)
        case .probation: probation.append(slot, links)
        case .protected: protected.append(slot, links)
        }
    }

    private func moveOn(_ slot: UInt32) {
        window.remove(slot, links)
        append(slot, to: .probation)
    }

    /// Does at most `steps` of the moves that are to be made; true where there are more.
    @discardableResult
    private func move(_ steps: Int) -> Bool {
        for _ in 0..<steps {
            if moves.trimsWindow, window.count > windowLimit {
                moveOn(window.first)
            } else if moves.toFill > 0, window.count < windowLimit,
                probation.count + protected.count > 0
            {
                moves = Moves(toFill: moves.toFill - 1, trimsProtected: moves.trimsProtected)
                fillWindow()
            } else if moves.trimsProtected, protected.count > protectedLimit {
                moves = Moves(trimsProtected: true)
                demote()
            } else {
                moves = Moves()
                return false
            }
        }
        return true
    }

    private func demote() {
        let slot = protected.first
        protected.remove(slot, links)
        append(slot, to: .probation)
    }

    /// A window that has grown takes from main what main would give away first.
    private func fillWindow() {
        if probation.count == 0 { demote() }
        let slot = probation.first
        probation.remove(slot, links)
        append(slot, to: .window)
    }

    // MARK: The victim

    func victim() -> UInt32? {
        if window.count > windowLimit {
            for _ in 0..<Self.mostSteps where window.count > windowLimit { moveOn(window.first) }
            if window.count > windowLimit { return nil }
        }
        if probation.count == 0, protected.count > 0 { demote() }
        let last = probation.first
        guard last != SlotOrder.none else { return window.first }
        guard window.count == windowLimit else { return last }
        let candidate = window.first
        guard admits(candidate, for: last) else { return candidate }
        moveOn(candidate)
        return last
    }

    private func admits(_ candidate: UInt32, for victim: UInt32) -> Bool {
        let uses = uses(candidate)
        if uses > self.uses(victim) { return true }
        return uses >= 6 && SplitMix.mixed(dice) & 127 == 0
    }

    private func uses(_ slot: UInt32) -> Int {
        tookOver ? Int(usesBefore[slot]) : sketch.count(tags[slot])
    }

    // MARK: Walking

    /// For evictions in a row: the climber is left out, it learns from references alone.
    func beginWalk(_ other: any EvictionPolicy) {
        window.beginWalk()
        probation.beginWalk()
        protected.beginWalk()
        guard let other = other as? TinyLFU else { return }
        (other.share, other.dice, other.moves) = (share, dice, moves)
        other.tookOver = true
    }

    func walk(_ limit: Int, _ seats: inout [Seat]) {
        func seat(_ slot: UInt32) {
            seats.append(
                Seat(
                    slot: slot, order: Int(segments[slot].rawValue),
                    uses: sketch.count(tags[slot])))
        }
        window.walk(limit - seats.count, links, seat)
        probation.walk(limit - seats.count, links, seat)
        protected.walk(limit - seats.count, links, seat)
    }

    func seat(_ seat: Seat) {
        links.reserve(seat.slot)
        segments.reserve(seat.slot)
        usesBefore.reserve(seat.slot)
        usesBefore[seat.slot] = UInt8(seat.uses)
        append(seat.slot, to: Segment(rawValue: UInt8(seat.order)) ?? .window)
    }

    func checkInvariants(count: Int) {
        precondition(self.count == count, "every entry has its place")
        for (order, segment) in [
            (window, Segment.window), (probation, .probation), (protected, .protected),
        ] {
            order.checkInvariants(links)
            precondition(
                order.slots(links).allSatisfy { segments[$0] == segment },
                "a slot knows its segment")
        }
    }
}
