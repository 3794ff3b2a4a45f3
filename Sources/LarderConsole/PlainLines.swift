import CNcurses
import Foundation
import Larder
import LarderInspector

/// The console in lines: what happens is said in sentences, and what is typed are commands, the
/// same as behind `:` on the screen. For screen readers, and for terminals that can do no more.
///
/// A line becomes the key presses that it stands for, so that all it can do, and all that is asked
/// before, is what the screen has.
struct Lines: Display {
    let size = Size(columns: 100, rows: 60)
    let tier = GlyphTier.ascii
    /// What was typed and not done yet.
    private var typed: [String] = []
    private var unfinished: [UInt8] = []
    private var isClosed = false
    private(set) var problem: ConsoleError?
    private let isTerminal = isatty(1) == 1
    private var model: Model?
    /// The rows that were said last: they are called by their numbers.
    private var numbered: [EntryKey] = []
    /// What of the model was said already.
    private var said = Said()
    /// What is said as soon as it is there; nothing more is done until then.
    private var wanted: (what: Wanted, since: ContinuousClock.Instant)?

    private enum Wanted { case answer, view }

    private struct Said {
        var greeting = false
        var problem: String?
        var toast: String?
        var overlay = ""
        var changes = 0
        var counts: [Verbatim: CacheCounters] = [:]
        var at: AgeInstant?
    }

    init() {
        setlocale(LC_ALL, "")
        setlocale(LC_NUMERIC, "C")
    }

    // MARK: Saying

    mutating func draw(_ model: Model) {
        let before = self.model
        self.model = model
        guard model.report != nil || model.problem != nil else { return }
        greet(model)
        if model.problem != said.problem {
            say(model.problem.map { "lost: \($0)" } ?? "the engine answers again")
            said.problem = model.problem
        }
        if let toast = model.toast?.text, toast != said.toast { answer(toast) }
        said.toast = model.toast?.text
        ask(model)
        let looks = before?.report?.at != model.report?.at
        // A look that was under way already may be of the time before the line.
        let passed = wanted.flatMap { wanted in
            model.lookedSince.map { wanted.since.duration(to: $0) }
        }
        switch wanted?.what {
        case .view where passed.map { $0 >= .zero } ?? false:
            if model.view == .entries, model.detailScroll == nil {
                numbered = model.rows.prefix(Self.rows).map(\.id)
            }
            answer(view(model).joined(separator: "\n"))
        // There is nothing to wait for any more.
        case .answer where passed.map { $0 > .seconds(2) } ?? false: wanted = nil
        case _ where model.problem != nil: wanted = nil
        default: break
        }
        if looks, wanted == nil { tell(model) }
    }

    private mutating func say(_ text: String) {
        let failure = Descriptor.write(Text.safe(text, ascii: false) + "\n", to: 1)
        guard failure != 0 else { return }
        // Nobody hears it any more. Whoever has gone had heard enough.
        let isLeft = failure == EPIPE || failure == EIO && isTerminal
        if !isLeft { problem = .closedOutput(Descriptor.reason(failure)) }
        isClosed = true
        typed = []
        wanted = nil
    }

    private mutating func answer(_ text: String) {
        for line in text.split(separator: "\n") { say(String(line)) }
        wanted = nil
    }

    private mutating func greet(_ model: Model) {
        guard !said.greeting, let report = model.report else { return }
        said.greeting = true
        let demo = model.isDemo ? "DEMO of invented accounts: " : ""
        say("\(demo)larder, engine \(report.name), process \(report.pid)")
        for line in state(model) { say(line) }
        say("type a command, help for all of them, or an empty line for how things are")
        said.counts = counts(report)
        said.at = report.at
    }

    /// How the caches do, a sentence each.
    private func state(_ model: Model) -> [String] {
        (model.report?.caches ?? []).map { cache in
            let snapshot = cache.snapshot
            let bounds = snapshot.configuration
            let hit = model.history(of: cache.name).hitRatio().map {
                ", hit ratio of the last minute \(Format.percent($0))"
            }
            return "\(cache.name): \(Units.counted(snapshot.count, "entry", "entries")) of at most "
                + "\(Units.text(maxsize: bounds.maxsize)), \(Format.bytes(snapshot.bytes)), ttl "
                + Units.text(ttl: bounds.ttl) + (hit ?? "")
        }
    }

