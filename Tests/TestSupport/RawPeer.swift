import Foundation

/// A connection to a unix socket, or to a port of the loopback, that sends what it likes, and reads only when told to.
public final class RawPeer {
    private let descriptor: Int32

    public convenience init(_ path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        try self.init(AF_UNIX, address)
    }

    public convenience init(port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        try self.init(AF_INET, address)
    }

    private init(_ family: Int32, _ address: some BitwiseCopyable) throws {
        descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        let failed = withUnsafeBytes(of: address) {
            connect(
                descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t($0.count))
        }
        guard failed == 0 else {
            close(descriptor)
            throw Failure("no connection: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// Sends as much as the other end takes; false where it has closed.
    @discardableResult
    public func send(_ bytes: some Sequence<UInt8>) -> Bool {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(
                    descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    public func send(_ text: String) { send(text.utf8) }

    /// The next line that comes, up to an empty one.
    public func line(within limit: Duration = .seconds(10)) -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&waiting, 1, limit.wholeMilliseconds) == 1,
            recv(descriptor, &byte, 1, 0) == 1, byte != 10
        {
            if byte != 13 { line.append(byte) }
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// Whether the other end closes, or has; what comes before that is thrown away.
    public func ends(within limit: Duration = .seconds(10)) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&waiting, 1, limit.wholeMilliseconds) == 1 {
            if recv(descriptor, &buffer, buffer.count, 0) <= 0 { return true }
        }
        return false
    }

    /// What came until the other end closed, or nothing came for `limit`.
    public func answer(within limit: Duration = .seconds(10)) -> String {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&waiting, 1, limit.wholeMilliseconds) == 1 {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            all += buffer[..<count]
            // An answer that ends in an object is whole.
            if all.last == UInt8(ascii: "}") { break }
        }
        return String(decoding: all, as: UTF8.self)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int32 {
        Int32(components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
    }
}
