import LarderInspector

/// A part of a JSON text where it stands: what is wanted of it is looked up there, and nothing is made
/// of the rest.
///
/// A request that is answered from a cache takes a few microseconds in all: there is no time to
/// make a tree of it. And what goes on to the service goes on byte for byte.
struct JSONPart: Sendable {
    let bytes: [UInt8]
    let range: Range<Int>

    /// `nil` where the text is no JSON (RFC 8259).
    init?(_ bytes: [UInt8]) {
        var walk = JSONWalk(bytes)
        guard let range = walk.value() else { return nil }
        walk.skipBlanks()
        guard walk.isAtEnd else { return nil }
        (self.bytes, self.range) = (bytes, range)
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        (self.bytes, self.range) = (bytes, range)
    }

    /// As it is written.
    var raw: ArraySlice<UInt8> { bytes[range] }

    private var first: UInt8 { bytes[range.lowerBound] }

    var isObject: Bool { first == UInt8(ascii: "{") }
    var isNull: Bool { first == UInt8(ascii: "n") }

    var bool: Bool? {
        switch first {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: nil
        }
    }

    /// A member of an object.
    struct Member: Sendable {
        let name: String
        let value: JSONPart
    }

    /// The members of an object, in their order; `nil` where it is none, where two have one name, or
    /// where a name is no text.
    var members: [Member]? {
        guard isObject else { return nil }
        var walk = JSONWalk(bytes, at: range.lowerBound + 1)
        var members: [Member] = []
        walk.skipBlanks()
        guard !walk.take("}") else { return members }
        repeat {
            walk.skipBlanks()
            guard let nameRange = walk.text(), let name = JSONPart(bytes, nameRange).text,
                !members.contains(where: { $0.name.isExactly(name) })
            else { return nil }
            walk.skipBlanks()
            guard walk.take(":"), let value = walk.value() else { return nil }
            members.append(Member(name: name, value: JSONPart(bytes, value)))
            walk.skipBlanks()
        } while walk.take(",")
        return members
    }

    /// The items of a list; `nil` where it is none.
    var items: [JSONPart]? {
        guard first == UInt8(ascii: "[") else { return nil }
        var walk = JSONWalk(bytes, at: range.lowerBound + 1)
        var items: [JSONPart] = []
        walk.skipBlanks()
        guard !walk.take("]") else { return items }
        repeat {
            guard let value = walk.value() else { return nil }
            items.append(JSONPart(bytes, value))
            walk.skipBlanks()
        } while walk.take(",")
        return items
    }

    /// The member of that name, of an object that can be understood.
    subscript(name: String) -> JSONPart? {
        members?.first { $0.name.isExactly(name) }?.value
    }

    /// A text, its escapes read; `nil` where it is none, or no text at all: half of a pair of
    /// surrogates, bytes that are no UTF-8.
    var text: String? {
        guard first == UInt8(ascii: "\"") else { return nil }
        let inner = bytes[range.lowerBound + 1..<range.upperBound - 1]
        if !inner.contains(UInt8(ascii: "\\")) { return String(validating: inner, as: UTF8.self) }
        guard case .text(let text)? = try? Shown(json: Array(raw)) else { return nil }
        return text
    }
}

/// Goes through JSON byte by byte and makes nothing of it.
struct JSONWalk {
    private let bytes: [UInt8]
    private(set) var place: Int
    private var depth = 0

    /// How deep lists and objects may stand in each other; DynamoDB's values end far before.
    private static let deepest = 256

    init(_ bytes: [UInt8], at place: Int = 0) { (self.bytes, self.place) = (bytes, place) }

    var isAtEnd: Bool { place == bytes.count }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
            place += 1
        }
    }

    mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: sign) else { return false }
        place += 1
        return true
    }

    /// Goes behind a value; returns where it stands, `nil` where there is none.
    mutating func value() -> Range<Int>? {
        skipBlanks()
        let start = place
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest, let byte = next else { return nil }
        let isWhole =
            switch byte {
            case UInt8(ascii: "{"): object()
            case UInt8(ascii: "["): list()
            case UInt8(ascii: "\""): text() != nil
            case UInt8(ascii: "t"): word("true")
            case UInt8(ascii: "f"): word("false")
            case UInt8(ascii: "n"): word("null")
            default: number()
            }
        return isWhole ? start..<place : nil
    }

    /// Goes behind a text, quotes and all; returns where it stands.
    mutating func text() -> Range<Int>? {
        let start = place
        guard take("\"") else { return nil }
        while let byte = next {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return start..<place
            case UInt8(ascii: "\\"): guard escape() else { return nil }
            case 0..<32: return nil
            default: break
            }
        }
        return nil
    }

    private mutating func escape() -> Bool {
        guard let sign = next else { return false }
        place += 1
        guard sign == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(sign) }
        for _ in 0..<4 {
            guard let digit = next, Unicode.Scalar(digit).properties.isASCIIHexDigit else {
                return false
            }
            place += 1
        }
        return true
    }

    private mutating func object() -> Bool {
        place += 1
        skipBlanks()
        if take("}") { return true }
        repeat {
            skipBlanks()
            guard text() != nil else { return false }
            skipBlanks()
            guard take(":"), value() != nil else { return false }
            skipBlanks()
        } while take(",")
        return take("}")
    }

    private mutating func list() -> Bool {
        place += 1
        skipBlanks()
        if take("]") { return true }
        repeat {
            guard value() != nil else { return false }
            skipBlanks()
        } while take(",")
        return take("]")
    }

    private mutating func word(_ word: StaticString) -> Bool {
        let end = place + word.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        for offset in 0..<word.utf8CodeUnitCount
        where bytes[place + offset] != word.utf8Start[offset] { return false }
        place = end
        return true
    }

    /// As JSON has numbers: no plus before it, no bare point, no leading zero.
    private mutating func number() -> Bool {
        _ = take("-")
        if !take("0"), digits() == 0 { return false }
        if take("."), digits() == 0 { return false }
        if take("e") || take("E") {
            if !take("-") { _ = take("+") }
            return digits() > 0
        }
        return true
    }

    private mutating func digits() -> Int {
        let start = place
        while let byte = next, (0x30...0x39).contains(byte) { place += 1 }
        return place - start
    }
}
