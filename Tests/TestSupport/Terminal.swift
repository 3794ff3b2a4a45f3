import Foundation

/// A program in a real terminal of its own (tmux), to be typed at and read.
public final class Terminal {
    private let server = "larder-\(UUID().uuidString.prefix(8))"
    private let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)

    /// - Parameters:
    ///   - script: What the shell runs in the terminal; its status is the last command's.
    ///   - term: What the program is told that the terminal is.
    public init(
        _ script: String, columns: Int = 80, rows: Int = 24, term: String = "xterm-256color",
        environment: [String: String] = [:]
    ) throws {
        var variables = ["TERM": term, "LC_ALL": "C.UTF-8", "TZ": "UTC"]
        // How things look is kept from one run to the next: not from one test to another.
        variables["XDG_STATE_HOME"] = folder.path
        variables.merge(environment) { $1 }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // The status goes through a file: tmux itself can miss the end of a program.
        try """
        unset NO_COLOR
        \(variables.map { "export \($0.key)='\($0.value)'" }.joined(separator: "\n"))
        \(script)
        echo $? > '\(statusFile)'
        """.write(to: folder.appending(path: "script"), atomically: true, encoding: .utf8)
        try tmux(
            "-f", "/dev/null", "new-session", "-d", "-s", "s", "-x", "\(columns)", "-y", "\(rows)",
            "sh '\(folder.path)/script'", ";", "set", "-g", "remain-on-exit", "on", ";", "set",
            "-g", "status", "off", ";", "set", "-sg", "escape-time", "0", ";", "resize-window",
            "-t", "s", "-x", "\(columns)", "-y", "\(rows)")
    }

    private var statusFile: String { folder.appending(path: "status").path }

    deinit {
        _ = try? run(["tmux", "-L", server, "kill-server"])
        try? FileManager.default.removeItem(at: folder)
    }

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

    /// Reads the screen until `holds` of it and of the next look, which is the same: a frame may
    /// be seen while it is drawn. Throws with the screen where it never does.
    @discardableResult
    public func wait(
        _ what: String, within limit: Duration = .seconds(30), _ holds: (String) throws -> Bool
    ) throws -> String {
        var last = ""
        let seen = try eventually(within: limit) {
            last = try screen()
            guard try holds(last) else { return false }
            let next = try screen()
            guard next != last else { return true }
            last = next
            // What never stands still is taken as it is, where it holds of both.
            return try holds(next) && screen() == next
        }
        guard seen else { throw Failure("not seen: \(what); on the screen:\n\(last)") }
        return last
    }

    @discardableResult
    public func wait(for text: String, within limit: Duration = .seconds(30)) throws -> String {
        try wait(text, within: limit) { $0.contains(text) }
    }

    /// The exit status, once the script has ended.
    public func exitStatus() throws -> Int {
        var status: Int?
        _ = eventually {
            let text = try? String(contentsOfFile: statusFile, encoding: .utf8)
            status = text.flatMap { Int($0.trimmingCharacters(in: .newlines)) }
            return status != nil
        }
        guard let status else { throw Failure("the program did not end") }
        return status
    }

    /// The shell in the terminal.
    public func pid() throws -> Int32 {
        Int32(
            try tmux("display-message", "-p", "-t", "s", "#{pane_pid}").trimmingCharacters(
                in: .newlines))!
    }
}
