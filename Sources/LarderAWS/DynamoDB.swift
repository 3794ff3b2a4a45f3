import Foundation
import NIOHTTP1

/// DynamoDB as far as a cache reads it: JSON 1.0 over HTTP.
public struct DynamoDB: Sendable {
    let client: AWSClient

    /// The value of a table's partition key.
    public struct Key: Hashable, Sendable {
        public var name: String
        public var value: AttributeValue

        public init(_ name: String, _ value: AttributeValue) {
            self.name = name
            self.value = value
        }

        /// For the sentence of an error.
        var text: String {
            switch value {
            case .string(let text): "\"\(text)\""
            case .number(let digits): digits
            default: "this one"
            }
        }
    }

    private struct GetItem: Encodable {
        var TableName: String
        var Key: [String: AttributeValue]
    }

    private struct GotItem: Decodable {
        var Item: [String: AttributeValue]?
    }

    /// Reads one item, eventually consistent.
    ///
    /// - Throws: ``AWSError``; of kind ``AWSError/Kind/missingItem`` where the table has no such
    ///   item. `CancellationError` where the caller gave up, which ends the request.
    public func getItem(table: String, key: Key) async throws -> Item {
        let call = client.call("dynamodb", "GetItem", "on \"\(AWSError.printable(table))\"")
        let input = GetItem(TableName: table, Key: [key.name: key.value])
        guard let attributes = try await send(call, input, GotItem.self).Item else {
            throw call.error(
                .missingItem,
                "there is no item whose \(AWSError.printable(key.name)) is "
                    + AWSError.printable(key.text))
        }
        return Item(attributes, keyName: key.name)
    }

    private struct Scan: Encodable {
        var TableName: String
        var Limit: Int
        var ProjectionExpression = "#key"
        var ExpressionAttributeNames: [String: String]
    }

    private struct Scanned: Decodable {
        var Items: [[String: AttributeValue]]?
    }

    /// The partition keys of some items: one page of a Scan.
    ///
    /// - Parameter limit: Most items to read, from 1.
    public func someKeys(table: String, name: String, limit: Int) async throws -> [AttributeValue] {
        let call = client.call("dynamodb", "Scan", "of \"\(AWSError.printable(table))\"")
        let input = Scan(TableName: table, Limit: limit, ExpressionAttributeNames: ["#key": name])
        return (try await send(call, input, Scanned.self).Items ?? []).compactMap { $0[name] }
    }

    private func send<Output: Decodable>(
        _ call: Call, _ input: some Encodable, _ output: Output.Type
    ) async throws -> Output {
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", "DynamoDB_20120810.\(call.operation)"),
        ]
        let reply = try await client.send(
            call, headers: headers, body: Array(try JSONEncoder().encode(input)))
        guard reply.status == 200 else {
            throw Self.serviceError(reply).map(call.error) ?? call.unexplained(status: reply.status)
        }
        do { return try JSONDecoder().decode(output, from: Data(reply.body)) } catch {
            throw call.error(
                .garbage,
                "the reply of \(call.endpoint.url) is none of DynamoDB's; check --endpoint-url")
        }
    }

    private struct ErrorBody: Decodable {
        var __type: String?
        var message: String?
        var Message: String?
    }

    /// The error in a reply: DynamoDB's JSON, or the XML that a front before it may answer with.
    private static func serviceError(_ reply: AWSClient.Reply) -> ServiceError? {
        let requestID = reply.headers.first(name: "x-amzn-RequestId")
        guard let body = try? JSONDecoder().decode(ErrorBody.self, from: Data(reply.body)),
            let type = body.__type ?? reply.headers.first(name: "x-amzn-ErrorType")
        else { return STS.serviceError(reply) }
        // "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException:http://…"
        let code = String(type.split(separator: "#").last?.prefix { $0 != ":" } ?? "")
        guard !code.isEmpty else { return nil }
        return ServiceError(
            code: code, message: body.message ?? body.Message ?? "", requestID: requestID,
            status: reply.status)
    }
}
