import Larder
import Synchronization

/// A gate that a test opens by hand: whoever arrives waits until then.
public final class Gate: Sendable {
    private let state = Guarded(State())

    private struct State {
        var isOpen = false
        var arrivals: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    }

    public init() {}

    /// Returns once the gate is open; throws only when cancelled.
    public func pass() async throws {
        let id = state.withLock { state in
            state.arrivals += 1
            return state.arrivals
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.isOpen { return .success(()) }
                    state.waiting[id] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiting = state.withLock { $0.waiting.removeValue(forKey: id) }
            waiting?.resume(throwing: CancellationError())
        }
    }

    /// Lets everyone through, now and from now on.
    public func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// How many have arrived so far, those gone on or cancelled among them.
    public var arrivals: Int { Int(state.withLock { $0.arrivals }) }

    /// Waits until so many have arrived; throws where they do not come.
    public func arrivals(atLeast count: Int) async throws {
        guard await settles({ arrivals >= count }) else { throw Missed(arrived: arrivals) }
    }

    public struct Missed: Error {
        public let arrived: Int
    }
}
