/// How far the refresh of a key has come.
public struct RefreshFacts: Hashable, Sendable, Codable {
    /// A fetch for it is under way.
    public var isFetching = false
    /// How many wait for that.
    public var waiters = 0
    /// Why the last fetch failed. It is told until the next try is due, and for a minute more where
    /// something is held.
    public var trouble: Trouble?
    /// From when on its entry is refreshed; `nil` where only its end decides.
    public var start: AgeInstant?
    /// From when on everyone waits for that.
    public var mandatory: AgeInstant?

    /// Nothing under way, and nothing remembered.
    public init() {}
}
