import Foundation
import TestSupport
import Testing

/// The README, taken at its word.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `The README` {
    /// What builds and tests the project itself: `.ci/run` takes those from the README too.
    private static let building = [".ci/setup", "Tests/run"]

    private let folder: TemporaryFolder
    private let moto: Moto

    init() throws {
        folder = try TemporaryFolder()
        moto = try Moto()
        chmod(folder.path, 0o700)
        mkdir(folder.path + "/bin", 0o700)
        symlink(larder, folder.path + "/bin/larder")
    }

    /// The commands in its blocks of shell, and in those of what goes on from there, in order, without
    /// comments.
    private func commands() throws -> [String] {
        let files = ["README.md", "Sources/LarderConsole/LarderConsole.docc/LookIntoAnEngine.md"]
        let text = try files.map {
            try String(contentsOf: packageRoot.appending(path: $0), encoding: .utf8)
        }.joined(separator: "\n")
        return text.matches(of: /```sh\n([^`]+)```/).flatMap { block in
            block.1.split(separator: "\n").map {
                $0.replacing(#/ +#.*$/#, with: "").trimmingCharacters(in: .whitespaces)
            }
        }.filter { !$0.isEmpty }
    }

    private var environment: [String: String] {
        var variables = moto.environment
        variables["AWS_ENDPOINT_URL"] = moto.scene.endpoint
        variables["XDG_RUNTIME_DIR"] = folder.path
        variables["XDG_DATA_HOME"] = folder.path
        variables["HOME"] = folder.path
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        variables["PATH"] = folder.path + "/bin:" + path
        return variables
    }

    @Test func `its commands run as they are written`() throws {
        let commands = try commands().filter { command in
            !Self.building.contains { command.hasPrefix($0) }
        }
        #expect(commands.count >= 15)
        var engines: [Terminal] = []
        for command in commands {
            switch command.split(separator: " ").dropFirst().first {
            case "serve":
                engines.append(try open(command))
                try wait(for: "100000000001")
            case nil, "attach": try look(command)
            case "top" where !command.contains("--once"): try look(command)
            case "events" where command.contains("--follow"):
                let terminal = try open(command)
                try terminal.wait("an event") { $0.contains("accounts") }
                try terminal.press("C-c")
            default:
                let ran = try run(["sh", "-c", command], environment: environment)
                #expect(ran.status == 0, "\(command): \(ran.errors)")
                #expect(!ran.output.isEmpty, "\(command) says nothing")
            }
        }
        #expect(!engines.isEmpty)
    }

    private func open(_ command: String) throws -> Terminal {
        try Terminal(command, columns: 120, rows: 40, environment: environment)
    }

    /// A console comes up with rows, and ends by `q`.
    private func look(_ command: String) throws {
        let terminal = try open(command)
        try terminal.wait("\(command): rows") {
            $0.contains("─ Entries ─") && $0.contains("00000000")
        }
        try terminal.press("q")
        #expect(try terminal.exitStatus() == 0, "\(command)")
    }

    /// The engine holds it.
    private func wait(for key: String) throws {
        #expect(
            try eventually {
                try run([larder, "entry", "accounts", key], environment: environment).status == 0
            })
    }
}
