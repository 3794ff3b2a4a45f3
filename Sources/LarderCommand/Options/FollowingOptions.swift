import ArgumentParser
import LarderAWS
import LarderInspector

/// Whether roles that items name are assumed, and which. Whoever can write into the table writes
/// such a name: so nothing is followed unless it is said, and nobody but whom a pattern allows.
struct FollowingOptions: ParsableArguments {
    @Option(
        help: """
            Assume the roles whose ARNs stand in this attribute of items that are looked up, as \
            far as --allow-role allows them; without external id, tags and source identity.
            """)
    var followRoles: String?

    @Option(
        help: """
            A pattern of the ARNs that --follow-roles may assume, as in \
            arn:aws:iam::*:role/reader; * is any text without a colon. Repeatable.
            """)
    var allowRole: [String] = []

    func validate() throws {
        if followRoles == "" { throw ValidationError("--follow-roles: name an attribute") }
        switch (followRoles, allowRole.isEmpty) {
        case (_?, true):
            throw ValidationError(
                "--follow-roles needs --allow-role PATTERN, as in arn:aws:iam::*:role/reader: items "
                    + "name what others wrote into them")
        case (nil, false):
            throw ValidationError("--allow-role belongs to --follow-roles ATTRIBUTE")
        default: break
        }
        for pattern in allowRole where !pattern.hasPrefix("arn:") {
            throw ValidationError(
                "--allow-role \"\(pattern)\": write a pattern of role ARNs, as in "
                    + "arn:aws:iam::*:role/reader")
        }
    }

    /// The role that an item names and that may be assumed.
    func role(of item: DynamoDBItem) -> IAMRole? {
        guard let followRoles, case .string(let text)? = item.attributes[Verbatim(followRoles)],
            allowRole.contains(where: { Self.matches(Array(text.utf8)[...], Array($0.utf8)[...]) })
        else { return nil }
        return try? IAMRole(text)
    }

    /// Byte by byte, as IAM compares. `*` is any bytes but a colon, so that a pattern of roles in one
    /// account is never one of roles in another.
    static func matches(_ text: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        let (star, colon) = (UInt8(ascii: "*"), UInt8(ascii: ":"))
        // Where to go on from, should what follows the last star not fit.
        var (text, pattern) = (text, pattern)
        var again: (text: ArraySlice<UInt8>, pattern: ArraySlice<UInt8>)?
        while true {
            if pattern.first == star {
                pattern.removeFirst()
                again = (text, pattern)
            } else if let first = text.first, first == pattern.first {
                text.removeFirst()
                pattern.removeFirst()
            } else if text.isEmpty, pattern.isEmpty {
                return true
            } else if let from = again, let first = from.text.first, first != colon {
                again = (from.text.dropFirst(), from.pattern)
                (text, pattern) = (from.text.dropFirst(), from.pattern)
            } else {
                return false
            }
        }
    }
}
