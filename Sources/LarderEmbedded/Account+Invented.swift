import Larder

// What accounts of the embedded store are invented.

extension Account {
    /// The account number at a place in the store: they run from 100000000000 upwards.
    public static func number(at place: Int) -> String { String(first + place) }

    private static let first = 100_000_000_000

    /// The place of the account that has a number; `nil` where none can have it.
    public static func place(of number: String) -> Int? {
        guard number.utf8.count == 12, let number = Int(number), number >= first else { return nil }
        return number - first
    }

    /// The account that stands under a number: always the same one, and a plausible one.
    static func invented(at place: Int) -> Account {
        var random = SplitMix64(seed: UInt64(place))
        let word = names.randomElement(using: &random)!
        let kind = kinds.randomElement(using: &random)!
        let domain = "\(word)-\(kind)".lowercased() + ".example"
        let year = Int.random(in: 2015...2025, using: &random)
        let day = (Int.random(in: 1...12, using: &random), Int.random(in: 1...28, using: &random))
        return Account(
            number: number(at: place), name: "\(word) \(kind)",
            email: "\(mailboxes.randomElement(using: &random)!)@\(domain)",
            plan: ["free", "free", "team", "team", "business", "enterprise"]
                .randomElement(using: &random)!,
            status: Int.random(in: 0..<20, using: &random) == 0 ? "suspended" : "active",
            region: regions.randomElement(using: &random)!,
            created: "\(year)-\(padded(day.0))-\(padded(day.1))",
            credit: Int.random(in: 0...2_000_000, using: &random))
    }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static let names = [
        "Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Glade", "Harbor", "Inlet", "Juniper",
        "Kestrel", "Lark", "Meadow", "Northwind", "Orchard", "Pine", "Quarry", "Ridge", "Summit",
        "Thistle", "Umber", "Vale", "Willow", "Yarrow",
    ]
    private static let kinds = [
        "Analytics", "Bakery", "Clinic", "Design", "Energy", "Freight", "Games", "Hotels",
        "Insurance", "Labs", "Logistics", "Media", "Payments", "Robotics", "Travel",
    ]
    private static let mailboxes = ["accounts", "billing", "cloud", "it", "ops", "platform"]
    private static let regions = [
        "us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2", "sa-east-1",
    ]
}

/// A small generator with a seed (Steele, Lea and Flood, 2014): the same seed, the same numbers.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter seed: Any number, 0 too.
    public init(seed: UInt64) { state = seed }

    /// The next of the numbers, all 64 bits of it.
    public mutating func next() -> UInt64 {
        defer { state &+= SplitMix.step }
        return SplitMix.mixed(state)
    }
}
