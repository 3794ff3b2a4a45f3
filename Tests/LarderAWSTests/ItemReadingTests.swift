import Foundation
import LarderInspector
import TestSupport
import Testing

@testable import LarderAWS

@Suite struct ItemReadingTests {
    private struct Account: Decodable, Equatable {
        struct Owner: Decodable, Equatable { var name: String }

        var number: String
        var credit: Decimal
        var isOpen: Bool
        var owner: Owner
        var tags: [String]
        var limit: Int?
    }

    private let item = DynamoDBItem(
        [
            Verbatim("number"): "1", Verbatim("credit"): .number("12345678901234567890.5"),
            Verbatim("isOpen"): true, Verbatim("owner"): .map([Verbatim("name"): "ann"]),
            Verbatim("tags"): .stringSet(["b", "a"]), Verbatim("seal"): .binary([1, 2]),
        ], keyName: "number")

    @Test func `an item is read by name and type`() {
        #expect(item["number"]?.string == "1")
        #expect(item["number"]?.int == nil)
        #expect(AttributeValue.number("7.0").int == 7 && AttributeValue.number("1e2").int == 100)
        #expect(AttributeValue.number("7").int == 7 && AttributeValue.number("7.5").int == nil)
        #expect(AttributeValue.number("7.5").double == 7.5)
        #expect(item["isOpen"]?.bool == true)
        #expect(item["owner"]?["name"]?.string == "ann")
        #expect(item["tags"]?.list == ["b", "a"])
        #expect(item["seal"]?.data == Data([1, 2]))
        #expect(item["nothing"] == nil && item["number"]?["name"] == nil)
    }

    @Test func `an item becomes a type of one's own`() throws {
        #expect(
            try item.decode(Account.self)
                == Account(
                    number: "1", credit: Decimal(string: "12345678901234567890.5")!, isOpen: true,
                    owner: .init(name: "ann"), tags: ["b", "a"]))
        #expect(throws: DecodingError.self) {
            try DynamoDBItem([Verbatim("number"): 1], keyName: "number").decode(Account.self)
        }
    }

    @Test func `a key is written as its attributes`() async throws {
        let steps = reply("200 OK", [], #"{"Item":{"customer":{"S":"ann"}}}"#)
        let upstream = try Upstream(steps)
        defer { upstream.stop() }
        let item = try await withAWSClient(
            region: "eu-west-1", endpointURL: upstream.endpoint, credentials: { canaries }
        ) { client in
            try await client.dynamoDB.getItem("orders", key: ["customer": "ann", "number": 7])
        }
        #expect(item["customer"]?.string == "ann")
        let sent = String(decoding: upstream.requests[0].body, as: UTF8.self)
        #expect(sent.contains(#""customer":{"S":"ann"}"#) && sent.contains(#""number":{"N":"7"}"#))
    }

    @Test func `a key has one attribute or two, and a role's ARN is one`() async throws {
        try await withAWSClient(
            region: "eu-west-1", endpointURL: "http://127.0.0.1:1",
            credentials: { canaries }
        ) { client in
            for key: KeyValuePairs<String, AttributeValue> in [
                [:], ["a": 1, "b": 2, "c": 3], ["a": 1, "a": 2],
            ] {
                await #expect(throws: AWSError.self) {
                    try await client.dynamoDB.getItem("orders", key: key)
                }
            }
            await #expect(throws: AWSError.self) { try await client.sts.assumeRole("reader") }
        }
    }
}
