import Larder

/// What a cache knows of its entries beside their records, worked out once for a listing.
struct Beside<Key: Hashable & Sendable> {
    private let counts: [Key: Int]
    /// In seconds; `nil` where it is not known what was fetched.
    private let window: Double?
    /// By version: the place of each entry in the order in which they go.
    private let places: [UInt64: Int]

    /// Caches of so many entries together say of each when it goes, whatever they are listed by. With
    /// more that takes longer than a look should, and is done where it is asked for.
    private static var fewEnough: Int { 4096 }

    /// - Parameters:
    ///   - wanted: How many have to be told their places.
    ///   - caches: How many are listed.
    init<Value: Sendable>(
        _ cache: Cache<Key, Value>, wanted: Int, of caches: Int = 1, at now: AgeInstant
    ) {
        let lately = cache.fetchesLately(at: now)
        (counts, window) = (lately.counts, lately.window?.inSeconds)
        let isSmall = cache.count <= Self.fewEnough / max(1, caches)
        let next = cache.nextToGo(isSmall ? .max : wanted)
        places = Dictionary(next.enumerated().map { ($0.element.version, $0.offset + 1) }) {
            first, _ in first
        }
    }

    func of(_ key: Key, _ facts: EntryFacts) -> Selection.Beside {
        Selection.Beside(
            fetchRate: window.map { Double(counts[key] ?? 0) / $0 },
            toGo: facts.version == 0 ? nil : places[facts.version])
    }
}
