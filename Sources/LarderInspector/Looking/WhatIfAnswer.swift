public import Larder

/// What is asked of a what-if.
public struct WhatIfQuery: Hashable, Sendable {
    /// By which the cache is addressed.
    public var cache: String
    /// The bounds to try out; `nil` for a grid of sizes and ttls around the present ones, and every
    /// policy.
    public var bounds: CacheConfiguration?
    /// The look-ups of how long ago count, 1 s to ``longest``, as far as they are on record.
    public var window: Duration

    /// The longest window.
    public static let longest = Duration.seconds(3600)

    /// Of an hour and the grid, where nothing else is said.
    public init(
        _ cache: String, _ bounds: CacheConfiguration? = nil, window: Duration = Self.longest
    ) {
        self.cache = cache
        self.bounds = bounds
        self.window = window
    }
}

/// What other bounds would bring, if look-ups go on as they were: a bar has in it by how much those of
/// another time differ by chance.
public struct WhatIfAnswer: Hashable, Sendable, Codable {
    /// By which the cache is addressed.
    public var cache: String
    /// When it was worked out.
    public var at: AgeInstant
    /// What the figures rest on.
    public var basis: WhatIfBasis
    /// The bounds as they are.
    public var present: WhatIf
    /// What was asked for: one point, or a grid as in `WhatIfGrid.points`.
    public var points: [WhatIf]
    /// With a grid, every policy at the present bounds; else empty.
    public var policies: [WhatIf]
    /// What a fetch of the cache costs, as far as that is known.
    public var cost: FetchCost?
    /// That many fetches fail, which no bound mends: the figures are of an origin that answers.
    /// `nil` where few do.
    public var failing: String?
    /// By how much hit ratios will be higher once a new cache has fetched each key for the first time,
    /// as a plan foresees it; `nil` where that is long ago.
    public var firstFetches: Double?
    /// How former forecasts of the cache were held to, the latest last.
    public var kept: [Calibration] = []

    /// With no former forecast, until those are set.
    public init(
        cache: String, at: AgeInstant, basis: WhatIfBasis, present: WhatIf, points: [WhatIf],
        policies: [WhatIf]
    ) {
        self.cache = cache
        self.at = at
        self.basis = basis
        self.present = present
        self.points = points
        self.policies = policies
    }

    init(_ record: LookUpRecord, _ query: WhatIfQuery, of snapshot: CacheSnapshot) async {
        (cache, at, basis) = (query.cache, snapshot.at, record.basis)
        cost = FetchCost()
        cost?.time = snapshot.fetchTimes.mean
        failing = Advice.failing(snapshot)
        if let bounds = query.bounds {
            (present, points) = (record.whatIf(record.present), [record.whatIf(bounds)])
            policies = []
        } else {
            let grid = await record.grid()
            (present, points, policies) = (grid.present, grid.points, grid.policies)
        }
        present = record.toCome(present)
        points = points.map(record.toCome)
        if basis.isWhole {
            firstFetches = record.forecasts(record.present).now.hitRatio - present.hitRatio
        }
        policies = policies.map(record.toCome)
    }
}

/// What one fetch of a cache costs on average, since the engine started.
public struct FetchCost: Hashable, Sendable, Codable {
    /// How long it takes; `nil` before the first.
    public var time: Duration?
    /// Read capacity units; `nil` where the origin counts none.
    public var units: Double?

    /// Nothing is known yet.
    public init() {}

    /// On demand, in us-east-1: 0.125 US dollars a million read request units.
    package static let dollarsPerUnit = 0.125e-6

    /// How long a look-up waits on average; `nil` where that is not known.
    public func wait(_ point: WhatIf) -> Duration? { time.map { $0 * (1 - point.hitRatio) } }

    /// Read capacity units a second.
    public func unitsPerSecond(_ point: WhatIf) -> Double? {
        units.map { $0 * point.fetchesPerSecond }
    }

    /// US dollars a day.
    public func dollarsPerDay(_ point: WhatIf) -> Double? {
        unitsPerSecond(point).map { $0 * 86_400 * Self.dollarsPerUnit }
    }
}

