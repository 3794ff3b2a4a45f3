import Synchronization

/// One caller that waits for a flight: each has a continuation of its own, so that one giving up
/// harms no other. (Awaiting a shared task would not even end when the waiter is cancelled.)
struct Waiter<Value: Sendable>: Sendable {
    let id: WaiterID
    let continuation: CheckedContinuation<Value, any Error>
}

/// A number no other waiter of this process has.
struct WaiterID: Hashable, Sendable {
    private let number: UInt64
    private static let last = Atomic<UInt64>(0)

    init() { number = Self.last.wrappingAdd(1, ordering: .relaxed).newValue }
}
