import CZlib
import Foundation
import NIOHTTP1

/// DynamoDB as far as a cache reads it: JSON 1.0 over HTTP.
public struct DynamoDB: Sendable {
    let client: AWSClient

    /// The attributes that name an item: the partition key, and the sort key where the table has
    /// one.
    public struct Key: Hashable, Sendable {
        public var name: String
        public var value: AttributeValue
        public var sort: Sort?

        public struct Sort: Hashable, Sendable {
            public var name: String
            public var value: AttributeValue

            public init(_ name: String, _ value: AttributeValue) {
                self.name = name
                self.value = value
            }
        }

        public init(_ name: String, _ value: AttributeValue, sort: Sort? = nil) {
            self.name = name
            self.value = value
            self.sort = sort
        }

        var attributes: [String: AttributeValue] {
            var attributes = [name: value]
            if let sort { attributes[sort.name] = sort.value }
            return attributes
        }

        /// The key of an item that was found, its numbers as DynamoDB compares them.
        var canonical: [String: AttributeValue] { attributes.mapValues(\.canonical) }

        /// For the sentence of an error.
        var text: String {
            let parts = [(name, value)] + (sort.map { [($0.name, $0.value)] } ?? [])
            return parts.map { "\($0.0) is \($0.1.brief)" }.joined(separator: " and ")
        }
    }

    /// How an item is read.
    public struct Reading: Hashable, Sendable {
        /// Sees every write that was answered before; costs twice as much.
        public var isConsistent: Bool
        /// The attributes wanted; empty for all. Each is a path such as `owner.name` or `tags[0]`.
        public var attributes: [String]

        public init(isConsistent: Bool = false, attributes: [String] = []) {
            self.isConsistent = isConsistent
            self.attributes = attributes
        }

        /// The expression, in which every name has a placeholder: many words are reserved.
        var projection: (expression: String, names: [String: String])? {
            guard !attributes.isEmpty else { return nil }
            var names: [String: String] = [:]
            let paths = attributes.map { path in
                path.split(separator: ".").map { step in
                    let name = step.prefix { $0 != "[" }
                    let holder = names.first { $0.value == name }?.key ?? "#n\(names.count)"
                    names[holder] = String(name)
                    return holder + step.dropFirst(name.count)
                }.joined(separator: ".")
            }
            return (paths.joined(separator: ", "), names)
        }
    }

    private struct GetItem: Encodable {
        var TableName: String
        var Key: [String: AttributeValue]
        var ConsistentRead: Bool?
        var ProjectionExpression: String?
        var ExpressionAttributeNames: [String: String]?
        var ReturnConsumedCapacity = "TOTAL"
    }

    private struct GotItem: Decodable, Sendable {
        var Item: [String: AttributeValue]?
        var ConsumedCapacity: Capacity?
    }

    private struct Capacity: Decodable, Sendable {
        var CapacityUnits: Double?
    }

    /// Reads one item, eventually consistent unless it is said otherwise.
    ///
    /// - Parameter table: The table's name or ARN.
    /// - Throws: ``AWSError``; of kind ``AWSError/Kind/missingItem`` where the table has no such
    ///   item. `CancellationError` where the caller gave up, which ends the request.
    public func getItem(
        table: String, key: Key, _ reading: Reading = Reading()
    ) async throws -> Item {
        let call = client.call("dynamodb", "GetItem", "on \"\(AWSError.printable(table))\"")
        let projection = reading.projection
        let input = GetItem(
            TableName: table, Key: key.attributes,
            ConsistentRead: reading.isConsistent ? true : nil,
            ProjectionExpression: projection?.expression,
            ExpressionAttributeNames: projection?.names)
        let got = try await send(call, input, GotItem.self)
        spent(call, [got.ConsumedCapacity])
        guard let attributes = got.Item else {
            throw call.error(
                .missingItem, "there is no item whose \(AWSError.printable(key.text))")
        }
        return Item(attributes, keyName: key.name)
    }

    // MARK: Many

    private struct BatchGetItem: Encodable {
        var RequestItems: [String: Wanted]
        var ReturnConsumedCapacity = "TOTAL"
    }

    private struct Wanted: Codable, Sendable {
        var Keys: [[String: AttributeValue]]
        var ConsistentRead: Bool?
        var ProjectionExpression: String?
        var ExpressionAttributeNames: [String: String]?
    }

    private struct GotItems: Decodable, Sendable {
        var Responses: [String: [[String: AttributeValue]]]?
        var UnprocessedKeys: [String: Wanted]?
        var ConsumedCapacity: [Capacity]?
    }

    /// Most keys that DynamoDB takes in one call.
    static let mostKeys = 100

