/// One thing that happened in a cache. Numbers run from 1 without a gap, in the order of happening.
public struct Event<Key: Sendable>: Sendable {
    public let number: UInt64
    public let at: Instant
    /// The key it happened to; `nil` for what concerns the whole cache.
    public let key: Key?
    public let kind: EventKind
    /// The key for whose write there was no room without the eviction.
    public let rival: Key?
    /// Who asked for it; `nil` where the engine acted by itself.
    public let by: Actor?
}

public enum EventKind: Hashable, Sendable {
    /// A value was written: fetched in `took`, or inserted where `took` is `nil`.
    case written(version: UInt64, took: Duration?, bytes: Int)
    /// A fetch failed; `reason` is the error's own description.
    case failed(took: Duration, reason: String)
    /// An entry left.
    case removed(RemovalCause, version: UInt64, age: Duration, hits: UInt64)
    /// A value larger than the cache may be was handed out and not kept.
    case oversized(bytes: Int)
    /// An entry was invalidated softly: it is served until the fetch for it lands.
    case softened(version: UInt64)
    /// An invalidation was undone.
    case restored(version: UInt64)
    /// Bounds were changed.
    indirect case configured(from: Configuration, to: Configuration)
}

/// A page of a feed.
public struct EventPage<Key: Sendable>: Sendable {
    /// In order of number.
    public let events: [Event<Key>]
    /// How many events after the number asked for were already overwritten.
    public let dropped: UInt64
    /// The number of the newest event that there is.
    public let last: UInt64
}

/// The last events of a cache, in a ring: the newest overwrites the oldest.
struct Feed<Key: Sendable> {
    private var ring: [Event<Key>] = []
    private(set) var last: UInt64 = 0
    private let capacity: Int
    /// Where the next event goes, once the ring is full.
    private var next = 0

    init(capacity: Int) { self.capacity = capacity }

    mutating func append(
        _ kind: EventKind, key: Key?, rival: Key? = nil, by: Actor? = nil, at: Instant
    ) {
        last += 1
        guard capacity > 0 else { return }
        let event = Event(number: last, at: at, key: key, kind: kind, rival: rival, by: by)
        if ring.count < capacity {
            // All at once, so that it is never moved: memory that is not used costs nothing.
            if ring.isEmpty { ring.reserveCapacity(capacity) }
            ring.append(event)
        } else {
            ring[next] = event
            next = next + 1 == capacity ? 0 : next + 1
        }
    }

    /// The first events numbered above `number`, at most `limit` of them.
    func page(after number: UInt64, limit: Int) -> EventPage<Key> {
        let first = max(number &+ 1, last - UInt64(ring.count) + 1)
        guard number < last, limit > 0 else { return EventPage(events: [], dropped: 0, last: last) }
        let wanted = min(UInt64(limit), last + 1 - first)
        let events = (first..<first + wanted).map { ring[Int(($0 - 1) % UInt64(capacity))] }
        return EventPage(events: events, dropped: first - number - 1, last: last)
    }
}
