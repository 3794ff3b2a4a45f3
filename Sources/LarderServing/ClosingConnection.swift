import Synchronization
package import HummingbirdCore
package import Logging
package import NIOCore

/// A connection that speaks HTTP. One that nobody takes is closed: a server that ends meanwhile
/// drops what it has accepted, and the network's library ends the process over a connection that
/// was dropped without being closed.
package final class ClosingConnection: ServerChildChannelValue {
    private let http: HTTP1Channel.Value
    private let isTaken = Atomic(false)

    package init(_ http: HTTP1Channel.Value) { self.http = http }

    deinit {
        guard !isTaken.load(ordering: .relaxed) else { return }
        Task { [http] in try await http.executeThenClose { _, _ in } }
    }

    package var channel: any Channel { http.channel }

    /// Answers what comes, until the connection is closed.
    package func serve(_ face: HTTP1Channel, logger: Logger) async {
        isTaken.store(true, ordering: .relaxed)
        await face.handle(value: http, logger: logger)
    }
}
