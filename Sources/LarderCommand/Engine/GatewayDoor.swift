import Larder
import LarderInspector
import LarderWire
import Synchronization

/// Where an engine's gateway is, once it listens.
final class GatewayDoor: Sendable {
    private let state = Guarded(State())

    private struct State {
        var result: Result<GatewayPass, any Error>?
        var waiting: [CheckedContinuation<GatewayPass, any Error>] = []
    }

    func open(_ pass: GatewayPass) { end(.success(pass)) }
    /// It ended, or never began.
    func fail(_ error: any Error) { end(.failure(error)) }

    private func end(_ result: Result<GatewayPass, any Error>) {
        let waiting = state.withLock { state in
            defer { state = State(result: result) }
            return state.waiting
        }
        for waiter in waiting { waiter.resume(with: result) }
    }

    /// - Throws: ``InspectorError`` where it does not listen yet.
    func pass() throws -> GatewayPass {
        guard let result = state.withLock({ $0.result }) else {
            throw InspectorError("the gateway is only just starting; ask again in a moment")
        }
        return try result.get()
    }

    /// The same, as soon as it listens.
    func opened() async throws -> GatewayPass {
        try await withCheckedThrowingContinuation { waiter in
            let result = state.withLock { state in
                if state.result == nil { state.waiting.append(waiter) }
                return state.result
            }
            if let result { waiter.resume(with: result) }
        }
    }
}
