public import FoundationEssentials
public import Larder

/// An engine at one instant.
public struct EngineReport: Hashable, Sendable, Codable {
    /// What the engine is called.
    public var name: String
    /// The random id of this run of the engine: versions and plans mean nothing in another.
    public var instance: String
    /// The number of its process.
    public var pid: Int32
    /// When, on the engine's age line.
    public var at: AgeInstant
    /// See ``AgeInstant/epoch``.
    package var epoch: Int64 { at.epoch(at: wall) }

    /// The wall clock at `at`, to show times of day.
    public var wall: Date
    /// Every cache, in the order in which they were added.
    public var caches: [CacheReport]
    /// What its process takes.
    public var memory: ProcessMemory
    /// Where values come from.
    public var origins: [OriginReport]
    /// What its gateway was sent; `nil` where it has none.
    public var gateway: GatewayReport?
    /// Nothing can be changed by whoever this report was made for.
    public var isReadOnly = false
    /// What the caches hold is invented, and no service's.
    public var isDemo = false
    /// Since when it can be looked into; `nil` where that is not told.
    public var started: Date?
    /// As whom its process runs; `nil` where that is not told.
    public var user: String?

    /// What has no parameter is set afterwards.
    public init(
        name: String, instance: String, pid: Int32, at: AgeInstant, wall: Date,
        caches: [CacheReport], memory: ProcessMemory, origins: [OriginReport] = []
    ) {
        self.origins = origins
        self.name = name
        self.instance = instance
        self.pid = pid
        self.at = at
        self.wall = wall
        self.caches = caches
        self.memory = memory
    }
}

extension AgeInstant {
    /// When the age line began on which it is now `wall`; see ``AgeInstant/epoch``.
    package func epoch(at wall: Date) -> Int64 {
        let microseconds = (wall.timeIntervalSince1970 * 1e6).rounded()
        return (Int64(exactly: microseconds) ?? 0) &* 1000 &- nanoseconds
    }
}
