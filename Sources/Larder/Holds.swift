/// How long the cache's locks were held by what is not a look-up or a write.
public struct Holds: Hashable, Sendable, Codable {
    public var looking = Hold()
    public var expiring = Hold()
    public var shrinking = Hold()
    public var planning = Hold()

    public init() {}

    /// The longest of all, in nanoseconds.
    public var longest: Int64 {
        max(looking.longest, expiring.longest, shrinking.longest, planning.longest)
    }
}

public struct Hold: Hashable, Sendable, Codable {
    public var count: UInt64 = 0
    /// Nanoseconds in all.
    public var total: Int64 = 0
    /// Nanoseconds of the longest.
    public var longest: Int64 = 0

    public init() {}

    mutating func add(_ others: Hold) {
        count += others.count
        total += others.total
        longest = max(longest, others.longest)
    }

    mutating func add(since start: Int64) {
        let took = SystemClock.precise() - start
        count += 1
        total += took
        longest = max(longest, took)
    }
}
