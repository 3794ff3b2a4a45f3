import Synchronization

extension Cache {
    /// What happens from now on, one event after the other, until the task is cancelled.
    ///
    /// ```swift
    /// for await event in accounts.events { log("\(event.kind)") }
    /// ```
    ///
    /// A reader that is too slow misses events that were overwritten. It can tell, since numbers
    /// run from 1 without a gap. Where the feed holds 0 events there is nothing to read.
    public var events: Events { Events(cache: self, after: lastEvent) }

    /// See ``Cache/events-swift.property``. Holds the cache.
    public struct Events: AsyncSequence, Sendable {
        let cache: Cache
        let after: UInt64

        init(cache: Cache, after number: UInt64) { (self.cache, after) = (cache, number) }

        /// Starts after the event that was the latest when the sequence was asked for.
        public func makeAsyncIterator() -> Iterator { Iterator(cache: cache, last: after) }

        /// Holds the cache, and up to 256 events that were read together.
        public struct Iterator: AsyncIteratorProtocol {
            let cache: Cache
            var last: UInt64
            /// Read and not yet handed out, the latest first.
            private var read: [CacheEvent<Key>] = []

            init(cache: Cache, last: UInt64) { (self.cache, self.last) = (cache, last) }

            /// The next event, as soon as there is one; `nil` once the task is cancelled.
            public mutating func next() async -> CacheEvent<Key>? {
                if Task.isCancelled { return nil }
                while read.isEmpty {
                    if Task.isCancelled { return nil }
                    let page = cache.events(after: last, limit: 256)
                    if page.events.isEmpty {
                        last = Swift.max(last, page.last)
                        await cache.happened(since: last)
                    }
                    read = page.events.reversed()
                }
                guard let event = read.popLast() else { return nil }
                last = event.number
                return event
            }
        }
    }

    /// Returns once something has happened after an event, or the task is cancelled.
    private func happened(since last: UInt64) async {
        let id = followers.newID()
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                followers.add(id, continuation)
                // It may have happened before there was a follower to wake.
                if lastEvent > last || Task.isCancelled { followers.wake(id) }
            }
        } onCancel: {
            followers.wake(id)
        }
    }
}

/// Those who wait for the next event of a cache.
final class Followers: Sendable {
    private let waiting = Guarded<[UInt64: UnsafeContinuation<Void, Never>]>([:])
    /// How many; what writes asks this first, since mostly nobody waits. Set under the lock.
    private let count = Atomic(0)
    private let last = Atomic<UInt64>(0)

    func newID() -> UInt64 { last.wrappingAdd(1, ordering: .relaxed).newValue }

    func add(_ id: UInt64, _ continuation: UnsafeContinuation<Void, Never>) {
        waiting.withLock { waiting in
            waiting[id] = continuation
            count.store(waiting.count, ordering: .sequentiallyConsistent)
        }
    }

    func wake(_ id: UInt64) {
        let one = waiting.withLock { waiting in
            let one = waiting.removeValue(forKey: id)
            count.store(waiting.count, ordering: .sequentiallyConsistent)
            return one
        }
        one?.resume()
    }

    /// Wakes all of them, after a change.
    func wake() {
        guard count.load(ordering: .sequentiallyConsistent) > 0 else { return }
        let all = waiting.withLock { waiting in
            defer { waiting = [:] }
            count.store(0, ordering: .sequentiallyConsistent)
            return waiting
        }
        for one in all.values { one.resume() }
    }
}
