import Foundation
import Larder
import LarderTesting
import TestSupport
import Testing

@testable import LarderInspector

@Suite struct ListingTests {
    /// An engine with many entries, many of them alike in what they are sorted by.
    private static func stocked(_ seed: UInt64, entries: Int = 300) async throws -> Engine {
        let engine = Engine(maxsize: 1000)
        var random = Seeded(seed)
        for _ in 0..<entries {
            let number = Int.random(in: 0..<entries, using: &random)
            if Bool.random(using: &random) {
                let name = String(repeating: "n", count: 16 * Int.random(in: 0..<4, using: &random))
                engine.accounts.insert(Account(name: name), for: "Account-\(number)")
            } else {
                let life = [nil, 5, 60, 900].randomElement(using: &random)!
                let role = Role("\(number)", "reader")
                let expiry = life.map { engine.clock.now + .seconds($0) }
                engine.credentials.insert(Credential(role: role, expiry: expiry), for: role)
            }
            if number.isMultiple(of: 3) {
                _ = engine.accounts.cached("Account-\(number / 3)")
                engine.clock.advance(by: .milliseconds(Int.random(in: 0...300, using: &random)))
            }
        }
        return engine
    }

    /// Every row there is, in no particular order.
    private static func rows(_ engine: Engine) async throws -> [EntryRow] {
        try await engine.inspector.entries(EntryQuery(limit: .max)).rows.shuffled()
    }

    /// The whole list sorted at once, as the definition has it.
    private static func sorted(_ rows: [EntryRow], _ query: EntryQuery, _ now: AgeInstant)
        -> [EntryRow]
    {
        func ascends(_ a: EntryRow, _ b: EntryRow) -> Bool {
            switch query.sort {
            case .cache: a.id.cache < b.id.cache
            case .key: a.id.key < b.id.key
            case .ttl: (a.deadline ?? .distantFuture) < (b.deadline ?? .distantFuture)
            case .expiry: (a.expiry ?? .distantFuture) < (b.expiry ?? .distantFuture)
            case .age: now - a.writtenAt < now - b.writtenAt
            case .hits: a.hits < b.hits
            case .size: a.bytes < b.bytes
            case .state: urgency(a.state(at: now)) < urgency(b.state(at: now))
            case .fetch: a.fetchTime < b.fetchTime
            case .version: a.version < b.version
            case .lasthit: (a.lastHit ?? .longAgo) > (b.lastHit ?? .longAgo)
            case .fetches: a.fetchRate! < b.fetchRate!
            case .refresh: refresh(a) < refresh(b)
            case .togo: a.toGo! < b.toGo!
            case EntryColumn(rawValue: "loads"): a.loads < b.loads
            case let other: fatalError("how \(other.rawValue) sorts is not said here")
            }
        }
        return rows.sorted { a, b in
            let (first, second) = query.descending ? (b, a) : (a, b)
            if ascends(first, second) { return true }
            if ascends(second, first) { return false }
            return (a.id.cache, a.version) < (b.id.cache, b.version)
        }
    }

    private static func refresh(_ row: EntryRow) -> AgeInstant {
        row.nextRefresh(at: .longAgo) ?? .distantFuture
    }

    private static func urgency(_ state: EntryRow.State) -> Int {
        switch state {
        case .expired: 0
        case .stale: 1
        case .failed: 2
        case .thin: 3
        case .negative: 4
        case .refreshing: 5
        case .expiring: 6
        case .cold: 7
        case .fresh: 8
        }
    }

    @Test(arguments: EntryColumn.allCases, [false, true])
    func `a page is what sorting everything would begin with`(sort: EntryColumn, descending: Bool)
        async throws
    {
        let engine = try await Self.stocked(3)
        let rows = try await Self.rows(engine)
        #expect(rows.count > 150)
        for (offset, limit) in [(0, 1), (0, 20), (7, 33), (150, 1000), (0, 0), (5000, 10)] {
            let query = EntryQuery(sort: sort, descending: descending, offset: offset, limit: limit)
            let page = try await engine.inspector.entries(query)
            let whole = Self.sorted(rows, query, engine.clock.now)
            #expect(page.rows == Array(whole.dropFirst(offset).prefix(limit)))
            #expect(page.matched == rows.count)
            #expect(page.total == rows.count)
            #expect(page.at == engine.clock.now)
        }
    }

