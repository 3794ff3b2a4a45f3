public import Larder

/// A cache at one instant.
public struct CacheReport: Hashable, Sendable, Codable {
    public var name: String
    public var snapshot: CacheSnapshot
    /// The keys that were fetched most of late, the most often fetched first.
    public var mostFetched: [FetchedRow] = []
    /// Since when those were counted; `nil` where they were not.
    public var fetchedSince: AgeInstant?

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
    /// What kind of failure the last of those was, and why.
    public var kind: FailureKind?
    public var reason: String?

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
