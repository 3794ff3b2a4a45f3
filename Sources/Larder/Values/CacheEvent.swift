/// One thing that happened in a cache. Numbers run from 1 without a gap, in the order of happening.
public struct CacheEvent<Key: Sendable>: Sendable {
    /// Counted from 1; ``Cache/events(after:limit:)`` goes on from there.
    public let number: UInt64
    /// When it happened.
    public let at: AgeInstant
    /// The key it happened to; `nil` for what concerns the whole cache.
    public let key: Key?
    /// What happened, with its figures.
    public let kind: EventKind
    /// The key for whose write there was no room without the eviction.
    public let rival: Key?
    /// Who asked for it; `nil` where the engine acted by itself.
    public let by: Operator?
}

/// What can happen in a cache.
public enum EventKind: Hashable, Sendable {
    /// A value was written: fetched in `took`, or inserted where `took` is `nil`.
    case written(version: UInt64, took: Duration?, bytes: Int)
    /// A fetch failed, or found that there is no such thing; `reason` is what ``Refresh/words`` makes
    /// of the error.
    case failed(took: Duration, kind: FailureKind, reason: String)
    /// An entry left.
    case removed(RemovalCause, version: UInt64, age: Duration, hits: UInt64)
    /// A value larger than the cache may be was handed out and not kept.
    case oversized(bytes: Int)
    /// An entry was invalidated softly: it is served until the fetch for it lands.
    case softened(version: UInt64)
    /// An invalidation was undone.
    case restored(version: UInt64)
    /// Somebody had the failures of a key forgotten: how many in a row were remembered, and how
    /// many look-ups were answered with them.
    case forgotten(failures: Int, refusals: UInt64)
    /// Bounds were changed.
    case configured(from: CacheConfiguration, to: CacheConfiguration)
}

extension EventKind {
    /// A value was asked for at the origin, whatever came of it.
    var isFetch: Bool {
        switch self {
        case .written(_, let took, _): took != nil
        case .failed: true
        case .removed, .oversized, .softened, .restored, .forgotten, .configured: false
        }
    }
}

/// A page of a feed.
public struct EventPage<Key: Sendable>: Sendable {
    /// In order of number.
    public let events: [CacheEvent<Key>]
    /// How many events after the number asked for were already overwritten.
    public let dropped: UInt64
    /// The number of the newest event that there is.
    public let last: UInt64
}