    @Test(arguments: [EntryColumn.hits, .size, .key, .ttl])
    func `pages join up without overlap, and what is equal stays in place`(sort: EntryColumn)
        async throws
    {
        let engine = try await Self.stocked(4)
        let whole = try await engine.inspector.entries(EntryQuery(sort: sort, limit: .max)).rows
        for size in [1, 7, 64] {
            var joined: [EntryRow] = []
            while true {
                let query = EntryQuery(sort: sort, offset: joined.count, limit: size)
                let page = try await engine.inspector.entries(query).rows
                joined += page
                if page.count < size { break }
            }
            #expect(joined == whole)
        }
        #expect(Set(whole.map(\.id)).count == whole.count)
    }

    @Test func `rows held elsewhere make the same page`() async throws {
        let engine = try await Self.stocked(5)
        let rows = try await Self.rows(engine)
        for sort in EntryColumn.allCases {
            let query = EntryQuery(filter: "1", sort: sort, descending: true, offset: 3, limit: 30)
            let page = try await engine.inspector.entries(query)
            let same = try query.page(of: rows, at: engine.clock.now)
            #expect(same == page)
        }
    }

    @Test func `a filter finds part of the shown key in either case`() async throws {
        let engine = Engine()
        for key in ["Alpha", "alphabet", "beta", "Großmarkt"] {
            engine.accounts.insert(Account(name: key), for: key)
        }
        engine.credentials.insert(
            Credential(role: Role("1", "ALPHA"), expiry: nil), for: Role("1", "ALPHA"))
        func found(_ filter: String, _ caches: [String] = []) async throws -> [String] {
            try await engine.inspector.keys(EntryQuery(caches: caches, filter: filter, sort: .key))
        }
        #expect(try await found("alpha") == ["1/ALPHA", "Alpha", "alphabet"])
        #expect(try await found("ALPHA", ["accounts"]) == ["Alpha", "alphabet"])
        #expect(try await found("bet") == ["alphabet", "beta"])
        #expect(try await found("1/") == ["1/ALPHA"])
        #expect(try await found("ß") == ["Großmarkt"])
        #expect(try await found("alphabets") == [])
        let page = try await engine.inspector.entries(
            EntryQuery(caches: ["accounts"], filter: "ta", limit: 0))
        #expect((page.rows.count, page.matched, page.total) == (0, 1, 4))
    }

