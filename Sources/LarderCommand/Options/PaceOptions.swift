import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

/// How fast a change is made.
struct PaceOptions: ParsableArguments {
    @Option(
        help: "Over how long what goes is spread, such as 60s, so that not all is fetched at once.",
        transform: parsed { try Units.reserve($0) })
    var spread: Duration?

    @Option(
        help: """
            Fetches a second that the origin may have for it, such as 20/s: what goes is spread \
            over the time that this takes.
            """,
        transform: parsed { try Units.rate($0) })
    var budget: Double?

    func validate() throws {
        guard spread == nil || budget == nil else {
            throw ValidationError("name --spread or --budget: one of them")
        }
        if let spread, !(.zero ... .seconds(86_400)).contains(spread) {
            throw ValidationError("--spread: up to 24h is accepted")
        }
        if let budget, !(0.1...1_000_000).contains(budget) {
            throw ValidationError("--budget: 0.1/s to 1000000/s are accepted")
        }
    }

    /// Over how long a plan is spread; `nil` where it is done at once.
    func spread(of plan: Plan) -> Duration? {
        let time = spread ?? budget.flatMap { plan.spread(within: $0) }
        return time == .zero ? nil : time
    }
}
