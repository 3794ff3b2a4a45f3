public import Larder

/// A page of a cache's events.
public struct EventLog: Hashable, Sendable, Codable {
    /// In order of number.
    public var events: [LoggedEvent]
    /// Events after the number asked for that were overwritten before they were read.
    public var dropped: UInt64
    /// The number of the newest event that there is.
    public var last: UInt64

    /// `dropped` counts the events that were overwritten before they were read.
    public init(events: [LoggedEvent], dropped: UInt64, last: UInt64) {
        self.last = last
        self.events = events
        self.dropped = dropped
    }
}

/// An event with its key as shown.
public struct LoggedEvent: Hashable, Sendable, Codable {
    /// By which the cache is addressed.
    public var cache: String
    /// Counted from 1 within the cache, without a gap.
    public var number: UInt64
    /// When it happened.
    public var at: AgeInstant
    /// The key it happened to, as it is shown; `nil` for what concerns the whole cache.
    public var key: String?
    /// What happened, with its figures.
    public var kind: EventKind
    /// Who asked for it; `nil` where the engine acted by itself.
    public var by: Operator?
    /// The key for whose write there was no room without the eviction.
    public var rival: String?

    /// Without a key it concerns the whole cache; keys are as they are shown.
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
