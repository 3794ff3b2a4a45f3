package import Larder
package import LarderInspector

/// `--cache NAME:maxsize=64,ttl=300s,policy=lru`.
package struct CacheOption: Equatable, Sendable {
    package var name: String
    /// Each bound that was named; `nil` inside for none.
    package var maxsize: Int??
    package var maxbytes: Int??
    package var ttl: Duration??
    package var jitter: Double?
    package var policy: Policy?
    package var stale: Duration?
    package var negative: Duration?

    package static let names = ["accounts", "credentials"]
    /// What is said of it holds for every table behind a gateway.
    package static let allTables = "*"

    /// The name may be that of a table behind a gateway: whether there is one, is for the command to
    /// say.
    package init(parsing text: String) throws(UnitError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        let settings = parts.count > 1 ? KeyNotation.pieces(String(parts[1])) : []
        var named: Set<String> = []
        for setting in settings {
            let pair = setting.split(separator: "=", maxSplits: 1).map(String.init)
            guard named.insert(pair.first ?? "").inserted else {
                throw UnitError("\(pair[0]) is named twice in \"\(text)\"")
            }
            switch (pair.first, pair.count) {
            case ("maxsize", 2): maxsize = try Units.maxsize(pair[1])
            case ("ttl", 2): ttl = try Units.ttl(pair[1])
            case ("maxbytes", 2): maxbytes = try Units.maxbytes(pair[1])
            case ("jitter", 2): jitter = try Units.jitter(pair[1])
            case ("policy", 2): policy = try Units.policy(pair[1])
            case ("stale", 2): stale = try Units.reserve(pair[1])
            case ("negative", 2): negative = try Units.reserve(pair[1])
            // What a policy takes stands behind it: policy=lfu,age=none.
            case ("age", 2), ("seed", 2):
                policy = try Units.policy("\(policy.map { "\($0)" } ?? ""),\(setting)")
            default:
                throw UnitError(
                    "\"\(setting)\" sets nothing; write maxsize=N, maxbytes=SIZE, ttl=DURATION, "
                        + "jitter=SHARE, policy=NAME, stale=DURATION or negative=DURATION; all but "
                        + "policy may be off")
            }
        }
    }

    /// Whether any bound is named.
    package var saysSomething: Bool {
        applied(to: Self.unlikely) != Self.unlikely || applied(to: .usualTable) != .usualTable
    }

    /// Bounds that differ in each from the usual ones: who changes neither says nothing.
    private static let unlikely = CacheConfiguration(
        maxsize: 1, maxbytes: 1, ttl: .nanoseconds(1), jitter: 0.123, policy: .fifo,
        staleIfError: .nanoseconds(1), negativeTTL: .nanoseconds(1))

    /// - Throws: ``UnitError`` where there is no such cache without a gateway.
    package func checkName() throws(UnitError) {
        guard Self.names.contains(name) else {
            throw UnitError("no cache is called \"\(name)\"; \(Words.there(are: Self.names))")
        }
    }

    /// The bounds with what was named put in.
    package func applied(to configuration: CacheConfiguration) -> CacheConfiguration {
        CacheConfiguration(
            maxsize: maxsize ?? configuration.maxsize,
            maxbytes: maxbytes ?? configuration.maxbytes, ttl: ttl ?? configuration.ttl,
            jitter: jitter ?? configuration.jitter, policy: policy ?? configuration.policy,
            staleIfError: stale ?? configuration.staleIfError,
            negativeTTL: negative ?? configuration.negativeTTL)
    }
}

extension CacheConfiguration {
    /// A table's where nothing is said of it: as many items as will do for most, and as many bytes as
    /// hurt nobody.
    package static let usualTable = CacheConfiguration(
        maxsize: 10_000, maxbytes: 64 << 20, ttl: .seconds(300), negativeTTL: .seconds(5))
}

extension [CacheOption] {
    /// The bounds of a cache: what was named, else what is usual for it.
    package func configuration(
        _ cache: String, default usual: CacheConfiguration
    ) -> CacheConfiguration {
        filter { $0.name == cache }.reduce(usual) { $1.applied(to: $0) }
    }

    /// The bounds of a table's cache: what is said of all tables, and then of this one.
    package func tableConfiguration(
        _ table: String, default usual: CacheConfiguration = .usualTable
    ) -> CacheConfiguration {
        configuration(table, default: configuration(CacheOption.allTables, default: usual))
    }
}
