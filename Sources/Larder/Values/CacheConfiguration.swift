/// What bounds a cache: any bound may be absent (`nil`).
public struct CacheConfiguration: Hashable, Sendable, Codable {
    /// Most entries the cache may hold. 0 keeps nothing: every look-up fetches.
    public var maxsize: Int?
    /// Most bytes its entries may take. A larger one is handed out and not kept.
    public var maxbytes: Int?
    /// How long an entry may be served after it was written. 0 keeps nothing.
    public var ttl: Duration?
    /// The part of the ttl by which entries may live shorter, so that those written together do not
    /// end together: 0 to 1. It works in steps of an eighth.
    public var jitter: Double
    /// Who goes where there is no room.
    public var policy: Policy
    /// How long past its end a value may be served while fetches for it fail.
    public var staleIfError: Duration
    /// How long it is remembered that the origin has no such thing, where it says so.
    public var negativeTTL: Duration

    /// What is left out is as in a ``Cache`` that is made without it.
    public init(
        maxsize: Int? = 128, maxbytes: Int? = nil, ttl: Duration? = .seconds(600),
        jitter: Double = 0, policy: Policy = .lru, staleIfError: Duration = .zero,
        negativeTTL: Duration = .zero
    ) {
        self.staleIfError = staleIfError
        self.negativeTTL = negativeTTL
        self.maxsize = maxsize
        self.maxbytes = maxbytes
        self.ttl = ttl
        self.jitter = jitter
        self.policy = policy
    }

    /// - Throws: ``CacheError`` where a bound is negative or beyond what a cache can count.
    public func validate() throws(CacheError) {
        if let maxsize, maxsize < 0 {
            throw CacheError("maxsize \(maxsize) is negative; 0 or more is accepted")
        }
        if let maxsize, maxsize > CacheConfiguration.largestMaxsize {
            throw CacheError(
                "maxsize \(maxsize) is too large; up to \(CacheConfiguration.largestMaxsize) is accepted"
            )
        }
        if let maxbytes, maxbytes < 0 {
            throw CacheError("maxbytes \(maxbytes) is negative; 0 or more is accepted")
        }
        if let ttl, ttl < .zero {
            throw CacheError("ttl \(ttl) is negative; 0 s or more is accepted")
        }
        for (name, duration) in [("stale", staleIfError), ("negative", negativeTTL)]
        where duration < .zero {
            throw CacheError("\(name) \(duration) is negative; 0 s or more is accepted")
        }
        guard jitter.isFinite, (0...1).contains(jitter) else {
            throw CacheError("jitter \(jitter) is no part of the ttl; 0 to 1 is accepted")
        }
        if jitter > 0, ttl == nil {
            throw CacheError(
                "jitter \(jitter) needs a ttl that it can shorten; give a ttl, or a jitter of 0")
        }
    }

    /// A bound that is left out is absent, or has its usual value.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            maxsize: try values.decodeIfPresent(Int.self, forKey: .maxsize),
            maxbytes: try values.decodeIfPresent(Int.self, forKey: .maxbytes),
            ttl: try values.decodeIfPresent(Duration.self, forKey: .ttl),
            jitter: try values.decodeIfPresent(Double.self, forKey: .jitter) ?? 0,
            policy: try values.decodeIfPresent(Policy.self, forKey: .policy) ?? .lru,
            staleIfError: try values.decodeIfPresent(Duration.self, forKey: .staleIfError) ?? .zero,
            negativeTTL: try values.decodeIfPresent(Duration.self, forKey: .negativeTTL) ?? .zero)
    }

    /// By how much shorter, in nanoseconds, each class of entries lives than the one before.
    var jitterStep: Int64 {
        guard let ttl else { return 0 }
        return Int64(Double(ttl.nanoseconds) * jitter / Double(Record.jitterClasses))
    }

    /// Entries are addressed by numbers of a bounded width.
    public static let largestMaxsize = 1 << 27
}
