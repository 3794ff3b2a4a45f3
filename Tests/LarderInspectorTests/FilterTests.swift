import Larder
import LarderInspector
import LarderTesting
import TestSupport
import Synchronization
import Testing

@testable import LarderInspector

@Suite struct FilterTests {
    private static let now = AgeInstant(nanoseconds: 1_000_000_000_000)

    private func passes(_ text: String) throws -> Bool {
        let facts = EntryFacts(
            version: 8812, writtenAt: Self.now + .seconds(-90), expiry: nil,
            deadline: Self.now + .seconds(210), hits: 1200, lastHit: nil, bytes: 2048,
            fetchTime: .milliseconds(84))
        return try EntryFilter(text).passes(
            EntryFilter.Subject(
                entry: EntrySubject(facts, nil, .init(fetchRate: 2, toGo: 3), at: Self.now),
                cache: "accounts")
        ) { "4410-Ann/reader" }
    }

    @Test(arguments: [
        ("", true), ("4410", true), ("ANN", true), ("ann/reader", true), ("bob", false),
        ("4410 reader", true), ("4410 bob", false), ("'0-Ann'", true), ("\"nn/ \"", false),
        ("hits=1200", true), ("hits>=1k", true), ("hits>1200", false), ("hits!=1200", false),
        ("size=2k", true), ("size<=2047", false), ("ttl<5m", true), ("ttl>3m30s", false),
        ("ttl>=3m30s", true), ("age>1m", true), ("age<90s", false), ("fetch>=84ms", true),
        ("expiry>100d", true), ("expiry<1d", false), ("version=8812", true),
        ("cache=accounts", true), ("cache!=accounts", false), ("key=4410", false),
        ("key~^4410", true), ("key~reader$", true), ("key!~Ann", false), ("key~'A(nn|b)'", true),
        ("state=fresh", true), ("state!=fresh", false), ("state=EXPIRED", false),
        ("not hits=1200", false), ("!bob", true), ("! hits=1 4410", true),
        ("hits=1 or 4410", true), ("hits=1 or bob and 4410", false),
        ("(hits=1 or ann) and ttl<1h", true), ("not (bob or hits=1)", true),
        ("AND4410", false), ("hits=1200 AND ann OR bob", true),
        ("size=2 KiB", true), ("size>64 B", true), ("size > 64 B and ann", true),
        ("(size<=2 k)", true), ("size>2 m", false), ("size>64 Ann", true), ("ttl<4 m", true),
        ("ttl<3 m", false), ("age>=90 s ann", true), ("hits>5 k", false),
        // Never is longer ago than any time, and what has no refresh to come waits for ever.
        ("lasthit>1d", true), ("lasthit<1h", false), ("refresh>1d", true), ("fetches>=2/s", true),
        ("fetches>121/m", false), ("togo=3", true), ("togo<=2", false),
        ("fresh", true), ("FRESH", true), ("stale", false), ("negative", false), ("cold", false),
        ("not stale", true), ("state=stale", false), ("'fresh'", false), ("fresher", false),
        ("(fresh or cold) ann", true),
    ])
    func `an entry passes as one would think`(text: String, isWanted: Bool) throws {
        let isPassed = try passes(text)
        #expect(isPassed == isWanted)
    }

