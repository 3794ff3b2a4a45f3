import ArgumentParser
import Foundation
import Larder
import LarderGateway
import LarderInspector
import LarderRemote
import LarderWire

struct SetBounds: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change the bounds of a cache of a running engine.",
        discussion: """
            Examples:
              larder set accounts maxsize=128 ttl=10m
              larder set accounts policy=tinylfu --dry-run
              larder set accounts maxsize=256 --for 10m --yes

            As in ttl_cache(maxsize=64, ttl=300) a bare number is entries or seconds, and of \
            maxbytes bytes: the plan says how it was understood.
            """)

    @Argument(help: "The cache.")
    var cache: String

    @Argument(
        help: """
            maxsize=N, maxbytes=SIZE, ttl=DURATION, jitter=SHARE, policy=NAME, stale=DURATION, \
            negative=DURATION; each but policy may be off, and the first three none.
            """)
    var bounds: [String]

    @Option(
        name: .customLong("for"),
        help: "After how long the bounds go back to what they are now, by themselves, such as 10m.",
        transform: parsed { try Units.duration($0) })
    var lasting: Duration?

    @OptionGroup
    var pace: PaceOptions

    @OptionGroup
    var changing: ChangingOptions

    @OptionGroup
    var target: Target

    private func option() throws -> CacheOption {
        do {
            return try CacheOption(
                parsing: "\(cache):\(bounds.joined(separator: ","))")
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func validate() throws {
        _ = try option()
        if let lasting, !(.seconds(1) ... .seconds(7 * 86_400)).contains(lasting) {
            throw ValidationError("--for: 1s to 7d are accepted")
        }
    }

    func run() async throws {
        let option = try option()
        try await target.each(changing.output.format, reason: changing.reason) { inspector, from in
            let report = try await inspector.report()
            guard let found = report.caches.first(where: { $0.name.isExactly(cache) }) else {
                throw InspectorError(
                    "no cache is called \"\(cache)\"; "
                        + Words.there(are: report.caches.map(\.name)))
            }
            let new = option.applied(to: found.snapshot.configuration)
            try await changing.make(
                .configure(cache: cache, to: new), on: inspector, from,
                seen: found.snapshot.configuration, pace: pace, lasting: lasting)
        }
    }
}
