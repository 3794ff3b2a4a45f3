public import FoundationEssentials
import LarderInspector

extension DynamoDBItem {
    /// The attribute of that name, byte by byte; `nil` where the item has no such attribute.
    ///
    /// ```swift
    /// let item = try await client.dynamoDB.getItem("accounts", key: ["number": "123456789012"])
    /// let name = item["name"]?.string
    /// ```
    public subscript(name: String) -> AttributeValue? { attributes[Verbatim(name)] }

    /// The item as a type of one's own: its attributes by name, numbers as numbers, sets as arrays,
    /// binary as `Data`.
    ///
    /// - Throws: `DecodingError` where the item is not as the type says.
    public func decode<Value: Decodable>(
        _: Value.Type, using decoder: JSONDecoder = JSONDecoder()
    ) throws -> Value {
        try decoder.decode(Value.self, from: Data(shown.json.utf8))
    }
}

extension AttributeValue {
    /// The text, where it is one.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The number, where it is one that an `Int` holds exactly.
    public var int: Int? {
        guard case .number(let digits) = self else { return nil }
        return Self.canonicalNumber(digits).flatMap { Int($0) }
    }

    /// The number, where it is one; to the digits that a `Double` has.
    public var double: Double? {
        if case .number(let digits) = self { Double(digits) } else { nil }
    }

    /// The truth value, where it is one.
    public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

    /// The bytes, where they are binary.
    public var data: Data? { if case .binary(let bytes) = self { Data(bytes) } else { nil } }

    /// The values of a list; those of a set, in the order in which DynamoDB gave them.
    public var list: [AttributeValue]? {
        switch self {
        case .list(let items): items
        case .stringSet(let texts): texts.map { .string($0) }
        case .numberSet(let numbers): numbers.map { .number($0) }
        case .binarySet(let values): values.map { .binary($0) }
        default: nil
        }
    }

    /// The member of a map.
    public subscript(name: String) -> AttributeValue? {
        if case .map(let members) = self { members[Verbatim(name)] } else { nil }
    }
}

extension AttributeValue: ExpressibleByStringInterpolation {
    /// An `S`.
    public init(stringLiteral text: String) { self = .string(text) }
}

extension AttributeValue: ExpressibleByIntegerLiteral {
    /// An `N`.
    public init(integerLiteral number: Int) { self = .number("\(number)") }
}

extension AttributeValue: ExpressibleByBooleanLiteral {
    /// A `BOOL`.
    public init(booleanLiteral bool: Bool) { self = .bool(bool) }
}

extension DynamoDB {
    /// Reads one item by the attributes of its key: the partition key, and behind it the sort key
    /// where the table has one.
    ///
    /// ```swift
    /// try await client.dynamoDB.getItem("orders", key: ["customer": "ann", "number": 7])
    /// ```
    ///
    /// - Throws: As ``getItem(table:key:_:)``; of kind ``AWSError/Kind/invalid`` where the key has no
    ///   attribute or more than two.
    public func getItem(
        _ table: String, key: KeyValuePairs<String, AttributeValue>, _ reading: Reading = Reading()
    ) async throws -> DynamoDBItem {
        guard let first = key.first, key.count <= 2 else {
            throw AWSError(
                .invalid,
                "a key has \(key.count) attributes; write the partition key, and the sort key where "
                    + "the table has one")
        }
        guard key.count == 1 || !first.key.isExactly(key[1].key) else {
            throw AWSError(
                .invalid,
                "the key has \"\(AWSError.printable(first.key))\" twice; write the partition key and "
                    + "the sort key")
        }
        let sort = key.count == 2 ? Key.Sort(key[1].key, key[1].value) : nil
        return try await getItem(
            table: table, key: Key(first.key, first.value, sort: sort), reading)
    }
}

extension STS {
    /// Assumes a role, by its ARN, with what is usual for the rest.
    ///
    /// - Throws: As ``assumeRole(_:tokenCode:)``; of kind ``AWSError/Kind/invalid`` where the text is
    ///   no role's ARN.
    public func assumeRole(
        _ arn: String, sessionName: String = "larder", duration: Duration? = nil,
        externalID: String? = nil
    ) async throws -> Credentials {
        try await assumeRole(
            IAMRole(arn), sessionName: sessionName, duration: duration, externalID: externalID)
    }
}
