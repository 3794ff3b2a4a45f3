import Foundation
import LarderInspector

/// Where the process begins: what has to be so before anything else is opened or started.
@main
enum Start {
    static func main() {
        _ = Inherited.own
        openStandardDescriptors()
        ignoreSignalsOfWriting()
        // A process that holds credentials leaves no memory in a core, wherever cores go.
        Inherited.forgoCores()
        _ = LarderCommand.secrets
        ProcessLimits.boundHeaps()
        do { try ProcessLimits.check(ProcessLimits.least) } catch {
            Ending.end(1, saying: "\(error)")
        }
        Task.detached { await LarderCommand.main() }
        dispatchMain()
    }

    /// Opens each of the first three descriptors that is closed: else it would become what is
    /// opened next, the event poll of this process, or a file into which messages are then written.
    ///
    /// Output and errors are opened for reading: what is written there is refused, as it would be
    /// had nothing been opened.
    private static func openStandardDescriptors() {
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest that is free, and so this one.
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// A reader that has gone and a file that may grow no more are results of writing, and no
    /// reason to end in the middle of a change.
    private static func ignoreSignalsOfWriting() {
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
    }
}

/// How the process ends, after everything there was to say has been said.
struct Ending: Error {
    private var status: Int32
    private var signal: Int32?

    init(status: Int32) { self.status = status }

    /// By the signal that a console was ended by, so that whoever started this process knows it.
    init(signal: Int32) {
        status = 128 + signal
        self.signal = signal
    }

    func end() -> Never {
        guard let signal else { Self.end(status) }
        Self.finishWriting()
        Foundation.signal(signal, SIG_DFL)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, signal)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        raise(signal)
        exit(status)
    }

    /// Ends with a status, which is 1 where all went well but for what could not be written.
    static func end(_ status: Int32, saying sentence: String? = nil) -> Never {
        if let sentence { say(sentence) }
        finishWriting()
        guard let problem = Output.problem else { exit(status) }
        say("what was printed could not be written to standard output: \(problem)")
        LogLines.shared.finish()
        exit(status == 0 ? 1 : status)
    }

    private static func finishWriting() {
        Output.flush()
        LogLines.shared.finish()
    }
}
