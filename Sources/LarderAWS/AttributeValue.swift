import FoundationEssentials
public import Larder
public import LarderInspector

/// A value of a DynamoDB item: one of the ten types that there are.
///
/// Texts, and the names of a map's members, are compared byte by byte, as DynamoDB does.
public indirect enum AttributeValue: Sendable {
    /// `S`: text.
    case string(String)
    /// `N`: a decimal number of up to 38 digits, as DynamoDB wrote it.
    case number(String)
    /// `B`: bytes.
    case binary([UInt8])
    /// `SS`: texts, in the order in which DynamoDB gave them.
    case stringSet([String])
    /// `NS`: decimal numbers, in the order in which DynamoDB gave them.
    case numberSet([String])
    /// `BS`: pieces of binary, in the order in which DynamoDB gave them.
    case binarySet([[UInt8]])
    /// `M`: values by name.
    case map([Verbatim: AttributeValue])
    /// `L`: values in their order.
    case list([AttributeValue])
    /// `NULL`: there is no value.
    case null
    /// `BOOL`: true or false.
    case bool(Bool)
}

extension AttributeValue: Hashable {
    public static func == (a: AttributeValue, b: AttributeValue) -> Bool {
        switch (a, b) {
        case (.string(let a), .string(let b)), (.number(let a), .number(let b)):
            Verbatim(a) == Verbatim(b)
        case (.binary(let a), .binary(let b)): a == b
        case (.stringSet(let a), .stringSet(let b)), (.numberSet(let a), .numberSet(let b)):
            a.map { Verbatim($0) } == b.map { Verbatim($0) }
        case (.binarySet(let a), .binarySet(let b)): a == b
        case (.map(let a), .map(let b)): a == b
        case (.list(let a), .list(let b)): a == b
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        switch self {
        case .string(let text), .number(let text): hasher.combine(Verbatim(text))
        case .binary(let bytes): hasher.combine(bytes)
        case .stringSet(let texts), .numberSet(let texts):
            hasher.combine(texts.map { Verbatim($0) })
        case .binarySet(let values): hasher.combine(values)
        case .map(let members): hasher.combine(members)
        case .list(let items): hasher.combine(items)
        case .null: break
        case .bool(let bool): hasher.combine(bool)
        }
    }
}

// DynamoDB JSON: an object whose one name tells the type.
extension AttributeValue {
    private enum TypeName: String, CodingKey, CaseIterable {
        case S, N, B, SS, NS, BS, M, L, NULL, BOOL
    }

    private var type: TypeName {
        switch self {
        case .string: .S
        case .number: .N
        case .binary: .B
        case .stringSet: .SS
        case .numberSet: .NS
        case .binarySet: .BS
        case .map: .M
        case .list: .L
        case .null: .NULL
        case .bool: .BOOL
        }
    }

    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/garbage`` where the JSON is no value.
    init(json: Shown) throws(AWSError) {
        guard case .fields(let fields) = json, fields.count == 1,
            let type = TypeName(rawValue: fields[0].name)
        else { throw Self.garbage }
        switch (type, fields[0].value) {
        case (.S, .text(let text)): self = .string(text)
        case (.N, .text(let digits)): self = .number(digits)
        case (.B, let value): self = .binary(try Self.bytes(value))
        case (.SS, .list(let items)): self = .stringSet(try Self.each(items, Self.text))
        case (.NS, .list(let items)): self = .numberSet(try Self.each(items, Self.text))
        case (.BS, .list(let items)): self = .binarySet(try Self.each(items, Self.bytes))
        case (.M, let value): self = .map(try Self.members(value))
        case (.L, .list(let items)):
            self = .list(try Self.each(items) { value throws(AWSError) in try Self(json: value) })
        case (.NULL, .bool): self = .null
        case (.BOOL, .bool(let bool)): self = .bool(bool)
        default: throw Self.garbage
        }
    }

    private static var garbage: AWSError { AWSError(.garbage, "this is no attribute value") }

    private static func each<Value>(
        _ items: [Shown], _ read: (Shown) throws(AWSError) -> Value
    ) throws(AWSError) -> [Value] {
        var values: [Value] = []
        for item in items { values.append(try read(item)) }
        return values
    }

    private static func text(_ value: Shown) throws(AWSError) -> String {
        guard case .text(let text) = value else { throw garbage }
        return text
    }

    private static func bytes(_ value: Shown) throws(AWSError) -> [UInt8] {
        guard let data = Data(base64Encoded: try text(value)) else { throw garbage }
        return Array(data)
    }

    /// The attributes of an item, or the members of a map.
    package static func members(_ json: Shown) throws(AWSError) -> [Verbatim: AttributeValue] {
        guard case .fields(let fields) = json else { throw garbage }
        var members: [Verbatim: AttributeValue] = [:]
        for field in fields { members[Verbatim(field.name)] = try Self(json: field.value) }
        return members
    }

