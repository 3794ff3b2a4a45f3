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
//   Middleware'18) looks after ten turns. It takes a step of a sixteenth, goes on that way if the
//   lead grew and turns back if it did not. Steps become smaller by a fiftieth each time, and whole
//   again when the lead moves by 5 points. It climbs by the lead and not by the hit rate, because a
//   workload that becomes easier or harder moves the rate and says nothing of the window.
//
// The climber alone is too slow for a small cache: its noise asks for long samples, and a shift is
// over before the second one ends. The guard alone would never find out that less is enough.

struct WindowClimber: ~Copyable {
    /// The part of the cache the window begins with, and is at least.
    static let leastShare = 0.01

    private static let guarded = -0.01
    private static let rescue = 0.125
    private static let wholeStep = 0.0625

    private var share = WindowClimber.leastShare
    private var step = -WindowClimber.wholeStep
    private var lastLead = 0.0
    private var turn = Tally()
    private var sample = Tally()
    private var shadow = GhostQueue()
    /// One key in 2 to this power is followed.
    private var shift = 0

    private struct Tally {
        var references = 0
        /// Hits of the cache less those of the shadow, among the keys that are followed.
        var ahead = 0

        func lead(_ shift: Int) -> Double { Double(ahead << shift) / Double(references) }
    }

    mutating func begin(at share: Double) { self.share = share }

    /// Notes a reference to the key of `tag`, and whether it was held; answers the window's new
    /// share of `capacity` where it is to change.
    mutating func refer(_ tag: UInt32, hit: Bool, capacity: Int) -> Double? {
        turn.references += 1
        if tag & (1 << UInt32(shift) - 1) == 0 {
            let shadowHit = shadow.insert(tag, limit: capacity >> shift)
            turn.ahead += (hit ? 1 : 0) - (shadowHit ? 1 : 0)
        }
        return turn.references < max(256, capacity) ? nil : endTurn(capacity)
    }

    private mutating func endTurn(_ capacity: Int) -> Double? {
        let lead = turn.lead(shift)
        sample.references += turn.references
        sample.ahead += turn.ahead
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
        (step, lastLead, sample) = (WindowClimber.wholeStep, 0, Tally())
        return move(WindowClimber.rescue)
    }

    private mutating func climb() -> Double {
        let lead = sample.lead(shift)
        let change = lead - lastLead
        let amount = change >= 0 ? step : -step
        (lastLead, sample) = (lead, Tally())
        step = amount * 0.98
        if abs(change) >= 0.05 {
            step = amount < 0 ? -WindowClimber.wholeStep : WindowClimber.wholeStep
        }
        if share + amount > 1 { step = -abs(step) }
        if share + amount < WindowClimber.leastShare { step = abs(step) }
        return move(amount)
    }

    private mutating func move(_ amount: Double) -> Double {
        share = min(1, max(WindowClimber.leastShare, share + amount))
        return share
    }
}
