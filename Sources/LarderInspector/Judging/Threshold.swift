public import Larder

/// What somebody may want to be told of a cache: the same in `larder check` and in the console.
public enum Measure: String, Hashable, Sendable, Codable, CaseIterable {
    /// ``meaning`` says what each is.
    case hit, lookups, misses, fetches, failures, refused, evicted, expired, entries, bytes, stale
    /// Time until the first value ends that has an end of its own.
    case expiry

    /// The unit of a measure's values.
    public enum Unit: Hashable, Sendable {
        /// A part of a whole, 0...1.
        case share
        /// So often a second.
        case rate
        /// So many entries, bytes, seconds.
        case count, bytes, seconds
    }

    /// The unit of its values.
    public var unit: Unit {
        switch self {
        case .hit: .share
        case .lookups, .misses, .fetches, .failures, .refused, .evicted, .expired: .rate
        case .entries, .stale: .count
        case .bytes: .bytes
        case .expiry: .seconds
        }
    }

    /// Whether it is counted over some time, and so takes two looks.
    public var isOverTime: Bool { [.share, .rate].contains(unit) }

    /// What it is, for help.
    public var meaning: String {
        switch self {
        case .hit: "the share of the look-ups that were hits"
        case .lookups: "look-ups a second"
        case .misses: "misses a second"
        case .fetches: "fetches that came to an end, a second"
        case .failures: "fetches that failed, a second, absent things not among them"
        case .refused: "look-ups answered by a failure that is remembered, a second"
        case .evicted: "entries evicted, a second"
        case .expired: "entries expired, a second"
        case .entries: "entries held"
        case .bytes: "bytes of the entries held"
        case .stale: "entries that are stale: served past their end because fetches fail, or marked"
        case .expiry:
            "time until the first value ends that has an end of its own, as credentials have"
        }
    }

    /// How its values are written.
    public var accepted: String {
        switch unit {
        case .share: "80% or 0.8"
        case .rate: "50/s, 100/m or 5000/h"
        case .count: "a whole number such as 1000"
        case .bytes: "bytes, or 512K, 64M or 2G"
        case .seconds: "90, 300s, 5m or 1h30m"
        }
    }

    /// A value of it, for people.
    public func text(_ value: Double) -> String {
        switch unit {
        case .share: Format.percent(value)
        case .rate: Units.text(value, digits: 1) + "/s"
        case .count: "\(Int(clamping: value))"
        case .bytes: Units.words(bytes: Int(clamping: value))
        case .seconds: Units.text(.seconds(clamping: value.rounded()))
        }
    }

    fileprivate func value(_ text: String) throws(UnitError) -> Double {
        switch unit {
        case .share: return try Units.share(text)
        case .rate: return try Units.rate(text)
        case .bytes:
            guard let bytes = Units.bytes(text) else {
                throw UnitError("\"\(text)\" is no number of bytes")
            }
            return Double(bytes)
        case .seconds: return try Units.duration(text).inSeconds
        case .count:
            guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(text) else {
                throw UnitError("\"\(text)\" is no whole number")
            }
            return Double(number)
        }
    }
}

/// Why a threshold cannot be read, and where.
public struct ThresholdError: Error, Hashable, Sendable, CustomStringConvertible {
    /// In a sentence, without the place.
    public let sentence: String
    /// The threshold as it was written.
    public let text: String
    /// How many of its characters stand before the one that makes no sense.
    public let place: Int

    /// The sentence, the threshold, and a caret under the place.
    public var description: String {
        "\(sentence)\n  \(text)\n  \(String(repeating: " ", count: place))^"
    }
}

/// A value beyond which somebody wants to be told: `hit<80%`, `fetches>50/s`, `entries>=1000`.
public struct Threshold: Hashable, Sendable, CustomStringConvertible {
    /// On which side of its value a threshold is passed; the value itself is beyond ``atMost`` and
    /// ``atLeast``.
    public enum Comparison: String, Hashable, Sendable, CaseIterable {
        /// The value, and what is less.
        case atMost = "<="
        /// The value, and what is more.
        case atLeast = ">="
        /// What is less.
        case below = "<"
        /// What is more.
        case above = ">"
    }

    /// What is watched.
    public let measure: Measure
    /// On which side of ``value`` somebody wants to be told.
    public let comparison: Comparison
    /// As the measure has it: a share is 0...1, a rate is a second's.
    public let value: Double
    /// As it was written, without blanks.
    public let description: String

