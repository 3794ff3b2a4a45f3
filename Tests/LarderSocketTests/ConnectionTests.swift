import HummingbirdCore
import LarderServing
import Logging
import NIOCore
import NIOEmbedded
import Testing

@Suite struct `Connections` {
    @Test func `one that nobody takes is closed`() async throws {
        let channel = NIOAsyncTestingChannel()
        try await channel.connect(to: SocketAddress(unixDomainSocketPath: "/nobody"))
        let http = HTTP1Channel { _, _, _ in }
        var connection: ClosingConnection? = try await channel.eventLoop.flatSubmit {
            http.setup(channel: channel, logger: Logger(label: "test")).map(ClosingConnection.init)
        }.get()
        #expect(connection?.channel.isActive == true)
        connection = nil
        try await channel.closeFuture.get()
    }
}
