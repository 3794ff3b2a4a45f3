import FoundationEssentials
import Synchronization

/// By how much the services' clock is ahead of this machine's: requests are signed by theirs.
final class ClockSkew: Sendable {
    private let seconds = Mutex(0.0)

    /// Less is no reason for a refusal.
    static let bearable = 240.0

    /// The time by the services' clock.
    var now: Date { Date().addingTimeInterval(seconds.withLock { $0 }) }

    /// Takes a refusal's `Date`; returns whether the clock is another now, so that it is worth
    /// signing again.
    func learn(from date: Date?) -> Bool {
        guard let date else { return false }
        return seconds.withLock { seconds in
            let skew = date.timeIntervalSinceNow
            guard abs(skew - seconds) > Self.bearable else { return false }
            seconds = skew
            return true
        }
    }
}
