import FoundationEssentials
import Glibc
public import Larder

/// A text that is compared as keys are: byte by byte.
///
/// Swift's texts are equal where people would take them for the same; `é` in one scalar and in two
/// are, and so are `K` and the Kelvin sign. To an origin that compares bytes those are different
/// keys, and must be different entries.
public struct Verbatim: Sendable {
    /// The text, byte for byte.
    public let text: String

    /// Keeps the text as it is: nothing is normalised.
    public init(_ text: String) { self.text = text }
}

extension Verbatim: Hashable, Comparable {
    public static func == (a: Verbatim, b: Verbatim) -> Bool {
        a.text.isExactly(b.text)
    }

    public static func < (a: Verbatim, b: Verbatim) -> Bool {
        a.text.compareBytes(b.text) < 0
    }

    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // This byte is not in any UTF-8: it shows where one text ends and the next begins.
        hasher.combine(UInt8.max)
    }
}

extension Verbatim: ExpressibleByStringLiteral, CustomStringConvertible {
    /// As it is written.
    public init(stringLiteral text: String) { self.init(text) }

    public var description: String { text }
}

extension Verbatim: ByteSized, Inspectable {
    /// What the text owns.
    public var heapBytes: Int { text.heapBytes }
    /// The text as it is.
    public var shown: Shown { .text(text) }
}

extension Verbatim: Codable, CodingKeyRepresentable {
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    /// A member's name in JSON, where it is the key of a dictionary.
    public var codingKey: any CodingKey { Name(stringValue: text) }

    /// Any name is a text: never `nil`.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension String {
    /// Whether both are the same bytes.
    package func isExactly(_ other: String) -> Bool {
        utf8.count == other.utf8.count && compareBytes(other) == 0
    }

    /// Negative where this one's bytes come before the other's, 0 where they are the same.
    fileprivate func compareBytes(_ other: String) -> Int {
        var (a, b) = (self, other)
        return a.withUTF8 { a in
            b.withUTF8 { b in
                let common = min(a.count, b.count)
                // An empty text has no address to compare.
                guard common > 0, let first = a.baseAddress, let second = b.baseAddress else {
                    return a.count - b.count
                }
                let order = Int(memcmp(first, second, common))
                return order == 0 ? a.count - b.count : order
            }
        }
    }
}
