import CDispatch  // that is where the toolchain finds `stat`
import Foundation
import LarderInspector

/// Why nobody could be met: a sentence for the one who asked.
public struct SocketError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whom it is about, what is wrong, and what to do where something can be done.
    public let description: String
    /// Another engine has the name.
    package let isTaken: Bool

    /// - Parameter description: A sentence that people read.
    public init(_ description: String) { self.init(description, isTaken: false) }

    package init(_ description: String, isTaken: Bool) {
        (self.description, self.isTaken) = (description, isTaken)
    }
}

/// Where an engine and those who look at it meet: `NAME.sock`, in a folder that nobody else can
/// write to.
///
/// The folder's mode and the socket's decide who may connect at all; whoever does is then asked of
/// the kernel. A lock beside the socket tells a live engine from one that has died: the socket of
/// the latter may be replaced, that of the former never.
public struct Rendezvous: Hashable, Sendable {
    /// The path of the folder.
    public let folder: String
    /// What the engine is called: up to 64 letters, digits and `._-`.
    public let name: String

    /// The path of the socket, 107 bytes at most.
    public var socket: String { "\(folder)/\(name).sock" }
    package var lock: String { "\(folder)/\(name).lock" }

    /// Longest path that a socket's address holds.
    package static let longestPath = 107

