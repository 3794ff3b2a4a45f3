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
        let subject = "GetItem on \"\(AWSError.printable(table))\""
        let reply: GotItem = try await call(
            "GetItem", GetItem(TableName: table, Key: [key.name: key.value]), subject)
        guard let attributes = reply.Item else {
            throw AWSError(
                .missingItem,
                "\(subject): there is no item whose \(AWSError.printable(key.name)) is "
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
        let reply: Scanned = try await call(
            "Scan",
            Scan(TableName: table, Limit: limit, ExpressionAttributeNames: ["#key": name]),
            "Scan of \"\(AWSError.printable(table))\"")
        return (reply.Items ?? []).compactMap { $0[name] }
    }

    private func call<Reply: Decodable>(
        _ operation: String, _ input: some Encodable, _ subject: String
    ) async throws -> Reply {
        let endpoint = client.endpoint(of: "dynamodb")
        let call = Call(
            operation: operation, permission: "dynamodb:\(operation)", endpoint: endpoint.url,
            region: client.region)
        let reply = try await client.send(
            Array(try JSONEncoder().encode(input)),
            headers: [
                ("Content-Type", "application/x-amz-json-1.0"),
                ("X-Amz-Target", "DynamoDB_20120810.\(operation)"),
            ], to: "dynamodb", subject)
        guard reply.status == 200 else {
            throw Self.serviceError(reply).map { $0.error(subject, call) }
                ?? AWSError(
                    reply.status >= 500 ? .service : .garbage,
                    "\(subject): \(endpoint.url) answered HTTP \(reply.status) without an error of "
                        + "DynamoDB's; check --endpoint-url")
        }
        do { return try JSONDecoder().decode(Reply.self, from: Data(reply.body)) } catch {
            throw AWSError(
                .garbage,
                "\(subject): the reply of \(endpoint.url) is no \(operation) reply; check "
                    + "--endpoint-url")
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
        let code = type.split(separator: "#").last.map { $0.prefix { $0 != ":" } } ?? ""
        return ServiceError(
            code: String(code), message: body.message ?? body.Message ?? "", requestID: requestID,
            status: reply.status)
    }
}