    private func counts(_ report: EngineReport) -> [Verbatim: CacheCounters] {
        Dictionary(report.caches.map { (Verbatim($0.name), $0.snapshot.counters) }) { $1 }
    }

    /// What left since it was last said, in a sentence every ten seconds at most.
    private mutating func tell(_ model: Model) {
        guard let report = model.report, let last = said.at,
            report.at - last >= max(model.interval, .seconds(10))
        else { return }
        for cache in report.caches {
            let now = cache.snapshot.counters
            guard let then = said.counts[Verbatim(cache.name)] else { continue }
            let parts: [(String, UInt64, UInt64)] =
                [
                    ("evicted", now.evicted, then.evicted), ("expired", now.expired, then.expired),
                    ("invalidated", now.invalidated, then.invalidated),
                ]
                + FailureKind.allCases.map {
                    ("fetches \($0.word)", now.failures[$0], then.failures[$0])
                }
            let grown = parts.filter { $0.1 > $0.2 }.map { "\($0.1 - $0.2) \($0.0)" }
            guard !grown.isEmpty else { continue }
            say(
                "\(model.time(report.at)) \(cache.name): \(grown.joined(separator: ", ")); "
                    + "\(cache.snapshot.count) held")
        }
        said.counts = counts(report)
        said.at = report.at
    }

    // MARK: Asking

    /// What has to be answered, once.
    private mutating func ask(_ model: Model) {
        let lines: [String]
        switch model.overlay {
        case nil: lines = []
        case .plan(let dialog):
            lines =
                PlanView.words(model, dialog)
                + [
                    "0 cancels"
                        + (dialog.confirmation.map { ", typing \($0) does it" } ?? ", 1 does it")
                        + ", r and a reason says why"
                ]
        case .prompt(let prompt):
            let (label, accepted) = StatusView.labels(model, prompt.purpose)
            lines = ["\(label) \(prompt.refusal ?? accepted)"]
        case .palette(let palette): lines = palette.refusal.map { [$0] } ?? []
        case .sort: lines = choices("sort by", EntryColumn.allCases.map(\.rawValue))
        case .columns: lines = choices("columns", optionalColumns.map(\.rawValue))
        case .engines(let engines, _): lines = choices("engines", engines.map(\.about))
        case .keys(let keys, _): lines = choices("keys", keys.map(\.key))
        case .own:
            lines = [
                "\(Format.bytes(model.ownCost.memory)) of memory, last look took "
                    + Format.took(model.ownCost.look)
            ]
        case .record(let change):
            lines = ConfigView.record(model, change).map { $0.map(\.text).joined() }
        case .help: lines = []
        }
        let text = lines.joined(separator: "\n")
        guard text != said.overlay else { return }
        said.overlay = text
        if !text.isEmpty { answer(text) }
    }

    private func choices(_ what: String, _ names: [String]) -> [String] {
        ["\(what), by number, 0 for none:"]
            + names.enumerated().map { "\($0.offset + 1) \($0.element)" }
    }

