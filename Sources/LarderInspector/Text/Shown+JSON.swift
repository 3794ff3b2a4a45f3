// JSON as it stands: numbers keep their digits, members their order and their names byte for byte.
// Foundation's own reader and writer keep none of the three: they hold members by their names in a
// dictionary of texts, where two names that look the same are one.

/// Why a text is not JSON, and at which of its bytes.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, without the place.
    public let sentence: String
    /// The byte, counted from 0, at which the text stops making sense.
    public let place: Int

    public var description: String { "\(sentence) at byte \(place)" }
}

extension Shown {
    /// Reads a whole JSON text (RFC 8259).
    ///
    /// - Throws: ``JSONError``.
    public init(json bytes: [UInt8]) throws(JSONError) {
        var reader = JSONReader(bytes: bytes)
        self = try reader.whole()
    }

    /// The value as JSON, without blanks. What is no number in JSON stands in quotes.
    public var json: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same over several lines, for people.
    public var prettyJSON: String {
        var bytes: [UInt8] = []
        write(to: &bytes, depth: 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// - Parameter depth: How deep it stands; `nil` where all is to stand in one line.
    private func write(to bytes: inout [UInt8], depth: Int? = nil) {
        func newLine(_ depth: Int?) {
            guard let depth else { return }
            bytes += "\n".utf8
            bytes += String(repeating: "  ", count: depth).utf8
        }
        func each(_ count: Int, _ brackets: String, _ write: (Int) -> Void) {
            bytes.append(brackets.utf8.first!)
            for place in 0..<count {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                newLine(depth.map { $0 + 1 })
                write(place)
            }
            if count > 0 { newLine(depth) }
            bytes.append(brackets.utf8.last!)
        }
        switch self {
        case .text(let text): Self.write(text, to: &bytes)
        case .number(let digits):
            if JSONReader.isNumber(digits) {
                bytes += digits.utf8
            } else {
                Self.write(digits, to: &bytes)
            }
        case .bool(let bool): bytes += "\(bool)".utf8
        case .null: bytes += "null".utf8
        case .list(let items):
            each(items.count, "[]") { items[$0].write(to: &bytes, depth: depth.map { $0 + 1 }) }
        case .fields(let fields):
            each(fields.count, "{}") { place in
                Self.write(fields[place].name, to: &bytes)
                bytes += (depth == nil ? ":" : " : ").utf8
                fields[place].value.write(to: &bytes, depth: depth.map { $0 + 1 })
            }
        }
    }

    private static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case UInt8(ascii: "\r"): bytes += "\\r".utf8
            case UInt8(ascii: "\t"): bytes += "\\t".utf8
            case 0..<32, 127:
                let digits = String(byte, radix: 16)
                bytes += ("\\u00" + (byte < 16 ? "0" : "") + digits).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The member of that name, byte for byte; the last where there are several.
    public subscript(name: String) -> Shown? {
        guard case .fields(let fields) = self else { return nil }
        return fields.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }
}

/// Reads JSON byte by byte.
private struct JSONReader {
    let bytes: [UInt8]
    private var place = 0
    private var depth = 0

    /// How deep lists and objects may stand in each other.
    private static let deepest = 256

    init(bytes: [UInt8]) { self.bytes = bytes }

    private func fail(_ sentence: String) -> JSONError {
        JSONError(sentence: sentence, place: place)
    }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipBlanks() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { place += 1 }
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: sign) else { return false }
        place += 1
        return true
    }

    private mutating func take(word: String) -> Bool {
        guard bytes[place...].starts(with: word.utf8) else { return false }
        place += word.utf8.count
        return true
    }

    mutating func whole() throws(JSONError) -> Shown {
        let value = try value()
        skipBlanks()
        guard next == nil else { throw fail("the JSON goes on behind its end") }
        return value
    }

    private mutating func value() throws(JSONError) -> Shown {
        skipBlanks()
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw fail("the JSON is too deep") }
        if take("{") { return .fields(try members()) }
        if take("[") { return .list(try items()) }
        if next == UInt8(ascii: "\"") { return .text(try text()) }
        if take(word: "true") { return .bool(true) }
        if take(word: "false") { return .bool(false) }
        if take(word: "null") { return .null }
        let digits = bytes[place...].prefix { Self.isPartOfNumber($0) }
        let number = String(decoding: digits, as: UTF8.self)
        guard Self.isNumber(number) else { throw fail("a value is expected") }
        place += digits.count
        return .number(number)
    }

    private mutating func items() throws(JSONError) -> [Shown] {
        var items: [Shown] = []
        skipBlanks()
        if take("]") { return items }
        while true {
            items.append(try value())
            skipBlanks()
            if take("]") { return items }
            guard take(",") else { throw fail("a comma or ] is expected") }
        }
    }

    private mutating func members() throws(JSONError) -> [Shown.Field] {
        var members: [Shown.Field] = []
        skipBlanks()
        if take("}") { return members }
        while true {
            skipBlanks()
            let name = try text()
            skipBlanks()
            guard take(":") else { throw fail("a colon is expected") }
            members.append(.init(name, try value()))
            skipBlanks()
            if take("}") { return members }
            guard take(",") else { throw fail("a comma or } is expected") }
        }
    }

    private mutating func text() throws(JSONError) -> String {
        guard take("\"") else { throw fail("a text is expected") }
        var kept: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                place += 1
                guard let text = String(validating: kept, as: UTF8.self) else {
                    throw fail("the text is no UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): kept += try escape()
            case 0..<32: throw fail("a text holds a control character")
            default:
                kept.append(byte)
                place += 1
            }
        }
        throw fail("a text is not closed")
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12,
        UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
    ]

    private mutating func escape() throws(JSONError) -> [UInt8] {
        place += 1
        guard let sign = next else { throw fail("a text is not closed") }
        if let byte = Self.escapes[sign] {
            place += 1
            return [byte]
        }
        guard sign == UInt8(ascii: "u") else { throw fail("there is no such escape") }
        place += 1
        let first = try unit()
        guard UTF16.isLeadSurrogate(first) || UTF16.isTrailSurrogate(first) else {
            return Array(String(Unicode.Scalar(first)!).utf8)
        }
        guard UTF16.isLeadSurrogate(first), take(word: "\\u"),
            case let second = try unit(), UTF16.isTrailSurrogate(second)
        else { throw fail("half a surrogate pair is no character") }
        return Array(String(decoding: [first, second], as: UTF16.self).utf8)
    }

    /// Four hexadecimal digits.
    private mutating func unit() throws(JSONError) -> UInt16 {
        let digits = bytes[place...].prefix(4)
        guard digits.count == 4,
            digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit })
        else { throw fail("four digits are expected") }
        place += 4
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)!
    }

    private static func isPartOfNumber(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
    }

    /// As JSON has numbers: no plus before it, no bare point, no leading zero.
    static func isNumber(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        func digits() -> Int {
            let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            rest.removeFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        let hasZero = rest.first == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0, !hasZero || whole == 1 else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard digits() > 0 else { return false }
        }
        if let sign = rest.first, "eE".utf8.contains(sign) {
            rest.removeFirst()
            if let sign = rest.first, "+-".utf8.contains(sign) { rest.removeFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
