import Foundation

/// The service manager that started this process, where one did and listens (systemd's
/// `Type=notify-reload`).
enum ServiceManager {
    static func alive() { tell("WATCHDOG=1") }

    /// How often the manager wants to hear that this process is alive: half of the time after which
    /// it takes it for dead. `nil` where it does not watch, or watches another process.
    static func watchdogPeriod(_ environment: [String: String], pid: pid_t) -> Duration? {
        guard let limit = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }), limit > 0,
            environment["WATCHDOG_PID"].map({ $0 == "\(pid)" }) ?? true
        else { return nil }
        return .microseconds(max(limit / 2, 1000))
    }

    static func ready() { tell("READY=1") }
    static func stopping() { tell("STOPPING=1") }
    static func reloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        tell("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
    }

    /// One datagram to the socket that `NOTIFY_SOCKET` names; `@` stands for the abstract ones.
    private static func tell(_ state: String) {
        guard let path = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"],
            path.hasPrefix("/") || path.hasPrefix("@")
        else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let kind = SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(AF_UNIX, Int32(kind), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = state.withCString { text in
                    sendto(
                        descriptor, text, strlen(text), Int32(MSG_NOSIGNAL), address,
                        length)
                }
            }
        }
    }
}
