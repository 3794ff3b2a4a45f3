import Larder
import LarderGateway
import LarderInspector
import Logging
import Synchronization

/// Has the gateway listen, and try again where its port is taken: whoever has it may go.
struct Listener: Sendable {
    let address: GatewayAddress
    let faces: [any Face]
    let logger: Logger
    private let first = First()

    init(address: GatewayAddress, faces: [any Face], logger: Logger) {
        self.address = address
        self.faces = faces
        self.logger = logger
    }

    /// Goes on for as long as the process does.
    func run() async {
        var troubles = 0
        while true {
            // A function may stand still for long, and asks over the connection that it has.
            var deadlines = GatewayService.Deadlines()
            deadlines.idle = .seconds(3600)
            let service = GatewayService(address, faces, deadlines: deadlines, logger: logger) {
                _ in first.open()
            }
            do { try await service.run() } catch {
                if troubles == 0 {
                    logger.error(
                        "\(error); until it is free there, the function runs without a cache"
                    )
                }
            }
            first.open()
            troubles += 1
            guard (try? await Task.sleep(for: Lifecycle.delay(troubles))) != nil else { return }
        }
    }

    /// Returns once it listens, or cannot.
    func tried() async { await first.opened() }

    /// A gate that is opened once.
    private final class First: Sendable {
        private let state = Guarded<State>(.init())
        private struct State {
            var isOpen = false
            var waiting: [CheckedContinuation<Void, Never>] = []
        }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for waiter in waiting { waiter.resume() }
        }

        func opened() async {
            await withCheckedContinuation { waiter in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting.append(waiter) }
                    return state.isOpen
                }
                if isOpen { waiter.resume() }
            }
        }
    }
}
