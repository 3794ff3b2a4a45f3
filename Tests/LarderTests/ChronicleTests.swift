import TestSupport
import Testing

@testable import Larder

@Suite struct `The last hour of a cache` {
    private let clock = HandClock()

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
}
