import Foundation
import TestSupport

/// An engine in a process of its own, without a terminal, in a folder of its own.
final class Besieged {
    let pid: pid_t
    let folder: TemporaryFolder
    private var status: Int32?

    /// Where what it prints goes, by descriptor, unless the test says otherwise.
    var output: String { file("out") }
    var errors: String { file("err") }
    var socket: String { folder.path + "/larder/demo.sock" }
    var environment: [String: String] { Self.environment(folder) }

    /// Starts an engine and waits until it listens.
    ///
    /// - Parameters:
    ///   - arguments: What follows `larder serve`.
    ///   - shell: What the shell does before it turns into the engine, as `ulimit -n 64;`.
    ///   - redirections: In the words of the shell, after those to `out` and `err`.
    convenience init(
        _ arguments: String = "", shell: String = "", redirections: String = "",
        environment: [String: String] = [:], listening: Bool = true
    ) throws {
        try self.init(
            own: "--latency 1ms \(arguments)", shell: shell, redirections: redirections,
            environment: environment, listening: listening)
    }

    /// The same, with nothing else said: an origin of its own may be named.
    init(
        own arguments: String, shell: String = "", redirections: String = "",
        environment: [String: String] = [:], listening: Bool = true
    ) throws {
        folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
        let command = """
            \(shell) exec '\(TestSupport.larder)' serve \(arguments) \
            </dev/null >'\(folder.path)/out' 2>'\(folder.path)/err' \(redirections)
            """
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        pid = try spawn(
            ["/bin/sh", "-c", command],
            environment: Self.environment(folder).merging(environment) { $1 }, &actions)
        guard listening else { return }
        guard try eventually({ try !has(ended: false) && (try? RawPeer(socket)) != nil }) else {
            throw Failure("the engine does not listen: \(errors)")
        }
    }

    deinit {
        guard status == nil else { return }
        kill(pid, SIGKILL)
        var state: Int32 = 0
        waitpid(pid, &state, 0)
    }

    private static func environment(_ folder: TemporaryFolder) -> [String: String] {
        [
            "XDG_RUNTIME_DIR": folder.path, "LARDER_STORE": folder.path + "/accounts.sqlite",
            "NO_PROXY": "*",
        ]
    }

    private func file(_ name: String) -> String {
        let bytes = try? Data(contentsOf: URL(filePath: folder.path + "/" + name))
        return String(decoding: bytes ?? Data(), as: UTF8.self)
    }

    private func has(ended: Bool) throws -> Bool {
        if status == nil {
            var state: Int32 = 0
            if waitpid(pid, &state, WNOHANG) == pid { status = state }
        }
        if let status, !ended { throw Failure("the engine ended with \(status): \(errors)") }
        return status != nil
    }

    /// Whether it runs still; its end is collected otherwise.
    var runs: Bool { (try? has(ended: true)) == false }

    /// What its end came to, as a shell says it: 128 and the signal, where it was a signal.
    func end(within limit: Duration = .seconds(20)) throws -> Int32 {
        guard try eventually(within: limit, { try has(ended: true) }), let status else {
            throw Failure("the engine does not end")
        }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Runs a command of larder's on this engine.
    func larder(_ arguments: String...) throws -> Ran {
        try run([TestSupport.larder] + arguments, environment: environment)
    }

    /// A line of the shell's, in which `$larder` is the program and the engine is found.
    func shell(_ line: String) throws -> Ran {
        try run(
            ["/bin/sh", "-c", line],
            environment: environment.merging(["larder": TestSupport.larder]) { $1 })
    }

    /// Bytes of memory that are resident.
    var resident: Int {
        let fields = statusFields("VmRSS:")
        return (fields.first.flatMap { Int($0) } ?? 0) * 1024
    }

    private func statusFields(_ name: String) -> [Substring] {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
        return line.split(whereSeparator: { " \t".contains($0) }).dropFirst().map { $0 }
    }

    /// Seconds of processor time that it has taken.
    var processorTime: Double {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12 else { return 0 }
        let ticks = (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
