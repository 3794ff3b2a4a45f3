/// What came of invalidating one key.
public enum Invalidation: Hashable, Sendable {
    /// The entry is gone, or marked as stale by ``Cache/invalidateSoftly(_:version:by:)``; `bytes`
    /// are what it takes, 0 where only a remembered failure was to be forgotten.
    case removed(bytes: Int)
    /// Nothing live was held for the key.
    case absent
    /// The entry was written anew since the version asked for, and stays.
    case changed(version: UInt64)
}
