import ArgumentParser
import Foundation
import Larder
import LarderAWS
import LarderGateway
import LarderInspector
import LarderSocket
import LarderWire
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run an engine without a console, for others to look into.",
        discussion: """
            Examples:
              larder serve --traffic 50
              larder serve --traffic 50 --failing 30% --cache accounts:stale=60s
              larder serve --table accounts --region eu-west-1 --name accounts
              larder serve --origin aws --gateway on --cache '*:ttl=60s'

            Settings stand in $XDG_CONFIG_HOME/larder/config.yaml and /etc/larder/config.yaml, by \
            the names of the options, with caches: for --cache; or in variables, such as \
            LARDER_TABLE and LARDER_CACHE_ACCOUNTS=maxsize=64,ttl=300s. SIGHUP has them read again.

            An engine that talks to a terminal ends with it; one that was started by nohup stays. \
            SIGTERM and SIGINT end it in good order; signals that it knows no use for, such as \
            SIGUSR1, are named in its log and do nothing.
            """)

    @OptionGroup(title: "Origin")
    var origin: OriginOptions

    @Option(help: "What the engine is called. (default: the table's name, or demo)")
    var name: String?

    @Option(help: "Look-ups a second that larder makes by itself.")
    var traffic = 0.0

    @Option(help: "Keys to look up once at the start.")
    var warm = 0

    @Option(name: .customLong("allow-gid"), help: "A group whose members may look in as well.")
    var group: UInt32?

    @Flag(help: "Nobody who looks in can change anything.")
    var readOnly = false

    @Option(help: "How log lines are written.")
    var logFormat = LogFormat.text

    @Option(
        help: ArgumentHelp(
            """
            Also be an endpoint of DynamoDB for programs of this machine, with a cache before every \
            table, and of credentials, at 127.0.0.1:PORT: larder exec starts programs that use it. \
            Port 0 is any that is free; on is 127.0.0.1:5599.
            """, valueName: "address"),
        transform: parsed { try GatewayAddress(parsing: $0) })
    var gateway: GatewayAddress?

    @Flag(
        help: """
            The gateway answers requests without a signature, and with keys that nobody knows, as \
            if larder itself had asked. For play: whoever reaches the port has its permissions.
            """)
    var unsignedOk = false

    @Option(
        help: ArgumentHelp(
            """
            The same at a unix socket, for programs of this user that can be told of one; the path \
            ends in .sock, in a folder that nobody else can write to. Requests name the host \
            localhost.
            """, valueName: "path"),
        transform: parsed { try GatewaySocket(parsing: $0) })
    var gatewaySocket: GatewaySocket?

    @Option(
        help: ArgumentHelp(
            """
            Drop entries of this table as soon as its stream tells that somebody wrote their items, \
            about a second later. It takes dynamodb:ListStreams, DescribeStream, GetShardIterator \
            and GetRecords on the stream, and a read or a few a second and shard. Repeatable.
            """, valueName: "table"),
        transform: parsed { try FollowedTable.name($0) })
    var followStreams: [String] = []

    @OptionGroup
    var auditing: AuditOption

    @Option(
        help: "How long fetches under way may go on once the engine is told to end.",
        transform: parsed { try Units.reserve($0) })
    var grace = Duration.seconds(10)

    func validate() throws {
        guard (0...100_000).contains(traffic) else {
            throw ValidationError("--traffic: 0 to 100000 look-ups a second are accepted")
        }
        guard (0...1_000_000).contains(warm) else {
            throw ValidationError("--warm: 0 to 1000000 keys are accepted")
        }
        guard grace <= .seconds(600) else {
            throw ValidationError("--grace: up to 10m is accepted")
        }
        if !hasGateway { try origin.checkCacheNames() }
        if let table = followStreams.first {
            guard origin.isAWS else {
                throw ValidationError("--follow-streams belongs to --origin aws")
            }
            guard
                hasGateway || followStreams.allSatisfy({ FollowedTable.isNamed(origin.table, $0) })
            else {
                throw ValidationError(
                    "--follow-streams \(table): nothing of this table is cached; name it with "
                        + "--table, or add --gateway")
            }
        }
    }

    private var hasGateway: Bool { gateway != nil || gatewaySocket != nil }

    func run() async throws {
        let terminal = StartingTerminal()
        let logger = logFormat.logger()
        StraySignals.ignore { logger.warning("\($0)") }
        try Descriptors.raise()
        try ProcessLimits.check(.serving)
        let audit = try auditing.file()
        let engine = try await Engine.make(
            origin, called: name, makesTraffic: traffic > 0, hasGateway: hasGateway,
            logger: logger)
        auditing.record(engine.inspector, in: audit) { logger.error("\($0)") }
        // To the very end: fetches under way are waited for.
        let watchdog = Task { await Self.watchdog(engine) }
        defer { watchdog.cancel() }
        var options = SocketService.Options()
        options.group = group
        options.isReadOnly = readOnly
        options.isRequired = true
        options.onListening = { ServiceManager.ready() }
        let door = GatewayDoor()
        if hasGateway { options.gateway = { try door.pass() } }
        let socket = SocketService(
            engine.inspector, engine.inspector.name, options: options, logger: logger)
        // When it was told to end: the time for that is counted once.
        let told = Told()
        let bounds = TableBounds(origin)
        let served =
            hasGateway
            ? try await engine.gateway(bounds, acceptsUnsigned: unsignedOk, logger: logger) : nil
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        func add(_ service: some Service) {
            services.append(.init(service: service, failureTerminationBehavior: .cancelGroup))
        }
        if let gateway, let served { add(served.service(gateway, door, logger)) }
        let lock = try gatewaySocket?.take()
        defer { lock?.release() }
        if let lock, let served {
            add(served.service(lock, logger))
            if gateway == nil { door.fail(lock.alone) }
        }
        for follower in engine.follow?(FollowedTable.each(followStreams), served, logger) ?? [] {
            add(Following(follower: follower))
        }
        var configuration = ServiceGroupConfiguration(
            services: services + [
                .init(service: socket, failureTerminationBehavior: .cancelGroup),
                .init(
                    service: Load(engine: engine, warm: warm, rate: traffic, told: told),
                    successTerminationBehavior: .ignore),
                .init(
                    service: Reload(
                        engine: engine, audit: audit, before: self, bounds: bounds,
                        terminal: terminal, logger: logger),
                    successTerminationBehavior: .gracefullyShutdownGroup),
            ], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger))
        configuration.maximumGracefulShutdownDuration = grace
        let result: Result<Void, any Error>
        do { result = .success(try await ServiceGroup(configuration: configuration).run()) } catch {
            result = .failure(error)
        }
        // Why it ends is said before what comes of that.
        let problem = Self.problem(result)
        if let problem { say(Notes.words(problem)) }
        await drain(engine, since: told.instant, logger)
        await engine.close()
        if problem != nil { throw Ending(status: 1) }
        logger.info("ended")
    }

    /// What ended the engine, if nobody had told it to end. To run out of the time for an orderly
    /// end does not count.
    private static func problem(_ result: Result<Void, any Error>) -> (any Error)? {
        guard case .failure(let error) = result, !(error is CancellationError) else { return nil }
        return error
    }

    /// Tells the service manager, if it wants to hear it, that the engine is alive: once for each
    /// answer of the engine, so that one that hangs is found out.
    private static func watchdog(_ engine: Engine) async {
        let environment = ProcessInfo.processInfo.environment
        guard let period = ServiceManager.watchdogPeriod(environment, pid: getpid()) else { return }
        while (try? await engine.inspector.report()) != nil {
            ServiceManager.alive()
            guard (try? await Task.sleep(for: period)) != nil else { return }
        }
    }

    /// Lets the fetches under way end, within the time that they have.
    private func drain(
        _ engine: Engine, since told: ContinuousClock.Instant, _ logger: Logger
    ) async {
        func flights() async -> Int {
            let caches = try? await engine.inspector.report().caches
            return caches?.reduce(0) { $0 + $1.snapshot.flights } ?? 0
        }
        let end = told + grace
        var left = await flights()
        if left > 0 {
            logger.info(
                "ending", metadata: ["fetches": "\(left)", "grace": "\(Units.text(grace))"])
        }
        while left > 0, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(20))
            left = await flights()
        }
        if left > 0 { logger.warning("fetches cancelled", metadata: ["fetches": "\(left)"]) }
    }

    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = .critical
        return logger
    }

    /// Heeds a table's stream until the engine is told to end.
    private struct Following: Service {
        let follower: StreamFollower

        func run() async { await cancelWhenGracefulShutdown { await follower.run() } }
    }

    /// The look-ups that the engine makes by itself.
    private struct Load: Service {
        let engine: Engine
        let warm: Int
        let rate: Double
        let told: Told

        func run() async throws {
            await cancelWhenGracefulShutdown {
                await Traffic(engine: engine, rate: rate).run(warming: warm)
                // Without traffic there is nothing to do but to be there.
                try? await gracefulShutdown()
            }
            told.mark()
            ServiceManager.stopping()
        }
    }

    private final class Told: Sendable {
        private let first = Mutex<ContinuousClock.Instant?>(nil)

        func mark() { first.withLock { $0 = $0 ?? .now } }
        var instant: ContinuousClock.Instant { first.withLock { $0 } ?? .now }
    }

    /// The terminal that the engine talks to and belongs to, if any. Its end is a SIGHUP as well,
    /// and has no other sign; another terminal that closes is only a log that nobody reads.
    private struct StartingTerminal {
        private let descriptor = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].first {
            tcgetsid($0) == getsid(0)
        }

        var isLost: Bool { descriptor.map { isatty($0) == 0 } ?? false }
    }

    /// Reads settings again when told to by SIGHUP: bounds of caches change at once; for the others
    /// it is said that they count from the next start on. It ends with the terminal.
    private struct Reload: Service {
        let engine: Engine
        let audit: AuditFile?
        let before: Serve
        let bounds: TableBounds
        let terminal: StartingTerminal
        let logger: Logger

        func run() async throws {
            var known = before
            let environment = ProcessInfo.processInfo.environment
            let hasGateway = before.hasGateway
            var settings = try? Settings(environment, hasGateway: hasGateway)
            for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
                if terminal.isLost { return }
                ServiceManager.reloading()
                defer { ServiceManager.ready() }
                do {
                    try audit?.reopen()
                    let fresh = try Settings(environment, hasGateway: hasGateway)
                    let written = LarderCommand.written
                    let parsed = try LarderCommand.parseAsRoot(fresh.arguments(before: written))
                    guard let serve = parsed as? Serve else { continue }
                    let (others, outcome) = try await engine.take(
                        try await said(known, serve),
                        by: Operator.operator.because("settings were read again"))
                    for name in (settings.map { fresh.differences(from: $0) } ?? []) + others {
                        logger.warning("\(name) takes a new start")
                    }
                    if let outcome {
                        logger.info("bounds changed", metadata: ["removed": "\(outcome.removed)"])
                    }
                    bounds.take(serve.origin)
                    (known, settings) = (serve, fresh)
                    logger.info("settings read again")
                } catch {
                    logger.error("settings not read again, nothing is changed: \(message(error))")
                }
            }
        }

        private func message(_ error: any Error) -> String {
            if let error = error as? AWSError { return error.forLogs }
            return error is SettingError || error is InspectorError || error is CacheError
                ? "\(error)" : LarderCommand.message(for: error)
        }

        /// What is said of all caches, before and now: of the engine's own, and of the tables behind
        /// its gateway.
        private func said(_ old: Serve, _ new: Serve) async throws -> [SaidBounds] {
            try await engine.inspector.report().caches.map(\.name).map { cache in
                guard let usual = engine.defaults[cache] else {
                    return SaidBounds(
                        cache: cache, before: old.origin.tableConfiguration(cache),
                        after: new.origin.tableConfiguration(cache))
                }
                return SaidBounds(
                    cache: cache, before: old.origin.configuration(cache, default: usual),
                    after: new.origin.configuration(cache, default: usual))
            }
        }
    }
}
