import Foundation
import Larder
import LarderServing
import LarderWire
import NIOCore

/// The process at the other end of a socket, as the kernel knows it.
struct Peer: Sendable {
    var uid: uid_t
    var gid: gid_t
    var pid: pid_t

    /// - Throws: Where the channel is no unix socket.
    init(_ channel: any Channel) async throws {
        let credentials = try await PeerCredentials.of(channel).get()
        (uid, gid, pid) = (credentials.uid, credentials.gid, credentials.pid)
    }

    /// Whose process it is.
    static func uid(of channel: any Channel) -> EventLoopFuture<uid_t> {
        PeerCredentials.of(channel).map(\.uid)
    }

    var id: PeerID { PeerID(uid: uid, pid: pid) }

    /// Its user's name.
    var user: String { Self.entry(of: uid)?.name ?? "somebody" }

    /// A user's name and first group, read into memory of our own: others ask at the same time.
    private static func entry(of uid: uid_t) -> (name: String, group: gid_t)? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwuid_r(uid, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            return nil
        }
        return (String(cString: entry.pw_name), entry.pw_gid)
    }

    /// Its user's name, uid and pid.
    var name: String { "\(user) (uid \(uid), pid \(pid))" }

    /// Whether it may look in: the engine's own user, root, or the group that was let in.
    func isAdmitted(group: gid_t?) -> Bool {
        if uid == geteuid() || uid == 0 { return true }
        guard let group else { return false }
        if gid == group { return true }
        guard let user = Self.entry(of: uid) else { return false }
        var count: Int32 = 256
        var groups = [gid_t](repeating: 0, count: 256)
        guard getgrouplist(user.name, user.group, &groups, &count) >= 0 else {
            return false
        }
        return groups.prefix(Int(count)).contains(group)
    }
}
