@testable import Larder

/// A policy as one would write it down, with no thought of speed: arrays that are looked through.
///
/// Who is held goes by a number, as a slot does in the engine's own policies. A copy foretells:
/// what it lets go changes nothing in what it was copied from.
protocol Naive {
    /// `hash` is the key's, the same whenever the key comes back.
    mutating func added(_ slot: UInt32, _ hash: UInt64)
    mutating func rewritten(_ slot: UInt32)
    mutating func touched(_ slot: UInt32)
    /// A look-up was no hit.
    mutating func missed()
    mutating func removed(_ slot: UInt32, _ evicted: Bool)
    /// Who is to go next; what is settled on the way is kept.
    mutating func victim() -> UInt32
    mutating func resized(to maxsize: Int?)
}

extension Naive {
    mutating func touched(_ slot: UInt32) {}
    mutating func missed() {}
    mutating func resized(to maxsize: Int?) {}

    /// The victim, with nothing settled.
    var foretold: UInt32 {
        var copy = self
        return copy.victim()
    }

    /// Those that `count` evictions in a row would let go, in order, with nothing changed.
    func foretold(_ count: Int) -> [UInt32] {
        var copy = self
        return (0..<count).map { _ in
            let slot = copy.victim()
            copy.removed(slot, true)
            return slot
        }
    }
}

extension Policy {
    /// Its naive model; chance has one where it has a seed.
    func naive(maxsize: Int?) -> any Naive {
        switch self {
        case .lru: NaiveOrder(heedsHits: true)
        case .fifo: NaiveOrder(heedsHits: false)
        case .lfu(let ages): NaiveLFU(maxsize: maxsize, ages: ages)
        case .rr(let seed): NaiveRR(state: seed!)
        case .sieve: NaiveSIEVE()
        case .s3fifo: NaiveS3FIFO(maxsize: maxsize)
        case .tinylfu: NaiveTinyLFU(maxsize: maxsize)
        }
    }
}

/// LRU where it heeds hits, else FIFO.
private struct NaiveOrder: Naive {
    let heedsHits: Bool
    var order: [UInt32] = []

    mutating func added(_ slot: UInt32, _ hash: UInt64) { order.append(slot) }
    mutating func rewritten(_ slot: UInt32) { order = order.filter { $0 != slot } + [slot] }
    mutating func touched(_ slot: UInt32) { if heedsHits { rewritten(slot) } }
    mutating func removed(_ slot: UInt32, _ evicted: Bool) { order.removeAll { $0 == slot } }
    func victim() -> UInt32 { order[0] }
}

/// The least count goes, among equals the one used longest ago.
private struct NaiveLFU: Naive {
    var maxsize: Int?
    let ages: Bool
    var entries: [UInt32: (uses: Int, last: Int)] = [:]
    var now = 0
    var lookups = 0

    mutating func added(_ slot: UInt32, _ hash: UInt64) {
        entries[slot] = (0, 0)
        rewritten(slot)
    }

    mutating func rewritten(_ slot: UInt32) {
        now += 1
        entries[slot] = (entries[slot]!.uses + 1, now)
    }

    mutating func touched(_ slot: UInt32) {
        rewritten(slot)
        missed()
    }

    mutating func missed() {
        lookups += 1
        guard ages, lookups >= 10 * max(maxsize ?? entries.count, 1) else { return }
        lookups = 0
        entries = entries.mapValues { ($0.uses / 2, $0.last) }
    }

    mutating func removed(_ slot: UInt32, _ evicted: Bool) { entries[slot] = nil }
    func victim() -> UInt32 { entries.min { $0.value < $1.value }!.key }
    mutating func resized(to maxsize: Int?) { self.maxsize = maxsize }
}

/// Any of them, in a row whose gaps the last one fills; a draw is used up by an eviction alone.
private struct NaiveRR: Naive {
    var row: [UInt32] = []
    var state: UInt64

    init(state: UInt64) { self.state = state }

    mutating func added(_ slot: UInt32, _ hash: UInt64) { row.append(slot) }
    mutating func rewritten(_ slot: UInt32) {}

    mutating func removed(_ slot: UInt32, _ evicted: Bool) {
        row[row.firstIndex(of: slot)!] = row.last!
        row.removeLast()
        if evicted { state &+= SplitMix.step }
    }

    func victim() -> UInt32 {
        row[Int(SplitMix.mixed(state).multipliedFullWidth(by: UInt64(row.count)).high)]
    }
}

/// The pseudocode of the paper, over an array from the oldest to the newest.
private struct NaiveSIEVE: Naive {
    var queue: [(slot: UInt32, visited: Bool)] = []
    var hand = 0

    private func place(_ slot: UInt32) -> Int { queue.firstIndex { $0.slot == slot }! }

    mutating func added(_ slot: UInt32, _ hash: UInt64) { queue.append((slot, false)) }
    mutating func rewritten(_ slot: UInt32) { queue[place(slot)].visited = true }
    mutating func touched(_ slot: UInt32) { rewritten(slot) }

    mutating func removed(_ slot: UInt32, _ evicted: Bool) {
        let place = place(slot)
        queue.remove(at: place)
        if place < hand { hand -= 1 }
        if hand == queue.count { hand = 0 }
    }

    mutating func victim() -> UInt32 {
        while queue[hand].visited {
            queue[hand].visited = false
            hand = (hand + 1) % queue.count
        }
        return queue[hand].slot
    }
}

/// The paper's three queues as arrays, oldest first.
private struct NaiveS3FIFO: Naive {
    var maxsize: Int?
    var small: [UInt32] = []
    var main: [UInt32] = []
    var ghosts: [UInt64] = []
    var hits: [UInt32: Int] = [:]
    var hashes: [UInt32: UInt64] = [:]