    /// Reads several items, 100 keys a call; keys that DynamoDB did not come to are asked for
    /// again, after a pause. An item that is not there is not in the result.
    ///
    /// - Throws: ``AWSError``; of kind ``AWSError/Kind/throttled`` where keys are left in the end.
    public func getItems(
        table: String, keys: [Key], _ reading: Reading = Reading()
    ) async throws -> [Key: Item] {
        let call = client.call("dynamodb", "BatchGetItem", "on \"\(AWSError.printable(table))\"")
        // Two keys that are one to DynamoDB are refused, so they are one here.
        var wanted = Dictionary(keys.map { ($0.canonical, [$0]) }, uniquingKeysWith: +)
        var found: [Key: Item] = [:]
        var reading = reading
        if !reading.attributes.isEmpty, let key = keys.first {
            // Which item is which is seen by its key.
            reading.attributes += key.attributes.keys.filter { !reading.attributes.contains($0) }
        }
        let projection = reading.projection
        var queue = Array(wanted.keys)
        var idle = 0
        while !queue.isEmpty {
            let batch = Array(queue.prefix(Self.mostKeys))
            queue.removeFirst(batch.count)
            let input = BatchGetItem(RequestItems: [
                table: Wanted(
                    Keys: batch, ConsistentRead: reading.isConsistent ? true : nil,
                    ProjectionExpression: projection?.expression,
                    ExpressionAttributeNames: projection?.names)
            ])
            let got = try await send(call, input, GotItems.self)
            spent(call, got.ConsumedCapacity ?? [])
            for attributes in (got.Responses ?? [:]).values.joined() {
                guard let name = keys.first?.attributes.keys else { continue }
                let key = attributes.filter { name.contains($0.key) }.mapValues(\.canonical)
                for asked in wanted.removeValue(forKey: key) ?? [] {
                    found[asked] = Item(attributes, keyName: asked.name)
                }
            }
            let left = (got.UnprocessedKeys ?? [:]).values.flatMap(\.Keys)
            guard !left.isEmpty else { continue }
            idle = left.count < batch.count ? 0 : idle + 1
            guard idle < 4 else {
                throw call.error(
                    .throttled, "\(left.count) keys were not processed; try again in a moment")
            }
            queue += left.map { $0.mapValues(\.canonical) }
            try await client.rest(idle)
        }
        return found
    }

    private func spent(_ call: Call, _ capacity: [Capacity?]) {
        let units = capacity.reduce(0) { $0 + ($1?.CapacityUnits ?? 0) }
        client.tally.count(call.operation) { $0.capacity += units }
    }

    private struct Scan: Encodable {
        var TableName: String
        var Limit: Int
        var ProjectionExpression: String?
        var ExpressionAttributeNames: [String: String]?
    }

    private struct Scanned: Decodable, Sendable {
        var Items: [[String: AttributeValue]]?
    }

    /// The keys of some items: one page of a Scan, of each item the attributes of those names.
    ///
    /// - Parameter limit: Most items to read, from 1.
    public func someKeys(
        table: String, names: [String], limit: Int
    ) async throws -> [[AttributeValue]] {
        let call = client.call("dynamodb", "Scan", "of \"\(AWSError.printable(table))\"")
        let projection = Reading(attributes: names).projection
        let input = Scan(
            TableName: table, Limit: limit, ProjectionExpression: projection?.expression,
            ExpressionAttributeNames: projection?.names)
        return (try await send(call, input, Scanned.self).Items ?? []).compactMap { item in
            let values = names.compactMap { item[$0] }
            return values.count == names.count ? values : nil
        }
    }

    private func send<Output: Decodable & Sendable>(
        _ call: Call, _ input: some Encodable, _ output: Output.Type
    ) async throws -> Output {
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", "DynamoDB_20120810.\(call.operation)"),
        ]
        let body = Array(try JSONEncoder().encode(input))
        return try await client.send(call, headers: headers, body: body) { reply in
            try Self.check(reply, call)
            guard reply.status == 200 else {
                throw Self.serviceError(reply).map(call.error)
                    ?? call.unexplained(status: reply.status)
            }
            do { return try JSONDecoder().decode(output, from: Data(reply.body)) } catch {
                throw call.error(
                    .garbage,
                    "the reply of \(call.endpoint.url) is none of DynamoDB's; check --endpoint-url")
            }
        }
    }

    /// DynamoDB says the CRC-32 of what it sends, as a decimal number.
    private static func check(_ reply: AWSClient.Reply, _ call: Call) throws {
        guard let header = reply.headers.first(name: "x-amz-crc32"), let said = UInt(header) else {
            return
        }
        let crc = reply.body.withUnsafeBytes {
            crc32(0, $0.bindMemory(to: UInt8.self).baseAddress, UInt32($0.count))
        }
        guard crc == said else {
            throw call.error(
                .corrupt,
                "the reply of \(call.endpoint.url) was damaged on its way (CRC-32); try again")
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
