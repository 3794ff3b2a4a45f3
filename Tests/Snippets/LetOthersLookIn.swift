import Larder
import LarderInspector
import LarderSocket
import LarderWire
import Logging
import ServiceLifecycle
import TestSupport
import Testing
import UnixSignals

/// The examples of the article "Let others look in".
@Suite(.timeLimit(.minutes(1))) struct `Let others look in` {
    func serve() async throws {
        let greetings = Cache<String, String>("greetings", maxsize: 10) { "hello, \($0)" }
        let inspector = LocalInspector("greeter", greetings)
        try await ServiceGroup(
            services: [SocketService(inspector, "greeter")], gracefulShutdownSignals: [.sigterm],
            logger: Logger(label: "greeter")
        ).run()
    }

    func makeOptions() -> SocketService.Options {
        var options = SocketService.Options()
        options.isReadOnly = true
        options.group = 1001
        options.isRequired = true
        return options
    }

    func log(_ inspector: LocalInspector, to logger: Logger) {
        inspector.record { change in
            logger.notice(
                "changed", metadata: ["by": "\(change.by)", "what": "\(change.summary)"])
        }
    }

    private static let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }

    @Test func `a service is looked into by whoever reaches its socket`() async throws {
        let folder = try TemporaryFolder()
        let place = try Rendezvous(folder: folder.path + "/own", name: "greeter")
        let greetings = Cache<String, String>("greetings", maxsize: 10) { "hello, \($0)" }
        _ = try await greetings.value(for: "ann")
        let inspector = LocalInspector("greeter", greetings)
        log(inspector, to: Self.quiet)
        let gate = Gate()
        var options = makeOptions()
        // To give files to a group, one has to be in it.
        options.group = nil
        options.onListening = { gate.open() }
        let group = ServiceGroup(
            services: [
                SocketService(
                    inspector, "greeter", at: place, options: options, logger: Self.quiet)
            ], gracefulShutdownSignals: [], logger: Self.quiet)
        let running = Task {
            // A service that failed is not waited for.
            defer { gate.open() }
            try await group.run()
        }
        try await gate.pass()
        let curl = ["curl", "--silent", "--max-time", "20", "--unix-socket", place.socket]
        #expect(try run(curl + ["http://larder/healthz"]).output == "ok\n")
        #expect(try run(curl + ["http://larder/v1/entries"]).output.contains("ann"))
        await group.triggerGracefulShutdown()
        try await running.value
    }
}
