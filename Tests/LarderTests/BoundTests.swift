import Larder
import LarderTesting
import TestSupport
import Testing

@testable import Larder

@Suite struct BoundTests {
    private let clock = TestClock()

    private func cache(
        maxsize: Int? = 4, ttl: Duration? = .seconds(10), holding keys: ClosedRange<Int>? = nil
    ) -> Cache<Int, Int> {
        let cache = Cache<Int, Int>(
            "bounds", maxsize: maxsize, ttl: ttl, clock: clock.neverWaking
        ) { -$0 }
        for key in keys ?? 1...1 where keys != nil { cache.insert(key, for: key) }
        return cache
    }

    @Test func `shrinking evicts exactly the least recently used, in the order foretold`() throws {
        let cache = cache(maxsize: 6, holding: 1...6)
        for key in [2, 1, 5] { #expect(cache.cached(key) == key) }
        let new = CacheConfiguration(maxsize: 2, ttl: .seconds(10))
        let told = cache.victims(of: new)
        #expect(told.map(\.key) == [3, 4, 6, 2])
        #expect(told.allSatisfy { $0.cause == .evicted })
        let removed = try cache.configure(new)
        #expect(removed.map(\.version) == told.map(\.version))
        #expect(cache.removals == [3, 4, 6, 2].map { Removal($0, .evicted) })
        #expect(cache.order == [1, 5])
        #expect(cache.snapshot().counters.evicted == 4)
    }

    @Test func `what was used before another came is older than that, where nobody looked`() throws
    {
        let cache = cache(maxsize: 6, holding: 1...3)
        #expect(cache.cached(1) == 1)
        cache.insert(4, for: 4)
        cache.insert(2, for: 2)
        cache.insert(5, for: 5)
        #expect(
            try cache.configure(CacheConfiguration(maxsize: 1, ttl: .seconds(10))).map(\.key) == [
                3, 1, 4, 2,
            ])
    }

    @Test func `both bounds at once: what ends goes first, then what there is no room for`() throws
    {
        let cache = cache(maxsize: 6, holding: 1...3)
        clock.advance(by: .seconds(5))
        for key in 4...6 { cache.insert(key, for: key) }
        // 2 is the most recently used, and still the ttl ends it.
        #expect(cache.cached(2) == 2)
        let new = CacheConfiguration(maxsize: 2, ttl: .seconds(5))
        let told = cache.victims(of: new)
        #expect(told.map(\.key) == [1, 2, 3, 4])
        #expect(told.map(\.cause) == [.expired, .expired, .expired, .evicted])
        #expect(try cache.configure(new).map(\.key) == told.map(\.key))
        #expect(cache.order == [5, 6])
    }

    @Test func `asking for victims changes nothing`() {
        let cache = cache(holding: 1...4)
        let before = cache.snapshot()
        for maxsize in [0, 1, 4] {
            _ = cache.victims(of: CacheConfiguration(maxsize: maxsize, ttl: .zero))
        }
        var after = cache.snapshot()
        after.holds = before.holds
        #expect(after == before)
        #expect(cache.order == [1, 2, 3, 4])
    }

    @Test func `more than one slice of entries leaves whole`() throws {
        let cache = cache(maxsize: nil, holding: 1...2000)
        #expect(cache.held.count == 2000)
        let removed = try cache.configure(CacheConfiguration(maxsize: 10, ttl: .seconds(10)))
        #expect(removed.map(\.key) == Array(1...1990))
        cache.checkInvariants()
        for key in 1...2000 { cache.insert(key, for: key) }
        try cache.configure(CacheConfiguration(maxsize: nil, ttl: .seconds(10)))
        for key in 1...1536 { cache.insert(key, for: key) }
        #expect(cache.invalidateAll() == 1546)
        for key in 1...1024 { cache.insert(key, for: key) }
        clock.advance(by: .seconds(10))
        // Ended under the old bounds, they are gone before a longer ttl could save them.
        #expect(try cache.configure(CacheConfiguration(maxsize: nil, ttl: .seconds(60))).isEmpty)
        #expect(cache.snapshot().count == 0)
        cache.checkInvariants()
    }

    @Test func `a maxsize of 0 keeps nothing and empties the cache`() async throws {
        let cache = cache(holding: 1...2)
        try cache.update { $0.maxsize = 0 }
        #expect(cache.held.isEmpty)
        cache.insert(3, for: 3)
        #expect(try await cache.value(for: 4) == -4)
        #expect(cache.snapshot().count == 0)
        #expect(cache.cached(4) == nil)
        #expect(cache.snapshot().counters == CacheCounters(misses: 2, evicted: 2, unused: 2))
    }

