import Foundation
import TestSupport
import Testing

/// Every signal that can be sent to a console, and terminals that go away.
@Suite(.timeLimit(.minutes(5))) struct `A signal or a terminal's end` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
    }

    /// What cannot be caught, what the C library keeps for itself, and what stops a process.
    private static let left =
        [SIGKILL, SIGSTOP, 32, 33] + [SIGTSTP, SIGTTIN, SIGTTOU]
    private static let ignored = [SIGPIPE, SIGXFSZ, SIGCHLD, SIGCONT, SIGURG, SIGWINCH]
    /// Of the real-time ones a few, unless somebody has time.
    private static let ending = (1...64).map { Int32($0) }.filter {
        !left.contains($0) && !ignored.contains($0)
            && ($0 < 32 || [34, 50, 64].contains($0) || Fuzz.count > 2000)
    }

    private func console(_ words: String, _ terminal: PseudoTerminal) throws -> Spawned {
        try Spawned(words, in: folder, Array(repeating: .path(terminal.path), count: 3))
    }

    /// The full screen, the cursor, the mouse, pasting that is told: how each is taken and given.
    private static let modes = [
        ("?1049h", "?1049l"), ("?25l", "?25h"), ("1000h", "1000l"), ("2004h", "2004l"),
    ]

    /// Whether a terminal that has shown all this is no console any more.
    private static func isGivenBack(_ output: String) -> Bool {
        modes.allSatisfy { taken, given in
            let last = output.range(of: taken, options: .backwards)?.lowerBound
            return last.map { output[$0...].contains(given) } ?? true
        }
    }

    @Test(arguments: [
        ("top --mouse --traffic 0 --warm 2 --latency 0s", ending),
        ("attach demo --mouse", [SIGINT, SIGUSR2, SIGALRM, SIGSEGV, SIGIO, 34]),
    ])
    func `ends a console by that very signal, the terminal as it was`(
        words: String, signals: [Int32]
    ) throws {
        let engine =
            words.hasPrefix("attach")
            ? try Spawned(
                "serve --warm 2", in: folder, [.closed, .closed, .closed]) : nil
        let socket = folder.path + "/larder/demo.sock"
        #expect(engine == nil || eventually { (try? RawPeer(socket)) != nil })
        for signal in some(signals, oneIn: 3) {
            let terminal = try PseudoTerminal()
            let before = terminal.settings
            let console = try console(words, terminal)
            #expect(eventually { terminal.output.contains("100000000001") }, "\(signal)")
            #expect(terminal.settings != before)
            console.signal(signal)
            #expect(try console.end() == "signal \(signal)")
            #expect(terminal.settings == before, "\(signal)")
            #expect(Self.isGivenBack(terminal.output), "\(signal)")
        }
        #expect(engine?.runs != false)
    }

    @Test func `is nothing to a console where that is the habit`() throws {
        let terminal = try PseudoTerminal()
        let before = terminal.settings
        let console = try console("top --traffic 0 --warm 2 --latency 0s", terminal)
        #expect(eventually { terminal.output.contains("100000000001") })
        for signal in Self.ignored { console.signal(signal) }
        terminal.type("?")
        #expect(eventually { terminal.output.contains("Select the row below") })
        terminal.type("\u{3}")
        #expect(try console.end() == "exit 0")
        #expect(terminal.settings == before && Self.isGivenBack(terminal.output))
    }

    /// From the first byte on that the terminal is sent, and before.
    @Test func `comes at any moment, and the terminal is as it was`() throws {
        var random = Fuzz.random("signals to a console that starts")
        for _ in 0..<Fuzz.count / 200 {
            let signal = Self.ending.randomElement(using: &random)!
            let bytes = [0, 1, 8, 64, 512, 1024].randomElement(using: &random)!
            let terminal = try PseudoTerminal()
            let before = terminal.settings
            let console = try console("top --mouse --traffic 0 --latency 0s", terminal)
            while console.runs, terminal.output.utf8.count < bytes { sched_yield() }
            console.signal(signal)
            #expect(try console.end() == "signal \(signal)", "after \(bytes) bytes")
            #expect(terminal.settings == before, "\(signal) after \(bytes) bytes")
            #expect(Self.isGivenBack(terminal.output), "\(signal) after \(bytes) bytes")
        }
    }

    @Test func `ends a console in lines, and commands, by that very signal`() throws {
        for signal in [SIGTERM, SIGUSR1, 64] {
            let terminal = try PseudoTerminal()
            let console = try console("top --plain --traffic 0", terminal)
            #expect(eventually { terminal.output.contains("type a command") })
            console.signal(signal)
            #expect(try console.end() == "signal \(signal)")
        }
    }

    // MARK: Terminals that go away

    @Test(arguments: [("text", true), ("text", false), ("json", true), ("json", false)])
    func `takes an engine with it that belongs to the terminal, and no other`(
        format: String, belongs: Bool
    ) throws {
        var terminal: PseudoTerminal? = try PseudoTerminal()
        // Without a session of its own it has that of the tests, if that has any.
        let engine = try Spawned(
            "serve --traffic 50 --latency 1ms --log-format \(format)", in: folder,
            Array(repeating: .path(terminal!.path), count: 3), session: belongs)
        let socket = folder.path + "/larder/demo.sock"
        #expect(eventually { (try? RawPeer(socket)) != nil })
        terminal = nil
        if belongs {
            #expect(try engine.end() == "exit 0")
        } else {
            // It is told to read its settings again, and has somewhere to say so no more.
            for _ in 0..<3 {
                engine.signal(SIGHUP)
                let look = try run([larder, "caches"], environment: Spawned.environment(folder))
                #expect(look.status == 0, "\(look)")
            }
            #expect(engine.runs)
            engine.signal(SIGTERM)
            #expect(try engine.end() == "exit 0")
        }
    }

    @Test func `ends who follows events there, without a word`() throws {
        let engine = try Besieged("--warm 1")
        var terminal: PseudoTerminal? = try PseudoTerminal()
        let errors = Sink(.fine)
        let follower = try Spawned(
            "events --follow", in: engine.folder,
            [.path("/dev/null"), .path(terminal!.path), errors.stream], session: false)
        #expect(eventually { terminal!.output.contains("accounts") })
        terminal = nil
        #expect(try follower.end() == "exit 0")
        #expect(errors.read().isEmpty)
        #expect(engine.runs)
    }
}
