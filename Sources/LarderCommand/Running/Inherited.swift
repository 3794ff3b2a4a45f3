import Foundation
import LarderInspector

/// What this process was started with and changes for itself: a command that it starts, or becomes,
/// has all of it as it was.
struct Inherited: Sendable {
    /// To be made first of all.
    static let own = Inherited()

    private let blocked: sigset_t
    /// Signals that were ignored already.
    let ignored: Set<Int32>
    private let core: rlimit
    private let filter: String?
    /// Descriptors that were open already, beside the first three.
    private let descriptors: Set<Int32>

    private static let coreKind = __rlimit_resource_t(RLIMIT_CORE.rawValue)
    private static let filterPath = "/proc/self/coredump_filter"

    private init() {
        var blocked = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &blocked)
        self.blocked = blocked
        ignored = Set((1...64).filter { Self.ignores($0) })
        var core = rlimit()
        getrlimit(Self.coreKind, &core)
        self.core = core
        filter = Self.text(Self.filterPath)
        descriptors = Set(Self.open)
    }

    private static func ignores(_ signal: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(signal, nil, &action) == 0 else { return false }
        let handler = action.__sigaction_handler.sa_handler
        // `SIG_IGN` is the address 1, which no function has.
        return handler.map { unsafeBitCast($0, to: Int.self) == 1 } ?? false
    }

    private static func text(_ path: String) -> String? {
        let file = Foundation.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static var open: [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap { Int32($0) }.filter { $0 > 2 && fcntl($0, F_GETFD) != -1 }
    }

    /// Makes limits and descriptors what they were, for a process that is started now.
    func restore() {
        var core = core
        setrlimit(Self.coreKind, &core)
        write(filter)
        for descriptor in Self.open where !descriptors.contains(descriptor) {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    private func write(_ filter: String?) {
        let file = Foundation.open(Self.filterPath, O_WRONLY | O_CLOEXEC)
        guard let filter, file >= 0 else { return }
        _ = Descriptor.write("0x" + filter, to: file)
        close(file)
    }

    /// Leaves no memory of this process in a core.
    static func forgoCores() {
        // The most that there may be stays as it was, for those that are started.
        var none = rlimit(rlim_cur: 0, rlim_max: own.core.rlim_max)
        setrlimit(coreKind, &none)
        let file = Foundation.open(filterPath, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = Descriptor.write("0", to: file)
        close(file)
    }

    /// Has this thread block what was blocked at the start, and signals do what they did, for a command
    /// that this process becomes.
    func restoreSignals() {
        for signal in Int32(1)...64 where signal != SIGKILL && signal != SIGSTOP {
            var action = sigaction()
            if ignored.contains(signal) {
                action.__sigaction_handler.sa_handler = SIG_IGN
            } else {
                action.__sigaction_handler.sa_handler = SIG_DFL
            }
            sigaction(signal, &action, nil)
        }
        var blocked = blocked
        pthread_sigmask(SIG_SETMASK, &blocked, nil)
    }

    /// The same, as attributes of a process that is started.
    func describe(_ attributes: inout posix_spawnattr_t) {
        var blocked = blocked
        posix_spawnattr_setsigmask(&attributes, &blocked)
        var usual = sigset_t()
        sigfillset(&usual)
        for signal in ignored { sigdelset(&usual, signal) }
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    }
}
