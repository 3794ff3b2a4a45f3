import Foundation
import Larder
import TestSupport
import Testing

@testable import LarderInspector

@Suite struct `Keys are bytes` {
    @Test(arguments: Fuzz.lookalikes)
    func `texts that look alike are different keys`(texts: [String]) {
        #expect(Set(texts).count == 1)
        #expect(Set(texts.map { Verbatim($0) }).count == texts.count)
        #expect(Set(texts.map { EntryKey(cache: "a", key: $0) }).count == texts.count)
        let sorted = texts.map { Verbatim($0) }.sorted()
        #expect(
            sorted.map { Array($0.text.utf8) }
                == texts.map { Array($0.utf8) }.sorted {
                    $0.lexicographicallyPrecedes($1)
                })
    }

    /// Every text of `lookalikes`, each with a value that says which it is.
    private func engine() throws -> LocalInspector {
        let cache = Cache<Verbatim, String>("accounts", maxsize: nil, ttl: nil) { key in
            "fetched \(Array(key.text.utf8))"
        }
        for text in Fuzz.lookalikes.joined() {
            cache.insert("\(Array(text.utf8))", for: Verbatim(text))
        }
        let inspector = LocalInspector("pantry")
        inspector.add(cache, parse: { Verbatim($0) })
        return inspector
    }

    @Test func `an operator sees, finds and drops the one that was named`() async throws {
        let inspector = try engine()
        let all = Array(Fuzz.lookalikes.joined())
        #expect(try await inspector.report().caches[0].snapshot.count == all.count)
        for text in all {
            let id = EntryKey(cache: "accounts", key: text)
            let detail = try #require(try await inspector.entry(id))
            #expect(detail.value == .text("\(Array(text.utf8))"))
            #expect(Array(detail.row.id.key.utf8) == Array(text.utf8))
            let page = try await inspector.entries(EntryQuery(filter: "key='\(text)'"))
            #expect(page.rows.map { Array($0.id.key.utf8) } == [Array(text.utf8)])
        }
        let listed = try await inspector.entries(EntryQuery(sort: .key, limit: 100)).rows.map(
            \.id.key)
        #expect(listed.map { Verbatim($0) } == all.map { Verbatim($0) }.sorted())
        let one = SeenEntry(id: EntryKey(cache: "accounts", key: "cafe\u{301}"), version: nil)
        let other = SeenEntry(id: EntryKey(cache: "accounts", key: "café"), version: nil)
        #expect(try await inspector.plan(.invalidate([one, other])).entries == 2)
        _ = try await inspector.apply(
            try await inspector.plan(.invalidate([one])).id, by: Operator("ops"))
        #expect(try await inspector.entry(one.id) == nil)
        #expect(try await inspector.entry(other.id) != nil)
    }

    @Test func `a value that changed its bytes is another one`() {
        let id = EntryKey(cache: "a", key: "k")
        let changed = Verification(
            id: id, held: .fields([.init("name", .text("café"))]),
            origin: .fields([.init("name", .text("cafe\u{301}"))]))
        #expect(changed.differences.count == 1)
    }

    @Test func `a key that is written otherwise is meant all the same`() async throws {
        let engine = Engine()
        engine.credentials.insert(
            Credential(role: Role("1", "reader")), for: Role("1", "reader"))
        // The parser reads what is no shown key.
        let inspector = LocalInspector("other")
        inspector.add(engine.accounts, parse: { $0.uppercased() })
        engine.accounts.insert(Account(name: "x"), for: "ABC")
        let found = try await inspector.entry(EntryKey(cache: "accounts", key: "abc"))
        #expect(found?.row.id.key == "ABC")
    }
}

@Suite struct `A key of several parts` {
    @Test func `has one text, and is read from it and from JSON`() throws {
        let parts = ["USER#1", "ORDER#2024/01"]
        #expect(KeyNotation.text(parts) == #"USER#1/ORDER#2024\/01"#)
        #expect(try KeyNotation.parts(#"USER#1/ORDER#2024\/01"#, count: 2) == parts)
        #expect(try KeyNotation.parts(#"["USER#1","ORDER#2024/01"]"#, count: 2) == parts)
        #expect(try KeyNotation.parts(#"["a", 7]"#, count: 2) == ["a", "7"])
        #expect(KeyNotation.text(["[x", "y"]) == #"\[x/y"#)
    }

