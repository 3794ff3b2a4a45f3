import Glibc
import Larder
import LarderAWS
import LarderGateway
import LarderInspector
import Logging

/// The extension's life: it listens first, registers second, and asks for what is next at once, so
/// that the function's own start can use the cache already.
enum Extension {
    static func run(_ environment: [String: String], _ secrets: [String: Secret]) async {
        let logger = ExtensionLog.logger
        let settings = ExtensionSettings(environment)
        for note in settings.notes { logger.warning("\(note)") }
        let standstill = Standstill()
        let backing: Backing?
        let faces: [any Face]
        do {
            let made = try await Backing.make(settings, environment, secrets, standstill, logger)
            backing = made
            faces = made.faces.map { Watched(face: $0, standstill: standstill) }
            let bounds = settings.usualTable
            logger.info(
                "ready",
                metadata: [
                    "region": "\(made.client.region)",
                    "maxsize": "\(Units.text(maxsize: bounds.maxsize))",
                    "maxbytes":
                        "\(bounds.maxbytes.map { Units.words(bytes: $0) } ?? "none") a table",
                ])
        } catch {
            let sentence = (error as? AWSError)?.forLogs ?? "\(error)"
            logger.error("nothing is cached: \(sentence)")
            backing = nil
            faces = [Unavailable("larder's extension has nothing to ask: \(sentence)")]
        }
        let listener = Listener(address: settings.address, faces: faces, logger: logger)
        Task.detached { await listener.run() }
        Task.detached { await standstill.run() }
        Ending.onTermination { await end(settings, backing, reason: "SIGTERM") }
        await listener.tried()
        guard let api = settings.api else {
            logger.warning("AWS_LAMBDA_RUNTIME_API is not set: this is no Lambda function")
            return
        }
        let lifecycle = Lifecycle(
            api: ExtensionsAPI(api, client), name: Self.name, logger: logger,
            onInvoke: {
                standstill.notice()
                backing?.begin()
            })
        guard let reason = try? await lifecycle.run() else { return }
        await end(settings, backing, reason: reason)
    }

    /// To the end of the process, whether or not it is of any more use.
    private static let client = ExtensionsAPI.client()

    /// The name of the executable, by which Lambda knows the extension; that of the layer's where the
    /// process cannot see its own.
    static var name: String {
        let path = CommandLine.arguments.first ?? ""
        return path.split(separator: "/").last.map { String($0) } ?? "larder"
    }

    /// Says what it came to and ends.
    static func end(
        _ settings: ExtensionSettings, _ backing: Backing?, reason: String
    ) async -> Never {
        if settings.hasMetrics, let backing {
            let summary = Summary(
                function: settings.function ?? "unknown", reason: reason,
                tables: backing.tables,
                answered: backing.dynamoDB.answered, sessions: backing.credentials.snapshot(),
                operations: backing.client.operations, time: Int64(time(nil)) * 1000)
            // Nobody may read it any more, and Lambda does not wait.
            _ = Descriptor.write(summary.line + "\n", to: 1, patience: 100)
        }
        _exit(0)
    }
}
