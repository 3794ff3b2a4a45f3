import Glibc
import Synchronization
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Larder
import LarderAWS
import LarderInspector
import LarderServing
package import Logging
import NIOCore
import ServiceLifecycle

/// A gateway's listener: a port of the loopback, or a unix socket, and the faces behind it.
package struct GatewayService: Service {
    /// Most connections at once; more wait to be let in.
    private static let connections = 800

    /// How long whoever is connected may take.
    package struct Deadlines: Sendable {
        /// From the first byte of a request's head to its last.
        package var head = Duration.seconds(10)
        /// For a body that does not come in one piece.
        package var body = Duration.seconds(30)
        /// For reading on, where more of a reply is there than may wait.
        package var reading = Duration.seconds(30)
        /// With nothing to do.
        package var idle = Duration.seconds(75)

        package init() {}
    }

    /// Where it listens.
    fileprivate enum Place {
        case port(GatewayAddress)
        case socket(path: String)
    }

    private let place: Place
    private let faces: [any Face]
    private let deadlines: Deadlines
    private let logger: Logger
    /// Returns the host that requests name.
    private let onListening: @Sendable (any Channel) -> String

    /// - Parameters:
    ///   - address: Where to listen.
    ///   - faces: Asked in their order whose a request is; the last takes all.
    ///   - onListening: Told of the address once it is there, with the port that was picked.
    package init(
        _ address: GatewayAddress, _ faces: [any Face], deadlines: Deadlines = .init(),
        logger: Logger,
        onListening: @escaping @Sendable (GatewayAddress) -> Void = { _ in }
    ) {
        self.init(.port(address), faces, deadlines, logger) { channel in
            let listening = GatewayAddress(
                host: address.host, port: channel.localAddress?.port ?? address.port)
            onListening(listening)
            return listening.description
        }
    }

    /// A unix socket, for the processes of this user and of root.
    ///
    /// - Parameter path: Where nobody else can put anything, and nobody listens.
    package init(
        socket path: String, _ faces: [any Face], deadlines: Deadlines = .init(), logger: Logger,
        onListening: @escaping @Sendable () -> Void = {}
    ) {
        self.init(.socket(path: path), faces, deadlines, logger) { _ in
            chmod(path, 0o600)
            onListening()
            return "localhost"
        }
    }

    private init(
        _ place: Place, _ faces: [any Face], _ deadlines: Deadlines, _ logger: Logger,
        onListening: @escaping @Sendable (any Channel) -> String
    ) {
        precondition(!faces.isEmpty, "a gateway has a face")
        self.place = place
        self.faces = faces
        self.deadlines = deadlines
        self.logger = logger
        self.onListening = onListening
    }

    /// Answers until the task is cancelled or the service group shuts down.
    ///
    /// - Throws: ``InspectorError`` where the address is taken.
    package func run() async throws {
        let responder = GatewayResponder(faces: faces, isSocket: place.isSocket)
        let http = HTTP1Channel.Configuration(
            idleTimeout: TimeAmount(deadlines.idle),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 100)
        )
        let application = Hummingbird.Application(
            responder: responder,
            server: HTTPServerBuilder { [deadlines] responder in
                SlowConnections(
                    http: HTTP1Channel(responder: responder, configuration: http),
                    deadlines: deadlines)
            },
            configuration: .init(
                address: place.binding, serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connections)),
            onServerRunning: { [place, logger, onListening] channel in
                await AcceptPause.add(to: channel, logger)
                let host = onListening(channel)
                responder.isAnswering(to: host)
                logger.info("gateway listening", metadata: place.metadata(host))
            },
            logger: quiet)
        do { try await application.run() } catch let error as IOError {
            let why = Descriptor.reason(error.errnoCode)
            throw InspectorError(place.refusal(why))
        }
    }

    /// The server's own talk is of no use to anybody.
    private var quiet: Logger {
        var logger = logger
        logger.logLevel = .critical
        return logger
    }
}

extension GatewayService.Place {
    var binding: BindAddress {
        switch self {
        case .port(let address): .hostname(address.host, port: address.port)
        case .socket(let path): .unixDomainSocket(path: path)
        }
    }

    var isSocket: Bool { if case .socket = self { true } else { false } }

    func metadata(_ host: String) -> Logger.Metadata {
        switch self {
        case .port: ["address": "\(host)"]
        case .socket(let path): ["path": "\(path)"]
        }
    }

    func refusal(_ why: String) -> String {
        switch self {
        case .port(let address):
            "nothing can listen at \(address): \(why); \(SettingNames.inUse.gateway)"
        case .socket(let path):
            "nothing can listen at \(path): \(why); name another path with --gateway-socket"
        }
    }
}

/// What is known of a request's connection.
struct GatewayContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// Gives each request to the face whose it is.
final class GatewayResponder: HTTPResponder {
    let faces: [any Face]
    private let bodies = RequestBodies()
    /// None before it is known at which port it is answered.
    private let manners = Guarded<HostCheck?>(nil)

    /// A body of so many bytes is read and signed for in less than a millisecond.
    private static let large = 64 << 10

    private let isSocket: Bool

    init(faces: [any Face], isSocket: Bool) { (self.faces, self.isSocket) = (faces, isSocket) }

    func isAnswering(to host: String) { manners.withLock { $0 = HostCheck(host: host) } }

    func respond(to request: Request, context: GatewayContext) async throws -> Response {
        let face = faces.first { $0.takes(request.head) } ?? faces[faces.count - 1]
        do {
            guard let manners = manners.withLock({ $0 }) else { throw Refusal.tooMuch }
            try manners.check(request.head)
            let sender = try await Sender(context.channel, isSocket: isSocket)
            return try await bodies.with(
                request, upTo: face.largestBody
            ) { body in
                guard body.readableBytes > Self.large else {
                    return try await face.respond(to: request.head, body, from: sender)
                }
                // What takes its time is not to keep the other connections of an event loop waiting.
                return try await withTaskExecutorPreference(globalConcurrentExecutor) {
                    try await face.respond(to: request.head, body, from: sender)
                }
            }
        } catch let refusal as Refusal {
            var response = face.refuse(refusal)
            // What is left of a body is not waited for, nor read.
            if refusal.endsConnection { hangUp(&response, context.channel) }
            return response
        }
    }

    /// The answer has a moment to go, and nothing more is read.
    private func hangUp(_ response: inout Response, _ channel: any Channel) {
        response.headers[.connection] = "close"
        channel.eventLoop.scheduleTask(in: .milliseconds(100)) { channel.close(promise: nil) }
    }
}
