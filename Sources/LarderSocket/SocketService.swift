import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Larder
public import LarderInspector
import LarderServing
public import LarderWire
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
///
/// A service that only wants to be looked into is not ended by a socket that cannot be there: the
/// reason is logged, and the rest of the group goes on. Where another process has the name, a number
/// is put behind it. See ``Options/isRequired``.
public struct SocketService: Service {
    /// Who may look in, what they may do, and how much of it.
    public struct Options: Sendable {
        /// A group whose members may connect as well; its owner must be allowed to give it files.
        public var group: UInt32?
        /// Whether the service fails where the socket cannot be there, or its name is taken.
        public var isRequired = false
        /// No peer can change anything: what changes is not there.
        public var isReadOnly = false
        /// Most connections at once; fewer where the process may not have so many files open. A
        /// user who is neither the engine's own nor root has three quarters of them at most.
        public var connections = 800
        /// How long a request may take until its head is there.
        public var headDeadline = Duration.seconds(10)
        /// Largest body of a request, in bytes: a change that names a hundred thousand entries.
        public var largestBody = Limits.usualBody
        /// Most streams of one process at once; of one user twice as many.
        static let streams = 256
        /// Bytes of large replies that one process may leave unread; of one user twice as many.
        static let unread = 32 << 20
        /// How long a body may take.
        public var bodyDeadline = Duration.seconds(10)
        /// How long a peer may leave a piece of its reply unread.
        public var readingDeadline = Duration.seconds(30)
        /// Where the engine's gateway is, for its own user and root; `nil` where it has none.
        package var gateway: (@Sendable () throws -> GatewayPass)?
        /// Called once the socket is there.
        public var onListening: @Sendable () -> Void = {}

        /// Nobody but the engine's own user and root may look in, and both may change.
        public init() {}
    }

    let inspector: any Inspector
    let name: String
    let options: Options
    let place: Rendezvous?
    let logger: Logger

    /// - Parameters:
    ///   - inspector: What may be seen and changed.
    ///   - name: What the engine is called; its socket is `NAME.sock`.
    ///   - place: Where the socket is; `nil` for the usual folder of this user.
    ///   - options: Who may look in, what they may do, and how much of it.
    ///   - logger: Is told of the socket, and of who was refused.
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
    /// - Throws: Where the socket is required: `SocketError` where the name is taken, or the folder
    ///   cannot be trusted; what the server threw.
    public func run() async throws {
        do { try await serve() } catch  where !options.isRequired && !Task.isCancelled {
            logger.error("nobody can look into the caches", metadata: ["reason": "\(error)"])
            try? await gracefulShutdown()
        }
    }

    /// The place, and the lock that was taken there.
    private func take() throws -> (place: Rendezvous, lock: Int32) {
        let first = try self.place ?? Rendezvous.own(name, ProcessInfo.processInfo.environment)
        try first.makeFolder()
        var place = first
        var number = 1
        while true {
            let taken = Result { () throws(SocketError) -> Int32 in try place.take() }
            if case .failure(let error) = taken, error.isTaken, !options.isRequired {
                number += 1
                place = try Rendezvous(folder: first.folder, name: "\(first.name)-\(number)")
            } else {
                return (place, try taken.get())
            }
        }
    }

    private func serve() async throws {
        let connections = try Descriptors.connections(options.connections)
        let (place, lock) = try take()
        defer { close(lock) }
        try place.admit(options.group, before: true)
        defer { unlink(place.socket) }
        let report = try await inspector.report()
        let stalled = StalledPeers(
            patience: .milliseconds(options.readingDeadline.nanoseconds / 1_000_000))
        let responder = Responder(
            routes: Routes(
                inspector, isReadOnly: options.isReadOnly, gateway: options.gateway),
            inspector: inspector,
            options: options, report: report, logger: logger)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [stalled.watch()], idleTimeout: .seconds(60))
        let application = Hummingbird.Application(
            responder: responder,
            server: HTTPServerBuilder { [options] responder in
                ConnectionLimits(
                    http: HTTP1Channel(responder: responder, configuration: http),
                    guests: Guests(ConnectionPlaces(most: connections, owner: geteuid())),
                    headDeadline: .nanoseconds(options.headDeadline.nanoseconds))
            },
            configuration: .init(
                address: .unixDomainSocket(path: place.socket),
                // A peer that is refused takes a connection as well, until it has heard so.
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
