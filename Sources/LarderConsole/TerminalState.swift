import CNcurses
import Foundation
import LarderInspector

/// How the terminal was before the console took it.
struct TerminalState {
    var settings = termios()
    /// What to send to leave the full screen, ready made: a signal handler can only write bytes.
    var farewell: [UInt8]

    init() {
        tcgetattr(0, &settings)
        let strings = [
            larder_plain(), larder_show_cursor(), larder_leave_keypad(), larder_leave_screen(),
        ]
        farewell = strings.compactMap { $0 }.flatMap { string in
            // Padding such as $<5> is for terminals slower than any left.
            String(cString: string).split(separator: "$<").enumerated().map { place, part in
                place == 0 ? part : part[part.index(after: part.firstIndex(of: ">")!)...]
            }.joined().utf8
        }
        // The mouse and a frame that is shown as one, which may have been in use, and pasting that is
        // told; terminals without them ignore it.
        farewell += Array("\u{1b}[?2026l\u{1b}[?1000l\u{1b}[?1006l\u{1b}[?2004l\r\n".utf8)
    }
}

/// The way out when nothing else works: on a trap or an unexpected `exit` the terminal is given
/// back before the process goes, and what was written to descriptor 2 is not lost.
enum Rescue {
    // Plain memory, set before a handler can run: it may neither allocate nor lock.
    private nonisolated(unsafe) static var armed: Int32 = 0  // console thread only
    // Not in a global itself: the compiler makes that three bytes shorter than the structure is.
    private nonisolated(unsafe) static let settings = UnsafeMutablePointer<termios>.allocate(
        capacity: 1)  // set before `armed`
    private nonisolated(unsafe) static var farewell: UnsafeMutablePointer<UInt8>?  // as above
    private nonisolated(unsafe) static var farewellLength = 0  // set before `armed`
    private nonisolated(unsafe) static var drawing = pthread_self()  // set before `armed`
    /// How often ``die(_:)`` was entered, about: by the thread that was struck and the one that
    /// draws.
    private nonisolated(unsafe) static var entered = 0  // a count that is a little wrong will do
    /// Where messages go while descriptor 2 is in the event log; -1 while it is not.
    nonisolated(unsafe) static var savedStandardError: Int32 = -1  // console thread only
    nonisolated(unsafe) static var capturedStandardError: Int32 = -1  // console thread only

    static let fatalSignals = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGQUIT, SIGSYS]

    static func arm(_ state: TerminalState) {
        settings.initialize(to: state.settings)
        // That of a console before this one: nobody is about to send it.
        farewell?.deallocate()
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: state.farewell.count)
        bytes.initialize(from: state.farewell, count: state.farewell.count)
        farewell = bytes
        farewellLength = state.farewell.count
        drawing = pthread_self()
        armed = 1
        handleFatalSignals()
        leaveOnExit
    }

    static func disarm() { armed = 0 }
    static func rearm() { armed = 1 }

    private static func handleFatalSignals() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in fatalSignals {
            sigaddset(&signals, signal)
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { Rescue.die($0) }
            // A stack that overflowed cannot run a handler: this one has its own.
            action.sa_flags = SA_NODEFER | SA_ONSTACK
            sigaction(signal, &action, nil)
        }
        // The console's thread was started by one that blocks signals.
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    private static let leaveOnExit: Void = { atexit { Rescue.restore() } }()

    /// Does something with a stack for the fatal handlers: a thread may overflow its own.
    static func withOwnSignalStack<Result>(_ work: () -> Result) -> Result {
        let size = 64 * 1024
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        defer { memory.deallocate() }
        var stack = stack_t()
        var before = stack_t()
        stack.ss_sp = memory
        stack.ss_size = size
        sigaltstack(&stack, &before)
        defer { sigaltstack(&before, nil) }
        return work()
    }

    private static func restore() {
        guard armed == 1 else { return }
        armed = 0
        send(UnsafeRawBufferPointer(start: farewell, count: farewellLength), to: 1)
        tcsetattr(0, TCSANOW, settings)
        flushStandardError()
    }

    private static func die(_ signal: Int32) {
        entered += 1
        // Where this goes wrong as well, the process ends without another word.
        guard entered < 5 else { return end(by: signal) }
        leaveToDrawingThread(signal)
        restore()
        say("larder: ended by signal ")
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3) { digits in
            digits[0] = UInt8(48 + signal / 10 % 10)
            digits[1] = UInt8(48 + signal % 10)
            digits[2] = 10
            send(UnsafeRawBufferPointer(digits), to: standardError)
        }
        end(by: signal)
    }

    private static func end(by signal: Int32) {
        var action = sigaction()
        sigaction(signal, &action, nil)
        raise(signal)
    }

    /// Whichever thread is struck, the one that draws gives the terminal back: else it might draw
    /// on behind the farewell. It is waited for, a second at most.
    private static func leaveToDrawingThread(_ signal: Int32) {
        guard armed == 1, pthread_equal(pthread_self(), drawing) == 0,
            pthread_kill(drawing, signal) == 0
        else { return }
        for _ in 0..<100 { poll(nil, 0, 10) }
    }

    /// A terminal that was stopped does not hold up a process that has to go.
    private static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        _ = Descriptor.write(bytes, to: descriptor, patience: 500)
    }

    private static var standardError: Int32 { savedStandardError >= 0 ? savedStandardError : 2 }

    private static func say(_ text: StaticString) {
        send(
            UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount),
            to: standardError)
    }

    /// What was written to descriptor 2 and not shown yet: a trap's own message among it.
    static func flushStandardError() {
        guard capturedStandardError >= 0, savedStandardError >= 0 else { return }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { buffer in
            while true {
                let count = read(capturedStandardError, buffer.baseAddress!, buffer.count)
                if count <= 0 { break }
                send(
                    UnsafeRawBufferPointer(start: buffer.baseAddress, count: count),
                    to: savedStandardError)
            }
        }
    }
}
