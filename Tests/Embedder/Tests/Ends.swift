import Foundation
import Larder
import LarderTesting
import Synchronization
import Testing

/// A value that knows its end by the calendar.
private struct Session: Sendable, Expiring {
    var token: String
    var expiry: AgeInstant?
}

private enum TableError: Error, KnownFailure {
    case noSuchAccount, tooMany

    var failureKind: FailureKind { self == .noSuchAccount ? .absent : .throttled }
}

@Suite struct `Ends and failures` {
    private let clock = TestClock()
    private let table = Table()

    @Test func `come when a clock is turned by hand`() async throws {
        let cache = Cache<String, Account>(
            "accounts", ttl: .seconds(5), clock: clock.ageClock
        ) { [table] in try await table.account($0) }
        _ = try await cache.value(for: "1")
        clock.advance(by: .seconds(4))
        #expect(cache.cached("1") != nil)
        clock.advance(by: .seconds(1))
        #expect(cache.cached("1") == nil)
    }

    @Test func `of a value are its own`() async throws {
        let cache = Cache<Int, Session>("sessions", ttl: .seconds(60), clock: clock.ageClock)
        cache.insert(Session(token: "a", expiry: clock.now + .seconds(10)), for: 1)
        clock.advance(by: .seconds(10))
        #expect(cache.cached(1) == nil)
    }

    @Test func `of a value may be a date`() async throws {
        let cache = Cache<Int, Session>("sessions", ttl: .seconds(60), clock: clock.ageClock)
        let end = clock.date.addingTimeInterval(10)
        cache.insert(Session(token: "a", expiry: clock.ageClock.instant(of: end)), for: 1)
        clock.advance(by: .seconds(9))
        #expect(cache.cached(1) != nil)
        clock.advance(by: .seconds(1))
        #expect(cache.cached(1) == nil)
        cache.expire()
        #expect(cache.count == 0)
    }

    @Test func `are told by a lifetime`() {
        let cache = Cache<Int, Int>(
            "numbers", ttl: .seconds(60), lifetime: { _, value in .seconds(value) },
            clock: clock.ageClock, fetch: nil)
        cache.insert(3, for: 1)
        clock.advance(by: .seconds(3))
        #expect(cache.cached(1) == nil)
    }

    @Test func `of none are for ever`() {
        let cache = Cache<Int, Int>("numbers", ttl: nil, clock: clock.ageClock)
        cache.insert(3, for: 1)
        clock.advance(by: .seconds(3600 * 24 * 365))
        #expect(cache.cached(1) == 3)
    }

    @Test func `are bridged by what is stale`() async throws {
        let bounds = CacheConfiguration(ttl: .seconds(5), staleIfError: .seconds(60))
        let cache = Cache<String, Account>("accounts", bounds, clock: clock.ageClock) {
            [table] in try await table.account($0)
        }
        let first = try await cache.value(for: "1")
        table.goDown()
        clock.advance(by: .seconds(30))
        #expect(try await cache.value(for: "1") == first)
        #expect(cache.cached("1") == first)
        clock.advance(by: .seconds(60))
        await #expect(throws: Table.Down.self) { try await cache.value(for: "1") }
    }

    @Test func `are remembered where the origin has no such thing`() async throws {
        let reads = Mutex(0)
        let cache = Cache<String, Account>(
            "accounts", CacheConfiguration(negativeTTL: .seconds(5)), clock: clock.ageClock
        ) { _ in
            reads.withLock { $0 += 1 }
            throw NoSuchValue()
        }
        for _ in 0..<3 {
            await #expect(throws: NoSuchValue.self) { try await cache.value(for: "9") }
        }
        #expect(reads.withLock { $0 } == 1)
        #expect(cache.forgetFailure(of: "9")?.failure == .absent)
        await #expect(throws: NoSuchValue.self) { try await cache.value(for: "9") }
        #expect(reads.withLock { $0 } == 2)
    }

    @Test func `of several keys leave out what is absent`() async throws {
        let cache = Cache<Int, Int>("numbers", CacheConfiguration(negativeTTL: .seconds(5)))
        let found = try await cache.values(for: [1, 2]) { _ in [1: 1] }
        #expect(found == [1: 1])
        #expect(try await cache.values(for: [1, 2]) { _ in [:] } == [1: 1])
    }

    @Test func `have a kind`() async throws {
        let cache = Cache<Int, Int>("numbers") { _ in throw TableError.tooMany }
        await #expect(throws: TableError.tooMany) { try await cache.value(for: 1) }
        #expect(cache.snapshot().counters.failures.throttled == 1)
    }

    @Test func `come with a limit of time`() async throws {
        let door = Door()
        let cache = Cache<Int, Int>(
            "slow", CacheConfiguration(), limits: FetchLimits(time: .milliseconds(10)),
            clock: clock.ageClock
        ) { _ in
            await door.pass()
            return 1
        }
        let slow = Task { try await cache.value(for: 1) }
        while !clock.sleepers.contains(.milliseconds(10)) { await Task.yield() }
        clock.advance(by: .milliseconds(10))
        let error = await #expect(throws: FetchTimedOut.self) { try await slow.value }
        door.open()
        #expect(error?.description == "no answer within 0.01s")
        #expect(cache.snapshot().counters.failures.timedOut == 1)
    }

    @Test func `do not come of too many fetches at once`() async throws {
        let running = Mutex((now: 0, most: 0))
        let door = Door()
        let cache = Cache<Int, Int>(
            "slow", CacheConfiguration(), limits: FetchLimits(atOnce: 2)
        ) { number in
            running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            await door.pass()
            running.withLock { $0.now -= 1 }
            return number
        }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<10 { group.addTask { try await cache.value(for: number) } }
            while cache.snapshot().flights < 10 || running.withLock({ $0.now }) < 2 {
                await Task.yield()
            }
            door.open()
            try await group.waitForAll()
        }
        #expect(running.withLock { $0.most } == 2)
    }

    @Test func `come of bytes, counted by a weigher`() {
        let cache = Cache<Int, [Int: String]>(
            "documents", maxsize: nil, maxbytes: 2000, weigher: { _, _ in 700 }, fetch: nil)
        for number in 0..<5 { cache.insert([number: "x"], for: number) }
        #expect(cache.count == 2)
    }

    @Test func `come of bytes that data has`() {
        let cache = Cache<Int, Data>("blobs", maxsize: nil, maxbytes: 1_000_000)
        for number in 0..<50 { cache.insert(Data(count: 300_000), for: number) }
        #expect(cache.count == 3)
        #expect(cache.snapshot().bytes > 900_000)
    }

    @Test func `by bytes are refused where no size is known`() {
        struct Opaque: Sendable { var text: String }
        let cache = Cache<Int, Opaque>("opaque")
        #expect(throws: CacheError.self) { try cache.update { $0.maxbytes = 1000 } }
    }

    @Test func `come before their time where entries are refreshed`() async throws {
        let cache = Cache<String, Account>(
            "accounts", ttl: .seconds(100), refresh: Refresh(window: { _ in .seconds(20) }),
            clock: clock.ageClock
        ) { [table] in try await table.account($0) }
        _ = try await cache.value(for: "1")
        clock.advance(by: .seconds(90))
        _ = try await cache.value(for: "1")
        while table.reads < 2 { await Task.yield() }
        #expect(cache.count == 1)
    }
}
