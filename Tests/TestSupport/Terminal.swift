import Foundation

/// A program in a real terminal of its own (tmux), to be typed at and read.
public final class Terminal {
    private let server = "larder-\(UUID().uuidString.prefix(8))"

    /// - Parameters:
    ///   - command: As the shell would have it.
    ///   - term: What the program is told that the terminal is.
    public init(
        _ command: String, columns: Int = 80, rows: Int = 24, term: String = "xterm-256color",
        environment: [String: String] = [:]
    ) throws {
        var variables = ["TERM": term, "LC_ALL": "C.UTF-8", "TZ": "UTC"]
        variables.merge(environment) { $1 }
        let assignments = variables.map { "\($0.key)='\($0.value)'" }.joined(separator: " ")
        try tmux(
            "-f", "/dev/null", "new-session", "-d", "-s", "s", "-x", "\(columns)", "-y", "\(rows)",
            "\(assignments) exec \(command)", ";", "set", "-g", "remain-on-exit", "on", ";", "set",
            "-g", "status", "off", ";", "set", "-sg", "escape-time", "0", ";", "resize-window",
            "-t", "s", "-x", "\(columns)", "-y", "\(rows)")
    }

    deinit { _ = try? run(["tmux", "-L", server, "kill-server"]) }

    @discardableResult
    private func tmux(_ arguments: String...) throws -> String {
        let ran = try run(["tmux", "-u", "-L", server] + arguments, environment: ["TMUX": ""])
        guard ran.status == 0 else { throw Failure("tmux: \(ran.errors)") }
        return ran.output
    }

    /// Presses keys by their tmux names: `Down`, `Enter`, `C-c`, `x`.
    public func press(_ keys: String...) throws {
        for key in keys { try tmux("send-keys", "-t", "s", key) }
    }

    public func type(_ text: String) throws { try tmux("send-keys", "-t", "s", "-l", text) }

    public func resize(_ columns: Int, _ rows: Int) throws {
        try tmux("resize-window", "-t", "s", "-x", "\(columns)", "-y", "\(rows)")
    }

    public func screen() throws -> String { try tmux("capture-pane", "-p", "-t", "s") }

    /// The screen with its colors, as escape sequences.
    public func styledScreen() throws -> String { try tmux("capture-pane", "-pe", "-t", "s") }

    public var lines: [String] {
        get throws {
            try screen().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// Reads the screen until `holds` of it; throws with the screen where it never does.
    @discardableResult
    public func wait(
        _ what: String, within limit: Duration = .seconds(30), _ holds: (String) throws -> Bool
    ) throws -> String {
        var last = ""
        let seen = try eventually(within: limit) {
            last = try screen()
            return try holds(last)
        }
        guard seen else { throw Failure("not seen: \(what); on the screen:\n\(last)") }
        return last
    }

    @discardableResult
    public func wait(for text: String, within limit: Duration = .seconds(30)) throws -> String {
        try wait(text, within: limit) { $0.contains(text) }
    }

    /// The exit status, once the program has ended.
    public func exitStatus() throws -> Int {
        var status = ""
        _ = try eventually {
            status = try tmux(
                "display-message", "-p", "-t", "s",
                "#{?pane_dead,#{pane_dead_status}#{?pane_dead_signal,+#{pane_dead_signal},},}")
            return status != "\n"
        }
        guard let number = Int(status.trimmingCharacters(in: .newlines)) else {
            throw Failure("the program did not end, or by a signal: \(status)")
        }
        return number
    }

    /// The process in the terminal.
    public func pid() throws -> Int32 {
        Int32(
            try tmux("display-message", "-p", "-t", "s", "#{pane_pid}").trimmingCharacters(
                in: .newlines))!
    }
}
