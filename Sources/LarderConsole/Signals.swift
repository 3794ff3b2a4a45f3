import Foundation

/// The signals that the console answers to, as bytes in a pipe that its loop waits on.
enum Signals {
    private nonisolated(unsafe) static var pipe: Int32 = -1  // written before a handler can run

    /// What ends the console in good order.
    static let ending = [SIGTERM, SIGHUP, SIGINT]

    /// From now on each of them is written to `descriptor` as one byte.
    static func send(to descriptor: Int32) {
        pipe = descriptor
        for signal in ending + [SIGWINCH, SIGTSTP, SIGCONT] { handle(signal) }
        set(SIGPIPE, SIG_IGN)
    }

    private static func handle(_ signal: Int32) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { signal in
            let saved = errno
            var byte = UInt8(signal)
            _ = write(Signals.pipe, &byte, 1)
            errno = saved
        }
        action.sa_flags = SA_RESTART
        sigaction(signal, &action, nil)
    }

    /// Back to what they do by default.
    static func release() {
        for signal in ending + [SIGWINCH, SIGTSTP, SIGCONT] { set(signal, SIG_DFL) }
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

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "no pipe: \(errno)")
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
