public import Larder

/// How many entries end when, as things stand at one instant.
public struct Forecast: Hashable, Sendable, Codable {
    public var at: Instant
    /// Of a bucket.
    public var width: Duration
    /// How many buckets there are.
    public var count: Int
    public var caches: [Cache] = []

    public struct Cache: Hashable, Sendable, Codable {
        public var name: String
        /// Entries that end in each bucket; those past their end stand in the first.
        public var ending: [Int]
        /// Those of them that were hit within the last minute: so many fetches are to come.
        public var fetches: [Int]
        /// Entries that end later, and that have no end.
        public var later = 0
        public var endless = 0

        public init(name: String, count: Int) {
            self.name = name
            ending = Array(repeating: 0, count: count)
            fetches = ending
        }
    }

    public init(at: Instant, width: Duration, count: Int) {
        self.at = at
        self.width = width
        self.count = count
    }

    /// Entries of all caches that end in each bucket.
    public var ending: [Int] { sums(\.ending) }
    public var fetches: [Int] { sums(\.fetches) }

    private func sums(_ part: KeyPath<Cache, [Int]>) -> [Int] {
        caches.reduce(into: Array(repeating: 0, count: count)) { sums, cache in
            for (place, value) in cache[keyPath: part].enumerated() where place < count {
                sums[place] += value
            }
        }
    }
}
