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
