import Foundation
import Larder
import LarderConsole
import LarderInspector

/// A program that opens the console several times in its own process, as one that embeds it may, and
/// writes into a file what of the process is not as it was before.
@main struct Host {
    static func main() async throws {
        let (file, times) = (CommandLine.arguments[1], Int(CommandLine.arguments[2])!)
        // It has habits of its own.
        signal(SIGTERM) { _ in }
        signal(SIGWINCH, SIG_IGN)
        signal(SIGQUIT, SIG_IGN)
        signal(SIGABRT) { _ in }
        let cache = Cache<String, String>("accounts") { $0 }
        cache.insert("a", for: "1")
        // What the runtime opens for itself it opens once.
        let before = try await Found.still()
        var lines: [String] = []
        for run in 1...times {
            let inspector = LocalInspector("host\(run)")
            inspector.add(cache)
            let options = Console.Options(actor: Operator("host"))
            let signal = try await Console(inspector, options).run()
            let found = try await Found.settled(before)
            lines.append("\(run): \(signal.map { "signal \($0)" } ?? found)")
        }
        setenv("TERM", "no-such-terminal", 1)
        do {
            _ = try await Console(LocalInspector("none"), .init(actor: Operator("host"))).run()
        } catch {
            lines.append("refused: \(try await Found.settled(before))")
        }
        try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
    }
}

/// What a console may have changed.
private struct Found {
    var facts: [String: String] = [:]

    init() {
        for number in 1..<Int32(65) {
            var action = sigaction()
            guard sigaction(number, nil, &action) == 0 else { continue }
            let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            // The C library has a mark of its own (SA_RESTORER) on whatever is set through it.
            facts["signal \(number)"] = "\(handler) with \(action.sa_flags & ~0x0400_0000)"
        }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            // The one by which they are listed is closed again.
            let path = "/proc/self/fd/\(name)"
            let opened = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
            // The system's own threads look there, now and then.
            if opened?.wholeMatch(of: /\/proc\/.*\/stat/) == nil {
                facts["descriptor \(name)"] = opened
            }
        }
        var terminal = termios()
        tcgetattr(0, &terminal)
        facts["terminal"] =
            "\(terminal.c_iflag) \(terminal.c_oflag) \(terminal.c_cflag) \(terminal.c_lflag)"
        facts["locale"] = setlocale(LC_ALL, nil).map { String(cString: $0) }
    }

    /// What is there once nothing changes any more.
    static func still() async throws -> Found {
        var found = Found()
        for _ in 0..<200 {
            try await Task.sleep(for: .milliseconds(10))
            let next = Found()
            if next.facts == found.facts { break }
            found = next
        }
        return found
    }

    /// The differences that stay: a look that was under way may be reading a file yet.
    static func settled(_ before: Found) async throws -> String {
        var tries = 0
        while Found().differences(before) != "as before", tries < 200 {
            tries += 1
            try await Task.sleep(for: .milliseconds(10))
        }
        return Found().differences(before)
    }

    func differences(_ other: Found) -> String {
        let names = Set(facts.keys).union(other.facts.keys).filter { facts[$0] != other.facts[$0] }
        return names.isEmpty
            ? "as before"
            : names.sorted().map {
                "\($0) was \(other.facts[$0] ?? "absent"), is \(facts[$0] ?? "absent")"
            }.joined(separator: "; ")
    }
}