    @Test func `without bounds everything stays`() throws {
        let cache = cache(maxsize: nil, ttl: nil, holding: 1...500)
        clock.advance(by: .seconds(1_000_000_000))
        #expect(cache.snapshot().count == 500)
        #expect(cache.expire() == 0)
        #expect(cache.cached(1) == 1)
    }

    @Test func `a bound that is not given stays as it is`() throws {
        let cache = cache()
        try cache.update { $0.maxsize = 2 }
        #expect(cache.configuration == CacheConfiguration(maxsize: 2, ttl: .seconds(10)))
        try cache.update { $0.ttl = .seconds(3) }
        #expect(cache.configuration == CacheConfiguration(maxsize: 2, ttl: .seconds(3)))
    }

    static let refused: [(Int?, Duration?, String)] = [
        (-1, nil, "maxsize -1 is negative; 0 or more is accepted"),
        (.min, nil, "maxsize -9223372036854775808 is negative; 0 or more is accepted"),
        (.max, nil, "maxsize 9223372036854775807 is too large; up to 134217728 is accepted"),
        (nil, .seconds(-1), "ttl -1.0 seconds is negative; 0 s or more is accepted"),
        (nil, .nanoseconds(-1), "ttl -1e-09 seconds is negative; 0 s or more is accepted"),
        (1, .seconds(-1), "ttl -1.0 seconds is negative; 0 s or more is accepted"),
    ]

    @Test(arguments: refused)
    func `a bound out of range is refused with what would be accepted, and changes nothing`(
        maxsize: Int?, ttl: Duration?, message: String
    ) {
        let cache = cache(holding: 1...4)
        let (before, last) = (cache.snapshot(), cache.lastEvent)
        let error = #expect(throws: CacheError.self) {
            try cache.update(by: Operator("ann")) {
                $0.maxsize = maxsize; $0.ttl = ttl
            }
        }
        #expect(error?.description == message)
        #expect(cache.snapshot() == before)
        #expect(cache.lastEvent == last)
        #expect(cache.order == [1, 2, 3, 4])
    }
}

/// The cases of other caches' test suites that told most about them.
@Suite struct VectorTests {
    private let clock = TestClock()

    private func cache(maxsize: Int?, ttl: Int?) -> Cache<Int, Int> {
        Cache(
            "vectors", maxsize: maxsize, ttl: ttl.map { .seconds($0) }, clock: clock.neverWaking
        ) { $0 }
    }

    private func live(_ cache: Cache<Int, Int>) -> [Int] {
        (1...9).filter { cache.peek($0) != nil }
    }

