import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// How long fetches may take, and how many at once.
@Suite(.timeLimit(.minutes(1))) struct `A limit of fetches` {
    private let clock = TestClock()

    /// What is under way, and the most that ever was.
    private final class Crowd: Sendable {
        private let counts = Guarded((now: 0, most: 0, order: [Int]()))
        var most: Int { counts.withLock { $0.most } }
        var now: Int { counts.withLock { $0.now } }
        var order: [Int] { counts.withLock { $0.order } }

        func pass(_ key: Int, _ work: () async throws -> Void) async rethrows -> Int {
            counts.withLock { counts in
                counts.now += 1
                counts.most = max(counts.most, counts.now)
                counts.order.append(key)
            }
            defer { counts.withLock { $0.now -= 1 } }
            try await work()
            return key
        }
    }

    @Test func `on their number lets no more begin, and the others in their order`() async throws {
        let (gate, crowd) = (Gate(), Crowd())
        let cache = Cache<Int, Int>("few", limits: FetchLimits(atOnce: 2)) { key in
            try await crowd.pass(key) { try await gate.pass() }
        }
        let tasks = (0..<10).map { key in
            Task { try await cache.value(for: key) }
        }
        while cache.snapshot().flights < 10 || crowd.now < 2 { await Task.yield() }
        #expect(crowd.now == 2)
        gate.open()
        for (key, task) in tasks.enumerated() { #expect(try await task.value == key) }
        #expect(crowd.most == 2 && Set(crowd.order) == Set(0..<10))
        // A turn is given back by what fails, too.
        struct Broken: Error {}
        for _ in 0..<5 {
            await #expect(throws: Broken.self) {
                try await cache.value(for: 100) { throw Broken() }
            }
        }
        #expect(
            try await cache.values(for: [7, 200, 201]) { keys in
                Dictionary(uniqueKeysWithValues: keys.map { ($0, $0) })
            } == [7: 7, 200: 200, 201: 201])
    }

    @Test func `lets go who is cancelled while waiting for a turn`() async throws {
        let gate = Gate()
        let cache = Cache<Int, Int>("one", limits: FetchLimits(atOnce: 1)) { key in
            try await gate.pass()
            return key
        }
        let first = Task { try await cache.value(for: 1) }
        while cache.snapshot().flights < 1 { await Task.yield() }
        let second = Task { try await cache.value(for: 2) }
        while cache.snapshot().flights < 2 { await Task.yield() }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        gate.open()
        #expect(try await first.value == 1)
        #expect(try await cache.value(for: 3) == 3)
    }

    @Test(arguments: [false, true])
    func `does not have a fetch wait for itself`(isStarted: Bool) async throws {
        let gate = Gate()
        let ended = Guarded(false)
        let cache = Cache<String, String>("one", limits: FetchLimits(atOnce: 1))
        // The inner one is led by the outer, or by somebody else and waits for the outer's turn.
        let outer = Task {
            try await cache.value(for: "outer") {
                try await gate.pass()
                return try await cache.value(for: "inner") { "inner of outer" }
            }
        }
        while cache.snapshot().flights < 1 { await Task.yield() }
        let other = Task {
            if isStarted { _ = try await cache.value(for: "inner") { "inner of outer" } }
            ended.withLock { $0 = true }
        }
        if isStarted { while cache.snapshot().flights < 2 { await Task.yield() } }
        gate.open()
        #expect(try await outer.value == "inner of outer")
        try await other.value
        #expect(ended.withLock { $0 })
    }

    @Test func `on their time gives up who does not answer, and heeds no cancellation`()
        async throws
    {
        let answers = Guarded<[UnsafeContinuation<Int, Never>]>([])
        let cache = Cache<Int, Int>(
            "slow", CacheConfiguration(ttl: .seconds(60), staleIfError: .seconds(600)),
            limits: FetchLimits(time: .seconds(2), atOnce: 1), clock: clock.ageClock
        ) { key in
            if key == 1 { return 1 }
            return await withUnsafeContinuation { answer in answers.withLock { $0.append(answer) } }
        }
        #expect(try await cache.value(for: 1) == 1)
        let slow = Task { try await cache.value(for: 2) }
        // The sweeper sleeps too.
        while answers.withLock(\.isEmpty) || !clock.sleepers.contains(.seconds(2)) {
            await Task.yield()
        }
        clock.advance(by: .seconds(2))
        await #expect(throws: FetchTimedOut(limit: .seconds(2))) { try await slow.value }
        #expect(cache.snapshot().counters.failures.timedOut == 1)
        // Its turn is free, and what it brings too late is not kept.
        #expect(try await cache.value(for: 3) { 3 } == 3)
        for answer in answers.withLock({ $0 }) { answer.resume(returning: 2) }
        for _ in 0..<100 { await Task.yield() }
        #expect(cache.peek(2) == nil)
    }

    @Test func `is not there where nobody set it`() async throws {
        let crowd = Crowd()
        let cache = Cache<Int, Int>("free") { key in
            await crowd.pass(key) { await Task.yield() }
        }
        #expect(cache.limits == FetchLimits())
        for key in 0..<3 { #expect(try await cache.value(for: key) == key) }
        let exact = Cache<Int, Int>("exact", limits: FetchLimits(time: .seconds(60))) { $0 }
        #expect(try await exact.value(for: 5) == 5)
    }
}
