import ArgumentParser
import Larder
import LarderInspector

/// `--cache NAME:maxsize=64,ttl=300s,policy=lru`.
struct CacheOption: ExpressibleByArgument, Equatable {
    var name: String
    /// Each bound that was named; `nil` inside for none.
    var maxsize: Int??
    var maxbytes: Int??
    var ttl: Duration??
    var jitter: Double?
    var policy: Policy?
    var stale: Duration?
    var negative: Duration?

    static let names = ["accounts", "credentials"]
    /// What is said of it holds for every table behind a gateway.
    static let allTables = "*"

    /// The name may be that of a table behind a gateway: whether there is one, is for the command to
    /// say.
    init(parsing text: String) throws(UnitError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        let settings = parts.count > 1 ? KeyNotation.pieces(String(parts[1])) : []
        for setting in settings {
            let pair = setting.split(separator: "=", maxSplits: 1).map(String.init)
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

    /// - Throws: ``UnitError`` where there is no such cache without a gateway.
    func checkName() throws(UnitError) {
        guard Self.names.contains(name) else {
            throw UnitError("no cache is called \"\(name)\"; \(Words.there(are: Self.names))")
        }
    }

    init?(argument: String) { try? self.init(parsing: argument) }

    /// The bounds with what was named put in.
    func applied(to configuration: CacheConfiguration) -> CacheConfiguration {
        CacheConfiguration(
            maxsize: maxsize ?? configuration.maxsize,
            maxbytes: maxbytes ?? configuration.maxbytes, ttl: ttl ?? configuration.ttl,
            jitter: jitter ?? configuration.jitter, policy: policy ?? configuration.policy,
            staleIfError: stale ?? configuration.staleIfError,
            negativeTTL: negative ?? configuration.negativeTTL)
    }
}

/// A type that people write as text, refused with the reason: ArgumentParser's own message, which
/// names the option, says only that the value is invalid.
func parsed<Value>(
    _ read: @escaping @Sendable (String) throws -> Value
) -> @Sendable (String) throws -> Value {
    { text in
        do { return try read(text) } catch {
            throw ValidationError("\(error)")
        }
    }
}

/// `ttl` or `hits:desc`.
struct SortOption: Equatable {
    var column: EntryColumn
    var descending: Bool

    init(parsing text: String) throws(UnitError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let column = EntryColumn(rawValue: parts[0]), parts.count <= 2,
            parts.count == 1 || ["asc", "desc"].contains(parts[1])
        else {
            throw UnitError(
                "\"\(text)\" is no order; write one of \(EntryColumn.accepted), then :desc if wanted"
            )
        }
        self.column = column
        descending = parts.count == 2 && parts[1] == "desc"
    }
}

extension EntryColumn {
    /// The columns of `cache,key,ttl`.
    static func list(_ text: String) throws(UnitError) -> [EntryColumn] {
        var columns: [EntryColumn] = []
        for name in KeyNotation.pieces(text) { columns.append(try EntryColumn(named: name)) }
        guard !columns.isEmpty else {
            throw UnitError("no column is named; \(accepted) are accepted")
        }
        return columns
    }
}

/// Entries of a cache: by their keys, by a filter, or all of them.
struct NamedEntries: ParsableArguments {
    @Argument(help: "The cache.")
    var cache: String

    @Argument(help: "The keys, as they are shown.")
    var keys: [String] = []

    @Option(
        help: "Every entry that passes: part of a key, or comparisons such as 'age>1h'.",
        transform: parsed { try readable(filter: $0) })
    var filter: String?

    @Flag(help: "Every entry of the cache.")
    var all = false

    /// What passes; `nil` where keys are named.
    var wanted: String? { all ? "" : filter }

    func validate() throws {
        if let filter, filter.allSatisfy(\.isWhitespace) {
            throw ValidationError("--filter is empty, which everything passes; --all says that")
        }
        guard [!keys.isEmpty, filter != nil, all].count(where: { $0 }) == 1 else {
            throw ValidationError("name keys, or --filter, or --all: one of them")
        }
    }
}

/// A filter that can be read, as it was written.
func readable(filter text: String) throws(FilterError) -> String {
    _ = try EntryFilter(text)
    return text
}
