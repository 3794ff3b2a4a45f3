/// The last events of a cache, in a ring: the newest overwrites the oldest.
///
/// They lie there packed, since each write leaves one or two: durations as nanoseconds, keys beside
/// the facts, what is rare behind a reference; and the number of an event is where it lies.
struct Feed<Key: Sendable>: ~Copyable {
    private var facts: UnsafeMutablePointer<Facts>?
    /// Two for each event: its key and its rival.
    private var keys: UnsafeMutablePointer<Key>?
    private var rare: UnsafeMutablePointer<Rare?>?
    private(set) var last: UInt64 = 0
    private var count = 0
    private let capacity: Int
    /// Where the next event goes.
    private var next = 0
    /// See ``SlotColumn``.
    private let anchor: AnyObject? = nil

    private struct Facts: BitwiseCopyable {
        var at: Int64
        var version: UInt64 = 0
        /// How long a fetch took, or how old an entry was, in nanoseconds; negative for `nil`.
        var time: Int64 = -1
        /// Bytes or hits.
        var amount = 0
        var what: What
        var hasKey = false
        var hasRival = false
    }

    private enum What: UInt8 {
        case written, expired, evicted, invalidated, replaced, other
    }

    private final class Rare: Sendable {
        let kind: EventKind?
        let by: Operator?
        init(_ kind: EventKind?, by: Operator?) { (self.kind, self.by) = (kind, by) }
    }

    init(capacity: Int) { self.capacity = capacity }

    deinit {
        guard let facts, let keys, let rare else { return }
        for place in 0..<count { empty(place, facts, keys) }
        rare.deinitialize(count: count)
        facts.deallocate()
        keys.deallocate()
        rare.deallocate()
    }

    private func empty(
        _ place: Int, _ facts: UnsafeMutablePointer<Facts>, _ keys: UnsafeMutablePointer<Key>
    ) {
        if facts[place].hasKey { (keys + 2 * place).deinitialize(count: 1) }
        if facts[place].hasRival { (keys + 2 * place + 1).deinitialize(count: 1) }
    }

    /// A value was written: fetched in so many nanoseconds, or inserted where that is negative.
    mutating func written(_ key: Key, version: UInt64, bytes: Int, took: Int64, at now: AgeInstant)
    {
        add(
            Facts(
                at: now.nanoseconds, version: version, time: took, amount: bytes, what: .written),
            key, nil, nil)
    }

    /// An entry left.
    mutating func removed(
        _ key: Key, _ cause: RemovalCause, version: UInt64, age: Int64, hits: UInt64, rival: Key?,
        by: Operator?, at now: AgeInstant
    ) {
        let what: What =
            switch cause {
            case .expired: .expired
            case .evicted: .evicted
            case .invalidated: .invalidated
            case .replaced: .replaced
            }
        add(
            Facts(
                at: now.nanoseconds, version: version, time: age, amount: Int(hits), what: what),
            key, rival, by.map { Rare(nil, by: $0) })
    }

    /// Anything else.
    mutating func append(_ kind: EventKind, key: Key?, by: Operator? = nil, at now: AgeInstant) {
        add(Facts(at: now.nanoseconds, what: .other), key, nil, Rare(kind, by: by))
    }

    private mutating func add(_ new: Facts, _ key: Key?, _ rival: Key?, _ rare: Rare?) {
        last += 1
        guard capacity > 0 else { return }
        if facts == nil {
            // All at once, so that it is never moved: memory that is not used costs nothing.
            facts = .allocate(capacity: capacity)
            keys = .allocate(capacity: 2 * capacity)
            self.rare = .allocate(capacity: capacity)
        }
        guard let facts, let keys, let others = self.rare else { return }
        if count < capacity {
            count += 1
            (others + next).initialize(to: rare)
        } else {
            empty(next, facts, keys)
            if rare != nil || others[next] != nil { others[next] = rare }
        }
        facts[next] = new
        if let key {
            (keys + 2 * next).initialize(to: key)
            facts[next].hasKey = true
        }
        if let rival {
            (keys + 2 * next + 1).initialize(to: rival)
            facts[next].hasRival = true
        }
        next = next + 1 == capacity ? 0 : next + 1
    }

    /// The memory in use for them, but for what their keys own.
    var bytes: Int {
        count
            * (MemoryLayout<Facts>.stride + 2 * MemoryLayout<Key>.stride
                + MemoryLayout<Rare?>.stride)
    }

    /// Appends the first events numbered above `number`, at most `limit` of them; returns the number
    /// of the first that is still there.
    func read(after number: UInt64, limit: Int, into events: inout [CacheEvent<Key>]) -> UInt64 {
        guard number < last, limit > 0 else { return number &+ 1 }
        let first = max(number + 1, last - UInt64(count) + 1)
        for number in first..<min(first + UInt64(limit), last + 1) {
            if let event = event(number) { events.append(event) }
        }
        return first
    }

    private func event(_ number: UInt64) -> CacheEvent<Key>? {
        guard let facts, let keys, let rare else { return nil }
        let place = Int((number - 1) % UInt64(capacity))
        let known = facts[place]
        return CacheEvent(
            number: number, at: AgeInstant(nanoseconds: known.at),
            key: known.hasKey ? keys[2 * place] : nil,
            kind: rare[place]?.kind ?? kind(known),
            rival: known.hasRival ? keys[2 * place + 1] : nil, by: rare[place]?.by)
    }

    private func kind(_ facts: Facts) -> EventKind {
        let cause: RemovalCause
        switch facts.what {
        case .written, .other:
            return .written(
                version: facts.version, took: facts.time < 0 ? nil : .nanoseconds(facts.time),
                bytes: facts.amount)
        case .expired: cause = .expired
        case .evicted: cause = .evicted
        case .invalidated: cause = .invalidated
        case .replaced: cause = .replaced
        }
        return .removed(
            cause, version: facts.version, age: .nanoseconds(facts.time),
            hits: UInt64(facts.amount))
    }
}
