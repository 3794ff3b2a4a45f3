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
    /// Nothing is foretold of an engine that is lost.
    var storm: Forecast.Storm? {
        problem == nil ? forecast?.storm(beyond: budget, at: now) : nil
    }
}
