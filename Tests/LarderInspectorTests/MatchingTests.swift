import Larder
import TestSupport
import Testing

@testable import LarderInspector

/// Everything that passes a filter, as one set.
@Suite struct MatchingTests {
    @Test func `is what a page of everything has, whatever order and part are asked for`()
        async throws
    {
        let engine = Engine()
        for number in 0..<30 { engine.accounts.insert(Account(name: "a"), for: "k\(number)") }
        for number in 0..<30 where number % 3 == 0 { _ = engine.accounts.cached("k\(number)") }
        let query = EntryQuery(
            caches: ["accounts", "accounts"], filter: "hits=0 and key~k1", sort: .hits, offset: 3,
            limit: 2)
        let seen = try await engine.inspector.matching(query)
        let page = try await engine.inspector.entries(EntryQuery(filter: query.filter))
        #expect(page.matched == 8)
        #expect(
            Set(seen) == Set(page.rows.map { SeenEntry(id: $0.id, version: $0.version) }))
        #expect(seen.count == page.matched)
    }

    @Test func `has each entry that stayed once, whatever moves meanwhile`() async throws {
        let cache = Cache<String, Account>("accounts", maxsize: nil, ttl: nil) { _ in
            Account(name: "x")
        }
        let inspector = LocalInspector("pantry")
        inspector.add(cache)
        for number in 0..<40_000 {
            cache.insert(Account(name: "x"), for: number % 2 == 0 ? "stays \(number)" : "\(number)")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var random = Seeded(1)
                while !Task.isCancelled {
                    let number = Int.random(in: 0..<20_000, using: &random)
                    cache.insert(Account(name: "y"), for: "moves \(number)")
                    cache.invalidate("moves \(Int.random(in: 0..<20_000, using: &random))")
                    _ = cache.cached("stays \(number * 2)")
                    cache.insert(Account(name: "y"), for: "\(number * 2 + 1)")
                    await Task.yield()
                }
            }
            for _ in 0..<5 {
                let seen = try await inspector.matching(EntryQuery(filter: "s"))
                #expect(Set(seen.map(\.id)).count == seen.count)
                let stayed = seen.filter { $0.id.key.hasPrefix("stays ") }
                #expect(stayed.count == 20_000)
                #expect(stayed.allSatisfy { $0.version == cache.peek($0.id.key)?.facts.version })
                #expect(seen.allSatisfy { $0.id.key.contains("s") })
            }
            group.cancelAll()
        }
    }

    @Test func `has no failures among it, and one that lands meanwhile once at most`() async throws
    {
        let gate = Gate()
        let cache = Cache<String, Account>("accounts", maxsize: 64, ttl: .seconds(300)) { _ in
            try await gate.pass()
            return Account(name: "new")
        }
        let inspector = LocalInspector("pantry")
        inspector.add(cache)
        cache.insert(Account(name: "old"), for: "1")
        cache.invalidateSoftly("1")
        _ = try await cache.value(for: "1")
        let waiting = Task { try await cache.value(for: "2") }
        #expect(await settles { cache.snapshot().flights == 2 })
        let seen = try await inspector.matching(EntryQuery())
        #expect(seen == [SeenEntry(id: EntryKey(cache: "accounts", key: "1"), version: 1)])
        #expect(try await inspector.entries(EntryQuery()).rows.map(\.id.key) == ["1"])
        gate.open()
        _ = try await waiting.value
    }

    @Test func `is refused where it is more than one change can be about`() async throws {
        let cache = Cache<Int, Int>("numbers", maxsize: nil, ttl: nil) { $0 }
        let inspector = LocalInspector("pantry")
        inspector.add(cache) { .number("\($0)") }
        for number in 0...EntryQuery.mostMatching { cache.insert(number, for: number) }
        await #expect(
            throws: InspectorError(
                "100001 entries are more than 100000 at once; narrow the filter")
        ) { try await inspector.matching(EntryQuery()) }
        cache.invalidate(0)
        #expect(try await inspector.matching(EntryQuery()).count == EntryQuery.mostMatching)
    }
}

/// Names and keys are bytes.
@Suite struct NameTests {
    /// One text to Swift, and two names.
    private let names = ["caf\u{e9}", "cafe\u{301}"]

    @Test func `two caches may have names that differ in their bytes alone`() async throws {
        let inspector = LocalInspector("pantry")
        let caches = names.map { name in
            Cache<String, Account>(name, maxsize: 8, ttl: .seconds(300)) { Account(name: $0) }
        }
        for cache in caches { inspector.add(cache) }
        caches[1].insert(Account(name: "a"), for: "1")
        let page = try await inspector.entries(EntryQuery(caches: [names[1]]))
        #expect(page.rows.count == 1)
        #expect(try await inspector.entries(EntryQuery(caches: [names[0]])).rows.isEmpty)
        let ids = names.map { EntryKey(cache: $0, key: "1") }
        #expect(ids[0] != ids[1] && Set(ids).count == 2)
        #expect(try await inspector.apply(.invalidate([seen("1", in: names[0])])).removed == 0)
        #expect(
            try await inspector.apply(.invalidate(ids.map { SeenEntry(id: $0, version: nil) }))
                .removed == 1)
    }

    @Test func `two keys may be shown in texts that differ in their bytes alone`() async throws {
        let cache = Cache<[UInt8], Account>("accounts", maxsize: 8, ttl: .seconds(300)) { _ in
            Account(name: "a")
        }
        let inspector = LocalInspector("pantry")
        inspector.add(cache, key: { String(decoding: $0, as: UTF8.self) })
        for name in names { cache.insert(Account(name: name), for: Array(name.utf8)) }
        #expect(try await inspector.apply(.invalidate([seen(names[1])])).removed == 1)
        #expect(cache.peek(Array(names[0].utf8)) != nil)
        for name in names { cache.insert(Account(name: name), for: Array(name.utf8)) }
        #expect(try await inspector.apply(.invalidate(names.map { seen($0) })).removed == 2)
    }

    @Test(arguments: [
        ("plain", "plain"), ("a,b", "\"a,b\""), ("a\nb", "\"a\nb\""), ("a\rb", "\"a\rb\""),
        ("a\r\nb", "\"a\r\nb\""), ("a\"b", "\"a\"\"b\""), ("a\"\u{301}", "\"a\"\"\u{301}\""),
        ("a,\u{301}", "\"a,\u{301}\""), ("", ""),
    ])
    func `a field of CSV is quoted by its bytes`(text: String, field: String) {
        #expect(CSV.line([text]).utf8.elementsEqual(field.utf8))
    }
}
