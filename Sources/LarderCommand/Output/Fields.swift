import Foundation
import Larder
import LarderInspector

/// One field of a result: called alike in every format.
struct Field {
    var name: String
    /// For programs: times in seconds, sizes in bytes, shares 0 to 1. JSON has it as it is, and CSV
    /// as its text.
    var value: Shown
    /// For people.
    var text: String

    init(_ name: String, _ value: Shown, text: String? = nil) {
        self.name = name
        self.value = value
        self.text = text ?? Self.figure(value)
    }

    init(_ name: String, _ text: String?) {
        self.init(name, text.map { .text($0) } ?? .null)
    }

    init(_ name: String, count: some BinaryInteger) { self.init(name, .number("\(count)")) }

    init(_ name: String, bytes: Int) {
        self.init(name, .number("\(bytes)"), text: Units.words(bytes: bytes))
    }

    init(_ name: String, share: Double?) {
        self.init(
            name, share.map { Self.number($0) } ?? .null,
            text: Format.percent(share))
    }

    init(_ name: String, number: Double?, text: String? = nil) {
        self.init(name, number.map { Self.number($0) } ?? .null, text: text)
    }

    init(_ name: String, seconds: Duration?, text: String) {
        self.init(name, number: seconds?.inSeconds, text: text)
    }

    /// To the thousandth.
    private static func number(_ number: Double) -> Shown {
        let digits = "\((number * 1000).rounded() / 1000)"
        return .number(digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits)
    }

    /// As it stands in CSV.
    var figure: String { Self.figure(value) }

    private static func figure(_ value: Shown) -> String {
        switch value {
        case .text(let text): text
        case .number(let digits): digits
        case .bool(let bool): "\(bool)"
        case .null: ""
        case .list, .fields: value.json
        }
    }
}

extension [Field] {
    /// As an object of JSON; what is not there is left out.
    var object: Shown {
        .fields(filter { $0.value != .null }.map { Shown.Field($0.name, $0.value) })
    }
}

extension ProcessMemory {
    var fields: [Field] {
        [("resident", resident), ("limit", limit)].map { name, bytes in
            bytes.map { Field(name, bytes: $0) } ?? Field(name, .null, text: "-")
        }
    }
}

extension EntryRow {
    /// What stands in a column.
    func field(_ column: EntryColumn, at now: AgeInstant) -> Field {
        let name = column.rawValue
        return switch column.cell(of: self, at: now) {
        case .text(let text) where column == .state:
            Field(name, .text(text), text: stateWords(at: now))
        case .text(let text): Field(name, text)
        case .count(let count): Field(name, count: count)
        case .bytes(let bytes): Field(name, bytes: bytes)
        // What is there past its end says for how long it has been.
        case .left(let time?) where time <= .seconds(-1):
            Field(name, seconds: time, text: "-" + Format.age(.zero - time))
        case .left(let time): Field(name, seconds: time, text: Format.left(time))
        case .passed(let time):
            Field(name, seconds: time, text: time.map(Format.age) ?? "-")
        case .took(let time):
            Field(name, seconds: time, text: time == .zero ? "-" : Format.took(time))
        case .rate(let rate): Field(name, number: rate, text: Format.perSecond(rate))
        case .turn(let turn):
            Field(name, turn.map { .number("\($0)") } ?? .null, text: turn.map { "\($0)" } ?? "-")
        }
    }

    /// All that is known of an entry; of one that failed also why, how often in a row, and the
    /// seconds to the next try.
    func fields(at now: AgeInstant) -> [Field] {
        let trouble = refresh?.trouble
        let waiting = refresh?.waiters ?? 0
        func passed(_ name: String, _ begin: AgeInstant?) -> Field {
            let time = begin.map { now - $0 }
            return Field(name, seconds: time, text: time.map { Format.age($0) } ?? "-")
        }
        func left(_ name: String, _ end: AgeInstant?) -> Field {
            let time = end.map { $0 - now }
            return Field(name, seconds: time, text: Format.left(time))
        }
        return EntryColumn.allCases.map { field($0, at: now) }
            + [
                Field("failure", trouble?.reason), Field("failureKind", trouble?.failure.rawValue),
                Field("failures", trouble.map { .number("\($0.failures)") } ?? .null),
                passed("firstFailure", trouble?.since), passed("lastFailure", trouble?.last),
                Field("refusals", trouble.map { .number("\($0.refusals)") } ?? .null),
                left("nextTry", trouble?.until),
                Field("waiting", waiting > 0 ? .number("\(waiting)") : .null),
            ]
    }
}

