/// What came of invalidating one key.
public enum Invalidation: Hashable, Sendable {
    case removed(bytes: Int)
    /// Nothing live was held for the key.
    case absent
    /// The entry was written anew since the version asked for, and stays.
    case changed(version: UInt64)
}