    /// As DynamoDB writes it.
    public var json: Shown {
        func typed(_ value: Shown) -> Shown { .fields([.init(type.rawValue, value)]) }
        return switch self {
        case .string(let text), .number(let text): typed(.text(text))
        case .binary(let bytes): typed(.text(Base64.text(bytes)))
        case .stringSet(let texts), .numberSet(let texts): typed(.list(texts.map { .text($0) }))
        case .binarySet(let values): typed(.list(values.map { .text(Base64.text($0)) }))
        case .map(let members): typed(members.json)
        case .list(let items): typed(.list(items.map(\.json)))
        case .null: typed(.bool(true))
        case .bool(let bool): typed(.bool(bool))
        }
    }
}

extension AttributeValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: TypeName.self)
        guard let type = container.allKeys.first, container.allKeys.count == 1 else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "no attribute type"))
        }
        func value<Value: Decodable>() throws -> Value {
            try container.decode(Value.self, forKey: type)
        }
        switch type {
        case .S: self = .string(try value())
        case .N: self = .number(try value())
        case .B: self = .binary(try Base64.bytes(try value()))
        case .SS: self = .stringSet(try value())
        case .NS: self = .numberSet(try value())
        case .BS: self = .binarySet(try (value() as [String]).map(Base64.bytes))
        case .M: self = .map(try value())
        case .L: self = .list(try value())
        case .NULL: self = .null
        case .BOOL: self = .bool(try value())
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: TypeName.self)
        switch self {
        case .string(let text), .number(let text): try container.encode(text, forKey: type)
        case .binary(let bytes): try container.encode(Base64.text(bytes), forKey: type)
        case .stringSet(let texts), .numberSet(let texts):
            try container.encode(texts, forKey: type)
        case .binarySet(let values):
            try container.encode(values.map(Base64.text), forKey: type)
        case .map(let members): try container.encode(members, forKey: type)
        case .list(let items): try container.encode(items, forKey: type)
        case .null: try container.encode(true, forKey: type)
        case .bool(let bool): try container.encode(bool, forKey: type)
        }
    }
}

extension AttributeValue: Inspectable, ByteSized {
    /// Plain JSON: numbers with every digit, sets as lists in the order in which DynamoDB gave them
    /// (they have none of their own), binary as base64 in a string. It does not say which list was
    /// a set, or which string was binary: DynamoDB JSON does.
    public var shown: Shown {
        switch self {
        case .string(let text): .text(text)
        case .number(let digits): .number(digits)
        case .binary(let bytes): .text(Base64.text(bytes))
        case .stringSet(let texts): .list(texts.map { .text($0) })
        case .numberSet(let numbers): .list(numbers.map { .number($0) })
        case .binarySet(let values): .list(values.map { .text(Base64.text($0)) })
        case .map(let members):
            .fields(members.sorted { $0.key < $1.key }.map { .init($0.key.text, $0.value.shown) })
        case .list(let items): .list(items.map(\.shown))
        case .null: .null
        case .bool(let bool): .bool(bool)
        }
    }

    /// The box of an indirect case, and what the case holds.
    public var heapBytes: Int {
        func box<Payload>(_: Payload.Type) -> Int { allocated(16 + MemoryLayout<Payload>.size) }
        return switch self {
        case .null: 0
        case .bool: box(Bool.self)
        case .string(let text), .number(let text): box(String.self) + text.heapBytes
        case .binary(let bytes): box([UInt8].self) + bytes.heapBytes
        case .stringSet(let texts), .numberSet(let texts):
            box([String].self) + texts.storageBytes + texts.reduce(0) { $0 + $1.heapBytes }
        case .binarySet(let values):
            box([[UInt8]].self) + values.storageBytes + values.reduce(0) { $0 + $1.heapBytes }
        case .list(let items):
            box([Self].self) + items.storageBytes + items.reduce(0) { $0 + $1.heapBytes }
        case .map(let members): box([Verbatim: Self].self) + members.heapBytes
        }
    }
}

extension Array {
    /// The elements' own storage behind its header.
    fileprivate var storageBytes: Int {
        isEmpty ? 0 : allocated(32 + capacity * MemoryLayout<Element>.stride)
    }
}

extension [Verbatim: AttributeValue] {
    /// As DynamoDB writes an item, in the order of the names.
    package var json: Shown {
        .fields(sorted { $0.key < $1.key }.map { .init($0.key.text, $0.value.json) })
    }

    /// A hash table has a power of two of places, of which three quarters may be used: a bit, a key
    /// and a value each, behind a header.
    var heapBytes: Int {
        guard !isEmpty else { return 0 }
        let places = (capacity * 4 + 2) / 3
        let table = 64 + Swift.max(8, places / 8) + places * MemoryLayout<Element>.stride
        return allocated(table) + reduce(0) { $0 + $1.key.heapBytes + $1.value.heapBytes }
    }
}

private enum Base64 {
    static func text(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    static func bytes(_ text: String) throws -> [UInt8] {
        guard let data = Data(base64Encoded: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "not base64"))
        }
        return Array(data)
    }
}
