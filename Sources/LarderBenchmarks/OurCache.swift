import Larder

/// Makes every cache that is measured: with the system's clock and all facts on.
func makeCache<Key, Value>(
    _ name: String = "accounts", maxsize: Int?, ttl: Duration? = .seconds(3600),
    policy: Policy = .lru, maxbytes: Int? = nil, foresight: Bool = true,
    fetch: @escaping Cache<Key, Value>.Fetch = { _ in throw LeftOut("nothing is fetched here") }
) throws -> Cache<Key, Value> {
    Cache(
        name, maxsize: maxsize, maxbytes: maxbytes, ttl: ttl, policy: policy, foresight: foresight,
        fetch: fetch)
}

/// A cache of accounts that holds an entry for each key.
func filled(_ keys: [String], foresight: Bool = true) throws -> Cache<String, Account> {
    let cache: Cache<String, Account> = try makeCache(
        maxsize: keys.count, foresight: foresight)
    for (number, key) in keys.enumerated() { cache.insert(Account(number), for: key) }
    return cache
}

/// The longest work under one hold of a lock as the engine counted it, of each kind of work, in
/// microseconds.
func longestHolds(in snapshot: CacheSnapshot) -> [Double] {
    let holds = snapshot.holds
    return [
        holds.looking, holds.expiring, holds.shrinking, holds.planning, holds.changing,
        holds.writing,
    ].map { Double($0.longestWork) / 1000 }
}
