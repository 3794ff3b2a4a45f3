import Larder
import LarderInspector
import TestSupport
import Testing

@testable import LarderInspector

@Suite struct FilterTests {
    private static let now = Instant(nanoseconds: 1_000_000_000_000)

    private func passes(_ text: String) throws -> Bool {
        let facts = EntryFacts(
            version: 8812, writtenAt: Self.now + .seconds(-90), expiry: nil,
            deadline: Self.now + .seconds(210), hits: 1200, lastHit: nil, bytes: 2048,
            fetchTime: .milliseconds(84))
        return try Filter(text).passes(
            Filter.Subject(facts: facts, renewal: nil, cache: "accounts", now: Self.now)
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
    ])
    func `an entry passes as one would think`(text: String, isWanted: Bool) throws {
        let isPassed = try passes(text)
        #expect(isPassed == isWanted)
    }

    @Test(arguments: [
        ("hits>soon", 5, "\"soon\" is no number"), ("ttl<5", 4, "is not a duration"),
        ("colour=red", 0, "there is no field \"colour\""), ("hits~5", 4, "hits is a number"),
        ("key>a", 3, "text is compared with"), ("key~(", 4, "is no regular expression"),
        ("state=good", 6, "is no state"), ("(ann", 0, "this bracket is not closed"),
        ("ann)", 3, "nothing was opened here"), ("'ann", 0, "this quote is not closed"),
        ("ann and", 7, "something is missing here"), ("or ann", 0, ""),
        ("hits=", 5, "a value is expected here"), ("=5", 0, "a word is expected here"),
        ("hits=99999999999999999999", 5, "is no number"),
    ])
    func `what cannot be read is told, with the place`(
        text: String, place: Int, words: String
    ) throws {
        // "or" by itself is a word like any other.
        if text == "or ann" { return _ = try Filter(text) }
        let error = #expect(throws: FilterError.self) { try Filter(text) }
        #expect(error?.place == place)
        #expect(error?.sentence.contains(words) == true, "\(error?.sentence ?? "")")
        #expect(
            error?.description.hasSuffix(String(repeating: " ", count: place + 2) + "^") == true)
    }

    @Test func `whatever is typed is read or refused, and never more`() {
        let pieces = [
            "hits", ">", "=", "5", "k", "(", ")", "not ", "!", "and ", "or ", "'", "\"", "~", " ",
            "ann", "state=fresh", "é", "\u{301}", "^", "\\", "5m", "ttl<", "key~.",
        ]
        var random = Seeded(3)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                pieces.randomElement(using: &random)!
            }.joined()
            do { _ = try passes(text) } catch let error as FilterError {
                #expect((0...text.count).contains(error.place), "\(text)")
            } catch {
                Issue.record(error)
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
            try await inspector.entries(Query(filter: "key~\"(([0-9]+)+)+x\""))
        } throws: { ($0 as? FilterError)?.sentence.contains("takes too long") == true }
        let plain = try await inspector.entries(Query(filter: "key~[0-4]$"))
        #expect(plain.matched == 500)
    }

    @Test(arguments: [
        String(repeating: "!", count: 20_000), String(repeating: "!", count: 100) + "a",
        String(repeating: "(", count: 100) + "a" + String(repeating: ")", count: 100),
        String(repeating: "a ", count: 3000),
    ])
    func `is refused where it is long or deep`(text: String) {
        #expect(throws: FilterError.self) { try Filter(text) }
    }
}
