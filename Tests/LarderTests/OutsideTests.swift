import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// What is handed over to a cache, and what it asks values for, runs with no lock held: each of
/// these calls the cache, and would wait for ever under one.
@Suite struct OutsideTests {
    /// What is called back, once there is a cache to call.
    private final class Callback: Sendable {
        private let work = Guarded<(@Sendable () -> Void)?>(nil)
        private let calls = Atomic(0)

        func set(_ work: @escaping @Sendable () -> Void) { self.work.withLock { $0 = work } }

        func call() {
            let work = work.withLock { $0 }
            calls.add(1, ordering: .relaxed)
            work?()
        }

        var count: Int { calls.load(ordering: .relaxed) }
    }

    private struct Nosy: Sendable, Expiring, ByteSized {
        let callback: Callback

        var expiry: AgeInstant? {
            callback.call()
            return nil
        }

        var heapBytes: Int {
            callback.call()
            return 8
        }
    }

    private struct NosyError: Error, CustomStringConvertible {
        let callback: Callback

        var description: String {
            callback.call()
            return "nosy"
        }
    }

    @Test func `lifetime, expiry and size call the cache`() async throws {
        let callback = Callback()
        let cache = Cache<Int, Nosy>(
            "nosy", maxsize: 4, ttl: .seconds(60),
            lifetime: { _, _ in
                callback.call()
                return .seconds(30)
            }, fetch: { _ in Nosy(callback: callback) })
        callback.set { [weak cache] in
            _ = cache?.cached(7)
            _ = cache?.snapshot()
        }
        cache.insert(Nosy(callback: callback), for: 1)
        _ = try await cache.value(for: 2)
        cache.insert(Nosy(callback: callback), for: 1)
        #expect(callback.count == 9)
    }

    @Test func `a refresh's own functions and an error's description call the cache`() async throws
    {
        let callback = Callback()
        let clock = TestClock()
        let fails = Atomic(false)
        let refresh = Refresh(
            window: { _ in
                callback.call()
                return .seconds(20)
            }, backoff: .seconds(1) ... .seconds(1),
            meaning: { _ in
                callback.call()
                return .passing
            })
        let cache = Cache<Int, Int>(
            "nosy", CacheConfiguration(maxsize: 4, ttl: .seconds(60)), refresh: refresh,
            clock: clock.neverWaking, shardBits: 0,
            fetch: { key in
                if fails.load(ordering: .relaxed) { throw NosyError(callback: callback) }
                return key
            })
        callback.set { [weak cache] in
            _ = cache?.peek(1)
            _ = cache?.cached(7)
            cache?.invalidate(8)
        }
        #expect(try await cache.value(for: 1) == 1)
        let before = callback.count
        clock.advance(by: .seconds(50))
        fails.store(true, ordering: .relaxed)
        #expect(try await cache.value(for: 1) == 1)
        #expect(callback.count > before)
        #expect(cache.troubles().map(\.trouble.reason) == ["nosy"])
    }

    @Test func `who is asked whether a value is bad calls the cache, and is asked again`() {
        let cache = Cache<Int, Int>("nosy", maxsize: 4, ttl: .seconds(60)) { $0 }
        cache.insert(1, for: 1)
        var asked: [Int] = []
        let isRejected = cache.reject(1) { value in
            asked.append(value)
            if value == 1 { cache.insert(2, for: 1) }
            return true
        }
        #expect(isRejected)
        #expect(asked == [1, 2])
        #expect(cache.cached(1) == nil)
    }

    @Test func `what a cache drops calls the cache as it goes`() {
        final class Last: Sendable {
            let work: @Sendable () -> Void
            init(_ work: @escaping @Sendable () -> Void) { self.work = work }
            deinit { work() }
        }
        let callback = Callback()
        let cache = Cache<Int, Last>("last", maxsize: 2, ttl: nil) { _ in Last {} }
        callback.set { [weak cache] in _ = cache?.snapshot() }
        for key in 0..<5 { cache.insert(Last { callback.call() }, for: key) }
        cache.insert(Last { callback.call() }, for: 4)
        cache.invalidate(4)
        cache.invalidateAll()
        #expect(callback.count == 6)
    }
}
