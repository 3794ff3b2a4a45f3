import TestSupport
import Testing

@testable import LarderSocket

@Suite struct `A label of a metric` {
    @Test(arguments: [
        ("accounts", "accounts"), ("a\\b", #"a\\b"#), ("a\"b", #"a\"b"#),
        ("a\"\u{301}b", "a\\\"\u{301}b"),
        ("a\nb", #"a\nb"#), ("a\rb", #"a\\rb"#), ("a\r\nb", #"a\\r\nb"#),
        ("a\u{2028}b", #"a\\u{2028}b"#), ("\\n", #"\\n"#), ("é\u{301}帳", "é\u{301}帳"),
    ])
    func `is one line and ends at its quote`(text: String, escaped: String) {
        #expect(Array(MetricsText.escaped(text).utf8) == Array(escaped.utf8))
    }

    /// As Prometheus reads one; `nil` where it would refuse it.
    private func read(_ label: String) -> String? {
        var scalars = label.unicodeScalars[...]
        var text = String.UnicodeScalarView()
        while let scalar = scalars.popFirst() {
            guard scalar != "\"", scalar != "\n" else { return nil }
            guard scalar == "\\" else {
                text.append(scalar)
                continue
            }
            switch scalars.popFirst() {
            case "\\": text.append("\\")
            case "\"": text.append("\"")
            case "n": text.append("\n")
            default: return nil
            }
        }
        return String(text)
    }

    @Test func `is read back, and ends no line, whatever it was`() throws {
        var random = Fuzz.random("labels")
        for _ in 0..<Fuzz.count {
            let text = Fuzz.text(12, using: &random)
            let label = MetricsText.escaped(text)
            #expect(
                !label.unicodeScalars.contains {
                    $0.properties.isWhitespace && $0.properties.generalCategory != .spaceSeparator
                })
            let back = try #require(read(label), "\(text.debugDescription)")
            #expect(
                back.unicodeScalars.elementsEqual(text.unicodeScalars)
                    || text.unicodeScalars.contains {
                        [.control, .lineSeparator, .paragraphSeparator].contains(
                            $0.properties.generalCategory)
                    })
        }
    }
}
