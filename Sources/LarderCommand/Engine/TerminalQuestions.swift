import Dispatch
import Foundation
import LarderConsole
import LarderInspector
import Synchronization

/// Questions to whoever sits at the terminal.
///
/// They are asked at the process's own terminal and nowhere else: standard input may be somebody
/// else's, and what stands there is no answer. There is no one to ask where this process is not in
/// the foreground, and while the console has the terminal.
enum TerminalQuestions {
    private static let isTaken = Mutex(false)

    /// Runs `work`, which has the terminal for itself.
    static func withTerminalTaken<Result>(_ work: () async throws -> Result) async rethrows
        -> Result
    {
        isTaken.withLock { $0 = true }
        defer { isTaken.withLock { $0 = false } }
        return try await work()
    }

    /// The terminal at which somebody may be asked now.
    @Sendable static func terminal() -> String? {
        guard !isTaken.withLock({ $0 }) else { return nil }
        let path = "/dev/tty"
        let descriptor = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return tcgetpgrp(descriptor) == getpgrp() ? path : nil
    }

    /// Asks for the code of a device.
    ///
    /// - Throws: ``InspectorError`` where there is no one to ask, or no answer.
    @Sendable static func code(_ serialNumber: String) async throws -> String {
        guard let terminal = terminal() else {
            throw InspectorError(
                isTaken.withLock { $0 }
                    ? "the session by \(serialNumber) has ended, and the console has the terminal; "
                        + "start again to be asked for a code"
                    : "the code of \(serialNumber) is needed, and there is no terminal to ask for it"
            )
        }
        return try await answer("Code of \(serialNumber): ", at: terminal)
    }

    /// The answer to a question, which is not shown while it is typed.
    ///
    /// - Throws: ``InspectorError`` where there is none: an empty line, Ctrl-C or Ctrl-D, or nothing
    ///   within `limit`.
    static func answer(
        _ question: String, at path: String, within limit: Duration = .seconds(60)
    ) async throws -> String {
        let descriptor = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw InspectorError("\(path) cannot be opened") }
        defer { close(descriptor) }
        let quiet = Quiet(descriptor)
        defer { quiet.end() }
        write(PlainText.fit(question), to: descriptor)
        defer { write("\n", to: descriptor) }
        let end = ContinuousClock.now + limit
        var answer: [UInt8] = []
        // Looked at now and then rather than waited for: a thread that blocks is one of two.
        while true {
            guard let byte = byte(descriptor) else {
                guard ContinuousClock.now < end else {
                    throw InspectorError("nobody answered within \(Units.text(limit))")
                }
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                let text = String(decoding: answer, as: UTF8.self)
                    .trimmingCharacters(in: .whitespaces)
                guard !text.isEmpty else { throw InspectorError("the answer was empty") }
                return text
            case 3, 4: throw InspectorError("there was no answer")
            case 8, 127: _ = answer.popLast()
            case 21: answer.removeAll()
            default: if answer.count < 256 { answer.append(byte) }
            }
        }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        _ = Descriptor.write(text, to: descriptor)
    }

    /// What was typed next, if anything.
    private static func byte(_ descriptor: Int32) -> UInt8? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var byte: UInt8 = 0
        guard poll(&waiting, 1, 0) == 1 else { return nil }
        switch read(descriptor, &byte, 1) {
        case 1: return byte
        // The terminal is gone, which is no answer either.
        default: return 4
        }
    }

    /// A terminal without an echo, keys coming one by one, until it is as it was: at the end of the
    /// question, or by a signal that ends the process.
    private final class Quiet {
        private let descriptor: Int32
        private var before = termios()
        private var watches: [(signal: Int32, source: any DispatchSourceSignal)] = []

        init(_ descriptor: Int32) {
            self.descriptor = descriptor
            guard tcgetattr(descriptor, &before) == 0 else { return }
            var during = before
            during.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
            tcsetattr(descriptor, TCSANOW, &during)
            let restored = before
            // The real-time ones are nobody's habit here, and each watch takes a descriptor.
            for number in Signals.ending + [SIGQUIT]
            where number < 32 && Signals.endsProcess(number) {
                signal(number, SIG_IGN)
                let watch = DispatchSource.makeSignalSource(signal: number, queue: .global())
                watch.setEventHandler {
                    var settings = restored
                    tcsetattr(descriptor, TCSANOW, &settings)
                    signal(number, SIG_DFL)
                    kill(getpid(), number)
                }
                watch.resume()
                watches.append((number, watch))
            }
        }

        func end() {
            for watch in watches {
                watch.source.cancel()
                signal(watch.signal, SIG_DFL)
            }
            tcsetattr(descriptor, TCSANOW, &before)
        }
    }
}
