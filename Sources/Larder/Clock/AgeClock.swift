import Synchronization

/// The clock by which entries age.
///
/// An entry has to leave when either of the machine's clocks says so: a frozen container stops the
/// monotonic clock, a suspended machine or a corrected date moves only the wall clock. So the age
/// line advances with monotonic time, by whatever the machine slept, and by any forward step of the
/// wall clock over 50 ms; backward steps are ignored.
///
/// A wall clock that is set back and corrected later ages nothing: a forward step that only undoes
/// steps back of the last 24 hours does not count, and of a larger one only the rest counts. After
/// that a step forward counts in full again, because it may be the only sign of a machine that
/// stood still; within the 24 hours such a sign is taken for the correction. What the machine slept
/// by its own account counts in either case.
///
/// A wall clock that is set forward by mistake ages entries by as much, since nothing tells that
/// from a machine that stood still; setting it right takes nothing back. A value's own end that was
/// reckoned by a wrong wall clock stays where it was put. Tests turn a clock of their own by hand.
public struct AgeClock: Sendable {
    /// Hits read the clock: the machine's own is called without a detour.
    @usableFromInline let isSystem: Bool
    @usableFromInline let reading: @Sendable () -> AgeInstant
    /// Returns once about this much time has passed; throws only when cancelled.
    public let sleep: @Sendable (Duration) async throws -> Void

    /// A clock of one's own, as tests turn it by hand.
    ///
    /// - Parameters:
    ///   - now: The present instant. It is asked for at every look-up, from any thread.
    ///   - sleep: Returns once about so much time has passed on this clock; throws only when
    ///     cancelled.
    public init(
        now: @escaping @Sendable () -> AgeInstant,
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
    public func now() -> AgeInstant { isSystem ? Self.systemNow() : reading() }

    /// Sleeps until an instant. A clock whose sleep returns before its own time has come is given a
    /// moment, so that whoever sleeps again and again does not spin.
    package func sleep(until wake: AgeInstant) async throws {
        try await sleep(max(wake - now(), .zero))
        if !isSystem, now() < wake { try await Task.sleep(for: .milliseconds(50)) }
    }

    @usableFromInline
    static func systemNow() -> AgeInstant { SystemAgeLine.shared.now() }
}

/// Three clocks made one line; pure, so that steps and freezes can be tried without waiting.
///
/// Monotonic time stands still while the machine sleeps, boot time does not: what lies between them
/// is sleep, whatever the wall clock says. A wall clock that moves otherwise was set, or is all that
/// tells of a machine that was frozen from outside (a snapshot restored, a paused guest).
struct AgeLine {
    /// Wall minus monotonic, as last acknowledged.
    private(set) var difference: Int64
    /// Boot time minus monotonic, as last acknowledged: what the machine has slept.
    private var asleep: Int64
    /// Steps forward and sleep so far, but for what undid a step back.
    private(set) var jumped: Int64 = 0
    /// Steps back that no step forward has undone yet, by the hour, the latest last.
    private var stepsBack: [(hour: Int64, size: Int64)] = []

    /// Drift and jitter up to this much do not count as a step.
    static let tolerance: Int64 = 50_000_000
    /// No freeze is longer than ten years; the line, of 292, lasts whatever clocks are set to.
    static let longestJump: Int64 = 3653 * 24 * hour
    private static let hour: Int64 = 3_600_000_000_000
    /// For how many hours a step back may be undone.
    private static let memory: Int64 = 24

    init(monotonic: Int64, boottime: Int64, wall: Int64) {
        difference = wall.less(monotonic)
        asleep = boottime.less(monotonic)
    }

    mutating func now(monotonic: Int64, boottime: Int64, wall: Int64) -> AgeInstant {
        let slept = self.slept(boottime.less(monotonic))
        difference = difference.plus(slept)
        jump(by: slept)
        let step = wall.less(monotonic).less(difference)
        if step.magnitude > Self.tolerance {
            difference = difference.plus(step)
            let hour = monotonic.plus(jumped) / Self.hour
            if step < 0 {
                remember(Int64(0).less(step), hour)
            } else {
                jump(by: rest(of: step, hour))
            }
        }
        return AgeInstant(nanoseconds: monotonic.plus(jumped))
    }