    /// - Throws: ``ThresholdError``, with the place.
    public init(_ text: String) throws(ThresholdError) {
        func refuse(_ sentence: String, _ place: Int) -> ThresholdError {
            ThresholdError(sentence: sentence, text: text, place: place)
        }
        func place(_ rest: Substring) -> Int {
            text.distance(from: text.startIndex, to: rest.startIndex)
        }
        var rest = text.drop { $0 == " " }
        let name = rest.prefix { $0.isLetter }
        guard let measure = Measure(rawValue: String(name)) else {
            let names = Measure.allCases.map(\.rawValue).joined(separator: ", ")
            throw refuse("one of \(names) is expected here", place(rest))
        }
        rest = rest.dropFirst(name.count).drop { $0 == " " }
        let head = rest
        guard let comparison = Comparison.allCases.first(where: { head.hasPrefix($0.rawValue) })
        else { throw refuse("<, <=, > or >= is expected here", place(rest)) }
        rest = rest.dropFirst(comparison.rawValue.count).drop { $0 == " " }
        var amount = rest
        while amount.last == " " { amount.removeLast() }
        guard !amount.isEmpty else {
            throw refuse("a value is expected here: \(measure.accepted)", place(rest))
        }
        do { value = try measure.value(String(amount)) } catch {
            throw refuse(
                "\"\(amount)\" does not go with \(name): write \(measure.accepted)", place(rest))
        }
        self.measure = measure
        self.comparison = comparison
        description = "\(name)\(comparison.rawValue)\(amount)"
    }

    /// Whether a value lies beyond it.
    public func isPassed(by value: Double) -> Bool {
        switch comparison {
        case .below: value < self.value
        case .atMost: value <= self.value
        case .above: value > self.value
        case .atLeast: value >= self.value
        }
    }
}

/// What can be measured of a cache by two looks at it; what cannot be told is absent.
public struct Measured: Hashable, Sendable {
    /// The cache's name.
    public var cache: String
    /// By measure, each in its ``Measure/unit``.
    public var values: [Measure: Double] = [:]
    /// Look-ups between the two.
    public var lookUps: UInt64 = 0
    /// Whether something was counted from one look to the other: not where there was one look, or
    /// where whoever counts has started anew in between.
    public var hasRecord = false

    /// Whether a measure has no value though there is a record, since nobody looked anything up.
    public func hasNoLookUps(_ measure: Measure) -> Bool {
        measure == .hit && hasRecord && lookUps == 0
    }

    /// - Parameters:
    ///   - now: The cache at the second look.
    ///   - before: The same cache of the same engine, some time ago; `nil` where it was not looked
    ///     at.
    public init(_ now: CacheReport, since before: CacheReport? = nil) {
        cache = now.name
        values[.entries] = Double(now.snapshot.count)
        values[.bytes] = Double(now.snapshot.bytes)
        guard let before else { return }
        let (new, old) = (now.snapshot, before.snapshot)
        let seconds = (new.at - old.at).inSeconds
        func counted(_ count: (CacheSnapshot) -> UInt64) -> UInt64? {
            // Whoever counts less than before has started anew.
            count(new) >= count(old) ? count(new) - count(old) : nil
        }
        hasRecord = seconds > 0 && Self.counts.allSatisfy { counted($0.1) != nil }
        for (measure, count) in Self.counts {
            guard seconds > 0, let times = counted(count) else { continue }
            values[measure] = Double(times) / seconds
        }
        lookUps = counted(\.counters.lookups) ?? 0
        if lookUps > 0, let hits = counted(\.counters.hits) {
            values[.hit] = Double(hits) / Double(lookUps)
        }
    }

    private static let counts: [(Measure, @Sendable (CacheSnapshot) -> UInt64)] = [
        (.lookups, { $0.counters.lookups }), (.misses, { $0.counters.misses }),
        (.fetches, { $0.fetchTimes.count &+ $0.counters.fetchFailures }),
        (.failures, { $0.counters.failed }), (.refused, { $0.counters.refused }),
        (.evicted, { $0.counters.evicted }), (.expired, { $0.counters.expired }),
    ]

    /// Adds what only rows say: how many are stale, and the one whose value ends first.
    public mutating func add(stale: Int, ending: EntryRow?, at now: AgeInstant) {
        values[.stale] = Double(stale)
        if let expiry = ending?.expiry { values[.expiry] = max(0, (expiry - now).inSeconds) }
    }
}
