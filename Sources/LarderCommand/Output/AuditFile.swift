import Foundation
import Larder
import LarderInspector
import Synchronization

/// A file to which each change of the engine is appended as one line of JSON, on the disk before
/// whoever made the change is answered.
///
/// It holds whole lines only. One that could not be written whole is taken away again; where even
/// that fails, or somebody else left half a line there, the next begins on a line of its own. What is
/// missing is said as soon as there is room again, by a line before the next: `"what":"gap"`, how
/// many records were lost, since when and why.
final class AuditFile: Sendable {
    private let path: String
    private let state: Mutex<State>

    private struct State {
        var file: Int32
        var gap: Gap?
    }

    /// Records that are not in the file.
    private struct Gap: Encodable {
        var what = "gap"
        var lost = 0
        var since: Date
        var time = Date()
        var why: String
    }

    /// - Throws: ``InspectorError`` where the file is not this user's alone.
    init(_ path: String) throws(InspectorError) {
        // At a limit of the file's size there is an error to be told, rather than an end.
        signal(SIGXFSZ, SIG_IGN)
        self.path = path
        let file = try Self.open(path)
        state = Mutex(State(file: file))
        // Where there is no room for it now, the next line says it.
        if Self.half(file) != nil { _ = state.withLock { Self.append("", to: &$0) } }
    }

    deinit { _ = state.withLock { close($0.file) } }

    private static func open(_ path: String) throws(InspectorError) -> Int32 {
        func refused(_ why: String) -> InspectorError {
            InspectorError("the audit file \(path) cannot be used: \(why)")
        }
        let facts = try? FileManager.default.attributesOfItem(atPath: path)
        if let facts {
            guard facts[.type] as? FileAttributeType == .typeRegular else {
                throw refused("it is no plain file")
            }
            guard (facts[.ownerAccountID] as? NSNumber)?.uint32Value == geteuid() else {
                throw refused("it belongs to somebody else")
            }
            guard ((facts[.posixPermissions] as? NSNumber)?.uint16Value ?? 0o777) & 0o077 == 0
            else {
                throw refused("others may read or write it; chmod 600 it")
            }
        }
        let flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let file = Foundation.open(path, flags, 0o600)
        guard file >= 0 else { throw refused(reason()) }
        return file
    }

    private static func reason(_ number: Int32 = errno) -> String {
        String(cString: strerror(number)).lowercased()
    }

    /// Opens the path anew: after a rotation that is another file.
    func reopen() throws(InspectorError) {
        let new = try Self.open(path)
        state.withLock { state in
            close(state.file)
            state.file = new
        }
    }

    /// Appends a change, and waits for the disk.
    ///
    /// - Throws: ``InspectorError`` where it could not be written.
    func write(_ record: ChangeRecord) throws(InspectorError) {
        let line = AgeInstant.$epoch.withValue(record.at.epoch(at: record.time)) {
            Self.line(record)
        }
        let why = state.withLock { state -> String? in
            followRemoval(&state)
            let why = Self.append(line, to: &state)
            if let why, !record.isIntent {
                state.gap = state.gap ?? Gap(since: record.time, why: why)
                state.gap?.lost += 1
            }
            return why
        }
        guard let why else { return }
        throw InspectorError(
            record.isIntent
                ? "nothing was changed: the audit file \(path) cannot be written (\(why)), and "
                    + "--audit-required wants every change to be written there first"
                : "the change was made and is not in the audit file \(path): \(why)")
    }

    /// Opens the path anew where somebody has removed the file: nobody wants lines in that one.
    private func followRemoval(_ state: inout State) {
        var facts = stat()
        guard fstat(state.file, &facts) == 0, facts.st_nlink == 0, let new = try? Self.open(path)
        else { return }
        close(state.file)
        state.file = new
    }

    // MARK: Lines

    private static func line(_ value: some Encodable) -> String {
        PlainJSON.text(value) + "\n"
    }

    /// Appends a line, after one that tells of the gap before it where there is one. Returns why it
    /// could not; then the file is as it was.
    private static func append(_ line: String, to state: inout State) -> String? {
        var text = ""
        var gap = state.gap
        if let written = half(state.file) {
            text = "\n"
            gap =
                gap ?? Gap(lost: 1, since: written, why: "the line before this one is not whole")
        }
        gap?.time = Date()
        text += (gap.map { self.line($0) } ?? "") + line
        let why = append(Array(text.utf8), to: state.file)
        if why == nil { state.gap = nil }
        return why
    }

    private static func append(_ bytes: [UInt8], to file: Int32) -> String? {
        var before = stat()
        guard fstat(file, &before) == 0 else { return reason() }
        let (sent, failure) = send(bytes, to: file)
        guard failure != 0 else { return nil }
        var after = stat()
        // What somebody else wrote meanwhile is left alone.
        if fstat(file, &after) == 0, after.st_size == before.st_size + off_t(sent) {
            ftruncate(file, before.st_size)
        }
        return reason(failure)
    }

    /// Writes and waits for the disk.
    ///
    /// - Returns: How many bytes are there, and an `errno`, 0 where all went well: it is taken where
    ///   it is told, before anything else can set it.
    private static func send(_ bytes: [UInt8], to file: Int32) -> (sent: Int, failure: Int32) {
        var sent = 0
        while sent < bytes.count {
            let (count, failure) = bytes.withUnsafeBytes {
                let count = Foundation.write(file, $0.baseAddress! + sent, $0.count - sent)
                return (count, count < 0 ? errno : 0)
            }
            if failure == EINTR { continue }
            // A file that takes nothing and says no reason has no room.
            guard count > 0 else { return (sent, failure == 0 ? ENOSPC : failure) }
            sent += count
        }
        return (sent, fsync(file) == 0 ? 0 : errno)
    }

    /// When the file was last written, where it ends in half a line; `nil` where its lines are whole.
    private static func half(_ file: Int32) -> Date? {
        var facts = stat()
        var last: UInt8 = 0
        guard fstat(file, &facts) == 0, facts.st_size > 0,
            pread(file, &last, 1, facts.st_size - 1) == 1, last != UInt8(ascii: "\n")
        else { return nil }
        return Date(timeIntervalSince1970: Double(facts.st_mtim.tv_sec))
    }
}

extension ChangeRecord {
    /// It tells what is about to be done.
    fileprivate var isIntent: Bool { [.applying, .undoing].contains(what) }
}
