import Foundation
import LarderAWS
import LarderInspector
import Testing

@Suite struct AttributeValueTests {
    static let types: [(json: String, value: AttributeValue, shown: String)] = [
        (#"{"S":"Gr\u00fc\u00dfe \"☃\""}"#, .string("Grüße \"☃\""), #""Grüße \"☃\"""#),
        (#"{"S":""}"#, .string(""), #""""#),
        (#"{"N":"-1.50"}"#, .number("-1.50"), "-1.5"),
        (
            #"{"N":"12345678901234567890123456789012345678"}"#,
            .number("12345678901234567890123456789012345678"),
            "12345678901234567890123456789012345678"
        ),
        (#"{"B":"AP8="}"#, .binary([0, 255]), #""AP8=""#),
        (#"{"SS":["b","a"]}"#, .stringSet(["b", "a"]), #"["b","a"]"#),
        (#"{"NS":["2","1.5"]}"#, .numberSet(["2", "1.5"]), "[2,1.5]"),
        (#"{"BS":["eA==","eQ=="]}"#, .binarySet([[120], [121]]), #"["eA==","eQ=="]"#),
        (
            #"{"M":{"inner":{"L":[{"S":"deep"},{"NULL":true}]}}}"#,
            .map(["inner": .list([.string("deep"), .null])]), #"{"inner":["deep",null]}"#
        ),
        (#"{"M":{}}"#, .map([:]), "{}"),
        (#"{"L":[{"N":"1"},{"BOOL":false}]}"#, .list([.number("1"), .bool(false)]), "[1,false]"),
        (#"{"NULL":true}"#, .null, "null"),
        (#"{"BOOL":true}"#, .bool(true), "true"),
    ]

    @Test(arguments: types)
    func `every type is read, written back and shown as plain JSON`(
        json: String, value: AttributeValue, shown: String
    ) throws {
        let read = try JSONDecoder().decode(AttributeValue.self, from: Data(json.utf8))
        #expect(read == value)
        let written = try JSONEncoder().encode(value)
        #expect(try JSONDecoder().decode(AttributeValue.self, from: written) == value)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try encoder.encode(value.shown), as: UTF8.self) == shown)
    }

    @Test func `a number keeps the digits it came with`() throws {
        for digits in ["1.50", "0001", "1e3", "-0", "9.99999999999999999999999999999999999E+125"] {
            let json = Data(#"{"N":"\#(digits)"}"#.utf8)
            let value = try JSONDecoder().decode(AttributeValue.self, from: json)
            #expect(value == .number(digits))
            #expect(try JSONEncoder().encode(value) == json)
            #expect(value.shown == .number(digits))
        }
    }

    @Test(arguments: [
        "{}", "[]", "null", #""S""#, #"{"S":1}"#, #"{"N":1}"#, #"{"B":"!"}"#, #"{"SS":"a"}"#,
        #"{"BS":["!"]}"#, #"{"BOOL":"true"}"#, #"{"X":"a"}"#, #"{"S":"a","N":"1"}"#,
        #"{"L":[{"S":"a"},{}]}"#, #"{"M":{"a":"b"}}"#,
    ])
    func `what is no attribute value is refused`(json: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(AttributeValue.self, from: Data(json.utf8))
        }
    }

    @Test func `an item shows its key first and the rest by name`() {
        let item = DynamoDBItem(
            ["b": .string("2"), "id": .number("7"), "a": .bool(true)], keyName: "id")
        #expect(
            item.shown
                == .fields([
                    .init("id", .number("7")), .init("a", .bool(true)), .init("b", .text("2")),
                ]))
    }

    /// Bytes of an item as `mallinfo2` counted them over a thousand of each.
    @Test(arguments: [
        ("{}", 0.0), (#"{"id":{"S":"100000000000"}}"#, 175.9),
        (#"{"id":{"S":"100000000000"},"name":{"S":"Account of somebody"}}"#, 351.6),
        (
            #"{"id":{"S":"1"},"a":{"BOOL":true},"b":{"NULL":true},"l":{"L":[{"S":"x"},{"S":"y"},"#
                + #"{"N":"3"}]},"m":{"M":{"k":{"S":"v"},"a long key, on the heap":{"S":"v"}}}}"#,
            974.5
        ),
        (
            #"{"id":{"S":"1"},"s":{"SS":["a","b","cccccccccccccccccccccccccc"]},"#
                + #""bin":{"B":"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"},"bs":{"BS":["eA==","eQ=="]}}"#,
            829.3
        ),
    ])
    func `an item's size is what the allocator gave for it`(json: String, bytes: Double) throws {
        let attributes = try JSONDecoder().decode(
            [Verbatim: AttributeValue].self, from: Data(json.utf8))
        let claimed = Double(DynamoDBItem(attributes, keyName: "id").heapBytes)
        #expect(abs(claimed - bytes) <= bytes / 20)
    }

    @Test func `an item's size grows with each thing it holds`() {
        func size(_ attributes: [Verbatim: AttributeValue]) -> Int {
            DynamoDBItem(attributes, keyName: "id").heapBytes
        }
        let long = String(repeating: "x", count: 1000)
        let base = size(["id": .null])
        #expect(size(["id": .string(long)]) >= base + 1000)
        #expect(size(["id": .binary(Array(long.utf8))]) >= base + 1000)
        #expect(size(["id": .stringSet([long, long])]) >= base + 2000)
        #expect(size(["id": .map(["deep": .list([.string(long)])])]) >= base + 1000)
        #expect(size([Verbatim(long): .null]) >= base + 1000)
    }
}
