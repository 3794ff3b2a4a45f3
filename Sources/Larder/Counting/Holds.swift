/// How long the cache's locks were held by what is not a look-up, or a write that removes one entry.
public struct Holds: Hashable, Sendable, Codable {
    public var looking = Hold()
    public var expiring = Hold()
    public var shrinking = Hold()
    public var planning = Hold()
    /// By changes of bounds, but for what they remove.
    public var changing = Hold()
    /// By writes that had to remove more than one hold may.
    public var writing = Hold()

    public init() {}

    /// The longest of all, in nanoseconds.
    public var longest: Int64 { all.map(\.longest).max()! }

    /// The most work under one hold, in nanoseconds.
    public var longestWork: Int64 { all.map(\.longestWork).max()! }

    private var all: [Hold] { [looking, expiring, shrinking, planning, changing, writing] }
}

public struct Hold: Hashable, Sendable, Codable {
    public var count: UInt64 = 0
    /// Nanoseconds in all.
    public var total: Int64 = 0
    /// Nanoseconds of the longest, by the clock on the wall.
    public var longest: Int64 = 0
    /// Nanoseconds of work of the longest, without what the machine did in between.
    public var longestWork: Int64 = 0

    public init() {}

    mutating func add(_ others: Hold) {
        count += others.count
        total += others.total
        longest = max(longest, others.longest)
        longestWork = max(longestWork, others.longestWork)
    }

    /// The two clocks as a hold begins.
    struct Start {
        let wall = SystemClock.precise()
        let work = SystemClock.work()
    }

    mutating func add(since start: Start) {
        let took = SystemClock.precise() - start.wall
        count += 1
        total += took
        longest = max(longest, took)
        longestWork = max(longestWork, SystemClock.work() - start.work)
    }
}
