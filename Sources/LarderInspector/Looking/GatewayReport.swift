/// What came of the requests that an engine's gateway was sent, since the engine started.
public struct GatewayReport: Hashable, Sendable, Codable {
    /// Requests without a signature are answered too, and those with keys that nobody knows.
    public var acceptsUnsigned: Bool
    /// Each table with each identity that asked for it, those that asked most first.
    public var askers: [Asker]

    /// Nobody has asked where no one is named.
    public init(acceptsUnsigned: Bool, askers: [Asker] = []) {
        self.acceptsUnsigned = acceptsUnsigned
        self.askers = askers
    }

    /// A process as the kernel knows it.
    public struct Process: Hashable, Sendable, Codable {
        /// Its number.
        public var pid: Int32
        /// Its name, at most 15 bytes of it; empty where it is gone.
        public var name: String

        /// `Process(pid: 4242, name: "python3")`.
        public init(pid: Int32, name: String) { (self.pid, self.name) = (pid, name) }

        /// `python3 (pid 4242)`, or the number alone of one that was gone before it was looked for.
        package var words: String { name.isEmpty ? "pid \(pid)" : "\(name) (pid \(pid))" }
    }

    /// One identity's requests for one table.
    public struct Asker: Hashable, Sendable, Codable {
        /// `nil` where a request names several tables, or what is not known to be one.
        public var table: String?
        /// Whose permission was used; `nil` where it was not found out.
        public var identity: String?
        /// Answered from an entry in its life.
        public var hits: UInt64
        /// Answered by what was being fetched for another.
        public var joined: UInt64
        /// Fetched for the request itself.
        public var misses: UInt64
        /// Answered from an entry past its end.
        public var stale: UInt64
        /// Sent on as they came.
        public var passed: UInt64
        /// Refused by the gateway itself, or not answered by the service.
        public var refused: UInt64
        /// Seconds that those answered without a fetch would have taken; `nil` where nothing was
        /// fetched to tell by.
        public var savedSeconds: Double?
        /// The capacity units that they would have taken, likewise.
        public var savedCapacity: Double?
        /// What those would have cost, in US dollars.
        public var savedDollars: Double?
        /// The programs that asked, as they call themselves, the latest first.
        public var agents: [String]
        /// The processes that asked, the latest first; `nil` where the kernel tells of none: of this
        /// machine's, and of the engine's own user, while they are connected.
        public var processes: [Process]?

        /// What has no parameter is set afterwards.
        public init(table: String?, identity: String?) {
            (self.table, self.identity) = (table, identity)
            (hits, joined, misses, stale, passed, refused) = (0, 0, 0, 0, 0, 0)
            agents = []
        }

        /// All that were sent.
        public var requests: UInt64 { hits + joined + misses + stale + passed + refused }
        /// Reads that the service was not asked for.
        public var savedCalls: UInt64 { hits + joined + stale }
    }
}
