import LarderTesting
import TestSupport
import Testing

@testable import Larder

/// Who goes next is told before anybody goes.
@Suite struct NextToGoTests {
    private let clock = TestClock()

    private func cache(_ policy: Policy, maxsize: Int = 20) -> Cache<Int, Int> {
        Cache(
            "numbers", CacheConfiguration(maxsize: maxsize, ttl: .seconds(300), policy: policy),
            clock: clock.neverWaking
        ) { $0 }
    }

    /// Look-ups and writes as they come, of few keys often and of many seldom.
    private func use(_ cache: Cache<Int, Int>, _ random: inout Seeded) {
        for _ in 0..<Int.random(in: 1...120, using: &random) {
            let most = Bool.random(using: &random) ? 8 : 60
            let key = Int.random(in: 0..<most, using: &random)
            if cache.cached(key) == nil { cache.insert(key, for: key) }
            if Int.random(in: 0..<20, using: &random) == 0 { cache.invalidate(key) }
            clock.advance(by: .milliseconds(Int.random(in: 0...900, using: &random)))
        }
    }

    @Test(arguments: PolicyTests.all)
    func `the first is the one that a new entry takes the place of`(policy: Policy) {
        for seed in 1...30 as ClosedRange<UInt64> {
            var random = Seeded(seed)
            let cache = cache(policy)
            use(cache, &random)
            for new in 1000..<1020 where cache.snapshot().count == 20 {
                let told = cache.nextToGo(1).map(\.key)
                let before = cache.lastEvent
                cache.insert(new, for: new)
                let gone = cache.events(after: before).events.compactMap { event in
                    if case .removed(.evicted, _, _, _) = event.kind { event.key } else { nil }
                }
                #expect(told == gone, "\(policy), seed \(seed)")
            }
        }
    }

    @Test(arguments: [Policy.lru, .fifo, .lfu(), .lfu(ages: false)])
    func `all of them leave in the order that was told`(policy: Policy) throws {
        for seed in 1...30 as ClosedRange<UInt64> {
            var random = Seeded(seed)
            let cache = cache(policy)
            use(cache, &random)
            let told = cache.nextToGo(.max).map(\.key)
            #expect(Array(told.prefix(3)) == cache.nextToGo(3).map(\.key))
            let before = cache.lastEvent
            try cache.update {
                $0.maxsize = 1; $0.ttl = .seconds(300)
            }
            let gone = cache.events(after: before).events.compactMap { event in
                if case .removed = event.kind { event.key } else { nil }
            }
            let left = cache.nextToGo(.max).map(\.key)
            #expect(told == gone + left, "\(policy), seed \(seed)")
        }
    }

    @Test(arguments: PolicyTests.all)
    func `everyone has one turn, and what has ended is first`(policy: Policy) {
        var random = Seeded(7)
        let cache = cache(policy)
        cache.insert(1, for: -1)
        clock.advance(by: .seconds(299))
        for number in 0..<12 { cache.insert(number, for: number) }
        _ = cache.cached(-1)
        clock.advance(by: .seconds(1))
        let told = cache.nextToGo(.max).map(\.key)
        #expect(told.first == -1)
        #expect(told.sorted() == Array(-1..<12))
        #expect(cache.nextToGo(0).isEmpty)
        use(cache, &random)
        #expect(Set(cache.nextToGo(.max).map(\.version)).count == cache.snapshot().count)
    }

    @Test func `fetches of the last minute are counted by key, failed ones too`() async throws {
        struct Refused: Error {}
        let clock = clock
        let cache = Cache<String, Int>(
            "numbers", maxsize: 2, ttl: .seconds(5), clock: clock.neverWaking
        ) { key in
            if key == "bad" { throw Refused() }
            return 1
        }
        _ = try await cache.value(for: "old")
        clock.advance(by: .seconds(61))
        for _ in 0..<3 {
            _ = try await cache.value(for: "a")
            _ = try await cache.value(for: "a")
            clock.advance(by: .seconds(6))
        }
        _ = try? await cache.value(for: "bad")
        cache.insert(2, for: "put")
        let (counts, window) = cache.fetchesLately(at: clock.now)
        #expect(counts == ["a": 3, "bad": 1])
        #expect(window == .seconds(60))
    }

    @Test func `where events of the minute were overwritten, it is said how long a time is left`()
        async throws
    {
        let cache = Cache<Int, Int>(
            "numbers", maxsize: nil, ttl: .seconds(300), events: 600, clock: clock.neverWaking
        ) { $0 }
        for number in 0..<2000 {
            _ = try await cache.value(for: number)
            clock.advance(by: .milliseconds(10))
        }
        let (counts, window) = cache.fetchesLately(at: clock.now)
        #expect(counts.count == 600 && counts.values.allSatisfy { $0 == 1 })
        #expect(window == .seconds(6))
    }

    @Test func `where no event is kept, nothing is said of how often a key was fetched`()
        async throws
    {
        let cache = Cache<Int, Int>(
            "numbers", maxsize: nil, ttl: .seconds(300), events: 0, clock: clock.neverWaking
        ) { $0 }
        for number in 0..<20 { _ = try await cache.value(for: number) }
        #expect(cache.fetchesLately(at: clock.now).window == nil)
    }
}
