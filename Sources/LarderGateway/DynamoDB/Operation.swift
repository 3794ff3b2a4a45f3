/// What is known of DynamoDB's operations, for those who need to tell them apart.
struct Operation: Sendable {
    /// `GetItem`.
    let name: String

    static let prefix = "DynamoDB_20120810."

    /// `nil` where a request's target is none of DynamoDB's of today.
    init?(target: String?) {
        guard let target, target.utf8.starts(with: Self.prefix.utf8) else { return nil }
        let name = Substring(target.utf8.dropFirst(Self.prefix.utf8.count))
        guard (1...64).contains(name.utf8.count),
            name.utf8.allSatisfy({
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
            })
        else { return nil }
        self.name = String(name)
    }

    /// Whether it leaves every item as it is. What is not known to do so may write.
    var isRead: Bool {
        Self.reads.contains(name) || name.hasPrefix("Describe") || name.hasPrefix("List")
    }

    private static let reads: Set = [
        "GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan", "GetResourcePolicy",
    ]
}
