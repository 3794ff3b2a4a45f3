public import Larder

/// A page of a cache's events.
public struct EventLog: Hashable, Sendable, Codable {
    public var events: [LoggedEvent]
    /// Events after the number asked for that were overwritten before they were read.
    public var dropped: UInt64
    /// The number of the newest event that there is.
    public var last: UInt64

    public init(events: [LoggedEvent], dropped: UInt64, last: UInt64) {
        self.last = last
        self.events = events
        self.dropped = dropped
    }
}

/// An event with its key as shown.
public struct LoggedEvent: Hashable, Sendable, Codable {
    public var cache: String
    public var number: UInt64
    public var at: AgeInstant
    public var key: String?
    public var kind: EventKind
    public var by: Operator?
    /// The key for whose write there was no room without the eviction.
    public var rival: String?

    public init(
        cache: String, number: UInt64, at: AgeInstant, key: String?, kind: EventKind, by: Operator?,
        rival: String? = nil
    ) {
        self.rival = rival
        self.cache = cache
        self.number = number
        self.at = at
        self.key = key
        self.kind = kind
        self.by = by
    }
}
