import ArgumentParser
import Foundation
import LarderInspector
import LarderSocket
import Logging
import ServiceLifecycle
import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run an engine without a console, for others to look into.",
        discussion: """
            Examples:
              larder serve --traffic 50
              larder serve --table accounts --region eu-west-1 --name accounts
            """)

    @OptionGroup(title: "Origin")
    var origin: OriginOptions

    @Option(help: "What the engine is called. (default: the table's name, or demo)")
    var name: String?

    @Option(help: "Look-ups a second that larder makes by itself. (default: 0)")
    var traffic = 0.0

    @Option(help: "Keys to look up once at the start. (default: 0)")
    var warm = 0

    @Option(name: .customLong("allow-gid"), help: "A group whose members may look in as well.")
    var group: UInt32?

    @Flag(help: "Nobody who looks in can change anything.")
    var readOnly = false

    enum LogFormat: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @Option(help: "How log lines are written.")
    var logFormat = LogFormat.text

    func validate() throws {
        guard (0...100_000).contains(traffic) else {
            throw ValidationError("--traffic: 0 to 100000 look-ups a second are accepted")
        }
        guard (0...1_000_000).contains(warm) else {
            throw ValidationError("--warm: 0 to 1000000 keys are accepted")
        }
    }

    func run() async throws {
        let format = logFormat
        LoggingSystem.bootstrap { label in
            let handler: any LogHandler =
                format == .json
                ? JSONLog(label: label) : StreamLogHandler.standardError(label: label)
            return handler
        }
        let logger = Logger(label: "larder")
        let engine = try await Engine.make(origin, makesTraffic: traffic > 0)
        var options = SocketService.Options()
        options.group = group
        options.isReadOnly = readOnly
        let socket = SocketService(
            engine.inspector, name ?? origin.table ?? "demo", options: options, logger: logger)
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: socket, failureTerminationBehavior: .cancelGroup),
                    .init(
                        service: Load(engine: engine, warm: warm, rate: traffic),
                        successTerminationBehavior: .ignore),
                ], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger)))
        let result: Result<Void, any Error>
        do { result = .success(try await group.run()) } catch { result = .failure(error) }
        await engine.close()
        do { try result.get() } catch let error as SocketError {
            say("\(error)")
            throw Ending(status: 1)
        }
    }

    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = .error
        return logger
    }

    /// The look-ups that the engine makes by itself.
    private struct Load: Service {
        let engine: Engine
        let warm: Int
        let rate: Double

        func run() async throws {
            await cancelWhenGracefulShutdown {
                await engine.warm(warm)
                await Traffic(engine: engine, rate: rate).run()
                // Without traffic there is nothing to do but to be there.
                try? await gracefulShutdown()
            }
        }
    }
}

/// One JSON object a line, on standard error.
struct JSONLog: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = [
            "time": Date().formatted(.iso8601), "level": event.level.rawValue, "logger": label,
            "message": "\(event.message)",
        ]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
            line[key] = "\(value)"
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts can be written.
        FileHandle.standardError.write(try! encoder.encode(line) + Data("\n".utf8))
    }
}
