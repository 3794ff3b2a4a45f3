/// Lines of CSV (RFC 4180), the same wherever one is written.
public enum CSV {
    /// A line without its end. A field with a comma, a quote or an end of line stands in quotes.
    ///
    /// A spreadsheet takes a field that begins with `=`, `+`, `-`, `@`, a tab or an end of line for
    /// a formula: such a field has a `'` before it, unless it is a number and nothing else.
    public static func line(_ fields: [String]) -> String {
        fields.map { field($0) }.joined(separator: ",")
    }

    /// One field of it.
    public static func field(_ text: String) -> String { quoted(guarded(text)) }

    private static func guarded(_ field: String) -> String {
        guard let first = field.unicodeScalars.first, formulas.contains(first), !isNumber(field)
        else { return field }
        return "'" + field
    }

    /// The wide forms are taken for the narrow ones.
    private static let formulas: Set<Unicode.Scalar> = [
        "=", "+", "-", "@", "\t", "\r", "\n", "\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}",
    ]

    /// By bytes, because `"\r\n"` is one character, and neither `"\r"` nor `"\n"`.
    private static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { special.contains($0) }) else { return field }
        var bytes: [UInt8] = [quote]
        for byte in field.utf8 { bytes += byte == quote ? [quote, quote] : [byte] }
        return String(decoding: bytes + [quote], as: UTF8.self)
    }

    private static let quote = UInt8(ascii: "\"")
    private static let special = Set("\",\r\n".unicodeScalars.map { UInt8(ascii: $0) })

    /// `-12`, `+0.5`, `-1e9`: a sign, digits with a point, an exponent.
    private static func isNumber(_ field: String) -> Bool {
        var rest = Array(field.utf8)[...]
        func take(_ wanted: String) -> Bool {
            guard let first = rest.first, wanted.utf8.contains(first) else { return false }
            rest.removeFirst()
            return true
        }
        func digits() -> Int {
            let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            rest.removeFirst(count)
            return count
        }
        _ = take("+-")
        let whole = digits()
        let part = take(".") ? digits() : 0
        guard whole + part > 0 else { return false }
        if take("eE") {
            _ = take("+-")
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
