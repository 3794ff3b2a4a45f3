/// All that a cache says of itself at one instant.
public struct CacheSnapshot: Hashable, Sendable, Codable {
    public var at: AgeInstant
    public var configuration: CacheConfiguration
    /// Entries held; those past their deadline and not yet swept are among them.
    public var count: Int
    /// Bytes of all entries held.
    public var bytes: Int
    /// Fetches under way.
    public var flights: Int
    public var counters: CacheCounters
    /// What was counted of late; `nil` where nobody has looked for so long that it is not known.
    public var lately: Lately?
    /// The number of the newest event.
    public var lastEvent: UInt64 = 0
    /// How long fetches took that succeeded.
    public var fetchTimes = Histogram()
    /// The latest failure of each kind that there was.
    public var lastFailures: [FailureKind: LastFailure] = [:]
    /// Failures within the last minute.
    public var failuresLately = FailureCounts()
    /// How old entries were when they left, by cause.
    public var agesAtRemoval: [RemovalCause: Histogram] = [:]
    public var holds = Holds()
    /// Removed entries that can still be put back, and their bytes, which are not in ``bytes``.
    public var undoable = 0
    public var undoableBytes = 0
    /// What is kept of the last hour: samples and events, but for what their keys own.
    public var recordBytes = 0

    public init(
        at: AgeInstant, configuration: CacheConfiguration, count: Int, bytes: Int, flights: Int,
        counters: CacheCounters
    ) {
        self.at = at
        self.configuration = configuration
        self.count = count
        self.bytes = bytes
        self.flights = flights
        self.counters = counters
    }
}
