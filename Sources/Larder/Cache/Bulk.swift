import Synchronization

/// One look-up of several keys: it waits until each has begun, so that all that it has to lead go
/// into one call.
final class Bulk<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let state: Guarded<State>

    private struct State {
        var expected: Int
        var led: [Flight<Key, Value>] = []
    }

    init(expecting count: Int) { state = Guarded(State(expected: count)) }

    /// Counts a key that has begun, with the flight that it leads; the last one gets them all,
    /// where there are any.
    func begun(_ flight: Flight<Key, Value>?) -> [Flight<Key, Value>]? {
        state.withLock { state in
            state.expected -= 1
            if let flight { state.led.append(flight) }
            return state.expected == 0 && !state.led.isEmpty ? state.led : nil
        }
    }
}

/// Counts down to the last of several.
final class Countdown: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    func isLast() -> Bool { left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}

/// The origin has no value for a key: it said so, or it left the key out of an answer for several.
/// This error always counts as absent, and is remembered for ``CacheConfiguration/negativeTTL``.
public struct NoSuchValue: Error, Hashable, CustomStringConvertible {
    /// A fetch throws this where its origin says that there is no such thing.
    public init() {}

    public var description: String { "the origin has no value for this key" }
}
