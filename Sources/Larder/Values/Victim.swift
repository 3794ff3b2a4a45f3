/// An entry that a change would remove.
public struct Victim<Key: Sendable>: Sendable {
    public let key: Key
    public let version: UInt64
    public let bytes: Int
    public let cause: RemovalCause
    public let lastHit: AgeInstant?

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