    /// How long the machine has slept since this was last asked.
    private mutating func slept(_ total: Int64) -> Int64 {
        let more = total.less(asleep)
        guard more.magnitude > Self.tolerance else { return 0 }
        asleep = total
        // Boot time that goes back is that of another machine, to which the process was moved.
        return max(more, 0)
    }

    private mutating func jump(by size: Int64) {
        jumped = jumped.plus(min(size, Self.longestJump))
    }

    private mutating func remember(_ size: Int64, _ hour: Int64) {
        if let last = stepsBack.last, last.hour == hour {
            stepsBack[stepsBack.count - 1].size = last.size.plus(size)
        } else {
            stepsBack.append((hour, size))
            stepsBack.removeAll { hour.less($0.hour) > Self.memory }
        }
    }

    /// What is left of a step forward once it has undone the steps back.
    private mutating func rest(of step: Int64, _ hour: Int64) -> Int64 {
        stepsBack.removeAll { hour.less($0.hour) > Self.memory }
        var rest = step
        while rest > 0, let last = stepsBack.popLast() {
            if last.size > rest { stepsBack.append((last.hour, last.size - rest)) }
            rest -= min(rest, last.size)
        }
        return rest
    }
}

extension Int64 {
    /// The sum, held at the ends of `Int64`: clocks may be set to any date.
    fileprivate func plus(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    fileprivate func less(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}

/// The process's one age line: two atomics for the many readings, a lock for the rare step.
///
/// Sleep moves the wall clock by as much, so boot time is read only where the wall clock has moved.
/// Where it was set back by just as much, to the 50 ms, sleep is seen with the next step.
private struct SystemAgeLine: ~Copyable, Sendable {
    static let shared = SystemAgeLine()

    private let line: Guarded<AgeLine>
    private let difference: Atomic<Int64>
    private let jumped = Atomic<Int64>(0)
    /// The last monotonic reading: until the kernel's next tick, neither clock has more to say.
    private let tick = Atomic<Int64>(0)

    init() {
        let (monotonic, boottime, wall) = Self.clocks()
        let line = AgeLine(monotonic: monotonic, boottime: boottime, wall: wall)
        difference = Atomic(line.difference)
        self.line = Guarded(line)
    }

    func now() -> AgeInstant {
        let monotonic = SystemClock.monotonic()
        if monotonic == tick.load(ordering: .acquiring) {
            return AgeInstant(nanoseconds: monotonic.plus(jumped.load(ordering: .relaxed)))
        }
        // Whoever set the clock may have set it to any year there is.
        let step = SystemClock.wall() &- monotonic &- difference.load(ordering: .acquiring)
        if step.magnitude > AgeLine.tolerance { return acknowledgeStep() }
        tick.store(monotonic, ordering: .releasing)
        return AgeInstant(nanoseconds: monotonic.plus(jumped.load(ordering: .relaxed)))
    }

    private func acknowledgeStep() -> AgeInstant {
        line.withLock { line in
            let (monotonic, boottime, wall) = Self.clocks()
            let now = line.now(monotonic: monotonic, boottime: boottime, wall: wall)
            jumped.store(line.jumped, ordering: .relaxed)
            difference.store(line.difference, ordering: .releasing)
            return now
        }
    }

    /// Being preempted between two readings looks like a step: here the other clocks are read
    /// between two monotonic readings, and the later one counts. The wall comes first: sleep between
    /// it and boot time seems a step back then, which the next reading undoes.
    private static func clocks() -> (monotonic: Int64, boottime: Int64, wall: Int64) {
        while true {
            let before = SystemClock.monotonic()
            let wall = SystemClock.wall()
            let boottime = SystemClock.boottime()
            let monotonic = SystemClock.monotonic()
            if monotonic - before < AgeLine.tolerance / 2 { return (monotonic, boottime, wall) }
        }
    }
}
