import Larder
import LarderTesting
import TestSupport
import Testing

@testable import Larder

/// Who fetches an entry anew, where the one who was at it does not come back with a value.
@Suite struct RefreshGateTests {
    private let clock = TestClock()
    private let origin = Origin<Int, Int>()

    /// An entry in its window: it has 20 s left, and everybody waits in the last 5.
    private func cache() -> Cache<Int, Int> {
        let cache = Cache<Int, Int>(
            "sessions", CacheConfiguration(maxsize: 4, ttl: .seconds(60)),
            refresh: Refresh(
                window: { _ in .seconds(30) }, mandatory: .seconds(5),
                backoff: .seconds(3) ... .seconds(3),
                meaning: { $0 is Refused ? .refused(.seconds(10) ... .seconds(10)) : .passing }),
            clock: clock.neverWaking, shardBits: 0, fetch: origin.fetch)
        cache.insert(1, for: 1)
        clock.advance(by: .seconds(40))
        return cache
    }

    /// A look-up that leads, and another that is served meanwhile.
    private func lead(_ cache: Cache<Int, Int>) async throws -> Task<Int, any Error> {
        let leader = Task { try await cache.value(for: 1) }
        #expect(await origin.isAsked(1))
        #expect(try await cache.value(for: 1) == 1)
        return leader
    }

    @Test func `once the leader has left, the next look-up leads`() async throws {
        let cache = cache()
        let leader = try await lead(cache)
        leader.cancel()
        await #expect(throws: CancellationError.self) { try await leader.value }
        let next = Task { try await cache.value(for: 1) }
        #expect(await origin.isAsked(2))
        origin.answer(2, 2)
        #expect(try await next.value == 2)
    }

    @Test func `a fetch that says it was cancelled is tried again at once`() async throws {
        let cache = cache()
        let leader = try await lead(cache)
        origin.answer(1, .failure(CancellationError()))
        await #expect(throws: CancellationError.self) { try await leader.value }
        let next = Task { try await cache.value(for: 1) }
        #expect(await origin.isAsked(2))
        origin.answer(2, 2)
        #expect(try await next.value == 2)
    }

    @Test func `a refusal is told to everyone, also to those who were served meanwhile`()
        async throws
    {
        let cache = cache()
        let leader = try await lead(cache)
        origin.answer(1, .failure(Refused()))
        await #expect(throws: Refused.self) { try await leader.value }
        await #expect(throws: Refused.self) { try await cache.value(for: 1) }
        #expect(cache.snapshot().counters.refused == 1)
        // Once the pause is over, somebody asks again.
        clock.advance(by: .seconds(10))
        let next = Task { try await cache.value(for: 1) }
        #expect(await origin.isAsked(2))
        origin.answer(2, 2)
        #expect(try await next.value == 2)
    }

    @Test func `a ttl that is made shorter moves the window with the end`() async throws {
        let cache = Cache<Int, Int>(
            "sessions", CacheConfiguration(maxsize: 4, ttl: .seconds(600)),
            refresh: Refresh(window: { _ in .seconds(30) }), clock: clock.neverWaking,
            shardBits: 0, fetch: origin.fetch)
        cache.insert(1, for: 1)
        #expect(try await cache.value(for: 1) == 1)
        clock.advance(by: .seconds(40))
        try cache.update { $0.ttl = .seconds(60) }
        // 20 s are left: it is in its window now.
        let next = Task { try await cache.value(for: 1) }
        #expect(await origin.isAsked(1))
        origin.answer(1, 2)
        #expect(try await next.value == 2)
    }
}
