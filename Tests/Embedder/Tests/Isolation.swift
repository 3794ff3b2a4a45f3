import Larder
import Synchronization
import Testing

/// The first thing that a service writes: an actor with a cache, whose fetch needs the actor.
private actor Accounts {
    private let cache = Cache<String, Account>("accounts", maxsize: 64, ttl: .seconds(300))
    private let table: Table
    private var asked = 0

    init(_ table: Table) { self.table = table }

    func account(_ number: String) async throws -> Account {
        try await cache.value(for: number) { try await self.read(number) }
    }

    func wasInvalidated(_ number: String) { cache.invalidate(number) }

    private func read(_ number: String) async throws -> Account {
        asked += 1
        return try await table.account(number)
    }
}

/// What the main actor shows.
@MainActor private final class Screen {
    private let names = Cache<Int, String>("names", maxsize: 16) { "name \($0)" }
    private(set) var title = ""

    func show(_ number: Int) async throws { title = try await names.value(for: number) }
    func showHeld(_ number: Int) { title = names.cached(number) ?? "not held" }
}

private enum Service {
    static let names = Cache<Int, String>("names") { "name \($0)" }
    @TaskLocal static var request = "none"
}

@Suite struct `Isolation` {
    @Test func `of an actor holds a cache whose fetch needs it`() async throws {
        let table = Table()
        let accounts = Accounts(table)
        _ = try await accounts.account("1")
        _ = try await accounts.account("1")
        #expect(table.reads == 1)
        await accounts.wasInvalidated("1")
        _ = try await accounts.account("1")
        #expect(table.reads == 2)
    }

    @Test @MainActor func `of the main actor asks without a hop`() async throws {
        let screen = Screen()
        screen.showHeld(7)
        #expect(screen.title == "not held")
        try await screen.show(7)
        screen.showHeld(7)
        #expect(screen.title == "name 7")
    }

    @Test func `is not needed by a static cache`() async throws {
        async let first = Service.names.value(for: 1)
        async let second = Service.names.value(for: 2)
        #expect(try await [first, second] == ["name 1", "name 2"])
    }

    @Test func `lets a fetch see the task locals of whoever started it`() async throws {
        let cache = Cache<Int, String>("requests") { _ in Service.request }
        let seen = try await Service.$request.withValue("a") { try await cache.value(for: 1) }
        #expect(seen == "a")
    }

    @Test func `lets a caller leave without harm to others`() async throws {
        let table = Table()
        let door = Door()
        let cache = Cache<String, Account>("accounts") { number in
            await door.pass()
            return try await table.account(number)
        }
        let impatient = Task { try await cache.value(for: "1") }
        let patient = Task { try await cache.value(for: "1") }
        while cache.snapshot().counters.lookups < 2 { await Task.yield() }
        impatient.cancel()
        await #expect(throws: CancellationError.self) { try await impatient.value }
        door.open()
        #expect(try await patient.value.number == "1")
        #expect(table.reads == 1)
    }

    @Test func `of an actor as a memoized function`() async throws {
        let table = Table()
        let account = memoized(maxsize: 8) { (number: String) async throws -> Account in
            try await table.account(number)
        }
        _ = try await account("1")
        _ = try await account("1")
        #expect(table.reads == 1)
    }
}