    @Test(arguments: [
        ("hits>soon", 5, "\"soon\" is no number"), ("ttl<5x", 4, "is not a duration"),
        ("colour=red", 0, "there is no field \"colour\""), ("hits~5", 4, "hits is a number"),
        ("key>a", 3, "text is compared with"), ("key~(", 4, "is no regular expression"),
        ("state=good", 6, "is no state"), ("(ann", 0, "this bracket is not closed"),
        ("ann)", 3, "nothing was opened here"), ("'ann", 0, "this quote is not closed"),
        ("ann and", 7, "something is missing here"), ("or ann", 0, ""),
        ("hits=", 5, "a value is expected here"), ("=5", 0, "a word is expected here"),
        ("hits=99999999999999999999", 5, "is no number"),
        ("a && b", 2, "write \"and\" for &&"), ("a || b", 2, "write \"or\" for ||"),
        ("a||b", 1, "write \"or\""), ("hits>1 & ann", 7, "write \"and\" for &"),
        ("a | b", 2, "write \"or\" for |"), ("hits>1&&size>2", 6, "write \"and\""),
        ("cache=x&&y", 7, "write \"and\""), ("key~a && b", 6, "write \"and\""),
        ("&& a", 0, "write \"and\""), ("(a) && (b)", 4, "write \"and\""),
        ("state:fresh", 0, "write state=fresh"), ("hits:5", 0, "write hits=5"),
        ("cache:accounts", 0, "write cache=accounts"), ("fetches>soon", 8, "is not a rate"),
        ("size>1.5 KiB", 5, "is no number of bytes"), ("togo<1m1s", 5, "is no number"),
        ("lasthit>x", 8, "is not a duration"), ("state=gone", 6, "stale"),
    ])
    func `what cannot be read is told, with the place`(
        text: String, place: Int, words: String
    ) throws {
        // "or" by itself is a word like any other.
        if text == "or ann" { return _ = try EntryFilter(text) }
        let error = #expect(throws: FilterError.self) { try EntryFilter(text) }
        #expect(error?.place == place)
        #expect(error?.sentence.contains(words) == true, "\(error?.sentence ?? "")")
        #expect(
            error?.description.hasSuffix(String(repeating: " ", count: place + 2) + "^") == true)
    }

    private static let scopes: [EntryFilter.Scope] = [
        .entries(of: ["accounts", "credentials"]), .events(of: ["accounts", "credentials"]),
    ]

    @Test(arguments: [
        ("cache=nosuch", 0, 6, "there are accounts, credentials"),
        ("cache!=nosuch", 1, 7, "no cache is called \"nosuch\""),
        ("ann or (cache = Accounts)", 0, 16, "no cache is called"),
        ("cache~^x", 1, 6, "no cache matches \"^x\""), ("cache!~x", 0, 7, "no cache matches"),
        ("state=evicted", 0, 6, "no state of an entry; expired, stale, failed"),
        ("state=fresh", 1, 6, "nothing that happens; written, failed"),
        ("state=stale", 1, 6, "nothing that happens"), ("ttl<5m", 1, 0, "events have no ttl"),
        ("table=orders", 1, 0, "events have no table"),
        ("ann togo=1", 1, 4, "age, by, cache, fetch, hits, key, size, state, version are"),
    ])
    func `what is not there is told, with what is`(
        text: String, scope: Int, place: Int, words: String
    ) {
        #expect(throws: Never.self) { try EntryFilter(text) }
        let error = #expect(throws: FilterError.self) {
            try EntryFilter(text, of: Self.scopes[scope])
        }
        #expect(error?.place == place && error?.sentence.contains(words) == true, "\(error as Any)")
    }

    @Test(arguments: [
        ("cache=accounts", 0), ("cache!=credentials and state=stale", 0), ("cache~^acc", 1),
        ("state=evicted", 1), ("expired", 1), ("fresh or age<5m", 1), ("state=failed by=ann", 0),
        ("'cache=nosuch'", 0),
    ])
    func `what is there is read`(text: String, scope: Int) {
        #expect(throws: Never.self) { try EntryFilter(text, of: Self.scopes[scope]) }
    }

    @Test func `whatever is typed is read or refused, and never more`() {
        let pieces = [
            "hits", ">", "=", "5", "k", "(", ")", "not ", "!", "and ", "or ", "'", "\"", "~", " ",
            "ann", "state=fresh", "é", "\u{301}", "^", "\\", "5m", "ttl<", "key~.", "&&", "||",
            "|", "&", "cache=", "cache!~", "accounts", "nosuch", " B", " KiB", " 64 ", "lasthit<",
            "fetches>", "2/s", "togo=", "table=", "stale", "negative", "state:", "state=",
            "evicted",
        ]
        var random = Seeded(3)
        for _ in 0..<10_000 {
            let text = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                pieces.randomElement(using: &random)!
            }.joined()
            var isRead = false
            do {
                _ = try passes(text)
                isRead = true
            } catch let error as FilterError {
                #expect((0...text.count).contains(error.place), "\(text)")
            } catch {
                Issue.record(error)
            }
            for scope in Self.scopes {
                do {
                    _ = try EntryFilter(text, of: scope)
                    // What there is only takes away from what can be read.
                    #expect(isRead, "\(text)")
                } catch {
                    #expect((0...text.count).contains(error.place), "\(text)")
                }
            }
        }
    }
}

