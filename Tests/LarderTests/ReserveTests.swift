import Larder
import LarderTesting
import TestSupport
import Testing

@testable import Larder

/// Entries that have ended and are kept in case that fetches fail, under changes of bounds.
@Suite struct ReserveTests {
    private let clock = TestClock()
    private let origin = Origin<Int, Loaf>()
    private let bounds = CacheConfiguration(
        maxsize: 8, ttl: .seconds(60), staleIfError: .seconds(300))

    /// Eight entries that ended a second ago, while the origin is down.
    private func cache(_ policy: Policy = .lru) -> Cache<Int, Loaf> {
        var bounds = bounds
        bounds.policy = policy
        let cache = Cache<Int, Loaf>(
            "accounts", bounds, clock: clock.neverWaking, fetch: { _ in throw Refused() })
        for key in 0..<8 { cache.insert(Loaf(number: key), for: key) }
        clock.advance(by: .seconds(61))
        return cache
    }

    private func changed(_ change: (inout CacheConfiguration) -> Void) -> CacheConfiguration {
        var new = bounds
        change(&new)
        return new
    }

    /// Makes a change, which has to do what was planned, and returns what left.
    private func change(
        _ cache: Cache<Int, Loaf>, _ change: (inout CacheConfiguration) -> Void
    ) throws -> [Int] {
        var new = cache.configuration
        change(&new)
        let planned = cache.victims(of: new).map(\.key)
        let removed = try cache.configure(new).map(\.key)
        #expect(removed == planned)
        cache.checkInvariants()
        return removed
    }