extension Plan {
    /// What is foreseen of new bounds, in words; `nil` where nothing is.
    package var forecast: String? {
        guard let now, let foreseen else { return nil }
        return WhatIfAnswer.sentence(foreseen, instead: now)
    }
}

extension WhatIfAnswer {
    /// A point in words, beside the present bounds: what is asked for, what it brings, and what it
    /// takes.
    public func sentence(on point: WhatIf) -> String {
        Self.sentence(point, instead: present, cost ?? FetchCost())
    }

    /// As ``sentence(on:)``.
    static func sentence(
        _ point: WhatIf, instead present: WhatIf, _ cost: FetchCost = FetchCost()
    ) -> String {
        let isPresent = point.bounds == present.bounds
        let hit = "hit \(WhatIfWords.percent(point.hitRatio, point.hitRatioError))"
        var parts = [
            isPresent ? hit : hit + " instead of \(Format.percent(present.hitRatio))",
            WhatIfWords.fetches(point, isPresent ? nil : present),
        ]
        parts += WhatIfWords.cost(point, isPresent ? nil : present, cost)
        if let stale = point.stale {
            var words = "outdated \(WhatIfWords.share(stale, point.staleError ?? 0))"
            if !isPresent, let now = present.stale, Format.percent(now) != Format.percent(stale) {
                words += " instead of \(Format.percent(now))"
            }
            parts.append(words)
        }
        let more = point.bytes - present.bytes
        if !isPresent, abs(more) >= 1024 {
            parts.append("about \(Format.bytes(abs(more))) \(more > 0 ? "more" : "less")")
        }
        return WhatIfWords.bounds(point.bounds) + ": " + parts.joined(separator: ", ")
    }

    /// What the figures rest on: `20,000 look-ups of the last 10m, of 312 keys`.
    public var basisWords: String {
        let keys =
            basis.rate < 1
            ? "of one key in \(Units.text(1 / basis.rate, digits: 0))"
            : "of \(Units.counted(basis.keys, "key"))"
        // Where look-ups come too fast for the record, it has pauses.
        let isInStretches = basis.rate == 1 && basis.recorded < basis.lookups - basis.lookups / 10
        let stretches = isInStretches ? " in stretches" : ""
        return "\(Units.counted(basis.recorded, "look-up")) of the last "
            + "\(Format.age(max(.seconds(1), basis.window)))\(stretches), \(keys)"
    }

    /// What is to be known before a knob is turned, and then ``advice``.
    public var remarks: [String] { [failing].compactMap(\.self) + advice }

    /// Which knob to turn, how far, and what it would bring; nothing where none is clearly wrong.
    public var advice: [String] {
        guard basis.recorded >= 500, !present.bounds.keepsNothing else { return [] }
        return [roomier, longer].compactMap(\.self)
    }

    /// The smallest size that brings most of what a larger one can, where that is 5 points or more.
    private var roomier: String? {
        let larger = points.filter { point in
            point.bounds.ttl == present.bounds.ttl && point.bounds != present.bounds
                && point.bounds.policy == present.bounds.policy && isLarger(point.bounds)
        }
        func gain(_ point: WhatIf) -> Double {
            point.hitRatio - point.hitRatioError - present.hitRatio - present.hitRatioError
        }
        guard let most = larger.map(gain).max(), most >= 0.05,
            let point = larger.first(where: { gain($0) >= 0.8 * most })
        else { return nil }
        return "\(WhatIfWords.size(point.bounds)) would bring "
            + "\(WhatIfWords.percent(point.hitRatio, point.hitRatioError)) instead of "
            + Format.percent(present.hitRatio)
    }

    private func isLarger(_ bounds: CacheConfiguration) -> Bool {
        bounds.maxsize ?? 0 > present.bounds.maxsize ?? .max
            || bounds.maxbytes ?? 0 > present.bounds.maxbytes ?? .max
    }