@Suite struct `A word of a filter` {
    /// Whether a key passes.
    private func passes(_ filter: String, _ key: String) throws -> Bool {
        let facts = EntryFacts(
            version: 1, writtenAt: AgeInstant(nanoseconds: 0), expiry: nil,
            deadline: .distantFuture,
            hits: 0, lastHit: nil, bytes: 0, fetchTime: .zero)
        return try EntryFilter(filter).passes(
            EntryFilter.Subject(
                entry: EntrySubject(facts, nil, .init(), at: AgeInstant(nanoseconds: 0)),
                cache: "accounts")
        ) { key }
    }

    @Test(arguments: [
        ("ORDER!7", "ORDER!7", "ORDER 8"), ("O'Brien", "O'Brien", "OBrien"),
        ("f(x)", "af(x)b", "f x"), ("a\"b", "a\"b", "ab"), ("key~^(1000|2000)", "1000", "3000"),
        ("(key~^(1000|2000))", "2000x", "x2000"), ("key=O'Brien", "O'Brien", "Brien"),
        ("not(zzz)", "abc", "zzz"), ("!zzz", "abc", "zzz"), ("'it''s'", "it's", "its"),
        ("(a)and(b)", "ab", "a"), ("a and(b or c)", "ac", "a"), ("x&y|z", "x&y|z", "xyz"),
        ("key~\\)$", "a)", "a"), ("note", "notes", "e"), ("order", "reorder", "er"),
        (#"key=["USER#1","ORDER#2024/01"]"#, #"USER#1/ORDER#2024\/01"#, "USER#1"),
    ])
    func `is a word, and operators have room or brackets`(
        filter: String, found: String, other: String
    ) throws {
        #expect(try passes(filter, found))
        #expect(try !passes(filter, other))
    }

    @Test(arguments: [
        ("'a'b", 3), ("(a)b", 3), ("f(x y", 1), ("'a'and'b'", 6), ("not'x'", 3), ("ORDER=7", 0),
        ("a~b", 0), ("hits > soon", 7), ("key > a", 4), ("state < cold", 6), ("帳=1", 0),
        ("e\u{301} )", 2),
    ])
    func `that could be meant otherwise is refused, with the place`(filter: String, place: Int) {
        let error = #expect(throws: FilterError.self) { try EntryFilter(filter) }
        #expect(error?.place == place, "\(error?.description ?? "")")
    }

    private func contains(_ text: String, _ part: String) -> Bool {
        func folded(_ text: String) -> [UInt8] {
            text.utf8.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        }
        let (text, part) = (folded(text), folded(part))
        return part.isEmpty
            || text.indices.contains { text[$0...].starts(with: part) }
    }

    @Test func `finds exactly the keys that it is a part of, in quotes and bare`() throws {
        var random = Fuzz.random("words of a filter")
        for _ in 0..<Fuzz.count {
            let word = Fuzz.text(4, using: &random)
            guard !word.isEmpty else { continue }
            let keys =
                (0..<4).map { _ in Fuzz.text(using: &random) }
                + [word, Fuzz.text(using: &random) + word + Fuzz.text(using: &random)]
            let quoted =
                "'" + word.unicodeScalars.map { $0 == "'" ? "''" : String($0) }.joined() + "'"
            for key in keys {
                #expect(try passes(quoted, key) == contains(key, word), "\(quoted) on \(key)")
            }
            // Bare it is that word or nothing: it begins with no sign and says no comparison.
            let isWord =
                word.unicodeScalars.first.map { !"(!'\"".unicodeScalars.contains($0) } ?? false
            let hasBlank = word.unicodeScalars.contains { $0.properties.isWhitespace }
            let compares = ["key", "cache", "by", "state", "hits", "ttl"].contains {
                word.hasPrefix($0)
            }
            guard isWord, !hasBlank, !compares, let filter = try? EntryFilter(word), !filter.isEmpty
            else {
                continue
            }
            for key in keys {
                #expect(try passes(word, key) == contains(key, word), "\(word) on \(key)")
            }
        }
    }
}

@Suite struct `A filter that would do harm` {
    @Test func `is given up where its pattern goes back and forth without end`() async throws {
        let cache = Cache<String, String>("accounts", maxsize: nil) { $0 }
        for number in 0..<1000 { cache.insert("x", for: "\(100_000_000_000 + number)") }
        let inspector = LocalInspector("engine")
        inspector.add(cache) { .text($0) }
        await #expect {
            try await inspector.entries(EntryQuery(filter: "key~\"(([0-9]+)+)+x\""))
        } throws: { ($0 as? FilterError)?.sentence.contains("takes too long") == true }
        let plain = try await inspector.entries(EntryQuery(filter: "key~[0-4]$"))
        #expect(plain.matched == 500)
    }

