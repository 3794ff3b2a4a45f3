/// All that a cache says of itself at one instant.
public struct CacheSnapshot: Hashable, Sendable, Codable {
    /// When it was taken.
    public var at: AgeInstant
    /// The bounds at that instant.
    public var configuration: CacheConfiguration
    /// Entries held; those past their deadline and not yet swept are among them.
    public var count: Int
    /// Bytes of all entries held.
    public var bytes: Int
    /// Fetches under way.
    public var flights: Int
    /// What was counted since the cache was made.
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
    /// How long the cache's locks were held, since it was made.
    public var holds = Holds()
    /// Removed entries that can still be put back.
    public var undoable = 0
    /// Bytes of the ``undoable`` entries, which are not in ``bytes``.
    public var undoableBytes = 0
    /// What is kept of the last hour: samples and events, but for what their keys own.
    public var recordBytes = 0

    /// What has no parameter is 0, empty or `nil` until it is set.
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
