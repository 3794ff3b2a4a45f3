import FoundationEssentials
import Glibc

/// The one way in which this program writes to a descriptor that it was given.
///
/// Foundation's `FileHandle.write` ends the process where a disk is full or a reader has gone, and
/// `print` loses what it could not write without a word. Here both are a result.
package enum Descriptor {
    /// Writes all of the bytes, in however many parts, and waits where the other end is slow: one
    /// that somebody has set to not wait (`O_NONBLOCK`) loses nothing.
    ///
    /// It allocates nothing and takes no lock: signal handlers use it too.
    ///
    /// - Parameter patience: The longest wait for a reader that reads nothing, in milliseconds; -1
    ///   for however long it takes.
    /// - Returns: 0, or the `errno` of what was in the way; `EAGAIN` where the patience was over.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, patience: Int32 = -1
    ) -> Int32 {
        guard var next = bytes.baseAddress else { return 0 }
        var left = bytes.count
        while left > 0 {
            if patience >= 0, !isReady(descriptor, within: patience) { return EAGAIN }
            // A pipe that takes anything takes this much at once: the write does not wait.
            let part = patience >= 0 ? min(left, Int(PIPE_BUF)) : left
            let count = Glibc.write(descriptor, next, part)
            if count > 0 {
                next += count
                left -= count
            } else if count == 0 || errno == EAGAIN {
                _ = isReady(descriptor, within: patience)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }

    package static func write(
        _ bytes: [UInt8], to descriptor: Int32, patience: Int32 = -1
    ) -> Int32 {
        bytes.withUnsafeBytes { write($0, to: descriptor, patience: patience) }
    }

    package static func write(_ text: String, to descriptor: Int32, patience: Int32 = -1) -> Int32 {
        write(Array(text.utf8), to: descriptor, patience: patience)
    }

    /// Waits until something can be written, or never can; false where the time is over.
    private static func isReady(_ descriptor: Int32, within milliseconds: Int32) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        while true {
            let ready = poll(&waiting, 1, milliseconds)
            if ready >= 0 || errno != EINTR { return ready != 0 }
        }
    }

    /// Whether nobody reads there any more: the other end of a pipe is closed, or a terminal has
    /// gone.
    package static func isGone(_ descriptor: Int32) -> Bool {
        var asked = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&asked, 1, 0) == 1 && asked.revents & Int16(POLLERR | POLLHUP) != 0
    }

    /// Why something could not be written, in words: "no space left on device".
    package static func reason(_ code: Int32) -> String {
        String(cString: strerror(code)).lowercased()
    }
}
