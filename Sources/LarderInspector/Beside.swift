import Larder

/// What a cache knows of its entries beside their records, worked out once for a listing.
struct Beside<Key: Hashable & Sendable> {
    private let counts: [Key: Int]
    private let window: Double
    /// By version: the place of each entry in the order in which they go.
    private let places: [UInt64: Int]

    /// A cache of so many entries says of each when it goes, whatever they are listed by. In a larger
    /// one that takes longer than a look should, and is done where it is asked for.
    private static var fewEnough: Int { 4096 }

    /// - Parameter wanted: How many have to be told their places.
    init<Value: Sendable>(_ cache: Cache<Key, Value>, wanted: Int, at now: Instant) {
        let window: Duration
        (counts, window) = cache.fetchesLately(at: now)
        self.window = window.inSeconds
        let isSmall = cache.snapshot().count <= Self.fewEnough
        let next = cache.nextToGo(isSmall ? .max : wanted)
        places = Dictionary(next.enumerated().map { ($0.element.version, $0.offset + 1) }) {
            first, _ in first
        }
    }

    func of(_ key: Key, _ facts: EntryFacts) -> Selection.Beside {
        Selection.Beside(
            fetchRate: Double(counts[key] ?? 0) / window,
            toGo: facts.version == 0 ? nil : places[facts.version])
    }
}
