/// How entries are fetched anew before they end, and what becomes of fetches that fail.
///
/// An entry that nears its end passes two marks. From the first on (`window` before the end) one
/// caller fetches it anew while the others are served the one held; from the second on
/// (`mandatory` before the end) everyone waits for that fetch. A renewal that fails leaves the
/// entry where it is, to be served to its end, and the next try waits for the `backoff`.
///
/// How long a value may be served *past* its end while fetches fail, and how long the origin's "no
/// such thing" is remembered, are bounds that an operator may change:
/// ``Configuration/staleIfError`` and ``Configuration/negativeTTL``.
public struct Renewal: Sendable {
    /// How long before its end a value is fetched anew, from how long it lives in all.
    public var window: @Sendable (_ life: Duration) -> Duration
    /// How long before the end all callers wait for the fetch; never more than the window.
    public var mandatory: Duration
    /// After a failed renewal the next is not tried for a time drawn from here.
    public var backoff: ClosedRange<Duration>
    /// How long a passing failure is told to everyone where nothing is held; `nil` for every
    /// look-up to try for itself.
    public var pause: ClosedRange<Duration>?
    /// What a failed fetch means.
    public var meaning: @Sendable (any Error) -> Failure

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

    public init(
        window: @escaping @Sendable (_ life: Duration) -> Duration = { _ in .zero },
        mandatory: Duration = .zero,
        backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(5),
        pause: ClosedRange<Duration>? = nil,
        meaning: @escaping @Sendable (any Error) -> Failure = { _ in .passing }
    ) {
        self.window = window
        self.mandatory = mandatory
        self.backoff = backoff
        self.pause = pause
        self.meaning = meaning
    }

    func meaning(of error: any Error) -> Failure { error is Absent ? .absent : meaning(error) }

    /// The instant from which on an entry is fetched anew.
    func start(writtenAt: Int64, end: Int64) -> Int64 {
        guard end != .max else { return .max }
        let ahead = window(.nanoseconds(end &- writtenAt)).nanoseconds
        return ahead > 0 ? max(writtenAt, end &- min(ahead, end &- writtenAt)) : end
    }

    /// The two marks of an entry; `nil` where it has no end.
    func marks(_ facts: EntryFacts) -> (start: Instant, mandatory: Instant)? {
        let (writtenAt, end) = (facts.writtenAt.nanoseconds, facts.deadline.nanoseconds)
        guard end != .max else { return nil }
        return (
            Instant(nanoseconds: start(writtenAt: writtenAt, end: end)),
            Instant(nanoseconds: mandatoryStart(writtenAt: writtenAt, end: end))
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

/// A fetch that failed and is remembered, as people see it.
public struct Trouble: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// A fetch failed; what is held, if anything, is served.
        case failed
        /// The origin refused.
        case refused
        /// The origin has no such thing.
        case absent
    }

    public var kind: Kind
    /// What the last fetch threw, in its own words.
    public var reason: String
    /// When the first of the fetches failed that have failed in a row.
    public var since: Instant
    /// When the next fetch may be tried.
    public var until: Instant
    /// Fetches that failed in a row.
    public var failures: Int

    public init(
        kind: Kind, reason: String, since: Instant, until: Instant, failures: Int
    ) {
        self.kind = kind
        self.reason = reason
        self.since = since
        self.until = until
        self.failures = failures
    }
}

/// The keys whose last fetch failed, as long as that matters.
struct Troubles<Key: Hashable & Sendable>: Sendable {
    struct Known: Sendable {
        var trouble: Trouble
        var error: any Error
    }

    private var known: [Key: Known] = [:]
    /// The soonest that one may be forgotten.
    private(set) var nextEnd = Instant.distantFuture

    /// What is beyond this many is not remembered.
    static var bound: Int { 4096 }
    /// A key is remembered for so long after its next try was due, to count failures in a row.
    static var afterlife: Duration { .seconds(60) }

    var isEmpty: Bool { known.isEmpty }

    subscript(key: Key) -> Known? { known.isEmpty ? nil : known[key] }

    mutating func add(
        _ key: Key, _ kind: Trouble.Kind, _ error: any Error, until: Instant, at now: Instant
    ) {
        let before = known[key]?.trouble
        if before == nil, known.count >= Self.bound {
            purge(at: now)
            guard known.count < Self.bound else { return }
        }
        let trouble = Trouble(
            kind: kind, reason: "\(error)", since: before?.since ?? now, until: until,
            failures: (before?.failures ?? 0) + 1)
        known[key] = Known(trouble: trouble, error: error)
        nextEnd = min(nextEnd, until + Self.afterlife)
    }

    @discardableResult
    mutating func forget(_ key: Key) -> Trouble? {
        known.isEmpty ? nil : known.removeValue(forKey: key)?.trouble
    }

    mutating func forgetAll() { known.removeAll() }

    mutating func purge(at now: Instant) {
        guard nextEnd <= now else { return }
        known = known.filter { $0.value.trouble.until + Self.afterlife > now }
        nextEnd = known.values.map { $0.trouble.until + Self.afterlife }.min() ?? .distantFuture
    }

    /// Those whose next try is still to come.
    func all(at now: Instant) -> [(key: Key, trouble: Trouble)] {
        known.compactMap { key, known in
            known.trouble.until > now ? (key, known.trouble) : nil
        }
    }
}

/// How far the renewal of a key is.
public struct RenewalFacts: Hashable, Sendable, Codable {
    /// A fetch for it is under way.
    public var isFetching = false
    /// How many wait for that.
    public var waiters = 0
    /// Why the last fetch failed, as long as that is remembered.
    public var trouble: Trouble?
    /// From when on its entry is fetched anew; `nil` where only its end decides.
    public var start: Instant?
    /// From when on everyone waits for that.
    public var mandatory: Instant?

    public init() {}
}
