public import Larder

/// How a plan is applied: at once and for good where nothing is said.
public struct PlanApplication: Hashable, Sendable, Codable {
    /// Over how long the removals are spread, so that the origin is not asked for all at once.
    public var spread: Duration?
    /// After how long bounds go back to what they were.
    public var lasting: Duration?
    /// The names of the protected caches concerned, with commas between them.
    public var confirmation: String?

    /// At once, for good and without a confirmation, where nothing else is said.
    public init(
        spread: Duration? = nil, lasting: Duration? = nil, confirmation: String? = nil
    ) {
        self.spread = spread
        self.lasting = lasting
        self.confirmation = confirmation
    }
}

/// How far the application of a plan has come.
public struct PlanProgress: Hashable, Sendable, Codable {
    /// Where an application stands.
    public enum State: Hashable, Sendable {
        /// Not all is done yet; all is; it was stopped before that; it was taken back.
        case underWay, done, cancelled, undone
        /// A step failed, or what was to be taken back was not: why, in a sentence.
        case failed(String)
    }

    /// Where it stands.
    public var state: State
    /// The share that is done, 0...1.
    public var share: Double
    /// What was done so far.
    public var outcome: Outcome
    /// When bounds go back to what they were.
    public var goesBack: AgeInstant?
}
