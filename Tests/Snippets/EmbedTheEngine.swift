import Larder
import LarderTesting
import Testing

/// The examples of the article "Embed the engine".
@Suite struct `Embed the engine` {
    struct Account: Hashable, Sendable {
        var number: String
        var name: String
    }

    struct Unreachable: Error {}

    /// A table that counts how often it is asked, and can be out of reach.
    actor Table {
        private(set) var reads = 0
        private var isDown = false

        func goDown() { isDown = true }

        func find(_ number: String) throws -> Account? {
            reads += 1
            guard !isDown else { throw Unreachable() }
            return number.hasPrefix("1") ? Account(number: number, name: "Kestrel Robotics") : nil
        }

        func account(_ number: String) throws -> Account {
            guard let account = try find(number) else { throw NoSuchValue() }
            return account
        }
    }

    func lookUp(in table: Table) async throws -> Account {
        let accounts = Cache<String, Account>(
            "accounts", maxsize: 64, ttl: .seconds(300)
        ) { number in
            try await table.account(number)
        }
        let account = try await accounts.value(for: "100000000001")
        return account
    }

    actor Accounts {
        private let cache = Cache<String, Account>("accounts", maxsize: 64, ttl: .seconds(300))
        private let table: Table

        init(_ table: Table) { self.table = table }

        func account(_ number: String) async throws -> Account {
            try await cache.value(for: number) { try await self.table.account(number) }
        }
    }

    func makeAccounts(of table: Table, clock: AgeClock = .system) -> Cache<String, Account> {
        let bounds = CacheConfiguration(
            maxsize: 64, ttl: .seconds(300), staleIfError: .seconds(60), negativeTTL: .seconds(5))
        let limits = FetchLimits(time: .seconds(2), atOnce: 8)
        return Cache("accounts", bounds, limits: limits, clock: clock) { number in
            guard let account = try await table.find(number) else { throw NoSuchValue() }
            return account
        }
    }

    func change(_ accounts: Cache<String, Account>) throws {
        accounts.insert(Account(number: "100000000009", name: "Nine"), for: "100000000009")
        accounts.invalidate("100000000001")
        accounts.invalidateSoftly("100000000002")
        try accounts.update { $0.maxsize = 128 }
    }

    func memoize(_ table: Table) async throws -> Account {
        let lookUp = memoized(name: "accounts", maxsize: 64, ttl: .seconds(300)) {
            (number: String) async throws -> Account in
            try await table.account(number)
        }
        let account = try await lookUp("100000000001")
        lookUp.invalidate("100000000001")
        return account
    }

    @Test func `a look-up is a read of the table`() async throws {
        let table = Table()
        #expect(try await lookUp(in: table).number == "100000000001")
        #expect(try await memoize(table).number == "100000000001")
        #expect(await table.reads == 2)
    }

    @Test func `a hundred callers of one account are one read`() async throws {
        let table = Table()
        let accounts = Accounts(table)
        try await withThrowingTaskGroup(of: Account.self) { group in
            for _ in 0..<100 { group.addTask { try await accounts.account("100000000001") } }
            for try await account in group { #expect(account.number == "100000000001") }
        }
        #expect(await table.reads == 1)
    }

    @Test func `an account is served on for a minute while the table is down`() async throws {
        let clock = TestClock()
        let table = Table()
        let accounts = makeAccounts(of: table, clock: clock.ageClock)
        let first = try await accounts.value(for: "100000000001")
        await table.goDown()
        clock.advance(by: .seconds(330))
        #expect(try await accounts.value(for: "100000000001") == first)
        clock.advance(by: .seconds(31))
        await #expect(throws: Unreachable.self) { try await accounts.value(for: "100000000001") }
    }

    @Test func `that there is no such account is remembered for five seconds`() async throws {
        let clock = TestClock()
        let table = Table()
        let accounts = makeAccounts(of: table, clock: clock.ageClock)
        for reads in [1, 1, 2] {
            await #expect(throws: NoSuchValue.self) { try await accounts.value(for: "2") }
            #expect(await table.reads == reads)
            if reads == 1 { clock.advance(by: .seconds(3)) }
        }
    }

    @Test func `what is changed by hand acts at once`() async throws {
        let accounts = makeAccounts(of: Table())
        for number in ["100000000001", "100000000002"] { _ = try await accounts.value(for: number) }
        try change(accounts)
        #expect(accounts.cached("100000000009")?.name == "Nine")
        #expect(accounts.cached("100000000001") == nil)
        #expect(accounts.configuration.maxsize == 128)
    }
}