    @Test func `an entry without an end sorts behind every other`() async throws {
        let engine = Engine(ttl: nil)
        let role = Role("1", "reader")
        engine.credentials.insert(
            Credential(role: role, expiry: engine.clock.now + .seconds(900)), for: role)
        engine.accounts.insert(Account(name: ""), for: "endless")
        for sort in [EntryColumn.ttl, .expiry] {
            #expect(
                try await engine.inspector.keys(EntryQuery(sort: sort)) == ["1/reader", "endless"])
        }
        let row = try #require(
            try await engine.inspector.entries(EntryQuery(filter: "endless")).rows.first)
        #expect(row.deadline == nil)
    }

    @Test(arguments: [
        (1, 0, EntryRow.State.cold), (1, 1, .fresh), (269, 1, .fresh), (270, 1, .fresh),
        (271, 1, .expiring), (271, 0, .expiring), (299, 1, .expiring), (300, 1, .expired),
    ])
    func `a state is said in one word`(age: Int, hits: UInt64, state: EntryRow.State) {
        let start = AgeInstant(nanoseconds: 0)
        let row = EntryRow(
            id: EntryKey(cache: "accounts", key: "a"), version: 1, writtenAt: start, expiry: nil,
            deadline: start + .seconds(300), hits: hits, lastHit: nil, bytes: 1, fetchTime: .zero)
        #expect(row.state(at: start + .seconds(age)) == state)
    }

    @Test func `a refresh that failed is told of between its tries, and until one is under way`() {
        let start = AgeInstant(nanoseconds: 0)
        var row = EntryRow(
            id: EntryKey(cache: "credentials", key: "a"), version: 1, writtenAt: start, expiry: nil,
            deadline: start + .seconds(900), hits: 5, lastHit: nil, bytes: 1, fetchTime: .zero)
        row.refresh = RefreshFacts()
        row.refresh?.start = start + .seconds(100)
        row.refresh?.trouble = Trouble(
            kind: .failed, failure: .throttled, reason: "", since: start + .seconds(100),
            last: start + .seconds(100), until: start + .seconds(110), failures: 1)
        #expect(row.state(at: start + .seconds(105)) == .failed)
        #expect(row.state(at: start + .seconds(130)) == .failed)
        // What is due is refreshed by the next look-up, and not half a minute ago.
        #expect(row.nextRefresh(at: start + .seconds(130)) == start + .seconds(130))
        row.refresh?.isFetching = true
        #expect(row.state(at: start + .seconds(130)) == .refreshing)
        // Of an absent thing that is remembered there is a row until that is forgotten.
        row.version = 0
        row.refresh?.isFetching = false
        row.refresh?.trouble?.kind = .absent
        #expect(row.state(at: start + .seconds(130)) == .negative)
    }

    @Test func `looking changes neither order nor a counter`() async throws {
        let engine = try await Self.stocked(6)
        // How long the locks were held is all that looking may change.
        func seen(_ snapshot: CacheSnapshot) -> CacheSnapshot {
            var snapshot = snapshot
            snapshot.holds = Holds()
            return snapshot
        }
        let before = (seen(engine.accounts.snapshot()), seen(engine.credentials.snapshot()))
        let orders = (engine.accounts.order, engine.credentials.order)
        let inspector = engine.inspector
        let row = try #require(
            try await inspector.entries(EntryQuery(caches: ["accounts"])).rows.last)
        for sort in EntryColumn.allCases {
            _ = try await inspector.entries(EntryQuery(filter: "a", sort: sort, limit: 1000))
        }
        _ = try await inspector.report()
        _ = try #require(try await inspector.entry(row.id))
        _ = try await inspector.events(in: "accounts", after: 0, limit: 1000)
        _ = try await inspector.plan(.invalidateAll(cache: "accounts"))
        _ = try await inspector.plan(.invalidate([SeenEntry(id: row.id, version: nil)]))
        _ = try await inspector.plan(
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: 1, ttl: .zero)))
        #expect(seen(engine.accounts.snapshot()) == before.0)
        #expect(seen(engine.credentials.snapshot()) == before.1)
        #expect(engine.accounts.order == orders.0)
        #expect(engine.credentials.order == orders.1)
    }

    @Test func `a listing has one now, whatever the caches are`() async throws {
        let engine = try await Self.stocked(7)
        engine.clock.advance(by: .seconds(30))
        let page = try await engine.inspector.entries(EntryQuery(limit: 5))
        #expect(page.at == engine.clock.now)
    }

    @Test(arguments: [(-1, 0), (0, -1), (.min, .min)])
    func `a negative offset or limit is refused`(offset: Int, limit: Int) async {
        await #expect(throws: InspectorError("offset and limit are 0 or more")) {
            try await Engine().inspector.entries(EntryQuery(offset: offset, limit: limit))
        }
    }

    @Test func `the largest offset and limit are borne`() async throws {
        let engine = try await Self.stocked(8, entries: 40)
        let page = try await engine.inspector.entries(EntryQuery(offset: .max, limit: .max))
        #expect(page.rows.isEmpty)
        #expect(page.matched > 0)
    }

    @Test func `an unknown cache is refused, and the known ones are named`() async throws {
        let engine = Engine()
        let error = InspectorError(
            "no cache is called \"orders\"; there are accounts, credentials")
        let key = EntryKey(cache: "orders", key: "a")
        let inspector = engine.inspector
        await #expect(throws: error) { try await inspector.entries(EntryQuery(caches: ["orders"])) }
        await #expect(throws: error) { try await inspector.entry(key) }
        await #expect(throws: error) { try await inspector.fetch(key) }
        await #expect(throws: error) {
            try await inspector.events(in: "orders", after: 0, limit: 1)
        }
        await #expect(throws: error) { try await inspector.plan(.invalidateAll(cache: "orders")) }
        await #expect(throws: error) {
            try await inspector.plan(.invalidate([seen("a"), SeenEntry(id: key, version: nil)]))
        }
        await #expect(throws: error) {
            try await inspector.plan(
                .configure(cache: "orders", to: CacheConfiguration(maxsize: 1, ttl: nil)))
        }
        let single = LocalInspector("single")
        single.add(engine.accounts)
        await #expect(
            throws: InspectorError("no cache is called \"orders\"; there is one: accounts")
        ) { try await single.entry(key) }
    }
}

