public import Larder

extension Forecast {
    /// A few seconds in which far more is fetched of a cache than now, or than there is a budget for.
    public struct Storm: Hashable, Sendable {
        /// The cache's name.
        public var cache: String
        /// The five seconds with most fetches.
        public var peak: Peak
        /// Beyond what it is.
        public var rule: Rule

        /// What makes a storm of so many fetches.
        public enum Rule: Hashable, Sendable {
            /// There are more than the budget, of so many fetches a second, allows.
            case budget(Double)
            /// There are clearly more than the cache's fetches of late, so many a second.
            case usual(Double)
        }

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
                guard isToCome, let rule = cache.rule(peak, budget) else { return nil }
                return Storm(cache: cache.name, peak: peak, rule: rule)
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

    /// By which a peak is a storm; `nil` where it is none.
    fileprivate func rule(_ peak: Forecast.Peak, _ budget: Double) -> Forecast.Storm.Rule? {
        let seconds = Forecast.peakWidth.inSeconds
        // Where it is not known how many there are now, only the budget tells.
        let usual = rate.map { $0 * seconds }
        // Up to three times what chance adds, and a fifth on top, still counts as usual.
        let plenty = (usual.map { $0 + 3 * $0.squareRoot() } ?? 0)
        if peak.fetches > max(budget * seconds, plenty) * 1.2 {
            return budget * seconds >= plenty ? .budget(budget) : rate.map { .usual($0) }
        }
        guard let rate, let usual, peak.fetches >= Self.fewest, peak.fetches > 2 * usual + 10 else {
            return nil
        }
        return .usual(rate)
    }
}

extension Forecast.Storm.Rule {
    /// `more than twice the 2.1/s of the last minute`, `beyond the budget of 50/s`.
    package var words: String {
        switch self {
        case .budget(let most): "beyond the budget of \(Units.text(most, digits: 1)) a second"
        case .usual(let rate):
            "clearly more than its \(Units.text(rate, digits: 1)) a second of the last minute"
        }
    }
}
