import Foundation
import LarderInspector
import LarderWire
import Synchronization

/// A unix socket that the gateway listens at, beside its port or instead of it.
struct GatewaySocket {
    private let folder: String
    private let name: String

    /// A path that ends in `.sock`.
    init(parsing text: String) throws(UnitError) {
        let path = URL(filePath: text).standardizedFileURL.path
        (folder, name) = (
            (path as NSString).deletingLastPathComponent, (path as NSString).lastPathComponent
        )
        guard name.hasSuffix(".sock"), name.utf8.count > 5 else {
            throw UnitError("\"\(text)\" is no path of a socket; write one that ends in .sock")
        }
        guard path.utf8.count <= Rendezvous.longestPath else {
            throw UnitError(
                "\"\(text)\" is longer than the \(Rendezvous.longestPath) bytes that a socket's path "
                    + "may have")
        }
    }

    private var path: String { "\(folder)/\(name)" }

    /// Takes the path for this process. The lock beside it is a file of its own name: other programs,
    /// and engines, have theirs.
    ///
    /// - Throws: ``InspectorError`` where somebody else could put something there, listens there or
    ///   has left something there that is no socket of this user's.
    func take() throws -> Taken {
        do { try Rendezvous(folder: folder, name: "g").makeFolder() } catch {
            throw InspectorError("--gateway-socket \(path): \(error)")
        }
        let file = open("\(folder)/.\(name).lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            throw refusal("its lock cannot be made: \(Descriptor.reason(errno))")
        }
        do {
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                throw refusal("the gateway of another engine listens there")
            }
            try checkWhatIsThere()
            return Taken(path: path, lock: file)
        } catch {
            close(file)
            throw error
        }
    }

    private func refusal(_ why: String) -> InspectorError {
        InspectorError("--gateway-socket \(path): \(why); name another path")
    }

    /// What an engine that died left there is replaced; nothing else is.
    private func checkWhatIsThere() throws {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        guard facts.st_mode & S_IFMT == S_IFSOCK, facts.st_uid == geteuid() else {
            throw refusal("something else is there, which is no socket of this user's")
        }
        // Where many wait to be let in, it is not waited with them.
        let kind = [SOCK_STREAM, SOCK_CLOEXEC, SOCK_NONBLOCK].reduce(0) { $0 | Int32($1.rawValue) }
        let probe = socket(AF_UNIX, kind, 0)
        defer { close(probe) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let answers = withUnsafeBytes(of: &address) {
            connect(
                probe, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t($0.count)) == 0
        }
        guard !answers, errno == ECONNREFUSED else {
            throw refusal("somebody listens there")
        }
    }

    /// A path that this process has.
    final class Taken: Sendable {
        let path: String
        private let lock: Int32
        private let bound = Atomic(false)

        fileprivate init(path: String, lock: Int32) { (self.path, self.lock) = (path, lock) }

        /// What stands there is this process's from now on.
        func isBound() { bound.store(true, ordering: .relaxed) }

        func release() {
            if bound.load(ordering: .relaxed) { unlink(path) }
            close(lock)
        }

        /// Why `larder exec` finds nothing to point at.
        var alone: InspectorError {
            InspectorError(
                "the gateway listens at \(path) alone, which AWS's SDKs cannot be told of; start the "
                    + "engine with --gateway as well")
        }
    }
}

/// The table that `--follow-streams` names.
enum FollowedTable {
    static func name(_ text: String) throws(UnitError) -> String {
        guard text.wholeMatch(of: /[A-Za-z0-9_.\-]{3,255}/) != nil else {
            throw UnitError(
                "\"\(text)\" is no name of a table; 3 to 255 letters, digits and _.- are accepted")
        }
        return text
    }

    /// Each once, in the order in which they were named.
    static func each(_ tables: [String]) -> [String] {
        tables.enumerated().filter { !tables[..<$0].contains($1) }.map(\.element)
    }

    /// The ARN of a table, where it is named by that.
    static func arn(_ table: String?) -> String? {
        table.flatMap { $0.hasPrefix("arn:") ? $0 : nil }
    }

    /// Whether a table, by its name or its ARN, is the one that is followed.
    static func isNamed(_ table: String?, _ followed: String) -> Bool {
        guard let table else { return false }
        return table.split(separator: "/").last.map { $0 == followed } ?? false
    }
}
