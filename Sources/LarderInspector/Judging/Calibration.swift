public import Larder

/// Forecasts that were made for changes of bounds, and what came of them.
struct Calibrations {
    private var all: [Calibration] = []
    private var judged: [Verbatim: CacheReport.Forecasts] = [:]

    /// So many are remembered.
    private static let most = 64

    /// What came of the changes of a cache, the latest last.
    func of(_ cache: String) -> [Calibration] { all.filter { $0.cache.isExactly(cache) } }

    /// How many held and how many did not; `nil` where not one was judged.
    func forecasts(of cache: String) -> CacheReport.Forecasts? { judged[Verbatim(cache)] }

    /// Has what comes of new bounds held against what was foreseen.
    ///
    /// - Parameter spread: Over how long the bounds are reached.
    mutating func expect(
        _ bounds: CacheConfiguration, _ foreseen: WhatIf, _ report: CacheReport, spread: Duration
    ) {
        interrupt(report.name)
        if all.count >= Self.most { all.removeFirst() }
        all.append(
            Calibration(
                cache: report.name, bounds: bounds, said: foreseen,
                at: report.snapshot.at + spread))
    }

    /// Judges nothing of a cache that an operator changes again before it can be judged.
    mutating func interrupt(_ cache: String) {
        all.removeAll { $0.cache.isExactly(cache) && $0.came == nil }
    }

    /// Holds forecasts against what came until now.
    mutating func judge(_ reports: [CacheReport]) {
        for report in reports {
            let counted = Calibration.Counted(report.snapshot)
            all.removeAll { $0.cache.isExactly(report.name) && $0.isOvertaken(counted) }
            for place in all.indices where all[place].cache.isExactly(report.name) {
                guard all[place].isHeld == nil else { continue }
                all[place].take(counted)
                switch all[place].isHeld {
                case true?: judged[Verbatim(report.name), default: .init()].held += 1
                case false?: judged[Verbatim(report.name), default: .init()].missed += 1
                case nil: break
                }
            }
        }
    }
}

/// A forecast that was made for a change, and what came of it.
///
/// What came is counted from 20 seconds after the change on, when the cache has taken its new shape,
/// until a minute after it. It is as foreseen where it differs by no more than a point, or by the
/// forecast's error and that of a count of so few look-ups.
public struct Calibration: Hashable, Sendable, Codable {
    /// By which the cache is addressed.
    public var cache: String
    /// When the bounds were changed, or their change was to be done.
    public var at: AgeInstant
    /// The bounds that they were changed to.
    public var bounds: CacheConfiguration
    /// The hit ratio that was foreseen, 0...1.
    public var said: Double
    /// Half the width of its 95 % bar.
    public var saidError: Double
    /// The hit ratio that came; `nil` where it is not known yet.
    public var came: Double?
    /// How far apart by chance, for so few look-ups as were counted.
    public var cameError: Double?
    private var counted: Counted?

    private static let settling = Duration.seconds(20)
    private static let judged = Duration.seconds(60)
    /// Fewer look-ups say nothing.
    private static let enough: UInt64 = 50

    private enum CodingKeys: String, CodingKey {
        case cache, at, bounds, said, saidError, came, cameError
    }

    init(cache: String, bounds: CacheConfiguration, said: WhatIf, at: AgeInstant) {
        (self.cache, self.bounds, self.at) = (cache, bounds, at)
        (self.said, saidError) = (said.hitRatio, said.hitRatioError)
    }

    /// One that is judged.
    package init(
        cache: String, bounds: CacheConfiguration, said: WhatIf, came: Double, cameError: Double
    ) {
        (self.cache, self.bounds) = (cache, bounds)
        at = AgeInstant(nanoseconds: 0)
        (self.said, saidError) = (said.hitRatio, said.hitRatioError)
        (self.came, self.cameError) = (came, cameError)
    }

    /// Whether what came is what was said; `nil` where it is not known yet.
    public var isHeld: Bool? {
        guard let came, let cameError else { return nil }
        return abs(came - said) <= max(0.01, saidError + cameError)
    }

    /// What a cache had counted at an instant.
    struct Counted: Hashable, Sendable {
        var at: AgeInstant
        var hits: UInt64
        var lookups: UInt64
        var bounds: CacheConfiguration

        init(_ snapshot: CacheSnapshot) {
            (at, bounds) = (snapshot.at, snapshot.configuration)
            (hits, lookups) = (snapshot.counters.hits, snapshot.counters.lookups)
        }
    }

    /// Whether the bounds are other ones by now, so that nothing can be said any more.
    func isOvertaken(_ now: Counted) -> Bool {
        came == nil && now.bounds != bounds && now.at - at >= Self.settling
    }

    /// Takes note of what was counted until now.
    mutating func take(_ now: Counted) {
        guard came == nil, now.bounds == bounds, now.at - at >= Self.settling else { return }
        guard let before = counted else {
            counted = now
            return
        }
        // Looks that were under way at once come in any order.
        guard now.at - before.at >= Self.judged - Self.settling, now.hits >= before.hits,
            now.lookups >= before.lookups, now.lookups - before.lookups >= Self.enough
        else { return }
        let lookups = Double(now.lookups - before.lookups)
        let ratio = Double(now.hits - before.hits) / lookups
        came = ratio
        cameError = 1.96 * (max(ratio * (1 - ratio), 1 / lookups) / lookups).squareRoot()
    }
}
