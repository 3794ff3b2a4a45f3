import Foundation
import Larder
import LarderTesting
import Synchronization
import Testing

struct Account: Sendable, Equatable {
    var number: String
    var name: String
}

/// A table that counts how often it is read.
final class Table: Sendable {
    private let state = Mutex((reads: 0, isDown: false))

    struct Down: Error {}

    var reads: Int { state.withLock { $0.reads } }

    func goDown() { state.withLock { $0.isDown = true } }

    func account(_ number: String) async throws -> Account {
        let isDown = state.withLock { state in
            state.reads += 1
            return state.isDown
        }
        if isDown { throw Down() }
        return Account(number: number, name: "Ann")
    }
}

/// Lets nobody through before it is opened.
final class Door: Sendable {
    private let state = Mutex((isOpen: false, waiting: [CheckedContinuation<Void, Never>]()))

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            defer { state = (true, []) }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

@Suite struct `A cache` {
    private let table = Table()

    @Test func `has a fetch behind its bounds`() async throws {
        let accounts = Cache<String, Account>(
            "accounts", maxsize: 64, ttl: .seconds(300)
        ) { [table] number in
            try await table.account(number)
        }
        let first = try await accounts.value(for: "1")
        #expect(first == Account(number: "1", name: "Ann"))
        #expect(try await accounts.value(for: "1") == first)
        #expect(table.reads == 1)
    }

    @Test func `has bounds of its own where nothing is said`() async throws {
        let squares = Cache<Int, Int>("squares") { $0 * $0 }
        #expect(try await squares.value(for: 4) == 16)
        #expect(squares.configuration.maxsize == 128)
        #expect(squares.configuration.ttl == .seconds(600))
    }

    @Test func `takes all bounds in one`() throws {
        var bounds = CacheConfiguration()
        bounds.maxsize = 2
        bounds.ttl = nil
        let cache = Cache<Int, String>("bounded", bounds)
        for number in 1...3 { cache.insert("\(number)", for: number) }
        #expect(cache.count == 2)
    }

    @Test func `is made without a fetch and handed one`() async throws {
        let cache = Cache<String, Account>("accounts", CacheConfiguration(maxsize: 8))
        let account = try await cache.value(for: "1") { [table] in
            try await table.account("1")
        }
        #expect(account.name == "Ann")
        #expect(try await cache.value(for: "1") == account)
        #expect(table.reads == 1)
    }

    @Test func `without a fetch says so`() async throws {
        let cache = Cache<String, Int>("bare")
        let error = await #expect(throws: CacheError.self) { try await cache.value(for: "a") }
        #expect(try #require(error).description.contains("value(for: key) { ... }"))
    }

    @Test func `has a count, keys and entries`() {
        let cache = Cache<String, Int>("numbers")
        cache.insert(1, for: "a")
        cache.insert(2, for: "b")
        #expect(cache.count == 2)
        #expect(Set(cache.keys) == ["a", "b"])
        var sum = 0
        for (_, value) in cache.entries { sum += value }
        #expect(sum == 3)
    }

    @Test func `tells what is held without a fetch`() async throws {
        let cache = Cache<String, Account>("accounts") { [table] in try await table.account($0) }
        #expect(cache.cached("1") == nil)
        _ = try await cache.value(for: "1")
        #expect(cache.cached("1")?.name == "Ann")
        #expect(cache.peek("1")?.facts.hits == 1)
        #expect(table.reads == 1)
    }

    @Test func `is emptied`() {
        let cache = Cache<Int, Int>("numbers")
        for number in 0..<10 { cache.insert(number, for: number) }
        #expect(cache.invalidateAll { key, _ in key.isMultiple(of: 2) } == 5)
        cache.removeAll()
        #expect(cache.count == 0)
    }

    @Test func `invalidates one key, several, and softly`() async throws {
        let cache = Cache<String, Account>("accounts") { [table] in try await table.account($0) }
        for key in ["1", "2", "3"] { _ = try await cache.value(for: key) }
        cache.invalidate("1")
        #expect(cache.invalidate(["2", "9"]) == 1)
        cache.invalidateSoftly("3")
        #expect(try await cache.value(for: "3").number == "3")
        #expect(cache.count == 1)
    }

