import HummingbirdCore
import Larder
import LarderServing
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Lets connections in, each with what it has to keep to: a place, a time for its request, and HTTP.
struct ConnectionLimits: ServerChildChannel {
    let http: HTTP1Channel
    let guests: Guests
    let headDeadline: TimeAmount

    func setup(
        channel: any Channel, logger: Logger
    ) -> EventLoopFuture<ClosingConnection> {
        Peer.uid(of: channel).flatMap { uid in
            http.setup(channel: channel, logger: logger).flatMapThrowing { value in
                let connection = ClosingConnection(value)
                try admit(channel, uid)
                return connection
            }
        }.flatMapErrorThrowing { error in
            channel.close(promise: nil)
            throw error
        }
    }

    func handle(value: ClosingConnection, logger: Logger) async {
        await value.serve(http, logger: logger)
    }

    private func admit(_ channel: any Channel, _ uid: UInt32) throws {
        let pipeline = channel.pipeline.syncOperations
        guard let id = guests.come(channel, uid) else {
            return try pipeline.addHandler(Refusing(), position: .first)
        }
        let talk = Talk(deadline: headDeadline, guests: guests, id: id)
        try pipeline.addHandler(talk.bytes, position: .first)
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(talk.requests, position: .after(decoder))
    }

    /// Tells a peer that there is no place, and hangs up.
    private final class Refusing: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelActive(context: ChannelHandlerContext) {
            let channel = context.channel
            context.writeAndFlush(
                wrapOutboundOut(
                    raw(
                        "503 Service Unavailable",
                        "there are as many connections as this engine takes; close some, or try "
                            + "again in a moment")), promise: nil)
            channel.closeSoon()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
    }
}

/// All that are connected.
final class Guests: Sendable {
    private let state: Guarded<State>

    private struct State {
        var places: ConnectionPlaces
        var channels: [ConnectionPlaces.ID: any Channel] = [:]
    }

    init(_ places: ConnectionPlaces) { state = Guarded(State(places: places)) }

    /// Gives a connection a place, that of another if need be; `nil` where there is none.
    fileprivate func come(_ channel: any Channel, _ uid: UInt32) -> ConnectionPlaces.ID? {
        let id = ConnectionPlaces.ID(UInt(bitPattern: ObjectIdentifier(channel)))
        let (isWelcome, victim) = state.withLock { state -> (Bool, (any Channel)?) in
            let answer = state.places.come(id, uid)
            guard answer != .full else { return (false, nil) }
            state.channels[id] = channel
            guard case .instead(let victim) = answer else { return (true, nil) }
            return (true, state.channels.removeValue(forKey: victim))
        }
        guard isWelcome else { return nil }
        victim?.close(promise: nil)
        channel.closeFuture.whenComplete { _ in self.leave(id) }
        return id
    }

    private func leave(_ id: ConnectionPlaces.ID) {
        state.withLock { state in
            // One that gave way to another has left already.
            guard state.channels.removeValue(forKey: id) != nil else { return }
            state.places.leave(id)
        }
    }

    /// See ``ConnectionPlaces/ask(_:)``.
    fileprivate func ask(_ id: ConnectionPlaces.ID) { state.withLock { $0.places.ask(id) } }

    /// See ``ConnectionPlaces/rest(_:)``.
    fileprivate func rest(_ id: ConnectionPlaces.ID) { state.withLock { $0.places.rest(id) } }
}

extension HTTPVersion {
    /// Before 1.1: a connection ends with its answer, and a body with the connection.
    fileprivate var isOld: Bool { major < 1 || major == 1 && minor < 1 }
}

/// An answer that is written past HTTP's own machinery.
private func raw(_ status: String, _ sentence: String) -> ByteBuffer {
    let body = "{\"error\":\"\(sentence)\"}"
    return ByteBuffer(
        string: "HTTP/1.1 \(status)\r\nContent-Type: application/json; charset=utf-8\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)")
}

extension Channel {
    /// Closes it once what is written has had a moment to go.
    fileprivate func closeSoon(_ moment: TimeAmount = .milliseconds(100)) {
        eventLoop.scheduleTask(in: moment) { self.close(promise: nil) }
    }
}