    @Test(arguments: [
        String(repeating: "!", count: 20_000), String(repeating: "!", count: 100) + "a",
        String(repeating: "(", count: 100) + "a" + String(repeating: ")", count: 100),
        String(repeating: "a ", count: 3000),
    ])
    func `is refused where it is long or deep`(text: String) {
        #expect(throws: FilterError.self) { try EntryFilter(text) }
    }
}

@Suite struct `A filter of an engine` {
    private let engine = Engine()

    private func keys(_ filter: String) async throws -> [String] {
        let seen = try await engine.inspector.matching(EntryQuery(filter: filter))
        let found = seen.map(\.id.key).sorted()
        // What is listed is what would be changed.
        #expect(try await engine.inspector.keys(EntryQuery(filter: filter, sort: .key)) == found)
        return found
    }

    @Test(arguments: ["cache=nosuch", "state=evicted", "ann cache~zzz"])
    func `that names what is not there is refused`(filter: String) async throws {
        await #expect(throws: FilterError.self) {
            try await engine.inspector.entries(EntryQuery(filter: filter))
        }
        await #expect(throws: FilterError.self) {
            try await engine.inspector.matching(EntryQuery(filter: filter))
        }
    }

    @Test func `compares every column of numbers`() async throws {
        for key in ["a", "b", "c"] { _ = try await engine.accounts.value(for: key) }
        _ = try await engine.accounts.value(for: "b")
        #expect(try await keys("togo<=2") == ["a", "c"])
        #expect(try await keys("togo=3 or togo>9") == ["b"])
        engine.clock.advance(by: .seconds(30))
        #expect(try await keys("lasthit<1m") == ["b"])
        #expect(try await keys("lasthit>1m") == ["a", "c"])
        #expect(try await keys("fetches>=1/m") == ["a", "b", "c"])
        engine.clock.advance(by: .seconds(31))
        #expect(try await keys("fetches>0").isEmpty)
        #expect(try await keys("refresh>1h").count == 3)
    }

    @Test func `takes the name of a state for the state`() async throws {
        for key in ["a", "negative", "stale"] {
            engine.accounts.insert(Account(name: key), for: key)
        }
        #expect(try await keys("negative").isEmpty)
        #expect(try await keys("'negative'") == ["negative"])
        _ = try await engine.inspector.apply(.soften([seen("a")]))
        #expect(try await keys("stale") == ["a"])
        #expect(try await keys("state=stale") == ["a"])
        #expect(try await keys("not stale") == ["negative", "stale"])
    }
}

/// One word for one thing: what is stale is the same in a row, a filter and a threshold.
@Suite struct `What is stale` {
    @Test func `is what is marked, or past its end while its fetches fail`() async throws {
        let clock = TestClock()
        let fails = Guarded(false)
        let cache = Cache<String, String>(
            "accounts", CacheConfiguration(ttl: .seconds(60), staleIfError: .seconds(600)),
            clock: clock.neverWaking
        ) { key in
            if fails.withLock({ $0 }) { throw InspectorError("down") }
            return key
        }
        let inspector = LocalInspector("test", clock: clock.neverWaking)
        inspector.add(cache) { .text($0) }
        func states() async throws -> [String] {
            let rows = try await inspector.entries(EntryQuery(sort: .key)).rows
            let stale = try await inspector.keys(EntryQuery(filter: "stale"))
            #expect(
                Set(stale) == Set(rows.filter { $0.state(at: clock.now) == .stale }.map(\.id.key)))
            return rows.map { "\($0.id.key) \($0.state(at: clock.now))" }
        }
        for key in ["ends", "fails", "marked"] { _ = try await cache.value(for: key) }
        _ = try await inspector.apply(
            .soften([SeenEntry(id: EntryKey(cache: "accounts", key: "marked"), version: nil)]))
        #expect(try await states() == ["ends cold", "fails cold", "marked stale"])
        clock.advance(by: .seconds(61))
        fails.withLock { $0 = true }
        _ = try await cache.value(for: "fails")
        // What nobody asked for since its end would be fetched again, and marked it is not served.
        #expect(try await states() == ["ends expired", "fails stale", "marked expired"])
        #expect(try await inspector.keys(EntryQuery(filter: "state=failed")) == ["fails"])
        fails.withLock { $0 = false }
        clock.advance(by: .seconds(120))
        _ = try await cache.value(for: "fails")
        #expect(try await states().contains("fails cold"))
    }
}
