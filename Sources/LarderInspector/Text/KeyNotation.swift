/// How a key of several parts is written as one text, and read again, without doubt.
///
/// `USER#1/ORDER#2024\/01`: the parts with slashes between them; a slash, or a backslash, that
/// belongs to a part has a backslash before it, and so has a bracket at the very beginning. Or as
/// JSON: `["USER#1","ORDER#2024/01"]`. Every list of parts has one text by ``text(_:)``, and no two
/// have the same.
public enum KeyNotation {
    /// The one text of a list of parts, which ``parts(_:count:)`` reads.
    public static func text(_ parts: [String]) -> String {
        let text = parts.map { part in
            escaped(part) { $0 == "/" || $0 == "\\" }
        }.joined(separator: "/")
        return text.unicodeScalars.first == "[" ? "\\" + text : text
    }

    /// - Throws: ``InspectorError`` where the text is not so many parts, or could be read in two
    ///   ways.
    public static func parts(_ text: String, count: Int) throws(InspectorError) -> [String] {
        let written = try json(text)
        let parts: [String]
        if let written { parts = written } else { parts = try separated(text) }
        guard parts.count == count else {
            let example = parts.count > count ? "; a slash of a part's own is written \\/" : ""
            throw InspectorError(
                "\"\(text)\" is \(parts.count) of the \(count) parts of a key\(example), or write "
                    + "JSON: [\"a\",\"b\"]")
        }
        return parts
    }

    /// The texts and numbers of a JSON array; `nil` where the text does not begin as one.
    public static func json(_ text: String) throws(InspectorError) -> [String]? {
        guard text.unicodeScalars.first == "[" else { return nil }
        let refusal = InspectorError(
            "\"\(text)\" begins as JSON and is no list of texts; write [\"a\",\"b\"], or \\[ for a "
                + "bracket of the key's own")
        guard let shown = try? Shown(json: Array(text.utf8)), case .list(let items) = shown else {
            throw refusal
        }
        var parts: [String] = []
        for item in items {
            switch item {
            case .text(let text), .number(let text): parts.append(text)
            default: throw refusal
            }
        }
        return parts
    }

    private static func separated(_ text: String) throws(InspectorError) -> [String] {
        var parts = [String.UnicodeScalarView()]
        var isEscaped = false
        for (place, scalar) in text.unicodeScalars.enumerated() {
            if isEscaped {
                guard scalar == "/" || scalar == "\\" || scalar == "[" && place == 1 else {
                    throw InspectorError(
                        "\"\(text)\": behind a backslash stands a slash or another backslash; "
                            + "write \\\\ for one of the key's own")
                }
                parts[parts.count - 1].append(scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if scalar == "/" {
                parts.append(.init())
            } else {
                parts[parts.count - 1].append(scalar)
            }
        }
        guard !isEscaped else {
            throw InspectorError(
                "\"\(text)\" ends in a backslash; write \\\\ for one of the key's own")
        }
        return parts.map { String($0) }
    }

    /// The pieces between commas, as `--keys` and `--attributes` have them. Blanks behind a comma do
    /// not count; `\,` is a comma of the piece's own, and a list in JSON is one piece.
    public static func pieces(_ text: String) -> [String] {
        var pieces = [String.UnicodeScalarView()]
        var rest = text.unicodeScalars[...]
        var isBegun = false
        while let scalar = rest.popFirst() {
            if !isBegun, scalar == "[", let end = endOfList(rest) {
                pieces[pieces.count - 1].append(scalar)
                pieces[pieces.count - 1].append(contentsOf: rest[..<end])
                rest = rest[end...]
                isBegun = true
            } else if scalar == "\\", let next = rest.popFirst() {
                if next != "," { pieces[pieces.count - 1].append(scalar) }
                pieces[pieces.count - 1].append(next)
                isBegun = true
            } else if scalar == "," {
                pieces.append(.init())
                isBegun = false
            } else if isBegun || pieces.count == 1 || !scalar.properties.isWhitespace {
                pieces[pieces.count - 1].append(scalar)
                isBegun = true
            }
        }
        return pieces.map { String($0) }.filter { !$0.isEmpty }
    }

    /// Writes a text so that ``pieces(_:)`` reads it as one piece.
    public static func piece(_ text: String) -> String {
        if text.unicodeScalars.first == "[", endOfList(text.unicodeScalars.dropFirst()) != nil {
            return text
        }
        return escaped(text) { $0 == "," }
    }

    /// Behind the bracket that closes a list in JSON, whose opening one was read.
    private static func endOfList(
        _ text: Substring.UnicodeScalarView
    ) -> Substring.UnicodeScalarView.Index? {
        var depth = 1
        var (isText, isEscaped) = (false, false)
        for place in text.indices {
            let scalar = text[place]
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if scalar == "\\" {
                    isEscaped = true
                } else if scalar == "\"" {
                    isText = false
                }
                continue
            }
            switch scalar {
            case "\"": isText = true
            case "[": depth += 1
            case "]":
                depth -= 1
                if depth == 0 { return text.index(after: place) }
            default: break
            }
        }
        return nil
    }

    /// Scalar by scalar: a mark behind a slash makes another character of it, and not another byte.
    public static func escaped(
        _ text: String, _ isSpecial: (Unicode.Scalar) -> Bool
    ) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isSpecial(scalar) { escaped.append("\\") }
            escaped.append(scalar)
        }
        return String(escaped)
    }
}
