import Foundation

/// What an inspector may see of a value: a tree of plain parts, as JSON has them.
///
/// It is made in the engine's process, by the value's own type, so that what is not in it never
/// leaves that process: a credential leaves its secrets out, whoever asks.
public indirect enum Shown: Hashable, Sendable {
    case text(String)
    /// A decimal number, digit for digit as its origin wrote it.
    case number(String)
    case bool(Bool)
    case null
    case list([Shown])
    /// Named parts, in the order in which people want to read them.
    case fields([Field])

    public struct Field: Hashable, Sendable {
        public var name: String
        public var value: Shown

        public init(_ name: String, _ value: Shown) {
            self.name = name
            self.value = value
        }
    }
}

/// A value that says what an inspector may see of it.
public protocol Inspectable {
    var shown: Shown { get }
}

extension String: Inspectable {
    public var shown: Shown { .text(self) }
}

extension Shown: Encodable {
    /// Plain JSON: a number keeps its digits where `Decimal` holds them, and is a string otherwise.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .fields(let fields):
            var container = encoder.container(keyedBy: Name.self)
            for field in fields { try container.encode(field.value, forKey: Name(field.name)) }
        case .list(let items): try items.encode(to: encoder)
        default:
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .bool(let bool): try container.encode(bool)
            case .number(let digits):
                if let decimal = Self.decimal(digits) {
                    try container.encode(decimal)
                } else {
                    try container.encode(digits)
                }
            default: try container.encodeNil()
            }
        }
    }

    /// The digits as a number that has them all: `Decimal` rounds beyond 38 of them, and stops
    /// reading where they end.
    private static func decimal(_ digits: String) -> Decimal? {
        guard digits.allSatisfy({ "+-.0123456789eE".contains($0) }),
            let decimal = Decimal(string: digits, locale: nil),
            significant(decimal.description) == significant(digits)
        else { return nil }
        return decimal
    }

    /// The digits that count: without sign, point, exponent and outer zeros.
    private static func significant(_ number: String) -> String {
        String(number.prefix { $0 != "e" && $0 != "E" }.filter(\.isNumber))
            .trimmingCharacters(in: CharacterSet(charactersIn: "0"))
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }
}
