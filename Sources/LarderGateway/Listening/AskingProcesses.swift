import Glibc
import Synchronization
import Larder
import LarderInspector

/// Which process is at the other end of a connection, as `/proc` tells: of this user's own
/// processes alone, and while the connection lasts.
final class AskingProcesses: Sendable {
    private let state = Guarded(State())

    private struct State {
        var known: [Sender: GatewayReport.Process?] = [:]
        var searched: ContinuousClock.Instant?
    }

    /// To look at every process's descriptors takes some milliseconds.
    private static let period = Duration.seconds(1)
    private static let most = 4096

    /// Those of them that are known; others are searched for, at most once a second.
    func processes(of senders: [Sender]) -> [Sender: GatewayReport.Process] {
        state.withLock { state in
            let wanted = Set(senders.filter { state.known[$0] == nil && $0 != .unknown })
            let now = ContinuousClock.now
            if !wanted.isEmpty, state.searched.map({ now - $0 >= Self.period }) ?? true {
                state.searched = now
                if state.known.count + wanted.count > Self.most { state.known = [:] }
                // Who is not found now is gone, and not searched for again.
                let found = Self.search(wanted)
                for sender in wanted { state.known[sender] = .some(found[sender]) }
            }
            var found: [Sender: GatewayReport.Process] = [:]
            for sender in senders { found[sender] = state.known[sender] ?? nil }
            return found
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
        for line in text("/proc/net/tcp").split(separator: "\n").dropFirst() {
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

    /// A line of `/proc/net/tcp`, as far as it is wanted.
    private struct SocketLine {
        var sender: Sender
        var inode: Substring

        /// `nil` where it is no connection.
        init?(_ line: Substring) {
            let words = line.split(separator: " ")
            guard words.count > 9, words[3] == "01", let here = Self.port(words[1]),
                let there = Self.port(words[2])
            else { return nil }
            sender = .port(here, to: there)
            inode = words[9]
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
