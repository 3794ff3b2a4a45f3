import Foundation
import Larder
import Synchronization

/// A terminal with a test at its other end.
public final class PseudoTerminal: Sendable {
    /// What a program opens.
    public let path: String
    private let master: Int32
    /// Held open, so that the other end does not hang up between two programs.
    private let slave: Int32
    private let seen = Guarded("")

    public init() throws {
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // The Glibc module leaves unlockpt and ptsname out: what they do, by their numbers.
        var (lock, number): (Int32, UInt32) = (0, 0)
        guard master >= 0, ioctl(master, 0x4004_5431, &lock) == 0,
            ioctl(master, 0x8004_5430, &number) == 0
        else { throw Failure("there is no pseudo terminal") }
        path = "/dev/pts/\(number)"
        slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(slave)
        close(master)
    }

    /// All that was written to it until now, an echo of what was typed included.
    public var output: String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(master, &buffer, buffer.count), count > 0 {
            seen.withLock { $0 += String(decoding: buffer[..<count], as: UTF8.self) }
        }
        return seen.withLock { $0 }
    }

    public func type(_ text: String) { _ = text.withCString { write(master, $0, strlen($0)) } }

    /// How it is set, to be compared.
    public var settings: String {
        var settings = termios()
        tcgetattr(slave, &settings)
        let keys = withUnsafeBytes(of: settings.c_cc) { Array($0) }
        return "\(settings.c_iflag) \(settings.c_oflag) \(settings.c_cflag) "
            + "\(settings.c_lflag) \(keys)"
    }

    /// Whether what is typed is shown.
    public var echoes: Bool {
        var settings = termios()
        tcgetattr(slave, &settings)
        return settings.c_lflag & tcflag_t(ECHO) != 0
    }
}
