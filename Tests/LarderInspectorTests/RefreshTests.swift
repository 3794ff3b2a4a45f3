import Larder
import LarderInspector
import LarderTesting
import TestSupport
import Testing

/// What an operator sees of fetches that fail, and of entries near their end.
@Suite struct RefreshTests {
    private let clock = TestClock()
    private let inspector: LocalInspector
    private let cache: Cache<String, Account>
    private let gate = Gate()

    private enum Missing: Error { case item, service }

    init() {
        let (clock, gate) = (clock, gate)
        cache = Cache(
            "accounts",
            CacheConfiguration(
                maxsize: 64, ttl: .seconds(1200), staleIfError: .seconds(60),
                negativeTTL: .seconds(5)),
            refresh: Refresh(
                window: { _ in .seconds(300) }, mandatory: .seconds(60),
                backoff: .seconds(20) ... .seconds(20)
            ) { $0 as? Missing == .item ? .absent : .passing },
            clock: clock.neverWaking
        ) { key in
            switch key {
            case "missing": throw Missing.item
            case "slow":
                try await gate.pass()
                return Account(name: "slow")
            default: throw Missing.service
            }
        }
        inspector = LocalInspector("pantry", clock: clock.neverWaking)
        inspector.add(cache)
    }

    private func states(_ query: EntryQuery = EntryQuery(sort: .state)) async throws -> [String] {
        let page = try await inspector.entries(query)
        #expect(page.total == page.rows.count)
        return page.rows.map { "\($0.id.key) \($0.state(at: page.at).rawValue)" }
    }

    @Test func `every state is told, the most urgent first`() async throws {
        cache.insert(Account(name: "a"), for: "old")
        clock.advance(by: .seconds(30))
        cache.insert(Account(name: "a"), for: "failing")
        cache.insert(Account(name: "a"), for: "thin")
        clock.advance(by: .seconds(1140))
        cache.insert(Account(name: "a"), for: "fresh")
        _ = try? await cache.value(for: "missing")
        _ = try await cache.value(for: "failing")
        clock.advance(by: .seconds(1))
        #expect(
            try await states() == [
                "failing failed", "old thin", "thin thin", "missing negative", "fresh cold",
            ])
    }

    @Test(arguments: EntryColumn.allCases, [false, true])
    func `each row is listed once, whatever the order`(sort: EntryColumn, descending: Bool)
        async throws
    {
        for number in 0..<50 { cache.insert(Account(name: "a"), for: "number \(number)") }
        cache.insert(Account(name: "a"), for: "failing")
        clock.advance(by: .seconds(1000))
        _ = try? await cache.value(for: "missing")
        _ = try? await cache.value(for: "failing")
        for filter in ["", "i", "number 1", "failing"] {
            let page = try await inspector.entries(
                EntryQuery(filter: filter, sort: sort, descending: descending, limit: 500))
            let keys = page.rows.map(\.id.key)
            #expect(Set(keys).count == keys.count)
            #expect(page.matched == keys.count)
            #expect(page.total == 52)
            let some = try await inspector.entries(
                EntryQuery(filter: filter, sort: sort, descending: descending, limit: 3))
            #expect(some.rows.map(\.id.key) == Array(keys.prefix(3)))
            #expect(some.matched == page.matched)
        }
    }

    @Test func `a failure is a row in full, with its reason and the next try`() async throws {
        _ = try? await cache.value(for: "missing")
        let detail = try #require(
            try await inspector.entry(EntryKey(cache: "accounts", key: "missing")))
        #expect(!detail.row.isHeld)
        #expect(detail.row.refresh?.trouble?.until == clock.now + .seconds(5))
        #expect(detail.value == .fields([.init("failure", .text("Missing.item"))]))
        clock.advance(by: .seconds(5))
        #expect(try await states() == [])
    }

    @Test func `who waits for a fetch is counted`() async throws {
        cache.insert(Account(name: "a"), for: "slow")
        clock.advance(by: .seconds(1190))
        let waiting = (0..<3).map { _ in Task { try await cache.value(for: "slow") } }
        #expect(await settles { cache.snapshot().counters.lookups == 3 })
        let row = try #require(try await inspector.entries(EntryQuery()).rows.first)
        #expect(row.refresh?.waiters == 3)
        #expect(row.state(at: clock.now) == .refreshing)
        gate.open()
        for task in waiting { _ = try await task.value }
    }

    @Test func `an entry is compared with its origin and left as it is`() async throws {
        let engine = Engine()
        engine.accounts.insert(Account(name: "old"), for: "a")
        let before = engine.accounts.snapshot()
        let verification = try await engine.inspector.verify(EntryKey(cache: "accounts", key: "a"))
        #expect(verification.summary == "name is old here and fetched a there")
        #expect(engine.accounts.snapshot() == before)
        engine.accounts.insert(Account(name: "fetched a"), for: "a")
        let same = try await engine.inspector.verify(EntryKey(cache: "accounts", key: "a"))
        #expect(same.summary == "the same as at the origin")
    }
}
