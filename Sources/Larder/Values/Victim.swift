/// An entry that a change would remove.
public struct Victim<Key: Sendable>: Sendable {
    /// The key as the cache has it.
    public let key: Key
    /// The number of the write that made the entry, as ``EntryFacts/version``.
    public let version: UInt64
    /// Key, value and the engine's own record.
    public let bytes: Int
    /// Why it would leave.
    public let cause: RemovalCause
    /// The last look-up that it served; `nil` before the first, and of an entry that has left.
    public let lastHit: AgeInstant?

    /// One that served no look-up, where no last hit is given.
    public init(
        key: Key, version: UInt64, bytes: Int, cause: RemovalCause, lastHit: AgeInstant? = nil
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
