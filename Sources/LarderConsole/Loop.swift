import Foundation
import Larder
import LarderInspector

/// One of the engines that are open.
private final class Session {
    let name: String
    let collector: Collector
    var model: Model
    var nextLook = ContinuousClock.now
    /// Looks that failed in a row.
    var failures = 0
    /// The age line as the engine had it at the last look, and when that was here.
    var anchor: (engine: AgeInstant, here: ContinuousClock.Instant)?

    init(_ name: String, _ collector: Collector, _ model: Model) {
        self.name = name
        self.collector = collector
        self.model = model
    }
}

/// The console's thread.
final class Loop {
    private var display: any Display
    private let options: Console.Options
    private let mailbox: Mailbox
    private let signals: Pipe
    private let dispositions: Dispositions
    private let locale: FoundLocale
    private let errors: ErrorCapture
    private var sessions: [Session] = []
    private var shown = 0
    /// How things look as it was kept before this run, and as this run began.
    private let keptBefore: ViewState
    private let begun: ViewState
    private var nextTick = ContinuousClock.now
    private var ended: Result<Int32?, any Error>?
    private var cost = CostMeter()
    /// The engines to be asked, and whether for everything or for the selected entry.
    private var asking: [Int: Bool] = [:]
    /// Until when the frame of this second waits for the answer that belongs into it.
    private var awaited: ContinuousClock.Instant?

    private var session: Session { sessions[shown] }

    init(_ inspector: any Inspector, _ options: Console.Options) throws {
        let state = options.stateFile.flatMap { ViewState($0) }
        let theme = options.theme ?? state?.theme ?? .auto
        let usesMouse = options.usesMouse ?? state?.usesMouse ?? false
        var model = Model(size: Size(columns: 80, rows: 24), glyphs: Glyphs(.ascii))
        model.isDemo = options.isDemo
        if !options.isPlain { model.keys = options.keys }
        model.interval = options.refresh
        model.bells = options.bells
        model.secondsFromUTC = Self.secondsFromUTC
        state?.apply(to: &model)
        keptBefore = ViewState(model)
        model.theme = theme
        model.usesMouse = usesMouse
        if let sort = options.sort {
            model.query.sort = sort
            model.query.descending = options.descending
        }
        model.query.filter = options.filter
        begun = ViewState(model)
        // The engine answers while the terminal is taken over.
        let (mailbox, signals, messages) = try Self.pipes()
        let dispositions = Dispositions(of: Signals.taken + Rescue.fatalSignals)
        let locale = FoundLocale()
        let collector = Collector(inspector, actor: options.actor) { mailbox.post($0, for: 0) }
        collector.ask(Self.request(model, everything: true))
        Signals.send(to: signals.writing)
        do {
            display =
                options.isPlain
                ? Lines()
                : try Screen(
                    environment: ProcessInfo.processInfo.environment, theme: theme,
                    usesMouse: usesMouse)
        } catch {
            collector.stop()
            dispositions.restore()
            locale.restore()
            mailbox.close()
            Signals.stopSending()
            signals.close()
            messages.close()
            throw error
        }
        self.options = options
        self.mailbox = mailbox
        self.signals = signals
        self.dispositions = dispositions
        self.locale = locale
        // Curses has handlers of its own as soon as it has the terminal.
        Signals.send(to: signals.writing)
        errors = ErrorCapture(messages)
        model.size = display.size
        model.isPlainOnly = display.tier == .ascii
        model.glyphs = Glyphs(display.tier)
        if let glyphs = options.glyphs ?? state?.chosenGlyphs { model.use(glyphs) }
        let session = Session(options.name, collector, model)
        session.nextLook = .now + options.refresh
        awaited = .now + Self.firstPatience
        sessions = [session]
    }

    /// What wakes the loop: all of it, or nothing.
    private static func pipes() throws -> (Mailbox, signals: Pipe, errors: Pipe) {
        let mailbox = try Mailbox()
        do {
            let signals = try Pipe()
            do { return (mailbox, signals, try Pipe()) } catch {
                signals.close()
                throw error
            }
        } catch {
            mailbox.close()
            throw error
        }
    }

    private static var secondsFromUTC: Int {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        return parts.tm_gmtoff
    }

    private func open(_ inspector: any Inspector, _ name: String, _ model: Model) {
        let place = sessions.count
        let collector = Collector(inspector, actor: options.actor) { [mailbox] in
            mailbox.post($0, for: place)
        }
        sessions.append(Session(name, collector, model))
    }

