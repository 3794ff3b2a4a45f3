import Larder
import LarderInspector
import LarderTelemetry
import Logging
import ServiceLifecycle
import Testing
import UnixSignals

/// The example of LarderTelemetry's article.
@Suite(.timeLimit(.minutes(1))) struct `Tell your backends` {
    struct Account: Sendable {
        var name: String
    }

    actor Table {
        func account(_ number: String) throws -> Account { Account(name: "Kestrel Robotics") }
    }

    func makeGroup(_ table: Table, _ logger: Logger) -> ServiceGroup {
        let accounts = Cache<String, Account>(
            "accounts", maxsize: 64, ttl: .seconds(300),
            fetch: traced("accounts") { number in try await table.account(number) })
        let inspector = LocalInspector("accounts-service")
        inspector.add(accounts) { .fields([.init("name", .text($0.name))]) }
        return ServiceGroup(
            services: [MetricsService(inspector)], gracefulShutdownSignals: [.sigterm],
            logger: logger)
    }

    @Test func `a group tells them until it shuts down`() async throws {
        let group = makeGroup(Table(), Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
        await group.triggerGracefulShutdown()
        try await group.run()
    }
}
