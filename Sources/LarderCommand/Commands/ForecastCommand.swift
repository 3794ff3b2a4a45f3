import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct ForecastCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast",
        abstract: "Print how many entries of a running engine end when, and whether a storm comes.",
        discussion: """
            Of the entries that are held now and end, those that were hit within the last minute are \
            fetched again, and of those that were only written within it as many as are asked for more \
            than once. It is a storm where within five seconds clearly more of them come than the \
            budget allows, or at least 20 and clearly more than twice as many as in five seconds of \
            the last minute. Entries that are \
            fetched, end and are fetched again are counted once; what is missed comes on top.
            """)

    @Option(
        help: "How wide a bucket is.", transform: parsed { try Units.duration($0) })
    var width = Duration.seconds(10)

    @Option(help: "How many buckets are looked at, up to 1000.")
    var count = 90

    @Option(
        help: "Fetches a second that the origin may have, such as 20/s.",
        transform: parsed { try Units.rate($0) })
    var budget = 50.0

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func validate() throws {
        guard (1...1000).contains(count) else {
            throw ValidationError("--count \(count): 1 to 1000 are accepted")
        }
        guard (.milliseconds(100) ... .seconds(86_400)).contains(width) else {
            throw ValidationError("--width: 100ms to 24h are accepted")
        }
        guard (0.1...1_000_000).contains(budget) else {
            throw ValidationError("--budget: 0.1/s to 1000000/s are accepted")
        }
    }

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let forecast = try await inspector.forecast(width: width, count: count)
            if output.format == .text { Output.print(verdict(forecast)) }
            let fetches = forecast.fetches.map { Double($0) }
            let buckets = zip(forecast.ending, fetches).enumerated()
            let records = buckets.compactMap { place, bucket -> [Field]? in
                // What is empty says nothing to people.
                guard bucket.0 > 0 || output.format != .text else { return nil }
                let start = width * place
                return [
                    Field("from", seconds: start, text: "in \(Units.text(start))"),
                    Field("ending", count: bucket.0), Field("fetches", number: bucket.1),
                    Field("perSecond", number: bucket.1 / width.inSeconds),
                ]
            }
            output.print(records, ["from", "ending", "fetches", "perSecond"], from)
        }
    }

    /// What comes at once is not spread over a bucket: the peak of a few seconds decides, however
    /// wide a bucket is.
    private func verdict(_ forecast: Forecast) -> String {
        let now =
            forecast.rate.map { "\(Units.text($0, digits: 1)) a second in the last minute, " } ?? ""
        let beside = "; \(now)and a budget of \(Units.text(budget, digits: 1)) a second"
        func words(_ peak: Forecast.Peak) -> String {
            let left = max(.zero, peak.at - forecast.at)
            return "\(Units.text(peak.rate, digits: 1)) fetches a second, in \(Units.text(left))"
        }
        if let storm = forecast.storm(beyond: budget, at: forecast.at) {
            return "STORM of \(storm.cache): \(words(storm.peak)), \(storm.rule.words)"
        }
        let peaks = forecast.caches.compactMap(\.peak)
        guard let most = peaks.max(by: { $0.fetches < $1.fetches }) else {
            return "no storm: nothing ends that was hit lately\(beside)"
        }
        let isBeyond = forecast.rate.map { $0 > budget } ?? false
        return
            (isBeyond
            ? "no storm beside the fetches of the last minute, which are beyond the budget"
            : "no storm")
            + ": of what is held now, at most \(words(most))\(beside)"
    }
}
