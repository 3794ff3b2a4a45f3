import Foundation
import Synchronization

/// What this process does on some signals, as it was found.
struct Dispositions {
    private let found: [(signal: Int32, action: sigaction)]

    init(of signals: [Int32]) {
        found = signals.compactMap { signal in
            var action = sigaction()
            return sigaction(signal, nil, &action) == 0 ? (signal, action) : nil
        }
    }

    func restore() {
        for (signal, action) in found {
            var action = action
            sigaction(signal, &action, nil)
        }
    }
}

/// The signals that the console answers to, as bytes in a pipe that its loop waits on.
package enum Signals {
    /// -1 where nobody listens.
    private static let pipe = Atomic<Int32>(-1)
    /// Handlers that may be about to write.
    private static let writing = Atomic<Int>(0)

    /// What asks a program with a terminal to end; the console answers to it whoever did before.
    private static let asking = [SIGTERM, SIGHUP, SIGINT]
    /// What else would end the process by itself, and leave the terminal as the console has it:
    /// sent by somebody, or by a timer or limit of the host's. Whoever ignores or handles one is
    /// left alone.
    package static let others =
        [
            SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGIO, SIGPWR,
            SIGSTKFLT,
        ] + realTime
    /// The C library keeps the two before them for itself.
    private static let realTime: [Int32] = Array(34...64)
    /// What stops a process in whatever state its terminal is. Only somebody else sends the console
    /// the last two: its thread blocks them, and what it does to a terminal is not stopped by them.
    static let stopping = [SIGTSTP, SIGTTIN, SIGTTOU]

    /// What ends the console in good order.
    package static let ending = asking + others
    /// All whose dispositions the console changes, or curses does.
    static let taken = ending + stopping + [SIGWINCH, SIGCONT, SIGPIPE]

    /// From now on each of them is written to `descriptor` as one byte.
    ///
    /// To be called before the terminal is taken, so that nothing ends the process in between, and
    /// once more after it, because curses has handlers of its own.
    static func send(to descriptor: Int32) {
        pipe.store(descriptor, ordering: .sequentiallyConsistent)
        // Made before a handler can come.
        _ = writing.load(ordering: .sequentiallyConsistent)
        block(stopping.filter { $0 != SIGTSTP })
        let unclaimed = (others + stopping).filter(endsProcess)
        for signal in asking + unclaimed + [SIGWINCH, SIGTSTP, SIGCONT] { handle(signal) }
        set(SIGPIPE, SIG_IGN)
    }

    private static func block(_ signals: [Int32]) {
        var blocked = sigset_t()
        sigemptyset(&blocked)
        for signal in signals { sigaddset(&blocked, signal) }
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
    }

    /// Whether the signal ends the process, since nobody ignores or handles it.
    package static func endsProcess(_ signal: Int32) -> Bool {
        var action = sigaction()
        // `SIG_DFL` is no handler at all.
        return sigaction(signal, nil, &action) == 0 && action.__sigaction_handler.sa_handler == nil
    }

    private static func handle(_ signal: Int32) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { signal in
            let saved = errno
            Signals.writing.add(1, ordering: .sequentiallyConsistent)
            let descriptor = Signals.pipe.load(ordering: .sequentiallyConsistent)
            var byte = UInt8(signal)
            if descriptor >= 0 { _ = write(descriptor, &byte, 1) }
            Signals.writing.subtract(1, ordering: .sequentiallyConsistent)
            errno = saved
        }
        action.sa_flags = SA_RESTART
        sigaction(signal, &action, nil)
    }

    /// Nothing is written to the descriptor any more: it can be closed. To be called once others
    /// answer to the signals again.
    static func stopSending() {
        pipe.store(-1, ordering: .sequentiallyConsistent)
        while writing.load(ordering: .sequentiallyConsistent) > 0 { sched_yield() }
    }

    private static func set(_ signal: Int32, _ handler: __sighandler_t?) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = handler
        sigaction(signal, &action, nil)
    }

    /// Stops this process and what stands in the foreground with it, until `fg`.
    ///
    /// The others are stopped first. A signal to the whole group could reach this process on any
    /// thread and at any later time; the one raised here stops it on the spot.
    static func stop() {
        set(SIGTSTP, SIG_IGN)
        kill(0, SIGTSTP)
        set(SIGTSTP, SIG_DFL)
        // The console's thread was started by one that blocks signals.
        var stop = sigset_t()
        sigemptyset(&stop)
        sigaddset(&stop, SIGTSTP)
        pthread_sigmask(SIG_UNBLOCK, &stop, nil)
        raise(SIGTSTP)
        pthread_sigmask(SIG_BLOCK, &stop, nil)
        handle(SIGTSTP)
    }
}

/// A pipe whose both ends never wait.
struct Pipe {
    let reading: Int32
    let writing: Int32

    /// - Throws: ``ConsoleError`` where this process may open no more.
    init() throws(ConsoleError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw .noDescriptors(String(cString: strerror(errno)).lowercased())
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        reading = ends[0]
        writing = ends[1]
    }

    /// All bytes that are there.
    func drain() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(reading, &buffer, buffer.count)
            if count <= 0 { return bytes }
            bytes += buffer.prefix(count)
        }
    }

    func wake() {
        var byte: UInt8 = 0
        _ = write(writing, &byte, 1)
    }

    func close() {
        Foundation.close(reading)
        Foundation.close(writing)
    }
}
