import FoundationEssentials
import LarderAWS
import LarderInspector

/// The attributes by which a table's items are named, in the order in which people write them.
struct KeySchema: Hashable, Sendable {
    var attributes: [Attribute]

    struct Attribute: Hashable, Sendable {
        var name: Verbatim
        /// `S`, `N` or `B`.
        var type: UInt8
    }
}

/// The values of an item's key, as bytes that are the same if and only if DynamoDB takes the keys for
/// one: a type, a length and the value, for each attribute of the schema.
struct KeyValues: Hashable, Sendable {
    let bytes: [UInt8]

    /// Of an item, or of a key: what is there beside the schema's attributes does not count.
    ///
    /// `nil` where the schema's attributes are not there, are of another type, or hold what cannot
    /// be told to be one value with certainty.
    init?(of item: JSONPart, _ schema: KeySchema) {
        guard let members = item.members else { return nil }
        var bytes: [UInt8] = []
        for attribute in schema.attributes {
            guard
                let value = members.first(where: { $0.name.isExactly(attribute.name.text) })?.value,
                let typed = TypedValue(value), typed.type == attribute.type
            else { return nil }
            typed.append(to: &bytes)
        }
        self.bytes = bytes
    }

    /// The key that a request names, with the schema that its attributes would be; `nil` where it is
    /// none that can be understood.
    static func key(_ key: JSONPart) -> (schema: KeySchema, values: KeyValues)? {
        guard let members = key.members, (1...2).contains(members.count) else { return nil }
        var (attributes, bytes) = ([KeySchema.Attribute](), [UInt8]())
        for member in members {
            guard let typed = TypedValue(member.value) else { return nil }
            attributes.append(.init(name: Verbatim(member.name), type: typed.type))
            typed.append(to: &bytes)
        }
        return (KeySchema(attributes: attributes), KeyValues(bytes: bytes))
    }

    /// The key that people mean by texts, one for each attribute; `nil` where they are none.
    init?(_ texts: [String], _ schema: KeySchema) {
        guard texts.count == schema.attributes.count else { return nil }
        var bytes: [UInt8] = []
        for (text, attribute) in zip(texts, schema.attributes) {
            guard let typed = TypedValue(attribute.type, text) else { return nil }
            typed.append(to: &bytes)
        }
        self.bytes = bytes
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The values with their types, in the schema's order.
    var values: [(type: UInt8, text: String)] {
        var values: [(UInt8, String)] = []
        var place = 0
        while place + 5 <= bytes.count {
            let length = (1...4).reduce(0) { $0 << 8 | Int(bytes[place + $1]) }
            let end = place + 5 + length
            values.append((bytes[place], String(decoding: bytes[place + 5..<end], as: UTF8.self)))
            place = end
        }
        return values
    }

    /// For a table of recent writes: the same in every run (FNV-1a).
    var hash: UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

/// One value of a key, in the one way in which it is written.
private struct TypedValue {
    let type: UInt8
    let text: String

    init?(_ value: JSONPart) {
        guard let members = value.members, members.count == 1, members[0].name.utf8.count == 1,
            let type = members[0].name.utf8.first, let text = members[0].value.text
        else { return nil }
        self.init(type, text)
    }

    init?(_ type: UInt8, _ text: String) {
        self.type = type
        switch type {
        case UInt8(ascii: "S"): self.text = text
        case UInt8(ascii: "N"):
            guard let digits = Self.canonicalNumber(text) else { return nil }
            self.text = digits
        case UInt8(ascii: "B"):
            // Bits that are left over at the end may be anything, and are refused by some.
            guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else {
                return nil
            }
            self.text = text
        default: return nil
        }
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(type)
        let length = UInt32(truncatingIfNeeded: text.utf8.count)
        bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        bytes += text.utf8
    }

    /// What is beyond DynamoDB's 38 digits, or near its limits, is left to its own judgement.
    private static func canonicalNumber(_ text: String) -> String? {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard let first = digits.first, digits.count <= 42 else { return nil }
        let isPlain = digits.allSatisfy { (0x30...0x39).contains($0) }
        if isPlain, digits.count <= 38, first != UInt8(ascii: "0") { return text }
        let counted = text.utf8.prefix { $0 != UInt8(ascii: "e") && $0 != UInt8(ascii: "E") }
        guard counted.count(where: { (0x30...0x39).contains($0) }) <= 38,
            let canonical = AttributeValue.canonicalNumber(text),
            // 1e100 is as it may be.
            !canonical.utf8.contains(UInt8(ascii: "e"))
        else { return nil }
        return canonical
    }
}
