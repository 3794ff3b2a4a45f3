public import Larder

/// What a change would do, worked out before it is applied.
public struct Plan: Hashable, Sendable, Codable, Identifiable {
    /// A random number, as sixteen hexadecimal digits.
    public typealias ID = String
    /// By which it is applied, and taken back.
    public var id: ID
    /// The run of the engine that made it: it means nothing in another.
    public var instance: String
    /// What was asked for, each entry named once.
    public var change: Change
    /// When it was made.
    public var at: AgeInstant
    /// How many entries would go, failures that are remembered among them.
    public var entries: Int
    /// What the ``entries`` take: keys, values and the engine's records.
    public var bytes: Int
    /// The first of them, in the order in which they would go.
    public var victims: [PlannedVictim]
    /// Entries asked for that are not there as they were seen, the first ``Skipped/named`` of them.
    public var skipped: [Skipped]
    /// How many more of those there are than are named.
    public var unnamed = 0
    /// How many of ``entries`` are not entries but failures that would be forgotten: the next
    /// look-up asks the origin again. Their version is 0, and they are not taken back.
    public var failures = 0
    /// How many of ``entries`` could be put back, were all to go at once, where that is known;
    /// ``undoNote(spread:)`` says it in words.
    public var undoable: Int?
    /// The bounds before, where the change is of bounds.
    public var before: CacheConfiguration?
    /// How many of the entries were hit within the last minute: so many fetches are to come
    /// within about the next, to have them back.
    public var fetches = 0
    /// Where bounds become tighter: about how many fetches a minute what is held now will take from
    /// then on, if it is looked up as often as it was. `nil` where that is not known.
    public var perMinute: Int?
    /// The caches among those concerned that are protected; ``PlanApplication/confirmation`` has to
    /// name them.
    public var protected: [String] = []

    /// Only in a plan that takes another one back, and has its id; else `nil`.
    public var takesBack: TakingBack?

    /// What the present bounds of a cache bring, and what the new ones would, where the change is of
    /// bounds and enough look-ups are on record.
    public var now: WhatIf?
    /// See ``now``.
    public var foreseen: WhatIf?

    /// How many victims a plan names.
    public static let named = 20
}

/// What taking a plan back would do, beside what has to go for it.
public struct TakingBack: Hashable, Sendable, Codable {
    /// How many entries come back at most: one that is fetched again before that does not.
    public var entries: Int
    /// Why some of it cannot be taken back.
    public var problems: [String]
}

/// An entry that a plan would remove.
public struct PlannedVictim: Hashable, Sendable, Codable {
    /// Its cache, and its key as it is shown.
    public var id: EntryKey
    /// 0 for a failure that would be forgotten.
    public var version: UInt64
    /// Key, value and the engine's own record; 0 for a failure.
    public var bytes: Int
    /// Why it would leave.
    public var cause: RemovalCause
}

/// An entry that a plan or its application left alone, and why.
public struct Skipped: Hashable, Sendable, Codable {
    /// Its cache, and its key as it is shown.
    public var id: EntryKey
    /// In words: `not there any more`.
    public var why: String

    /// How many of them one answer names.
    public static let named = 1000

    /// How the reason begins for an entry that was written since it was seen.
    static let rewritten = "now version"
}

extension [Skipped] {
    /// What is left alone and why, in a few lines: each by its name where there are three at most, else
    /// how many for which reason.
    package func inShort(unnamed: Int) -> [String] {
        guard count + unnamed > 3 else { return map { "\($0.id.key), \($0.why)" } }
        let reasons = Dictionary(grouping: self) {
            $0.why.hasPrefix(Skipped.rewritten) ? "written anew since" : $0.why
        }
        return reasons.map { (why: $0.key, count: $0.value.count) }
            .sorted { ($1.count, $0.why) < ($0.count, $1.why) }
            .map { "\($0.count), \($0.why)" } + (unnamed > 0 ? ["\(unnamed) more"] : [])
    }

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
