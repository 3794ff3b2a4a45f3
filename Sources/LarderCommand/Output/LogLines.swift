import Foundation
import LarderConsole
import LarderInspector
import Synchronization

/// The lines of an engine's log on their way to standard error.
///
/// Whoever writes the log never waits: a thread of its own does, for a disk or for a reader that
/// has stopped reading. What is then too much is left out, counted, and the count is said at the
/// place where the lines are missing.
final class LogLines: Sendable {
    /// That of this process.
    static let shared = LogLines()

    private let descriptor: Int32
    /// Most bytes that wait to be written.
    private let most: Int
    private let state = Mutex(State())
    private let arrived = DispatchSemaphore(value: 0)

    private struct State {
        var isInUse = false
        var lines: [[UInt8]] = []
        /// Of the lines, and of those that are being written.
        var bytes = 0
        var leftOut = 0
        /// Lines longer than all that may wait.
        var tooLong = 0
        /// Something is missing that is not told yet.
        var isTorn: Bool { leftOut > 0 || tooLong > 0 }
        /// The end was waited for, and did not come.
        var isGivenUp = false
        /// A sentence as a line of this log.
        var line: @Sendable (_ sentence: String) -> String = { $0 }

        /// Says where the gap is, behind what was taken before it.
        mutating func closeGap() {
            if leftOut > 0 {
                let (what, them) = leftOut == 1 ? ("line was", "it") : ("lines were", "them")
                add("\(leftOut) \(what) left out here: nobody read \(them)")
            }
            if tooLong > 0 {
                let what = tooLong == 1 ? "line was" : "lines were"
                add("\(tooLong) \(what) left out here: longer than all that may wait")
            }
            (leftOut, tooLong) = (0, 0)
        }

        private mutating func add(_ gap: String) {
            lines.append(Array(line(gap).utf8))
            bytes += lines.last!.count
        }
    }

    init(_ descriptor: Int32 = 2, most: Int = 1 << 20) {
        self.descriptor = descriptor
        self.most = most
    }

    /// Takes lines from now on.
    ///
    /// - Parameter line: A sentence as a line of this log.
    func use(_ line: @escaping @Sendable (_ sentence: String) -> String) {
        let isFirst = state.withLock { state in
            defer { state.isInUse = true }
            state.line = line
            return !state.isInUse
        }
        guard isFirst else { return }
        let thread = Thread { self.run() }
        thread.name = "larder-log"
        thread.start()
        if self === Self.shared { Self.finishAtAnyEnd() }
    }

    /// Has what was taken written before the process ends, even by a trap.
    private static func finishAtAnyEnd() {
        atexit { LogLines.shared.finish() }
        // Made before a handler can come.
        _ = unwritten.load(ordering: .relaxed)
        for signal in [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSYS, SIGQUIT]
        where Signals.endsProcess(signal) {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { signal in
                // Nothing may be locked here. The other thread writes, if it is not the one that is
                // struck.
                for _ in 0..<50 where LogLines.unwritten.load(ordering: .relaxed) > 0 {
                    poll(nil, 0, 10)
                }
                raise(signal)
            }
            action.sa_flags = Int32(truncatingIfNeeded: SA_RESETHAND) | SA_NODEFER
            sigaction(signal, &action, nil)
        }
    }

    /// Bytes of this process' lines that wait, where a handler can see it.
    private static let unwritten = Atomic<Int>(0)

    private func tell(_ bytes: Int) {
        if self === Self.shared { Self.unwritten.store(bytes, ordering: .relaxed) }
    }

    var isInUse: Bool { state.withLock { $0.isInUse } }

    /// Says a sentence among the lines.
    ///
    /// - Returns: False where no log is in use: it has to be said otherwise.
    func say(_ sentence: String) -> Bool {
        guard let line = state.withLock({ $0.isInUse ? $0.line : nil }) else { return false }
        write(line(sentence))
        return true
    }

    func write(_ line: String) {
        let bytes = Array(line.utf8)
        let isNews = state.withLock { state in
            guard bytes.count <= most else {
                state.tooLong += 1
                // The first one wakes the thread: perhaps no other line does that.
                return state.tooLong == 1
            }
            guard state.bytes + bytes.count <= most else {
                state.leftOut += 1
                return false
            }
            state.closeGap()
            state.lines.append(bytes)
            state.bytes += bytes.count
            tell(state.bytes)
            return true
        }
        if isNews { arrived.signal() }
    }

    /// Waits until all is written that was taken, or until the time is over.
    func finish(within limit: Duration = .seconds(1)) {
        let end = ContinuousClock.now + limit
        while state.withLock({ !$0.isGivenUp && ($0.bytes > 0 || $0.isTorn) }) {
            // Nobody is waited for twice.
            if ContinuousClock.now >= end { state.withLock { $0.isGivenUp = true } }
            usleep(1000)
        }
    }

    private func run() {
        while true {
            arrived.wait()
            let lines = state.withLock { state in
                state.closeGap()
                defer { state.lines = [] }
                return state.lines
            }
            for line in lines {
                // What cannot be written is not: there is no other place to say so.
                _ = Descriptor.write(line, to: descriptor)
                state.withLock { state in
                    state.bytes -= line.count
                    tell(state.bytes)
                }
            }
            // Perhaps no line comes any more behind those that were left out meanwhile.
            if state.withLock({ $0.isTorn }) { arrived.signal() }
        }
    }
}