    init(maxsize: Int?) { self.maxsize = maxsize }

    private var mainLimit: Int {
        let capacity = maxsize ?? small.count + main.count
        return max(0, capacity - max(1, capacity / 10))
    }

    mutating func added(_ slot: UInt32, _ hash: UInt64) {
        (hits[slot], hashes[slot]) = (0, hash)
        if ghosts.contains(hash) { main.append(slot) } else { small.append(slot) }
        ghosts.removeAll { $0 == hash }
    }

    mutating func rewritten(_ slot: UInt32) { hits[slot] = min(3, hits[slot]! + 1) }
    mutating func touched(_ slot: UInt32) { rewritten(slot) }

    mutating func removed(_ slot: UInt32, _ evicted: Bool) {
        main.removeAll { $0 == slot }
        guard let place = small.firstIndex(of: slot) else { return }
        small.remove(at: place)
        guard evicted else { return }
        ghosts.removeAll { $0 == hashes[slot]! }
        ghosts = (ghosts + [hashes[slot]!]).suffix(mainLimit)
    }

    mutating func victim() -> UInt32 {
        while true {
            if small.isEmpty || main.count > mainLimit {
                guard hits[main[0]]! > 0 else { return main[0] }
                hits[main[0]]! -= 1
                main.append(main.removeFirst())
            } else {
                guard hits[small[0]]! > 1 else { return small[0] }
                hits[small[0]] = 0
                main.append(small.removeFirst())
            }
        }
    }

    mutating func resized(to maxsize: Int?) {
        self.maxsize = maxsize
        ghosts = ghosts.suffix(mainLimit)
    }
}

/// A window and a main of two parts, each in order of last use, the least recent first. The
/// sketch and the climber are the engine's own, which have tests of their own.
private struct NaiveTinyLFU: Naive {
    var maxsize: Int?
    var window: [UInt32] = []
    var probation: [UInt32] = []
    var protected: [UInt32] = []
    var tags: [UInt32: UInt32] = [:]
    var share = WindowClimber.leastShare
    var dice: UInt64 = 0
    private let learned: Learned

    /// What is learned from references alone: copies, which only foretell, share it.
    private final class Learned {
        var sketch: FrequencySketch
        var climber = WindowClimber()

        init(capacity: Int) { sketch = FrequencySketch(capacity: capacity) }
    }

    init(maxsize: Int?) {
        self.maxsize = maxsize
        learned = Learned(capacity: min(maxsize ?? 0, 4096))
    }

    private var count: Int { window.count + probation.count + protected.count }
    private var capacity: Int { max(maxsize ?? count, 1) }
    private var windowLimit: Int { max(1, Int(share * Double(capacity))) }
    private var protectedLimit: Int { (capacity - windowLimit) * 4 / 5 }

    mutating func added(_ slot: UInt32, _ hash: UInt64) {
        tags[slot] = UInt32(
            truncatingIfNeeded: SplitMix.mixed(UInt64(UInt32(truncatingIfNeeded: hash))))
        window.append(slot)
        learned.sketch.reserve(count)
        learned.sketch.increment(tags[slot]!, sample: 10 * capacity)
        refer(slot, hit: false)
        trimWindow()
    }

    mutating func rewritten(_ slot: UInt32) {
        learned.sketch.increment(tags[slot]!, sample: 10 * capacity)
        if window.contains(slot) {
            window = window.filter { $0 != slot } + [slot]
        } else if protected.contains(slot) {
            protected = protected.filter { $0 != slot } + [slot]
        } else {
            probation.removeAll { $0 == slot }
            protected.append(slot)
            trimProtected()
        }
    }

    mutating func touched(_ slot: UInt32) {
        rewritten(slot)
        refer(slot, hit: true)
    }

    mutating func removed(_ slot: UInt32, _ evicted: Bool) {
        window.removeAll { $0 == slot }
        probation.removeAll { $0 == slot }
        protected.removeAll { $0 == slot }
        if evicted { dice &+= SplitMix.step }
    }

    mutating func resized(to maxsize: Int?) {
        self.maxsize = maxsize
        trimProtected()
    }

    mutating func victim() -> UInt32 {
        trimWindow()
        if probation.isEmpty, !protected.isEmpty { probation.append(protected.removeFirst()) }
        guard let last = probation.first else { return window[0] }
        guard window.count == windowLimit else { return last }
        guard admits(window[0], for: last) else { return window[0] }
        probation.append(window.removeFirst())
        return last
    }

    private func admits(_ candidate: UInt32, for victim: UInt32) -> Bool {
        let (uses, others) = (
            learned.sketch.count(tags[candidate]!), learned.sketch.count(tags[victim]!)
        )
        return uses > others || uses >= 6 && SplitMix.mixed(dice) & 127 == 0
    }

    private mutating func refer(_ slot: UInt32, hit: Bool) {
        let share = learned.climber.refer(tags[slot]!, hit: hit, capacity: capacity)
        guard let share else { return }
        self.share = share
        trimWindow()
        // A window that has grown takes what main would give away first.
        while window.count < windowLimit, !(probation + protected).isEmpty {
            window.append(probation.isEmpty ? protected.removeFirst() : probation.removeFirst())
        }
        trimProtected()
    }

    private mutating func trimWindow() {
        while window.count > windowLimit { probation.append(window.removeFirst()) }
    }

    private mutating func trimProtected() {
        while protected.count > protectedLimit { probation.append(protected.removeFirst()) }
    }
}
