import Foundation
import Larder
import LarderInspector

/// The thresholds of a check, and what is found by them.
struct Alarms {
    var warning: [Threshold]
    var critical: [Threshold]

    /// As Nagios and its like have them.
    enum State: String, CaseIterable {
        case ok, warning, critical, unknown

        var status: Int32 { Int32(Self.allCases.firstIndex(of: self)!) }

        /// What is critical is told before what is not known.
        static func worst(_ states: [State]) -> State {
            [.critical, .unknown, .warning].first { states.contains($0) } ?? .ok
        }
    }

    /// Whether there is anything to compare with.
    var compares: Bool { !(warning + critical).isEmpty }

    /// What is compared; all there is where nothing was said.
    var measures: [Measure] {
        let named = Set((warning + critical).map(\.measure))
        return Measure.allCases.filter { named.isEmpty || named.contains($0) }
    }

    func findings(_ measured: Measured, over: Duration, engine: String?) -> [Finding] {
        measures.map { measure in
            let value = measured.values[measure]
            let warning = warning.filter { $0.measure == measure }
            let critical = critical.filter { $0.measure == measure }
            func passed(_ thresholds: [Threshold]) -> Threshold? {
                value.flatMap { value in thresholds.first { $0.isPassed(by: value) } }
            }
            let beyond = passed(critical) ?? passed(warning)
            // What was asked for and is not known is not well: nobody counted.
            let isUnknown =
                value == nil && measure.isOverTime && !measured.hasNoLookUps(measure)
                && compares
            let state: State =
                passed(critical) != nil
                ? .critical : beyond != nil ? .warning : isUnknown ? .unknown : .ok
            return Finding(
                engine: engine, cache: measured.cache, measure: measure, value: value,
                lookUps: measured.lookUps, over: over, warning: warning.first,
                critical: critical.first, passed: beyond, state: state)
        }
    }

    /// The line that Nagios reads: what is wrong first, and the values behind a bar.
    ///
    /// - Parameter compares: False where no threshold was given: what is well was not compared.
    static func line(
        _ state: State, _ findings: [Finding], _ problems: [String], compares: Bool = true
    ) -> String {
        let wrong = findings.filter { $0.state != .ok }.map(\.sentence)
        let remark = compares ? [] : ["no threshold is given, nothing was compared"]
        let fine = problems.isEmpty && wrong.isEmpty ? findings.map(\.sentence) : []
        let told = problems + wrong + remark + fine
        let words = replaced(PlainText.fit(told.joined(separator: "; ")), "|", by: "?")
        let values = findings.map(\.performance).joined(separator: " ")
        return "LARDER \(state.rawValue.uppercased()): \(words.isEmpty ? "no cache" : words)"
            + (values.isEmpty ? "" : " | \(values)")
    }

    /// By scalars: a sign with an accent behind it is another `Character` of the same bytes.
    fileprivate static func replaced(_ text: String, _ signs: String, by sign: Unicode.Scalar)
        -> String
    {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            shown.append(signs.unicodeScalars.contains(scalar) ? sign : scalar)
        }
        return String(shown)
    }
}

/// A value of a cache beside its thresholds.
struct Finding {
    var engine: String?
    var cache: String
    var measure: Measure
    /// `nil` where it cannot be told.
    var value: Double?
    var lookUps: UInt64
    var over: Duration
    var warning: Threshold?
    var critical: Threshold?
    var passed: Threshold?
    var state: Alarms.State

    private var name: String { (engine.map { "\($0) " } ?? "") + cache }

    var sentence: String {
        guard let value else {
            let why =
                state == .unknown
                ? "unknown: there is no record of these \(Units.text(over)), the engine or the cache "
                    + "has just started"
                : measure == .hit ? "no look-ups in \(Units.text(over))" : "not known"
            return "\(name) \(measure.rawValue) -, \(why)"
        }
        let window = measure.isOverTime ? " in \(Units.text(over))" : ""
        let whole =
            measure == .hit ? " of \(Units.counted(Int(clamping: lookUps), "look-up"))" : ""
        let limit = passed.map { " (\($0))" } ?? ""
        return "\(name) \(measure.rawValue) \(measure.text(value))\(whole)\(window)\(limit)"
    }

    /// As Nagios' guidelines have performance data: `'label'=value[unit];warn;critical;min;max`.
    var performance: String {
        // What would end the label, the field or the line.
        let label = Alarms.replaced(
            PlainText.fit("\(name) \(measure.rawValue)"), "'=|", by: "_")
        let unit = [.share: "%", .bytes: "B", .seconds: "s"][measure.unit] ?? ""
        let ends = measure == .hit ? ";0;100" : ";0;"
        let figure = value.map { number($0) + unit } ?? "U"
        return "'\(label)'=\(figure);\(range(warning));\(range(critical))\(ends)"
    }

    private func number(_ value: Double) -> String {
        let digits = Units.text(measure.unit == .share ? value * 100 : value, digits: 3)
        var short = Substring(digits)
        if short.contains(".") {
            while short.last == "0" { short.removeLast() }
            if short.last == "." { short.removeLast() }
        }
        return String(short)
    }

    /// What is well, in the guidelines' words: `80:` is 80 and more, `50` is 0 to 50.
    private func range(_ threshold: Threshold?) -> String {
        guard let threshold else { return "" }
        let value = number(threshold.value)
        return [.below, .atMost].contains(threshold.comparison) ? "\(value):" : value
    }

    static let names = [
        "engine", "cache", "measure", "value", "lookups", "over", "warning", "critical", "state",
    ]

    var fields: [Field] {
        [
            Field("engine", engine), Field("cache", cache), Field("measure", measure.rawValue),
            Field("value", number: value), Field("lookups", count: lookUps),
            Field("over", number: over.inSeconds), Field("warning", warning?.description),
            Field("critical", critical?.description), Field("state", state.rawValue),
        ]
    }
}
