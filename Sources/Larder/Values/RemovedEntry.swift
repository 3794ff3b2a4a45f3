/// An entry that left its cache, as a removal listener is told of it.
public struct RemovedEntry<Key: Sendable, Value: Sendable>: Sendable {
    /// The key as the cache had it.
    public let key: Key
    /// The value that it held.
    public let value: Value
    /// Why it left.
    public let cause: RemovalCause
    /// The number of the write that made it, as ``EntryFacts/version``.
    public let version: UInt64
    /// As ``age``.
    let ageInNanoseconds: Int64
    /// Look-ups that it served.
    public let hits: UInt64
    /// Key, value and the engine's own record.
    public let bytes: Int

    /// How long ago it had been written.
    public var age: Duration { .nanoseconds(ageInNanoseconds) }
}
