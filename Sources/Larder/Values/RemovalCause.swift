/// Why an entry left its cache.
public enum RemovalCause: String, Hashable, Sendable, Codable, CaseIterable,
    CodingKeyRepresentable
{
    /// Its deadline came.
    case expired
    /// The cache was full and the policy named it.
    case evicted
    /// Someone asked for it to go.
    case invalidated
    /// A newer value came for its key, or the origin's answer that there is no such thing.
    case replaced
}