    @Test(arguments: PolicyTests.all)
    func `no change of bounds that leaves room ends a reserve`(policy: Policy) async throws {
        let cache = cache(policy)
        #expect(try change(cache) { $0.maxsize = 128 } == [])
        #expect(try change(cache) { $0.maxsize = nil } == [])
        #expect(try change(cache) { $0.maxbytes = 100_000 } == [])
        #expect(try change(cache) { $0.ttl = .seconds(600) } == [])
        #expect(try change(cache) { $0.ttl = nil } == [])
        #expect(try change(cache) { $0.ttl = .seconds(30) } == [])
        #expect(try change(cache) { $0.jitter = 0.5 } == [])
        #expect(try change(cache) { $0.jitter = 0 } == [])
        #expect(try change(cache) { $0.negativeTTL = .seconds(5) } == [])
        #expect(try change(cache) { $0.staleIfError = .seconds(600) } == [])
        #expect(try change(cache) { $0.policy = policy == .sieve ? .lru : .sieve } == [])
        try cache.update { $0.maxsize = 64 }
        for key in 0..<8 { #expect(try await cache.value(for: key).number == key) }
        #expect(cache.snapshot().counters.servedStale == 8)
    }

    @Test(arguments: [Duration.seconds(61), .seconds(600), nil])
    func `a longer ttl brings none of the dead back`(ttl: Duration?) throws {
        let cache = cache()
        #expect(try change(cache) { $0.ttl = ttl } == [])
        for key in 0..<8 {
            #expect(cache.peek(key) == nil)
            #expect(cache.cached(key) == nil)
        }
        // What is written now lives as long as it is said.
        cache.insert(Loaf(number: 9), for: 1)
        clock.advance(by: .seconds(60))
        #expect(cache.cached(1) == Loaf(number: 9))
    }

    @Test func `the dead stay dead through many changes, and leave when their reserve is over`()
        throws
    {
        let cache = cache()
        for number in 1...40 {
            #expect(try change(cache) { $0.ttl = .seconds(60 + number) } == [])
            #expect(try change(cache) { $0.ttl = .seconds(50) } == [])
        }
        #expect(try change(cache) { $0.ttl = nil } == [])
        for key in 0..<8 { #expect(cache.peek(key) == nil) }
        clock.advance(by: .seconds(300))
        #expect(cache.expire() == 8)
        cache.checkInvariants()
    }

    @Test func `who needs room takes it from the dead first, in the order of their end`() throws {
        let cache = cache()
        cache.insert(Loaf(number: 0), for: 0)
        #expect(cache.removals == [Removal(0, .expired)])
        // 1 to 7 have ended, 0 lives.
        #expect(try change(cache) { $0.maxsize = 5 } == [1, 2, 3])
        #expect(try change(cache) { $0.maxsize = 1 } == [4, 5, 6, 7])
        #expect(try change(cache) { $0.maxsize = 0 } == [0])
    }

    @Test func `a shorter reserve ends what it does not reach`() throws {
        let cache = cache()
        clock.advance(by: .seconds(30))
        #expect(try change(cache) { $0.staleIfError = .seconds(31) } == Array(0..<8))
    }

    @Test func `what a shorter ttl ends is in reserve, and lives on once that is undone`()
        async throws
    {
        let cache = Cache<Int, Loaf>(
            "accounts", bounds, clock: clock.neverWaking, fetch: { _ in throw Refused() })
        cache.insert(Loaf(number: 1), for: 1)
        clock.advance(by: .seconds(20))
        #expect(try change(cache) { $0.ttl = .seconds(10) } == [])
        #expect(cache.peek(1) == nil)
        #expect(try await cache.value(for: 1).number == 1)
        try cache.takeBack(to: bounds, replacing: cache.configuration)
        #expect(cache.peek(1)?.facts.deadline == clock.now + .seconds(40))
        cache.checkInvariants()
    }

    @Test(arguments: [true, false])
    func `what an undo brought back ends by a shorter ttl before what is younger`(
        atOnce: Bool
    ) throws {
        let bounds = CacheConfiguration(maxsize: 16, ttl: .seconds(600))
        let cache = Cache<Int, Loaf>(
            "accounts", bounds, clock: clock.neverWaking, fetch: { _ in throw Refused() })
        cache.insert(Loaf(number: 0), for: 0)
        clock.advance(by: .seconds(10))
        // Versions 2 to 9: what comes back as version 10 stands behind one of its class.
        for key in 1...8 { cache.insert(Loaf(number: key), for: key) }
        let undo = UndoID()
        cache.invalidate(0, undo: undo)
        #expect(cache.restore(undo).restored == 1)
        clock.advance(by: .seconds(20))
        #expect(try change(cache) { $0.ttl = .seconds(atOnce ? 30 : 35) } == (atOnce ? [0] : []))
        clock.advance(by: .seconds(5))
        #expect(cache.expire() == (atOnce ? 0 : 1))
        #expect(cache.removals.last == Removal(0, .expired))
        cache.checkInvariants()
    }

    /// More than one hold may see to, all with the same end.
    @Test func `of what an undo brought back and ends at once the oldest leaves first`() throws {
        let bounds = CacheConfiguration(
            maxsize: nil, ttl: .seconds(600), staleIfError: .seconds(60))
        let cache = Cache<Int, Loaf>(
            "accounts", bounds, clock: clock.neverWaking, fetch: { _ in throw Refused() })
        for key in 0..<200 { cache.insert(Loaf(number: key), for: key) }
        let undo = UndoID()
        for key in 0..<200 { cache.invalidate(key, undo: undo) }
        #expect(cache.restore(undo).restored == 200)
        clock.advance(by: .seconds(20))
        #expect(try change(cache) { $0.ttl = .seconds(10) } == [])
        #expect(try change(cache) { $0.maxsize = 130 } == Array(0..<70))
        cache.checkInvariants()
    }

    @Test func `what is written at the instant of a change lives under the new bounds`() throws {
        let cache = cache()
        #expect(try change(cache) { $0.ttl = .zero } == [])
        #expect(try change(cache) { $0.ttl = .seconds(60) } == [])
        cache.insert(Loaf(number: 1), for: 1)
        #expect(cache.cached(1) == Loaf(number: 1))
    }
}