    func run() throws -> Int32? {
        while ended == nil {
            tick()
            if awaited == nil {
                display.draw(session.model)
                cost.frames += 1
            }
            // What is seen first comes first: questions are asked behind the frame.
            for (place, everything) in asking {
                let request = Self.request(sessions[place].model, everything: everything)
                sessions[place].collector.ask(request)
            }
            asking = [:]
            wait()
        }
        finish()
        return try ended!.get()
    }

    private func finish() {
        for session in sessions { session.collector.stop() }
        if let problem = display.problem, case .success(nil)? = ended { ended = .failure(problem) }
        display.close()
        errors.release()
        dispositions.restore()
        locale.restore()
        Signals.stopSending()
        // One that came while the terminal was given back is not lost.
        let late = signals.drain().map { Int32($0) }.first { Signals.ending.contains($0) }
        if let late, case .success(nil)? = ended { ended = .success(late) }
        signals.close()
        mailbox.close()
        // Lines have no look that a screen could take over.
        guard !options.isPlain, let file = options.stateFile else { return }
        ViewState(session.model).kept(over: keptBefore, asBegun: begun).save(to: file)
    }

    // MARK: Time

    private func tick() {
        let now = ContinuousClock.now
        if let moment = awaited, moment <= now { awaited = nil }
        for place in sessions.indices {
            let session = sessions[place]
            if now >= session.nextLook {
                // A peer that is gone is looked for more often at first, since it may be back, and
                // then less and less.
                let isLost = session.model.problem != nil
                session.failures = isLost ? session.failures + 1 : 0
                let retry = Self.firstRetry * (1 << min(session.failures, 3))
                let interval = session.model.interval
                session.nextLook = now + (isLost ? min(interval, retry) : interval)
                look(place)
                if place == shown { awaited = now + Self.patience }
            }
            if let anchor = session.anchor {
                take(.tick(anchor.engine + (now - anchor.here)), for: place)
            }
        }
        if let cost = cost.measured(at: now) { take(.cost(cost), for: shown) }
        let tabs = sessions.enumerated().map { place, session in
            Model.EngineTab(
                name: session.name, isShown: place == shown,
                isLost: session.model.problem != nil)
        }
        session.model.engines = tabs
        // A second passes for all rows at once.
        nextTick = now + min(session.model.interval, .seconds(1))
    }

    /// How long that is: an answer takes a few milliseconds.
    private static let patience = Duration.milliseconds(25)
    /// The same for the first frame of all, which makes everything ready.
    private static let firstPatience = Duration.milliseconds(100)

    private func look(_ place: Int) { asking[place] = true }

    private static func request(_ model: Model, everything: Bool) -> Collector.Request {
        Collector.Request(
            query: model.asked, entry: model.cursor, view: model.view,
            largest: model.largestQuery, cache: model.aimedCache, underWay: model.underWay?.plan,
            everything: everything)
    }

    // MARK: Waiting

