import Foundation
import Larder
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// A value whose end and size a test chooses.
struct Loaf: Hashable, Sendable, Expiring, ByteSized {
    var number: Int
    var expiry: AgeInstant?
    var heapBytes = 0
}

struct Refused: Error, Hashable {
    var number = 0
}

/// An origin whose answers are given by hand, fetch by fetch, in any order.
final class Origin<Key: Sendable, Value: Sendable>: Sendable {
    private let state = Guarded(State())
    /// One that does not heed cancellation goes on until it is answered.
    private let heedsCancellation: Bool

    private struct State {
        var asked: [Key] = []
        var waiting: [Int: CheckedContinuation<Value, any Error>] = [:]
        /// Answers to fetches that have not asked yet.
        var early: [Int: Result<Value, any Error>] = [:]
        var cancelled = 0
    }

    init(heedsCancellation: Bool = true) { self.heedsCancellation = heedsCancellation }

    @Sendable func fetch(_ key: Key) async throws -> Value {
        let number = Guarded(0)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let early: Result<Value, any Error>? = state.withLock { state in
                    state.asked.append(key)
                    let place = state.asked.count
                    number.withLock { $0 = place }
                    if let answer = state.early.removeValue(forKey: place) { return answer }
                    state.waiting[place] = continuation
                    return nil
                }
                if let early { continuation.resume(with: early) }
                if Task.isCancelled { cancel(number.withLock { $0 }) }
            }
        } onCancel: {
            state.withLock { $0.cancelled += 1 }
            cancel(number.withLock { $0 })
        }
    }

    private func cancel(_ number: Int) {
        if heedsCancellation && number > 0 { answer(number, .failure(CancellationError())) }
    }

    /// Answers the fetch that was the `number`th to ask, or that will be: a look-up is counted
    /// before its fetch asks.
    func answer(_ number: Int, _ result: Result<Value, any Error>) {
        let waiting = state.withLock { state in
            if number > state.asked.count { state.early[number] = result }
            return state.waiting.removeValue(forKey: number)
        }
        waiting?.resume(with: result)
    }

    func answer(_ number: Int, _ value: Value) { answer(number, .success(value)) }

    /// The keys asked for so far, in order.
    var asked: [Key] { state.withLock { $0.asked } }
    /// How many fetches were cancelled while they ran.
    var cancelled: Int { state.withLock { $0.cancelled } }

    /// Waits until so many fetches have begun.
    func isAsked(_ times: Int) async -> Bool { await settles { asked.count >= times } }

    /// Waits until so many fetches were cancelled.
    func isCancelled(_ times: Int) async -> Bool { await settles { cancelled >= times } }
}

extension Cache {
    /// Waits until the cache counts so many look-ups.
    func isAsked(_ lookups: UInt64) async -> Bool {
        await settles { snapshot().counters.lookups >= lookups }
    }

    /// How many wait for the fetch of `key`; `nil` where there is none.
    func waiters(of key: Key) -> Int? {
        store.withLock { $0.flight(of: key, shards.hash(key))?.waiters.count }
    }

    /// The keys of live entries, the next victim first.
    var order: [Key] {
        var none = configuration
        none.maxsize = 0
        return victims(of: none).map(\.key)
    }

    var held: Set<Key> {
        var keys: Set<Key> = []
        survey { key, _ in keys.insert(key) }
        return keys
    }

    /// What has left so far, and why.
    var removals: [Removal<Key>] {
        events(after: 0).events.compactMap { event in
            guard case .removed(let cause, _, _, _) = event.kind else { return nil }
            return Removal(key: event.key!, cause: cause)
        }
    }
}

struct Removal<Key: Hashable & Sendable>: Hashable {
    var key: Key
    var cause: RemovalCause

    init(key: Key, cause: RemovalCause) {
        self.key = key
        self.cause = cause
    }

    init(_ key: Key, _ cause: RemovalCause) { self.init(key: key, cause: cause) }
}

extension CacheCounters {
    init(
        hits: UInt64 = 0, misses: UInt64 = 0, coalesced: UInt64 = 0, fetchFailures: UInt64 = 0,
        evicted: UInt64 = 0, expired: UInt64 = 0, invalidated: UInt64 = 0, replaced: UInt64 = 0,
        unused: UInt64 = 0
    ) {
        self.init()
        self.hits = hits
        self.misses = misses
        self.coalesced = coalesced
        self.fetchFailures = fetchFailures
        failures.broken = fetchFailures
        self.evicted = evicted
        self.expired = expired
        self.invalidated = invalidated
        self.replaced = replaced
        self.unused = unused
    }
}

extension EvictionPolicy {
    /// The victim, asked for until there is an answer.
    func next() -> UInt32 {
        while true { if let slot = victim() { return slot } }
    }

    /// The slots that `count` evictions from now on would free, in order, with nothing changed.
    ///
    /// - Parameter other: A new one of the same kind.
    func victims(_ count: Int, on other: any EvictionPolicy) -> [UInt32] {
        beginWalk(other)
        var seats: [Seat] = []
        repeat {
            seats.removeAll()
            walk(7, &seats)
            for seat in seats { other.seat(seat) }
        } while seats.count == 7
        return other.evict(count)
    }
}
