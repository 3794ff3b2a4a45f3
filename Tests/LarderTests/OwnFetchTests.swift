import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

@Suite struct OwnFetchTests {
    private let clock = TestClock()

    /// The first thing that a service writes: a cache of an actor, whose fetch needs the actor.
    private actor Accounts {
        private let cache = Cache<String, Int>("accounts", maxsize: 64, ttl: .seconds(300))
        private var reads = 0

        func account(_ number: String) async throws -> Int {
            try await cache.value(for: number) { try await self.read(number) }
        }

        private func read(_ number: String) throws -> Int {
            reads += 1
            return reads
        }
    }

    @Test func `an actor's cache fetches by the actor`() async throws {
        let accounts = Accounts()
        #expect(try await accounts.account("a") == 1)
        #expect(try await accounts.account("a") == 1)
        #expect(try await accounts.account("b") == 2)
    }

    @Test func `a cache without a fetch says so where it is asked for what it lacks`() async throws
    {
        let cache = Cache<String, Int>("bare", CacheConfiguration(maxsize: 2))
        let error = await #expect(throws: CacheError.self) { try await cache.value(for: "a") }
        #expect(
            error?.description
                == "bare was made without a fetch; hand one over: value(for: key) { ... }")
        cache.insert(1, for: "a")
        #expect(try await cache.value(for: "a") == 1)
    }

    @Test func `a look-up without a fetch is in nobody's way`() async throws {
        let cache = Cache<String, Int>(
            "bare", Configurations.stale, clock: clock.neverWaking)
        cache.insert(1, for: "a")
        cache.invalidateSoftly("a")
        #expect(try await cache.value(for: "a") == 1)
        await #expect(throws: CacheError.self) { try await cache.refresh("a") }
        await #expect(throws: CacheError.self) { try await cache.value(for: "b") }
        #expect(cache.snapshot().counters.fetchFailures == 0)
        #expect(cache.count == 1 && cache.snapshot().flights == 0)
        #expect(try await cache.value(for: "b") { 2 } == 2)
    }

    private enum Configurations {
        static let stale = CacheConfiguration(ttl: .seconds(10), staleIfError: .seconds(60))
    }

    @Test func `a value that grows past others is computed once`() {
        let cache = Cache<String, String>(
            "grown", CacheConfiguration(maxsize: nil, maxbytes: 100_000, ttl: nil))
        cache.insert("1", for: "a")
        for number in 0..<250 { cache.insert(String(repeating: "x", count: 100), for: "\(number)") }
        var seen: [String?] = []
        cache.compute("a") { held in
            seen.append(held)
            return String(repeating: "y", count: 80_000)
        }
        #expect(seen == ["1"])
        #expect(cache.cached("a")?.utf8.count == 80_000)
    }

    @Test func `callers with fetches of their own share the first one's`() async throws {
        let cache = Cache<Int, String>("shared")
        let gate = Gate()
        async let first = cache.value(for: 1) {
            try await gate.pass()
            return "first"
        }
        while cache.snapshot().flights == 0 { await Task.yield() }
        async let second = cache.value(for: 1) { "second" }
        while cache.snapshot().counters.coalesced == 0 { await Task.yield() }
        gate.open()
        #expect(try await [first, second] == ["first", "first"])
        #expect(cache.snapshot().counters.misses == 1)
    }

    @Test func `a refresh fetches what is held, and others are served meanwhile`() async throws {
        let gate = Gate()
        let cache = Cache<Int, String>("refreshed", clock: clock.neverWaking) { _ in
            try await gate.pass()
            return "new"
        }
        cache.insert("old", for: 1)
        async let refreshed = cache.refresh(1)
        while cache.snapshot().flights == 0 { await Task.yield() }
        #expect(cache.cached(1) == "old")
        async let joined = cache.refresh(1)
        gate.open()
        #expect(try await [refreshed, joined] == ["new", "new"])
        #expect(cache.cached(1) == "new")
        #expect(cache.snapshot().counters.lookups == 2)
    }

    @Test func `a refresh that fails says so, and what is held stays`() async throws {
        for stale: Duration in [.zero, .seconds(60)] {
            let cache = Cache<Int, String>(
                "failing", CacheConfiguration(staleIfError: stale), clock: clock.neverWaking
            ) { _ in throw Refused() }
            cache.insert("old", for: 1)
            await #expect(throws: Refused.self) { try await cache.refresh(1) }
            #expect(cache.cached(1) == "old")
            // What is remembered of the failure keeps the next refresh back as little.
            await #expect(throws: Refused.self) { try await cache.refresh(1) }
            #expect(cache.snapshot().counters.fetchFailures == 2)
        }
    }

    @Test func `what is marked as stale is served on where its fetch fails in passing`()
        async throws
    {
        let fetches = Atomic(0)
        let cache = Cache<Int, Int>(
            "soft", CacheConfiguration(ttl: .seconds(60)), clock: clock.neverWaking
        ) { _ in
            if fetches.add(1, ordering: .relaxed).newValue < 3 { throw Refused() }
            return 2
        }
        cache.insert(1, for: 1)
        cache.invalidateSoftly(1)
        for number in 1...2 {
            #expect(try await cache.value(for: 1) == 1)
            _ = await settles { cache.snapshot().counters.fetchFailures == UInt64(number) }
            // Until the next try is due nobody asks the origin.
            for _ in 0..<10 { #expect(try await cache.value(for: 1) == 1) }
            #expect(fetches.load(ordering: .relaxed) == number)
            clock.advance(by: .seconds(5))
        }
        #expect(try await cache.value(for: 1) == 1)
        #expect(await settles { cache.cached(1) == 2 })
    }

    @Test func `a refresh of the key that is being fetched is told that it would wait for ever`()
        async throws
    {
        let cache = Cache<Int, Int>("circle")
        await #expect(throws: CacheError.self) {
            try await cache.value(for: 1) { try await cache.refresh(1) { 2 } }
        }
    }

    @Test func `what is served in spite of a failure, cached serves too`() async throws {
        let isDown = Atomic(false)
        let cache = Cache<Int, Int>(
            "stale", CacheConfiguration(ttl: .seconds(10), staleIfError: .seconds(60)),
            clock: clock.neverWaking
        ) { _ in
            if isDown.load(ordering: .relaxed) { throw Refused() }
            return 7
        }
        _ = try await cache.value(for: 1)
        isDown.store(true, ordering: .relaxed)
        clock.advance(by: .seconds(20))
        #expect(cache.cached(1) == nil)
        #expect(try await cache.value(for: 1) == 7)
        #expect(cache.cached(1) == 7)
        #expect(cache.snapshot().counters.servedStale == 2)
    }

    @Test func `insert if absent keeps what is there`() {
        let cache = Cache<Int, Int>("once", clock: clock.neverWaking)
        #expect(cache.insertIfAbsent(1, for: 1) == nil)
        #expect(cache.insertIfAbsent(2, for: 1) == 1)
        #expect(cache.cached(1) == 1)
        clock.advance(by: .seconds(600))
        #expect(cache.insertIfAbsent(3, for: 1) == nil)
        #expect(cache.cached(1) == 3)
        let none = Cache<Double, Int>("nothing", maxsize: 0)
        #expect(none.insertIfAbsent(1, for: .nan) == nil)
        #expect(none.insertIfAbsent(1, for: 1) == nil)
    }

    @Test func `a value is computed from the one that is held`() {
        let cache = Cache<String, Int>("counted", clock: clock.neverWaking)
        for _ in 0..<3 { cache.compute("a") { ($0 ?? 0) + 1 } }
        #expect(cache.cached("a") == 3)
        #expect(cache.compute("a") { _ in nil } == nil)
        #expect(cache.compute("b") { _ in nil } == nil)
        #expect(cache.count == 0)
        // The function may call the cache, and is called again where the key was written meanwhile.
        var calls = 0
        cache.compute("c") { held in
            calls += 1
            if calls == 1 { cache.insert(10, for: "c") }
            return (held ?? 0) + 1
        }
        #expect(calls == 2)
        #expect(cache.cached("c") == 11)
    }

    @Test func `many who compute at once lose no step`() async {
        let cache = Cache<Int, Int>("steps")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<1000 { cache.compute(1) { ($0 ?? 0) + 1 } } }
            }
        }
        #expect(cache.cached(1) == 4000)
    }

    @Test func `a fetch is raised to the priority of whoever joins`() async throws {
        let gate = Gate()
        let seen = Guarded<TaskPriority?>(nil)
        let cache = Cache<Int, Int>("raised") { _ in
            try await gate.pass()
            // It is raised right after the second has joined.
            _ = await settles { Task.currentPriority >= .high }
            seen.withLock { $0 = Task.currentPriority }
            return 1
        }
        let first = Task(priority: .background) { try await cache.value(for: 1) }
        while cache.snapshot().flights == 0 { await Task.yield() }
        let second = Task(priority: .high) { try await cache.value(for: 1) }
        while cache.snapshot().counters.coalesced == 0 { await Task.yield() }
        gate.open()
        _ = try await (first.value, second.value)
        #expect(seen.withLock { $0 } == .high)
    }
}
