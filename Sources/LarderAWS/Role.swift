public import Larder

/// An IAM role, by its ARN.
public struct IAMRole: Hashable, Sendable, ByteSized {
    /// `arn:aws:iam::222222222222:role/reader`, as it was written.
    public let arn: String

    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid`` where the text is no role's ARN.
    public init(_ arn: String) throws {
        let pattern = /arn:aws[a-z0-9-]*:iam::[0-9]{12}:role\/[\x21-\x7e]+/
        // ASCII first: to the pattern, what looks like a letter of its range is one.
        guard (20...2048).contains(arn.utf8.count), arn.utf8.allSatisfy({ $0 < 0x80 }),
            arn.wholeMatch(of: pattern) != nil
        else {
            throw AWSError(
                .invalid,
                "\"\(AWSError.printable(arn))\" is no role's ARN; write "
                    + "arn:aws:iam::ACCOUNT:role/NAME with the account's twelve digits")
        }
        self.arn = arn
    }

    /// `222222222222/reader`, the path of the role included.
    public var shownKey: String {
        let parts = arn.split(separator: ":", maxSplits: 5)
        return parts[3] + "/" + parts[4].dropFirst("role/".count)
    }

    /// What the ARN's text owns.
    public var heapBytes: Int { arn.heapBytes }
}
