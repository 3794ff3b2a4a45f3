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
        /// Most connections at once; fewer where the process may not have so many files open. A
        /// user who is neither the engine's own nor root has three quarters of them at most.
        public var connections = 800
        /// How long a request may take until its head is there.
        public var headDeadline = Duration.seconds(10)
        /// Largest body of a request, in bytes: a change that names a hundred thousand entries.
        public var largestBody = Self.usualBody
        static let usualBody = 16 << 20
        /// Most of anything but a plan, and of a plan where nothing can be changed.
        static let smallBody = 64 << 10
        /// Most streams of one user at once.
        static let streams = 256
        /// Bytes of large replies that one user may leave unread.
        static let unread = 32 << 20
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
        let connections = try Descriptors.connections(options.connections)
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
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [stalled.watch()], idleTimeout: .seconds(60))
        let application = Hummingbird.Application(
            responder: responder,
            server: HTTPServerBuilder { [options] responder in
                Door(
                    http: HTTP1Channel(responder: responder, configuration: http),
                    guests: Guests(Places(most: connections, owner: geteuid())),
                    headDeadline: .nanoseconds(options.headDeadline.nanoseconds))
            },
            configuration: .init(
                address: .unixDomainSocket(path: place.socket),
                // Who is refused takes one as well, until it has heard so.
                availableConnectionsDelegate: MaximumAvailableConnections(connections + 8)),
            onServerRunning: { [options, logger] channel in
                await AcceptPause.add(to: channel, logger)
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
    /// One for those whom the engine belongs to, and one for all others.
    private let ownLane = Lane("larder.own")
    private let otherLane = Lane("larder.others")
    /// Large bodies are read one after the other of each user, few at once.
    private let bodies = Turns(most: 4)
    private let streams = Quota(most: SocketService.Options.streams)
    private let unread = Quota(most: SocketService.Options.unread)

    init(
        routes: Routes, inspector: any Inspector, options: SocketService.Options, instance: String,
        logger: Logger
    ) {
        self.routes = routes
        self.inspector = inspector
        self.options = options
        self.instance = instance
        self.logger = logger
    }

    func respond(to request: Request, context: PeerContext) async throws -> Response {
        var response: Response
        do {
            response = try await answered(request, context)
        } catch let refusal as Refusal {
            response = Self.refusal(refusal.status, refusal.sentence)
            // What is left of the body is not waited for, nor read.
            if refusal.endsConnection { hangUp(&response, context) }
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
        length(of: request) ?? .max > Options.smallBody || isWaiting(request)
    }

    private typealias Options = SocketService.Options

    /// How long a body is; `nil` where that is not said beforehand.
    private func length(of request: Request) -> Int? {
        guard request.headers[.transferEncoding] == nil else { return nil }
        return request.headers[.contentLength].map { Int($0) ?? .max } ?? 0
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
        if let trouble = request.headers[.init(HostTrouble.header)!].flatMap(HostTrouble.init) {
            throw Refusal(.badRequest, trouble.sentence, endsConnection: true)
        }
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
        let most =
            route.body == "Change" && !options.isReadOnly
            ? options.largestBody : min(options.largestBody, Options.smallBody)
        return try await withBody(of: request, most, peer.id, context.channel) { body in
            let asked = try asked(request, route, parts, body, peer)
            let answer = try await answer(to: asked, route, peer.id, context.channel)
            return isHead ? head(of: answer) : try response(to: answer, peer.uid, context.channel)
        }
    }

    private func asked(
        _ request: Request, _ route: Route, _ parts: [String: String], _ body: Data, _ peer: Peer
    ) throws -> Asked {
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
        return Asked(
            parts: parts, query: query, headers: request.headers, body: body,
            actor: Actor(
                peer.user, reason: try reason(request.headers), uid: peer.uid, pid: peer.pid),
            instance: instance)
    }

    private func reason(_ headers: HTTPFields) throws -> String? {
        guard let header = headers[.init("Larder-Reason")!] else { return nil }
        guard let reason = header.removingPercentEncoding else {
            throw Refusal(.badRequest, "Larder-Reason is no UTF-8 in percent encoding")
        }
        do { try Actor("", reason: reason).checkReason() } catch {
            throw Refusal(.badRequest, error.description)
        }
        return reason
    }

    /// Has a request answered: in the peer's turn, where that takes long.
    private func answer(
        to asked: Asked, _ route: Route, _ peer: PeerID, _ channel: any Channel
    ) async throws -> Answer {
        guard route.isCostly(asked) else { return try await route.answer(asked) }
        let isOwn = peer.uid == geteuid() || peer.uid == 0
        return try await (isOwn ? ownLane : otherLane).work(of: peer) {
            // Whoever hung up meanwhile is owed nothing.
            guard channel.isActive else { throw CancellationError() }
            guard !unread.isUsedUp(by: peer.uid) else {
                throw Refusal(
                    .tooManyRequests,
                    "replies of \(Options.unread) bytes and more wait to be read; read them first")
            }
            return try await route.answer(asked)
        }
    }

    /// Does some work with the whole body, if it is small enough and comes in time. A large one is
    /// kept in memory until then, and waits for its turn.
    private func withBody(
        of request: Request, _ most: Int, _ peer: PeerID, _ channel: any Channel,
        _ work: (Data) async throws -> Response
    ) async throws -> Response {
        let length = length(of: request)
        let tooLarge = Refusal(
            .contentTooLarge, "a body has \(most) bytes at most here", endsConnection: true)
        guard length ?? 0 <= most else { throw tooLarge }
        func whole() async throws -> Data {
            if isWaiting(request) { goOn(channel) }
            return try await body(of: request, most, tooLarge)
        }
        guard length ?? most > Options.smallBody else { return try await work(try await whole()) }
        return try await bodies.take(of: peer) {
            defer { if length ?? most > 1 << 20 { ProcessMemory.giveBack() } }
            return try await work(try await whole())
        }
    }

    private func body(of request: Request, _ most: Int, _ tooLarge: Refusal) async throws -> Data {
        let (body, deadline) = (request.body, options.bodyDeadline)
        return try await withThrowingTaskGroup(of: Data.self) { group in
            group.addTask {
                do {
                    return Data(try await body.collect(upTo: most).readableBytesView)
                } catch is NIOTooManyBytesError {
                    throw tooLarge
                } catch is HTTPParserError {
                    throw Refusal(
                        .badRequest, "the body does not come in chunks as HTTP/1.1 has them",
                        endsConnection: true)
                }
            }
            group.addTask {
                try await Task.sleep(for: deadline)
                throw Refusal(
                    .requestTimeout, "the body did not come in time", endsConnection: true)
            }
            defer { group.cancelAll() }
            return try await group.next()!
        }
    }

    private func response(
        to answer: Answer, _ uid: UInt32, _ channel: any Channel
    ) throws -> Response {
        switch answer {
        case .json(let data):
            return Response(
                status: .ok, headers: [.contentType: answer.type],
                body: body(ByteBuffer(bytes: data), uid, channel))
        case .text(let text, _):
            return Response(
                status: .ok, headers: [.contentType: answer.type],
                body: body(ByteBuffer(string: text), uid, channel))
        case .events(let stream):
            return try streamed(stream, uid)
        case .changes(let stream):
            return try streamed(stream, uid)
        }
    }

    /// A large one goes out piece by piece, as it is read, and counts until it has.
    private func body(
        _ buffer: ByteBuffer, _ uid: UInt32, _ channel: any Channel
    ) -> ResponseBody {
        guard buffer.readableBytes > Options.smallBody else {
            return ResponseBody(byteBuffer: buffer)
        }
        let share = unread.take(buffer.readableBytes, of: uid)
        return ResponseBody(contentLength: buffer.readableBytes) { writer in
            var rest = buffer
            while rest.readableBytes > 0 {
                let length = min(Options.smallBody, rest.readableBytes)
                try await writer.write(rest.readSlice(length: length)!)
                // Only once the loop has seen it does the next one wait for the peer.
                try await channel.eventLoop.submit {}.get()
            }
            try await writer.finish(nil)
            withExtendedLifetime(share) {}
        }
    }

    private func streamed<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces, _ uid: UInt32
    ) throws -> Response where Pieces.Element == String {
        guard !streams.isUsedUp(by: uid) else {
            throw Refusal(
                .tooManyRequests, "one user may follow \(Options.streams) streams at once; end some"
            )
        }
        let share = streams.take(1, of: uid)
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream"],
            body: ResponseBody { writer in
                for try await piece in pieces.cancelOnGracefulShutdown() {
                    try await writer.write(ByteBuffer(string: piece))
                }
                try await writer.finish(nil)
                withExtendedLifetime(share) {}
            })
    }

    /// What stands before the answer to GET; of a stream there is no length.
    private func head(of answer: Answer) -> Response {
        var response = Response(status: .ok, headers: [.contentType: answer.type])
        response.headers[.contentLength] = answer.length.map { "\($0)" }
        return response
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
