import Larder
import LarderTesting
import TestSupport
import Testing

@testable import Larder

@Suite struct DeadlineTests {
    private let clock = TestClock()

    private func cache(
        maxsize: Int? = 8, ttl: Duration? = .seconds(10)
    ) -> Cache<String, Loaf> {
        Cache("deadlines", maxsize: maxsize, ttl: ttl, clock: clock.neverWaking) { _ in
            Loaf(number: 99)
        }
    }

    /// A loaf that ends by itself so long from now.
    private func loaf(_ number: Int = 1, ends: Duration? = nil) -> Loaf {
        Loaf(number: number, expiry: ends.map { clock.now + $0 })
    }

    static let instants: [(Duration, Bool)] = [
        (.seconds(10) - .nanoseconds(1), true), (.seconds(10), false),
        (.seconds(10) + .nanoseconds(1), false),
    ]

    @Test(arguments: instants)
    func `a value is served until its deadline, not at it`(wait: Duration, served: Bool)
        async throws
    {
        for look in 0..<3 {
            let cache = cache()
            cache.insert(loaf(), for: "a")
            clock.advance(by: wait)
            let seen =
                switch look {
                case 0: cache.cached("a")
                case 1: cache.peek("a")?.value
                default: try await cache.value(for: "a")
                }
            #expect(seen == (served ? loaf() : look == 2 ? loaf(99) : nil))
        }
    }

    @Test(arguments: instants, [nil, Duration.seconds(10), .seconds(3600)])
    func `a value's own end beats the ttl, which never lengthens it`(
        instant: (wait: Duration, served: Bool), ttl: Duration?
    ) {
        let cache = cache(ttl: ttl)
        cache.insert(loaf(ends: .seconds(10)), for: "a")
        clock.advance(by: instant.wait)
        #expect((cache.cached("a") != nil) == instant.served)
    }

    @Test func `a ttl ends a value that would last longer`() {
        let cache = cache()
        cache.insert(loaf(ends: .seconds(11)), for: "a")
        #expect(cache.peek("a")?.facts.deadline == clock.now + .seconds(10))
        clock.advance(by: .seconds(10))
        #expect(cache.cached("a") == nil)
    }

    @Test func `a hit does not prolong a life, a rewrite does`() {
        let cache = cache()
        cache.insert(loaf(1), for: "a")
        clock.advance(by: .seconds(9))
        #expect(cache.cached("a") == loaf(1))
        cache.insert(loaf(2), for: "b")
        cache.insert(loaf(2), for: "b")
        clock.advance(by: .seconds(1))
        #expect(cache.cached("a") == nil)
        clock.advance(by: .seconds(8))
        #expect(cache.cached("b") == loaf(2))
        #expect(cache.removals == [Removal("b", .replaced), Removal("a", .expired)])
    }

    @Test func `a new ttl acts on the entries there, longer and shorter`() throws {
        let cache = cache()
        cache.insert(loaf(1), for: "a")
        clock.advance(by: .seconds(5))
        cache.insert(loaf(2), for: "b")
        try cache.update { $0.ttl = .seconds(30) }
        clock.advance(by: .seconds(20))
        #expect(cache.cached("a") == loaf(1))
        #expect(cache.peek("a")?.facts.deadline == clock.now + .seconds(5))
        // "a" is 25 s old, "b" 20 s.
        try cache.update { $0.ttl = .seconds(25) }
        #expect(cache.peek("a") == nil)
        #expect(cache.expire() == 1)
        #expect(cache.removals == [Removal("a", .expired)])
        #expect(cache.cached("b") == loaf(2))
        try cache.configure(CacheConfiguration(maxsize: 8, ttl: nil))
        clock.advance(by: .seconds(1_000_000))
        #expect(cache.cached("b") == loaf(2))
        #expect(cache.peek("b")?.facts.deadline == .distantFuture)
    }

    @Test func `a longer ttl does not bring back what has ended`() throws {
        let cache = cache()
        cache.insert(loaf(), for: "a")
        clock.advance(by: .seconds(10))
        #expect(cache.peek("a") == nil)
        #expect(try cache.configure(CacheConfiguration(maxsize: 8, ttl: .seconds(60))).isEmpty)
        #expect(cache.peek("a") == nil)
        #expect(cache.snapshot().count == 0)
        #expect(cache.snapshot().counters.expired == 1)
    }

    @Test func `a value that has ended is not kept, and neither is an older one`() {
        let cache = cache()
        cache.insert(loaf(1), for: "a")
        cache.insert(loaf(2, ends: .zero), for: "a")
        cache.insert(loaf(3, ends: .seconds(-5)), for: "b")
        #expect(cache.snapshot().count == 0)
        #expect(cache.removals == [Removal("a", .replaced)])
    }

    @Test func `a ttl of 0 keeps nothing and empties the cache`() throws {
        let cache = cache()
        cache.insert(loaf(1), for: "a")
        #expect(try cache.configure(CacheConfiguration(maxsize: 8, ttl: .zero)).map(\.key) == ["a"])
        cache.insert(loaf(2), for: "b")
        #expect(cache.snapshot().count == 0)
        #expect(cache.removals == [Removal("a", .expired)])
    }

