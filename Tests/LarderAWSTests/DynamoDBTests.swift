import Foundation
import LarderAWS
import LarderInspector
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct DynamoDBTests {
    private struct Sent: Decodable, Equatable {
        var TableName: String
        var Key: [Verbatim: AttributeValue]
    }

    @Test func `an item is asked for by its key, signed, and read`() async throws {
        let json = #"{"Item":{"name":{"S":"Ünï"},"id":{"N":"7"}}}"#
        try await with(reply("200 OK", [], json)) { client, upstream in
            let item = try await client.dynamoDB.getItem(
                table: "accounts", key: .init("id", .number("7")))
            #expect(
                item == DynamoDBItem(["id": .number("7"), "name": .string("Ünï")], keyName: "id"))
            let request = try #require(upstream.requests.first)
            let head = request.head.split(separator: "\r\n").map { $0.lowercased() }
            #expect(head.first == "post / http/1.1")
            #expect(head.contains("host: 127.0.0.1:\(upstream.port)"))
            #expect(head.contains("x-amz-target: dynamodb_20120810.getitem"))
            #expect(head.contains("content-type: application/x-amz-json-1.0"))
            #expect(head.contains("x-amz-security-token: canary-session-token"))
            #expect(head.count { $0.hasPrefix("authorization: aws4-hmac-sha256 credential=") } == 1)
            #expect(
                try JSONDecoder().decode(Sent.self, from: Data(request.body))
                    == Sent(TableName: "accounts", Key: ["id": .number("7")]))
        }
    }

    @Test func `one connection carries request after request`() async throws {
        let json = #"{"Item":{"id":{"S":"a"}}}"#
        try await with(reply("200 OK", [], json)) { client, upstream in
            for _ in 0..<20 { _ = try await item(client) }
            #expect(upstream.requests.count == 20)
            #expect(upstream.accepted == 1)
        }
    }

    @Test func `an item that is not there is named`() async throws {
        try await with(reply("200 OK", [], "{}")) { client, _ in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .missingItem)
            #expect(error.operation == "GetItem")
            #expect(
                error.description
                    == "GetItem on \"accounts\": there is no item whose account_number is "
                    + "\"100000000000\"")
        }
    }

    @Test func `what stands in a sentence cannot disturb a terminal`() async throws {
        let nasty = "\u{1b}[2J\r\n\u{202e}" + String(repeating: "\u{301}", count: 100_000)
        try await with(reply("200 OK", [], "{}")) { client, _ in
            let error = try await failure {
                try await client.dynamoDB.getItem(
                    table: nasty, key: .init(nasty, .string(nasty)))
            }
            #expect(error.kind == .missingItem)
        }
        let json = #"{"__type":"x#\u001b[31mCode\u0007","message":"\u001b]0;title\u0007\u202e"}"#
        try await with(reply("400 Bad", ["x-amzn-RequestId: R\u{1}1"], json)) { client, _ in
            _ = try await failure { try await item(client) }
        }
    }

    @Test func `some keys are one page of a scan`() async throws {
        let json = #"{"Items":[{"id":{"S":"a"}},{"other":{"S":"b"}},{"id":{"N":"7"}}],"Count":3}"#
        try await with(reply("200 OK", [], json)) { client, upstream in
            let keys = try await client.dynamoDB.someKeys(
                table: "t", names: ["id"], limit: 3)
            #expect(keys == [[.string("a")], [.number("7")]])
            #expect(upstream.requests[0].head.contains("DynamoDB_20120810.Scan"))
        }
    }
}