extension CacheReport {
    /// The bounds of a cache and what it holds.
    var boundFields: [Field] {
        let bounds = snapshot.configuration
        return [
            Field("cache", name), Field("entries", count: snapshot.count),
            Field(
                "maxsize", bounds.maxsize.map { .number("\($0)") } ?? .null,
                text: Units.text(maxsize: bounds.maxsize)),
            Field("ttl", seconds: bounds.ttl, text: Units.text(ttl: bounds.ttl)),
            Field("policy", "\(bounds.policy)"), Field("bytes", bytes: snapshot.bytes),
            Field("hit", share: snapshot.counters.hitRatio),
            Field(
                "maxbytes", bounds.maxbytes.map { .number("\($0)") } ?? .null,
                text: bounds.maxbytes.map { Units.words(bytes: $0) } ?? "none"),
            Field("jitter", number: bounds.jitter, text: Units.text(jitter: bounds.jitter)),
            Field(
                "stale", seconds: bounds.staleIfError,
                text: Units.text(reserve: bounds.staleIfError)),
            Field(
                "negative", seconds: bounds.negativeTTL,
                text: Units.text(reserve: bounds.negativeTTL)),
        ]
    }

    /// What a cache has counted since it was made.
    var countFields: [Field] {
        let counters = snapshot.counters
        let counts: [(String, UInt64)] = [
            ("hits", counters.hits), ("misses", counters.misses),
            ("coalesced", counters.coalesced), ("refused", counters.refused),
            ("failed", counters.failed), ("evicted", counters.evicted),
            ("expired", counters.expired), ("invalidated", counters.invalidated),
            ("replaced", counters.replaced), ("unused", counters.unused),
            ("ghostEvicted", counters.ghostEvicted), ("ghostExpired", counters.ghostExpired),
            ("servedStale", counters.servedStale), ("oversized", counters.oversized),
        ]
        return counts.map { Field($0.0, count: $0.1) }
            + failureFigures.map { Field($0.name, count: $0.count) }
            + ghostFigures.map { Field($0.name, share: $0.share) }
            + [
                Field(
                    "ghostWindow", seconds: ghostWindow,
                    text: ghostWindow.map(Advice.words) ?? "-")
            ]
            + [Field("flights", count: snapshot.flights)]
    }

    /// Both, each once, and what they say of the bounds.
    var fields: [Field] { boundFields + countFields + [advice] }

    private var advice: Field {
        Field(
            "advice",
            .list(
                Advice.of(snapshot).map { advice in
                    [
                        Field("knob", advice.knob.rawValue), Field("share", share: advice.share),
                        Field("window", seconds: advice.window, text: Advice.words(advice.window)),
                        Field("sentence", advice.sentence),
                    ].object
                }))
    }
}

extension OriginReport {
    /// What an operation of an origin came to.
    var fields: [Field] {
        let reasons = failures.sorted { $0.key < $1.key }
        func time(_ name: String, _ share: Double) -> Field {
            let time = latency.quantile(share)
            return Field(name, seconds: time, text: time.map { Format.took($0) } ?? "-")
        }
        return [
            Field("operation", name), Field("calls", count: calls),
            Field("retries", count: retries), Field("throttled", count: throttles),
            Field("failed", count: failed),
            Field(
                "failures",
                .fields(reasons.map { Shown.Field($0.key, .number("\($0.value)")) }),
                text: reasons.map { "\($0.key) \($0.value)" }.joined(separator: ", ")),
            time("p50", 0.5), time("p99", 0.99), Field("saved", count: savedCalls),
            Field("capacity", number: capacity), Field("savedCapacity", number: savedCapacity),
            Field("savedDollars", savedDollars.map { .number("\($0)") } ?? .null),
        ]
    }
}

extension GatewayReport.Asker {
    /// What came of one identity's requests for one table.
    var fields: [Field] {
        [
            Field("table", table), Field("by", identity), Field("requests", count: requests),
            Field("hits", count: hits), Field("joined", count: joined),
            Field("misses", count: misses), Field("stale", count: stale),
            Field("passed", count: passed), Field("refused", count: refused),
            Field("saved", count: savedCalls),
            Field(
                "savedTime", number: savedSeconds,
                text: savedSeconds.map { Format.age(.seconds(clamping: $0)) } ?? "-"),
            Field("savedCapacity", number: savedCapacity),
            Field("savedDollars", savedDollars.map { .number("\($0)") } ?? .null),
            Field(
                "agents", .list(agents.map { .text($0) }), text: agents.joined(separator: ", ")),
            Field(
                "processes",
                processes.map { processes in
                    .list(
                        processes.map {
                            .fields([
                                .init("pid", .number("\($0.pid)")), .init("name", .text($0.name)),
                            ])
                        })
                } ?? .null,
                text: (processes ?? []).map(\.words).joined(separator: ", ")),
        ]
    }
}
