/// What is known of an entry beside its key and value.
public struct EntryFacts: Hashable, Sendable {
    /// The cache-wide number of the write that made it, never used again in this process.
    public var version: UInt64
    /// When the value was fetched or inserted; an undo leaves it as it was.
    public var writtenAt: AgeInstant
    /// The value's own end, where it has one.
    public var expiry: AgeInstant?
    /// The earlier of written + ttl and expiry; `distantFuture` where neither is set.
    public var deadline: AgeInstant
    /// Look-ups served by this version; counts to 4,294,967,295.
    public var hits: UInt64
    /// When the last of them was, to the millisecond for hours; `nil` before the first.
    public var lastHit: AgeInstant?
    /// Key, value and the engine's own record.
    public var bytes: Int
    /// How long its fetch took, to the microsecond; zero where the value was inserted.
    public var fetchTime: Duration
    /// How often its key was written while it stayed; counts to 32,767.
    public var loads: Int
    /// Invalidated softly: served until the fetch for it lands.
    public var isStale: Bool

    /// One that was written once and is not stale, where nothing else is said.
    public init(
        version: UInt64, writtenAt: AgeInstant, expiry: AgeInstant?, deadline: AgeInstant,
        hits: UInt64,
        lastHit: AgeInstant?, bytes: Int, fetchTime: Duration, loads: Int = 1, isStale: Bool = false
    ) {
        self.version = version
        self.writtenAt = writtenAt
        self.expiry = expiry
        self.deadline = deadline
        self.hits = hits
        self.lastHit = lastHit
        self.bytes = bytes
        self.fetchTime = fetchTime
        self.loads = loads
        self.isStale = isStale
    }
}
