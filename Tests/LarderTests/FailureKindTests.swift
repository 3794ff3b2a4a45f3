import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// What failures are counted as, and what is remembered of them.
@Suite struct FailureKindTests {
    private let clock = TestClock()

    private struct Known: KnownFailure {
        var failureKind: FailureKind
    }

    private struct Unknown: Error {}

    /// A key that is a number fails as the kind of that number; the others have a value.
    private func cache(negative: Duration = .seconds(60)) -> Cache<Int, Int> {
        let refresh = Refresh(meaning: {
            ($0 as? Known)?.failureKind == .absent ? .absent : .passing
        })
        return Cache(
            "accounts", CacheConfiguration(maxsize: 8, ttl: .seconds(300), negativeTTL: negative),
            refresh: refresh, clock: clock.neverWaking
        ) { key in
            guard key < FailureKind.allCases.count else { return key }
            throw Known(failureKind: FailureKind.allCases[key])
        }
    }

    @Test func `each kind is counted by itself, and all of them together`() async {
        let cache = cache(negative: .zero)
        for (place, _) in FailureKind.allCases.enumerated() {
            for _ in 0...place { _ = try? await cache.value(for: place) }
        }
        let counters = cache.snapshot().counters
        #expect(FailureKind.allCases.map { counters.failures[$0] } == [1, 2, 3, 4, 5])
        #expect(counters.failures.total == 15 && counters.fetchFailures == 15)
        cache.checkInvariants()
    }

    @Test(arguments: [
        (Unknown() as any Error, Refresh.Failure.passing, FailureKind.broken),
        (Unknown(), .refused(.zero ... .zero), .refused), (Unknown(), .absent, .absent),
        (CancellationError(), .passing, .timedOut),
        (Known(failureKind: .throttled), .passing, .throttled),
        (Known(failureKind: .timedOut), .refused(.zero ... .zero), .timedOut),
        // What is remembered as absent is counted so.
        (Known(failureKind: .broken), .absent, .absent),
    ])
    func `an error's own word counts, and else what it means`(
        error: any Error, meaning: Refresh.Failure, kind: FailureKind
    ) {
        #expect(FailureKind(error, meaning) == kind)
    }

    @Test func `what an answer for several keys leaves out is absent`() async throws {
        let cache = cache()
        _ = try await cache.values(for: [100]) { _ in [:] }
        #expect(cache.snapshot().counters.failures.absent == 1)
    }

    @Test func `the last minute and the last of each kind are told`() async {
        let cache = cache(negative: .zero)
        _ = try? await cache.value(for: 1)
        clock.advance(by: .seconds(59))
        _ = try? await cache.value(for: 1)
        _ = try? await cache.value(for: 4)
        var snapshot = cache.snapshot()
        #expect(snapshot.failuresLately.throttled == 2 && snapshot.failuresLately.broken == 1)
        #expect(snapshot.lastFailures[.throttled]?.at == clock.now)
        #expect(snapshot.lastFailures[.broken]?.reason == "Known")
        #expect(snapshot.lastFailures[.refused] == nil)
        clock.advance(by: .seconds(1))
        snapshot = cache.snapshot()
        #expect(snapshot.failuresLately.throttled == 1)
        clock.advance(by: .seconds(3600))
        #expect(cache.snapshot().failuresLately == FailureCounts())
    }

    @Test func `a failure that is remembered tells first, last, count and refusals`() async throws {
        let cache = cache(negative: .seconds(5))
        let first = clock.now
        _ = try? await cache.value(for: 0)
        clock.advance(by: .seconds(6))
        let last = clock.now
        _ = try? await cache.value(for: 0)
        for _ in 0..<3 {
            clock.advance(by: .seconds(1))
            _ = try? await cache.value(for: 0)
        }
        let trouble = try #require(cache.troubles().first?.trouble)
        #expect(trouble.since == first && trouble.last == last && trouble.failures == 2)
        #expect(trouble.refusals == 3 && trouble.lastRefusal == clock.now)
        #expect(trouble.failure == .absent)
    }

    @Test func `to forget a failure is an event, and the next look-up asks again`() async throws {
        let cache = cache()
        let ann = Operator("ann")
        _ = try? await cache.value(for: 0)
        _ = try? await cache.value(for: 0)
        #expect(cache.forgetFailure(of: 0, by: ann)?.refusals == 1)
        #expect(cache.forgetFailure(of: 0, by: ann) == nil)
        let event = try #require(cache.events(after: 0).events.last)
        #expect(event.kind == .forgotten(failures: 1, refusals: 1) && event.by == ann)
        _ = try? await cache.value(for: 0)
        #expect(cache.snapshot().counters.misses == 2)
        cache.checkInvariants()
    }

    // MARK: What is fetched most

