import Foundation
import LarderConsole
import Synchronization

/// Signals that would end an engine by the system's habit, though nobody may have meant that: a
/// `kill` with the number of another service's, a timer of a library's. They are named and do nothing.
enum StraySignals {
    private static let pipe = Atomic<Int32>(-1)

    /// From now on; whoever ignores or handles one is left alone.
    ///
    /// - Parameter say: Told a sentence of each, the first time that it comes.
    static func ignore(_ say: @escaping @Sendable (_ sentence: String) -> Void) {
        var ends: [Int32] = [-1, -1]
        // Where there is nothing left to open, they are ignored all the same.
        if Foundation.pipe(&ends) == 0 {
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
            tell(of: ends[0], say)
        }
        pipe.store(ends[1], ordering: .sequentiallyConsistent)
        for signal in Signals.others where Signals.endsProcess(signal) {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { signal in
                let saved = errno
                var byte = UInt8(signal)
                _ = write(StraySignals.pipe.load(ordering: .relaxed), &byte, 1)
                errno = saved
            }
            action.sa_flags = SA_RESTART
            sigaction(signal, &action, nil)
        }
    }

    private static func tell(of pipe: Int32, _ say: @escaping @Sendable (String) -> Void) {
        let thread = Thread {
            var told: Set<UInt8> = []
            var (byte, waiting) = (UInt8(0), pollfd(fd: pipe, events: Int16(POLLIN), revents: 0))
            while poll(&waiting, 1, -1) == 1 || errno == EINTR {
                guard read(pipe, &byte, 1) == 1, told.insert(byte).inserted else { continue }
                say(
                    "\(name(Int32(byte))) does nothing here; SIGTERM ends the engine, SIGHUP has it "
                        + "read its settings again")
            }
        }
        thread.name = "larder-signals"
        thread.stackSize = 512 << 10
        thread.start()
    }

    private static let names = [
        SIGUSR1: "SIGUSR1", SIGUSR2: "SIGUSR2", SIGALRM: "SIGALRM", SIGVTALRM: "SIGVTALRM",
        SIGPROF: "SIGPROF", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGIO: "SIGIO",
        SIGPWR: "SIGPWR",
        SIGSTKFLT: "SIGSTKFLT",
    ]

    /// As `kill -l` writes it.
    private static func name(_ signal: Int32) -> String {
        names[signal] ?? (signal == 34 ? "SIGRTMIN" : "SIGRTMIN+\(signal - 34)")
    }
}
