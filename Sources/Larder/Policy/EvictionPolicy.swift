/// The rule that names the victim, over slot numbers; it knows neither keys nor values.
///
/// It is told of everything that happens, in order, under the store's lock. A slot is `added`
/// once, then `rewritten` and `touched` any number of times, then `removed`; the number may be
/// added again later, for another key.
///
/// No call does more than a bounded piece of work, however many entries there are. What a change
/// of size leaves to do is done by ``tidy(_:)``, piece by piece.
protocol EvictionPolicy: AnyObject {
    /// Whether hits matter to it; where not, it is not told of them.
    var heedsHits: Bool { get }

    /// Whether it takes the rewriting of an entry for a hit.
    var takesRewritesForHits: Bool { get }

    /// Entries held.
    var count: Int { get }

    /// A new entry stands in `slot`; `hash` is its key's, the same whenever the key comes back.
    func added(_ slot: UInt32, hash: UInt64)

    /// The entry in `slot` was written anew for the same key.
    func rewritten(_ slot: UInt32)

    /// Entries were hit, in this order; one may be there several times.
    func touched(_ slots: UnsafeBufferPointer<UInt32>)

    /// A look-up was no hit.
    func missed()

    /// The entry left; `evicted` where it was the policy's victim.
    func removed(_ slot: UInt32, evicted: Bool)

    /// The slot of the entry to go next; at least one is held. `nil` where there is more to settle
    /// for that than one call may do: it is to be asked again. What it settles (a hand that moves,
    /// an entry demoted) is kept; asked again with nothing in between, it answers the same.
    func victim() -> UInt32?

    /// The most entries that may be held from now on; `nil` for no bound on their number.
    func resized(to maxsize: Int?)

    /// Does at most `limit` steps of what is left to do since the size was changed; true where
    /// there may be more.
    func tidy(_ limit: Int) -> Bool

    /// Begins a walk, in which it tells in pieces what it knows of its entries; anything else may
    /// come in between. `other` is new, of the same kind and for as many entries: it is given the
    /// rest of what this policy knows here, and the entries by ``seat(_:)``. It is made outside of
    /// the lock, since its memory comes from the allocator.
    func beginWalk(_ other: any EvictionPolicy)

    /// Adds the next entries of the walk to `seats` until there are `limit`, or fewer at its end.
    /// `seats` has room for them: nothing may grow under a lock.
    func walk(_ limit: Int, _ seats: inout [Seat])

    /// Takes an entry over from another policy of the same kind, in the order of its walk.
    func seat(_ seat: Seat)

    /// Whether a walk comes to the entries in the order in which they would go.
    var walksInOrder: Bool { get }

    /// Stops the program where the policy contradicts itself; `count` slots are held.
    func checkInvariants(count: Int)
}

/// What a policy knows of one entry.
struct Seat {
    let slot: UInt32
    /// Which of several orders it stands in.
    var order = 0
    /// How often it was used, as far as the policy counts that.
    var uses = 0
}

/// What most policies have no use for.
extension EvictionPolicy {
    /// Entries that one call may look at.
    static var mostSteps: Int { 256 }

    var takesRewritesForHits: Bool { false }

    var walksInOrder: Bool { false }

    func touched(_ slots: UnsafeBufferPointer<UInt32>) {}

    func missed() {}

    func resized(to maxsize: Int?) {}

    func tidy(_ limit: Int) -> Bool { false }

    /// Evicts `count` entries in a row, as many as there are, and says which.
    func evict(_ count: Int) -> [UInt32] {
        var slots: [UInt32] = []
        let wanted = min(count, self.count)
        while slots.count < wanted {
            guard let slot = victim() else { continue }
            removed(slot, evicted: true)
            slots.append(slot)
        }
        return slots
    }
}
