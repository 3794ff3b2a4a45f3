import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// What nobody would do on purpose, and somebody does.
@Suite struct OddTests {
    @Test func `a clock whose sleep returns at once makes nobody spin`() async throws {
        let clock = AgeClock(now: { AgeInstant(nanoseconds: 0) }, sleep: { _ in })
        let took = try await ContinuousClock().measure {
            try await clock.sleep(until: AgeInstant(nanoseconds: 1))
        }
        #expect(took >= .milliseconds(50))
        // There is nothing to wait for where the time has come.
        try await clock.sleep(until: AgeInstant(nanoseconds: 0))
    }

    private let clock = TestClock()

    @Test func `a key that is not equal to itself is fetched and never held`() async throws {
        let fetches = Atomic(0)
        let cache = Cache<Double, Int>(
            "odd", CacheConfiguration(maxsize: 4, ttl: nil, negativeTTL: .seconds(5)),
            refresh: Refresh(meaning: { _ in .absent })
        ) { _ in fetches.add(1, ordering: .relaxed).newValue }
        #expect(try await cache.value(for: .nan) == 1)
        #expect(try await cache.value(for: .nan) == 2)
        cache.insert(3, for: .nan)
        #expect(cache.cached(.nan) == nil)
        #expect(cache.snapshot().count == 0)
        #expect(cache.snapshot().flights == 0)
        cache.checkInvariants()
    }

    @Test func `a feed of no events counts them all the same`() {
        let cache = Cache<Int, Int>("quiet", maxsize: 1, ttl: nil, events: 0) { $0 }
        for key in 0..<3 { cache.insert(key, for: key) }
        let page = cache.events(after: 0)
        #expect(page.events.isEmpty)
        #expect(page.last == 5)
        #expect(page.dropped == 5)
        #expect(cache.events(after: .max, limit: .max).events.isEmpty)
    }

    @Test func `who joins a fetch of several that leaves a key out is told that it has no value`()
        async throws
    {
        let origin = Origin<[Int], [Int: Int]>()
        let cache = Cache<Int, Int>("bulk", maxsize: 4, ttl: nil) { $0 }
        let several = Task {
            try await cache.values(for: [1, 2]) { try await origin.fetch($0.sorted()) }
        }
        #expect(await origin.isAsked(1))
        let one = Task { try await cache.value(for: 2) }
        #expect(await cache.isAsked(3))
        origin.answer(1, [1: 10])
        #expect(try await several.value == [1: 10])
        await #expect(throws: NoSuchValue.self) { try await one.value }
    }

    @Test func `two fetches that need each other are told so at once, by both keys`() async throws {
        let gate = Gate()
        let inner = Guarded<Cache<String, Int>?>(nil)
        let cache = Cache<String, Int>("circle", maxsize: 4, ttl: nil) { key in
            let cache = inner.withLock { $0 }!
            try await gate.pass()
            return try await cache.value(for: key == "left" ? "right" : "left")
        }
        inner.withLock { $0 = cache }
        async let left = cache.value(for: "left")
        async let right = cache.value(for: "right")
        #expect(await cache.isAsked(2))
        gate.open()
        var reasons: [String] = []
        do { _ = try await left } catch { reasons.append("\(error)") }
        do { _ = try await right } catch { reasons.append("\(error)") }
        #expect(reasons.count == 2)
        #expect(reasons.allSatisfy { $0.contains("left") && $0.contains("right") })
        inner.withLock { $0 = nil }
    }

    @Test func `fetches of two caches that need each other are told so as well`() async throws {
        let gate = Gate()
        let other = Guarded<Cache<Int, Int>?>(nil)
        let accounts = Cache<Int, Int>("accounts", maxsize: 4, ttl: nil) { key in
            try await gate.pass()
            return try await other.withLock { $0 }!.value(for: key)
        }
        let sessions = Cache<Int, Int>("sessions", maxsize: 4, ttl: nil) { key in
            try await gate.pass()
            return try await accounts.value(for: key)
        }
        other.withLock { $0 = sessions }
        let a = Task { try await accounts.value(for: 1) }
        let b = Task { try await sessions.value(for: 1) }
        #expect(await accounts.isAsked(1))
        #expect(await sessions.isAsked(1))
        gate.open()
        await #expect(throws: CacheError.self) { try await a.value }
        await #expect(throws: CacheError.self) { try await b.value }
        other.withLock { $0 = nil }
    }

