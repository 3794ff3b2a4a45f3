import ArgumentParser
import Foundation
import Larder
import LarderAWS
import LarderGateway
import LarderInspector

/// Where values come from, and how much of them is kept: the same for every command that runs an
/// engine of its own.
struct OriginOptions: ParsableArguments {
    enum Origin: String, ExpressibleByArgument, CaseIterable {
        case embedded, aws
    }

    @Option(
        help: """
            Where values come from: embedded (an account store and an issuer of credentials in \
            this process) or aws. Naming --table, --role or --endpoint-url means aws.
            """)
    var origin: Origin?

    @Option(help: "The DynamoDB table that holds the accounts.")
    var table: String?

    @Option(
        help: """
            The table's partition key; NAME:number or NAME:binary (base64) where it is no text. \
            (default: account_number)
            """,
        transform: parsed { try KeyAttribute(parsing: $0) })
    var key = KeyAttribute(name: "account_number", type: .string)

    @Option(
        help: """
            The table's sort key, where it has one, written in the same way; keys are then written \
            PARTITION/SORT, with \\/ for a slash of a part's own, or ["PARTITION","SORT"].
            """,
        transform: parsed { try KeyAttribute(parsing: $0) })
    var sortKey: KeyAttribute?

    @Flag(help: "Read items strongly consistent; it costs twice as much.")
    var consistentRead = false

    @Option(
        help: """
            The attributes to read, with commas between them; \\, and \\. belong to a name, or write \
            JSON: ["a.b",["owner","name"]]. (default: all)
            """,
        transform: parsed { try AttributeList.paths($0) })
    var attributes: [String] = []

    @Option(
        help: """
            The AWS region. (default: AWS_REGION, then AWS_DEFAULT_REGION, then the profile's, \
            then us-east-1)
            """)
    var region: String?

    @Option(help: "A profile of ~/.aws/config or ~/.aws/credentials. (default: AWS_PROFILE)")
    var profile: String?

    @Option(help: "Another address for DynamoDB and STS, such as http://127.0.0.1:5000.")
    var endpointURL: String?

    @Option(
        help: """
            A role whose credentials read the table; they are kept in the credentials cache. \
            Without it the keys of the environment read it.
            """)
    var role: String?

    @OptionGroup
    var assuming: AssumingOptions

    @OptionGroup
    var following: FollowingOptions

    enum RefusedRefresh: String, ExpressibleByArgument, CaseIterable {
        case serve, fail
    }

    @Option(
        help: """
            What becomes of a session with life left whose refresh STS refuses for good, as by \
            AccessDenied: serve, it is served to its end while the refusal is shown; or fail, as \
            AWS's own SDKs do. (default: serve)
            """)
    var refusedRefresh: RefusedRefresh?

    @Option(
        help: "Most time for a call to AWS, all its attempts included. (default: 10s)",
        transform: parsed { try Self.deadline($0) })
    var callDeadline: Duration?

    @Option(
        help: """
            Most time for one attempt of a call, so that a reply that does not come leaves time \
            for another. (default: 4s)
            """,
        transform: parsed { try Self.deadline($0) })
    var attemptDeadline: Duration?

    static func deadline(_ text: String) throws(UnitError) -> Duration {
        let duration = try Units.duration(text)
        guard (.milliseconds(10) ... .seconds(600)).contains(duration) else {
            throw UnitError("\"\(text)\" is not accepted; 10ms to 10m are")
        }
        return duration
    }

    @Option(
        help: """
            Account numbers to look up at the start and by --traffic, with commas between them (\\, \
            is one of a key's own), or in JSON: ["a,b","c"]. Without them on aws, some are read \
            from the table by a Scan.
            """,
        transform: { KeyNotation.pieces($0) })
    var keys: [String] = []

