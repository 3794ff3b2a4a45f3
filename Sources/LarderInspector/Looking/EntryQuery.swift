public import Larder

/// Which entries to list, and in which order.
public struct EntryQuery: Hashable, Sendable, Codable {
    /// Caches by name; empty for all.
    public var caches: [String]
    /// What ``EntryFilter`` reads: part of a shown key, comparisons; empty for every entry.
    public var filter: String
    public var sort: EntryColumn
    public var descending: Bool
    public var offset: Int
    public var limit: Int

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
    public var at: AgeInstant
    public var rows: [EntryRow]
    /// Entries that pass the filter.
    public var matched: Int
    /// Entries of the caches asked for.
    public var total: Int

    public init(at: AgeInstant, rows: [EntryRow], matched: Int, total: Int) {
        self.at = at
        self.rows = rows
        self.matched = matched
        self.total = total
    }
}
