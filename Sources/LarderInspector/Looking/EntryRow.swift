public import Larder

/// What addresses an entry: its cache and the key as shown, byte by byte.
public struct EntryKey: Hashable, Sendable, Codable {
    /// By which the cache is addressed.
    public var cache: String
    /// The key as it is shown.
    public var key: String

    /// The key as it is shown.
    public init(cache: String, key: String) {
        self.cache = cache
        self.key = key
    }

    /// Keys are compared byte by byte, be the letters of two of them ever so equal.
    public static func == (a: EntryKey, b: EntryKey) -> Bool {
        Verbatim(a.key) == Verbatim(b.key) && Verbatim(a.cache) == Verbatim(b.cache)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(Verbatim(cache))
        hasher.combine(Verbatim(key))
    }
}

/// What is known of an entry, without its value.
///
/// A failure that is remembered is a row too, where no entry is: its version is 0, it was written
/// when the last fetch failed, ends with the next try, and its hits are the look-ups that were
/// answered with it. `Trouble` says more.
public struct EntryRow: Hashable, Sendable, Codable, Identifiable {
    /// Its cache, and its key as it is shown.
    public var id: EntryKey
    /// The number of the write that made it, as `EntryFacts.version`; 0 for a failure.
    public var version: UInt64
    /// When the value was fetched or inserted; of a failure, when the last fetch failed.
    public var writtenAt: AgeInstant
    /// The value's own end, where it has one.
    public var expiry: AgeInstant?
    /// The earlier of written + ttl and expiry; `nil` where the entry has no end.
    public var deadline: AgeInstant?
    /// Look-ups that it served; of a failure, those that were answered with it.
    public var hits: UInt64
    /// When the last of them was; `nil` before the first.
    public var lastHit: AgeInstant?
    /// Key, value and the engine's own record; 0 for a failure.
    public var bytes: Int
    /// How long its fetch took; zero where it was inserted.
    public var fetchTime: Duration
    /// A fetch under way, or one that failed; `nil` where there is nothing to say of either.
    public var refresh: RefreshFacts?
    /// Fetches of its key a second, within the last minute; `nil` where that is not known.
    public var fetchRate: Double?
    /// Its place in the order in which its cache lets entries go, 1 for the next; `nil` where that
    /// was not worked out, or where no entry is.
    public var toGo: Int?
    /// How often its key was written while it stayed; of a failure 1.
    public var loads: Int
    /// True, or `nil` for false, which is left out of JSON.
    private var marked: Bool?

    /// Whether somebody marked it as stale: it is served until it has been refreshed.
    public var isMarkedStale: Bool {
        get { marked ?? false }
        set { marked = newValue ? true : nil }
    }

    /// What is left out is not known, and the entry is not marked as stale.
    public init(
        id: EntryKey, version: UInt64, writtenAt: AgeInstant, expiry: AgeInstant?,
        deadline: AgeInstant?,
        hits: UInt64, lastHit: AgeInstant?, bytes: Int, fetchTime: Duration,
        refresh: RefreshFacts? = nil, fetchRate: Double? = nil, toGo: Int? = nil,
        loads: Int = 1, isMarkedStale: Bool = false
    ) {
        self.loads = loads
        marked = isMarkedStale ? true : nil
        self.refresh = refresh
        self.fetchRate = fetchRate
        self.toGo = toGo
        self.id = id
        self.version = version
        self.writtenAt = writtenAt
        self.expiry = expiry
        self.deadline = deadline
        self.hits = hits
        self.lastHit = lastHit
        self.bytes = bytes
        self.fetchTime = fetchTime
    }

    /// As the engine has it.
    var facts: EntryFacts {
        EntryFacts(
            version: version, writtenAt: writtenAt, expiry: expiry,
            deadline: deadline ?? .distantFuture, hits: hits, lastHit: lastHit, bytes: bytes,
            fetchTime: fetchTime, loads: loads, isStale: isMarkedStale)
    }

    /// From when on a look-up would refresh it: a time before its end, or the end of the pause
    /// after a failure; `nil` where only its end decides.
    public func nextRefresh(at now: AgeInstant) -> AgeInstant? {
        Self.nextRefresh(refresh, deadline: deadline, at: now)
    }

    static func nextRefresh(
        _ refresh: RefreshFacts?, deadline: AgeInstant?, at now: AgeInstant
    ) -> AgeInstant? {
        guard let refresh else { return nil }
        if let trouble = refresh.trouble, now < trouble.until { return trouble.until }
        if refresh.isFetching { return now }
        // What is due is refreshed by the next look-up.
        return refresh.start.flatMap { $0 == deadline ? nil : max($0, now) }
    }

    /// Whether there is an entry: failures are rows as well.
    public var isHeld: Bool { version > 0 }
}
