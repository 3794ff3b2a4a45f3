#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension AgeClock {
    /// The instant at which a calendar date comes, as far as the machine's calendar is right now.
    /// A clock of one's own has no calendar: its instants count from 1970.
    ///
    /// ```swift
    /// Session(token: reply.token, expiry: clock.instant(of: reply.expiration))
    /// ```
    ///
    /// - Returns: Also for a date that has been; for one that no instant can be, the nearest one.
    public func instant(of date: Date) -> AgeInstant {
        let seconds = isSystem ? date.timeIntervalSinceNow : date.timeIntervalSince1970
        let begin = isSystem ? now().nanoseconds : 0
        guard seconds < 9e9 else { return .distantFuture }
        guard seconds > -9e9 else { return AgeInstant(nanoseconds: .min) }
        let (instant, overflow) = begin.addingReportingOverflow(Int64(seconds * 1e9))
        return overflow
            ? (seconds > 0 ? .distantFuture : AgeInstant(nanoseconds: .min))
            : AgeInstant(nanoseconds: instant)
    }
}
