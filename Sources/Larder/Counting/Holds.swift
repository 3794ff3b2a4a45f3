/// How long the cache's locks were held by what is not a look-up, or a write that removes one entry.
public struct Holds: Hashable, Sendable, Codable {
    /// By reads of many entries, of events and of the keys that failed.
    public var looking = Hold()
    /// By removals of entries whose deadline has come.
    public var expiring = Hold()
    /// By removals of many entries, for new bounds or since all are invalidated, and by undoing.
    public var shrinking = Hold()
    /// By working out which entries would leave for other bounds, or come back by an undo.
    public var planning = Hold()
    /// By changes of bounds, but for what they remove.
    public var changing = Hold()
    /// By writes that had to remove more than one hold may.
    public var writing = Hold()

    /// No holds yet.
    public init() {}

    /// The longest of all, in nanoseconds.
    public var longest: Int64 { all.map(\.longest).max()! }

    /// The most work under one hold, in nanoseconds.
    public var longestWork: Int64 { all.map(\.longestWork).max()! }

    private var all: [Hold] { [looking, expiring, shrinking, planning, changing, writing] }
}

/// How often locks were held for one kind of work, and for how long. Work on many entries is done
/// in slices, and each slice is a hold.
public struct Hold: Hashable, Sendable, Codable {
    /// How many holds there were.
    public var count: UInt64 = 0
    /// Nanoseconds in all.
    public var total: Int64 = 0
    /// Nanoseconds of the longest, by the clock on the wall.
    public var longest: Int64 = 0
    /// The most nanoseconds of work in one hold, without what the machine did in between.
    public var longestWork: Int64 = 0

    /// No holds yet.
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
