import ArgumentParser
import Foundation
import LarderInspector
import LarderRemote
import LarderWire

/// `--target`: which of the running engines is meant.
struct Target: ParsableArguments {
    @Option(
        help: """
            The running engine: its name, the path of its socket, or all. (default: LARDER_TARGET, \
            then the only one)
            """)
    var target: String?

    /// The one that is named, here or by the environment.
    private var named: String? { target ?? Self.usual }

    /// What `LARDER_TARGET` says.
    static var usual: String? {
        environment["LARDER_TARGET"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether all that run are meant.
    var isAll: Bool { named == "all" }

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// The engines that are meant; never a guess.
    ///
    /// - Throws: ``Ending`` with 69 where none runs, 64 where several do and none is named.
    func places() throws -> [Rendezvous] { try Self.places(target) }

    static func places(_ target: String?) throws -> [Rendezvous] {
        do { return try found(target) } catch let error as Missed {
            for line in error.lines { say(line) }
            throw Ending(status: error.status)
        }
    }

    /// Why there is no engine to ask, and with which status a command ends for that.
    struct Missed: Error {
        var lines: [String]
        var status: Int32
    }

    /// The engines that are meant, by `target` or else by the environment.
    ///
    /// - Throws: ``Missed``.
    static func found(_ target: String?) throws -> [Rendezvous] {
        try ProcessLimits.check(.talking)
        let all = Rendezvous.all(environment)
        switch target ?? usual {
        case nil:
            guard all.count < 2 else {
                throw Missed(
                    lines: ["several engines are running; name one with --target, or all:"]
                        + all.map { "  \($0.name)  \($0.socket)" }, status: 64)
            }
            fallthrough
        case "all":
            guard !all.isEmpty else { throw nobody }
            return all
        case let named?:
            do {
                let place = try Rendezvous.named(named, environment)
                try RemoteInspector.check(place)
                return [place]
            } catch {
                let whose = target == nil ? "LARDER_TARGET: " : ""
                throw Missed(lines: ["\(whose)\(error)"], status: 69)
            }
        }
    }

    /// Whether an engine that runs is meant: not where none is named and none runs, or an origin of
    /// its own was asked for.
    func isRunning(unless namesAnOrigin: Bool) -> Bool {
        if target != nil || !namesAnOrigin && Self.usual != nil { return true }
        return !namesAnOrigin && Self.environment["LARDER_STORE"] == nil
            && (Self.usual != nil || !Rendezvous.all(Self.environment).isEmpty)
    }

    static let nobody = Missed(
        lines: ["no engine is running here; larder serve starts one"], status: 69)

    /// The one to look into where nothing was said: the only one, or the one chosen at the terminal;
    /// `nil` where none runs.
    static func choice() async throws -> Rendezvous? {
        try ProcessLimits.check(.talking)
        if let usual, usual != "all" { return try places(usual).first }
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
    ///
    /// - Parameter status: With which the command ends where the work fails.
    func each(
        _ format: LookingOptions.Format, reason: String? = nil, failing status: Int32 = 1,
        _ work: (RemoteInspector, Source) async throws -> Void
    ) async throws {
        var failed = false
        let places = try places()
        for place in places {
            var from = Source(isFirst: place == places.first)
            if isAll { from.engine = place.name }
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
                say(places.count > 1 ? place.telling(error) : "\(error)")
                failed = true
                if error is SocketError, places.count == 1 { throw Ending(status: 69) }
            }
        }
        if failed { throw Ending(status: status) }
    }
}

extension Rendezvous {
    /// What went wrong with this engine, its name said once.
    func telling(_ error: any Error) -> String {
        let words = "\(error)"
        return words.hasPrefix("\(name) ") ? words : "\(name): \(words)"
    }
}
