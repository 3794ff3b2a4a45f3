import Larder

/// Makes every cache that is measured: with the system's clock and all facts on.
///
/// - Throws: ``LeftOut`` where this engine cannot be told what is asked for.
func makeCache<Key, Value>(
    _ name: String = "accounts", maxsize: Int?, ttl: Duration? = .seconds(3600),
    policy: Policy = .lru, maxbytes: Int? = nil,
    fetch: @escaping Cache<Key, Value>.Fetch = { _ in throw LeftOut("nothing is fetched here") }
) throws -> Cache<Key, Value> {
    guard maxbytes == nil else { throw LeftOut("the engine has no maxbytes yet") }
    guard policy == .lru else { throw LeftOut("the engine has no policy but lru yet") }
    return Cache(name, maxsize: maxsize, ttl: ttl, fetch: fetch)
}

/// A cache of accounts that holds an entry for each key.
func filled(_ keys: [String]) throws -> Cache<String, Account> {
    let cache: Cache<String, Account> = try makeCache(maxsize: keys.count)
    for (number, key) in keys.enumerated() { cache.insert(Account(number), for: key) }
    return cache
}

/// The longest single hold of a lock by looking, planning, expiring or shrinking, in
/// microseconds, as the engine counts it; `nil` where it does not.
func longestHold(in snapshot: Snapshot) -> Double? { nil }
