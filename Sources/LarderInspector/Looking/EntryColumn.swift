import Larder

/// What a listing can be sorted by.
public enum EntryColumn: String, Hashable, Sendable, Codable, CaseIterable {
    /// ``about`` says what stands in each.
    case cache, key, ttl, expiry, age, hits, size, state, fetch, lasthit, fetches, refresh, togo
    /// The number of the write, as `EntryFacts.version`.
    case version

    /// What stands there, in a few words.
    public var about: String {
        switch self {
        case .cache: "the cache's name"
        case .key: "the key as it is shown"
        case .ttl: "time left until the entry ends"
        case .expiry: "time left until the value's own end"
        case .age: "time since it was written"
        case .hits: "hits since it was written"
        case .size: "bytes of key, value and record"
        case .state: "how it is, in a word; the most urgent first"
        case .fetch: "how long its fetch took"
        case .version: "the number of its write"
        case .lasthit: "time since its last hit"
        case .fetches: "fetches of its key a second, in the last minute"
        case .refresh: "time left until it is fetched anew"
        case .togo: "its turn to go, 1 next; exact for lru, fifo, lfu"
        }
    }

    /// A column by its name.
    public init(named text: String) throws(UnitError) {
        if let column = EntryColumn(rawValue: text) {
            self = column
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, EntryColumn(rawValue: String(parts[0])) != nil {
            throw UnitError(
                "\"\(text)\" is an order, which --sort takes; the column is \(parts[0])")
        }
        throw UnitError("\"\(text.prefix(40))\" is no column; \(Self.accepted) are accepted")
    }

    /// All of them, as a sentence's part.
    public static let accepted = allCases.map(\.rawValue).joined(separator: ", ")
}
