public import Larder

/// A cache at one instant.
public struct CacheReport: Hashable, Sendable, Codable {
    /// By which the cache is addressed here: its own name, or that with a number behind it.
    public var name: String
    /// Its bounds, sizes and counters.
    public var snapshot: CacheSnapshot
    /// The keys that were fetched most of late, the most often fetched first.
    public var mostFetched: [FetchedRow] = []
    /// Since when those were counted; `nil` where they were not.
    public var fetchedSince: AgeInstant?

    /// How forecasts of changes were held to; `nil` where none was judged yet.
    public var forecasts: Forecasts?

    /// Forecasts of changes that were judged since the engine could be looked into.
    public struct Forecasts: Hashable, Sendable, Codable {
        /// What came was what was foreseen.
        public var held = 0
        /// It was not.
        public var missed = 0

        /// Not one yet.
        public init() {}
    }

    /// Tells nothing of the keys that were fetched most, until that is set.
    public init(name: String, snapshot: CacheSnapshot) {
        self.name = name
        self.snapshot = snapshot
    }

    /// So many keys are told of.
    public static let fetched = 10
}

/// A key that is fetched often, and how that went.
public struct FetchedRow: Hashable, Sendable, Codable {
    /// As it is shown.
    public var key: String
    /// At least so many fetches were begun.
    public var fetches: UInt64
    /// At least so many of them failed.
    public var failures: UInt64
    /// What kind of failure the last of those was; `nil` where no fetch failed.
    public var kind: FailureKind?
    /// Why that one failed, as `Refresh.words` has it; `nil` where no fetch failed.
    public var reason: String?

    /// One that never failed, where nothing else is said.
    public init(
        key: String, fetches: UInt64, failures: UInt64 = 0, kind: FailureKind? = nil,
        reason: String? = nil
    ) {
        self.key = key
        self.fetches = fetches
        self.failures = failures
        self.kind = kind
        self.reason = reason
    }
}
