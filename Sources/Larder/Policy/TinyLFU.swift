final class TinyLFU: EvictionPolicy {
    enum Segment: UInt8 { case window, probation, protected }

    private var links: SlotLinks
    private var segments: SlotColumn<Segment>
    private var tags: SlotColumn<UInt32>
    private var sketch: FrequencySketch
    private var window = SlotOrder()
    private var probation = SlotOrder()
    private var protected = SlotOrder()
    private var maxsize: Int?
    private var dice: UInt64 = 0

    private var share = 0.01
    private var step = -0.0625
    private var shadow = GhostQueue()
    private var shift: UInt32 = 0
    private var references = 0
    private var hits = 0
    private var shadowHits = 0
    private var last = 0.0
    nonisolated(unsafe) static var climbs = true
    nonisolated(unsafe) static var factor = 10
    nonisolated(unsafe) static var floor = 256
    nonisolated(unsafe) static var guardAt = -0.005
    nonisolated(unsafe) static var rescue = 0.125
    nonisolated(unsafe) static var bounce = true

    let heedsHits = true

    init(maxsize: Int?) {
        self.maxsize = maxsize
        links = SlotLinks()
        segments = SlotColumn(.window)
        tags = SlotColumn(0)
        sketch = FrequencySketch(capacity: maxsize ?? 64)
    }

    private init(copying other: TinyLFU) {
        links = other.links.copy()
        segments = other.segments.copy()
        tags = other.tags.copy()
        sketch = other.sketch.copy()
        (window, probation, protected) = (other.window, other.probation, other.protected)
        (maxsize, dice, share, step) = (other.maxsize, other.dice, other.share, other.step)
        
    }

    private var count: Int { window.count + probation.count + protected.count }
    private var capacity: Int { maxsize ?? count }
    private var windowLimit: Int { max(1, Int(share * Double(capacity))) }
    private var protectedLimit: Int { (capacity - windowLimit) * 4 / 5 }

    func added(_ slot: UInt32, hash: UInt64) {
        links.reserve(slot)
        segments.reserve(slot)
        tags.reserve(slot)
        tags[slot] = UInt32(truncatingIfNeeded: SplitMix.mixed(hash))
        segments[slot] = .window
        window.append(slot, links)
        sketch.reserve(count)
        sketch.increment(tags[slot], sample: 10 * max(capacity, 1))
        while window.count > windowLimit { moveOn(window.first) }
        refer(tags[slot], hit: false)
    }

    func rewritten(_ slot: UInt32) { use(slot) }

    func touched(_ slots: UnsafeBufferPointer<UInt32>) {
        for slot in slots {
            use(slot)
            refer(tags[slot], hit: true)
        }
    }

    private func refer(_ tag: UInt32, hit: Bool) {
        references += 1
        if tag & ((1 << shift) - 1) == 0 {
            if hit { hits += 1 }
            if shadow.remove(tag) { shadowHits += 1 }
            shadow.insert(tag, limit: capacity >> shift)
        }
        if references >= max(TinyLFU.floor, TinyLFU.factor * capacity) { climb() }
    }

    private func use(_ slot: UInt32) {
        sketch.increment(tags[slot], sample: 10 * max(capacity, 1))
        switch segments[slot] {
        case .window: window.moveToEnd(slot, links)
        case .protected: protected.moveToEnd(slot, links)
        case .probation:
            probation.remove(slot, links)
            protected.append(slot, links)
            segments[slot] = .protected
            while protected.count > protectedLimit { demote() }
        }
    }

    private func demote() {
        let slot = protected.first
        protected.remove(slot, links)
        probation.append(slot, links)
        segments[slot] = .probation
    }

    private func moveOn(_ slot: UInt32) {
        window.remove(slot, links)
        probation.append(slot, links)
        segments[slot] = .probation
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
        sketch.reserve(capacity)
    }

    func victim() -> UInt32 {
        let last = probation.count > 0 ? probation.first : protected.first
        guard last != SlotOrder.none else { return window.first }
        if window.count >= windowLimit {
            let candidate = window.first
            if !admits(candidate, over: last) { return candidate }
            moveOn(candidate)
        }
        return last
    }

    private func admits(_ candidate: UInt32, over victim: UInt32) -> Bool {
        let (new, old) = (sketch.count(tags[candidate]), sketch.count(tags[victim]))
        if new > old { return true }
        return new >= 6 && SplitMix.mixed(dice) & 127 == 0
    }

    private func climb() {
        let sampled = Double(references >> Int(shift))
        let advantage = Double(hits - shadowHits) / sampled
        defer { (hits, references, shadowHits, last) = (0, 0, 0, advantage) }
        if capacity >> shift > 2048 { shift += 1 }
        guard TinyLFU.climbs else { return }
        let change = advantage - last
        var amount = change >= 0 ? step : -step
        if advantage < TinyLFU.guardAt { amount = TinyLFU.rescue; step = 0.0625 }
        else { step = abs(change) >= 0.05 ? (amount >= 0 ? 0.0625 : -0.0625) : amount * 0.98 }
        if TinyLFU.bounce { if share + amount > 1 { step = -abs(step) } else if share + amount < 0.01 { step = abs(step) } }
        let old = share
        share = min(1, max(0.01, share + amount))
        if share > old { 
            while window.count < windowLimit, probation.count + protected.count > 0 {
                if probation.count == 0 { demote() }
                let s = probation.first
                probation.remove(s, links); window.append(s, links); segments[s] = .window
            }
        } else {
            while window.count > windowLimit { moveOn(window.first) }
        }
        while protected.count > protectedLimit { demote() }
    }

    func victims(_ count: Int) -> [UInt32] { TinyLFU(copying: self).evict(min(count, self.count)) }

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
