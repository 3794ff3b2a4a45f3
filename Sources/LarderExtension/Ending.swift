import Dispatch
import Glibc

/// How the process is ended by others than Lambda: by hand, where somebody tries it.
enum Ending {
    // Set once at the start, and kept so that it lives on.
    private nonisolated(unsafe) static var source: (any DispatchSourceSignal)?

    /// Has `body` called at SIGTERM, which would end the process at once.
    static func onTermination(_ body: @escaping @Sendable () async -> Void) {
        signal(SIGTERM, SIG_IGN)
        let made = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        made.setEventHandler { Task { await body() } }
        made.resume()
        source = made
    }
}
