/// A fetch that failed and is remembered, as people see it.
public struct Trouble: Hashable, Sendable, Codable {
    /// What a failure means for the look-ups until ``Trouble/until``.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// A fetch failed; what is held, if anything, is served.
        case failed
        /// Every look-up is told, and nothing is fetched: the origin refused, or nothing is held
        /// and fetches pause after a passing failure (``Refresh/pause``).
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

    /// What the last failure means for the look-ups to come.
    public var kind: Kind
    /// What kind of failure the last was.
    public var failure: FailureKind
    /// What the last fetch threw, as ``Refresh/words`` has it.
    public var reason: String
    /// When the first of the fetches failed that have failed in a row.
    public var since: AgeInstant
    /// When the last of them failed.
    public var last: AgeInstant
    /// When the next fetch may be tried.
    public var until: AgeInstant
    /// Fetches that failed in a row.
    public var failures: Int
    /// Look-ups that were answered with the failure instead of a fetch.
    public var refusals: UInt64 = 0
    /// When the last of those look-ups was; `nil` before the first.
    public var lastRefusal: AgeInstant?

    /// Where `failure` is left out it is as `kind` says, and where `last` is left out there was one
    /// failure.
    public init(
        kind: Kind, failure: FailureKind? = nil, reason: String, since: AgeInstant,
        last: AgeInstant? = nil, until: AgeInstant, failures: Int
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