    private func wait() {
        var descriptors = [
            pollfd(fd: display.input, events: Int16(POLLIN), revents: 0),
            pollfd(fd: mailbox.pipe.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors.reading, events: Int16(POLLIN), revents: 0),
        ]
        if display.isTypedAhead { return takeKeys(0) }
        let next = sessions.map(\.nextLook).min()!
        let left = min(next, awaited ?? nextTick, nextTick) - ContinuousClock.now
        let milliseconds = max(0, left.nanoseconds + 999_999) / 1_000_000
        let ready = poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: milliseconds))
        guard ready > 0 else { return }
        awaited = nil
        if descriptors[2].revents != 0 { signals.drain().forEach { answer(signal: Int32($0)) } }
        // A key is about what is seen, and not about what has just come.
        if descriptors[0].revents != 0 { takeKeys(descriptors[0].revents) }
        if descriptors[1].revents != 0 { takePosts() }
        if descriptors[3].revents != 0 { errors.lines().forEach { take(.wrote($0), for: shown) } }
    }

    private func takePosts() {
        _ = mailbox.pipe.drain()
        for (place, message) in mailbox.take() {
            if case .looked(let look) = message {
                sessions[place].anchor = (look.report.at, ContinuousClock.now)
            }
            take(message, for: place)
        }
    }

    private func takeKeys(_ events: Int16) {
        let keys = display.keys()
        for key in keys { take(.key(key), for: shown) }
        let closed = events & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
        // Readable and yet nothing there: the other end is gone.
        if keys.isEmpty, !options.isPlain, closed || isAtEnd {
            ended = .failure(ConsoleError.closedInput)
        }
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
            display.resize()
            resized()
        case _ where Signals.stopping.contains(signal): suspend()
        case SIGCONT: display.repaint()
        default: ended = .success(signal)
        }
    }

    private func resized() {
        for place in sessions.indices { take(.resized(display.size), for: place) }
    }

    // MARK: Messages and what they ask for

    private func take(_ message: Message, for place: Int) {
        let session = sessions[place]
        let collector = session.collector
        let rings = session.model.rings
        defer { if session.model.rings != rings { display.ring() } }
        switch update(&session.model, message) {
        case nil: break
        case .look: look(place)
        case .lookAtEntry: asking[place] = asking[place] ?? false
        case .freeze:
            var query = session.model.query
            query.caches = []
            query.filter = ""
            query.offset = 0
            query.limit = Self.frozenRows
            collector.freeze(query)
        case .plan(let change): collector.plan(change)
        case .planShown(let seen): collector.planShown(seen)
        case .planMatching(let query, let drawn): collector.planMatching(query, drawn: drawn)
        case .planUndo(let plan): collector.planUndo(plan)
        case .apply(let plan, let how, let reason): collector.apply(plan, how, reason: reason)
        case .cancel(let plan): collector.cancel(plan)
        case .undo(let plan, let reason): collector.undo(plan, reason: reason)
        case .seek(let key): collector.seek(key)
        case .find(let key, let query): collector.find(key, in: query)
        case .search(let text, let from, let backwards, let query):
            collector.search(text, from: from, backwards: backwards, in: query)
        case .fetch(let key): collector.fetch(key)
        case .verify(let key): collector.verify(key)
        case .copy(let text):
            display.copy(text)
            take(.said("copied: \(text.prefix(60))"), for: place)
        case .export(let path, let text, let overwrites):
            export(text, to: path, overwrites: overwrites, for: place)
        case .findEngines: findEngines(for: place)
        case .attach(let name): attach(name)
        case .switchEngine(let step): show((shown + step + sessions.count) % sessions.count)
        case .use(let theme): display.use(theme)
        case .useMouse(let isUsed): display.useMouse(isUsed)
        case .suspend: suspend()
        case .repaint: display.repaint()
        case .quit: ended = .success(nil)
        }
    }

    /// A peer that is gone is looked for after this, then twice, four and eight times that: one that
    /// is back is seen within a second.
    private static let firstRetry = Duration.milliseconds(100)

    /// Most rows that a freeze holds.
    private static let frozenRows = 100_000

    private func export(_ text: String, to path: String, overwrites: Bool, for place: Int) {
        let whole = (path as NSString).expandingTildeInPath
        switch Exports.write(text, to: whole, overwrites: overwrites) {
        case 0: take(.said("written to \(whole)"), for: place)
        case EEXIST where !overwrites: take(.fileExists(path: path, text: text), for: place)
        case Exports.noFile:
            take(.failed("\(whole) is no regular file; name another"), for: place)
        case let failure:
            take(.failed("\(whole): \(Descriptor.reason(failure))"), for: place)
        }
    }

    private func suspend() {
        display.suspend { Signals.stop() }
        resized()
        for session in sessions { session.nextLook = ContinuousClock.now }
    }

    // MARK: Engines

    /// Looked for elsewhere: it takes files.
    private func findEngines(for place: Int) {
        let open = Set(sessions.map(\.name))
        Task { [mailbox, options] in
            let all = await options.engines()
            mailbox.post(.engines(all.filter { !open.contains($0.name) }), for: place)
        }
    }

    private func attach(_ name: String) {
        if let place = sessions.firstIndex(where: { $0.name == name }) { return show(place) }
        do {
            let inspector = try options.open(name)
            var model = Model(size: display.size, glyphs: session.model.glyphs)
            model.interval = session.model.interval
            model.secondsFromUTC = session.model.secondsFromUTC
            model.keys = session.model.keys
            model.bells = session.model.bells
            ViewState(session.model).apply(to: &model)
            model.isPlainOnly = session.model.isPlainOnly
            model.usesMouse = session.model.usesMouse
            open(inspector, name, model)
            show(sessions.count - 1)
        } catch {
            take(.failed("\(error)"), for: shown)
        }
    }

    private func show(_ place: Int) {
        shown = place
        session.nextLook = ContinuousClock.now
    }
}

/// How C wrote texts and numbers in this process, as it was found.
private struct FoundLocale {
    private let found: [(category: Int32, name: String)]

    init() {
        found = [LC_ALL, LC_NUMERIC].map { category in
            (category, setlocale(category, nil).map { String(cString: $0) } ?? "C")
        }
    }

    func restore() { for (category, name) in found { setlocale(category, name) } }
}
