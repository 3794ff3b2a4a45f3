import Dispatch
import Glibc
import Synchronization
import Larder
import LarderInspector

/// Which process is at the other end of a connection, as `/proc` tells: of this user's own
/// processes alone, and while the connection lasts. To look at every process's descriptors takes some
/// milliseconds, on a thread of its own.
final class AskingProcesses: Sendable {
    private let state = Guarded(State())
    private let queue = DispatchQueue(label: "larder.processes", qos: .utility)

    private struct State {
        var known: [Sender: Known] = [:]
        var isSearching = false
        /// Hand-outs that wait for their turn.
        var waiting = 0
    }

    private struct Known {
        /// `nil` where nobody was found.
        var process: GatewayReport.Process?
        var at: ContinuousClock.Instant
    }

    /// The number of a port is another connection's after a while.
    private static let memory = Duration.seconds(60)
    private static let mostWaiting = 8

    /// How long who asks for ones of whom nothing is known waits for a search.
    private static let patience = DispatchTimeInterval.milliseconds(50)

    /// Those of them that are known by now; others are searched for, for the next who asks.
    func processes(of senders: [Sender]) -> [Sender: GatewayReport.Process] {
        let now = ContinuousClock.now
        let (found, wanted) = state.withLock { state in
            func isFresh(_ known: Known) -> Bool { now - known.at < Self.memory }
            let asked = Set(senders)
            // What is old is told until it has been searched for again.
            state.known = state.known.filter { isFresh($0.value) || asked.contains($0.key) }
            let wanted = asked.filter {
                $0 != .unknown && !(state.known[$0].map(isFresh) ?? false)
            }
            var found: [Sender: GatewayReport.Process] = [:]
            for sender in senders { found[sender] = state.known[sender]?.process }
            guard !wanted.isEmpty, !state.isSearching else { return (found, Set<Sender>()) }
            state.isSearching = true
            return (found, wanted)
        }
        guard !wanted.isEmpty else { return found }
        let isDone = DispatchSemaphore(value: 0)
        queue.async { [self] in
            let now = ContinuousClock.now
            let found = Self.search(wanted)
            state.withLock { state in
                state.isSearching = false
                for sender in wanted {
                    state.known[sender] = Known(process: found[sender], at: now)
                }
            }
            isDone.signal()
        }
        // Who asks once, as a command does, is to be told as well.
        guard found.isEmpty, isDone.wait(timeout: .now() + Self.patience) == .success else {
            return found
        }
        return state.withLock { state in
            var found: [Sender: GatewayReport.Process] = [:]
            for sender in senders { found[sender] = state.known[sender]?.process }
            return found
        }
    }

    /// Looks for one, whatever was known before; `then` is called without it where there is much to
    /// do.
    func find(_ sender: Sender, _ then: @escaping @Sendable (GatewayReport.Process?) -> Void) {
        let isWelcome = state.withLock { state in
            guard state.waiting < Self.mostWaiting else { return false }
            state.waiting += 1
            return true
        }
        guard isWelcome else { return then(nil) }
        queue.async { [self] in
            let found = Self.search([sender])[sender]
            state.withLock { $0.waiting -= 1 }
            then(found)
        }
    }

    private static func search(_ senders: Set<Sender>) -> [Sender: GatewayReport.Process] {
        var found: [Sender: GatewayReport.Process] = [:]
        var ports: Set<Sender> = []
        for sender in senders {
            switch sender {
            case .process(let pid): found[sender] = process(pid)
            case .port: ports.insert(sender)
            case .unknown: break
            }
        }
        guard !ports.isEmpty else { return found }
        var sockets: [String: Sender] = [:]
        // A socket of both families has its line in the second.
        for line in ["/proc/net/tcp", "/proc/net/tcp6"].flatMap({ text($0).split(separator: "\n") })
        {
            guard let end = SocketLine(line), ports.contains(end.sender) else { continue }
            sockets["socket:[\(end.inode)]"] = end.sender
        }
        guard !sockets.isEmpty else { return found }
        for name in names("/proc") {
            guard let pid = pid_t(name), isOwn("/proc/\(name)") else { continue }
            for descriptor in names("/proc/\(name)/fd") {
                guard let target = link("/proc/\(name)/fd/\(descriptor)"),
                    let sender = sockets[target], found[sender] == nil
                else { continue }
                found[sender] = process(pid)
            }
        }
        return found
    }

    /// A line of `/proc/net/tcp`, as far as it is wanted: of a connection within the loopback.
    private struct SocketLine {
        var sender: Sender
        var inode: Substring

        /// `nil` where it is no connection.
        init?(_ line: Substring) {
            let words = line.split(separator: " ")
            guard words.count > 9, words[3] == "01", Self.isLoopback(words[1]),
                Self.isLoopback(words[2]), let here = Self.port(words[1]),
                let there = Self.port(words[2])
            else { return nil }
            sender = .port(here, to: there)
            inode = words[9]
        }

        /// 127.0.0.0/8, its bytes from the last to the first in each group of four; of both families
        /// behind `FFFF0000`.
        private static func isLoopback(_ address: Substring) -> Bool {
            address.split(separator: ":").first.map { $0.hasSuffix("7F") } ?? false
        }

        /// `0100007F:1F90`.
        private static func port(_ address: Substring) -> UInt16? {
            address.split(separator: ":").last.flatMap { UInt16($0, radix: 16) }
        }
    }

    private static func process(_ pid: pid_t) -> GatewayReport.Process {
        let name = text("/proc/\(pid)/comm").prefix { $0 != "\n" }
        return GatewayReport.Process(pid: pid, name: PlainText.fit(String(name)))
    }

    // MARK: /proc

    private static func isOwn(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_uid == geteuid()
    }

    private static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }

    private static func link(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let count = readlink(path, buffer.baseAddress!, buffer.count)
            guard count > 0 else { return nil }
            return String(
                decoding: UnsafeRawBufferPointer(
                    rebasing: UnsafeRawBufferPointer(buffer)[..<count]),
                as: UTF8.self)
        }
    }

    private static func text(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        return withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
            while true {
                let count = read(file, buffer.baseAddress!, buffer.count)
                guard count > 0, bytes.count < 16 << 20 else { break }
                bytes += UnsafeRawBufferPointer(rebasing: buffer[..<count])
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
