import Foundation
public import Larder
public import LarderInspector
import Synchronization

/// The console on an inspector: it owns the terminal until the operator quits.
///
/// One thread of its own does everything with curses: it waits for keys, for posts from the
/// collector and for the next tick, gives each to `update`, and draws what `render` makes of the
/// model. Nothing it does waits for the engine.
public struct Console {
    private let inspector: any Inspector
    private let options: Options

    public struct Options: Sendable {
        /// Say on the screen that the engine is an invented one.
        public var isDemo = false
        public var refresh = Duration.seconds(1)
        /// Who is named in events for what is changed here.
        public var actor: Actor
        public var sort = Column.ttl
        public var descending = false
        public var filter = ""

        public init(actor: Actor) { self.actor = actor }
    }

    public init(_ inspector: any Inspector, _ options: Options) {
        self.inspector = inspector
        self.options = options
    }

    /// Runs until the operator quits or a signal ends it; returns that signal.
    ///
    /// - Throws: ``ConsoleError`` where there is no usable terminal, or its input was closed.
    public func run() async throws -> Int32? {
        let result = await withCheckedContinuation { continuation in
            let thread = Thread { [inspector, options] in
                Rescue.useOwnSignalStack()
                continuation.resume(returning: Result { try Loop(inspector, options).run() })
            }
            thread.name = "larder-console"
            thread.stackSize = 4 << 20
            thread.start()
        }
        return try result.get()
    }
}

/// What is posted to the loop by others, and the pipe that wakes it.
private final class Mailbox: Sendable {
    let pipe = Pipe()
    private let messages = Mutex<[Message]>([])

    func post(_ message: Message) {
        messages.withLock { $0.append(message) }
        pipe.wake()
    }

    func take() -> [Message] {
        messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}

/// The console's thread.
private final class Loop {
    private let screen: Screen
    private let mailbox = Mailbox()
    private let signals = Pipe()
    private let errors: ErrorCapture
    private let collector: Collector
    private var model: Model
    private var nextLook = ContinuousClock.now
    private var nextTick = ContinuousClock.now
    private var ended: Result<Int32?, any Error>?
    /// The age line as the engine had it at the last look, and when that was here.
    private var anchor: (engine: Instant, here: ContinuousClock.Instant)?

    init(_ inspector: any Inspector, _ options: Console.Options) throws {
        screen = try Screen(environment: ProcessInfo.processInfo.environment)
        Signals.send(to: signals.writing)
        errors = ErrorCapture()
        collector = Collector(inspector, actor: options.actor) { [mailbox] in mailbox.post($0) }
        model = Model(size: screen.size, glyphs: screen.glyphs)
        model.isDemo = options.isDemo
        model.interval = options.refresh
        model.query.sort = options.sort
        model.query.descending = options.descending
        model.query.filter = options.filter
        model.secondsFromUTC = TimeZone.current.secondsFromGMT()
    }

    func run() throws -> Int32? {
        defer { finish() }
        while ended == nil {
            tick()
            screen.draw(render(model))
            wait()
        }
        return try ended!.get()
    }

    private func finish() {
        collector.stop()
        screen.close()
        errors.release()
        Signals.release()
    }

    // MARK: Time

    private func tick() {
        let now = ContinuousClock.now
        if now >= nextLook {
            // A peer that is gone is looked for more often: it may be back.
            nextLook =
                now + (model.problem == nil ? model.interval : min(model.interval, Self.retry))
            look()
        }
        if let anchor { take(.tick(anchor.engine + (now - anchor.here))) }
        // A second passes for all rows at once.
        nextTick = now + min(model.interval, .seconds(1))
    }

    private func look() {
        collector.ask(
            Collector.Request(query: model.query, entry: model.cursor, everything: true))
    }

    // MARK: Waiting

    private func wait() {
        var descriptors = [
            pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
            pollfd(fd: mailbox.pipe.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors.reading, events: Int16(POLLIN), revents: 0),
        ]
        let left = min(nextLook, nextTick) - ContinuousClock.now
        let milliseconds = max(0, left.nanoseconds + 999_999) / 1_000_000
        let ready = poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: milliseconds))
        guard ready > 0 else { return }
        if descriptors[2].revents != 0 { signals.drain().forEach { answer(signal: Int32($0)) } }
        if descriptors[1].revents != 0 { takePosts() }
        if descriptors[3].revents != 0 { errors.lines().forEach { take(.wrote($0)) } }
        if descriptors[0].revents != 0 { takeKeys(descriptors[0].revents) }
    }

    private func takePosts() {
        _ = mailbox.pipe.drain()
        for message in mailbox.take() {
            if case .looked(let look) = message {
                anchor = (look.report.at, ContinuousClock.now)
            }
            take(message)
        }
    }

    private func takeKeys(_ events: Int16) {
        guard let keys = screen.keys() else { return }
        for key in keys { take(.key(key)) }
        let closed = events & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
        // Readable and yet nothing there: the other end is gone.
        if keys.isEmpty, closed || isAtEnd { ended = .failure(ConsoleError.closedInput) }
    }

    private var isAtEnd: Bool {
        var count: Int32 = 0
        var descriptor = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, 0) == 1 else { return false }
        return ioctl(0, UInt(FIONREAD), &count) != 0 || count == 0
    }

    private func answer(signal: Int32) {
        switch signal {
        case SIGWINCH:
            screen.resize()
            take(.resized(screen.size))
        case SIGTSTP: suspend()
        case SIGCONT: screen.repaint()
        default: ended = .success(signal)
        }
    }

    // MARK: Messages and what they ask for

    private func take(_ message: Message) {
        switch update(&model, message) {
        case nil: break
        case .look: look()
        case .lookAtEntry:
            collector.ask(
                Collector.Request(query: model.query, entry: model.cursor, everything: false))
        case .freeze:
            var query = model.query
            query.filter = ""
            query.offset = 0
            query.limit = Self.frozenRows
            collector.freeze(query)
        case .plan(let change): collector.plan(change)
        case .apply(let plan): collector.apply(plan)
        case .fetch(let key): collector.fetch(key)
        case .verify(let key): collector.verify(key)
        case .suspend: suspend()
        case .repaint: screen.repaint()
        case .quit: ended = .success(nil)
        }
    }

    /// How often a peer that is gone is looked for.
    private static let retry = Duration.milliseconds(250)

    /// Most rows that a freeze holds.
    private static let frozenRows = 100_000

    private func suspend() {
        screen.suspend { Signals.stop() }
        take(.resized(screen.size))
        nextLook = ContinuousClock.now
    }
}

/// Descriptor 2 while the console runs: a pipe, whose lines go into the event log.
private final class ErrorCapture {
    private let pipe = Pipe()
    private var rest: [UInt8] = []

    var reading: Int32 { pipe.reading }

    init() {
        Rescue.savedStandardError = dup(2)
        Rescue.capturedStandardError = pipe.reading
        dup2(pipe.writing, 2)
    }

    /// The whole lines written since the last call.
    func lines() -> [String] {
        rest += pipe.drain()
        guard let end = rest.lastIndex(of: 10) else { return [] }
        let lines = rest[..<end].split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
        rest.removeSubrange(...end)
        return lines
    }

    /// Descriptor 2 as it was; what nobody read yet is written there.
    func release() {
        Rescue.flushStandardError()
        dup2(Rescue.savedStandardError, 2)
        close(Rescue.savedStandardError)
        Rescue.savedStandardError = -1
        Rescue.capturedStandardError = -1
        pipe.close()
    }
}
