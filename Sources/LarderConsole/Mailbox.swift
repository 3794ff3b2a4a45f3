import Synchronization

/// What is posted to the loop by others, each for one of the engines that are open, and the pipe
/// that wakes it.
final class Mailbox: Sendable {
    let pipe: Pipe
    private let state = Mutex(State())

    private struct State {
        var messages: [(engine: Int, message: Message)] = []
        var isClosed = false
    }

    init() throws(ConsoleError) { pipe = try Pipe() }

    /// What comes after the console has ended goes nowhere.
    func post(_ message: Message, for engine: Int) {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.messages.append((engine, message))
            pipe.wake()
        }
    }

    func take() -> [(engine: Int, message: Message)] {
        state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }

    func close() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state = State(isClosed: true)
            pipe.close()
        }
    }
}