/// What is going on on one connection: which requests are not answered yet, and how much of the next
/// has been read. Two handlers see it, one the bytes and one the requests.
private final class Talk {
    private let deadline: TimeAmount
    private let guests: Guests
    private let id: ConnectionPlaces.ID
    private var reading = Reading.nothing
    private var unanswered: [Asked] = []
    private var alarm: Scheduled<Void>?
    /// Writes bytes past HTTP's own machinery.
    private var write: ((ByteBuffer) -> Void)?

    private enum Reading { case nothing, head, body }
    /// Bytes of the body that are to come; `nil` where that is known at its end only.
    private var left: Int?
    /// Where in a line the bytes of a head have come to: an empty one ends it.
    private var line = Line.start

    private enum Line { case start, returned, middle }

    /// What has to be known of a request when its answer is written.
    private struct Asked {
        var isHead: Bool
        var version: HTTPVersion
        var isLast: Bool
    }

    init(deadline: TimeAmount, guests: Guests, id: ConnectionPlaces.ID) {
        self.deadline = deadline
        self.guests = guests
        self.id = id
    }

    var bytes: any ChannelHandler { Bytes(self) }
    var requests: any ChannelHandler { Requests(self) }

    /// A head has to be there in time, however it drips.
    private func awaitHead(_ channel: any Channel) {
        guard reading == .nothing, alarm == nil else { return }
        reading = .head
        alarm = channel.eventLoop.assumeIsolated().scheduleTask(in: deadline) { [self] in
            guard reading == .head else { return }
            if unanswered.isEmpty {
                write?(raw("408 Request Timeout", "the request did not come in time"))
            }
            channel.closeSoon()
        }
    }

    /// How many of the bytes that came belong to the request that is read, as far as can be told:
    /// what comes behind it is the next one's, and has a deadline of its own.
    private func lengthOfPiece(_ bytes: ByteBuffer) -> Int {
        guard reading != .body else { return min(max(left ?? .max, 1), bytes.readableBytes) }
        for (place, byte) in bytes.readableBytesView.enumerated() {
            switch (byte, line) {
            case (UInt8(ascii: "\n"), .middle): line = .start
            case (UInt8(ascii: "\n"), _):
                line = .start
                return place + 1
            case (UInt8(ascii: "\r"), .start): line = .returned
            default: line = .middle
            }
        }
        return bytes.readableBytes
    }

    /// Where chunks have ended with a piece, something of the next head may be in it: then it does
    /// not end in an empty line.
    private func hasRead(_ piece: ByteBuffer, ofChunks: Bool, _ channel: any Channel) {
        guard ofChunks, reading == .nothing else { return }
        let end = Array(piece.readableBytesView.suffix(3))
        let (returned, ended) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
        let isEmpty = end.count < 3 || end[1] == ended || [end[0], end[1]] == [ended, returned]
        guard end.last != ended || !isEmpty else { return }
        line = .middle
        awaitHead(channel)
    }

    private func hasHead(_ head: inout HTTPRequestHead) {
        alarm?.cancel()
        alarm = nil
        reading = .body
        left =
            head.headers.contains(name: "transfer-encoding")
            ? nil : head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        let trouble = HostTrouble(head)
        head.headers.remove(name: HostTrouble.header)
        if let trouble { head.headers.add(name: HostTrouble.header, value: trouble.rawValue) }
        let isLast = !head.isKeepAlive
        if isLast { head.headers.replaceOrAdd(name: "connection", value: "close") }
        unanswered.append(
            Asked(isHead: head.method == .HEAD, version: head.version, isLast: isLast))
    }

    private func hasBody() {
        reading = .nothing
        guests.ask(id)
        // It may have been answered before it was whole.
        if unanswered.isEmpty { guests.rest(id) }
    }

    /// The head of an answer, in the words of the peer's version.
    private func answered(_ head: inout HTTPResponseHead) {
        guard !unanswered.isEmpty, head.status.code >= 200 else { return }
        if head.headers["connection"].contains(where: { $0.lowercased() == "close" }) {
            unanswered[0].isLast = true
        }
        if unanswered[0].version.isOld {
            head.version = unanswered[0].version
            head.headers.replaceOrAdd(name: "connection", value: "keep-alive")
        }
        // Where no length is told, the end of the connection is the end of the body.
        if head.version.isOld, !head.headers.contains(name: "content-length") {
            unanswered[0].isLast = true
        }
        if unanswered[0].isLast { head.headers.replaceOrAdd(name: "connection", value: "close") }
    }

