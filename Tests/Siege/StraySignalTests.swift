import Foundation
import TestSupport
import Testing

/// Signals that nobody has a use for, and the last words of a process.
@Suite(.timeLimit(.minutes(2))) struct `A signal without a use` {
    private static let stray: [(number: Int32, name: String)] = [
        (SIGUSR1, "SIGUSR1"), (SIGUSR2, "SIGUSR2"), (SIGALRM, "SIGALRM"),
        (SIGVTALRM, "SIGVTALRM"), (SIGPROF, "SIGPROF"), (SIGXCPU, "SIGXCPU"), (SIGIO, "SIGIO"),
        (SIGPWR, "SIGPWR"), (SIGSTKFLT, "SIGSTKFLT"), (34, "SIGRTMIN"), (64, "SIGRTMIN+30"),
    ]

    @Test func `is named in an engine's log and does nothing`() throws {
        let engine = try Besieged("--warm 1")
        for (number, name) in Self.stray {
            for _ in 0..<3 { engine.signal(number) }
            #expect(eventually { engine.errors.contains("\(name) does nothing here") }, "\(name)")
        }
        let caches = try engine.larder("caches")
        #expect(engine.runs && caches.status == 0)
        #expect(engine.errors.ranges(of: "does nothing here").count == Self.stray.count)
        engine.signal(SIGTERM)
        #expect(try engine.end() == 0)
    }

    @Test func `stays ignored where it was`() throws {
        let engine = try Besieged("--warm 1", shell: "trap '' USR1;")
        engine.signal(SIGUSR1)
        engine.signal(SIGUSR2)
        #expect(eventually { engine.errors.contains("SIGUSR2 does nothing here") })
        #expect(!engine.errors.contains("SIGUSR1"))
    }

    @Test func `of an end is never said beside why an engine did not start`() throws {
        let engine = try Besieged("--warm 1")
        let ran = try engine.larder("serve")
        #expect(ran.status == 1 && ran.errors.contains("demo"), "\(ran)")
        #expect(!ran.errors.contains("ended"), "\(ran)")
    }

    @Test(arguments: [SIGABRT, SIGSEGV, SIGILL, SIGQUIT])
    func `that ends an engine comes after its last words`(signal: Int32) throws {
        let (folder, errors) = (try TemporaryFolder(), Sink(.stopped))
        let manager = try NotifySocket(in: folder)
        chmod(folder.path, 0o700)
        // Nothing of the log can be written until somebody reads.
        let engine = try Spawned(
            "serve --log-format json --latency 1ms", in: folder,
            [.path("/dev/null"), .path("/dev/null"), errors.stream],
            // Whoever has the library show where it was struck has its handlers, and waits for that.
            environment: ["SWIFT_BACKTRACE": "enable=no", "NOTIFY_SOCKET": manager.path])
        // Said after the line of the log; the socket may be there before it.
        #expect(eventually { manager.told().contains("READY=1") })
        var log = ""
        engine.signal(signal)
        #expect(
            eventually {
                log += errors.read()
                return !engine.runs
            })
        log += errors.read()
        #expect(log.contains("listening") && log.hasSuffix("}\n"), "\(log)")
    }

    /// A shell with jobs, the console its first.
    private func shell(_ terminal: PseudoTerminal, _ folder: TemporaryFolder) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in Int32(0)...2 {
            posix_spawn_file_actions_addopen(&actions, descriptor, terminal.path, O_RDWR, 0)
        }
        let words = "'\(larder)' top --mouse --traffic 0 --warm 2 --latency 0s"
        return try spawn(
            ["/bin/sh", "-mc", "\(words); echo stop''ped; read go; fg; echo end''ed"],
            environment: Spawned.environment(folder), &actions, session: true)
    }

    @Test(arguments: [SIGTSTP, SIGTTIN, SIGTTOU])
    func `that stops a console finds the terminal as it was, until it goes on`(
        signal: Int32
    ) throws {
        let (terminal, folder) = (try PseudoTerminal(), try TemporaryFolder())
        chmod(folder.path, 0o700)
        let before = terminal.settings
        let shell = try shell(terminal, folder)
        defer {
            kill(shell, SIGKILL)
            waitpid(shell, nil, 0)
        }
        #expect(eventually { terminal.output.contains("100000000001") })
        let children = try String(
            contentsOfFile: "/proc/\(shell)/task/\(shell)/children", encoding: .utf8)
        let console = try #require(children.split(separator: " ").first.flatMap { pid_t($0) })
        kill(console, signal)
        #expect(eventually { terminal.output.contains("stopped") })
        #expect(terminal.settings == before)
        let isLeft = terminal.output.ranges(of: "?1049l").count
        #expect(isLeft == 1 && terminal.output.ranges(of: "?1049h").count == 1)
        terminal.type("\n")
        #expect(eventually { terminal.output.ranges(of: "?1049h").count == 2 })
        terminal.type("\u{3}")
        #expect(eventually { terminal.output.contains("ended") })
        #expect(terminal.settings == before)
    }
}
