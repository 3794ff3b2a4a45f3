import Foundation
import LarderInspector

/// One question and its answer over a socket that waits: for a command that has nothing else to do,
/// and is over before a client with loops and threads of its own would have begun.
struct ShortRequest {
    enum Place {
        /// The path of a unix socket.
        case socket(String)
        /// A port of the loopback.
        case port(host: String, UInt16)
    }

    var path: String
    /// What has to stand in the Authorization header.
    var authorization: String?
    /// How long the answer may take to go on.
    var patience = Duration.seconds(5)

    struct Answer {
        var status: Int
        var body: [UInt8]
    }

    /// Longest answer.
    private static let most = 1 << 20

    /// - Throws: ``Broken`` where there is no whole answer.
    func send(to place: Place) throws(Broken) -> Answer {
        let descriptor = try connected(to: place)
        defer { close(descriptor) }
        let host =
            switch place {
            case .socket: "larder"
            case .port(let host, let port): "\(host):\(port)"
            }
        let proof = authorization.map { "Authorization: \($0)\r\n" } ?? ""
        let request =
            "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\(proof)\r\n"
        guard Descriptor.write(request, to: descriptor) == 0 else { throw Broken() }
        return try answer(descriptor)
    }

    struct Broken: Error {}

    private func connected(to place: Place) throws(Broken) -> Int32 {
        let family =
            switch place {
            case .socket: AF_UNIX
            case .port: AF_INET
            }
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw Broken() }
        var limit = timeval(tv_sec: Int(patience.components.seconds), tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(
                descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard connect(descriptor, place) == 0 else {
            close(descriptor)
            throw Broken()
        }
        return descriptor
    }

    private func connect(_ descriptor: Int32, _ place: Place) -> Int32 {
        switch place {
        case .socket(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let room = MemoryLayout.size(ofValue: address.sun_path)
            guard path.utf8.count < room else { return -1 }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            return Self.connect(descriptor, &address)
        case .port(let host, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return -1 }
            return Self.connect(descriptor, &address)
        }
    }

    private static func connect<Address>(_ descriptor: Int32, _ address: inout Address) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    private func answer(_ descriptor: Int32) throws(Broken) -> Answer {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= Self.most {
            if let answer = try Self.answer(in: bytes) { return answer }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Broken() }
            bytes += buffer.prefix(count)
        }
        throw Broken()
    }

    /// What came, if it is all there; both of our own servers say how long it is.
    static func answer(in bytes: [UInt8]) throws(Broken) -> Answer? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        guard
            let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
            let length = lines.lazy.compactMap({ line in
                line.lowercased().hasPrefix("content-length:")
                    ? Int(line.dropFirst(15).drop { $0 == " " }) : nil
            }).first, (0...most).contains(length)
        else { throw Broken() }
        guard bytes.count - end.upperBound >= length else { return nil }
        return Answer(status: status, body: Array(bytes[end.upperBound...].prefix(length)))
    }
}
