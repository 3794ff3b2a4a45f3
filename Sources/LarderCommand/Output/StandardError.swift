import Foundation
import LarderAWS
import LarderInspector
import Synchronization

/// A word to the one at the terminal, apart from what is printed.
func say(_ text: String) {
    if LogLines.shared.say(text) { return }
    // What others said must not steer a terminal, nor look like another line of ours; a caret stands
    // in a line of its own.
    Notes.write("larder: \(PlainText.message(text))\n")
}

/// What is said on standard error. That it cannot be said is no reason to stop.
enum Notes {
    /// An engine writes its log there, and what is said is kept by whoever keeps the log.
    static var isLog: Bool { LogLines.shared.isInUse && isatty(2) == 0 }

    /// Milliseconds that a reader is waited for: somebody who has stopped a terminal wants to read
    /// on, a pipe that nobody empties must not hold a command up, and only once.
    private static let patience = Atomic<Int32>(isatty(2) == 1 ? -1 : 1000)

    /// - Returns: Whether it was written.
    @discardableResult static func write(_ text: String) -> Bool {
        // In the order in which it was said.
        Output.flush()
        let failure = Descriptor.write(
            text, to: 2, patience: patience.load(ordering: .relaxed))
        if failure == EAGAIN { patience.store(0, ordering: .relaxed) }
        return failure == 0
    }

    /// An error in the words for this place: what a program of the user's said on its own standard
    /// error is for whoever sits here, and not for a log, where it may be a secret's last trace.
    static func words(_ error: any Error) -> String {
        guard isLog, let error = error as? AWSError else { return "\(error)" }
        return error.forLogs
    }
}
