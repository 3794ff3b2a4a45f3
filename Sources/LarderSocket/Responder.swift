import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Larder
import LarderInspector
import LarderServing
import LarderWire
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle

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
    /// See ``AgeInstant/epoch``.
    let epoch: Int64
    let logger: Logger
    private let lanes = Lanes()
    /// Large bodies are read one after the other of each process, few at once.
    private let bodies = Apart(own: Turns(), others: Turns())
    private let streams = Quota(ofProcess: SocketService.Options.streams)
    private let unread = Quota(ofProcess: SocketService.Options.unread)

    init(
        routes: Routes, inspector: any Inspector, options: SocketService.Options,
        report: EngineReport, logger: Logger
    ) {
        self.routes = routes
        self.inspector = inspector
        self.options = options
        instance = report.instance
        epoch = report.epoch
        self.logger = logger
    }

    func respond(to request: Request, context: PeerContext) async throws -> Response {
        var response = try await AgeInstant.$epoch.withValue(epoch) {
            try await responded(to: request, context: context)
        }
        response.headers[.larderEpoch] = "\(epoch)"
        return response
    }

    private func responded(to request: Request, context: PeerContext) async throws -> Response {
        let peer = try await Peer(context.channel)
        // All that is done for a peer is done in its turn, be it ever so little: of very many
        // requests that would be much.
        let begun = try await lanes.short(peer.id).work(of: peer.id) {
            guard context.channel.isActive else { throw CancellationError() }
            return try await refusing(request, context) {
                try await begin(request, peer, context.channel)
            }
        }
        let ended =
            switch begun {
            case .answered: begun
            case .wanted(let wanted):
                try await refusing(request, context) {
                    .answered(try await answered(request, wanted, peer, context.channel))
                }
            }
        guard case .answered(let response) = ended else { throw CancellationError() }
        return response
    }

    /// How far a request has come in its first turn.
    private enum Begun {
        case answered(Response)
        /// It has a body, or takes its time.
        case wanted(Wanted)
    }

    private struct Wanted {
        var route: Route
        var parts: [String: String]
        var isHead: Bool
    }

    /// Turns what is thrown into answers that say so.
    private func refusing(
        _ request: Request, _ context: PeerContext, _ work: () async throws -> Begun
    ) async throws -> Begun {
        var response: Response
        do {
            let begun = try await work()
            guard case .answered(let answer) = begun else { return begun }
            response = answer
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
        return .answered(response)
    }

    /// Whether a body is too long to be read and thrown away where the route alone is refused.
    private func isLong(_ request: Request) -> Bool {
        length(of: request) ?? .max > Limits.smallBody || isWaiting(request)
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

    /// Tells the peer to go on. The types of answers have no such status: this goes past the
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

    private func begin(
        _ request: Request, _ peer: Peer, _ channel: any Channel
    ) async throws -> Begun {
        if let trouble = request.headers[.init(HostTrouble.header)!].flatMap(HostTrouble.init) {
            throw Refusal(.badRequest, trouble.sentence, endsConnection: true)
        }
        guard peer.isAdmitted(group: options.group) else {
            logger.warning("refused", metadata: ["peer": "\(peer.name)"])
            throw Refusal(.forbidden, "\(peer.name) may not look into this engine")
        }
        let isHead = request.method == .head
        switch routes.find(isHead ? .get : request.method, request.uri.path) {
        case .route(let route, let parts):
            let wanted = Wanted(route: route, parts: parts, isHead: isHead)
            // What changes something may wait for an origin.
            guard length(of: request) == 0, !route.changes else { return .wanted(wanted) }
            let asked = try asked(request, wanted, Data(), peer)
            guard !route.isCostly(asked) else { return .wanted(wanted) }
            return .answered(
                try response(to: try await route.answer(asked), wanted, peer.id, channel))
        case .methods(let methods):
            var response = Self.refusal(
                .methodNotAllowed,
                "\(request.uri.path.prefix(200)) is there for "
                    + methods.map(\.rawValue).joined(separator: " and "))
            let allowed = methods.flatMap { $0 == .get ? [$0, .head] : [$0] }
            response.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
            return .answered(isHead ? response.createHeadResponse() : response)
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
    }

    private func answered(
        _ request: Request, _ wanted: Wanted, _ peer: Peer, _ channel: any Channel
    ) async throws -> Response {
        let most =
            wanted.route.body == "Change" && !options.isReadOnly
            ? options.largestBody : min(options.largestBody, Limits.smallBody)
        return try await withBody(of: request, most, peer.id, channel) { body in
            let asked = try asked(request, wanted, body, peer)
            let answer = try await answer(to: asked, wanted.route, peer.id, channel)
            return try response(to: answer, wanted, peer.id, channel)
        }
    }

    private func asked(
        _ request: Request, _ wanted: Wanted, _ body: Data, _ peer: Peer
    ) throws -> Asked {
        var query: [String: String] = [:]
        for (name, value) in try Asked.parameters(request.uri.query ?? "") {
            guard wanted.route.query.contains(where: { $0.name == name }) else {
                let known = wanted.route.query.map(\.name).joined(separator: ", ")
                throw Refusal(
                    .badRequest,
                    "\(name.prefix(40)) is no parameter here"
                        + (known.isEmpty ? "" : "; \(known) are accepted"))
            }
            query[name] = value
        }
        return Asked(
            parts: wanted.parts, query: query, headers: request.headers, body: body,
            actor: Operator(
                peer.user, reason: try reason(request.headers), uid: peer.uid, pid: peer.pid),
            instance: instance, lane: PeerLane(lane: lanes.short(peer.id), peer: peer.id))
    }

    private func reason(_ headers: HTTPFields) throws -> String? {
        guard let header = headers[.init("Larder-Reason")!] else { return nil }
        guard let reason = header.removingPercentEncoding else {
            throw Refusal(.badRequest, "Larder-Reason is no UTF-8 in percent encoding")
        }
        do { try Operator("", reason: reason).checkReason() } catch {
            throw Refusal(.badRequest, error.description)
        }
        return reason
    }

    /// Has a request answered: in the peer's turn, where that takes long.
    private func answer(
        to asked: Asked, _ route: Route, _ peer: PeerID, _ channel: any Channel
    ) async throws -> Answer {
        guard route.isCostly(asked) else { return try await route.answer(asked) }
        return try await lanes.long(peer).work(of: peer) {
            // Whoever hung up meanwhile is owed nothing.
            guard channel.isActive else { throw CancellationError() }
            guard !unread.isUsedUp(by: peer) else {
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
        guard length ?? most > Limits.smallBody else { return try await work(try await whole()) }
        return try await bodies.of(peer).take(of: peer) { _ in
            guard channel.isActive else { throw CancellationError() }
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
        to answer: Answer, _ wanted: Wanted, _ peer: PeerID, _ channel: any Channel
    ) throws -> Response {
        if wanted.isHead { return head(of: answer) }
        switch answer {
        case .json(let data):
            return Response(
                status: .ok, headers: [.contentType: answer.type],
                body: body(ByteBuffer(bytes: data), peer, channel))
        case .text(let text, _):
            return Response(
                status: .ok, headers: [.contentType: answer.type],
                body: body(ByteBuffer(string: text), peer, channel))
        case .events(let stream):
            return try streamed(stream, peer)
        case .changes(let stream):
            return try streamed(stream, peer)
        }
    }

    /// A large one goes out piece by piece, as it is read, and counts until it has.
    private func body(
        _ buffer: ByteBuffer, _ peer: PeerID, _ channel: any Channel
    ) -> ResponseBody {
        guard buffer.readableBytes > Limits.smallBody else {
            return ResponseBody(byteBuffer: buffer)
        }
        let share = unread.take(buffer.readableBytes, of: peer)
        return ResponseBody(contentLength: buffer.readableBytes) { writer in
            var rest = buffer
            while rest.readableBytes > 0 {
                let length = min(Limits.smallBody, rest.readableBytes)
                try await writer.write(rest.readSlice(length: length)!)
                // The next write waits for the peer only once the loop has seen this one.
                try await channel.eventLoop.submit {}.get()
            }
            try await writer.finish(nil)
            withExtendedLifetime(share) {}
        }
    }

    private func streamed<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces, _ peer: PeerID
    ) throws -> Response where Pieces.Element == String {
        guard !streams.isUsedUp(by: peer) else {
            throw Refusal(
                .tooManyRequests,
                "one process may follow \(Options.streams) streams at once, and one user "
                    + "\(2 * Options.streams); end some")
        }
        let (share, epoch) = (streams.take(1, of: peer), epoch)
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream"],
            body: ResponseBody { writer in
                try await AgeInstant.$epoch.withValue(epoch) {
                    for try await piece in pieces.cancelOnGracefulShutdown() {
                        try await writer.write(ByteBuffer(string: piece))
                    }
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
        // It is one text, so it can be written.
        let data = try! PlainJSON.encode(["error": sentence], .withoutEscapingSlashes)
        return Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }
}

extension HTTPField.Name {
    /// Of every answer: when the engine's age line began, in nanoseconds since 1970. Columns of numbers
    /// count from there, and whoever reads the times of day gets the engine's own instants back.
    static let larderEpoch = HTTPField.Name(Limits.epochHeader)!
}
