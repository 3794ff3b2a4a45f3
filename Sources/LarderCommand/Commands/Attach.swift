import ArgumentParser
import Foundation
import LarderConsole
import LarderInspector
import LarderRemote
import LarderWire

struct Attach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Open the console on a running engine.",
        discussion: """
            Examples:
              larder attach
              larder attach accounts-service
            """)

    @Argument(
        help: """
            The engine's name, or the path of its socket. (default: LARDER_TARGET, then the only one)
            """)
    var engine: String?

    @OptionGroup(title: "Looking")
    var looking: LookingOptions

    @Option(
        help: "How often the console looks.",
        transform: parsed { try Units.duration($0) })
    var refresh = Duration.seconds(1)

    func run() async throws {
        var place: Rendezvous?
        if engine == nil { place = try await Target.choice() }
        try await Self.run(
            try place ?? Target.places(engine)[0], refresh: refresh, looking: looking)
    }

    /// Where the console is to be opened, by a command line that says that and nothing else; `nil`
    /// where it says more, or no engine runs. The parser is not used for it: its own start takes a
    /// good part of the time until the console is seen.
    static func place(plainly words: [String]) async throws -> Rendezvous? {
        guard isatty(1) == 1, ProcessInfo.processInfo.environment["TERM"] != "dumb" else {
            return nil
        }
        switch words {
        case []:
            let makesOne = ProcessInfo.processInfo.environment["LARDER_STORE"] != nil
            return makesOne ? nil : try await Target.choice()
        case [_commandName]: return try await Target.choice()
        default:
            guard words.count == 2, words[0] == _commandName, !words[1].hasPrefix("-") else {
                return nil
            }
            return try Target.places(words[1])[0]
        }
    }

    static func run(
        _ place: Rendezvous, refresh: Duration, looking: LookingOptions
    ) async throws {
        guard looking.isOneLook else {
            return try await open(place, looking.console(refresh: refresh))
        }
        try await with(place) { inspector in
            let look = OneLook(
                report: try await inspector.report(),
                page: try await inspector.entries(looking.query))
            Output.write(look.text(looking.format))
        }
    }

    /// Opens a console on a running engine, until it is quit.
    static func open(_ place: Rendezvous, _ console: Console.Options) async throws {
        let signal = try await with(place) { try await console.run($0, name: place.name) }
        if let signal { throw Ending(signal: signal) }
    }

    private static func with<Value>(
        _ place: Rendezvous, _ work: (RemoteInspector) async throws -> Value
    ) async throws -> Value {
        let inspector: RemoteInspector
        do { inspector = try RemoteInspector(place) } catch {
            say("\(error)")
            throw Ending(status: 69)
        }
        let ended: Result<Value, any Error>
        do { ended = .success(try await work(inspector)) } catch { ended = .failure(error) }
        await inspector.close()
        return try ended.get()
    }
}
