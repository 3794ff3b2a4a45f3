import HummingbirdCore
import Larder
import LarderServing
import Logging
import NIOCore
import NIOHTTP1

/// Lets connections in, each with what keeps it from holding its place for ever: a request that has
/// begun has to be there in time, however it drips, and a reply that is read has to go on being read.
struct SlowConnections: ServerChildChannel {
    let http: HTTP1Channel
    let deadlines: GatewayService.Deadlines

    func setup(
        channel: any Channel, logger: Logger
    ) -> EventLoopFuture<ClosingConnection> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let connection = ClosingConnection(value)
            let requests = RequestWatch(deadlines)
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(RequestWatch.Parts(requests), position: .after(decoder))
            let replies = ReadingWatch(within: .nanoseconds(deadlines.reading.nanoseconds))
            try pipeline.addHandlers([requests, replies], position: .first)
            return connection
        }
    }

    /// On the connection's own event loop: a hit takes a few microseconds, and to hand it over to
    /// another thread and back would take more than that.
    func handle(value: ClosingConnection, logger: Logger) async {
        await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
            await value.serve(http, logger: logger)
        }
    }
}

/// Runs what waits for nobody on an event loop.
private final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Closes a connection whose request takes too long. One that comes in one piece costs no timer.
private final class RequestWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let deadlines: GatewayService.Deadlines
    private var reading = Reading.nothing
    private var alarm: Scheduled<Void>?

    /// What has come of a request that is not whole.
    private enum Reading { case nothing, partOfHead, head }

    init(_ deadlines: GatewayService.Deadlines) { self.deadlines = deadlines }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if reading == .nothing { reading = .partOfHead }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if alarm == nil, reading != .nothing {
            let limit = reading == .head ? deadlines.body : deadlines.head
            let channel = context.channel
            alarm = channel.eventLoop.assumeIsolated().scheduleTask(
                in: .nanoseconds(limit.nanoseconds)
            ) { channel.close(promise: nil) }
        }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        alarm?.cancel()
        context.fireChannelInactive()
    }

    private func comes(_ reading: Reading) {
        self.reading = reading
        alarm?.cancel()
        alarm = nil
    }

    /// Sees what the bytes are.
    final class Parts: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        private let watch: RequestWatch

        init(_ watch: RequestWatch) { self.watch = watch }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: watch.comes(.head)
            case .body: break
            case .end: watch.comes(.nothing)
            }
            context.fireChannelRead(data)
        }
    }
}

/// Closes a connection whose other end does not read: as long as more is written than may wait, some
/// of it has to go.
private final class ReadingWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let limit: TimeAmount
    private var alarm: Scheduled<Void>?

    init(within limit: TimeAmount) { self.limit = limit }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        alarm?.cancel()
        alarm = nil
        let channel = context.channel
        if !channel.isWritable {
            alarm = channel.eventLoop.assumeIsolated().scheduleTask(in: limit) {
                channel.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        alarm?.cancel()
        context.fireChannelInactive()
    }
}
