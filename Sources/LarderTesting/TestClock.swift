#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif
public import Larder
import Synchronization

/// A clock that stands until a test turns it: what ages and ends does so at once and always alike.
///
/// ```swift
/// let clock = TestClock()
/// let cache = Cache<Int, Int>("numbers", ttl: .seconds(5), clock: clock.ageClock) { $0 }
/// _ = try await cache.value(for: 1)
/// clock.advance(by: .seconds(5))
/// #expect(cache.cached(1) == nil)
/// cache.expire()
/// #expect(cache.count == 0)
/// ```
///
/// What has ended is not served from that instant on. It leaves the cache, is counted and is told of
/// a moment later, when the sweeper has woken: `expire()` does that at once.
public final class TestClock: Sendable {
    private let state = Guarded(State())

    private struct State {
        var now = AgeInstant(nanoseconds: 1_000_000_000_000)
        /// What sleepers go by: a step of the wall clock wakes nobody.
        var running = Duration.zero
        var sleepers: [UInt64: Sleeper] = [:]
        var lastSleeper: UInt64 = 0
    }

    private struct Sleeper {
        let wake: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    /// A clock of its own, at an instant that means nothing.
    public init() {}

    /// The present instant.
    public var now: AgeInstant { state.withLock { $0.now } }

    /// The present instant by the calendar of ``ageClock``, which began in 1970.
    public var date: Date { Date(timeIntervalSince1970: Double(now.nanoseconds) / 1e9) }

    /// The clock as a cache takes it. Who sleeps by it wakes once it was turned far enough.
    public var ageClock: AgeClock {
        AgeClock(now: { self.now }, sleep: { try await self.sleep($0) })
    }

    /// The same clock, by which nobody who sleeps ever wakes: no sweeper runs, and what has ended
    /// leaves only by what the test does.
    public var neverWaking: AgeClock {
        let asleep = TestClock()
        return AgeClock(
            now: { self.now }, sleep: { _ in try await asleep.sleep(.seconds(1 << 40)) })
    }

    /// Lets time pass, and wakes those whose sleep is over.
    public func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.now = state.now + duration
            state.running += duration
            let due = state.sleepers.filter { $0.value.wake <= state.running }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Moves the age line alone, as a step of the wall clock does: nobody wakes for it.
    public func jump(by duration: Duration) {
        state.withLock { $0.now = $0.now + duration }
    }

    /// How long those asleep have still to sleep, the shortest first.
    public var sleepers: [Duration] {
        state.withLock { state in state.sleepers.values.map { $0.wake - state.running }.sorted() }
    }

    private func sleep(_ duration: Duration) async throws {
        let id = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if duration <= .zero { return .success(()) }
                    state.sleepers[id] = Sleeper(
                        wake: state.running + duration, continuation: continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
