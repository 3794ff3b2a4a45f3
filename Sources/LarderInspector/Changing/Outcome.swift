import Larder

/// What applying a plan did.
public struct Outcome: Hashable, Sendable, Codable {
    /// Entries that went or were marked as stale, and failures that were forgotten.
    public var removed: Int
    /// What the ``removed`` entries took: keys, values and the engine's records.
    public var bytes: Int
    /// Planned entries that stayed, because they had changed since, the first ``Skipped/named`` of
    /// them.
    public var skipped: [Skipped]
    /// How many more of those there are than are named.
    public var unnamed = 0
    /// How many of ``removed`` are failures that were forgotten.
    public var forgotten = 0
    /// How many of ``removed`` were marked as stale: they are served on until they are refreshed.
    public var softened = 0
    /// Entries that an undo put back.
    public var restored = 0
    /// What the one who made the change should know too: that it could not be written down.
    public var warning: String?

    static let nothing = Outcome(removed: 0, bytes: 0, skipped: [])

    mutating func add(_ other: Outcome) {
        removed += other.removed
        bytes += other.bytes
        skipped.add(other.skipped, &unnamed)
        unnamed += other.unnamed
        restored += other.restored
        forgotten += other.forgotten
        softened += other.softened
        warning = warning ?? other.warning
    }
}
