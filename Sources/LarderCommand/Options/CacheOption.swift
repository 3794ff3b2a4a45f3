import ArgumentParser
import Larder
import LarderGateway
import LarderInspector

extension CacheOption: ExpressibleByArgument {
    init?(argument: String) { try? self.init(parsing: argument) }
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
func readable(filter text: String, isOfEvents: Bool = false) throws(FilterError) -> String {
    _ = try EntryFilter(text, of: isOfEvents ? .events(of: nil) : .entries(of: nil))
    return text
}
