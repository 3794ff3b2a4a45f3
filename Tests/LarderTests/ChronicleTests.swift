import LarderTesting
import TestSupport
import Testing

@testable import Larder

@Suite struct `The last hour of a cache` {
    private let clock = TestClock()

    private func cache(_ maxsize: Int? = 4) -> Cache<Int, Int> {
        Cache("numbers", maxsize: maxsize, ttl: .seconds(10), clock: clock.neverWaking) {
            if $0 < 0 { throw Refused() }
            return $0
        }
    }

    @Test func `is counters, sizes and bounds as they were`() async throws {
        let cache = cache()
        #expect(cache.history().isEmpty, "nobody has looked yet")
        for number in [1, 2, 1, -1] { _ = try? await cache.value(for: number) }
        let first = CacheSample(cache.snapshot())
        #expect(cache.history() == [first])
        #expect((first.hits, first.misses, first.fetched, first.failed) == (1, 3, 2, 1))
        #expect((first.count, first.maxsize, first.ttl) == (2, 4, .seconds(10)))
        clock.advance(by: .seconds(1))
        try cache.update {
            $0.maxsize = 1; $0.ttl = .seconds(20)
        }
        let second = CacheSample(cache.snapshot())
        #expect(cache.history() == [first, second])
        #expect((second.evicted, second.count, second.maxsize) == (1, 1, 1))
        #expect(second.bytes < first.bytes && second.ttl == .seconds(20))
        #expect(cache.history(since: first.at) == [second])
    }

    @Test func `has a sample a second, be it looked at ever so often, and none of a hit`() {
        let cache = cache()
        cache.insert(1, for: 1)
        for _ in 0..<100 {
            clock.advance(by: .milliseconds(100))
            _ = cache.snapshot()
            cache.sample()
            for _ in 0..<50 { _ = cache.cached(1) }
        }
        let times = cache.history().map(\.at)
        #expect(times.count == 10)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 == .seconds(1) })
        // Hits by themselves leave none, however much time passes.
        clock.advance(by: .seconds(100))
        for _ in 0..<5000 { _ = cache.cached(1) }
        #expect(cache.history().count == 10)
    }

    @Test func `has nothing of the time in which nobody looked, or the machine stood still`() {
        let cache = cache()
        _ = cache.snapshot()
        clock.jump(by: .seconds(1800))
        _ = cache.snapshot()
        let times = cache.history().map(\.at)
        #expect(times.count == 2 && times[1] - times[0] == .seconds(1800))
        // What is older than an hour is none of it.
        clock.jump(by: .seconds(1801))
        #expect(cache.history().map(\.at) == [times[1]])
    }

    @Test func `reaches back an hour and no further, in less than a mebibyte with the events`() {
        let cache = Cache<String, Int>("texts", maxsize: 9, clock: clock.neverWaking) { _ in 1 }
        for second in 0..<8000 {
            cache.insert(second, for: "\(second)")
            clock.advance(by: .seconds(1))
            cache.sample()
        }
        let history = cache.history()
        #expect(history.count == 3600)
        #expect(history.last?.at == clock.now)
        #expect(history.map(\.evicted) == history.map(\.evicted).sorted())
        let bytes = cache.snapshot().recordBytes
        #expect(bytes > 500_000 && bytes <= 1 << 20, "\(bytes)")
    }

    // MARK: What was of late

    /// Misses `count` times on what was just evicted, where there is room for one.
    private func thrash(_ cache: Cache<Int, Int>, _ count: Int) async throws {
        for number in 0..<count { _ = try await cache.value(for: number % 2) }
    }

    @Test func `of a cache just made all is told, since it was made`() async throws {
        let cache = cache(1)
        let start = clock.now
        clock.advance(by: .seconds(3))
        try await thrash(cache, 10)
        let lately = try #require(cache.snapshot().lately)
        #expect(lately.since == start)
        #expect((lately.misses, lately.ghostEvicted, lately.evicted) == (10, 8, 9))
        #expect((lately.left, lately.unused) == (9, 9))
        #expect(lately.ghostEvictedShare == 0.8 && lately.ghostExpiredShare == 0)
    }

    @Test func `what was long ago is none of it`() async throws {
        let cache = cache(1)
        try await thrash(cache, 100)
        for second in 0..<700 {
            if second == 650 { try await thrash(cache, 1) }
            clock.advance(by: .seconds(1))
            cache.sample()
        }
        let snapshot = cache.snapshot()
        let lately = try #require(snapshot.lately)
        let window = snapshot.at - lately.since
        #expect(window > .seconds(594) && window <= .seconds(600), "\(window)")
        #expect((lately.misses, lately.ghostEvicted) == (1, 0))
        #expect(snapshot.counters.ghostEvicted == 98)
        #expect(snapshot.recordBytes > 0)
    }

    @Test func `other bounds begin it anew, and what left under the former is no ghost hit`()
        async throws
    {
        let cache = cache(1)
        try await thrash(cache, 100)
        clock.advance(by: .seconds(1))
        try cache.update { $0.maxsize = 2 }
        let changed = clock.now
        clock.advance(by: .seconds(5))
        // The other of the two had been evicted before.
        try await thrash(cache, 2)
        let lately = try #require(cache.snapshot().lately)
        #expect(lately.since == changed)
        #expect((lately.misses, lately.ghostEvicted, lately.evicted) == (1, 0, 0))
        // The same again is no change.
        try cache.update { $0.maxsize = 2 }
        #expect(cache.snapshot().lately?.since == changed)
        // What goes for smaller bounds goes under them.
        try cache.update { $0.maxsize = 1 }
        try await thrash(cache, 2)
        #expect(cache.snapshot().lately?.ghostEvicted ?? 0 > 0)
    }

    @Test func `where nobody looked for ten minutes nothing is known`() async throws {
        let cache = cache(1)
        try await thrash(cache, 100)
        clock.jump(by: .seconds(601))
        #expect(cache.snapshot().lately == nil)
        clock.advance(by: .seconds(7))
        try await thrash(cache, 3)
        let snapshot = cache.snapshot()
        let lately = try #require(snapshot.lately)
        #expect(snapshot.at - lately.since == .seconds(7))
        #expect(lately.misses == 3)
    }

    @Test func `however it is looked at, it is what a naive count says`() async throws {
        var generator = Seeded(7)
        for _ in 0..<20 {
            let cache = cache(1)
            var misses: [AgeInstant] = []
            var changed = clock.now
            for _ in 0..<300 {
                switch Int.random(in: 0..<12, using: &generator) {
                case 0:
                    let before = cache.configuration
                    let maxsize = Int.random(in: 1...3, using: &generator)
                    try cache.update { $0.maxsize = maxsize }
                    if cache.configuration != before { changed = clock.now }
                    if cache.configuration != before { misses = [] }
                case 1...4:
                    let key = Int.random(in: 0..<6, using: &generator)
                    let before = cache.snapshot().counters.misses
                    _ = try await cache.value(for: key)
                    if cache.snapshot().counters.misses > before { misses.append(clock.now) }
                default: clock.advance(by: .seconds(Int.random(in: 1...9, using: &generator)))
                }
                let snapshot = cache.snapshot()
                let lately = try #require(snapshot.lately)
                // What was missed at the very instant of a reading may be on either side of it.
                let surely = misses.count { $0 > lately.since }
                let perhaps = misses.count { $0 >= lately.since }
                #expect((surely...perhaps).contains(Int(lately.misses)))
                let since = max(changed, snapshot.at + .seconds(-600))
                #expect(lately.since >= since && lately.since - since < .seconds(15))
            }
        }
    }
}