    /// What the view shows, a line each: entries by numbers that can be typed.
    private func view(_ model: Model) -> [String] {
        guard model.view == .entries, model.detailScroll == nil else {
            let lines = render(model).text.dropFirst(model.layout.body.row).dropLast(2)
            // Frames and graphs are nothing to be read out.
            return lines.map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " |+-"))
            }.filter { $0.contains { $0.isLetter || $0.isNumber } }
        }
        let rows = model.rows.prefix(Self.rows).enumerated().map { place, row in
            "\(place + 1) \(row.id.key), \(row.id.cache), ttl "
                + Format.left(row.deadline.map { $0 - model.shownNow })
                + ", \(Units.counted(Int(clamping: row.hits), "hit")), \(Format.bytes(row.bytes)), "
                + row.state(at: model.shownNow).rawValue
        }
        return ["\(min(Self.rows, model.rows.count)) of \(model.matched) entries"] + rows
    }

    /// Rows said at once.
    private static let rows = 20

    // MARK: Hearing

    var input: Int32 { isClosed ? -1 : 0 }

    var isTypedAhead: Bool { goesOn && (!typed.isEmpty || isClosed) }

    /// What was asked for is answered, or nobody is there to answer.
    private var goesOn: Bool { wanted == nil && (said.greeting || model?.problem != nil) }

    mutating func keys() -> [Key] {
        read()
        guard goesOn else { return [] }
        guard !typed.isEmpty else { return isClosed ? [.control("c")] : [] }
        return keys(for: typed.removeFirst().trimmingCharacters(in: .whitespaces))
    }

    private mutating func read() {
        var waiting = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !isClosed, poll(&waiting, 1, 0) == 1 {
            let count = Foundation.read(0, &buffer, buffer.count)
            guard count > 0 else {
                isClosed = count == 0 || errno != EINTR
                break
            }
            unfinished += buffer.prefix(count)
        }
        while let end = unfinished.firstIndex(of: 10) {
            typed.append(String(decoding: unfinished[..<end], as: UTF8.self))
            unfinished.removeFirst(end + 1)
        }
    }

    /// The keys that a line stands for.
    private mutating func keys(for line: String) -> [Key] {
        guard let model else { return [] }
        let letters = line.map { Key.char($0) }
        switch model.overlay {
        case .plan(let dialog):
            wanted = (.answer, .now)
            if line == dialog.confirmation { return [.tab] + letters + [.enter] }
            if line == "1", dialog.confirmation == nil { return [.tab, .enter] }
            if line.hasPrefix("r ") { return [.char("r")] + letters.dropFirst(2) + [.enter] }
            return ["s", "p", "b"].contains(line) ? letters : [.escape]
        case .prompt:
            wanted = (.answer, .now)
            return line.isEmpty ? [.escape] : letters + [.enter]
        case .sort, .columns, .engines, .keys:
            wanted = (.answer, .now)
            // No choice is longer.
            guard let number = Int(line), (1...1000).contains(number) else { return [.escape] }
            return [.home] + Array(repeating: .down, count: number - 1) + [.enter]
        case .palette, .own, .record, .help: return [.escape] + command(line, model)
        case nil: return command(line, model)
        }
    }

    private mutating func command(_ line: String, _ model: Model) -> [Key] {
        if line.isEmpty {
            for sentence in state(model) { say(sentence) }
            return []
        }
        if line == "help" || line == "?" {
            for command in Command.all {
                let takes = command.takes.isEmpty ? "" : " \(command.takes)"
                say("\(command.name)\(takes): \(command.help)")
            }
            return []
        }
        // A row by its number is gone to and shown.
        if let number = Int(line), model.view == .entries, number > 0, number <= numbered.count {
            let id = numbered[number - 1]
            guard let to = model.rows.firstIndex(where: { $0.id == id }) else {
                say("\(id.key) of \(id.cache) is not there any more")
                return []
            }
            wanted = (.view, .now)
            let from = model.rows.firstIndex { $0.id == model.cursor } ?? 0
            let steps = Array(repeating: to < from ? Key.up : .down, count: abs(to - from))
            return steps + [.enter] + Self.lookNow
        }
        if line == "quit" { return [.control("c")] }
        let shows = Model.View.allCases.map(\.action.rawValue) + ["detail", "sort", "filter"]
        let name = String(line.prefix { $0 != " " })
        let isView = shows.contains(name)
        wanted = (isView ? .view : .answer, .now)
        return [.char(":")] + line.map { Key.char($0) } + [.enter] + (isView ? Self.lookNow : [])
    }

    /// A view is said as it is now, and not at the next look.
    private static let lookNow = [Key.control("t")]

    // MARK: What only a screen has

    mutating func copy(_ text: String) { say(text) }
    mutating func use(_ theme: Theme) {}
    func useMouse(_ isUsed: Bool) {}
    mutating func resize() {}
    mutating func repaint() {}
    mutating func suspend(_ pause: () -> Void) { pause() }
    func close() {}
}
