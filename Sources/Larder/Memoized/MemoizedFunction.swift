/// What may be asked of any memoized function, by the names that Python's decorators have for it.
public protocol MemoizedFunction<Key, Value>: Sendable {
    /// The argument of a function of one; ``Arguments`` of none or several.
    associatedtype Key: Hashable & Sendable
    /// What the function returns.
    associatedtype Value: Sendable

    /// What the function remembers.
    var memo: Memo<Key, Value> { get }
}

extension MemoizedFunction {
    /// Where the results are kept: to invalidate one, to change the bounds, to show in an inspector.
    public var cache: Cache<Key, Value> { memo.cache }

    /// What has been counted since the function was memoized or last cleared. Changes nothing;
    /// linear in the entries held.
    public var cacheInfo: CacheInfo { memo.info }

    /// The bounds as they are now, changes at run time included.
    public var cacheParameters: CacheConfiguration { cache.configuration }

    /// Forgets all results and counts from zero again. The result of a call that began before is
    /// still returned to its callers, and not kept. The cache's own counters go on.
    public func cacheClear() { memo.clear() }
}

/// What a memoized function has done so far.
public struct CacheInfo: Hashable, Sendable {
    /// Calls answered from a kept result.
    public var hits: UInt64
    /// Calls that called the function.
    public var misses: UInt64
    /// Calls that waited for a call of the function that was under way.
    public var coalesced: UInt64
    /// Most results kept; `nil` for no bound.
    public var maxsize: Int?
    /// Results kept, those past their deadline left out.
    public var currsize: Int

    /// Counts that are left out are 0.
    public init(
        hits: UInt64 = 0, misses: UInt64 = 0, coalesced: UInt64 = 0, maxsize: Int?,
        currsize: Int = 0
    ) {
        self.hits = hits
        self.misses = misses
        self.coalesced = coalesced
        self.maxsize = maxsize
        self.currsize = currsize
    }
}
