import Larder

extension Verification {
    /// Whether callers are told what the origin would say.
    public enum Verdict: String, Hashable, Sendable, Codable, CaseIterable {
        /// Callers are told the same as the origin says; or something else.
        case agrees, differs
        /// The origin could not be asked.
        case unknown
        /// Nobody holds it, and no failure of it is remembered: there is nothing to compare.
        case notHeld
        /// The origin answers, and makes another value each time.
        case notCompared

        /// For people.
        public var words: String {
            switch self {
            case .agrees, .differs, .unknown: rawValue
            case .notHeld: "not held"
            case .notCompared: "not compared"
            }
        }
    }

    /// What came of the comparison.
    public var verdict: Verdict {
        if let agrees { return agrees ? .agrees : .differs }
        if failure != nil, !isAbsent { return .unknown }
        return held == nil ? .notHeld : .notCompared
    }
}

/// A value that its origin makes anew at each fetch, such as the session of a role: two of them are
/// never the same, and to compare them says nothing.
public protocol MintedAnew {
    /// What is made anew, in a word that goes with "a new": `session`.
    static var minted: String { get }
}

extension EntryRow {
    /// Whether it says that the origin has no such thing.
    public var isRefusal: Bool { !isHeld && refresh?.trouble?.kind == .absent }
}
