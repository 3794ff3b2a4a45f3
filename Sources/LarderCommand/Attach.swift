import ArgumentParser
import Foundation
import LarderConsole
import LarderInspector
import LarderSocket

struct Attach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open the console on a running engine.",
        discussion: """
            Examples:
              larder attach
              larder attach accounts-service
            """)

    @Argument(help: "The engine's name, or the path of its socket. (default: the only one)")
    var engine: String?

    @OptionGroup(title: "Looking")
    var looking: LookingOptions

    @Option(
        help: "How often the console looks.",
        transform: parsed("--refresh") { try Units.duration($0) })
    var refresh = Duration.seconds(1)

    func run() async throws {
        let place: Rendezvous
        if let engine {
            var target = try Target.parse([])
            target.target = engine
            place = try target.places()[0]
        } else if let chosen = try await Target.choice() {
            place = chosen
        } else {
            place = try Target.parse([]).places()[0]
        }
        try await Self.run(place, refresh: refresh, looking: looking, isReadOnly: false)
    }

    static func run(
        _ place: Rendezvous, refresh: Duration, looking: LookingOptions, isReadOnly: Bool
    ) async throws {
        let inspector: RemoteInspector
        do { inspector = try RemoteInspector(place) } catch {
            say("\(error)")
            throw Ending(status: 69)
        }
        let ended: Result<Int32?, any Error>
        do {
            if looking.isOneLook {
                let look = OneLook(
                    report: try await inspector.report(),
                    page: try await inspector.entries(looking.query))
                print(look.text(looking.format), terminator: "")
                ended = .success(nil)
            } else {
                ended = .success(
                    try await looking.runConsole(
                        inspector, name: place.name, refresh: refresh))
            }
        } catch {
            ended = .failure(error)
        }
        await inspector.close()
        if let signal = try ended.get() { throw Ending(status: 128 + signal) }
    }
}
