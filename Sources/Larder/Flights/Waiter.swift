/// One caller that waits for a flight: each has a continuation of its own, so that one giving up
/// harms no other. (Awaiting a shared task would not even end when the waiter is cancelled.)
final class Waiter<Key: Hashable & Sendable, Value: Sendable>: @unchecked Sendable {
    // Unchecked: the flight is set and read under the store's lock, the rest by the caller alone.

    /// Resumed once: by whoever takes the waiter out of its flight, under the store's lock.
    var continuation: UnsafeContinuation<Value, any Error>!
    /// Wants what the fetch brings, and not what may be served in spite of its failure.
    let insists: Bool
    /// What it waits for; `nil` before that is known.
    var flight: Flight<Key, Value>?
    /// The fetch in which it waits for a flight, and that flight.
    private var wait: (waiting: Fetching, flight: Fetching)?

    init(insists: Bool = false) { self.insists = insists }

    /// Notes that a fetch needs what the flight brings; false where that would be a circle.
    func beginWait(for flight: Fetching) -> Bool {
        guard let waiting = Fetching.innermost, !waiting.isOver else { return true }
        guard Waits.begin(waiting, for: flight) else { return false }
        wait = (waiting, flight)
        return true
    }

    func endWait() {
        if let wait { Waits.end(wait.waiting, for: wait.flight) }
        wait = nil
    }
}
