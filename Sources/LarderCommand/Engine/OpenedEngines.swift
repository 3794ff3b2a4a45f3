public import ArgumentParser
import Foundation
import Larder
public import LarderConsole
import LarderInspector
import LarderRemote
import LarderWire
import Synchronization

/// The running engines that a console opens beside its first.
final class OpenedEngines: Sendable {
    private let opened = Mutex<[RemoteInspector]>([])
    private let environment = ProcessInfo.processInfo.environment

    func open(_ name: String) throws -> any Inspector {
        let inspector = try RemoteInspector(Rendezvous.named(name, environment))
        opened.withLock { $0.append(inspector) }
        return inspector
    }

    func close() async {
        let all = opened.withLock { opened in
            defer { opened = [] }
            return opened
        }
        for inspector in all { await inspector.close() }
    }

    var engines: [Console.RunningEngine] {
        get async {
            var engines: [Console.RunningEngine] = []
            for place in Rendezvous.all(environment) {
                engines.append(.init(place.name, about: await EngineLine.text(place)))
            }
            return engines
        }
    }

    /// Where the console keeps how things look.
    static func stateFile(_ environment: [String: String]) -> String? {
        let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let home = environment["HOME"].map { $0 + "/.local/state" }
        return (state ?? home).map { $0 + "/larder/console.json" }
    }
}

extension Theme: ExpressibleByArgument {}
extension GlyphTier: ExpressibleByArgument {}

extension LookingOptions {
    /// A console as these options want it.
    func console(refresh: Duration) throws -> Console.Options {
        var options = Console.Options(actor: .operator)
        options.refresh = refresh
        options.sort = sort?.column
        options.descending = sort?.descending ?? false
        options.filter = filter
        options.theme = theme
        options.glyphs = ascii ? .ascii : glyphs
        options.usesMouse = mouse
        options.isPlain = isPlain
        for text in bell {
            do {
                let bell = try Threshold(text)
                if let why = bell.obstacle { throw InspectorError(why) }
                options.bells.append(bell)
            } catch { throw ValidationError("--bell: \(error)") }
        }
        for key in bind {
            do { try options.keys.bind(key) } catch { throw ValidationError("--bind: \(error)") }
        }
        return options
    }
}

extension Console.Options {
    /// Runs such a console on an engine that is called `name` among the others. Returns the signal
    /// that ended it, or `nil`.
    func run(_ inspector: any Inspector, name: String) async throws -> Int32? {
        let opening = OpenedEngines()
        var options = self
        options.stateFile = OpenedEngines.stateFile(ProcessInfo.processInfo.environment)
        options.name = name
        options.engines = { await opening.engines }
        options.open = { try opening.open($0) }
        let ended: Result<Int32?, any Error>
        do {
            ended = .success(
                try await TerminalQuestions.withTerminalTaken {
                    try await Console(inspector, options).run()
                })
        } catch {
            ended = .failure(error)
        }
        await opening.close()
        return try ended.get()
    }
}
