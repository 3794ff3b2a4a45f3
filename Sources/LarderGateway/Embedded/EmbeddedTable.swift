import FoundationEssentials
import Larder
package import LarderAWS
package import LarderInspector
import NIOCore

/// The accounts of the demo's table, wherever they are kept: each as its fields are shown.
package struct EmbeddedAccounts: Sendable {
    /// How long ago an account that is held was written; `nil` where it is not held.
    package var age: @Sendable (_ number: String) -> Duration?
    /// `nil` where there is none.
    ///
    /// - Throws: ``Trouble``; `CancellationError`.
    package var account: @Sendable (_ number: String) async throws -> Shown?
    /// Those behind a number, or from the first on, in the order of their numbers.
    package var accounts: @Sendable (_ number: String?, _ limit: Int) async throws -> [Shown]
    /// How many there are.
    package var count: Int

    /// Why an account is not to be had.
    package enum Trouble: Error {
        case throttled(String)
        case broken(String)
    }

    package init(
        count: Int, age: @escaping @Sendable (_ number: String) -> Duration?,
        account: @escaping @Sendable (_ number: String) async throws -> Shown?,
        accounts: @escaping @Sendable (_ number: String?, _ limit: Int) async throws -> [Shown]
    ) {
        self.count = count
        self.age = age
        self.account = account
        self.accounts = accounts
    }
}

