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

    /// The caches of which something is to be judged, unless that was waited for for too long.
    func waiting(at now: AgeInstant) -> Set<Verbatim> {
        let waiting = all.lazy.filter {
            $0.came == nil && !$0.isOvertaken && now - $0.at < Self.longestWait
        }
        return Set(waiting.map { Verbatim($0.cache) })
    }

    private static let longestWait = Duration.seconds(3 * 3600)

    /// Has what comes of new bounds held against what was foreseen.
    ///
    /// - Parameters:
    ///   - before: The bounds before.
    ///   - instead: The hit ratio that was foreseen for them.
    ///   - spread: Over how long the bounds are reached.
    mutating func expect(
        _ foreseen: WhatIf, after before: CacheConfiguration, instead: Double?,
        _ report: CacheReport, spread: Duration
    ) {
        interrupt(report.name)
        if all.count >= Self.most { all.remove(at: all.firstIndex(where: \.isOvertaken) ?? 0) }
        all.append(
            Calibration(
                cache: report.name, after: before, said: foreseen,
                holding: report.snapshot.count, at: report.snapshot.at + spread))
        all[all.count - 1].instead = instead
    }

    /// Judges nothing of a cache that an operator changes again before it can be judged.
    mutating func interrupt(_ cache: String) {
        for place in all.indices where all[place].cache.isExactly(cache) { all[place].overtake() }
    }

    /// Holds forecasts against what came until now.
    mutating func judge(_ reports: [CacheReport]) {
        for report in reports {
            let counted = Calibration.Counted(report.snapshot)
            for place in all.indices where all[place].cache.isExactly(report.name) {
                guard all[place].isHeld == nil, !all[place].isOvertaken else { continue }
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
/// What came is counted from 20 seconds after the change on and when the cache has as many entries as
/// are to be there, for 40 seconds and, where the ttl is another, for as long as that, an hour at most:
/// entries end in its rhythm. A cache that loses half of its entries meanwhile is waited for to fill
/// again. It is the share of the look-ups that started no fetch, those aside that were refused.
/// It is as foreseen where it differs by no more than a point, or by the forecast's error and that of
/// a count of so few look-ups.
public struct Calibration: Hashable, Sendable, Codable {
    /// By which the cache is addressed.
    public var cache: String
    /// When the bounds were changed, or their change was to be done.
    public var at: AgeInstant
    /// About when what came is known, unless there are too few look-ups until then.
    public var due: AgeInstant
    /// The bounds that they were changed to.
    public var bounds: CacheConfiguration
    /// The hit ratio that was foreseen, 0...1.
    public var said: Double
    /// Half the width of its 95 % bar.
    public var saidError: Double
    /// The hit ratio that was foreseen for the bounds before.
    public var instead: Double?
    /// The hit ratio that came; `nil` where it is not known yet.
    public var came: Double?
    /// How far apart by chance, for so few look-ups as were counted.
    public var cameError: Double?
    /// Whether the cache was changed again before anything could be said, which it never is then.
    public private(set) var isOvertaken = false
    private var counted: Counted?
    /// So many entries are to be there, and until when that is waited for.
    private var entries = 0
    private var fetchesPerSecond = 0.0
    private var filled: AgeInstant
    /// For how long it is counted.
    private var counting = Self.shortest

    private static let settling = Duration.seconds(20)
    private static let shortest = Duration.seconds(40)
    /// It is waited for a cache to fill, and counted, for no longer than a record of look-ups is.
    private static let longest = WhatIfQuery.longest
    /// Fewer look-ups say nothing.
    private static let enough: UInt64 = 50

    private enum CodingKeys: String, CodingKey {
        case cache, at, due, bounds, said, saidError, instead, came, cameError, isOvertaken
    }

    /// - Parameters:
    ///   - before: The bounds before.
    ///   - count: The entries held at the change.
    init(
        cache: String, after before: CacheConfiguration, said: WhatIf, holding count: Int,
        at: AgeInstant
    ) {
        (self.cache, self.at, bounds) = (cache, at, said.bounds)
        (self.said, saidError) = (said.hitRatio, said.hitRatioError)
        if let ttl = bounds.ttl, ttl != before.ttl {
            counting = max(Self.shortest, min(ttl, Self.longest))
        }
        // The last of them come slowly.
        entries = said.entries - said.entries / 10
        fetchesPerSecond = max(said.fetchesPerSecond, 1e-9)
        (filled, due) = (at, at)
        fill(holding: count, from: at)
    }

    /// Waits for the entries that are to be there; so many are.
    private mutating func fill(holding count: Int, from now: AgeInstant) {
        counted = nil
        let filling = Double(max(0, entries - count)) / fetchesPerSecond
        func after(_ seconds: Double) -> AgeInstant {
            now + max(Self.settling, min(Self.longest, .seconds(clamping: seconds)))
        }
        (filled, due) = (after(3 * filling), after(filling) + counting)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        cache = try container.decode(String.self, forKey: .cache)
        at = try container.decode(AgeInstant.self, forKey: .at)
        due = try container.decodeIfPresent(AgeInstant.self, forKey: .due) ?? at
        bounds = try container.decode(CacheConfiguration.self, forKey: .bounds)
        said = try container.decode(Double.self, forKey: .said)
        saidError = try container.decode(Double.self, forKey: .saidError)
        instead = try container.decodeIfPresent(Double.self, forKey: .instead)
        came = try container.decodeIfPresent(Double.self, forKey: .came)
        cameError = try container.decodeIfPresent(Double.self, forKey: .cameError)
        isOvertaken = try container.decodeIfPresent(Bool.self, forKey: .isOvertaken) ?? false
        filled = at
    }

    /// One that is judged.
    package init(
        cache: String, said: WhatIf, came: Double, cameError: Double
    ) {
        self.init(
            cache: cache, after: said.bounds, said: said, holding: said.entries,
            at: AgeInstant(nanoseconds: 0))
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
        var misses: UInt64
        /// Those aside that were refused.
        var lookups: UInt64
        var entries: Int
        var bounds: CacheConfiguration

        init(_ snapshot: CacheSnapshot) {
            (at, bounds, entries) = (snapshot.at, snapshot.configuration, snapshot.count)
            let counters = snapshot.counters
            misses = counters.misses
            lookups = counters.lookups - min(counters.lookups, counters.refused)
        }
    }

    /// It is not to be judged any more, unless it is already.
    mutating func overtake() { if came == nil { isOvertaken = true } }

    /// Takes note of what was counted until now.
    mutating func take(_ now: Counted) {
        // Others have changed the bounds meanwhile.
        if now.bounds != bounds, now.at - at >= Self.settling { return overtake() }
        guard came == nil, now.bounds == bounds, now.at - at >= Self.settling else { return }
        if let before = counted, now.entries < before.entries / 2 {
            fill(holding: now.entries, from: now.at)
        }
        guard let before = counted else {
            guard now.entries >= entries || now.at >= filled else { return }
            counted = now
            due = now.at + counting
            return
        }
        // Looks that were under way at once come in any order.
        guard now.at - before.at >= counting, now.misses >= before.misses,
            now.lookups >= before.lookups, now.lookups - before.lookups >= Self.enough
        else { return }
        let lookups = Double(now.lookups - before.lookups)
        let ratio = max(0, 1 - Double(now.misses - before.misses) / lookups)
        came = ratio
        cameError = 1.96 * (max(ratio * (1 - ratio), 1 / lookups) / lookups).squareRoot()
    }
}
