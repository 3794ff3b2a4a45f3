/// What Python's text functions do and Swift's do otherwise: scalars, not characters, because a
/// mark behind a bracket or a carriage return before a line's end is one character with it.
extension Unicode.Scalar {
    /// White space, as Python's `str.isspace` has it.
    var isBlank: Bool { properties.isWhitespace || (0x1c...0x1f).contains(value) }
}

extension String {
    /// Without the blanks at both ends.
    var stripped: String {
        let scalars = unicodeScalars.drop { $0.isBlank }
        guard let last = scalars.lastIndex(where: { !$0.isBlank }) else { return "" }
        return String(scalars[...last])
    }

    /// The lines, ended by a line feed, a carriage return or both.
    var universalLines: [String] {
        var lines: [String] = []
        var line = UnicodeScalarView()
        var wasReturn = false
        for scalar in unicodeScalars {
            if scalar == "\n" || scalar == "\r" {
                if !(scalar == "\n" && wasReturn) {
                    lines.append(String(line))
                    line = UnicodeScalarView()
                }
            } else {
                line.append(scalar)
            }
            wasReturn = scalar == "\r"
        }
        return line.isEmpty ? lines : lines + [String(line)]
    }
}

/// The words of a command line as a POSIX shell splits and unquotes them, and nothing else of a
/// shell: no variables, no `~`, no pipes. The rules are those of Python's `shlex.split`.
///
/// - Returns: `nil` where a quotation has no end, or where a backslash ends the line.
func shellWords(_ line: String) -> [String]? {
    var words: [String] = []
    var word: String.UnicodeScalarView?
    var quote: Unicode.Scalar?
    var scalars = line.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
        switch (quote, scalar) {
        case (let open?, _) where scalar == open:
            quote = nil
        case (nil, "'"), (nil, "\""):
            quote = scalar
            word = word ?? .init()
        case (nil, "\\"), ("\""?, "\\"):
            guard let next = scalars.next() else { return nil }
            // Between double quotes a backslash is kept, unless a quote or another follows.
            if quote != nil, next != "\"", next != "\\" { word!.append("\\") }
            word = word ?? .init()
            word!.append(next)
        case (nil, " "), (nil, "\t"), (nil, "\r"), (nil, "\n"):
            if let whole = word { words.append(String(whole)) }
            word = nil
        default:
            word = word ?? .init()
            word!.append(scalar)
        }
    }
    guard quote == nil else { return nil }
    return words + (word.map { [String($0)] } ?? [])
}
