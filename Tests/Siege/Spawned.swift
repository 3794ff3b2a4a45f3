import Foundation
import TestSupport

/// The program `larder` in a process whose first three descriptors the test decides.
final class Spawned {
    let pid: pid_t
    private var state: Int32?

    /// What one of the first three descriptors is.
    enum Stream {
        case closed
        /// Opened by the process itself: a terminal becomes that of its session, a file is made.
        case path(String)
        case descriptor(Int32)
    }

    /// - Parameter session: It has a session of its own.
    init(
        _ arguments: String, in folder: TemporaryFolder, _ streams: [Stream], session: Bool = true,
        environment: [String: String] = [:]
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, stream) in streams.enumerated() {
            let number = Int32(number)
            switch stream {
            case .closed: posix_spawn_file_actions_addclose(&actions, number)
            case .path(let path):
                posix_spawn_file_actions_addopen(&actions, number, path, O_RDWR | O_CREAT, 0o600)
            case .descriptor(let descriptor):
                posix_spawn_file_actions_adddup2(&actions, descriptor, number)
            }
        }
        pid = try spawn(
            [larder] + arguments.split(separator: " ").map(String.init),
            environment: Self.environment(folder).merging(environment) { $1 }, &actions,
            session: session)
    }

    deinit {
        guard runs else { return }
        kill(pid, SIGKILL)
        var state: Int32 = 0
        waitpid(pid, &state, 0)
    }

    static func environment(_ folder: TemporaryFolder) -> [String: String] {
        [
            "XDG_RUNTIME_DIR": folder.path, "XDG_STATE_HOME": folder.path,
            "LARDER_STORE": folder.path + "/accounts.sqlite", "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8", "NO_PROXY": "*",
        ]
    }

    var runs: Bool {
        if state == nil {
            var found: Int32 = 0
            if waitpid(pid, &found, WNOHANG) == pid { state = found }
        }
        return state == nil
    }

    /// How it ended: `exit 1`, `signal 15`.
    func end(within limit: Duration = .seconds(20)) throws -> String {
        guard eventually(within: limit, { !runs }), let state else {
            throw Failure("it does not end")
        }
        let signal = state & 0x7f
        return signal == 0 ? "exit \(state >> 8 & 0xff)" : "signal \(signal)"
    }

    func signal(_ number: Int32) { kill(pid, number) }
}

/// A place to write to, in one of the ways in which there is something wrong with it.
final class Sink {
    enum Fault: String, CaseIterable { case full, closed, gone, stopped, fine }

    let fault: Fault
    private var ends: [Int32] = [-1, -1]

    init(_ fault: Fault, nonblocking: Bool = false) {
        self.fault = fault
        guard ![.full, .closed].contains(fault) else { return }
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        if fault == .gone { close(ends[0]) }
        if fault == .stopped { fill() }
        if nonblocking { _ = fcntl(ends[1], F_SETFL, O_NONBLOCK) }
    }

    deinit {
        if fault != .gone { close(ends[0]) }
        close(ends[1])
    }

    var stream: Spawned.Stream {
        switch fault {
        case .full: .path("/dev/full")
        case .closed: .closed
        case .gone, .stopped, .fine: .descriptor(ends[1])
        }
    }

    /// A pipe of one page that holds one.
    private func fill() {
        _ = fcntl(ends[1], 1031, 4096)  // F_SETPIPE_SZ, which the Glibc module leaves out
        let page = [UInt8](repeating: 0, count: 4096)
        _ = write(ends[1], page, page.count)
    }

    /// What has been written until now, without what filled it before.
    func read() -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = Foundation.read(ends[0], &buffer, buffer.count), count > 0 {
            bytes += buffer[..<count]
        }
        return String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
    }
}
