public import Larder
public import LarderInspector

/// An account of the embedded store.
public struct Account: Sendable, Hashable, Codable, ByteSized, Inspectable {
    /// Twelve digits.
    public var number: String
    /// Two words, `Alder Bakery`.
    public var name: String
    /// A mailbox at a domain under `example`.
    public var email: String
    /// `free`, `team`, `business` or `enterprise`.
    public var plan: String
    /// `active`, or `suspended` for about one in twenty.
    public var status: String
    /// One of six of AWS's, such as `eu-west-1`.
    public var region: String
    /// A date, `2021-03-14`.
    public var created: String
    /// In cents.
    public var credit: Int

    /// What its texts own.
    public var heapBytes: Int {
        [number, name, email, plan, status, region, created].reduce(0) { $0 + $1.heapBytes }
    }

    /// All of it, by the names that an item of a table would have: `account_number`,
    /// `credit_cents`.
    public var shown: Shown {
        .fields([
            .init("account_number", .text(number)), .init("name", .text(name)),
            .init("email", .text(email)), .init("plan", .text(plan)),
            .init("status", .text(status)), .init("region", .text(region)),
            .init("created", .text(created)), .init("credit_cents", .number("\(credit)")),
        ])
    }
}
