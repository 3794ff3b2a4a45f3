import Larder

/// Makes every cache that is measured: with the system's clock and all facts on.
func makeCache<Key, Value>(
    _ name: String = "accounts", maxsize: Int?, ttl: Duration? = .seconds(3600),
    policy: Policy = .lru, maxbytes: Int? = nil,
    fetch: @escaping Cache<Key, Value>.Fetch = { _ in throw LeftOut("nothing is fetched here") }
) throws -> Cache<Key, Value> {
    Cache(
        name, maxsize: maxsize, maxbytes: maxbytes, ttl: ttl, policy: policy, fetch: fetch)
}

/// A cache of accounts that holds an entry for each key.
func filled(_ keys: [String]) throws -> Cache<String, Account> {
    let cache: Cache<String, Account> = try makeCache(maxsize: keys.count)
    for (number, key) in keys.enumerated() { cache.insert(Account(number), for: key) }
    return cache
}

/// The longest single hold of a lock by looking, planning, expiring or shrinking, in
/// microseconds, as the engine counts it.
func longestHold(in snapshot: CacheSnapshot) -> Double? {
    Double(snapshot.holds.longestWork) / 1000
}
