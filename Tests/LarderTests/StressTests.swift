import Foundation
import Larder
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// Many at once, on threads of their own and in tasks; what they do in which order is the
/// machine's choice, what must hold is not.
@Suite(.timeLimit(.minutes(5))) struct StressTests {
    /// The truth of a few keys: a number each that only grows.
    private final class Source: Sendable {
        /// Read by fetches.
        private let truth: [Counter]
        /// What no look-up may fall behind any more: an invalidation after its write has returned.
        private let floors: [Counter]

        /// Readers still at work; the others go on until there are none.
        private let readers = Counter()

        private final class Counter: Sendable {
            let value = Atomic<Int>(0)
        }

        init(keys: Int, readers: Int) {
            self.readers.value.store(readers, ordering: .relaxed)
            truth = (0..<keys).map { _ in Counter() }
            floors = (0..<keys).map { _ in Counter() }
        }

        var isRead: Bool { readers.value.load(ordering: .relaxed) > 0 }
        func endReading() { readers.value.subtract(1, ordering: .relaxed) }

        func read(_ key: Int) -> Int { truth[key].value.load(ordering: .sequentiallyConsistent) }
        func floor(_ key: Int) -> Int { floors[key].value.load(ordering: .sequentiallyConsistent) }

        /// Writes the next number, lets `forget` make the cache forget the old, and raises the floor.
        func write(_ key: Int, _ forget: (Int) -> Void) {
            let number = truth[key].value.add(1, ordering: .sequentiallyConsistent).newValue
            forget(number)
            floors[key].value.store(number, ordering: .sequentiallyConsistent)
        }
    }

    private static let keys = 4
    private static let readers = 6
    private static let rounds = 1500

    @Test(arguments: [nil, 2], [Duration.seconds(60), .milliseconds(4)])
    func `no look-up after an invalidation brings an older value`(
        maxsize: Int?, ttl: Duration
    ) async {
        let source = Source(keys: Self.keys, readers: Self.readers)
        let cache = Cache<Int, Int>("stress", maxsize: maxsize, ttl: ttl) { key in
            let number = source.read(key)
            for _ in 0...key { await Task.yield() }
            try Task.checkCancellation()
            return number
        }
        let stale = await withTaskGroup(of: Int.self) { group in
            for key in 0..<Self.keys {
                group.addTask { await onThread { write(key, in: cache, source) } }
            }
            for reader in 0..<2 {
                group.addTask { await onThread { read(reader, cache, source) } }
            }
            for reader in 0..<Self.readers { group.addTask { await lookUp(reader, cache, source) } }
            group.addTask { await onThread { turn(cache, source, maxsize, ttl) } }
            return await group.reduce(0, +)
        }
        #expect(stale == 0)
        cache.checkInvariants()
        #expect(cache.snapshot().flights == 0)
        let counters = cache.snapshot().counters
        #expect(counters.hits > 0 && counters.misses > 0)
        let removed =
            counters.evicted + counters.expired + counters.invalidated + counters.replaced
        #expect(removed + UInt64(cache.snapshot().count) == cache.versions)
    }

    /// The one writer of its key.
    private func write(_ key: Int, in cache: Cache<Int, Int>, _ source: Source) -> Int {
        var round = 0
        while source.isRead {
            round += 1
            source.write(key) { number in
                switch round % 7 {
                case 0: cache.invalidateAll(by: Operator("writer"))
                case 1, 2: cache.insert(number, for: key)
                case 3: cache.invalidate([key])
                default: cache.invalidate(key)
                }
            }
            // A breath, so that there is something to forget the next time.
            usleep(1000)
        }
        return 0
    }

    /// Synchronous look-ups; returns how many were stale.
    private func read(_ reader: Int, _ cache: Cache<Int, Int>, _ source: Source) -> Int {
        var (round, stale) = (reader, 0)
        while source.isRead {
            round += 1
            let key = round % Self.keys
            let floor = source.floor(key)
            let value = round % 8 < 4 ? cache.cached(key) : cache.peek(key)?.value
            if let value, value < floor { stale += 1 }
            usleep(200)
        }
        return stale
    }

    /// Look-ups that fetch, some of them given up; returns how many were stale.
    private func lookUp(_ reader: Int, _ cache: Cache<Int, Int>, _ source: Source) async -> Int {
        defer { source.endReading() }
        var stale = 0
        for round in 0..<Self.rounds {
            let key = (round + reader) % Self.keys
            let floor = source.floor(key)
            let task = Task { try await cache.value(for: key) }
            if round.isMultiple(of: 5) {
                if round.isMultiple(of: 2) { await Task.yield() }
                task.cancel()
            }
            do { if try await task.value < floor { stale += 1 } } catch {
                if !(error is CancellationError) { stale += 1 }
            }
        }
        return stale
    }

    /// An operator who keeps changing the bounds and looking.
    private func turn(
        _ cache: Cache<Int, Int>, _ source: Source, _ maxsize: Int?, _ ttl: Duration
    ) -> Int {
        let usual = CacheConfiguration(maxsize: maxsize, ttl: ttl)
        var round = 0
        while source.isRead {
            round += 1
            usleep(2000)
            let bounds = [
                CacheConfiguration(maxsize: 0, ttl: ttl), CacheConfiguration(maxsize: 1, ttl: ttl),
                CacheConfiguration(maxsize: maxsize, ttl: .zero), usual, usual, usual,
            ]
            let new = bounds[round % bounds.count]
            _ = cache.victims(of: new)
            try! cache.configure(new)
            cache.survey { _, _ in }
            cache.checkInvariants()
            cache.expire()
            _ = cache.events(after: cache.lastEvent - min(10, cache.lastEvent))
        }
        try! cache.configure(usual)
        return 0
    }

    /// Who takes a latch again and again sees that others wait, and nobody waits in the end.
    @Test func `a latch knows whether somebody waits for it`() {
        final class Place: @unchecked Sendable {  // what it has is made for threads
            let latch = Latch()
            let taken = Atomic<Int>(0)
        }
        let place = Place()
        place.latch.lock()
        let threads = (0..<3).map { _ in
            let thread = Thread {
                place.latch.lock()
                place.taken.add(1, ordering: .relaxed)
                place.latch.unlock()
            }
            thread.start()
            return thread
        }
        while !place.latch.isAwaited { sched_yield() }
        #expect(place.taken.load(ordering: .relaxed) == 0)
        place.latch.unlock()
        while !threads.allSatisfy(\.isFinished) {
            place.latch.giveWay()
            sched_yield()
        }
        #expect(place.taken.load(ordering: .relaxed) == 3)
        let isAwaited = place.latch.isAwaited
        #expect(!isAwaited)
    }
}

extension Cache {
    /// How many entries were ever written.
    fileprivate var versions: UInt64 {
        events(after: 0).events.reversed().lazy.compactMap { event -> UInt64? in
            guard case .written(let version, _, _) = event.kind else { return nil }
            return version
        }.first ?? 0
    }
}

/// Does `work` on a thread of its own, not on one of the few that tasks share.
private func onThread(_ work: @escaping @Sendable () -> Int) async -> Int {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: work()) }
    }
}
