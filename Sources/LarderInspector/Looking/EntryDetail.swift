import Larder

/// One entry in full, its value as far as its type shows it.
public struct EntryDetail: Hashable, Sendable, Codable {
    /// What is known of it beside its value.
    public var row: EntryRow
    /// The value; of a failure its reason, as `Refresh.words` has it.
    public var value: Shown
    /// What happened to its key lately, oldest first.
    public var history: [LoggedEvent]

    /// The history stands with the oldest first.
    public init(row: EntryRow, value: Shown, history: [LoggedEvent] = []) {
        self.row = row
        self.value = value
        self.history = history
    }
}

/// What a look-up came to.
public struct FetchResult: Hashable, Sendable, Codable {
    /// Its cache, and its key as it is shown.
    public var id: EntryKey
    /// Served from an entry that was there before; past its end, where the row says so.
    public var wasHit: Bool
    /// What was served.
    public var value: Shown
    /// The entry as it is now; `nil` where the cache kept nothing.
    public var row: EntryRow?

    /// A hit was served from an entry that was there before; without a row the cache kept nothing.
    public init(id: EntryKey, wasHit: Bool, value: Shown, row: EntryRow?) {
        self.id = id
        self.wasHit = wasHit
        self.value = value
        self.row = row
    }
}
