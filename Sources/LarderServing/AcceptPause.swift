import Foundation
package import Logging
package import NIOCore

/// Where there are no descriptors left, or no memory, nobody is let in for a moment, and for longer
/// the longer it lasts: to try again at once, and again, would take a whole processor.
package final class AcceptPause: ChannelInboundHandler {
    package typealias InboundIn = any Channel

    private let logger: Logger
    private var pause = AcceptPause.shortest
    private var isPausing = false
    private var isSaid = false

    private static let shortest = TimeAmount.milliseconds(50)
    private static let longest = TimeAmount.seconds(1)

    init(_ logger: Logger) { self.logger = logger }

    /// Puts it where connections are accepted.
    package static func add(to channel: any Channel, _ logger: Logger) async {
        try? await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(AcceptPause(logger), position: .first)
        }.get()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let code = (error as? IOError)?.errnoCode ?? 0
        guard [EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED].contains(code) else {
            return context.fireErrorCaught(error)
        }
        // A peer that hung up before it was let in is not a reason to pause.
        guard code != ECONNABORTED else { return }
        if !isSaid {
            logger.error(
                "nobody can be let in for want of files or memory; trying again",
                metadata: ["why": "\(String(cString: strerror(code)).lowercased())"])
        }
        isSaid = true
        guard !isPausing else { return }
        isPausing = true
        // To take no note of reads is not enough: what was begun goes on until one succeeds.
        let options = context.channel.syncOptions
        try? options?.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: pause) { [self] in
            isPausing = false
            try? options?.setOption(.autoRead, value: true)
        }
        pause = min(Self.longest, pause * 2)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isSaid { logger.info("connections are let in again") }
        (isSaid, pause) = (false, Self.shortest)
        context.fireChannelRead(data)
    }
}
