/// An entry that left its cache, as a removal listener is told of it.
public struct RemovedEntry<Key: Sendable, Value: Sendable>: Sendable {
    public let key: Key
    public let value: Value
    public let cause: RemovalCause
    public let version: UInt64
    /// As ``age``.
    let ageInNanoseconds: Int64
    public let hits: UInt64
    public let bytes: Int

    /// How long ago it had been written.
    public var age: Duration { .nanoseconds(ageInNanoseconds) }
}

/// What a look-up came to.
enum Lookup<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    case hit(Value)
    /// Served, though invalidated softly; the flight that replaces it is for the caller to start.
    case stale(Value, Flight<Key, Value>)
    /// The waiter now stands in a flight that another leads.
    case join(Flight<Key, Value>)
    /// The waiter stands in a new flight, for the caller to start.
    case lead(Flight<Key, Value>)
    /// The last fetch failed, and it is not the time for another.
    case failed(any Error)
    /// It depends on the entry's marks, which the caller is to work out: the cache's own functions
    /// have a say in them.
    case due(Due)
}

/// What there is of a key.
enum Found<Value: Sendable>: Sendable {
    case nothing
    case value(Value)
    /// An entry that was invalidated softly, in this slot of its shard.
    case stale(UInt32)
    /// An entry that is to be fetched anew, though it may still be served.
    case due(Due)
    /// An entry whose deadline has come, in this slot of its shard.
    case ended(UInt32)
}

/// An entry at the end of its life, or near it.
struct Due: Hashable, Sendable {
    /// In its shard.
    let slot: UInt32
    let version: UInt64
    let writtenAt: Int64
    let deadline: Int64

    /// When it is to be fetched anew, and from when on everyone waits for that.
    struct Marks: Sendable {
        let of: Due
        let start: Int64
        let mandatory: Int64
    }

    func marks(_ renewal: Renewal) -> Marks {
        Marks(
            of: self, start: renewal.start(writtenAt: writtenAt, end: deadline),
            mandatory: renewal.mandatoryStart(writtenAt: writtenAt, end: deadline))
    }
}

/// A value on its way into the store, with what is known of it before anything is locked.
struct Arrival<Value: Sendable>: Sendable {
    let value: Value
    let hash: UInt64
    /// When it ends by itself.
    let expiry: Int64?
    let bytes: Int
    /// How long its fetch took, in nanoseconds; `nil` where it was inserted.
    let took: Int64?
    /// How often its key was written before, as far as that is known.
    var loads: UInt16 = 0
}

/// What came of invalidating one key.
public enum Invalidation: Hashable, Sendable {
    case removed(bytes: Int)
    /// Nothing live was held for the key.
    case absent
    /// The entry was written anew since the version asked for, and stays.
    case changed(version: UInt64)
}

/// An entry that a change would remove.
public struct Victim<Key: Sendable>: Sendable {
    public let key: Key
    public let version: UInt64
    public let bytes: Int
    public let cause: RemovalCause
    public let lastHit: Instant?

    public init(
        key: Key, version: UInt64, bytes: Int, cause: RemovalCause, lastHit: Instant? = nil
    ) {
        self.key = key
        self.version = version
        self.bytes = bytes
        self.cause = cause
        self.lastHit = lastHit
    }

    init(_ entry: RemovedEntry<Key, some Sendable>) {
        self.init(key: entry.key, version: entry.version, bytes: entry.bytes, cause: entry.cause)
    }
}

/// What a cache's keys and values say of themselves.
final class Traits<Key: Sendable, Value: Sendable>: Sendable {
    /// Whether values can end by themselves.
    let mayEnd: Bool
    /// Whether a removed value may be kept for a while, for an undo.
    let mayBeBuried: Bool
    let renewal: Renewal
    /// Whether entries are renewed before their end.
    let renews: Bool
    /// When a value that is written now ends by itself.
    let expiry: @Sendable (Key, Value, Instant) -> Instant?
    /// All that an entry takes.
    let bytes: @Sendable (Key, Value) -> Int
    /// The type of which nobody says how much its values take.
    private let unsized: String?

    init(
        lifetime: (@Sendable (Key, Value) -> Duration?)? = nil,
        weigher: (@Sendable (Key, Value) -> Int)? = nil, renewal: Renewal? = nil
    ) {
        self.renewal = renewal ?? Renewal()
        renews = renewal != nil
        let expires = Value.self is any Expiring.Type
        let (keyIsSized, valueIsSized) = (
            Key.self is any ByteSized.Type, Value.self is any ByteSized.Type
        )
        let record = Slab<Key, Value>.stride + Self.overhead + (expires || lifetime != nil ? 32 : 0)
        mayEnd = expires || lifetime != nil
        mayBeBuried = !(Value.self is any Sensitive.Type)
        expiry = { key, value, now in
            let own = expires ? (value as! any Expiring).expiry : nil
            guard let life = lifetime?(key, value) else { return own }
            return min(own ?? .distantFuture, now + life)
        }
        unsized =
            weigher != nil || isSized(Key.self) && isSized(Value.self)
            ? nil : isSized(Key.self) ? "\(Value.self)" : "\(Key.self)"
        bytes = { key, value in
            // What a size function says is held to what can be true.
            if let weigher {
                let (bytes, overflow) = record.addingReportingOverflow(max(0, weigher(key, value)))
                return overflow ? .max : bytes
            }
            let key = keyIsSized ? max(0, (key as! any ByteSized).heapBytes) : 0
            let value = valueIsSized ? max(0, (value as! any ByteSized).heapBytes) : 0
            let (heap, overflow) = key.addingReportingOverflow(value)
            let (bytes, beyond) = record.addingReportingOverflow(heap)
            return overflow || beyond ? .max : bytes
        }
    }

    /// - Throws: ``CacheError`` where these bounds cannot be held.
    func validate(_ bounds: Configuration) throws(CacheError) {
        try bounds.validate()
        if bounds.maxbytes != nil, let unsized {
            throw CacheError(
                "maxbytes needs to know what is held, and \(unsized) does not tell its size; "
                    + "conform it to ByteSized or give the cache a weigher; maxsize needs neither")
        }
    }

    /// The engine's record of an entry beyond its slot: two links in the order of writes, two in
    /// the policy's, and a cell of the index, which is about two thirds full.
    private static var overhead: Int { 2 * 8 + 12 }
}
