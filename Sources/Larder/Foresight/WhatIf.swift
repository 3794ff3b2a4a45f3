/// What other bounds would have brought for the look-ups of late: a what-if, each figure with its
/// error bar.
///
/// A figure's error is half the width of its 95 % bar: the truth lies within figure - error and
/// figure + error in 19 of 20 cases. ``LookUpRecord/whatIf(_:)`` has 0 where every look-up of the time
/// is on record and the policy leaves nothing to chance.
public struct WhatIf: Hashable, Sendable, Codable {
    /// The bounds that were tried out.
    public var bounds: CacheConfiguration
    /// Hits over look-ups, 0...1.
    public var hitRatio: Double
    /// In the same unit.
    public var hitRatioError: Double
    /// Fetches that look-ups start, a second.
    public var fetchesPerSecond: Double
    /// In the same unit.
    public var fetchesPerSecondError: Double
    /// The share of the look-ups, 0...1, that are served a value that the origin has changed since;
    /// `nil` where nothing is known of changes at the origin.
    public var stale: Double?
    /// In the same unit; `nil` as ``stale``.
    public var staleError: Double?
    /// Entries held at the end.
    public var entries: Int
    /// Bytes that they take.
    public var bytes: Int
    /// In the same unit.
    public var bytesError: Int

    public init(
        bounds: CacheConfiguration, hitRatio: Double, hitRatioError: Double,
        fetchesPerSecond: Double, fetchesPerSecondError: Double, stale: Double? = nil,
        staleError: Double? = nil, entries: Int, bytes: Int, bytesError: Int
    ) {
        self.bounds = bounds
        self.hitRatio = hitRatio
        self.hitRatioError = hitRatioError
        self.fetchesPerSecond = fetchesPerSecond
        self.fetchesPerSecondError = fetchesPerSecondError
        self.stale = stale
        self.staleError = staleError
        self.entries = entries
        self.bytes = bytes
        self.bytesError = bytesError
    }
}

/// What a what-if rests on.
public struct WhatIfBasis: Hashable, Sendable, Codable {
    /// The time that the look-ups on record cover. It may be shorter than what was asked for.
    public var window: Duration
    /// Look-ups within it, on record or not.
    public var lookups: Int
    /// Those on record.
    public var recorded: Int
    /// Different keys on record.
    public var keys: Int
    /// The share of the keys that is followed, 0...1.
    public var rate: Double
    /// Whether the record goes back to the cache's first look-up. Where not, its first part is
    /// used to fill the caches that are tried out, and does not count.
    public var isWhole: Bool
    /// How fast the origin changes its values.
    public var changes: ChangeRate

    public init(
        window: Duration, lookups: Int, recorded: Int, keys: Int, rate: Double, isWhole: Bool,
        changes: ChangeRate
    ) {
        self.window = window
        self.lookups = lookups
        self.recorded = recorded
        self.keys = keys
        self.rate = rate
        self.isWhole = isWhole
        self.changes = changes
    }
}

/// How fast the origin changes its values, from fetches that found the value of the time before
/// changed or as it was.
public struct ChangeRate: Hashable, Sendable, Codable {
    /// Fetches whose value was compared with the one before.
    public var compared: Int
    /// Those that found another value.
    public var changed: Int
    /// Changes of a value a second, the most likely; `nil` where no fetch was compared, and where
    /// every one had changed: then only ``least`` is known.
    public var perSecond: Double?
    /// The lower end of the 95 % bar, in changes a second; 0 where nothing had changed.
    public var least: Double
    /// Its upper end; `nil` where it is not known.
    public var most: Double?

    public init(
        compared: Int = 0, changed: Int = 0, perSecond: Double? = nil, least: Double = 0,
        most: Double? = nil
    ) {
        self.compared = compared
        self.changed = changed
        self.perSecond = perSecond
        self.least = least
        self.most = most
    }
}

/// Every combination of sizes, ttls and policies that an operator may want to know of.
public struct WhatIfGrid: Hashable, Sendable, Codable {
    /// What the figures rest on.
    public var basis: WhatIfBasis
    /// The bounds as they are.
    public var present: WhatIf
    /// Sizes from an eighth to eight times, by ttls from an eighth to eight times, of the present
    /// policy: the smaller sizes first, within a size the shorter ttls. A bound that is absent stays
    /// absent.
    public var points: [WhatIf]
    /// Every policy at the present bounds, in the order of ``Policy/names``.
    public var policies: [WhatIf]

    public init(
        basis: WhatIfBasis, present: WhatIf, points: [WhatIf], policies: [WhatIf]
    ) {
        self.basis = basis
        self.present = present
        self.points = points
        self.policies = policies
    }
}
