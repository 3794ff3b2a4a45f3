import Larder
import LarderInspector

/// The event log as it is read: what happened in one second, in one cache, for one reason, is one
/// line, however many entries it was.
struct EventLines: Hashable, Sendable {
    private(set) var lines: [Line] = []

    struct Line: Hashable, Sendable {
        var at: Instant
        var second: Int64
        var cache: String
        /// What happened, in one word.
        var word: String
        var keys: [String] = []
        var count = 0
        /// What one line of it says beyond the keys.
        var note: String
        var isTrouble: Bool
    }

    private static let kept = 500

    mutating func add(_ event: LoggedEvent) {
        guard var line = Self.line(event) else { return }
        if let same = lines.lastIndex(where: {
            $0.second == line.second && $0.cache == line.cache && $0.word == line.word
                && $0.note == line.note
        }) {
            lines[same].count += 1
            if lines[same].keys.count < 8 { lines[same].keys += line.keys }
            return
        }
        line.count = 1
        append(line)
    }

    /// A line that comes from no cache: the process's own words, an outcome.
    mutating func add(_ text: String, at now: Instant, trouble: Bool = false) {
        append(
            Line(
                at: now, second: now.nanoseconds / 1_000_000_000, cache: "", word: "", count: 0,
                note: text, isTrouble: trouble))
    }

    private mutating func append(_ line: Line) {
        lines.append(line)
        if lines.count > Self.kept { lines.removeFirst(lines.count - Self.kept) }
    }

    /// Writes are left out: they are as many as misses, and the rates and versions show them.
    private static func line(_ event: LoggedEvent) -> Line? {
        var line = Line(
            at: event.at, second: event.at.nanoseconds / 1_000_000_000, cache: event.cache,
            word: "", keys: event.key.map { [$0] } ?? [], note: "", isTrouble: false)
        switch event.kind {
        case .written: return nil
        case .removed(.replaced, _, _, _): return nil
        case .removed(let cause, _, _, _):
            line.word = cause.rawValue
            line.note = Self.who(event.by)
        case .failed(_, let reason):
            line.word = "failed"
            line.note = reason
            line.isTrouble = true
        case .oversized(let bytes):
            line.word = "too large"
            line.note = "\(bytes) bytes are more than the cache may hold"
            line.isTrouble = true
        case .softened:
            line.word = "stale"
            line.note = Self.who(event.by)
        case .restored:
            line.word = "restored"
            line.note = Self.who(event.by)
        case .configured(let old, let new):
            line.word = "changed"
            line.note = new.differences(from: old) + (event.by.map { " by \($0)" } ?? "")
        }
        return line
    }

    private static func who(_ actor: Actor?) -> String {
        actor.map { "by \($0)" + ($0.reason.map { " \"\($0)\"" } ?? "") } ?? ""
    }
}