@Suite struct DetailTests {
    @Test func `an entry is told in full, with what its value shows`() async throws {
        let engine = Engine()
        let written = engine.clock.now
        engine.accounts.insert(Account(name: "pantry"), for: "1")
        engine.clock.advance(by: .seconds(10))
        _ = engine.accounts.cached("1")
        let key = EntryKey(cache: "accounts", key: "1")
        let detail = try #require(try await engine.inspector.entry(key))
        #expect(detail.value == .fields([Shown.Field("name", .text("pantry"))]))
        #expect(detail.row.id == key)
        #expect(detail.row.version == 1)
        #expect(detail.row.writtenAt == written)
        #expect(detail.row.deadline == written + .seconds(300))
        #expect(detail.row.expiry == nil)
        #expect(detail.row.hits == 1)
        #expect(detail.row.lastHit == engine.clock.now)
        #expect(detail.row.bytes == engine.accounts.snapshot().bytes)
        #expect(try await engine.inspector.entries(EntryQuery()).rows == [detail.row])
        engine.clock.advance(by: .seconds(290))
        #expect(try await engine.inspector.entry(key) == nil)
    }

    @Test func `a key that is not text is found by how it is shown`() async throws {
        let engine = Engine()
        let role = Role("100000000001", "reader")
        let expiry = engine.clock.now + .seconds(900)
        engine.credentials.insert(Credential(role: role, expiry: expiry), for: role)
        let key = EntryKey(cache: "credentials", key: "100000000001/reader")
        let detail = try #require(try await engine.inspector.entry(key))
        #expect(detail.row.expiry == expiry)
        #expect(detail.row.deadline == expiry)
        let unknown = EntryKey(cache: "credentials", key: "100000000002/reader")
        #expect(try await engine.inspector.entry(unknown) == nil)
    }

    @Test func `a text key that is shown otherwise is found by how it is shown`() async throws {
        let cache = Cache<String, String>("mail") { $0 }
        let inspector = LocalInspector("post")
        inspector.add(cache, key: { "to " + $0 })
        cache.insert("letter", for: "ann")
        cache.insert("parcel", for: "bob")
        let key = EntryKey(cache: "mail", key: "to ann")
        #expect(try await inspector.entries(EntryQuery(sort: .key)).rows.first?.id == key)
        #expect(try await inspector.entry(key)?.value == .text("letter"))
        #expect(try await inspector.entry(EntryKey(cache: "mail", key: "ann")) == nil)
        let entry = SeenEntry(id: key, version: 1)
        #expect(try await inspector.apply(.invalidate([entry])).removed == 1)
        #expect(cache.peek("ann") == nil)
        #expect(cache.peek("bob") != nil)
    }