    @Test(arguments: [Duration.seconds(Int64.max), .seconds(Int64.max / 1_000_000_000)])
    func `a ttl beyond all time is no end, and nothing overflows`(ttl: Duration) {
        let cache = cache(ttl: ttl)
        cache.insert(loaf(), for: "a")
        clock.advance(by: .seconds(1_000_000_000))
        #expect(cache.cached("a") == loaf())
        #expect(cache.peek("a")?.facts.deadline == .distantFuture)
    }

    @Test func `a value written over one that has ended did not replace it`() {
        let cache = cache()
        cache.insert(loaf(1), for: "a")
        clock.advance(by: .seconds(10))
        cache.insert(loaf(2), for: "a")
        #expect(cache.removals == [Removal("a", .expired)])
    }

    @Test func `an entry that has ended cannot be invalidated any more`() {
        let cache = cache()
        cache.insert(loaf(), for: "a")
        clock.advance(by: .seconds(10))
        #expect(cache.invalidate("a") == .absent)
        #expect(cache.invalidateAll(by: Operator("ann")) == 1)
        #expect(cache.removals == [Removal("a", .expired)])
        #expect(cache.events(after: 0).events.last?.by == nil)
    }
}

/// Here the sweeper itself runs, by a clock turned by hand.
@Suite(.timeLimit(.minutes(1))) struct SweeperTests {
    private let clock = TestClock()

    private func cache(ttl: Duration? = .seconds(10)) -> Cache<String, Loaf> {
        Cache("swept", maxsize: 8, ttl: ttl, clock: clock.ageClock) { _ in Loaf(number: 99) }
    }

    /// Lets time pass as the sweeper sees it: it sleeps a second at most, and each time again.
    private func pass(_ duration: Duration) async {
        var left = duration
        while left > .zero {
            #expect(await settles { !clock.sleepers.isEmpty }, "the sweeper sleeps")
            let step = min(left, clock.sleepers.first ?? left)
            clock.advance(by: step)
            left -= step
        }
    }

    @Test(arguments: [nil, Duration.seconds(4)])
    func `entries leave at their deadline without being touched`(ends: Duration?) async {
        let cache = cache()
        let life = ends ?? .seconds(10)
        cache.insert(Loaf(number: 1, expiry: ends.map { clock.now + $0 }), for: "a")
        await pass(life - .nanoseconds(1))
        #expect(await settles { clock.sleepers == [.nanoseconds(1)] })
        #expect(cache.held == ["a"])
        clock.advance(by: .nanoseconds(1))
        #expect(await settles { cache.held.isEmpty })
        #expect(cache.removals == [Removal("a", .expired)])
        #expect(cache.snapshot().counters == CacheCounters(expired: 1, unused: 1))
    }

    @Test func `a fetched value is swept as an inserted one is`() async throws {
        let cache = cache()
        _ = try await cache.value(for: "a")
        await pass(.seconds(10))
        #expect(await settles { cache.held.isEmpty })
    }

    @Test func `a sooner end wakes the sweeper sooner`() async {
        let cache = cache()
        cache.insert(Loaf(number: 1), for: "a")
        #expect(await settles { clock.sleepers == [.seconds(1)] })
        cache.insert(Loaf(number: 2, expiry: clock.now + .milliseconds(200)), for: "b")
        #expect(await settles { clock.sleepers == [.milliseconds(200)] })
        clock.advance(by: .milliseconds(200))
        #expect(await settles { cache.held == ["a"] })
    }

    @Test func `after a step of the wall clock entries leave within a second`() async {
        let cache = cache(ttl: .seconds(300))
        cache.insert(Loaf(number: 1), for: "a")
        #expect(await settles { clock.sleepers == [.seconds(1)] })
        clock.jump(by: .seconds(400))
        clock.advance(by: .seconds(1))
        #expect(await settles { cache.held.isEmpty })
        #expect(cache.removals == [Removal("a", .expired)])
    }

    @Test func `a shorter ttl wakes the sweeper in time`() async throws {
        let cache = cache(ttl: nil)
        cache.insert(Loaf(number: 1), for: "a")
        try cache.update { $0.ttl = .milliseconds(500) }
        #expect(await settles { clock.sleepers == [.milliseconds(500)] })
        clock.advance(by: .milliseconds(500))
        #expect(await settles { cache.held.isEmpty })
    }

    @Test func `what can never end wakes nobody`() async {
        let cache = cache(ttl: nil)
        cache.insert(Loaf(number: 1), for: "a")
        cache.expire()
        for _ in 0..<100 { await Task.yield() }
        #expect(clock.sleepers.isEmpty)
    }

    @Test func `a cache that nobody holds is gone, and its sweeper with it`() async {
        weak var gone: Cache<String, Loaf>?
        do {
            let cache = cache()
            gone = cache
            cache.insert(Loaf(number: 1), for: "a")
            #expect(await settles { clock.sleepers == [.seconds(1)] })
        }
        #expect(gone == nil)
        #expect(await settles { clock.sleepers.isEmpty })
    }

    @Test func `by the machine's own clock, too, an entry leaves untouched`() async {
        let cache = Cache<String, Int>("real", ttl: .milliseconds(50)) { _ in 1 }
        cache.insert(1, for: "a")
        #expect(await settles { cache.snapshot().count == 0 })
        let age = cache.events(after: 0).events.compactMap { event -> Duration? in
            guard case .removed(.expired, _, let age, _) = event.kind else { return nil }
            return age
        }
        #expect(age.count == 1 && age[0] >= .milliseconds(50))
    }
}
