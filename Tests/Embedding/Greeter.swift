import Larder
import LarderInspector
import LarderSocket
import Logging
import ServiceLifecycle
import UnixSignals

/// A service of somebody else's, with a cache that operators can look into.
@main struct Greeter {
    static func main() async throws {
        let greetings = Cache<String, String>("greetings", maxsize: 10) { "hello, \($0)" }
        let inspector = LocalInspector("greeter", greetings)
        for name in ["ann", "bob"] { _ = try await greetings.value(for: name) }
        try await ServiceGroup(
            services: [SocketService(inspector, "greeter")], gracefulShutdownSignals: [.sigterm],
            logger: Logger(label: "greeter")
        ).run()
    }
}
