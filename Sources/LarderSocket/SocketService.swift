import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Larder
public import LarderInspector
public import Logging
import NIOCore
import NIOHTTP1
public import ServiceLifecycle

/// An inspector on a unix socket: HTTP with JSON, for whoever the kernel says may look in.
///
/// ```swift
/// let services = ServiceGroup(
///     services: [myServer, SocketService(inspector, "accounts-service")], logger: logger)
/// ```
public struct SocketService: Service {
    public struct Options: Sendable {
        /// A group whose members may connect as well; its owner must be allowed to give it files.
        public var group: UInt32?
        /// No peer can change anything: what changes is not there.
        public var isReadOnly = false
        /// Most connections at once.
        public var connections = 800
        /// Largest body of a request, in bytes: a change that names a hundred thousand entries.
        public var largestBody = Self.usualBody
        static let usualBody = 16 << 20
        /// How long a body may take.
        public var bodyDeadline = Duration.seconds(10)
        /// How long a peer may leave a piece of its reply unread.
        public var readingDeadline = Duration.seconds(30)
        /// Called once the socket is there.
        public var onListening: @Sendable () -> Void = {}

        public init() {}
    }

    let inspector: any Inspector
    let name: String
    let options: Options
    let place: Rendezvous?
    let logger: Logger

    /// - Parameters:
    ///   - name: What the engine is called; its socket is `NAME.sock`.
    ///   - place: Where the socket is; `nil` for the usual folder of this user.
    public init(
        _ inspector: any Inspector, _ name: String, at place: Rendezvous? = nil,
        options: Options = Options(), logger: Logger = Logger(label: "larder")
    ) {
        self.inspector = inspector
        self.name = name
        self.place = place
        self.options = options
        self.logger = logger
    }

    /// Answers until the task is cancelled or the service group shuts down.
    ///
    /// - Throws: ``SocketError`` where the name is taken, or the folder cannot be trusted.
    public func run() async throws {
        let place = try self.place ?? Rendezvous.own(name, ProcessInfo.processInfo.environment)
        try place.makeFolder()
        let lock = try place.take()
        defer { close(lock) }
        try place.admit(options.group, before: true)
        defer { unlink(place.socket) }
        let instance = try await inspector.report().instance
        let stalled = StalledPeers(
            patience: .milliseconds(options.readingDeadline.nanoseconds / 1_000_000))
        let responder = Responder(
            routes: Routes(inspector, isReadOnly: options.isReadOnly), inspector: inspector,
            options: options, instance: instance, logger: logger)
        let application = Hummingbird.Application(
            responder: responder,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [stalled.watch()], idleTimeout: .seconds(60))),
            configuration: .init(
                address: .unixDomainSocket(path: place.socket),
                availableConnectionsDelegate: MaximumAvailableConnections(options.connections)),
            onServerRunning: { [options, logger] _ in
                // Nobody else can reach into the folder while the modes are set. What is refused
                // here was refused before, where it could be said.
                try? place.admit(options.group)
                logger.info("listening", metadata: ["socket": "\(place.socket)"])
                options.onListening()
            },
            logger: quiet)
        try await withGracefulShutdownHandler {
            try await application.run()
        } onGracefulShutdown: {
            stalled.end()
        }
    }

    /// The server's own talk is of no use to those who embed it.
    private var quiet: Logger {
        var logger = logger
        logger.logLevel = .error
        return logger
    }
}

/// A request's context: the channel, of which the kernel knows who is at its other end.
struct PeerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// Answers requests from the table of routes.
struct Responder: HTTPResponder {
    let routes: Routes
    let inspector: any Inspector
    let options: SocketService.Options
    let instance: String
    let logger: Logger