    @Test func `a report has every cache, the process and the instant`() async throws {
        let engine = Engine()
        engine.accounts.insert(Account(name: "a"), for: "1")
        let report = try await engine.inspector.report()
        #expect(report.name == "pantry")
        #expect(report.pid == ProcessInfo.processInfo.processIdentifier)
        #expect(report.at == engine.clock.now)
        #expect(abs(report.wall.timeIntervalSinceNow) < 60)
        #expect(report.caches.map(\.name) == ["accounts", "credentials"])
        #expect(report.caches[0].snapshot == engine.accounts.snapshot())
        #expect(report.memory.resident ?? 0 > 1 << 20)
        #expect(report.instance != LocalInspector("pantry").instance)
        #expect(report.instance == engine.inspector.instance)
    }

    @Test func `events carry the shown key, and what was dropped`() async throws {
        let cache = Cache<Role, String>("roles", events: 2) { $0.name }
        let inspector = LocalInspector("events")
        inspector.add(cache, key: \.shownKey)
        for _ in 0..<2 {
            cache.insert("x", for: Role("1", "reader"))
            cache.invalidate(Role("1", "reader"), by: Operator("ann", reason: "stale"))
        }
        let log = try await inspector.events(in: "roles", after: 0, limit: 10)
        #expect(log.dropped == 2)
        #expect(log.events.map(\.number) == [3, 4])
        #expect(log.events.map(\.key) == ["1/reader", "1/reader"])
        #expect(log.events.map(\.cache) == ["roles", "roles"])
        #expect(log.events.map(\.by) == [nil, Operator("ann", reason: "stale")])
        #expect(try await inspector.events(in: "roles", after: 2, limit: 1).events.count == 1)
    }

    @Test func `a fetch through the inspector is a look-up like any other`() async throws {
        let engine = Engine()
        let key = EntryKey(cache: "accounts", key: "1")
        let miss = try await engine.inspector.fetch(key)
        #expect(!miss.wasHit)
        #expect(miss.row?.version == 1)
        #expect(miss.value == .fields([Shown.Field("name", .text("fetched 1"))]))
        let hit = try await engine.inspector.fetch(key)
        #expect(hit.wasHit)
        #expect(hit.row?.hits == 1)
        #expect(engine.accounts.snapshot().counters.hits == 1)
        #expect(engine.accounts.snapshot().counters.misses == 1)
        try engine.accounts.update { $0.maxsize = 0 }
        let unkept = try await engine.inspector.fetch(key)
        #expect(!unkept.wasHit && unkept.row == nil)
    }

    @Test func `a key that is not held is read as its cache reads it, or refused`() async throws {
        let engine = Engine()
        let role = EntryKey(cache: "credentials", key: "1/reader")
        #expect(try await engine.inspector.fetch(role).row?.id == role)
        await #expect(throws: InspectorError("a role is written account/name")) {
            try await engine.inspector.fetch(EntryKey(cache: "credentials", key: "reader"))
        }
        let strict = LocalInspector("strict")
        strict.add(
            engine.accounts,
            parse: {
                guard $0.allSatisfy(\.isNumber) else { throw InspectorError("digits, please") }
                return $0
            })
        await #expect(throws: InspectorError("digits, please")) {
            try await strict.fetch(EntryKey(cache: "accounts", key: "x"))
        }
        #expect(try await strict.fetch(EntryKey(cache: "accounts", key: "12")).row != nil)
        let mute = LocalInspector("mute")
        mute.add(engine.credentials, key: \.shownKey)
        #expect(try await mute.fetch(role).wasHit)
        await #expect(throws: InspectorError.self) {
            try await mute.fetch(EntryKey(cache: "credentials", key: "2/reader"))
        }
    }
}

extension AgeInstant {
    fileprivate static let longAgo = AgeInstant(nanoseconds: .min)
}
