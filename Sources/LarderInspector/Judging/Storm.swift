public import Larder

extension Forecast {
    /// A few seconds in which far more is fetched of a cache than now, or than there is a budget for.
    public struct Storm: Hashable, Sendable {
        /// The cache's name.
        public var cache: String
        /// The five seconds with most fetches.
        public var peak: Peak

        /// Fetches a second.
        public var rate: Double { peak.rate }
    }

    /// The worst storm that is there at `now` or to come; `nil` where no cache has one.
    ///
    /// - Parameters:
    ///   - budget: Fetches a second that an origin may have. Where an origin has more as a habit,
    ///     only what exceeds that is a storm.
    ///   - now: What is over by then does not count.
    public func storm(beyond budget: Double, at now: AgeInstant) -> Storm? {
        caches.compactMap { cache in
            cache.peak.flatMap { peak in
                let isToCome = now < peak.at + Self.peakWidth
                return isToCome && cache.isStorm(peak, budget)
                    ? Storm(cache: cache.name, peak: peak) : nil
            }
        }.max { $0.peak.fetches < $1.peak.fetches }
    }

    /// Fetches a second of late, of all caches; `nil` where of one it is not known.
    public var rate: Double? {
        let rates = caches.compactMap(\.rate)
        return rates.count == caches.count ? rates.reduce(0, +) : nil
    }
}

extension Forecast.Peak {
    /// Fetches a second.
    public var rate: Double { fetches / Forecast.peakWidth.inSeconds }
}

extension Forecast.Cache {
    /// Fewer fetches are not a storm, unless they exceed the budget.
    private static let fewest = 20.0

    fileprivate func isStorm(_ peak: Forecast.Peak, _ budget: Double) -> Bool {
        let seconds = Forecast.peakWidth.inSeconds
        // Where it is not known how many there are now, only the budget tells.
        let usual = rate.map { $0 * seconds }
        // Up to three times what chance adds, and a fifth on top, still counts as usual.
        let plenty = max(budget * seconds, usual.map { $0 + 3 * $0.squareRoot() } ?? 0) * 1.2
        return peak.fetches > plenty
            || peak.fetches >= Self.fewest
                && usual.map { peak.fetches > 2 * $0 + 10 } ?? false
    }
}
