import Larder

extension Verification {
    /// Whether callers are told what the origin would say.
    public enum Verdict: String, Hashable, Sendable, Codable, CaseIterable {
        case agrees, differs
        /// The origin could not be asked, or there is nothing to compare with it.
        case unknown
    }

    public var verdict: Verdict { agrees.map { $0 ? .agrees : .differs } ?? .unknown }
}

extension Row {
    /// Whether it says that the origin has no such thing.
    public var isRefusal: Bool { !isHeld && renewal?.trouble?.kind == .absent }
}