    @Test(arguments: [
        ("USER#1/ORDER#2024/01", #"\/"#), ("a", "1 of the 2"), ("a/b\\c", "backslash"),
        ("a/b\\", "backslash"), ("[\"a\"", "JSON"), ("[\"a\",{}]", "JSON"), ("[1]", "1 of the 2"),
    ])
    func `that could be two things is refused, with how to write it`(text: String, word: String) {
        let error = #expect(throws: InspectorError.self) {
            try KeyNotation.parts(text, count: 2)
        }
        #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
    }

    @Test func `whatever the parts, they come back, and no two lists of them are one text`() throws
    {
        var random = Fuzz.random("keys of several parts")
        var seen: [Verbatim: [Verbatim]] = [:]
        for _ in 0..<Fuzz.count {
            let parts = (0..<2).map { _ in Fuzz.text(3, using: &random) }
            let text = KeyNotation.text(parts)
            #expect(
                try KeyNotation.parts(text, count: 2).map { Verbatim($0) }
                    == parts.map { Verbatim($0) })
            let json = Shown.list(parts.map { .text($0) }).json
            #expect(
                try KeyNotation.parts(json, count: 2).map { Verbatim($0) }
                    == parts.map { Verbatim($0) })
            let before = seen.updateValue(parts.map { Verbatim($0) }, forKey: Verbatim(text))
            #expect(before == nil || before == parts.map { Verbatim($0) })
            _ = try? KeyNotation.parts(Fuzz.text(using: &random), count: 2)
        }
    }

    @Test(arguments: [
        ("a,b", ["a", "b"]), ("a, b,\tc", ["a", "b", "c"]), (#"a\,b,c"#, ["a,b", "c"]),
        (#"a\.b,c"#, [#"a\.b"#, "c"]), (",a,,", ["a"]),
        (#"["a,b","c"],d"#, [#"["a,b","c"]"#, "d"]),
        (#"a\\,b"#, [#"a\\"#, "b"]), ("[x,y", ["[x", "y"]), (" a", [" a"]),
        ("a,[1,[2]]", ["a", "[1,[2]]"]),
    ])
    func `a list has commas between its pieces, and those of their own are written`(
        text: String, pieces: [String]
    ) {
        #expect(KeyNotation.pieces(text) == pieces)
    }
}

@Suite struct `JSON as it stands` {
    @Test func `keeps digits, order, and names that look alike`() throws {
        let text =
            #"{"café":1.50,"café":12345678901234567890123456789012345678901,"b":[true,null,""]}"#
            .replacing("café", with: "cafe\u{301}", maxReplacements: 1)
        let shown = try Shown(json: Array(text.utf8))
        #expect(Array(shown.json.utf8) == Array(text.utf8))
        #expect(shown["café"] == .number("12345678901234567890123456789012345678901"))
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "1.", ".5", "+1", "1e", "nul", "\"\\x\"",
        "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"a", "[1] 2", "\"\u{1}\"", "'a'", "NaN",
        String(repeating: "[", count: 100_000),
    ])
    func `what is none is refused`(text: String) {
        #expect(throws: JSONError.self) { try Shown(json: Array(text.utf8)) }
    }

    private func value(_ depth: Int, using random: inout Seeded) -> Shown {
        switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &random) {
        case 0: .text(Fuzz.text(using: &random))
        case 1: .number("\(Int64.random(in: .min ... .max, using: &random))")
        case 2: .bool(Bool.random(using: &random))
        case 3: .null
        case 4: .list((0..<3).map { _ in value(depth - 1, using: &random) })
        default:
            .fields(
                (0..<3).map { _ in
                    .init(Fuzz.text(using: &random), value(depth - 1, using: &random))
                })
        }
    }

    @Test func `is what was written, in one line and in several, to Foundation as well`() throws {
        var random = Fuzz.random("JSON")
        for _ in 0..<Fuzz.count {
            let value = value(3, using: &random)
            let text = value.json
            #expect(try Shown(json: Array(text.utf8)).json.utf8.elementsEqual(text.utf8))
            #expect(
                try Shown(json: Array(value.prettyJSON.utf8)).json.utf8.elementsEqual(text.utf8))
            _ = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
            // Bytes at random are read or refused.
            var bytes = Array(text.utf8)
            if !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                    UInt8.random(in: .min ... .max, using: &random)
            }
            _ = try? Shown(json: bytes)
        }
    }
}
