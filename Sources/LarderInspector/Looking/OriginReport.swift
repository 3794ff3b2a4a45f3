public import Larder

/// What one operation of an origin came to, since the engine started.
public struct OriginReport: Hashable, Sendable, Codable {
    /// `GetItem`.
    public var name: String
    /// Calls made, each with all its attempts.
    public var calls: UInt64
    /// Attempts beyond the first of a call.
    public var retries: UInt64
    /// Attempts that were refused because they were too many.
    public var throttles: UInt64
    /// Calls that failed in the end, by code.
    public var failures: [String: UInt64]
    /// How long calls took that succeeded.
    public var latency: Histogram
    /// Capacity units used; 0 where nothing is counted in them.
    public var capacity: Double
    /// Calls that the cache made unnecessary.
    public var savedCalls: UInt64
    /// The capacity units that those would have used.
    public var savedCapacity: Double
    /// What those would have cost, in US dollars; `nil` where calls cost nothing.
    public var savedDollars: Double?

    /// What is left out is 0 or empty; calls cost nothing.
    public init(
        name: String, calls: UInt64 = 0, retries: UInt64 = 0, throttles: UInt64 = 0,
        failures: [String: UInt64] = [:], latency: Histogram = Histogram(), capacity: Double = 0,
        savedCalls: UInt64 = 0, savedCapacity: Double = 0, savedDollars: Double? = nil
    ) {
        self.name = name
        self.calls = calls
        self.retries = retries
        self.throttles = throttles
        self.failures = failures
        self.latency = latency
        self.capacity = capacity
        self.savedCalls = savedCalls
        self.savedCapacity = savedCapacity
        self.savedDollars = savedDollars
    }

    /// Calls that failed in the end, whatever the code.
    public var failed: UInt64 { failures.values.reduce(0, +) }
}