    @Test func `a task that outlives the fetch it was started in looks the same key up`()
        async throws
    {
        let gate = Gate()
        let late = Guarded<Task<Int, any Error>?>(nil)
        let inner = Guarded<Cache<Int, Int>?>(nil)
        let cache = Cache<Int, Int>("late", maxsize: 4, ttl: nil) { key in
            let cache = inner.withLock { $0 }!
            let task = Task {
                try await gate.pass()
                return try await cache.value(for: key)
            }
            late.withLock { if $0 == nil { $0 = task } }
            return key
        }
        inner.withLock { $0 = cache }
        #expect(try await cache.value(for: 1) == 1)
        cache.invalidate(1)
        gate.open()
        #expect(try await late.withLock { $0 }!.value == 1)
        inner.withLock { $0 = nil }
    }

    @Test func `a recursive function of any depth does not run out of stack`() async throws {
        let sum = memoized(maxsize: nil, ttl: nil) { (number: Int) async throws -> Int in number }
        let inner = Guarded<Cache<Int, Int>?>(nil)
        let cache = Cache<Int, Int>("deep", maxsize: nil, ttl: nil) { number in
            guard number > 0 else { return 0 }
            return try await inner.withLock { $0 }!.value(for: number - 1) + 1
        }
        inner.withLock { $0 = cache }
        #expect(try await cache.value(for: 1000) == 1000)
        #expect(try await sum(1) == 1)
        inner.withLock { $0 = nil }
    }

    @Test func `a fetch that computes for long does not keep the main actor that asked`()
        async throws
    {
        let mainActorRan = Atomic(false)
        let cache = Cache<Int, Bool>("main", maxsize: 4, ttl: nil) { _ in
            let end = ContinuousClock.now + .seconds(20)
            while !mainActorRan.load(ordering: .acquiring), ContinuousClock.now < end {}
            return mainActorRan.load(ordering: .acquiring)
        }
        let fetch = Task { @MainActor in try await cache.value(for: 1) }
        #expect(await cache.isAsked(1))
        await Task { @MainActor in mainActorRan.store(true, ordering: .releasing) }.value
        #expect(try await fetch.value)
    }

    @Test func `tombstones end after 30 s, also where nothing else has a deadline`() async throws {
        let cache = Cache<Int, Loaf>(
            "undo", CacheConfiguration(maxsize: nil, ttl: nil), clock: clock.ageClock,
            fetch: { Loaf(number: $0) })
        cache.insert(Loaf(number: 1, heapBytes: 500), for: 1)
        let bytes = cache.snapshot().bytes
        cache.invalidate(1, undo: UndoID())
        #expect(cache.snapshot().undoable == 1)
        #expect(cache.snapshot().undoableBytes == bytes)
        #expect(cache.snapshot().bytes == 0)
        #expect(
            await settles {
                clock.advance(by: .seconds(1))
                return cache.snapshot().undoable == 0
            })
    }

    @Test func `tombstones have a bound in bytes, and the oldest give way`() {
        let cache = Cache<Int, Loaf>("undo", maxsize: nil, ttl: nil) { Loaf(number: $0) }
        let undo = UndoID()
        for key in 0..<8 {
            cache.insert(Loaf(number: key, heapBytes: 5 << 20), for: key)
            cache.invalidate(key, undo: undo)
            #expect(cache.snapshot().undoableBytes <= 16 << 20)
        }
        #expect(cache.restore(undo) == (3, 0))
        #expect(cache.held == [5, 6, 7])
        cache.insert(Loaf(number: 9, heapBytes: 17 << 20), for: 9)
        cache.invalidate(9, undo: undo)
        #expect(cache.restore(undo) == (0, 0))
    }

    @Test func `two changes of different bounds at once both hold`() async throws {
        for _ in 0..<200 {
            let cache = Cache<Int, Int>("both", maxsize: 1, ttl: .seconds(1)) { $0 }
            async let size: Void = cache.update { $0.maxsize = 64 }
            async let life: Void = cache.update { $0.ttl = .seconds(300) }
            async let rule: Void = cache.update { $0.policy = .sieve }
            _ = try await (size, life, rule)
            #expect(
                cache.configuration
                    == CacheConfiguration(maxsize: 64, ttl: .seconds(300), policy: .sieve))
        }
    }

    @Test func `bounds that are not those expected are left alone`() throws {
        let cache = Cache<Int, Int>("mine", maxsize: 4, ttl: nil) { $0 }
        let seen = cache.configuration
        try cache.update { $0.maxsize = 8 }
        #expect(throws: CacheError.self) {
            try cache.configure(CacheConfiguration(maxsize: 2, ttl: nil), replacing: seen)
        }
        #expect(cache.configuration.maxsize == 8)
    }
}