    @Option(
        name: .customLong("cache"),
        help: """
            Bounds of a cache, as in accounts:maxsize=64,ttl=300s,policy=lru. maxsize is a \
            number, none or off; maxbytes is a size such as 64M, none or off; ttl is a duration \
            such as 300s, 5m or 1h30m, none or off; jitter, the share of the ttl by which \
            entries may live shorter, is 0 to 1 or off; policy is lru, fifo, lfu, rr, sieve, s3fifo or \
            tinylfu; stale is how long past its end a value may be served while fetches fail (where \
            the cache is full, such values leave first); \
            negative is how long it is remembered that there is no such thing; both may be off. \
            Behind --gateway the name may be a table's, or * for all of them. Repeatable.
            """,
        transform: parsed { try CacheOption(parsing: $0) })
    var caches: [CacheOption] = []

    @Option(help: "How many accounts the embedded store holds. (default: 100)")
    var accounts: Int?

    @Option(
        help: "How long the embedded origin takes for a fetch, on average. (default: 40ms)",
        transform: parsed { try Units.reserve($0) })
    var latency: Duration?

    @Option(
        help: """
            The share of the embedded origin's fetches that fail, such as 10%: half throttled, half \
            broken. For practice only: with --cache accounts:stale=60s one sees what is served \
            stale. (default: 0)
            """,
        transform: parsed { try Units.share($0) })
    var failing: Double?

    /// When sessions are refreshed, and what becomes of a refresh that fails.
    var refresh: Refresh { .credentials(servesRefused: refusedRefresh != .fail) }

    var deadlines: Deadlines {
        var deadlines = Deadlines()
        if let callDeadline { deadlines.call = callDeadline }
        if let attemptDeadline { deadlines.attempt = attemptDeadline }
        return deadlines
    }

    var isAWS: Bool {
        origin.map { $0 == .aws } ?? (table ?? role ?? endpointURL ?? profile != nil)
    }

    /// Whether an origin, or a bound of its caches, was named on the command line.
    static var isNamed: Bool {
        let names = [
            "origin", "table", "role", "endpoint-url", "profile", "cache", "keys", "accounts",
            "latency", "failing",
        ]
        return LarderCommand.written.contains { word in
            names.contains { word == "--\($0)" || word.hasPrefix("--\($0)=") }
        }
    }

    func validate() throws {
        let embeddedOnly = [
            ("--accounts", accounts != nil), ("--latency", latency != nil),
            ("--failing", failing != nil),
        ]
        let awsOnly = [
            ("--table", table != nil), ("--role", role != nil),
            ("--endpoint-url", endpointURL != nil), ("--region", region != nil),
            ("--profile", profile != nil), ("--sort-key", sortKey != nil),
            ("--consistent-read", consistentRead), ("--attributes", !attributes.isEmpty),
            ("--follow-roles", following.followRoles != nil),
            ("--refused-refresh", refusedRefresh != nil),
            ("--call-deadline", callDeadline != nil),
            ("--attempt-deadline", attemptDeadline != nil),
        ]
        for (flag, named) in isAWS ? embeddedOnly : awsOnly where named {
            let other = isAWS ? "the embedded origin; leave it out" : "--origin aws"
            throw ValidationError("\(flag) belongs to \(other)")
        }
        if let accounts, !(1...10_000_000).contains(accounts) {
            throw ValidationError("--accounts \(accounts): 1 to 10000000 are accepted")
        }
        for name in CacheOption.names + caches.map(\.name) {
            let bounds = configuration(name, default: CacheConfiguration(maxsize: 64, ttl: .zero))
            do { try bounds.validate() } catch {
                throw ValidationError("--cache \(name): \(error)")
            }
        }
        if let latency, latency > .seconds(60) {
            throw ValidationError("--latency: up to 60s is accepted")
        }
    }

    /// - Throws: Where bounds are named of a cache that there is only behind a gateway.
    func checkCacheNames() throws {
        for cache in caches {
            do { try cache.checkName() } catch { throw ValidationError("--cache: \(error)") }
        }
    }

    /// The bounds of a cache: what was named, else what is usual for it.
    func configuration(_ cache: String, default usual: CacheConfiguration) -> CacheConfiguration {
        caches.configuration(cache, default: usual)
    }
}
