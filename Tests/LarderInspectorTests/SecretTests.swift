import Foundation
import Larder
import LarderInspector
import LarderTesting
import TestSupport
import Testing

@Suite struct SecretTests {
    @Test func `a secret in a value reaches no output`() async throws {
        let engine = Engine()
        let role = Role("100000000001", "reader")
        let credential = Credential(role: role, expiry: engine.clock.now + .seconds(900))
        engine.credentials.insert(credential, for: role)
        let inspector = engine.inspector
        let key = EntryKey(cache: "credentials", key: role.shownKey)
        let detail = try #require(try await inspector.entry(key))
        let plan = try await inspector.plan(.invalidateAll(cache: "credentials"))
        let fetched = try await inspector.fetch(key)
        let report = try await inspector.report()
        let page = try await inspector.entries(EntryQuery())
        let outcome = try await inspector.apply(plan.id, by: Operator("ann"))
        let events = try await inspector.events(in: "credentials", after: 0, limit: 100)
        #expect(page.rows.count == 1 && outcome.removed == 1 && events.events.count == 2)
        let seen: [Any] = [
            report, page, detail, fetched, plan, outcome, events, credential, inspector,
            engine.credentials,
        ]
        for value in seen {
            var dumped = ""
            dump(value, to: &dumped)
            for text in [String(reflecting: value), String(describing: value), dumped] {
                #expect(!text.contains("CANARY"))
            }
        }
        let encoder = JSONEncoder()
        let json: [any Encodable] = [detail.value, fetched.value, report, page, plan, outcome]
        for value in json {
            let text = String(decoding: try encoder.encode(value), as: UTF8.self)
            #expect(!text.contains("CANARY"))
        }
    }

    @Test(arguments: ["", "s", "schlüssel", String(repeating: "long", count: 3000)])
    func `a secret can be used and not be seen`(text: String) {
        let secret = Secret(text)
        #expect(secret.reveal() == text)
        #expect("\(secret)" == "Secret(…)")
        #expect(String(reflecting: secret) == "Secret(…)")
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(secret.heapBytes >= text.utf8.count)
        #expect(!(secret as Any is any Encodable))
    }
}

@Suite struct ShownTests {
    private func json(_ shown: Shown) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return String(decoding: try encoder.encode(shown), as: UTF8.self)
    }

    static let numbers: [(String, String)] = [
        ("0", "0"), ("42", "42"), ("-0.0125", "-0.0125"), ("0.1", "0.1"), ("1.10", "1.1"),
        ("100000000001", "100000000001"), ("007", "7"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"),
        ("1E+3", "1000"),
        // Beyond what `Decimal` holds, or no number at all: as text, digit for digit.
        (
            "1234567890123456789012345678901234567890123",
            #""1234567890123456789012345678901234567890123""#
        ),
        ("1e400", #""1e400""#), ("1E-130", #""1E-130""#), ("12abc", #""12abc""#),
        ("1_000", #""1_000""#), ("NaN", #""NaN""#), ("", #""""#), (" 7", #"" 7""#),
    ]

    @Test(arguments: numbers)
    func `a number keeps its digits in JSON`(digits: String, encoded: String) throws {
        #expect(try json(.number(digits)) == encoded)
    }

    @Test func `every part has its place in JSON`() throws {
        let shown = Shown.fields([
            Shown.Field("name", .text("pan/try \"x\"")), Shown.Field("open", .bool(true)),
            Shown.Field("none", .null), Shown.Field("sizes", .list([.number("1"), .list([])])),
            Shown.Field("empty", .fields([])),
        ])
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(json(shown).utf8)) as? NSDictionary)
        #expect(
            object == [
                "name": "pan/try \"x\"", "open": true, "none": NSNull(), "sizes": [1, [Int]()],
                "empty": [String: Int](),
            ] as NSDictionary)
        #expect(try json(.null) == "null")
        #expect(try json(.text("")) == #""""#)
    }
}
