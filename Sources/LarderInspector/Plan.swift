public import Larder

/// What an operator asks for.
public enum Change: Hashable, Sendable {
    /// Drop these entries, each as it was seen: one written anew since stays.
    case invalidate([SeenEntry])
    /// Drop every entry of a cache.
    case invalidateAll(cache: String)
    /// Give a cache these bounds.
    case configure(cache: String, to: Configuration)
    /// Mark these entries as stale: each is served until a fetch for it has landed.
    case soften([SeenEntry])
    /// Several changes, in this order, as one.
    case all([Change])
}

extension Change {
    /// Whether what it is about is served on, as stale.
    package var isSoft: Bool { if case .soften = self { true } else { false } }

    var isSeveral: Bool { if case .all = self { true } else { false } }
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
    /// How many entries would go, failures that are remembered among them.
    public var entries: Int
    public var bytes: Int
    /// The first of them, in the order in which they would go.
    public var victims: [PlannedVictim]
    /// Entries asked for that are not there as they were seen, the first ``Skipped/named`` of them.
    public var skipped: [Skipped]
    /// How many more of those there are than are named.
    public var unnamed = 0
    /// How many of ``entries`` are no entries, but failures that would be forgotten: the next
    /// look-up asks the origin again. Their version is 0, and they are not taken back.
    public var failures = 0
    /// How many of ``entries`` could be put back, were all to go at once, where that is known;
    /// ``undoNote(spread:)`` says it in words.
    public var undoable: Int?
    /// The bounds before, where the change is of bounds.
    public var before: Configuration?
    /// How many of the entries were hit within the last minute: so many fetches are to come
    /// within about the next, to have them back.
    public var fetches = 0
    /// Where bounds become tighter: about how many fetches a minute what is held now will take from
    /// then on, if it is looked up as often as it was. `nil` where that is not known.
    public var perMinute: Int?
    /// The caches among those concerned that are protected; ``Application/confirmation`` has to
    /// name them.
    public var protected: [String] = []

    /// Of a plan that takes another back, whose id it has; `nil` for any other.
    public var takesBack: TakingBack?

    /// How many victims a plan names.
    public static let named = 20
}

/// What taking a plan back would do, beside what has to go for it.
public struct TakingBack: Hashable, Sendable, Codable {
    /// How many entries come back at most: what is fetched anew until then does not.
    public var entries: Int
    /// Why some of it cannot be taken back.
    public var problems: [String]
}

/// An entry that a plan would remove.
public struct PlannedVictim: Hashable, Sendable, Codable {
    public var id: EntryKey
    /// 0 for a failure that would be forgotten.
    public var version: UInt64
    public var bytes: Int
    public var cause: RemovalCause
}

/// An entry that a plan or its application left alone, and why.
public struct Skipped: Hashable, Sendable, Codable {
    public var id: EntryKey
    public var why: String

    /// How many of them one answer names.
    public static let named = 1000
}

/// How a plan is applied: at once and for good where nothing is said.
public struct Application: Hashable, Sendable, Codable {
    /// Over how long the removals are spread, so that the origin is not asked for all at once.
    public var spread: Duration?
    /// After how long bounds go back to what they were.
    public var lasting: Duration?
    /// The names of the protected caches concerned, with commas between them.
    public var confirmation: String?

    public init(
        spread: Duration? = nil, lasting: Duration? = nil, confirmation: String? = nil
    ) {
        self.spread = spread
        self.lasting = lasting
        self.confirmation = confirmation
    }
}

/// How far the application of a plan has come.
public struct Progress: Hashable, Sendable, Codable {
    public enum State: Hashable, Sendable {
        case underWay, done, cancelled, undone
        case failed(String)
    }

    public var state: State
    /// The share that is done, 0...1.
    public var share: Double
    public var outcome: Outcome
    /// When bounds go back to what they were.
    public var goesBack: Instant?
}

/// What applying a plan did.
public struct Outcome: Hashable, Sendable, Codable {
    /// Entries that went or were marked as stale, and failures that were forgotten.
    public var removed: Int
    public var bytes: Int
    /// Planned entries that stayed, because they had changed since, the first ``Skipped/named`` of
    /// them.
    public var skipped: [Skipped]
    /// How many more of those there are than are named.
    public var unnamed = 0
    /// How many of ``removed`` are failures that were forgotten.
    public var forgotten = 0
    /// How many of ``removed`` were marked as stale: they are served on until they are fetched anew.
    public var softened = 0
    /// Entries that an undo put back.
    public var restored = 0
    /// What whoever made the change should know beside: that it could not be written down.
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

extension [Skipped] {
    /// Takes note of more, as far as they are named; counts the rest.
    mutating func add(_ more: some Collection<Skipped>, _ unnamed: inout Int) {
        let named = more.prefix(Skipped.named - count)
        append(contentsOf: named)
        unnamed += more.count - named.count
    }

    /// Takes note of one more.
    mutating func add(_ more: @autoclosure () -> Skipped, _ unnamed: inout Int) {
        guard count < Skipped.named else { return unnamed += 1 }
        append(more())
    }
}
