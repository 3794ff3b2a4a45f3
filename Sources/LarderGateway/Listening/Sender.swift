package import Glibc
import LarderInspector
import LarderServing
import NIOCore

/// The other end of a request's connection, as the kernel knows it.
package enum Sender: Hashable, Sendable {
    /// Over the loopback: the port there, and the gateway's own.
    case port(UInt16, to: UInt16)
    /// Of a unix socket.
    case process(pid_t)
    /// Nobody knows.
    case unknown

    /// - Throws: ``Refusal`` where it is the process of another user than the engine's own and root.
    init(_ channel: any Channel, isSocket: Bool) async throws {
        guard isSocket else {
            let ports = [channel.remoteAddress?.port, channel.localAddress?.port].map {
                $0.flatMap { UInt16(exactly: $0) }
            }
            guard let port = ports[0], let own = ports[1] else {
                self = .unknown
                return
            }
            self = .port(port, to: own)
            return
        }
        let peer = try? await PeerCredentials.of(channel).get()
        guard let peer, [0, geteuid()].contains(peer.uid) else {
            throw Refusal.forbidden("this gateway's socket is for its own user alone")
        }
        // One of another namespace has no number here.
        self = peer.pid > 0 ? .process(peer.pid) : .unknown
    }
}