    @Test func `cachetools test_ttl: visible until the very deadline`() {
        let cache = cache(maxsize: 2, ttl: 2)
        cache.insert(1, for: 1)
        #expect(live(cache) == [1])
        clock.advance(by: .seconds(1))
        #expect(live(cache) == [1])
        cache.insert(2, for: 2)
        #expect(live(cache) == [1, 2])
        clock.advance(by: .seconds(1))
        #expect(live(cache) == [2])
        cache.insert(3, for: 3)
        #expect(live(cache) == [2, 3])
        clock.advance(by: .seconds(1))
        #expect(live(cache) == [3])
        clock.advance(by: .seconds(1))
        #expect(live(cache) == [])
        for key in 1...3 { #expect(cache.invalidate(key) == .absent) }
        #expect(cache.snapshot().counters.evicted == 0)
    }

    @Test func `cachetools test_ttl_lru: within the ttl the victim is the least recently used`() {
        let cache = cache(maxsize: 2, ttl: 1)
        for key in 1...3 { cache.insert(key, for: key) }
        #expect(live(cache) == [2, 3])
        #expect(cache.cached(2) == 2)
        cache.insert(4, for: 4)
        #expect(live(cache) == [2, 4])
        cache.insert(5, for: 5)
        #expect(live(cache) == [4, 5])
    }

    @Test func `cachetools test_ttl_expire: each leaves at its own deadline`() {
        let cache = cache(maxsize: 3, ttl: 3)
        cache.insert(1, for: 1)
        clock.advance(by: .seconds(1))
        cache.insert(2, for: 2)
        clock.advance(by: .seconds(1))
        cache.insert(3, for: 3)
        #expect(cache.expire() == 0)
        for gone in 1...3 {
            clock.advance(by: .seconds(1))
            #expect(cache.expire() == 1)
            #expect(cache.removals.last == Removal(gone, .expired))
        }
        #expect(cache.expire() == 0)
    }

    @Test func `cachetools test_ttl_tuple_key: a key may have parts`() {
        struct Pair: Hashable { let a, b: Int }
        let cache = Cache<Pair, Int>(
            "pairs", maxsize: 1, ttl: .seconds(1), clock: clock.neverWaking
        ) { $0.a }
        cache.insert(42, for: Pair(a: 1, b: 2))
        #expect(cache.cached(Pair(a: 1, b: 2)) == 42)
        #expect(cache.cached(Pair(a: 2, b: 1)) == nil)
        clock.advance(by: .seconds(1))
        #expect(cache.cached(Pair(a: 1, b: 2)) == nil)
    }

    @Test func `cachetools test_ttl_clear: emptied, the cache starts over`() {
        let cache = cache(maxsize: 2, ttl: 2)
        cache.insert(1, for: 1)
        cache.insert(2, for: 2)
        #expect(cache.cached(1) == 1)
        #expect(cache.invalidateAll() == 2)
        clock.advance(by: .seconds(1))
        for key in 1...3 { cache.insert(key, for: key) }
        #expect(live(cache) == [2, 3])
        clock.advance(by: .seconds(1))
        #expect(live(cache) == [2, 3])
        clock.advance(by: .seconds(1))
        #expect(live(cache) == [])
    }

    @Test func `cachetools test_ttu: each value may have a lifetime of its own`() {
        let cache = Cache<Int, Loaf>(
            "own", maxsize: 6, ttl: nil, clock: clock.neverWaking
        ) { Loaf(number: $0) }
        // Written in one order, ending in another.
        for key in [3, 1, 2] {
            cache.insert(Loaf(number: key, expiry: clock.now + .seconds(key)), for: key)
        }
        for gone in 1...3 {
            clock.advance(by: .seconds(1))
            #expect(cache.expire() == 1)
            #expect(cache.removals.last == Removal(gone, .expired))
        }
    }

    @Test func `cachetools test_lru_update_existing: a rewrite is a use`() {
        let cache = cache(maxsize: 2, ttl: 60)
        cache.insert(1, for: 1)
        cache.insert(2, for: 2)
        cache.insert(11, for: 1)
        cache.insert(3, for: 3)
        #expect(live(cache) == [1, 3])
        #expect(cache.removals == [Removal(1, .replaced), Removal(2, .evicted)])
    }

    @Test func `on overflow what has ended goes before the least recently used`() {
        let cache = cache(maxsize: 3, ttl: 3)
        cache.insert(1, for: 1)
        clock.advance(by: .seconds(2))
        cache.insert(2, for: 2)
        cache.insert(3, for: 3)
        #expect(cache.cached(1) == 1)
        clock.advance(by: .seconds(1))
        cache.insert(4, for: 4)
        #expect(live(cache) == [2, 3, 4])
        #expect(cache.removals == [Removal(1, .expired)])
    }

    @Test func `Caffeine maximumSize_decrease and _increase: the bound acts at once, by size`()
        throws
    {
        let cache = cache(maxsize: 8, ttl: nil)
        for key in 1...8 { cache.insert(key, for: key) }
        try cache.update { $0.maxsize = 4 }
        #expect(cache.removals == (1...4).map { Removal($0, .evicted) })
        #expect(cache.configuration.maxsize == 4)
        try cache.update { $0.maxsize = 0 }
        #expect(cache.removals == (1...8).map { Removal($0, .evicted) })
        try cache.update { $0.maxsize = 16 }
        for key in 1...9 { cache.insert(key, for: key) }
        #expect(live(cache) == Array(1...9))
    }

    @Test func `Caffeine getIfPresentQuietly: a peek leaves counters, order and ends alone`() {
        let cache = cache(maxsize: 2, ttl: 5)
        cache.insert(1, for: 1)
        cache.insert(2, for: 2)
        let before = cache.snapshot()
        #expect(cache.peek(1)?.value == 1)
        #expect(cache.peek(1)?.facts.hits == 0)
        #expect(cache.peek(1)?.facts.lastHit == nil)
        #expect(cache.peek(3) == nil)
        #expect(cache.snapshot() == before)
        #expect(cache.order == [1, 2])
        clock.advance(by: .seconds(5))
        #expect(cache.peek(1) == nil)
        #expect(cache.snapshot().counters == before.counters)
        #expect(cache.snapshot().count == 2)
    }
}
