import ArgumentParser
import Foundation
import Larder
import LarderConsole
import LarderInspector
import LarderSocket
import LarderWire

/// An engine under load, for the console to look into: over a socket, or in this process.
struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine", abstract: "Serve an engine under load.", shouldDisplay: false)

    @Option(help: "Entries held.") var entries: Int
    @Option(help: "Look-ups a second.") var rate = 20_000
    @Option(help: "The folder of the socket; without it the console is opened here.")
    var folder: String?

    func run() async throws {
        let inspected = try Inspected(entries)
        let load = Task.detached { [rate] in
            var walk = Walk(inspected.visits, from: 0)
            // A thousand small portions a second.
            let clock = ContinuousClock()
            var next = clock.now
            while !Task.isCancelled {
                for _ in 0..<max(1, rate / 1000) {
                    _ = try? await inspected.cache.value(for: inspected.visits.keys[walk.next()])
                }
                next += .milliseconds(1)
                try? await clock.sleep(until: next)
            }
        }
        defer { load.cancel() }
        if let folder {
            let place = try Rendezvous(folder: folder, name: "bench")
            try await SocketService(inspected.inspector, "bench", at: place).run()
        } else {
            let options = Console.Options(actor: Operator("larder-bench"))
            _ = try await Console(inspected.inspector, options).run()
        }
    }
}

/// An engine in a process of its own.
final class RunningEngine {
    let socket: String
    private let folder: URL
    private let process = Process()

    init(entries: Int) throws {
        folder = FileManager.default.temporaryDirectory.appending(
            path: "larder-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        socket = folder.appending(path: "bench.sock").path
        process.executableURL = Self.program("larder-bench")
        process.arguments = ["engine", "--entries", "\(entries)", "--folder", folder.path]
        try process.run()
        let end = ContinuousClock.now + .seconds(60)
        while !FileManager.default.fileExists(atPath: socket) {
            guard ContinuousClock.now < end, process.isRunning else {
                throw LeftOut("the engine did not start")
            }
            usleep(50_000)
        }
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    var pid: pid_t { process.processIdentifier }

    /// A program of this build.
    static func program(_ name: String) -> URL {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: name)
    }
}
