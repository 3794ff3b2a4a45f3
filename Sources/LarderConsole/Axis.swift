import Larder
import LarderInspector

extension Forecast {
    /// How far a forecast looks ahead, in steps that are read off easily: as far as the longest life
    /// in use, since nothing ends later.
    struct Axis: Hashable {
        var width: Duration
        var count: Int
        /// Between two of its labels.
        var step: Duration

        /// In seconds: how far, a label each, and how much is one bucket.
        private static let all: [(reach: Int64, step: Int64, width: Int64)] = [
            (60, 20, 1), (120, 30, 1), (300, 60, 2), (600, 120, 5), (900, 300, 5),
            (1800, 600, 10), (3600, 1200, 20), (10_800, 3600, 60), (21_600, 7200, 120),
            (43_200, 14_400, 240), (86_400, 28_800, 480), (604_800, 172_800, 3600),
            (2_592_000, 864_000, 14_400),
        ]

        /// A quarter of an hour where nothing is known to end.
        init(for longest: Duration?) {
            let longest = longest ?? .seconds(900)
            let chosen = Self.all.first { longest <= .seconds($0.reach) } ?? Self.all.last!
            width = .seconds(chosen.width)
            count = Int(chosen.reach / chosen.width)
            step = .seconds(chosen.step)
        }

        var reach: Duration { width * count }
    }

    var reach: Duration { width * count }
}

extension Model {
    /// A few seconds to come in which far more will be fetched than now, or than there is a budget
    /// for, and in which cache.
    struct Storm {
        var cache: String
        var peak: Forecast.Peak
    }

    var storm: Storm? {
        let storms = (forecast?.caches ?? []).compactMap { cache in
            cache.peak.flatMap {
                isToCome($0) && isStorm($0, cache.name) ? Storm(cache: cache.name, peak: $0) : nil
            }
        }
        return storms.max { $0.peak.fetches < $1.peak.fetches }
    }

    private func isToCome(_ peak: Forecast.Peak) -> Bool { now < peak.at + Forecast.peakWidth }

    /// Fewer are no storm anywhere.
    private static let fewest = 20.0

    private func isStorm(_ peak: Forecast.Peak, _ cache: String) -> Bool {
        let seconds = Forecast.peakWidth.inSeconds
        let rate = histories[Verbatim(cache)]?.rate(\.fetches, seconds: 60)
        // Where it is not known how many there are now, only the budget tells.
        let usual = rate.map { $0 * seconds }
        // A fifth and three times what chance brings are within what is usual.
        let plenty = max(budget * seconds, usual.map { $0 + 3 * $0.squareRoot() } ?? 0) * 1.2
        return peak.fetches >= Self.fewest
            && (peak.fetches > plenty || usual.map { peak.fetches > 2 * $0 + 10 } ?? false)
    }
}
