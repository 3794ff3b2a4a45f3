import CZlib
import FoundationEssentials
import LarderInspector
import NIOHTTP1

/// DynamoDB as far as a cache reads it: JSON 1.0 over HTTP.
public struct DynamoDB: Sendable {
    let client: AWSClient

    /// Reads one item, eventually consistent unless it is said otherwise.
    ///
    /// - Parameters:
    ///   - table: The table's name or ARN.
    ///   - key: The attributes that name the item.
    ///   - reading: Which attributes are wanted, and how fresh.
    /// - Throws: ``AWSError``; of kind ``AWSError/Kind/missingItem`` where the table has no such
    ///   item. `CancellationError` where the caller gave up, which ends the request.
    public func getItem(
        table: String, key: Key, _ reading: Reading = Reading()
    ) async throws -> DynamoDBItem {
        let call = client.call("dynamodb", "GetItem", "on \"\(AWSError.printable(table))\"")
        let input =
            [Shown.Field("TableName", .text(table)), .init("Key", key.attributes.json)]
            + reading.fields + [Self.countsCapacity]
        let attributes = try await send(call, input) { got in
            spent(call, [got["ConsumedCapacity"]])
            return try got["Item"].map(AttributeValue.members)
        }
        guard let attributes else {
            throw call.error(
                .missingItem, "there is no item whose \(AWSError.printable(key.text))")
        }
        return DynamoDBItem(attributes, keyName: key.name)
    }

    // MARK: Many

    private static let countsCapacity = Shown.Field("ReturnConsumedCapacity", .text("TOTAL"))

    /// Most keys that DynamoDB takes in one call.
    static let mostKeys = 100

    /// Reads several items, 100 keys a call; keys that DynamoDB did not come to are asked for
    /// again, after a pause. An item that is not there is not in the result.
    ///
    /// - Throws: ``AWSError``; of kind ``AWSError/Kind/throttled`` where keys are left in the end.
    public func getItems(
        table: String, keys: [Key], _ reading: Reading = Reading()
    ) async throws -> [Key: DynamoDBItem] {
        let call = client.call("dynamodb", "BatchGetItem", "on \"\(AWSError.printable(table))\"")
        // Two keys that are one to DynamoDB are refused, so they are one here.
        var wanted = Dictionary(keys.map { ($0.canonical, [$0]) }, uniquingKeysWith: +)
        var found: [Key: DynamoDBItem] = [:]
        var reading = reading
        let names = Set(keys.first.map { Array($0.attributes.keys) } ?? [])
        if !reading.attributes.isEmpty {
            // Which item is which is seen by its key.
            let asked = Set(reading.attributes.map { Verbatim($0) })
            reading.attributes += names.map { Reading.path(toName: $0.text) }
                .filter { !asked.contains(Verbatim($0)) }
        }
        var queue = Array(wanted.keys)
        var idle = 0
        while !queue.isEmpty {
            let batch = Array(queue.prefix(Self.mostKeys))
            queue.removeFirst(batch.count)
            let asked = [Shown.Field("Keys", .list(batch.map(\.json)))] + reading.fields
            let input: [Shown.Field] = [
                .init("RequestItems", .fields([.init(table, .fields(asked))])),
                Self.countsCapacity,
            ]
            let (items, left) = try await send(call, input) { got in
                spent(call, got["ConsumedCapacity"]?.items ?? [])
                return try (
                    (got["Responses"]?.members ?? []).flatMap(\.items)
                        .map(AttributeValue.members),
                    (got["UnprocessedKeys"]?.members ?? []).flatMap { $0["Keys"]?.items ?? [] }
                        .map(AttributeValue.members)
                )
            }
            for attributes in items {
                let key = attributes.filter { names.contains($0.key) }.mapValues(\.canonical)
                for asked in wanted.removeValue(forKey: key) ?? [] {
                    found[asked] = DynamoDBItem(attributes, keyName: asked.name)
                }
            }
            guard !left.isEmpty else { continue }
            idle = left.count < batch.count ? 0 : idle + 1
            guard idle < 4 else {
                throw call.error(
                    .throttled,
                    "\(Units.counted(left.count, "key was", "keys were")) not processed; try again "
                        + "in a moment")
            }
            queue += left.map { $0.mapValues(\.canonical) }
            try await client.rest(idle)
        }
        return found
    }

    /// Counts the units used, but not a number that no table can have used.
    private func spent(_ call: Call, _ capacity: [Shown?]) {
        let units = capacity.reduce(0.0) { sum, one in
            guard case .number(let digits)? = one?["CapacityUnits"], let units = Double(digits),
                (0...1e9).contains(units)
            else { return sum }
            return sum + units
        }
        client.tally.count(call.operation) { $0.capacity += units }
    }

    /// The keys of some items: one page of a Scan, of each item the attributes of those names.
    ///
    /// - Parameters:
    ///   - table: The table's name or ARN.
    ///   - names: The attributes of the key; the values of an item stand in their order.
    ///   - limit: Most items to read, from 1.
    public func someKeys(
        table: String, names: [String], limit: Int
    ) async throws -> [[AttributeValue]] {
        let call = client.call("dynamodb", "Scan", "of \"\(AWSError.printable(table))\"")
        let reading = Reading(attributes: names.map { Reading.path(toName: $0) })
        let input =
            [Shown.Field("TableName", .text(table)), .init("Limit", .number("\(limit)"))]
            + reading.fields
        return try await send(call, input) { got in
            try (got["Items"]?.items ?? []).map(AttributeValue.members)
        }.compactMap { item in
            let values = names.compactMap { item[Verbatim($0)] }
            return values.count == names.count ? values : nil
        }
    }

    /// - Parameter target: The protocol's name and version.
    func send<Output: Sendable>(
        _ call: Call, target: String = "DynamoDB_20120810", _ input: [Shown.Field],
        _ read: @escaping @Sendable (Shown) throws -> Output
    ) async throws -> Output {
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", "\(target).\(call.operation)"),
        ]
        let body = Array(Shown.fields(input).json.utf8)
        return try await client.send(call, headers: headers, body: body) { reply, call in
            try Self.check(reply, call)
            guard reply.status == 200 else {
                throw Self.serviceError(reply).map(call.error)
                    ?? call.unexplained(status: reply.status)
            }
            func strange() -> AWSError {
                call.error(
                    .garbage,
                    "the reply of \(call.endpoint.url) is none of DynamoDB's; check \(SettingNames.inUse.endpointURL)"
                )
            }
            guard let got = try? Shown(json: reply.body), case .fields = got else {
                throw strange()
            }
            do { return try read(got) } catch let error as AWSError {
                // The error of a value does not name the call; this one does.
                throw error.kind == .garbage ? strange() : error
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

extension DynamoDB.Reading {
    /// As a request says it.
    fileprivate var fields: [Shown.Field] {
        let projection = projection
        let names = projection?.names.sorted { $0.key < $1.key }
            .map { Shown.Field($0.key, .text($0.value)) }
        return [
            isConsistent ? .init("ConsistentRead", .bool(true)) : nil,
            projection.map { .init("ProjectionExpression", .text($0.expression)) },
            names.map { .init("ExpressionAttributeNames", .fields($0)) },
        ].compactMap(\.self)
    }
}

extension Shown {
    /// The items of a list; nothing of anything else.
    var items: [Shown] { if case .list(let items) = self { items } else { [] } }

    /// The values of an object's members.
    fileprivate var members: [Shown] {
        if case .fields(let fields) = self { fields.map(\.value) } else { [] }
    }
}
