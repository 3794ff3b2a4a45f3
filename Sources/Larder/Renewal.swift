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

    public init(
        window: @escaping @Sendable (_ life: Duration) -> Duration = { _ in .zero },
        mandatory: Duration = .zero,
        backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(5),
        pause: ClosedRange<Duration>? = nil,
        meaning: @escaping @Sendable (any Error) -> Failure = { _ in .passing },
        words: @escaping @Sendable (any Error) -> String = Renewal.usualWords
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

        fileprivate var usual: FailureKind {
            switch self {
            case .failed: .broken
            case .refused: .refused
            case .absent: .absent
            }
        }
    }

    public var kind: Kind
    /// What kind of failure the last was.
    public var failure: FailureKind
    /// What the last fetch threw, in its own words.
    public var reason: String
    /// When the first of the fetches failed that have failed in a row.
    public var since: Instant
    /// When the last of them failed.
    public var last: Instant
    /// When the next fetch may be tried.
    public var until: Instant
    /// Fetches that failed in a row.
    public var failures: Int
    /// Look-ups that were answered with them instead of a fetch, and the last of those.
    public var refusals: UInt64 = 0
    public var lastRefusal: Instant?

    /// - Parameters:
    ///   - failure: What kind of failure it was; as `kind` says, where it is left out.
    ///   - last: Where it is left out there was one failure.
    public init(
        kind: Kind, failure: FailureKind? = nil, reason: String, since: Instant,
        last: Instant? = nil, until: Instant, failures: Int
    ) {
        self.failure = failure ?? kind.usual
        self.last = last ?? since
        self.kind = kind
        self.reason = reason
        self.since = since
        self.until = until
        self.failures = failures
    }
}

/// The keys whose last fetch failed, as long as that matters.
struct Troubles<Key: Hashable & Sendable>: ~Copyable {
    struct Known {
        var trouble: Trouble
        var error: any Error
        let hash: UInt64
        let era: UInt64
    }

    private var known = KeyTable<Key, Known>()
    /// The soonest that one may be forgotten.
    private(set) var nextEnd = Instant.distantFuture
    /// Where a search for what can be forgotten goes on, and what it found so far that cannot.
    private var search = (place: UInt32(0), nextEnd: Instant.distantFuture)

    /// What is remembered from an earlier era is forgotten, though it may still have its place.
    private var era: UInt64 = 0

    /// What is beyond this many is not remembered.
    static var bound: Int { 4096 }
    /// A key is remembered for so long after its next try was due, to count failures in a row.
    static var afterlife: Duration { .seconds(60) }
    /// Places that one call looks at.
    static var slice: UInt32 { 256 }

    var isEmpty: Bool { known.count == 0 }

    /// Failures are remembered in places that are numbered below this.
    var places: UInt32 { known.places }

    func find(_ key: Key, _ hash: UInt64) -> Known? {
        known.find(key, hash).flatMap { $0.era == era ? $0 : nil }
    }

    /// Remembers a failure. Returns the error that it takes the place of, to be dropped elsewhere.
    mutating func add(
        _ key: Key, _ hash: UInt64, _ kind: Trouble.Kind, _ failing: Failing, until: Instant,
        at now: Instant, _ dropped: inout [any Error]
    ) {
        let place = known.place(of: key, hash)
        if place == nil, known.count >= Self.bound {
            _ = purge(at: now, &dropped)
            return
        }
        let before = find(key, hash)?.trouble
        var trouble = Trouble(
            kind: kind, failure: failing.kind, reason: failing.reason,
            since: before?.since ?? now, last: now, until: until,
            failures: (before?.failures ?? 0) + 1)
        (trouble.refusals, trouble.lastRefusal) = (before?.refusals ?? 0, before?.lastRefusal)
        let new = Known(trouble: trouble, error: failing.error, hash: hash, era: era)
        if let place {
            dropped.append(known[place].error)
            known[place] = new
        } else {
            known.add(new, for: key, hash)
        }
        nextEnd = min(nextEnd, until + Self.afterlife)
        search.nextEnd = min(search.nextEnd, until + Self.afterlife)
    }

    /// A look-up is answered with a failure.
    func refuse(_ key: Key, _ hash: UInt64, at now: Instant) {
        guard let place = known.place(of: key, hash) else { return }
        known[place].trouble.refusals += 1
        known[place].trouble.lastRefusal = now
    }

    @discardableResult
    mutating func forget(
        _ key: Key, _ hash: UInt64, _ dropped: inout [any Error]
    ) -> Trouble? {
        guard let known = known.remove(key, hash) else { return nil }
        dropped.append(known.error)
        return known.era == era ? known.trouble : nil
    }

    mutating func forgetAll() {
        guard !isEmpty else { return }
        era += 1
        (nextEnd, search) = (Instant(nanoseconds: .min), (0, .distantFuture))
    }

    /// The failure in a place, where its next try is still to come.
    func entry(at place: UInt32, _ now: Instant) -> (key: Key, trouble: Trouble)? {
        guard let entry = known.entry(at: place), entry.element.era == era,
            entry.element.trouble.until > now
        else { return nil }
        return (entry.key, entry.element.trouble)
    }

    /// Forgets some of what matters no more; true where there may be more of it.
    mutating func purge(at now: Instant, _ dropped: inout [any Error]) -> Bool {
        guard nextEnd <= now else { return false }
        let end = min(search.place + Self.slice, places)
        for place in search.place..<max(search.place, end) {
            guard let entry = known.entry(at: place) else { continue }
            let until = entry.element.trouble.until + Self.afterlife
            if until <= now || entry.element.era < era {
                dropped.append(known.remove(at: place, entry.element.hash).error)
            } else {
                search.nextEnd = min(search.nextEnd, until)
            }
        }
        search.place = end
        guard end >= places else { return true }
        nextEnd = search.nextEnd
        search = (0, .distantFuture)
        return false
    }
}

/// A fetch that failed: what it threw, what that means, and how it is said.
struct Failing: Sendable {
    let error: any Error
    let meaning: Renewal.Failure
    let kind: FailureKind
    let reason: String

    /// Asks the error and the cache's own rules, which is nobody's to do under a lock.
    init(_ error: any Error, _ renewal: Renewal) {
        self.error = error
        meaning = renewal.meaning(of: error)
        kind = FailureKind(error, meaning)
        let text = renewal.words(error)
        reason = text.utf8.count <= Self.mostBytes ? text : text.prefix(Self.mostBytes / 4) + "…"
    }

    /// A longer reason is cut.
    private static let mostBytes = 4096
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