    private var isHead: Bool { unanswered.first?.isHead ?? false }

    /// An answer is written whole; what follows belongs to the next request.
    private func isWritten() -> Asked? { unanswered.isEmpty ? nil : unanswered.removeFirst() }

    /// An answer is on its way.
    private func isAnswered(_ asked: Asked?, _ channel: any Channel) {
        guard let asked else { return }
        if asked.isLast { return channel.closeSoon() }
        guard unanswered.isEmpty else { return }
        guard reading == .body else { return guests.rest(id) }
        // What is left of the body is of no use to anybody: it has a moment.
        channel.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [self] in
            if reading == .body, unanswered.isEmpty { channel.close(promise: nil) }
        }
    }

    private final class Bytes: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias InboundOut = ByteBuffer
        private let talk: Talk

        init(_ talk: Talk) { self.talk = talk }

        func handlerAdded(context: ChannelHandlerContext) {
            talk.write = { context.writeAndFlush(NIOAny($0), promise: nil) }
        }

        func handlerRemoved(context: ChannelHandlerContext) { talk.write = nil }

        func channelActive(context: ChannelHandlerContext) {
            talk.awaitHead(context.channel)
            context.fireChannelActive()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            while bytes.readableBytes > 0 {
                talk.awaitHead(context.channel)
                let ofChunks = talk.reading == .body && talk.left == nil
                guard let piece = bytes.readSlice(length: talk.lengthOfPiece(bytes)) else { return }
                context.fireChannelRead(wrapInboundOut(piece))
                talk.hasRead(piece, ofChunks: ofChunks, context.channel)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            talk.alarm?.cancel()
            context.fireChannelInactive()
        }
    }

    private final class Requests: ChannelDuplexHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias InboundOut = HTTPServerRequestPart
        typealias OutboundIn = HTTPServerResponsePart
        typealias OutboundOut = HTTPServerResponsePart
        private let talk: Talk

        init(_ talk: Talk) { self.talk = talk }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var part = unwrapInboundIn(data)
            switch part {
            case .head(var head):
                talk.hasHead(&head)
                part = .head(head)
            case .body(let bytes): talk.left? -= bytes.readableBytes
            case .end: talk.hasBody()
            }
            context.fireChannelRead(wrapInboundOut(part))
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            switch unwrapOutboundIn(data) {
            case .head(var head):
                talk.answered(&head)
                context.write(wrapOutboundOut(.head(head)), promise: promise)
            case .body where talk.isHead: promise?.succeed()
            case .body: context.write(data, promise: promise)
            case .end:
                // To HEAD there is no body, nor the end of one.
                let isHead = talk.isHead
                let asked = talk.isWritten()
                if isHead {
                    promise?.succeed()
                    return talk.isAnswered(asked, context.channel)
                }
                let promise = promise ?? context.eventLoop.makePromise()
                let channel = context.channel
                promise.futureResult.assumeIsolated().whenComplete { [talk] _ in
                    talk.isAnswered(asked, channel)
                }
                context.write(data, promise: promise)
            }
        }
    }
}

/// What is wrong with a request's host: HTTP/1.1 wants just one, and a valid one (RFC 9112, 3.2).
enum HostTrouble: String {
    case missing, several, strange

    /// The header that tells it to whoever answers; one that a peer sends is taken away.
    static let header = "larder-host-trouble"

    fileprivate init?(_ head: HTTPRequestHead) {
        let hosts = head.headers["host"]
        if hosts.count > 1 {
            self = .several
        } else if hosts.isEmpty, !head.version.isOld {
            self = .missing
        } else if let host = hosts.first, !host.utf8.allSatisfy(Self.isPlain) {
            self = .strange
        } else {
            return nil
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~%!$&'()*+,;=:[]".utf8.contains(byte)
        }
    }

    var sentence: String {
        switch self {
        case .missing: "a request of HTTP/1.1 says its Host, whatever it is"
        case .several: "a request has one Host, and not several"
        case .strange: "Host is none; a name is accepted"
        }
    }
}
