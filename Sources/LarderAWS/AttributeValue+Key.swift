/// Keys as DynamoDB compares them.
extension AttributeValue {
    /// The same value, a number written in the one way: `1`, `1.0`, `01` and `1e0` are one key.
    public var canonical: AttributeValue {
        guard case .number(let digits) = self else { return self }
        return .number(Self.canonicalNumber(digits) ?? digits)
    }

    /// Digits without an exponent where they are at most 40, else `1.5e60`; `nil` where the text is
    /// no number.
    public static func canonicalNumber(_ text: String) -> String? {
        guard
            let match = text.wholeMatch(of: /([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,9}))?/),
            !(match.2.isEmpty && match.3.isEmpty)
        else { return nil }
        let all = match.2 + match.3
        let digits = all.drop { $0 == "0" }
        guard !digits.isEmpty else { return "0" }
        // The point stands behind so many of the digits; more in front of a number below one.
        let point = (match.4.flatMap { Int($0) } ?? 0) + match.2.count - (all.count - digits.count)
        let kept = String(digits.reversed().drop { $0 == "0" }.reversed())
        let sign = match.1 == "-" ? "-" : ""
        if point >= kept.count, point <= 40 {
            return sign + kept + String(repeating: "0", count: point - kept.count)
        }
        if point > 0, point < kept.count {
            return sign + kept.prefix(point) + "." + kept.dropFirst(point)
        }
        if point <= 0, point > -40 {
            return sign + "0." + String(repeating: "0", count: -point) + kept
        }
        let rest = kept.dropFirst()
        return sign + kept.prefix(1) + (rest.isEmpty ? "" : "." + rest) + "e\(point - 1)"
    }

    /// In an error's sentence.
    var brief: String {
        switch self {
        case .string(let text): "\"\(text)\""
        case .number(let digits): digits
        case .binary(let bytes): "\(bytes.count) bytes"
        default: "no key at all"
        }
    }
}