    @Test func `the key that is fetched most comes first, with why it fails`() async throws {
        let cache = cache(negative: .zero)
        for _ in 0..<5 { _ = try? await cache.value(for: 2) }
        _ = try await cache.value(for: 100)
        let most = cache.mostFetched()
        #expect(most.since == AgeInstant(nanoseconds: clock.now.nanoseconds))
        #expect(most.keys.map(\.key) == [2, 100])
        #expect(most.keys.map(\.fetches) == [5, 1] && most.keys.map(\.failures) == [5, 0])
        #expect(most.keys[0].kind == .refused)
        #expect(most.keys[0].reason == "Known")
    }

    @Test func `no count is too high, and none is too low by more than its share`() {
        var random = Seeded(7)
        var most = MostFetched<Int>(at: AgeInstant(nanoseconds: 0))
        var exact: [Int: UInt64] = [:]
        for _ in 0..<20_000 {
            // A few are asked for far more often than the many.
            let draw = Double.random(in: 0..<1, using: &random)
            let key = Int(1 / (1 - draw * 0.9999)) + Int.random(in: 0..<3, using: &random)
            most.begin(key, UInt64(bitPattern: Int64(key)), at: AgeInstant(nanoseconds: 1))
            exact[key, default: 0] += 1
        }
        let found = most.first(10, at: AgeInstant(nanoseconds: 1)).keys
        let share = UInt64(20_000 / MostFetched<Int>.lines)
        for line in found {
            let known = exact[line.key] ?? 0
            #expect(line.fetches <= known && line.fetches + share >= known)
        }
        let first = exact.max { $0.value < $1.value }
        #expect(found.first?.key == first?.key)
    }

    @Test func `what was fetched ten minutes ago is forgotten`() async throws {
        let cache = cache()
        _ = try await cache.value(for: 100)
        clock.advance(by: .seconds(301))
        _ = try await cache.value(for: 101)
        #expect(Set(cache.mostFetched().keys.map(\.key)) == [100, 101])
        clock.advance(by: .seconds(300))
        #expect(cache.mostFetched().keys.map(\.key) == [101])
        for limit in [0, -1, .min] { #expect(cache.mostFetched(limit).keys.isEmpty) }
        clock.advance(by: .seconds(700))
        #expect(cache.mostFetched().keys.isEmpty)
    }

    // MARK: Ghost hits

    @Test func `of the misses each knob's share is told, and nothing before the first`()
        async throws
    {
        let cache = Cache<Int, Int>(
            "ghosts", maxsize: 1, ttl: .seconds(10), clock: clock.neverWaking
        ) { $0 }
        #expect(cache.snapshot().counters.ghostEvictedShare == nil)
        #expect(cache.snapshot().counters.ghostExpiredShare == nil)
        _ = try await cache.value(for: 1)
        _ = try await cache.value(for: 2)
        _ = try await cache.value(for: 1)
        clock.advance(by: .seconds(11))
        _ = try await cache.value(for: 1)
        #expect(cache.snapshot().counters.ghostEvictedShare == 0.25)
        #expect(cache.snapshot().counters.ghostExpiredShare == 0.25)
    }

    @Test func `a key whose ended value is kept for failures is missed for its end, once`()
        async throws
    {
        let fails = Atomic(false)
        let cache = Cache<Int, Int>(
            "ghosts", CacheConfiguration(ttl: .seconds(10), staleIfError: .seconds(600)),
            clock: clock.neverWaking
        ) { key in
            if fails.load(ordering: .relaxed) { throw Unknown() }
            return key
        }
        _ = try await cache.value(for: 1)
        clock.advance(by: .seconds(11))
        _ = try await cache.value(for: 1)
        #expect(cache.snapshot().counters.ghostExpired == 1)
        #expect(cache.snapshot().lately?.ghostExpired == 1)
        // The fetch fails, and so do those after it: what they cost is no fault of the ttl.
        fails.store(true, ordering: .relaxed)
        for _ in 0..<5 {
            clock.advance(by: .seconds(30))
            _ = try await cache.value(for: 1)
        }
        #expect(cache.snapshot().counters.ghostExpired == 2)
        // Nobody missed it for longer than a ghost hit counts.
        fails.store(false, ordering: .relaxed)
        clock.advance(by: .seconds(30))
        _ = try await cache.value(for: 1)
        clock.advance(by: .seconds(100))
        _ = try await cache.value(for: 1)
        #expect(cache.snapshot().counters.ghostExpired == 2)
    }

    @Test func `a histogram has the sum of what it counts`() {
        var histogram = Histogram()
        for time in [1500, 2_000_000, 40_000_000_999] { histogram.add(.nanoseconds(time)) }
        #expect(histogram.microseconds == 1 + 2000 + 40_000_000)
    }
}
