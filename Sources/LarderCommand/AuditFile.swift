import Foundation
import LarderInspector
import Synchronization

/// A file to which each change of the engine is appended as one line of JSON, on the disk before
/// whoever made the change is answered.
final class AuditFile: Sendable {
    private let path: String
    private let file: Mutex<Int32>

    /// - Throws: ``InspectorError`` where the file is not this user's alone.
    init(_ path: String) throws(InspectorError) {
        self.path = path
        file = Mutex(try Self.open(path))
    }

    deinit { _ = file.withLock { close($0) } }

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
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let file = Foundation.open(path, flags, 0o600)
        guard file >= 0 else { throw refused(String(cString: strerror(errno)).lowercased()) }
        return file
    }

    /// Opens the path anew: after a rotation that is another file.
    func reopen() throws(InspectorError) {
        let new = try Self.open(path)
        file.withLock { file in
            close(file)
            file = new
        }
    }

    /// Appends a change in one write, and waits for the disk.
    ///
    /// - Throws: ``InspectorError`` where it could not be written.
    func write(_ record: ChangeRecord) throws(InspectorError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        // What is in a record can be written: texts and whole numbers.
        let line = try! encoder.encode(record) + Data("\n".utf8)
        let isWritten = file.withLock { file in
            let written = line.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
            return written == line.count && fsync(file) == 0
        }
        guard isWritten else {
            throw InspectorError(
                "change \(record.number) could not be written to the audit file \(path): "
                    + String(cString: strerror(errno)).lowercased())
        }
    }
}
