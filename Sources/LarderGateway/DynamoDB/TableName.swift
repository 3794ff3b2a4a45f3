import LarderInspector

/// A table as a request names it: by its name, or by its ARN.
///
/// Both are one table to writes. To reads an ARN is the table of the account that it names, which may
/// be another than the caller's.
struct TableName: Sendable {
    /// The bare name.
    let name: Verbatim
    /// As it was written, where that was an ARN.
    let arn: String?

    /// `nil` where the text is neither, or is the ARN of another region's table.
    init?(_ text: String, region: String) {
        guard text.utf8.starts(with: "arn:".utf8) else {
            guard Self.isName(text[...]) else { return nil }
            (name, arn) = (Verbatim(text), nil)
            return
        }
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[2] == "dynamodb", parts[3] == region,
            parts[4].utf8.count == 12,
            parts[5].utf8.starts(with: "table/".utf8), case let name = parts[5].dropFirst(6),
            Self.isName(name)
        else { return nil }
        (self.name, arn) = (Verbatim(String(name)), text)
    }

    /// 3 to 255 of the letters, digits, `_`, `.` and `-`.
    private static func isName(_ text: Substring) -> Bool {
        (3...255).contains(text.utf8.count) && text.utf8.allSatisfy(isPartOfName)
    }

    /// Whether a byte may stand in the name of a table.
    static func isPartOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
