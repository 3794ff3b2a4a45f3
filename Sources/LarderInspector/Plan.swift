public import Larder

/// What an operator asks for.
public enum Change: Hashable, Sendable, Codable {
    /// Drop these entries, each as it was seen: one written anew since stays.
    case invalidate([SeenEntry])
    /// Drop every entry of a cache.
    case invalidateAll(cache: String)
    /// Give a cache these bounds.
    case configure(cache: String, to: Configuration)
}

/// An entry as an operator saw it.
public struct SeenEntry: Hashable, Sendable, Codable {
    public var id: EntryKey
    /// `nil`: whatever version is there.
    public var version: UInt64?

    public init(id: EntryKey, version: UInt64?) {
        self.id = id
        self.version = version
    }
}

/// What a change would do, worked out before it is applied.
public struct Plan: Hashable, Sendable, Codable, Identifiable {
    public typealias ID = String
    public var id: ID
    public var instance: String
    public var change: Change
    public var at: Instant
    /// How many entries would go.
    public var entries: Int
    public var bytes: Int
    /// The first of them, in the order in which they would go.
    public var victims: [PlannedVictim]
    /// Entries asked for that are not there as they were seen.
    public var skipped: [Skipped]
    /// The bounds before, where the change is of bounds.
    public var before: Configuration?

    /// How many victims a plan names.
    public static let named = 20
}

/// An entry that a plan would remove.
public struct PlannedVictim: Hashable, Sendable, Codable {
    public var id: EntryKey
    public var version: UInt64
    public var bytes: Int
    public var cause: RemovalCause
}

/// An entry that a plan or its application left alone, and why.
public struct Skipped: Hashable, Sendable, Codable {
    public var id: EntryKey
    public var why: String
}

/// What applying a plan did.
public struct Outcome: Hashable, Sendable, Codable {
    public var removed: Int
    public var bytes: Int
    /// Planned entries that stayed, because they had changed since.
    public var skipped: [Skipped]
}