    func respond(to request: Request, context: PeerContext) async throws -> Response {
        var response: Response
        do {
            response = try await answered(request, context)
        } catch let refusal as Refusal {
            response = Self.refusal(refusal.status, refusal.sentence)
            // What is left of the body is not waited for, nor read.
            if [.contentTooLarge, .requestTimeout].contains(refusal.status) {
                hangUp(&response, context)
            }
        } catch let error as FilterError {
            response = Self.refusal(.badRequest, error.description)
        } catch let error as InspectorError {
            response = Self.refusal(error.isUnknown ? .notFound : .conflict, error.description)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // Bounds that contradict each other, or an origin that refused: as things stand.
            response = Self.refusal(.conflict, "\(error)")
        }
        if response.status.kind == .clientError, isLong(request) { hangUp(&response, context) }
        response.headers[.init("Larder-Instance")!] = instance
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// A refusal of the route alone leaves a body behind: a long one is not taken for it.
    private func isLong(_ request: Request) -> Bool {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        let isChunked = request.headers[.transferEncoding] != nil
        return isChunked || length ?? 0 > options.largestBody || isWaiting(request)
    }

    /// Whether a peer sends its body only once it is told to go on.
    private func isWaiting(_ request: Request) -> Bool {
        request.headers[.expect]?.lowercased() == "100-continue"
    }

    /// Tells it. What an answer to a request can be has no such thing in it: this goes past the
    /// encoder, before anything else is written.
    private func goOn(_ channel: any Channel) {
        channel.eventLoop.execute {
            let encoder = try? channel.pipeline.syncOperations.context(
                handlerType: HTTPResponseEncoder.self)
            encoder?.writeAndFlush(
                NIOAny(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        }
    }

    /// The answer has a moment to go, and nothing more is read.
    private func hangUp(_ response: inout Response, _ context: PeerContext) {
        response.headers[.connection] = "close"
        let channel = context.channel
        channel.eventLoop.scheduleTask(in: .milliseconds(100)) { channel.close(promise: nil) }
    }

    private func answered(_ request: Request, _ context: PeerContext) async throws -> Response {
        let peer = try await Peer(context.channel)
        guard peer.isAdmitted(group: options.group) else {
            logger.warning("refused", metadata: ["peer": "\(peer.name)"])
            throw Refusal(.forbidden, "\(peer.name) may not look into this engine")
        }
        let route: Route
        let parts: [String: String]
        let isHead = request.method == .head
        switch routes.find(isHead ? .get : request.method, request.uri.path) {
        case .route(let found, let named): (route, parts) = (found, named)
        case .methods(let methods):
            var response = Self.refusal(
                .methodNotAllowed,
                "\(request.uri.path.prefix(200)) is there for "
                    + methods.map(\.rawValue).joined(separator: " and "))
            let allowed = methods.flatMap { $0 == .get ? [$0, .head] : [$0] }
            response.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
            return isHead ? response.createHeadResponse() : response
        case .nothing:
            let version = request.uri.path.firstMatch(of: /^\/v([0-9]+)\//).flatMap { Int($0.1) }
            if let version, version != Routes.version {
                throw Refusal(
                    .notFound,
                    "this engine speaks version \(Routes.version), and not \(version); use the "
                        + "larder that belongs to it")
            }
            throw Refusal(.notFound, "there is nothing at \(request.uri.path.prefix(200))")
        }
        let body = try await body(of: request, context.channel)
        var query: [String: String] = [:]
        for (name, value) in try Asked.parameters(request.uri.query ?? "") {
            guard route.query.contains(where: { $0.name == name }) else {
                let known = route.query.map(\.name).joined(separator: ", ")
                throw Refusal(
                    .badRequest,
                    "\(name.prefix(40)) is no parameter here"
                        + (known.isEmpty ? "" : "; \(known) are accepted"))
            }
            query[name] = value
        }
        let reason = request.headers[.init("Larder-Reason")!]?.removingPercentEncoding
        let asked = Asked(
            parts: parts, query: query, headers: request.headers, body: body,
            actor: Actor(peer.user, reason: reason, uid: peer.uid, pid: peer.pid),
            instance: instance)
        let response = try await self.response(to: try await route.answer(asked))
        return isHead ? response.createHeadResponse() : response
    }

    /// The whole body, if it is small enough and comes in time.
    private func body(of request: Request, _ channel: any Channel) async throws -> Data {
        let body = request.body
        let (most, deadline) = (options.largestBody, options.bodyDeadline)
        let tooLarge = Refusal(.contentTooLarge, "a body has \(most) bytes at most")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > most {
            throw tooLarge
        }
        if isWaiting(request) { goOn(channel) }
        return try await withThrowingTaskGroup(of: Data.self) { group in
            group.addTask {
                do {
                    return Data(try await body.collect(upTo: most).readableBytesView)
                } catch is NIOTooManyBytesError {
                    throw tooLarge
                }
            }
            group.addTask {
                try await Task.sleep(for: deadline)
                throw Refusal(.requestTimeout, "the body did not come in time")
            }
            defer { group.cancelAll() }
            return try await group.next()!
        }
    }

    private func response(to answer: Answer) async throws -> Response {
        switch answer {
        case .json(let data):
            return Response(
                status: .ok, headers: [.contentType: "application/json; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
        case .text(let text, let type):
            return Response(
                status: .ok, headers: [.contentType: type],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        case .events(let stream):
            return Self.streamed(
                ResponseBody(
                    asyncSequence: stream.map { ByteBuffer(string: $0) }.cancelOnGracefulShutdown()
                ))
        case .changes(let stream):
            return Self.streamed(
                ResponseBody(
                    asyncSequence: stream.map { ByteBuffer(string: $0) }.cancelOnGracefulShutdown()
                ))
        }
    }

    private static func streamed(_ body: ResponseBody) -> Response {
        Response(status: .ok, headers: [.contentType: "text/event-stream"], body: body)
    }

    private static func refusal(_ status: HTTPResponse.Status, _ sentence: String) -> Response {
        // A text can be written.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        let data = try! encoder.encode(["error": sentence])
        return Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }
}