    /// The longest ttl at which hardly anything outdated is served, where it spares a tenth of the
    /// fetches.
    private var longer: String? {
        let changes = basis.changes
        guard let ttl = present.bounds.ttl, changes.compared >= 100 else { return nil }
        let spared = points.filter { point in
            let isSame =
                point.bounds.maxsize == present.bounds.maxsize
                && point.bounds.maxbytes == present.bounds.maxbytes
                && point.bounds.policy == present.bounds.policy
            // How old values would grow beyond the record, nobody knows.
            guard isSame, !isBeyondRecord(point), let other = point.bounds.ttl, other > ttl,
                let stale = point.stale
            else { return false }
            return stale + (point.staleError ?? 1) <= 0.01
        }
        guard let point = spared.last else { return nil }
        let fewer = present.fetchesPerSecond - point.fetchesPerSecond
        let error = present.fetchesPerSecondError + point.fetchesPerSecondError
        guard fewer - error > present.fetchesPerSecond / 10, fewer >= 0.05 else { return nil }
        return
            "\(Format.count(changes.changed)) of \(Format.count(changes.compared)) refetches had "
            + "changed: ttl \(Units.text(ttl: point.bounds.ttl)) would spare "
            + "\(Units.text(fewer, digits: 1)) fetches/s, outdated "
            + WhatIfWords.share(point.stale ?? 0, point.staleError ?? 0)
    }
}

/// Figures of what-ifs as people read them.
package enum WhatIfWords {
    /// `91.2% ± 0.8`.
    package static func percent(_ share: Double, _ error: Double) -> String {
        error < 0.0005
            ? Format.percent(share)
            : Format.percent(share) + " ± " + Units.text(error * 100, digits: 1)
    }

    /// The same of a small share: where it is next to nothing, the most it may be.
    package static func share(_ share: Double, _ error: Double) -> String {
        share < 0.0005 && error >= 0.0005
            ? "at most \(Format.percent(share + error))" : percent(share, error)
    }

    static func fetches(_ point: WhatIf, _ present: WhatIf?) -> String {
        guard let present else {
            return "\(rate(point.fetchesPerSecond)) fetches/s"
        }
        let more = point.fetchesPerSecond - present.fetchesPerSecond
        guard abs(more) >= 0.05 else { return "as many fetches/s" }
        return "\(rate(abs(more))) fetches/s \(more > 0 ? "more" : "fewer")"
    }

    private static func rate(_ perSecond: Double) -> String {
        perSecond < 999.5
            ? Units.text(perSecond, digits: 1) : Format.count(Int(clamping: perSecond))
    }

    /// What a look-up waits on average, and what the reads cost.
    static func cost(_ point: WhatIf, _ present: WhatIf?, _ cost: FetchCost) -> [String] {
        var parts: [String] = []
        if let wait = cost.wait(point) {
            let (text, before) = (Format.took(wait), present.flatMap(cost.wait).map(Format.took))
            let instead = before.flatMap { $0 == text ? nil : " instead of \($0)" } ?? ""
            parts.append("a look-up waits \(text)\(instead)")
        }
        if let dollars = cost.dollarsPerDay(point) {
            let more = present.flatMap(cost.dollarsPerDay).map { dollars - $0 }
            // Below a cent a day nobody turns a knob for it.
            if let more, abs(more) >= 0.01 {
                parts.append(
                    "$\(Units.text(abs(more), digits: 2)) a day \(more > 0 ? "more" : "less")")
            } else if more == nil, dollars >= 0.01 {
                parts.append("$\(Units.text(dollars, digits: 2)) a day")
            }
        }
        return parts
    }

    /// `maxsize 128, ttl 10m, lru`.
    package static func bounds(_ bounds: CacheConfiguration) -> String {
        "\(size(bounds)), ttl \(Units.text(ttl: bounds.ttl)), \(bounds.policy)"
    }

    package static func size(_ bounds: CacheConfiguration) -> String {
        guard let maxbytes = bounds.maxbytes else {
            return "maxsize \(Units.text(maxsize: bounds.maxsize))"
        }
        let bytes = "maxbytes \(Units.text(maxbytes: maxbytes))"
        return bounds.maxsize.map { "maxsize \($0), \(bytes)" } ?? bytes
    }
}
