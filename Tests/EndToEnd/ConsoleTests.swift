import Foundation
import TestSupport
import Testing

/// The real program in a real terminal, on an engine without traffic of its own.
@Suite(.timeLimit(.minutes(5))) struct `The console in a terminal` {
    private let folder: TemporaryFolder
    private var store: String { folder.path + "/accounts.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    private func open(
        _ options: String = "", columns: Int = 80, rows: Int = 24, term: String = "xterm-256color",
        environment: [String: String] = [:]
    ) throws -> Terminal {
        try Terminal(
            "\(larder) top --traffic 0 --latency 1ms \(options)", columns: columns, rows: rows,
            term: term, environment: environment.merging(["LARDER_STORE": store]) { $1 })
    }

    /// The keys of the rows on the screen, from the top.
    private func keys(_ screen: String) -> [String] {
        screen.split(separator: "\n").filter { $0.contains("  accounts   ") }.compactMap { line in
            line.split(separator: " ").first { $0.hasPrefix("1000") && $0.count == 12 }
                .map(String.init)
        }
    }

    @Test func `counts a ttl down by the second, and the entry leaves at zero as expired`() throws {
        let terminal = try open("--keys 100000000007 --cache accounts:ttl=4s")
        var seen: [String] = []
        try terminal.wait("the entry gone") { screen in
            let row = screen.split(separator: "\n").first { $0.contains(">  100000000007") }
            if let left = row?.split(separator: " ").first(where: {
                $0.wholeMatch(of: /[0-4]s/) != nil
            }),
                seen.last != String(left)
            {
                seen.append(String(left))
            }
            return !seen.isEmpty && row == nil
        }
        #expect(seen == seen.sorted(by: >))
        #expect(seen.contains("3s") && seen.contains("2s") && seen.contains("1s"))
        try terminal.wait("its cause") {
            $0.contains("accounts    expired     100000000007")
        }
    }

    @Test func `an invalidated row goes, and fetched again has a higher version`() throws {
        let terminal = try open("--warm 3")
        try terminal.wait(for: "100000000002")
        try terminal.press("G", "g", "d")
        let dialog = try terminal.wait(for: "Invalidate 1 entry")
        #expect(dialog.contains("[ Cancel ]   [ Invalidate ]"))
        // It opens on Cancel.
        try terminal.press("Enter")
        try terminal.wait("the dialog gone") { !$0.contains("Cancel") && keys($0).count == 3 }
        try terminal.press("d")
        try terminal.wait(for: "Invalidate 1 entry")
        let victim = try #require(keys(try terminal.screen()).first)
        let version = try #require(
            try terminal.screen().firstMatch(of: /version ([0-9]+) +[0-9]/)?.1)
        try terminal.press("Right", "Enter")
        try terminal.wait("the row gone") { keys($0).count == 2 && !keys($0).contains(victim) }
        try terminal.wait(for: "invalidated")
        try terminal.press("f")
        try terminal.type(victim)
        try terminal.press("Enter")
        let again = try terminal.wait("fetched again") {
            $0.contains("\(victim)  accounts  version ")
        }
        let newer = try #require(again.firstMatch(of: /accounts  version ([0-9]+)/)?.1)
        #expect(Int(newer)! > Int(version)!)
    }

    @Test func `shrinking maxsize evicts exactly the least recently used, as the plan named`()
        throws
    {
        let terminal = try open("--warm 8 --sort key")
        try terminal.wait(for: "100000000007")
        // Two of the oldest are used once more.
        for key in ["100000000001", "100000000003"] {
            try terminal.press("f")
            try terminal.type(key)
            try terminal.press("Enter")
            try terminal.wait(for: "\(key): hit")
        }
        try terminal.press("m")
        try terminal.wait(for: "maxsize of accounts, now 64:")
        try terminal.type("3")
        try terminal.press("Enter")
        let named = [0, 2, 4, 5, 6].map { "10000000000\($0)" }
        try terminal.wait("the plan, naming its victims in order") {
            $0.contains("5 entries (") && $0.contains("are evicted")
                && $0.matches(of: /(1000[0-9]{8}) +evicted/).map { String($0.1) } == named
        }
        try terminal.press("Right", "Enter")
        let after = try terminal.wait("the victims gone") { keys($0).count == 3 }
        #expect(keys(after) == ["100000000001", "100000000003", "100000000007"])
        #expect(try terminal.screen().contains("3/3"))
    }

    @Test func `shortening ttl expires what the plan said`() throws {
        let terminal = try open("--warm 4 --cache accounts:ttl=1h")
        try terminal.wait(for: "100000000003")
        try terminal.wait("a second gone by") { $0.contains(" 59m5") }
        try terminal.press("t")
        try terminal.type("1ms")
        try terminal.press("Enter")
        try terminal.wait("4 entries that expire") {
            $0.contains("4 entries (") && $0.contains("expire.")
        }
        try terminal.press("Right", "Enter")
        try terminal.wait("all gone") { keys($0).isEmpty && $0.contains("no entries are held") }
        try terminal.wait(for: "expired       4:")
    }

    @Test(arguments: ["xterm-256color", "xterm", "screen", "tmux", "linux", "vt100"])
    func `opens on every common terminal`(term: String) throws {
        let terminal = try open("--warm 2", term: term)
        let screen = try terminal.wait(for: "100000000001")
        #expect(screen.contains("KEY") && screen.contains("DEMO"))
        try terminal.press("Down", "q")
        #expect(try terminal.exitStatus() == 0)
    }

    @Test func `sends no color where NO_COLOR says so, and no sign but ASCII in the C locale`()
        throws
    {
        let plain = try open("--warm 2", environment: ["NO_COLOR": "1"])
        try plain.wait(for: "100000000001")
        #expect(try !plain.styledScreen().contains("\u{1b}[36m"))
        let colored = try open("--warm 2")
        try colored.wait(for: "100000000001")
        let styled = try colored.styledScreen()
        #expect(styled.contains("\u{1b}[36m"), "\(styled.debugDescription)")
        let ascii = try open("--warm 2", columns: 120, rows: 40, environment: ["LC_ALL": "C"])
        #expect(try ascii.wait(for: "100000000001").allSatisfy(\.isASCII))
    }

    @Test(arguments: [("vt100", "C.UTF-8"), ("xterm-256color", "C")])
    func `has the signs of its terminal, whatever the one before could show`(
        term: String, locale: String
    ) throws {
        let state = ["XDG_STATE_HOME": folder.path]
        let poor = try open(
            "--warm 3", term: term, environment: state.merging(["LC_ALL": locale]) { $1 })
        let plain = try poor.wait("its rows") { keys($0).count == 3 }
        let isPlain = plain.allSatisfy(\.isASCII)
        #expect(isPlain)
        try poor.press("w", "q")
        #expect(try poor.exitStatus() == 0)
        let able = try open("--warm 3", environment: state)
        try able.wait("its rows, and signs") { keys($0).count == 3 && $0.contains { !$0.isASCII } }
        try able.press("q")
        #expect(try able.exitStatus() == 0)
    }

    @Test func `takes any size while it runs`() throws {
        let terminal = try open("--warm 3")
        try terminal.wait(for: "100000000002")
        try terminal.resize(120, 40)
        try terminal.wait(for: "─ Detail ─")
        try terminal.resize(30, 5)
        try terminal.wait("one line") { $0.hasPrefix("hit ") }
        try terminal.resize(1, 1)
        try terminal.resize(200, 60)
        try terminal.wait("all rows again") { keys($0).count == 3 }
        try terminal.press("q")
        #expect(try terminal.exitStatus() == 0)
    }

    // MARK: Leaving

    /// Runs the console under a shell that compares the terminal before and after.
    private func leaving(_ leave: (Terminal, Int32) throws -> Void) throws -> (
        screen: String, same: Bool
    ) {
        let folder = folder.path
        let script = """
            echo before; stty -g > \(folder)/a; \
            \(larder) top --traffic 0 --latency 1ms --warm 2; echo status $?; \
            stty -g > \(folder)/c; mv \(folder)/c \(folder)/b; read line
            """
        let terminal = try Terminal(script, environment: ["LARDER_STORE": store])
        try terminal.wait(for: "100000000001")
        let found = try run(["pgrep", "-P", "\(try terminal.pid())", "-f", "larder top"]).output
        try leave(
            terminal, try #require(Int32(found.trimmingCharacters(in: .whitespacesAndNewlines))))
        let screen = try terminal.wait(for: "status ")
        _ = eventually { FileManager.default.fileExists(atPath: folder + "/b") }
        let settings = try ["a", "b"].map {
            try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)
        }
        return (screen, settings[0] == settings[1])
    }

    @Test func `after q and Ctrl-C the terminal is as it was`() throws {
        for key in ["q", "C-c"] {
            let (screen, same) = try leaving { terminal, _ in try terminal.press(key) }
            #expect(screen.hasPrefix("before\nstatus 0\n"))
            #expect(same)
        }
    }

    @Test(arguments: [(SIGTERM, 143), (SIGHUP, 129), (SIGINT, 130)])
    func `after a signal that asks it to end the terminal is as it was`(signal: Int32, status: Int)
        throws
    {
        let (screen, same) = try leaving { _, pid in kill(pid, signal) }
        // It ends by that very signal, and some shells say so.
        #expect(
            screen.hasPrefix("before\n") && screen.contains("\nstatus \(status)\n"), "\(screen)")
        #expect(same)
    }

    @Test(arguments: [SIGILL, SIGSEGV, SIGABRT, SIGTRAP])
    func `after a trap the terminal is as it was, and the message is not lost`(signal: Int32) throws
    {
        let (screen, same) = try leaving { _, pid in kill(pid, signal) }
        #expect(screen.contains("before\n"))
        #expect(screen.contains("larder: ended by signal \(signal < 10 ? "0" : "")\(signal)"))
        #expect(!screen.contains("KEY"))
        #expect(same)
    }

    @Test func `Ctrl-Z stops it and fg brings it back`() throws {
        let terminal = try Terminal(
            "bash --norc -i", environment: ["LARDER_STORE": store, "PS1": "ready> "])
        try terminal.wait(for: "ready>")
        try terminal.type("\(larder) top --traffic 0 --warm 2")
        try terminal.press("Enter")
        try terminal.wait(for: "100000000001")
        try terminal.press("C-z")
        try terminal.wait(for: "Stopped")
        try terminal.type("fg")
        try terminal.press("Enter")
        try terminal.wait("the table") { keys($0).count == 2 }
        try terminal.press("q")
        try terminal.type("echo alive and well")
        try terminal.press("Enter")
        try terminal.wait(for: "\nalive and well")
    }

    @Test func `says what is wrong where there is no terminal that it can use`() throws {
        let unknown = try Terminal(
            "\(larder) top --traffic 0; echo status $?; read line", term: "nonesuch",
            environment: ["LARDER_STORE": store])
        let screen = try unknown.wait(for: "status ")
        #expect(screen.contains("the terminal \"nonesuch\" is not known here"))
        #expect(screen.contains("status 1"))
        let closed = try Terminal(
            "\(larder) top --traffic 0 < /dev/null; echo status $?; read line",
            environment: ["LARDER_STORE": store])
        #expect(try closed.wait(for: "status 1").contains("needs a terminal on standard input"))
    }

    @Test func `says that its input was closed, and ends`() throws {
        // The input is a terminal of its own, whose other end goes away.
        let script = """
            import os, pty, subprocess, sys
            master, slave = pty.openpty()
            program = subprocess.Popen(sys.argv[1:], stdin=slave)
            os.close(slave)
            input()
            os.close(master)
            print("status", program.wait())
            input()
            """
        let file = folder.path + "/script.py"
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        let terminal = try Terminal(
            "python3 \(file) \(larder) top --traffic 0 --warm 2",
            environment: ["LARDER_STORE": store])
        try terminal.wait(for: "100000000001")
        // A line end as it is: the console has taken the terminal's own translation away.
        try terminal.press("C-j")
        #expect(try terminal.wait(for: "status 1").contains("the terminal's input was closed"))
    }

    @Test func `a step of the wall clock lets every entry leave as expired`() throws {
        let library = try #require(
            ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
                .map { $0 + "/faketime/libfaketime.so.1" }
                .first { FileManager.default.fileExists(atPath: $0) })
        let step = folder.path + "/faketime"
        try "+0".write(toFile: step, atomically: true, encoding: .utf8)
        let terminal = try open(
            "--warm 5 --cache accounts:ttl=300s",
            environment: [
                "LD_PRELOAD": library, "DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1",
                "FAKETIME_TIMESTAMP_FILE": step,
            ])
        try terminal.wait("all five") { keys($0).count == 5 }
        try "+400".write(toFile: step, atomically: true, encoding: .utf8)
        try terminal.wait("none left", within: .seconds(10)) { keys($0).isEmpty }
        try terminal.wait(for: "expired       5:")
    }
}
