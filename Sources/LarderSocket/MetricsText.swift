import Foundation
import Larder
public import LarderInspector
import LarderWire

extension EngineReport {
    /// What `/metrics` says of it, in Prometheus' text form, for a route of a service's own; its
    /// type is ``metricsType``.
    public var metricsText: String { MetricsText.text(self) }

    /// The media type of ``metricsText``.
    public static var metricsType: String { MetricsText.Form.prometheus.type }
}

/// The metrics of a report in Prometheus' text form, or in OpenMetrics, which came of it.
enum MetricsText {
    enum Form {
        case prometheus, openMetrics

        /// OpenMetrics where it is named and nothing better is: that is how Prometheus asks.
        init(_ accepted: AcceptHeader) {
            let open = accepted.quality(
                of: "application/openmetrics-text", versions: ["0.0.1", "1.0.0"])
            let plain = accepted.quality(of: "text/plain", versions: ["0.0.4"])
            self = open > 0 && open >= plain ? .openMetrics : .prometheus
        }

        var type: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    static func text(_ report: EngineReport, _ form: Form = .prometheus) -> String {
        var lines: [String] = []
        for family in Metric.all {
            let samples = family.samples(report)
            guard !samples.isEmpty else { continue }
            // To OpenMetrics the ending belongs to the sample, and not to the metric's name.
            let name =
                Metric.prefix + family.name + (form == .openMetrics ? "" : family.kind.suffix)
            lines += [
                "# HELP \(name) \(family.help)", "# TYPE \(name) \(family.kind.word(form))",
            ]
            lines += samples.map { Metric.prefix + family.name + line($0) }
        }
        if form == .openMetrics { lines.append("# EOF") }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func line(_ sample: Metric.Sample) -> String {
        let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value))\"" }
            .joined(separator: ",")
        return sample.suffix + (labels.isEmpty ? "" : "{\(labels)}")
            + " \(Metric.number(sample.value))"
    }

    /// A label's value. A line's end of two characters is one `Character` to Swift, and an accent
    /// makes another of a quote: it is looked at scalar by scalar.
    ///
    /// Prometheus knows `\\`, `\"` and `\n`, and its readers refuse other escapes. Whatever else could
    /// end a line, or a text, for some of them is shown instead, as the label will read.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\\\r"
            case _ where endings.contains(scalar.properties.generalCategory):
                escaped += "\\\\u{\(String(scalar.value, radix: 16))}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static let endings: [Unicode.GeneralCategory] = [
        .control, .lineSeparator, .paragraphSeparator,
    ]
}

extension Metric.Kind {
    /// As a line of `TYPE` names it.
    fileprivate func word(_ form: MetricsText.Form) -> String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .info: form == .openMetrics ? "info" : "gauge"
        }
    }
}
