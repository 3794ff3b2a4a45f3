import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// How often something was looked at.
private final class Looks: Sendable {
    private let count = Guarded(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct FlightTests {
    private let clock = TestClock()
    private let origin = Origin<String, Int>()

    private func cache(
        maxsize: Int? = 8, ttl: Duration? = .seconds(60), origin: Origin<String, Int>? = nil
    ) -> Cache<String, Int> {
        Cache(
            "flights", maxsize: maxsize, ttl: ttl, clock: clock.ageClock,
            fetch: (origin ?? self.origin).fetch)
    }

    @Test func `200 callers of a cold key make one fetch`() async throws {
        let gate = Gate()
        let cache = Cache<String, Int>("cold") { _ in
            try await gate.pass()
            return 7
        }
        try await withThrowingTaskGroup { group in
            for _ in 0..<200 { group.addTask { try await cache.value(for: "a") } }
            try #require(await cache.isAsked(200))
            gate.open()
            for try await value in group { #expect(value == 7) }
        }
        #expect(gate.arrivals == 1)
        #expect(cache.snapshot().counters == CacheCounters(misses: 1, coalesced: 199))
        #expect(cache.lastEvent == 1)
        #expect(try await cache.value(for: "a") == 7)
        #expect(cache.snapshot().counters.hits == 1)
    }

    @Test func `callers of another key do not wait for it`() async throws {
        let cache = cache()
        let slow = Task { try await cache.value(for: "slow") }
        try #require(await origin.isAsked(1))
        let quick = Task { try await cache.value(for: "quick") }
        try #require(await origin.isAsked(2))
        origin.answer(2, 2)
        #expect(try await quick.value == 2)
        #expect(cache.snapshot().flights == 1)
        origin.answer(1, 1)
        #expect(try await slow.value == 1)
    }

    @Test(arguments: 0..<3)
    func `a cancelled waiter harms nobody, were it the first`(leaving: Int) async throws {
        let cache = cache()
        var waiters: [Task<Int, any Error>] = []
        for number in 1...3 {
            waiters.append(Task { try await cache.value(for: "a") })
            try #require(await cache.isAsked(UInt64(number)))
        }
        try #require(await origin.isAsked(1))
        let cancelled = waiters.remove(at: leaving)
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        #expect(origin.cancelled == 0)
        origin.answer(1, 5)
        for waiter in waiters { #expect(try await waiter.value == 5) }
        #expect(cache.cached("a") == 5)
        cache.checkInvariants()
    }

    @Test func `the last waiter leaving cancels the fetch, and the next look-up fetches anew`()
        async throws
    {
        let cache = cache()
        let waiters = [1, 2].map { _ in Task { try await cache.value(for: "a") } }
        try #require(await cache.isAsked(2))
        try #require(await origin.isAsked(1))
        for waiter in waiters { waiter.cancel() }
        for waiter in waiters {
            await #expect(throws: CancellationError.self) { try await waiter.value }
        }
        try #require(await origin.isCancelled(1))
        #expect(cache.snapshot().flights == 0)
        let next = Task { try await cache.value(for: "a") }
        try #require(await origin.isAsked(2))
        origin.answer(2, 6)
        #expect(try await next.value == 6)
        #expect(cache.snapshot().counters == CacheCounters(misses: 2, coalesced: 1))
    }

    @Test func `what an abandoned fetch brings all the same is not kept`() async throws {
        let stubborn = Origin<String, Int>(heedsCancellation: false)
        let cache = cache(origin: stubborn)
        let first = Task { try await cache.value(for: "a") }
        try #require(await stubborn.isAsked(1))
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        let second = Task { try await cache.value(for: "a") }
        try #require(await stubborn.isAsked(2))
        stubborn.answer(1, 1)
        stubborn.answer(2, 2)
        #expect(try await second.value == 2)
        #expect(cache.cached("a") == 2)
        #expect(cache.snapshot().counters.replaced == 0)
    }

    @Test func `a caller cancelled beforehand starts no fetch, but is served a hit`() async {
        let cache = cache()
        cache.insert(1, for: "held")
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await #expect(throws: CancellationError.self) { try await cache.value(for: "cold") }
            return try? await cache.value(for: "held")
        }
        #expect(await task.value == 1)
        #expect(origin.asked == [])
        #expect(cache.snapshot().counters == CacheCounters(hits: 1))
        #expect(cache.snapshot().flights == 0)
    }

    @Test func `a caller cancelled while it begins to wait is not forgotten`() async {
        let (clock, ended) = (clock, Gate())
        let looks = Looks()
        // The second look at the clock is the last thing before the caller waits.
        let cancelling = AgeClock(
            now: {
                if looks.next() == 2 {
                    withUnsafeCurrentTask { $0?.cancel() }
                }
                return clock.now
            }, sleep: { _ in try await Gate().pass() })
        let cache = Cache<String, Int>("begun", clock: cancelling, fetch: origin.fetch)
        let caller = Task {
            await #expect(throws: CancellationError.self) { try await cache.value(for: "a") }
            ended.open()
            try await ended.pass()
        }
        #expect(await settles { ended.arrivals == 1 })
        #expect(cache.snapshot().flights == 0)
        caller.cancel()
    }

    @Test func `a failure reaches every waiter and is not remembered`() async throws {
        let cache = cache()
        let waiters = (0..<3).map { _ in Task { try await cache.value(for: "a") } }
        try #require(await cache.isAsked(3))
        try #require(await origin.isAsked(1))
        origin.answer(1, .failure(Refused(number: 9)))
        for waiter in waiters {
            await #expect(throws: Refused(number: 9)) { try await waiter.value }
        }
        #expect(cache.peek("a") == nil)
        let again = Task { try await cache.value(for: "a") }
        try #require(await origin.isAsked(2))
        origin.answer(2, 4)
        #expect(try await again.value == 4)
        #expect(
            cache.snapshot().counters == CacheCounters(misses: 2, coalesced: 2, fetchFailures: 1))
        guard case .failed(_, _, let reason) = cache.events(after: 0).events.first?.kind else {
            Issue.record("the failure is an event")
            return
        }
        #expect(reason == "Refused")
    }

    enum Interruption: CaseIterable {
        case one, many, all, insert

        func act(on cache: Cache<String, Int>) {
            switch self {
            case .one: cache.invalidate("a")
            case .many: cache.invalidate(["b", "a"])
            case .all: cache.invalidateAll()
            case .insert: cache.insert(10, for: "a")
            }
        }
    }

    @Test(arguments: Interruption.allCases)
    func `a value that was overtaken is handed to its waiters and not kept`(
        _ interruption: Interruption
    ) async throws {
        let cache = cache()
        let waiter = Task { try await cache.value(for: "a") }
        try #require(await origin.isAsked(1))
        interruption.act(on: cache)
        origin.answer(1, 1)
        #expect(try await waiter.value == 1)
        #expect(cache.peek("a")?.value == (interruption == .insert ? 10 : nil))
        cache.checkInvariants()
    }

    @Test(arguments: [Interruption.one, .many, .all], [true, false])
    func `a look-up after the invalidation fetches anew, whichever fetch lands first`(
        _ interruption: Interruption, olderFirst: Bool
    ) async throws {
        let cache = cache()
        let before = Task { try await cache.value(for: "a") }
        try #require(await origin.isAsked(1))
        interruption.act(on: cache)
        let after = Task { try await cache.value(for: "a") }
        try #require(await origin.isAsked(2))
        #expect(cache.snapshot().flights == 2)
        // A third caller joins the newer of the two.
        let third = Task { try await cache.value(for: "a") }
        try #require(await cache.isAsked(3))
        for number in olderFirst ? [1, 2] : [2, 1] {
            origin.answer(number, number)
            #expect(try await (number == 1 ? before : after).value == number)
        }
        #expect(try await third.value == 2)
        #expect(cache.peek("a")?.value == 2)
        #expect(cache.snapshot().counters == CacheCounters(misses: 2, coalesced: 1))
    }

    @Test func `asking for one version to go leaves a fetch under way alone`() async throws {
        let cache = cache()
        let waiter = Task { try await cache.value(for: "a") }
        try #require(await origin.isAsked(1))
        #expect(cache.invalidate("a", version: 1) == .absent)
        origin.answer(1, 1)
        #expect(try await waiter.value == 1)
        #expect(cache.peek("a")?.value == 1)
    }

    @Test(arguments: [(0, Duration.seconds(60)), (8, .zero)])
    func `a cache that keeps nothing still shares its fetches`(maxsize: Int, ttl: Duration)
        async throws
    {
        let cache = cache(maxsize: maxsize, ttl: ttl)
        for round in 1...2 {
            let waiters = (0..<5).map { _ in Task { try await cache.value(for: "a") } }
            try #require(await cache.isAsked(UInt64(5 * round)))
            try #require(await origin.isAsked(round))
            origin.answer(round, round)
            for waiter in waiters { #expect(try await waiter.value == round) }
        }
        #expect(cache.snapshot().count == 0)
        #expect(cache.snapshot().counters == CacheCounters(misses: 2, coalesced: 8))
        #expect(cache.lastEvent == 0)
    }

    @Test func `a value lands under the bounds of its landing`() async throws {
        let cache = cache()
        let waiter = Task { try await cache.value(for: "a") }
        try #require(await origin.isAsked(1))
        try cache.update { $0.maxsize = 0 }
        origin.answer(1, 1)
        #expect(try await waiter.value == 1)
        #expect(cache.snapshot().count == 0)
    }

    @Test func `a value is written when it lands, not when it was asked for`() async throws {
        let cache = cache()
        let waiter = Task { try await cache.value(for: "a") }
        try #require(await origin.isAsked(1))
        clock.advance(by: .seconds(30))
        origin.answer(1, 1)
        _ = try await waiter.value
        #expect(cache.peek("a")?.facts.writtenAt == clock.now)
    }
}
