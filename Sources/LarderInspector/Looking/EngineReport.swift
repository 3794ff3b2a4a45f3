public import Foundation
public import Larder

/// An engine at one instant.
public struct EngineReport: Hashable, Sendable, Codable {
    /// What the engine is called.
    public var name: String
    /// The random id of this run of the engine: versions and plans mean nothing in another.
    public var instance: String
    public var pid: Int32
    public var at: AgeInstant
    /// The wall clock at `at`, to show times of day.
    public var wall: Date
    public var caches: [CacheReport]
    public var memory: ProcessMemory
    /// Where values come from.
    public var origins: [OriginReport]
    /// Nothing can be changed by whoever this report was made for.
    public var isReadOnly = false
    /// What the caches hold is invented, and no service's.
    public var isDemo = false
    /// Since when it can be looked into, and as whom its process runs.
    public var started: Date?
    public var user: String?

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
