public import Larder

/// How many entries end when, as things stand at one instant.
public struct Forecast: Hashable, Sendable, Codable {
    /// When it was made; the first bucket begins there.
    public var at: AgeInstant
    /// How wide a bucket is.
    public var width: Duration
    /// How many buckets there are.
    public var count: Int
    /// Every cache, in the order in which they were added.
    public var caches: [Cache] = []

    /// How many entries of one cache end when.
    public struct Cache: Hashable, Sendable, Codable {
        /// By which the cache is addressed.
        public var name: String
        /// Entries whose end lies in each bucket; those past their end stand in the first.
        public var ending: [Int]
        /// How many of them may be expected to be there until then: most of a full cache are
        /// evicted before, as the ages at which others left tell.
        public var lasting: [Double]
        /// How many of these may be expected to be looked up once they have ended: so many fetches
        /// are to come. Those that were hit within the last minute count whole. Of those that were
        /// written within it and not hit yet, a share counts: that of all entries held which were
        /// asked for more than once.
        public var fetches: [Double]
        /// Entries that end after the last bucket.
        public var later = 0
        /// Entries that have no end.
        public var endless = 0
        /// The longest life in use: the ttl, or that of an entry; `nil` where nothing ends.
        public var longest: Duration?
        /// The five seconds of the next day and a half with most fetches; `nil` where there are none.
        public var peak: Peak?
        /// Fetches a second within the last minute, those that failed too; `nil` where that is not
        /// known.
        public var rate: Double?

        /// So many buckets, all of them empty yet.
        public init(name: String, count: Int) {
            self.name = name
            ending = Array(repeating: 0, count: count)
            lasting = Array(repeating: 0, count: count)
            fetches = lasting
        }
    }

    /// A few seconds with many fetches.
    public struct Peak: Hashable, Sendable, Codable {
        /// When they begin.
        public var at: AgeInstant
        /// Within ``Forecast/peakWidth`` of it.
        public var fetches: Double

        /// So many fetches within ``Forecast/peakWidth`` from then on.
        public init(at: AgeInstant, fetches: Double) {
            self.at = at
            self.fetches = fetches
        }
    }

    /// How long a peak is.
    public static let peakWidth = Duration.seconds(5)

    /// So many buckets of one width, from that instant on.
    public init(at: AgeInstant, width: Duration, count: Int) {
        self.at = at
        self.width = width
        self.count = count
    }

    /// Entries of all caches that end in each bucket.
    public var ending: [Int] { sums(\.ending) }
    /// Of all caches, see ``Forecast/Cache/lasting``.
    public var lasting: [Double] { sums(\.lasting) }
    /// Of all caches, see ``Forecast/Cache/fetches``.
    public var fetches: [Double] { sums(\.fetches) }
    /// The longest life in use in any cache.
    public var longest: Duration? { caches.compactMap(\.longest).max() }

    private func sums<Number: Numeric>(_ part: KeyPath<Cache, [Number]>) -> [Number] {
        caches.reduce(into: Array(repeating: 0, count: count)) { sums, cache in
            for (place, value) in cache[keyPath: part].enumerated() where place < count {
                sums[place] += value
            }
        }
    }
}

extension Forecast {
    /// The buckets of one cache, while its entries are gone through.
    struct Buckets {
        private var buckets: Cache
        private let now: AgeInstant
        private let width: Int64
        /// Fetches by the second, as far as anybody cares how many come at once.
        private var seconds: [Double] = []
        private static let mostSeconds = 36 * 3600

        init(_ name: String, _ forecast: Forecast, ttl: Duration?, rate: Double?) {
            buckets = Cache(name: name, count: forecast.count)
            buckets.longest = ttl
            buckets.rate = rate
            now = forecast.at
            width = forecast.width.nanoseconds
        }

        mutating func add(
            _ facts: EntryFacts, _ survival: Survival, _ repetition: Repetition
        ) {
            guard facts.deadline != .distantFuture else { return buckets.endless += 1 }
            let life = facts.deadline - facts.writtenAt
            buckets.longest = max(buckets.longest ?? life, life)
            let left = max(0, (facts.deadline - now).nanoseconds)
            let lasts = survival.share(from: now - facts.writtenAt, to: life)
            let fetches = lasts * repetition.share(of: facts, at: now)
            note(fetches, second: left / 1_000_000_000)
            let place = left / width
            guard place < buckets.ending.count else { return buckets.later += 1 }
            buckets.ending[Int(place)] += 1
            buckets.lasting[Int(place)] += lasts
            buckets.fetches[Int(place)] += fetches
        }

        private mutating func note(_ fetches: Double, second: Int64) {
            guard fetches > 0, second < Self.mostSeconds else { return }
            let missing = Int(second) + 1 - seconds.count
            if missing > 0 { seconds += Array(repeating: 0, count: missing) }
            seconds[Int(second)] += fetches
        }

        /// All that was gone through, in numbers of two digits behind the point.
        var cache: Cache {
            var cache = buckets
            cache.lasting = cache.lasting.map(Self.rounded)
            cache.fetches = cache.fetches.map(Self.rounded)
            cache.peak = peak
            return cache
        }

        private var peak: Peak? {
            let width = Int(Forecast.peakWidth.inSeconds)
            var best: (start: Int, sum: Double)?
            var sum = 0.0
            for place in seconds.indices {
                sum += seconds[place]
                if place >= width { sum -= seconds[place - width] }
                // The first of equal ones, and from where they begin.
                if sum > best?.sum ?? 0.005 { best = (max(0, place - width + 1), sum) }
            }
            guard var best else { return nil }
            while best.start < seconds.count - 1, seconds[best.start] == 0 { best.start += 1 }
            return Peak(at: now + .seconds(best.start), fetches: Self.rounded(best.sum))
        }

        private static func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
    }
}
