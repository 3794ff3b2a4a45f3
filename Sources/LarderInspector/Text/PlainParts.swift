extension Substring {
    /// Without the characters at both ends of which `isEdge` is true.
    package func trimmed(where isEdge: (Character) -> Bool) -> Substring {
        let start = drop(while: isEdge)
        guard let last = start.lastIndex(where: { !isEdge($0) }) else { return start }
        return start[...last]
    }
}

extension String {
    /// What a part of an address means, each `%2F` being one byte; `nil` where a sign of percent has
    /// no two digits behind it, or the bytes are not UTF-8.
    package var withoutPercents: String? {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Self.digit),
                let low = rest.popFirst().flatMap(Self.digit)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
