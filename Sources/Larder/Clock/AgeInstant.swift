/// A moment on the age line, in nanoseconds from an arbitrary start.
///
/// Ages, deadlines and expiries are all compared on this one line. It advances with the machine's
/// monotonic clock and jumps by what the machine slept and by forward steps of the wall clock (see
/// ``AgeClock``), so it means nothing outside this process and this run.
public struct AgeInstant: Hashable, Comparable, Sendable {
    /// Since the arbitrary start of the line; negative before it.
    public var nanoseconds: Int64

    /// The instant so many nanoseconds after the start of the line.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Later than anything that happens: the deadline of an entry that has none.
    public static let distantFuture = AgeInstant(nanoseconds: .max)

    public static func < (a: AgeInstant, b: AgeInstant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The instant `duration` after this one; one too far away is ``distantFuture``.
    public static func + (instant: AgeInstant, duration: Duration) -> AgeInstant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return AgeInstant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// How long after `b` the instant `a` is, negative where it is before; held at the ends of
    /// `Int64` in nanoseconds (292 years).
    public static func - (a: AgeInstant, b: AgeInstant) -> Duration {
        let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
        return .nanoseconds(overflow ? (a < b ? .min : .max) : difference)
    }
}

extension Duration {
    /// The whole duration in nanoseconds, held at the ends of `Int64` (292 years).
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, beyond) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return beyond ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds.
    public var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
