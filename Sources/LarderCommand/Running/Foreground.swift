import Foundation
import Synchronization

/// Waits for a command that runs beside this process, as if it were the command itself.
///
/// Both are in one group. What a terminal sends goes to both: an interrupt is for the command, which
/// may heed it or not, and this process goes on for it. What somebody sends to this process alone goes
/// on to the command. Where the command stops, this process stops too, so that the shell sees a job
/// that has stopped, and both go on together.
enum Foreground {
    private static let pipe = Atomic<Int32>(-1)

    /// How a command ended.
    enum Ended: Sendable {
        case status(Int32)
        case signal(Int32)
    }

    private static let passedOn = [
        SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGTSTP,
    ]

    /// Starts a command and waits for its end.
    ///
    /// - Throws: What `start` throws.
    static func run(_ start: @escaping @Sendable () throws -> pid_t) async throws -> Ended {
        try await withCheckedThrowingContinuation { continuation in
            // A thread of its own: those of the runtime block signals, and are few.
            let thread = Thread {
                continuation.resume(with: Result { try waiting(start) })
            }
            thread.name = "larder-command"
            thread.stackSize = 512 << 10
            thread.start()
        }
    }

    private static func waiting(_ start: () throws -> pid_t) throws -> Ended {
        var ends: [Int32] = [-1, -1]
        guard Foundation.pipe(&ends) == 0 else { throw RunnableCommand.Missing("a pipe", errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        pipe.store(ends[1], ordering: .sequentiallyConsistent)
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for signal in passedOn + [SIGCHLD] where !Inherited.own.ignored.contains(signal) {
            take(signal)
            sigaddset(&wanted, signal)
        }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
        let child = try start()
        while true {
            var bytes: [UInt8] = [0, 0]
            let count = read(ends[0], &bytes, 2)
            guard count == 2 else {
                if count < 0, errno == EINTR { continue }
                return .status(1)
            }
            guard Int32(bytes[0]) == SIGCHLD else {
                if bytes[1] == 1 { kill(child, Int32(bytes[0])) }
                continue
            }
            if let ended = ended(child) { return ended }
        }
    }

    /// How the command ended; `nil` where it has not, after this process has stopped with it.
    private static func ended(_ child: pid_t) -> Ended? {
        var state: Int32 = 0
        while true {
            let found = waitpid(child, &state, WNOHANG | WUNTRACED)
            if found < 0, errno == EINTR { continue }
            guard found == child else { return found < 0 ? .status(1) : nil }
            if state & 0xff == 0x7f {
                kill(getpid(), SIGSTOP)
                continue
            }
            let signal = state & 0x7f
            return signal == 0 ? .status((state >> 8) & 0xff) : .signal(signal)
        }
    }

    /// Has a signal written into the pipe, with whether somebody sent it to this process: what the
    /// kernel sends for a terminal the command has had itself.
    private static func take(_ signal: Int32) {
        var action = sigaction()
        action.__sigaction_handler.sa_sigaction = { signal, info, _ in
            let saved = errno
            let isSent: UInt8 = (info?.pointee.si_code ?? 0) <= 0 ? 1 : 0
            var bytes = (UInt8(truncatingIfNeeded: signal), isSent)
            _ = write(Foreground.pipe.load(ordering: .relaxed), &bytes, 2)
            errno = saved
        }
        action.sa_flags = SA_RESTART | SA_SIGINFO
        sigaction(signal, &action, nil)
    }
}
