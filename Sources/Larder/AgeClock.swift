import Synchronization

/// The clock by which entries age.
///
/// An entry has to leave when either of the machine's clocks says so: a frozen container stops the
/// monotonic clock, a suspended machine or a corrected date moves only the wall clock. So the age
/// line advances with monotonic time and jumps by any forward step of (wall - monotonic) over
/// 50 ms; backward steps are ignored. Tests turn a clock of their own by hand.
public struct AgeClock: Sendable {
    /// Hits read the clock: the machine's own is called without a detour.
    @usableFromInline let isSystem: Bool
    @usableFromInline let reading: @Sendable () -> Instant
    /// Returns once about this much time has passed; throws only when cancelled.
    public let sleep: @Sendable (Duration) async throws -> Void

    public init(
        now: @escaping @Sendable () -> Instant,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        isSystem = false
        reading = now
        self.sleep = sleep
    }

    private init() {
        isSystem = true
        reading = { SystemAgeLine.shared.now() }
        sleep = { try await Task.sleep(for: $0, tolerance: .milliseconds(1)) }
    }

    /// The machine's own: two coarse kernel clocks (4 ms steps, a few nanoseconds a reading).
    public static let system = AgeClock()

    /// The present instant on the age line.
    @inlinable
    public func now() -> Instant { isSystem ? Self.systemNow() : reading() }

    @usableFromInline
    static func systemNow() -> Instant { SystemAgeLine.shared.now() }
}

/// Two clocks made one line; pure, so that steps and freezes can be tried without waiting.
struct AgeLine {
    /// Wall minus monotonic, as last acknowledged.
    private(set) var difference: Int64
    /// All forward steps so far.
    private(set) var jumped: Int64 = 0

    /// Drift and jitter up to this much is no step.
    static let tolerance: Int64 = 50_000_000

    init(monotonic: Int64, wall: Int64) { difference = wall - monotonic }

    mutating func now(monotonic: Int64, wall: Int64) -> Instant {
        let step = wall - monotonic - difference
        if abs(step) > Self.tolerance {
            jumped += max(step, 0)
            difference += step
        }
        return Instant(nanoseconds: monotonic + jumped)
    }
}

/// The process's one age line: two atomics for the many readings, a lock for the rare step.
private struct SystemAgeLine: ~Copyable, Sendable {
    static let shared = SystemAgeLine()

    private let line: Guarded<AgeLine>
    private let difference: Atomic<Int64>
    private let jumped = Atomic<Int64>(0)
    /// The last monotonic reading: until the kernel's next tick, neither clock has more to say.
    private let tick = Atomic<Int64>(0)

    init() {
        let line = AgeLine(monotonic: SystemClock.monotonic(), wall: SystemClock.wall())
        difference = Atomic(line.difference)
        self.line = Guarded(line)
    }

    func now() -> Instant {
        let monotonic = SystemClock.monotonic()
        if monotonic == tick.load(ordering: .acquiring) {
            return Instant(nanoseconds: monotonic + jumped.load(ordering: .relaxed))
        }
        let step = SystemClock.wall() - monotonic - difference.load(ordering: .acquiring)
        if abs(step) > AgeLine.tolerance { return acknowledgeStep() }
        tick.store(monotonic, ordering: .releasing)
        return Instant(nanoseconds: monotonic + jumped.load(ordering: .relaxed))
    }

    /// Being preempted between two readings looks like a step: here the wall clock is read between
    /// two monotonic readings, and the later one counts.
    private func acknowledgeStep() -> Instant {
        line.withLock { line in
            var monotonic: Int64
            var wall: Int64
            repeat {
                let before = SystemClock.monotonic()
                wall = SystemClock.wall()
                monotonic = SystemClock.monotonic()
                if monotonic - before < AgeLine.tolerance / 2 { break }
            } while true
            let now = line.now(monotonic: monotonic, wall: wall)
            jumped.store(line.jumped, ordering: .relaxed)
            difference.store(line.difference, ordering: .releasing)
            return now
        }
    }
}
