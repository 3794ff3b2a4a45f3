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

    /// The commands and the program of "From any AWS SDK".
    private func anySDK() throws -> (serve: String, serveAWS: String, exec: String, program: String)
    {
        let text = try String(
            contentsOf: packageRoot.appending(path: "README.md"), encoding: .utf8)
        let start = try #require(text.range(of: "\n## From any AWS SDK\n")).upperBound
        let section = text[start...].prefix(upTo: text[start...].range(of: "\n## ")!.lowerBound)
        let lines = try #require(section.firstMatch(of: /```text\n([^`]+)```/)).1
            .split(separator: "\n").map(String.init)
        let program = try #require(section.firstMatch(of: /```python\n([^`]+)```/)).1
        try #require(lines.count == 2)
        let aws = try #require(lines[0].firstMatch(of: /for AWS: (.+)$/)).1
        let serve = lines[0].replacing(#/ +#.*$/#, with: "")
        return (serve, String(aws), lines[1], String(program))
    }

    @Test(arguments: [false, true])
    func `any AWS SDK has the cache, by its commands and its program as they are written`(
        isAWS: Bool
    ) throws {
        let written = try anySDK()
        try written.program.write(
            toFile: folder.path + "/accounts.py", atomically: true, encoding: .utf8)
        let python3 = folder.path + "/bin/python3"
        try "#!/bin/sh\nexec \(python()) \"$@\"\n".write(
            toFile: python3, atomically: true, encoding: .utf8)
        chmod(python3, 0o700)
        var environment = environment
        if !isAWS {
            for name in environment.keys where name.hasPrefix("AWS_") { environment[name] = nil }
        }
        let engine = try Terminal(
            isAWS ? written.serveAWS : written.serve, columns: 120, rows: 40,
            environment: environment)
        try engine.wait("the gateway") {
            $0.contains("gateway listening") && $0.contains("socket=")
        }
        let ran = try run(
            ["sh", "-c", "cd \(folder.path) && \(written.exec)"], environment: environment)
        let names = ran.output.split(separator: "\n")
        #expect(ran.status == 0 && names.count == 3 && Set(names).count == 1, "\(ran.errors)")
        #expect(!isAWS || names.first == "Account 001")
        if isAWS { #expect(try moto.counts()["GetItem"] == 1) }
        // Its entry stands in the console, and who asked in the view of the origins.
        let console = try Terminal(
            "larder attach", columns: 160, rows: 40, environment: environment)
        try console.wait("the entry") { $0.contains("100000000001") }
        try console.type("7")
        try console.wait("who asked") { $0.contains("Boto3/") && $0.contains("accounts") }
        try console.press("q")
        withExtendedLifetime(engine) {}
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
