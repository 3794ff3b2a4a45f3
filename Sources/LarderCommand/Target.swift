import ArgumentParser
import Foundation
import LarderInspector
import LarderSocket

/// `--target`: which of the running engines is meant.
struct Target: ParsableArguments {
    @Option(
        help: """
            The running engine: its name, the path of its socket, or all. (default: the only one)
            """)
    var target: String?

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// The engines that are meant; never a guess.
    ///
    /// - Throws: ``Ending`` with 69 where none runs, 64 where several do and none is named.
    func places() throws -> [Rendezvous] { try Self.places(target) }

    static func places(_ target: String?) throws -> [Rendezvous] {
        try Room.check(.talking)
        switch target {
        case nil:
            let all = Rendezvous.all(environment)
            if all.isEmpty { throw nobody }
            guard all.count == 1 else {
                say("several engines are running; name one with --target, or all:")
                for place in all { say("  \(place.name)  \(place.socket)") }
                throw Ending(status: 64)
            }
            return all
        case "all":
            let all = Rendezvous.all(environment)
            if all.isEmpty { throw nobody }
            return all
        case let named?:
            do {
                let place = try Rendezvous.named(named, environment)
                try RemoteInspector.check(place)
                return [place]
            } catch {
                say("\(error)")
                throw Ending(status: 69)
            }
        }
    }

    /// Whether an engine that runs is meant: not where none is named and none runs, or an origin of
    /// its own was asked for.
    func isRunning(unless namesAnOrigin: Bool) -> Bool {
        if target != nil { return true }
        return !namesAnOrigin && Self.environment["LARDER_STORE"] == nil
            && !Rendezvous.all(Self.environment).isEmpty
    }

    private static var nobody: Ending {
        say("no engine is running here; larder serve starts one")
        return Ending(status: 69)
    }

    /// The one to look into where nothing was said: the only one, or the one chosen at the terminal;
    /// `nil` where none runs.
    static func choice() async throws -> Rendezvous? {
        try Room.check(.talking)
        let all = Rendezvous.all(environment)
        guard all.count > 1 else { return all.first }
        guard isatty(0) == 1, isatty(2) == 1 else { return try places(nil).first }
        say("several engines are running:")
        for (number, place) in all.enumerated() {
            say("  \(number + 1)  \(await EngineLine.text(place))")
        }
        guard Notes.write("which? "), let line = readLine(), let number = Int(line), number > 0,
            number <= all.count
        else {
            throw Ending(status: 64)
        }
        return all[number - 1]
    }

    /// Does `work` with each engine that is meant; where they are all, it is told whose result it
    /// prints.
    func each(
        _ format: LookingOptions.Format, reason: String? = nil,
        _ work: (RemoteInspector, Source) async throws -> Void
    ) async throws {
        var failed = false
        let places = try places()
        for place in places {
            var from = Source(isFirst: place == places.first)
            if target == "all" { from.engine = place.name }
            if let engine = from.engine, format == .text {
                Output.print("\(PlainText.fit(engine)):")
            }
            do {
                let inspector = try RemoteInspector(place, reason: reason)
                let result: Result<Void, any Error>
                do { result = .success(try await work(inspector, from)) } catch {
                    result = .failure(error)
                }
                await inspector.close()
                try result.get()
            } catch let ending as Ending {
                throw ending
            } catch {
                say(places.count > 1 ? "\(place.name): \(error)" : "\(error)")
                failed = true
                if error is SocketError, places.count == 1 { throw Ending(status: 69) }
            }
        }
        if failed { throw Ending(status: 1) }
    }
}
