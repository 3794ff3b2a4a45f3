import Foundation

/// Descriptor 2 while the console runs: a pipe, whose lines go into the event log.
final class ErrorCapture {
    private let pipe: Pipe
    private var rest: [UInt8] = []

    var reading: Int32 { pipe.reading }

    init(_ pipe: Pipe) {
        self.pipe = pipe
        Rescue.savedStandardError = fcntl(2, F_DUPFD_CLOEXEC, 3)
        Rescue.capturedStandardError = pipe.reading
        dup2(pipe.writing, 2)
    }

    /// The whole lines written since the last call.
    func lines() -> [String] {
        rest += pipe.drain()
        guard let end = rest.lastIndex(of: 10) else { return [] }
        let lines = rest[..<end].split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
        rest.removeSubrange(...end)
        return lines
    }

    /// Puts descriptor 2 back as it was, and writes there what nobody has read yet.
    func release() {
        let saved = Rescue.savedStandardError
        // There was none where the host had closed it.
        if saved >= 0 { dup2(saved, 2) } else { close(2) }
        // The last of it has come: nobody writes to the pipe any more.
        Rescue.flushStandardError()
        Rescue.savedStandardError = -1
        Rescue.capturedStandardError = -1
        if saved >= 0 { close(saved) }
        pipe.close()
    }
}
