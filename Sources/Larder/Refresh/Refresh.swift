/// How entries are refreshed before they end, and what becomes of fetches that fail.
///
/// An entry that nears its end passes two marks. From the first on (`window` before the end) one
/// caller refreshes it while the others are served the one held; from the second on (`mandatory`
/// before the end) everyone waits for that fetch. A refresh that fails leaves the entry where it
/// is, to be served to its end, and the next try waits for the `backoff`.
///
/// How long a value may be served *past* its end while fetches fail, and how long the origin's "no
/// such thing" is remembered, are bounds that an operator may change:
/// ``CacheConfiguration/staleIfError`` and ``CacheConfiguration/negativeTTL``.
public struct Refresh: Sendable {
    /// How long before its end a value is refreshed, by how long it lives in all.
    public var window: @Sendable (_ life: Duration) -> Duration
    /// How long before the end all callers wait for the fetch; never more than the window.
    public var mandatory: Duration
    /// After a failed refresh the next try waits for a time drawn from here.
    public var backoff: ClosedRange<Duration>
    /// How long a passing failure is told to everyone where nothing is held; `nil` for every
    /// look-up to try for itself.
    public var pause: ClosedRange<Duration>?
    /// What a failed fetch means.
    public var meaning: @Sendable (any Error) -> Failure
    /// What is shown of a failed fetch to those who look at the cache; see ``usualWords(_:)``.
    public var words: @Sendable (any Error) -> String

    /// What a failed fetch means for the look-ups to come.
    public enum Failure: Hashable, Sendable {
        /// It may be over soon: what is held is served as long as it is good.
        case passing
        /// No try will do better until something changes: everyone is told, and it is not tried
        /// again for a time drawn from here, even where something is held.
        case refused(ClosedRange<Duration>)
        /// The origin answered that there is no such thing, which is worth remembering.
        case absent
    }

    /// What is left out is as in a cache without a refresh: no fetch comes before the end, every
    /// failure but ``NoSuchValue`` is passing, and each look-up of what is not held tries for
    /// itself.
    public init(
        window: @escaping @Sendable (_ life: Duration) -> Duration = { _ in .zero },
        mandatory: Duration = .zero,
        backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(5),
        pause: ClosedRange<Duration>? = nil,
        meaning: @escaping @Sendable (any Error) -> Failure = { _ in .passing },
        words: @escaping @Sendable (any Error) -> String = Refresh.usualWords
    ) {
        self.window = window
        self.mandatory = mandatory
        self.backoff = backoff
        self.pause = pause
        self.meaning = meaning
        self.words = words
    }

    /// An error's own description, where its type gives one; otherwise its type and, of an enum, the
    /// case. What else the error holds may be somebody's data, and is not shown.
    public static func usualWords(_ error: any Error) -> String {
        if error is any CustomStringConvertible { return "\(error)" }
        let type = String(describing: type(of: error as Any))
        let mirror = Mirror(reflecting: error)
        guard mirror.displayStyle == .enum else { return type }
        return "\(type).\(mirror.children.first?.label ?? "\(error)")"
    }

    func meaning(of error: any Error) -> Failure {
        error is NoSuchValue ? .absent : meaning(error)
    }

    /// The instant from which on an entry is refreshed.
    func start(writtenAt: Int64, end: Int64) -> Int64 {
        guard end != .max else { return .max }
        let ahead = window(.nanoseconds(end &- writtenAt)).nanoseconds
        return ahead > 0 ? max(writtenAt, end &- min(ahead, end &- writtenAt)) : end
    }

    /// The two marks of an entry; `nil` where it has no end.
    func marks(_ facts: EntryFacts) -> (start: AgeInstant, mandatory: AgeInstant)? {
        let (writtenAt, end) = (facts.writtenAt.nanoseconds, facts.deadline.nanoseconds)
        guard end != .max else { return nil }
        return (
            AgeInstant(nanoseconds: start(writtenAt: writtenAt, end: end)),
            AgeInstant(nanoseconds: mandatoryStart(writtenAt: writtenAt, end: end))
        )
    }

    /// The instant from which on everyone waits.
    func mandatoryStart(writtenAt: Int64, end: Int64) -> Int64 {
        end == .max
            ? .max
            : max(start(writtenAt: writtenAt, end: end), end &- max(0, mandatory.nanoseconds))
    }
}

extension Duration {
    /// A duration drawn from a range, to the nanosecond.
    static func random(in range: ClosedRange<Duration>) -> Duration {
        .nanoseconds(Int64.random(in: range.lowerBound.nanoseconds...range.upperBound.nanoseconds))
    }
}
