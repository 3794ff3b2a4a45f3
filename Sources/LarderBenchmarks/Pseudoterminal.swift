import CGlibc
import Foundation

/// A program in a terminal of its own, of 120 columns and 40 rows, as a person's emulator has it.
final class Pseudoterminal {
    let pid: pid_t
    private let master: Int32
    /// What the first whole frame shows, where that is known.
    private let mark: String?
    private let started = nanoseconds()

    /// `TIOCSPTLCK`, `TIOCGPTN` and `POSIX_SPAWN_SETSID`.
    private static let (setLock, getNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
    private static let newSession: Int16 = 0x80

    init(
        _ command: [String], environment: [String: String] = [:], firstShows mark: String? = nil
    ) throws {
        self.mark = mark
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // What unlockpt and ptsname do; the C library's module leaves them out.
        var (number, locked): (Int32, Int32) = (0, 0)
        guard master >= 0, ioctl(master, Self.setLock, &locked) == 0,
            ioctl(master, Self.getNumber, &number) == 0
        else { throw LeftOut("no pseudoterminal could be had") }
        self.master = master
        let name = "/dev/pts/\(number)"
        var size = winsize(ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
        var variables = ProcessInfo.processInfo.environment
        variables.merge(["TERM": "xterm-256color", "LC_ALL": "C.UTF-8"]) { $1 }
        variables.merge(environment) { $1 }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The first terminal that the leader of a session opens is the session's.
        posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Self.newSession)
        let arguments = command.map { strdup($0) } + [nil]
        let lines = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (arguments + lines).forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawnp(&pid, command[0], &actions, &attributes, arguments, lines)
        guard failure == 0 else {
            close(master)
            throw LeftOut("\(command[0]) is not there: \(String(cString: strerror(failure)))")
        }
        self.pid = pid
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        close(master)
    }

    func type(_ keys: String) { _ = write(master, keys, keys.utf8.count) }

    /// Reads what is written within `seconds`; how many bytes that is.
    @discardableResult
    func drain(_ seconds: Double) -> Int {
        let end = nanoseconds() + Int(seconds * 1e9)
        var count = 0
        while true {
            let left = end - nanoseconds()
            guard left > 0, let read = read(within: left) else { return count }
            count += read
        }
    }

    /// Milliseconds from the start to the first frame: until as much was written as a screen takes,
    /// and what it has to show.
    func firstFrame() throws -> Double {
        var written: [UInt8] = []
        while written.count < 600
            || mark.map({ !String(decoding: written, as: UTF8.self).contains($0) }) ?? false
        {
            guard let read = bytes(within: 10_000_000_000) else {
                throw LeftOut("no frame came within 10 s")
            }
            written += read
        }
        return Double(nanoseconds() - started) / 1e6
    }

    /// Milliseconds from a key press to the first byte of the frame that answers it.
    func answerTime(to key: String) -> Double? {
        let before = nanoseconds()
        type(key)
        guard read(within: 2_000_000_000) != nil else { return nil }
        return Double(nanoseconds() - before) / 1e6
    }

    /// How many bytes came at the next chance; `nil` where none did in so many nanoseconds, or ever
    /// will.
    private func read(within time: Int) -> Int? { bytes(within: time)?.count }

    private func bytes(within time: Int) -> [UInt8]? {
        var descriptor = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, Int32(clamping: (time + 999_999) / 1_000_000)) == 1 else {
            return nil
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Foundation.read(master, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// Seconds of processor time of all its threads.
    var processorTime: Double {
        let folder = "/proc/\(pid)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return threads.reduce(0) { sum, thread in
            let text = try? String(contentsOfFile: "\(folder)/\(thread)/schedstat", encoding: .utf8)
            return sum + (text?.split(separator: " ").first.flatMap { Double($0) } ?? 0) / 1e9
        }
    }

    /// MiB that are its own: what it shares with every program of its libraries is left out.
    var ownMemory: Double? {
        let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let kilobytes = text?.split(separator: "\n").filter {
            $0.hasPrefix("RssAnon") || $0.hasPrefix("RssShmem")
        }.compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Double($0) } }
        return kilobytes.map { $0.reduce(0, +) / 1024 }
    }
}
