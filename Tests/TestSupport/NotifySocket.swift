import Foundation

/// What a service manager is told: the datagrams to the socket that `NOTIFY_SOCKET` names.
public final class NotifySocket {
    public let path: String
    private let descriptor: Int32
    private var lines = ""

    public init(in folder: TemporaryFolder) throws {
        path = folder.path + "/notify"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let failed = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard failed == 0 else {
            close(descriptor)
            throw Failure("no socket: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// All that was told so far, each datagram a line.
    public func told() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)),
            count > 0
        {
            lines += String(decoding: buffer[..<count], as: UTF8.self) + "\n"
        }
        return lines
    }
}