    @Test func `is read anew at once`() async throws {
        let cache = Cache<String, Account>("accounts") { [table] in try await table.account($0) }
        _ = try await cache.value(for: "1")
        try await cache.refresh("1")
        #expect(table.reads == 2)
    }

    @Test func `writes only what is missing`() {
        let cache = Cache<String, Int>("numbers")
        #expect(cache.insertIfAbsent(1, for: "a") == nil)
        #expect(cache.insertIfAbsent(2, for: "a") == 1)
    }

    @Test func `computes a value from the one that is held`() {
        let cache = Cache<String, Int>("counts")
        for _ in 0..<3 { cache.compute("a") { ($0 ?? 0) + 1 } }
        #expect(cache.cached("a") == 3)
        cache.compute("a") { _ in nil }
        #expect(cache.count == 0)
    }

    @Test func `changes its bounds, also to no bound`() throws {
        let cache = Cache<Int, Int>("numbers", maxsize: 2)
        try cache.update {
            $0.maxsize = nil
            $0.ttl = .seconds(60)
        }
        for number in 0..<500 { cache.insert(number, for: number) }
        #expect(cache.count == 500)
        try cache.update { $0.maxsize = 10 }
        #expect(cache.count == 10)
    }

    @Test func `refuses bounds that come from outside and cannot be`() {
        let cache = Cache<Int, Int>("numbers")
        #expect(throws: CacheError.self) { try cache.update { $0.maxsize = -1 } }
        #expect(throws: CacheError.self) { try CacheConfiguration(jitter: 2).validate() }
        #expect(cache.configuration.maxsize == 128)
    }

    @Test func `fetches several keys in one call`() async throws {
        let calls = Mutex(0)
        let cache = Cache<Int, Int>("squares") { $0 * $0 }
        _ = try await cache.value(for: 1)
        let all = try await cache.values(for: [1, 2, 3]) { missing in
            calls.withLock { $0 += 1 }
            return Dictionary(uniqueKeysWithValues: missing.map { ($0, $0 * $0) })
        }
        #expect(all == [1: 1, 2: 4, 3: 9])
        #expect(calls.withLock { $0 } == 1)
    }

    @Test func `has callers of one key share a fetch`() async throws {
        let door = Door()
        let cache = Cache<String, Account>("accounts") { [table] number in
            await door.pass()
            return try await table.account(number)
        }
        try await withThrowingTaskGroup(of: Account.self) { group in
            for _ in 0..<50 { group.addTask { try await cache.value(for: "1") } }
            while cache.snapshot().counters.lookups < 50 { await Task.yield() }
            door.open()
            for try await account in group { #expect(account.number == "1") }
        }
        #expect(table.reads == 1)
    }

    @Test func `tells its events to whoever follows`() async throws {
        let cache = Cache<String, Int>("numbers")
        let events = cache.events
        cache.insert(1, for: "a")
        cache.invalidate("a")
        var kinds: [EventKind] = []
        for await event in events {
            kinds.append(event.kind)
            if kinds.count == 2 { break }
        }
        #expect(kinds.count == 2)
    }

    @Test func `tells who left and why`() {
        let left = Mutex<[String]>([])
        let cache = Cache<String, Int>(
            "numbers", maxsize: 1,
            onRemoval: { entry in left.withLock { $0.append("\(entry.key) \(entry.cause)") } },
            fetch: nil)
        cache.insert(1, for: "a")
        cache.insert(2, for: "b")
        #expect(left.withLock { $0 } == ["a evicted"])
    }

    @Test func `counts what it did`() async throws {
        let cache = Cache<Int, Int>("squares") { $0 * $0 }
        for _ in 0..<4 { _ = try await cache.value(for: 2) }
        let counters = cache.snapshot().counters
        #expect(counters.hits == 3 && counters.misses == 1)
        #expect(counters.hitRatio == 0.75)
    }
}
