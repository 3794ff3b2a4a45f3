/// What kind of failure a fetch came to. Each kind calls for something else: an absent thing for
/// nothing at all, throttling for fewer calls, a refusal for a permission, silence for a look at
/// the network, and a broken fetch for a look at its reason.
public enum FailureKind: String, Hashable, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// The origin answered that there is no such thing.
    case absent
    /// It has been asked too often.
    case throttled
    /// It will not answer until something is changed: a permission, a key, a name.
    case refused
    /// No answer came in time, or the fetch was given up.
    case timedOut
    /// Anything else, and what an error does not tell.
    case broken

    /// As people read it.
    public var word: String { self == .timedOut ? "timed out" : rawValue }
}

/// An error of an origin that knows what kind of failure it is.
///
/// ```swift
/// extension TableError: KnownFailure {
///     var failureKind: FailureKind { self == .noSuchAccount ? .absent : .broken }
/// }
/// ```
/// The kind is counted and shown. ``Refresh/meaning`` says what the failure means for the look-ups
/// to come; where it says ``Refresh/Failure/absent``, the kind is absent too.
public protocol KnownFailure: Error {
    /// What kind of failure the error is. Asked at most once for a fetch that failed, with no lock
    /// held.
    var failureKind: FailureKind { get }
}

extension FailureKind {
    /// The kind of an error that means `meaning` for the look-ups to come.
    init(_ error: any Error, _ meaning: Refresh.Failure) {
        if meaning == .absent {
            self = .absent
        } else if let known = error as? any KnownFailure {
            self = known.failureKind
        } else if error is CancellationError {
            self = .timedOut
        } else if case .refused = meaning {
            self = .refused
        } else {
            self = .broken
        }
    }
}

/// How many failures there were of each kind.
public struct FailureCounts: Hashable, Sendable, Codable {
    /// Failures of kind ``FailureKind/absent``.
    public var absent: UInt64 = 0
    /// Failures of kind ``FailureKind/throttled``.
    public var throttled: UInt64 = 0
    /// Failures of kind ``FailureKind/refused``.
    public var refused: UInt64 = 0
    /// Failures of kind ``FailureKind/timedOut``.
    public var timedOut: UInt64 = 0
    /// Failures of kind ``FailureKind/broken``.
    public var broken: UInt64 = 0

    /// All counts 0.
    public init() {}

    /// The count of one kind.
    public subscript(kind: FailureKind) -> UInt64 {
        get { self[keyPath: Self.place(kind)] }
        set { self[keyPath: Self.place(kind)] = newValue }
    }

    /// Failures of all kinds together.
    public var total: UInt64 { FailureKind.allCases.reduce(0) { $0 + self[$1] } }

    private static func place(_ kind: FailureKind) -> WritableKeyPath<FailureCounts, UInt64> {
        switch kind {
        case .absent: \.absent
        case .throttled: \.throttled
        case .refused: \.refused
        case .timedOut: \.timedOut
        case .broken: \.broken
        }
    }
}

/// The latest failure of a kind.
public struct LastFailure: Hashable, Sendable, Codable {
    /// When the fetch failed.
    public var at: AgeInstant
    /// What the fetch threw, as ``Refresh/words`` has it.
    public var reason: String

    /// The reason is shown to those who look at the cache.
    public init(at: AgeInstant, reason: String) {
        self.at = at
        self.reason = reason
    }
}

/// The failures of the last minute, by the second: nothing is kept before the first.
struct LatelyFailed {
    private var seconds: [(second: Int64, counts: FailureCounts)] = []

    private static let length = 60

    mutating func add(_ kind: FailureKind, at now: AgeInstant) {
        if seconds.isEmpty {
            seconds = Array(repeating: (.min, FailureCounts()), count: Self.length)
        }
        let second = Self.second(now)
        let place = Int(second.magnitude % UInt64(Self.length))
        if seconds[place].second != second { seconds[place] = (second, FailureCounts()) }
        seconds[place].counts[kind] += 1
    }

    func counts(at now: AgeInstant) -> FailureCounts {
        var all = FailureCounts()
        let oldest = Self.second(now) - Int64(Self.length)
        for (second, counts) in seconds where second > oldest {
            for kind in FailureKind.allCases { all[kind] += counts[kind] }
        }
        return all
    }

    private static func second(_ now: AgeInstant) -> Int64 { now.nanoseconds / 1_000_000_000 }
}
