/// The rule that names the victim, over slot numbers; it knows neither keys nor values.
///
/// It is told of everything that happens, in order, under the store's lock. A slot is `added`
/// once, then `rewritten` and `touched` any number of times, then `removed`; the number may be
/// added again later, for another key.
protocol EvictionPolicy: AnyObject {
    /// Whether hits matter to it; where not, it is not told of them.
    var heedsHits: Bool { get }

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

    /// The slot of the entry to go next; at least one is held. What it settles on the way (a hand
    /// that moves, an entry demoted) is kept; asked again with nothing in between, it answers the
    /// same.
    func victim() -> UInt32

    /// The slots that `count` evictions from now on would free, in order, with nothing changed.
    func victims(_ count: Int) -> [UInt32]

    /// Begins to name the victims in pieces, with anything else in between; false where it cannot,
    /// because the order is made on the way.
    func beginWalk() -> Bool

    /// The next slots of the walk, fewer than `limit` at its end.
    func walk(_ limit: Int) -> [UInt32]

    /// The most entries that may be held from now on; `nil` for no bound on their number.
    func resized(to maxsize: Int?)

    /// Stops the program where the policy contradicts itself; `count` slots are held.
    func checkInvariants(count: Int)
}

/// What most policies have no use for.
extension EvictionPolicy {
    func touched(_ slots: UnsafeBufferPointer<UInt32>) {}

    func missed() {}

    func beginWalk() -> Bool { false }

    func walk(_ limit: Int) -> [UInt32] { [] }

    func resized(to maxsize: Int?) {}

    /// Evicts `count` entries in a row and says which: how a policy that settles things on the way
    /// foretells its victims, on a copy of itself.
    func evict(_ count: Int) -> [UInt32] {
        (0..<count).map { _ in
            let slot = victim()
            removed(slot, evicted: true)
            return slot
        }
    }
}
