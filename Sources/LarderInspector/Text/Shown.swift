import FoundationEssentials

/// What an inspector may see of a value: a tree of plain parts, as JSON has them.
///
/// It is made in the engine's process, by the value's own type, so that what is not in it never
/// leaves that process: a credential leaves its secrets out, whoever asks.
public indirect enum Shown: Hashable, Sendable {
    /// Text as it is.
    case text(String)
    /// A decimal number, digit for digit as its origin wrote it.
    case number(String)
    /// True or false.
    case bool(Bool)
    /// There is no value.
    case null
    /// Parts without names, in their order.
    case list([Shown])
    /// Named parts, in the order in which people want to read them.
    case fields([Field])

    /// A part with its name.
    public struct Field: Hashable, Sendable {
        /// By which people know the part.
        public var name: String
        /// What may be seen of it.
        public var value: Shown

        /// A part by the name that people read.
        public init(_ name: String, _ value: Shown) {
            self.name = name
            self.value = value
        }
    }
}

extension Shown: Encodable {
    /// Plain JSON. A number has all its digits by way of ``PlainJSON``; through an encoder alone it
    /// has them where `Decimal` holds them, and is a string otherwise. Text that is no number, such
    /// as `NaN`, is a string whatever it was taken for.
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
                if let mark = encoder.userInfo[PlainJSON.mark] as? String,
                    let number = Self.number(in: digits)
                {
                    try container.encode(mark + number)
                } else if let decimal = Self.decimal(digits) {
                    try container.encode(decimal)
                } else {
                    try container.encode(digits)
                }
            default: try container.encodeNil()
            }
        }
    }

    /// A decimal number as JSON writes it, digit for digit; `nil` where the text is none.
    static func number(in text: String) -> String? {
        var rest = Substring(text).utf8
        func sign() -> String {
            guard let first = rest.first, [0x2b, 0x2d].contains(first) else { return "" }
            rest.removeFirst()
            return first == 0x2d ? "-" : ""
        }
        func digits() -> Substring {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest.removeFirst(digits.count)
            return Substring(digits)
        }
        func takes(_ bytes: [UInt8]) -> Bool {
            guard let first = rest.first, bytes.contains(first) else { return false }
            rest.removeFirst()
            return true
        }
        var number = sign()
        let whole = digits()
        let fraction = takes([0x2e]) ? digits() : ""
        guard !(whole.isEmpty && fraction.isEmpty) else { return nil }
        let counted = whole.drop { $0 == "0" }
        number += counted.isEmpty ? "0" : String(counted)
        if !fraction.isEmpty { number += ".\(fraction)" }
        if takes([0x45, 0x65]) {
            let sign = sign()
            let exponent = digits()
            // What is longer than this means nothing to any reader.
            guard (1...9).contains(exponent.utf8.count) else { return nil }
            number += "e\(sign)\(exponent)"
        }
        return rest.isEmpty ? number : nil
    }

    /// The number that has all the digits; `nil` where `Decimal` would round or does not reach.
    static func decimal(_ digits: String) -> Decimal? {
        guard let number = number(in: digits),
            let decimal = Decimal(string: number, locale: nil), !decimal.isNaN,
            significant(decimal.description) == significant(number)
        else { return nil }
        return decimal
    }

    /// The digits that count: without sign, point, exponent and outer zeros.
    private static func significant(_ number: String) -> String {
        let digits = number.prefix { $0 != "e" && $0 != "E" }.filter(\.isNumber)
        return String(digits[...].trimmed { $0 == "0" })
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }
}
