/// How long parts of a call may take.
public struct Deadlines: Hashable, Sendable {
    /// All attempts of a call together, with the pauses between them.
    public var call: Duration
    /// One attempt, from its start to the last byte of the reply: a reply that does not come leaves
    /// time for another attempt.
    public var attempt: Duration
    /// Whoever gives the credentials that a request is signed with. What that takes is not the
    /// service's time and counts for neither of the others.
    public var credentials: Duration

    /// What is left out is as usual: 10 s a call, 4 s an attempt, 2 min for the credentials.
    public init(
        call: Duration = .seconds(10), attempt: Duration = .seconds(4),
        credentials: Duration = .seconds(120)
    ) {
        self.call = call
        self.attempt = attempt
        self.credentials = credentials
    }
}
