import Foundation
import LarderInspector
import LarderSocket
import LarderWire

/// Peers that want nothing and stay, and some that ask for events and never read them.
final class Crowd {
    private var connections: [Int32] = []
    private let folder: URL
    private let service: Task<Void, any Error>

    init(_ inspector: LocalInspector) async throws {
        folder = FileManager.default.temporaryDirectory.appending(
            path: "larder-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let place = try Rendezvous(folder: folder.path, name: "crowd")
        service = Task { try await SocketService(inspector, "crowd", at: place).run() }
        while !FileManager.default.fileExists(atPath: place.socket) {
            try await Task.sleep(for: .milliseconds(20))
        }
        for number in 0..<500 {
            let connection = try Self.connected(to: place.socket)
            connections.append(connection)
            guard number < 10 else { continue }
            let request =
                "GET /v1/caches/accounts/events HTTP/1.1\r\nHost: larder\r\n"
                + "Accept: text/event-stream\r\n\r\n"
            _ = write(connection, request, request.utf8.count)
        }
    }

    func leave() async {
        for connection in connections { close(connection) }
        service.cancel()
        _ = await service.result
        try? FileManager.default.removeItem(at: folder)
    }

    private static func connected(to path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let failed = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard failed == 0 else { throw LeftOut("a connection was refused") }
        return descriptor
    }
}
