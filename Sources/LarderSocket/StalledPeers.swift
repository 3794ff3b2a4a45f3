import NIOCore
import Synchronization

/// Peers that do not read what they asked for, or do not speak HTTP: they are hung up on, so that
/// none keeps a connection, or an engine that is told to end, for ever.
final class StalledPeers: Sendable {
    private let isEnding = Atomic(false)
    private let patience: TimeAmount

    /// - Parameter patience: How long a piece of a reply may wait to be read.
    init(patience: TimeAmount) { self.patience = patience }

    /// From now on nobody is waited for longer than a moment.
    func end() { isEnding.store(true, ordering: .relaxed) }

    private var limit: TimeAmount {
        isEnding.load(ordering: .relaxed) ? min(patience, .seconds(1)) : patience
    }

    /// Watches one connection.
    func watch() -> any RemovableChannelHandler { Watch(self) }

    private final class Watch: ChannelDuplexHandler, RemovableChannelHandler {
        typealias InboundIn = Any
        typealias OutboundIn = Any
        private let peers: StalledPeers
        /// Pieces that were written and have not gone out.
        private var waiting = 0
        private var lastMove = NIODeadline.now()

        init(_ peers: StalledPeers) { self.peers = peers }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            let promise = promise ?? context.eventLoop.makePromise()
            if waiting == 0 { look(context) }
            waiting += 1
            promise.futureResult.assumeIsolated().whenComplete { _ in
                self.waiting -= 1
                self.lastMove = .now()
            }
            context.write(data, promise: promise)
        }

        /// What is no request of HTTP is not read on: the refusal has a moment to go.
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.fireErrorCaught(error)
            let channel = context.channel
            channel.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(100)) {
                channel.close(promise: nil)
            }
        }

        private func look(_ context: ChannelHandlerContext) {
            lastMove = .now()
            lookAgain(context.channel)
        }

        private func lookAgain(_ channel: any Channel) {
            let soon = min(peers.patience, .milliseconds(500))
            channel.eventLoop.assumeIsolated().scheduleTask(in: soon) {
                guard self.waiting > 0, channel.isActive else { return }
                guard NIODeadline.now() - self.lastMove < self.peers.limit else {
                    return channel.close(promise: nil)
                }
                self.lookAgain(channel)
            }
        }
    }
}