    /// - Throws: ``SocketError`` where no file can be called so.
    public init(folder: String, name: String) throws(SocketError) {
        guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]{0,63}/) != nil else {
            throw SocketError(
                "\"\(name)\" is no name of an engine; up to 64 letters, digits and ._- are accepted"
            )
        }
        self.folder = folder
        self.name = name
        guard socket.utf8.count <= Self.longestPath else {
            throw SocketError(
                "\(socket) is longer than the \(Self.longestPath) bytes that a socket's path may "
                    + "have; name a shorter folder")
        }
    }

    /// The name of an engine that serves a table: the table's, with `-` for what no name of an engine
    /// has, without the rest of an ARN. A long one is cut, and tells others with the same beginning
    /// apart by a number.
    public static func name(ofTable table: String) -> String {
        let own = table.unicodeScalars.split(separator: "/").last.map { String($0) } ?? table
        let fit = String(
            own.unicodeScalars.map { scalar in
                let isFit = isPlain(scalar) || "._-".unicodeScalars.contains(scalar)
                return isFit ? Character(scalar) : "-"
            }.drop { !isPlain($0.unicodeScalars.first!) })
        guard fit.utf8.count > longestName else { return fit.isEmpty ? "larder" : fit }
        // FNV-1a: the same in every run.
        let number = own.utf8.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return "\(fit.prefix(30))-\(String(number, radix: 16))"
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
    }

    package static let longestName = 64

    /// Where engines are looked for: the session's own folder, the system's, and the user's in the
    /// temporary one.
    public static func folders(_ environment: [String: String]) -> [String] {
        let session = environment["XDG_RUNTIME_DIR"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let temporary = environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp"
        return [session.map { $0 + "/larder" }, "/run/larder", "\(temporary)/larder-\(geteuid())"]
            .compactMap(\.self)
    }

    /// Where an engine of this process goes: the first of the folders that is there or can be made.
    public static func own(
        _ name: String, _ environment: [String: String]
    ) throws(SocketError) -> Rendezvous {
        var refusal: SocketError?
        for folder in folders(environment) {
            // A system's folder is for who may write there.
            let parent = (folder as NSString).deletingLastPathComponent
            guard
                access(folder, W_OK) == 0 || access(folder, F_OK) != 0 && access(parent, W_OK) == 0
            else { continue }
            let rendezvous = try Rendezvous(folder: folder, name: name)
            try rendezvous.checkParents()
            do {
                try rendezvous.makeFolder()
                return rendezvous
            } catch {
                // A folder that cannot be trusted is not passed over: somebody has to see to it.
                if access(folder, F_OK) == 0 { throw error }
                refusal = error
            }
        }
        throw refusal ?? SocketError("there is no folder for a socket; set XDG_RUNTIME_DIR")
    }

    // MARK: Folders

    /// Makes the folder where it is not there.
    public func makeFolder() throws(SocketError) {
        try checkParents()
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw SocketError("\(folder) cannot be made: \(Self.reason)")
        }
        try checkFolder()
    }

    /// - Parameter asMember: A folder of another user's is good where its group is one of this
    ///   user's and nobody else can have put it there.
    /// - Throws: ``SocketError`` where somebody else could put something there.
    package func checkFolder(asMember: Bool = false) throws(SocketError) {
        let real = realFolder
        guard let file = Self.file(real) else { throw SocketError("\(folder) is not there") }
        guard file.type == S_IFDIR else {
            throw SocketError("\(folder) is no folder of its own (a link, or a file); remove it")
        }
        guard
            file.uid == geteuid() || file.uid == 0
                || asMember && (Self.isOneOfOurs(group: file.gid) || geteuid() == 0)
                    && isParentSafe(for: file.uid)
        else { throw SocketError("\(folder) belongs to uid \(file.uid); it is not trusted") }
        guard file.mode & 0o022 == 0 else {
            throw SocketError(
                "\(folder) can be written to by others; chmod go-w it, or remove it")
        }
        try checkParents()
    }

    /// - Throws: ``SocketError`` where somebody else could put another folder in the place of this
    ///   one, or of one that it is in, now or while an engine runs.
    private func checkParents() throws(SocketError) {
        // The path as written, and the real one: a link may lead to another tree.
        let real = Self.real(Self.parent(of: folder)).map {
            $0 + "/" + (folder as NSString).lastPathComponent
        }
        for path in [folder, real ?? folder, realFolder] {
            var inner = path
            while inner != "/", !inner.isEmpty {
                let outer = Self.parent(of: inner)
                try check(outer, around: inner)
                inner = outer
            }
        }
    }

    private func check(_ outer: String, around inner: String) throws(SocketError) {
        var facts = stat()
        // A folder that is not there is told of when the one inside it cannot be made.
        guard stat(outer, &facts) == 0, facts.st_mode & 0o022 != 0 else { return }
        // In a sticky folder, as the temporary one is, nobody takes away what is another's.
        if facts.st_mode & 0o1000 != 0 {
            let isForeign = Self.file(inner).map {
                inner != folder && inner != realFolder && ![0, geteuid()].contains($0.uid)
            }
            guard isForeign ?? false else { return }
            throw SocketError(
                "\(inner) belongs to somebody else, who could put another folder in the place of "
                    + "\(folder); name another one with XDG_RUNTIME_DIR")
        }
        let isOurs = facts.st_mode & 0o002 == 0 && Self.isOwn(group: facts.st_gid)
        guard !isOurs else { return }
        throw SocketError(
            "\(outer) can be written to by others, who could put another folder in the place of "
                + "\(folder); chmod go-w it, or name another one with XDG_RUNTIME_DIR")
    }

    /// Whether nobody but root and this user is in a group: each user has one on many systems.
    private static func isOwn(group: gid_t) -> Bool {
        if group == 0 { return true }
        guard group == getegid(), let entry = getgrgid(group)?.pointee,
            let user = getpwuid(geteuid())?.pointee,
            strcmp(entry.gr_name, user.pw_name) == 0
        else { return false }
        return entry.gr_mem?.pointee == nil
    }

    private static func real(_ path: String) -> String? {
        guard let target = realpath(path.isEmpty ? "." : path, nil) else { return nil }
        defer { free(target) }
        return String(cString: target)
    }

    /// - Throws: ``SocketError`` where what stands there is no socket of this user or of root.
    package func checkSocket() throws(SocketError) {
        try checkFolder(asMember: true)
        guard let file = Self.file(socket) else {
            throw SocketError("no engine called \(name) is in \(folder)")
        }
        guard file.type == S_IFSOCK else {
            throw SocketError("\(socket) is no socket; remove it")
        }
        guard [geteuid(), 0, Self.file(realFolder)?.uid].contains(file.uid) else {
            throw SocketError("\(socket) belongs to uid \(file.uid); it is not trusted")
        }
    }

    /// What stands at a path, links not followed; `nil` where nothing does.
    private static func file(
        _ path: String
    ) -> (type: mode_t, uid: uid_t, gid: gid_t, mode: mode_t)? {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return nil }
        return (facts.st_mode & S_IFMT, facts.st_uid, facts.st_gid, facts.st_mode & 0o7777)
    }

    /// The folder behind a link that nobody but root can have put there: systemd makes
    /// `/run/larder` one to `/run/private/larder` for a service with a user of its own
    /// (`DynamicUser=`). Any other link stays what it is, and is refused.
    private var realFolder: String {
        guard let link = Self.file(folder), link.type == S_IFLNK, link.uid == 0,
            Self.isRoots(Self.parent(of: folder)), let target = Self.real(folder)
        else { return folder }
        return target
    }

    /// Whether a folder, and each that it stands in, is root's and can be written to by no one else.
    private static func isRoots(_ folder: String) -> Bool {
        guard let file = file(folder), file.type == S_IFDIR, file.uid == 0,
            file.mode & 0o022 == 0
        else { return false }
        return folder == "/" || isRoots(parent(of: folder))
    }

    private static func parent(of path: String) -> String {
        let parent = (path as NSString).deletingLastPathComponent
        return parent.isEmpty ? "/" : parent
    }

    /// Only root, this user and the folder's owner can have put it there.
    private func isParentSafe(for owner: uid_t) -> Bool {
        let parent = Self.parent(of: realFolder)
        guard let file = Self.file(parent) else { return false }
        if file.mode & 0o022 != 0 {
            // The temporary folder, in which each has a folder of its own name.
            return geteuid() == 0 && folder.hasSuffix("/larder-\(owner)")
        }
        return [0, geteuid(), owner].contains(file.uid)
    }

    private static func isOneOfOurs(group: gid_t) -> Bool {
        if group == getegid() { return true }
        var groups = [gid_t](repeating: 0, count: Int(max(0, getgroups(0, nil))))
        let count = getgroups(Int32(groups.count), &groups)
        return groups.prefix(Int(max(0, count))).contains(group)
    }

    /// Lets a group in, or nobody but this user and root.
    ///
    /// - Parameter before: There is no socket yet; whether it can be given away is tried with the
    ///   lock.
    /// - Throws: ``SocketError`` where the files cannot be given to the group.
    package func admit(_ group: UInt32?, before: Bool = false) throws(SocketError) {
        guard let group else {
            // An engine beside this one may have let its group into the folder.
            let isOurs = Self.file(realFolder).map { $0.uid == geteuid() && $0.mode & 0o007 != 0 }
            if isOurs ?? false { chmod(folder, 0o700) }
            if !before { chmod(socket, 0o600) }
            return
        }
        for path in before ? [lock] : [socket, folder] where chown(path, uid_t.max, group) != 0 {
            throw SocketError(
                "the socket cannot be given to gid \(group): \(Self.reason); the engine's own user "
                    + "has to be a member of the group")
        }
        guard !before else { return }
        chmod(socket, 0o660)
        chmod(folder, 0o750)
    }

    // MARK: The lock

    /// Takes the name for this process, for as long as the descriptor is open.
    ///
    /// - Throws: ``SocketError`` where a live engine has it.
    package func take() throws(SocketError) -> Int32 {
        let file = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw SocketError("\(lock) cannot be made: \(Self.reason)") }
        // Somebody who only looks whether it is held lets go at once.
        var tries = 0
        while flock(file, LOCK_EX | LOCK_NB) != 0, tries < 5 {
            usleep(20_000)
            tries += 1
        }
        guard tries < 5 else {
            close(file)
            throw SocketError(
                "an engine called \(name) is running already\(owner.map { " (pid \($0))" } ?? ""); "
                    + "give this one another name", isTaken: true)
        }
        if let there = Self.file(socket), there.type != S_IFSOCK {
            close(file)
            throw SocketError("\(socket) is no socket; remove it")
        }
        ftruncate(file, 0)
        _ = "\(getpid())\n".withCString { write(file, $0, strlen($0)) }
        return file
    }

    /// Whether an engine holds the lock.
    package var isLive: Bool {
        let file = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return errno == EACCES }
        defer { close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0
    }

    /// The process that wrote itself into the lock.
    package var owner: Int32? {
        (try? String(contentsOfFile: lock, encoding: .utf8))
            .flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    private static var reason: String { String(cString: strerror(errno)).lowercased() }

    // MARK: Looking around

    /// The engines that run here, by name.
    public static func all(_ environment: [String: String]) -> [Rendezvous] {
        folders(environment).flatMap { folder -> [Rendezvous] in
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return files.filter { $0.hasSuffix(".sock") }.sorted().compactMap { file in
                guard
                    let place = try? Rendezvous(folder: folder, name: String(file.dropLast(5))),
                    place.isLive, (try? place.checkSocket()) != nil
                else { return nil }
                return place
            }
        }
    }

    /// The one that a person means by a name or a path.
    public static func named(
        _ target: String, _ environment: [String: String]
    ) throws(SocketError) -> Rendezvous {
        if target.contains("/") {
            let path = target as NSString
            let file = path.lastPathComponent
            return try Rendezvous(
                folder: path.deletingLastPathComponent,
                name: file.hasSuffix(".sock") ? String(file.dropLast(5)) : file)
        }
        let called = all(environment).filter { $0.name == target }
        guard called.count < 2 else {
            throw SocketError(
                "several engines are called \(target): "
                    + called.map(\.socket).joined(separator: ", ") + "; name the path of one")
        }
        guard let place = called.first else {
            let known = all(environment).map(\.name)
            throw SocketError(
                "no engine called \"\(target)\" is running"
                    + (known.isEmpty ? "" : "; \(Words.there(are: known))"))
        }
        return place
    }
}