/// The demo's table `accounts`, as DynamoDB would have it: for a first try with any SDK and no AWS.
///
/// Items come from the demo's own cache, so that whoever looks sees what was asked for. What it does
/// not do it says, in a form that SDKs make an exception of.
package struct EmbeddedTable: Upstream {
    package static let name = "accounts"
    private static let key = "account_number"

    package let region: String
    package var isCache: Bool { true }
    private let accounts: EmbeddedAccounts
    private let started = Date()

    /// Keys that are as good as any: there is nothing to protect.
    package static let keys = Credentials(accessKeyID: "demo", secretAccessKey: Secret("demo"))

    package init(_ accounts: EmbeddedAccounts, region: String = "us-east-1") {
        self.accounts = accounts
        self.region = region
    }

    package func send(
        _ request: ForwardedRequest, signedBy keys: Credentials
    ) async throws -> ForwardedReply {
        guard let input = JSONPart(Array(request.body.readableBytesView)) else {
            throw Refusal.serialization
        }
        switch request.operation {
        case "GetItem": return try await getItem(input)
        case "BatchGetItem": return try await batchGetItem(input)
        case "Scan": return try await scan(input)
        case "DescribeTable":
            try checkTable(input["TableName"]?.text)
            return reply(["Table": describedTable])
        case "ListTables": return reply(["TableNames": [.text(Self.name)]])
        default:
            throw Refusal.invalid(
                "\(request.operation) is beyond the demo, whose table \(Self.name) knows GetItem, "
                    + "BatchGetItem, Scan, DescribeTable and ListTables; larder serve --gateway on "
                    + "--origin aws serves the tables of an account")
        }
    }

    private func reply(_ body: Shown, _ more: [(name: String, value: String)] = [])
        -> ForwardedReply
    {
        let buffer = ByteBuffer(string: body.json)
        let headers: [(name: String, value: String)] = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("x-amz-crc32", String(Checksum.of(buffer))),
            ("Content-Length", String(buffer.readableBytes)),
        ]
        return ForwardedReply(status: 200, headers: headers + more, body: Once(buffer))
    }

    // MARK: Items

    private func getItem(_ input: JSONPart) async throws -> ForwardedReply {
        try checkTable(input["TableName"]?.text)
        let number = try number(input["Key"])
        let wanted = try Wanted(input)
        let held = accounts.age(number)
        let outcome = held == nil ? Outcome.miss : .hit
        let age = held ?? .zero
        let item = try await account(number).map { wanted.item($0) }
        let body = item.map { [Shown.Field("Item", $0)] } ?? []
        return reply(
            .fields(body),
            [("X-Cache", outcome.rawValue), ("Age", String(max(0, age.components.seconds)))])
    }

    private func batchGetItem(_ input: JSONPart) async throws -> ForwardedReply {
        guard let tables = input["RequestItems"]?.members, tables.count == 1,
            let keys = tables[0].value["Keys"]?.items, (1...100).contains(keys.count)
        else { throw Refusal.invalid("BatchGetItem of the demo takes 1 to 100 Keys of its table") }
        try checkTable(tables[0].name)
        let wanted = try Wanted(tables[0].value)
        let numbers = try keys.map { try number($0) }
        guard Set(numbers).count == numbers.count else {
            throw Refusal.invalid("Provided list of item keys contains duplicates")
        }
        var items: [Shown] = []
        for number in numbers {
            if let account = try await account(number) { items.append(wanted.item(account)) }
        }
        return reply([
            "Responses": .fields([.init(Self.name, .list(items))]), "UnprocessedKeys": [:],
        ])
    }

    private func scan(_ input: JSONPart) async throws -> ForwardedReply {
        try checkTable(input["TableName"]?.text)
        guard input["FilterExpression"] == nil, input["IndexName"] == nil else {
            throw Refusal.invalid("Scan of the demo takes no FilterExpression and no IndexName")
        }
        let wanted = try Wanted(input)
        let limit = input["Limit"]?.number.map { Int($0) } ?? 1000
        guard (1...1000).contains(limit) else {
            throw Refusal.invalid("Scan of the demo takes a Limit of 1 to 1000")
        }
        let start = try input["ExclusiveStartKey"].map { try number($0) }
        let found = try await accounts.accounts(start, limit)
        let count = Shown.number("\(found.count)")
        var fields: [Shown.Field] = [
            .init("Count", count), .init("Items", .list(found.map { wanted.item($0) })),
            .init("ScannedCount", count),
        ]
        if found.count == limit, let last = found.last?[Self.key] {
            fields.append(.init("LastEvaluatedKey", [Self.key: ["S": last]]))
        }
        return reply(.fields(fields))
    }

    /// `nil` where there is none.
    private func account(_ number: String) async throws -> Shown? {
        do {
            return try await accounts.account(number)
        } catch EmbeddedAccounts.Trouble.throttled(let sentence) {
            throw Refusal(
                type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                message: sentence)
        } catch EmbeddedAccounts.Trouble.broken(let sentence) {
            throw Refusal.unreachable(sentence)
        }
    }

    // MARK: What is asked for

    private func checkTable(_ name: String?) throws(Refusal) {
        guard let name, TableName(name, region: region)?.name == Verbatim(Self.name) else {
            throw Refusal(
                type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
                message: "Requested resource not found: the demo has one table, \(Self.name)")
        }
    }

    private func number(_ key: JSONPart?) throws(Refusal) -> String {
        guard let members = key?.members, members.count == 1, members[0].name == Self.key,
            let number = members[0].value["S"]?.text
        else {
            throw .invalid("The provided key element does not match the schema")
        }
        return number
    }

    private var describedTable: Shown {
        [
            "AttributeDefinitions": [["AttributeName": .text(Self.key), "AttributeType": "S"]],
            "BillingModeSummary": ["BillingMode": "PAY_PER_REQUEST"],
            "CreationDateTime": .number("\(Int(started.timeIntervalSince1970))"),
            "ItemCount": .number("\(accounts.count)"),
            "KeySchema": [["AttributeName": .text(Self.key), "KeyType": "HASH"]],
            "TableArn": .text("arn:aws:dynamodb:\(region):000000000000:table/\(Self.name)"),
            "TableName": .text(Self.name), "TableStatus": "ACTIVE",
        ]
    }
}

/// Which attributes are wanted.
private struct Wanted {
    /// `nil` for all.
    private var names: Set<String>?

    init(_ input: JSONPart) throws(Refusal) {
        guard let expression = input["ProjectionExpression"] else { return }
        let holders = input["ExpressionAttributeNames"]
        var names: Set<String> = []
        for path in expression.text?.split(separator: ",") ?? [] {
            let word = String(path.filter { $0 != " " })
            let name = word.hasPrefix("#") ? holders?[word]?.text : word
            guard let name, !name.isEmpty, !name.contains(where: { ".[".contains($0) }) else {
                throw .invalid("ProjectionExpression of the demo takes names of attributes")
            }
            names.insert(name)
        }
        self.names = names
    }

    func item(_ account: Shown) -> Shown {
        guard case .fields(let fields) = account else { return [:] }
        return .fields(
            fields.filter { names?.contains($0.name) ?? true }.map { field in
                switch field.value {
                case .number(let digits): .init(field.name, ["N": .text(digits)])
                default: .init(field.name, ["S": field.value])
                }
            })
    }
}
