import Larder
import LarderInspector

/// The event log as it is read: what happened in one second, in one cache, for one reason, is one
/// line, however many entries it was.
struct EventLines: Hashable, Sendable {
    private(set) var lines: [Line] = []
    /// How many there have been, those that are kept no more included.
    private(set) var appended = 0
    /// Whether writes are told as well, as in the events of one key.
    var tellsWrites = false

    struct Line: Hashable, Sendable {
        var at: AgeInstant
        var second: Int64
        var cache: String
        /// What happened, in one word.
        var word: String
        var keys: [String] = []
        var count = 0
        /// What one line of it says beyond the keys.
        var note: String
        var isTrouble: Bool

        func isOne(with other: Line) -> Bool {
            second == other.second && cache.isExactly(other.cache) && word == other.word
                && note == other.note
        }
    }

    private static let kept = 500

    mutating func add(_ event: LoggedEvent) {
        guard var line = Self.line(event, tellsWrites: tellsWrites) else { return }
        // Those of one second stand at the end, and so many are compared.
        var same = lines.count - 1
        while same >= 0, lines[same].second >= line.second, !lines[same].isOne(with: line) {
            same -= 1
        }
        if same >= 0, lines[same].isOne(with: line) {
            lines[same].count += 1
            if lines[same].keys.count < 8 { lines[same].keys += line.keys }
            return
        }
        line.count = 1
        append(line)
    }

    /// A line that comes from no cache: the process's own words, an outcome.
    mutating func add(_ text: String, at now: AgeInstant, trouble: Bool = false) {
        append(
            Line(
                at: now, second: now.nanoseconds / 1_000_000_000, cache: "", word: "", count: 0,
                note: text, isTrouble: trouble))
    }

    private mutating func append(_ line: Line) {
        lines.append(line)
        appended += 1
        if lines.count > Self.kept { lines.removeFirst(lines.count - Self.kept) }
    }

    /// Writes are left out: they are as many as misses, and the rates and versions show them.
    private static func line(_ event: LoggedEvent, tellsWrites: Bool) -> Line? {
        switch event.kind {
        case .written where !tellsWrites: return nil
        case .written, .removed, .failed, .oversized, .softened, .restored, .forgotten, .configured:
            break
        }
        // What differs from entry to entry would make a line of each.
        let (word, note) = words(event, alone: tellsWrites)
        let isTrouble =
            switch event.kind {
            // That something is not there is an answer.
            case .failed(_, .absent, _): false
            case .failed, .oversized: true
            default: false
            }
        return Line(
            at: event.at, second: event.at.nanoseconds / 1_000_000_000, cache: event.cache,
            word: word, keys: event.key.map { [$0] } ?? [], note: note, isTrouble: isTrouble)
    }

    /// What happened, in a word, and what more there is to say of it.
    static func words(_ event: LoggedEvent, alone: Bool = true) -> (word: String, note: String) {
        let notes = [
            alone ? event.kind.note(arrow: "→") : event.kind.commonNote(arrow: "→"),
            alone ? event.rival.map { "for \($0)" } ?? "" : "", who(event.by),
        ]
        return (
            event.kind.word.rawValue, notes.filter { !$0.isEmpty }.joined(separator: ", ")
        )
    }

    private static func who(_ actor: Operator?) -> String {
        actor.map { "by \($0)" + ($0.reason.map { " \"\($0)\"" } ?? "") } ?? ""
    }
}
