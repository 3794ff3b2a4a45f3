import Larder
import LarderTesting
import TestSupport
import Testing

@Suite struct FollowingTests {
    @Test func `events are handed out as they happen`() async throws {
        let cache = Cache<Int, Int>("followed", maxsize: 2)
        cache.insert(0, for: 0)
        let events = cache.events
        let numbers = Task {
            var numbers: [UInt64] = []
            for await event in events {
                numbers.append(event.number)
                if numbers.count == 200 { break }
            }
            return numbers
        }
        for number in 1...100 {
            cache.insert(number, for: 1)
            cache.invalidate(1)
            if number.isMultiple(of: 10) { await Task.yield() }
        }
        #expect(await numbers.value == Array(2...201))
    }

    @Test func `two who follow a quiet cache leave it alone`() async throws {
        let cache = Cache<Int, Int>("quiet")
        let followers = (0..<2).map { _ in
            Task {
                var count = 0
                for await _ in cache.events { count += 1 }
                return count
            }
        }
        func asked() -> UInt64 { cache.snapshot().holds.looking.count }
        // Each asks once at first, and perhaps once more by the other's coming.
        _ = await settles { asked() >= 2 }
        for _ in 0..<200 { await Task.yield() }
        #expect(asked() <= 4)
        cache.insert(1, for: 1)
        _ = await settles { asked() >= 4 }
        for follower in followers { follower.cancel() }
        for follower in followers { _ = await follower.value }
    }

    @Test func `nobody who follows sleeps on what has happened`() async {
        for seed: UInt64 in 1...20 {
            var random = Seeded(seed)
            let cache = Cache<Int, Int>("busy")
            let followers = (0..<3).map { _ in
                let events = cache.events
                return Task {
                    for await event in events where event.number == 400 { return true }
                    return false
                }
            }
            for number in 0..<200 {
                cache.insert(number, for: 1)
                cache.invalidate(1)
                for _ in 0..<Int.random(in: 0...3, using: &random) { await Task.yield() }
            }
            for follower in followers { #expect(await follower.value) }
        }
    }

    @Test func `a follower that is cancelled ends`() async {
        let cache = Cache<Int, Int>("quiet")
        let follower = Task {
            var count = 0
            for await _ in cache.events { count += 1 }
            return count
        }
        await Task.yield()
        follower.cancel()
        #expect(await follower.value == 0)
    }

    @Test func `what was overwritten shows as a gap`() async {
        let cache = Cache<Int, Int>("narrow", events: 4)
        var events = cache.events.makeAsyncIterator()
        for number in 0..<10 { cache.insert(number, for: number) }
        #expect(await events.next()?.number == 7)
    }
}

@Suite struct EntriesTests {
    private let clock = TestClock()

    private func cache() -> Cache<Int, String> {
        let cache = Cache<Int, String>("held", ttl: .seconds(10), clock: clock.neverWaking)
        for number in 1...6 { cache.insert("\(number)", for: number) }
        return cache
    }

    @Test func `live entries are listed, and listing counts as no look-up`() {
        let cache = cache()
        clock.advance(by: .seconds(5))
        cache.insert("seven", for: 7)
        #expect(Set(cache.keys) == Set(1...7))
        clock.advance(by: .seconds(5))
        #expect(cache.keys == [7])
        #expect(cache.entries.map(\.value) == ["seven"])
        #expect(cache.snapshot().counters.lookups == 0)
    }

    @Test func `entries are removed by what they hold`() {
        let cache = cache()
        #expect(cache.invalidateAll { key, value in key > 2 && value != "5" } == 3)
        #expect(cache.keys.sorted() == [1, 2, 5])
        cache.removeAll()
        #expect(cache.count == 0)
    }

    @Test func `what has ended and is kept in case that fetches fail is judged as well`() {
        let cache = Cache<Int, Int>(
            "kept", CacheConfiguration(ttl: .seconds(10), staleIfError: .seconds(60)),
            clock: clock.neverWaking)
        cache.insert(1, for: 1)
        clock.advance(by: .seconds(20))
        cache.invalidateAll { _, value in value == 1 }
        #expect(cache.count == 0)
    }

    @Test func `an entry that is written while it is judged is judged anew`() {
        let cache = cache()
        var judged: [String] = []
        let removed = cache.invalidateAll { key, value in
            guard key == 3 else { return false }
            judged.append(value)
            if value == "3" { cache.insert("new", for: 3) }
            return value == "3"
        }
        #expect(removed == 0)
        #expect(judged == ["3", "new"])
        #expect(cache.cached(3) == "new")
    }

    @Test func `a bound can be taken away`() throws {
        let cache = cache()
        try cache.update {
            $0.maxsize = nil
            $0.ttl = nil
        }
        #expect(cache.configuration.maxsize == nil)
        clock.advance(by: .seconds(3600))
        cache.insert("seven", for: 7)
        #expect(cache.keys.contains(7))
        #expect(throws: CacheError.self) { try cache.update { $0.jitter = 2 } }
    }
}
