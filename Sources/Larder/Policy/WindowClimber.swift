// How large W-TinyLFU's window should be, learned while running.
//
// Two signals, both the cache's lead: its hit rate less that of an LRU as large. The LRU is a
// shadow, an order of hashes with nothing behind them; of a large cache it follows a sample of the
// keys (Waldspurger et al., "SHARDS", FAST'15), so that it never has more than 2,048.
//
// - The guard looks after every turn, as many references as there are entries. Where an LRU would
//   have done better by a point, recency is what counts just now, and the window grows by an eighth
//   of the cache: after a shift of what is popular it is most of the cache within a few turns.
// - The climber (Einziger, Eytan, Friedman and Manes, "Adaptive software cache management",
//   Middleware'18) looks after ten turns, and takes a step of a sixteenth. It climbs by the lead and
//   not by the hit rate, because a workload that becomes easier or harder moves the rate and says
//   nothing of the window. Steps become smaller by a fiftieth each time, and whole again when the
//   lead moves by 5 points.
//
// The climber compares the lead with that of the share where it last knew better. A lead that grew
// is known from now on, and it goes on that way; where the lead fell it goes back. Where the lead is
// no further off than chance moves it, the step is towards a short window: a small cache would walk
// about at random otherwise, and a long window costs it hits. Once a shorter one was worse it tries a
// longer one as well.
//
// The climber alone is too slow for a small cache: its noise asks for long samples, and a shift is
// over before the second one ends. The guard alone would never find out that less is enough.

struct WindowClimber: ~Copyable {
    /// The part of the cache the window begins with, and is at least.
    static let leastShare = 0.01

    private static let guarded = -0.01
    private static let rescue = 0.125
    private static let wholeStep = 0.0625
    /// Three standard deviations, squared, are chance.
    private static let chance = 9.0

    private var share = WindowClimber.leastShare
    private var step = -WindowClimber.wholeStep
    /// Where the lead was last seen to be another, beyond chance.
    private var known = Known()
    /// A shorter window was just tried, and was worse.
    private var isShortWorse = false
    private var turn = Tally()
    private var sample = Tally()
    private var shadow = GhostQueue()
    /// One key in 2 to this power is followed.
    private var shift = 0

    /// A share of the window, and the lead that was found there.
    private struct Known {
        var share = WindowClimber.leastShare
        var lead = 0.0
        var variance = 0.0
    }

    private struct Tally {
        var references = 0
        /// Hits of the cache less those of the shadow, among the keys that are followed.
        var ahead = 0
        /// References of those keys that only one of the two held.
        var apart = 0

        mutating func add(_ hit: Bool, _ shadowHit: Bool) {
            guard hit != shadowHit else { return }
            ahead += hit ? 1 : -1
            apart += 1
        }

        func lead(_ shift: Int) -> Double { Double(ahead << shift) / Double(references) }

        /// How far chance moves the lead, squared.
        func variance(_ shift: Int) -> Double {
            let each = Double(1 << shift) / Double(references)
            return Double(apart + 1) * each * each
        }
    }

    /// Begins with that share, and knows nothing of it yet.
    mutating func begin(at share: Double) { self.share = share }

    /// Notes a reference to the key of `tag`, and whether it was held; answers the window's new
    /// share of `capacity` where it is to change.
    mutating func refer(_ tag: UInt32, hit: Bool, capacity: Int) -> Double? {
        turn.references += 1
        if tag & (1 << UInt32(shift) - 1) == 0 {
            let shadowHit = shadow.insert(tag, limit: capacity >> shift)
            turn.add(hit, shadowHit)
        }
        return turn.references < max(256, capacity) ? nil : endTurn(capacity)
    }

    private mutating func endTurn(_ capacity: Int) -> Double? {
        let lead = turn.lead(shift)
        sample.references += turn.references
        sample.ahead += turn.ahead
        sample.apart += turn.apart
        turn = Tally()
        defer { follow(capacity) }
        if lead < WindowClimber.guarded { return rescue() }
        return sample.references < 10 * capacity ? nil : climb()
    }

    /// Follows as many keys as the shadow has room for.
    private mutating func follow(_ capacity: Int) {
        let fitting = Int.bitWidth - (capacity / 2049).leadingZeroBitCount
        if fitting != shift { sample = Tally() }
        shift = fitting
    }

    private mutating func rescue() -> Double {
        (step, known, sample) = (WindowClimber.wholeStep, Known(share: share), Tally())
        return move(WindowClimber.rescue)
    }

    private mutating func climb() -> Double {
        let found = Known(
            share: share, lead: sample.lead(shift), variance: sample.variance(shift))
        sample = Tally()
        let change = found.lead - known.lead
        let way = known.share - share
        let isThere = abs(way) < 0.001
        let size = abs(step)
        let amount: Double
        var next = 0.98 * size
        if change * change < WindowClimber.chance * (found.variance + known.variance) {
            amount = isShortWorse && isThere ? size : -size
            isShortWorse = false
        } else if change < 0, !isThere {
            amount = max(-size, min(size, way))
            isShortWorse = way > 0
        } else {
            let onwards = isThere ? step : way < 0 ? size : -size
            amount = change > 0 ? onwards : -step
            if change > 0, !isThere { next = size }
            known = found
        }
        if abs(change) >= 0.05 { next = WindowClimber.wholeStep }
        let isUp = share + amount < WindowClimber.leastShare || amount > 0 && share + amount <= 1
        step = isUp ? next : -next
        return move(amount)
    }

    private mutating func move(_ amount: Double) -> Double {
        share = min(1, max(WindowClimber.leastShare, share + amount))
        return share
    }
}
