public import Larder

/// Which entries to list, and in which order.
public struct EntryQuery: Hashable, Sendable, Codable {
    /// Caches by name; empty for all.
    public var caches: [String]
    /// What ``EntryFilter`` reads: part of a shown key, comparisons; empty for every entry.
    public var filter: String
    /// What the entries are sorted by; equal ones stand by cache, then in the order of writing.
    public var sort: EntryColumn
    /// The largest first.
    public var descending: Bool
    /// How many entries to leave out before the first that is listed.
    public var offset: Int
    /// Most entries listed.
    public var limit: Int

    /// The 50 entries of all caches that end first, where nothing else is said.
    public init(
        caches: [String] = [], filter: String = "", sort: EntryColumn = .ttl,
        descending: Bool = false,
        offset: Int = 0, limit: Int = 50
    ) {
        self.caches = caches
        self.filter = filter
        self.sort = sort
        self.descending = descending
        self.offset = offset
        self.limit = limit
    }
}

/// A screenful of entries, all seen at one instant.
public struct EntryPage: Hashable, Sendable, Codable {
    /// The instant at which they were compared.
    public var at: AgeInstant
    /// In the order asked for.
    public var rows: [EntryRow]
    /// Entries that pass the filter.
    public var matched: Int
    /// Entries of the caches asked for.
    public var total: Int

    /// `matched` counts the entries that pass the filter, on this page or not; `total` those of the
    /// caches asked for, whether they pass or not.
    public init(at: AgeInstant, rows: [EntryRow], matched: Int, total: Int) {
        self.at = at
        self.rows = rows
        self.matched = matched
        self.total = total
    }
}
