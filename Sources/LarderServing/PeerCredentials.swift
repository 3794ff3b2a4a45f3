package import Glibc
package import NIOCore

/// The process at the other end of a unix socket, as the kernel knows it: `struct ucred`, which the
/// Glibc module leaves out.
package struct PeerCredentials: Sendable {
    package var pid: pid_t
    package var uid: uid_t
    package var gid: gid_t

    /// Fails where the channel has no socket options.
    package static func of(_ channel: any Channel) -> EventLoopFuture<PeerCredentials> {
        guard let options = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(Unknown())
        }
        return options.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED))
    }

    private struct Unknown: Error, CustomStringConvertible {
        var description: String { "the peer's identity cannot be told" }
    }
}
