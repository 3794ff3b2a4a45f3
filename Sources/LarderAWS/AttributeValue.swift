import Foundation
public import Larder
public import LarderInspector

/// A value of a DynamoDB item: one of the ten types that there are.
public indirect enum AttributeValue: Hashable, Sendable {
    case string(String)
    /// A decimal number of up to 38 digits, as DynamoDB wrote it.
    case number(String)
    case binary([UInt8])
    case stringSet([String])
    case numberSet([String])
    case binarySet([[UInt8]])
    case map([String: AttributeValue])
    case list([AttributeValue])
    case null
    case bool(Bool)
}

/// DynamoDB JSON: an object whose one name tells the type.
extension AttributeValue: Codable {
    private enum TypeName: String, CodingKey, CaseIterable {
        case S, N, B, SS, NS, BS, M, L, NULL, BOOL
    }

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
        case .string(let text): try container.encode(text, forKey: .S)
        case .number(let digits): try container.encode(digits, forKey: .N)
        case .binary(let bytes): try container.encode(Base64.text(bytes), forKey: .B)
        case .stringSet(let texts): try container.encode(texts, forKey: .SS)
        case .numberSet(let numbers): try container.encode(numbers, forKey: .NS)
        case .binarySet(let values):
            try container.encode(values.map(Base64.text), forKey: .BS)
        case .map(let members): try container.encode(members, forKey: .M)
        case .list(let items): try container.encode(items, forKey: .L)
        case .null: try container.encode(true, forKey: .NULL)
        case .bool(let bool): try container.encode(bool, forKey: .BOOL)
        }
    }
}

extension AttributeValue: Inspectable, ByteSized {
    /// Plain JSON: sets as lists, binary as base64.
    public var shown: Shown {
        switch self {
        case .string(let text): .text(text)
        case .number(let digits): .number(digits)
        case .binary(let bytes): .text(Base64.text(bytes))
        case .stringSet(let texts): .list(texts.map { .text($0) })
        case .numberSet(let numbers): .list(numbers.map { .number($0) })
        case .binarySet(let values): .list(values.map { .text(Base64.text($0)) })
        case .map(let members):
            .fields(members.sorted { $0.key < $1.key }.map { .init($0.key, $0.value.shown) })
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
        case .map(let members): box([String: Self].self) + members.heapBytes
        }
    }
}

extension Array {
    /// The elements' own storage behind its header.
    fileprivate var storageBytes: Int {
        isEmpty ? 0 : allocated(32 + capacity * MemoryLayout<Element>.stride)
    }
}

extension [String: AttributeValue] {
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
