/// A text that is another only where its bytes are the same.
///
/// Names and keys come from outside and are bytes to whoever chose them: Swift's own `==` takes
/// two spellings of one character for the same text, and two caches or entries for one.
package struct Exact: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (a: Exact, b: Exact) -> Bool { a.text.isExactly(b.text) }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // What comes behind it in a larger value begins here.
        hasher.combine(0xff as UInt8)
    }
}

extension String {
    /// Whether both are the same bytes.
    package func isExactly(_ other: String) -> Bool {
        // Most are not even the same text, which is seen sooner.
        self == other && utf8.elementsEqual(other.utf8)
    }
}
