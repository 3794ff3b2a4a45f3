public import Foundation

/// Lambda's own Runtime Interface Emulator, with a Python function of `Tests/Peers` and whatever stands
/// in `/opt`, in a mount namespace of its own.
public final class LambdaSandbox {
    /// Why there is none here; `nil` where there is.
    public static let missing: String? = {
        let emulator = packageRoot.appending(path: ".venv/bin/aws-lambda-rie").path
        guard FileManager.default.isExecutableFile(atPath: emulator) else {
            return "the Lambda emulator is not there; .ci/setup --tests fetches it"
        }
        guard (try? run([python(), "-c", "import awslambdaric"]))?.status == 0 else {
            return "awslambdaric is not there; .ci/setup --tests fetches it"
        }
        guard (try? run(["unshare", "-m", "true"]))?.status == 0 else {
            return "this user may have no mount namespace of its own"
        }
        return nil
    }()

    private let folder: TemporaryFolder
    private let process: pid_t
    private let port: Int
    private let log: String
    private var hasEnded = false

    /// - Parameters:
    ///   - extensions: Programs that become `/opt/extensions/NAME`.
    ///   - wrapper: A program that is run before the runtime, with words of its own before the
    ///     runtime's.
    public init(
        extensions: [String: String], wrapper: [String] = [], environment: [String: String]
    ) throws {
        folder = try TemporaryFolder()
        let (api, port) = (try Self.freePort(), try Self.freePort())
        self.port = port
        log = folder.path + "/log"
        let opt = folder.path + "/opt"
        try FileManager.default.createDirectory(
            atPath: opt + "/extensions", withIntermediateDirectories: true)
        for (name, program) in extensions {
            try FileManager.default.copyItem(atPath: program, toPath: "\(opt)/extensions/\(name)")
        }
        // What stands in /opt already stays there: it may be the toolchain whose libraries are needed.
        let script = """
            for entry in /opt/*; do
                mkdir -p "$0/$(basename "$entry")" && mount --bind "$entry" "$0/$(basename "$entry")"
            done
            mount --rbind "$0" /opt && cd "$1" && shift && exec "$@"
            """
        let peers = packageRoot.appending(path: "Tests/Peers").path
        let emulator = packageRoot.appending(path: ".venv/bin/aws-lambda-rie").path
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for descriptor in Int32(1)...2 {
            posix_spawn_file_actions_addopen(
                &actions, descriptor, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        process = try spawn(
            ["unshare", "-m", "sh", "-c", script, opt, peers, emulator]
                + ["--runtime-api-address", "127.0.0.1:\(api)"]
                + ["--runtime-interface-emulator-address", "127.0.0.1:\(port)"]
                + wrapper + [try python(), "-m", "awslambdaric", "lambda_function.handler"],
            environment: ["AWS_LAMBDA_FUNCTION_TIMEOUT": "20", "PYTHONDONTWRITEBYTECODE": "1"]
                .merging(environment) { $1 }, &actions)
    }

    /// What all processes said so far.
    public var said: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Invokes the function and returns the status and the body.
    public func invoke(_ event: String = "{}") throws -> (status: Int, body: String) {
        let url = "http://127.0.0.1:\(port)/2015-03-31/functions/function/invocations"
        let ran = try run([
            "curl", "-s", "--noproxy", "*", "--retry", "40", "--retry-connrefused", "--retry-delay",
            "0", "-m", "60", "-w", "\n%{http_code}", "-d", event, url,
        ])
        let lines = ran.output.split(separator: "\n", omittingEmptySubsequences: false)
        guard let last = lines.last, let status = Int(last) else {
            throw Failure("no answer to an invoke: \(ran.errors)\n\(said)")
        }
        return (status, lines.dropLast().joined(separator: "\n"))
    }

    /// The milliseconds that the emulator reports of each invoke so far, the first with its init.
    public var durations: [Double] { said.matches(of: /\tDuration: ([0-9.]+) ms/).numbers }
    /// Of each init.
    public var inits: [Double] { said.matches(of: /INIT REPORT\(durationMs: ([0-9.]+)\)/).numbers }

    /// The processes of that program in this sandbox.
    public func processes(of name: String) -> [pid_t] {
        let path = "/opt/extensions/\(name)"
        return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [])
            .compactMap { pid_t($0) }
            .filter { pid in
                let line = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline"))
                let text = line.map { String(decoding: $0, as: UTF8.self) } ?? ""
                guard text.split(separator: "\0").first.map(String.init) == path else {
                    return false
                }
                return namespace(of: pid) == namespace(of: process)
            }
    }

    private func namespace(of process: pid_t) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/mnt")
    }

    /// Ends the sandbox as Lambda does, and waits for that.
    public func end() {
        guard !hasEnded else { return }
        hasEnded = true
        kill(process, SIGTERM)
        var state: Int32 = 0
        while waitpid(process, &state, 0) == -1 && errno == EINTR {}
    }

    deinit { end() }

    private static func freePort() throws -> Int {
        let server = try Upstream()
        defer { server.stop() }
        return Int(server.port)
    }
}

extension [Regex<(Substring, Substring)>.Match] {
    fileprivate var numbers: [Double] { compactMap { Double($0.output.1) } }
}
