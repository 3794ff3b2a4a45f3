import Larder
import LarderInspector

/// An entry's history on one line of time: when it was written and written anew, up to when it was
/// hit, where now is, and when it ends.
///
/// A heavy line is a time in which it was used, a thin one a time in which it was not, a dashed one
/// is to come.
struct LifeLine {
    private let row: EntryRow
    private let now: AgeInstant
    private let first: AgeInstant
    private let last: AgeInstant
    private let width: Int
    private let glyphs: Glyphs
    private var signs: [(sign: String, style: Style)]
    /// The signs that stand there, and what they mean.
    private var legend: [(sign: String, meaning: String)] = []

    /// How much is shown of the time before, in lengths of the present life.
    private static let earlierLives = 3.0

    init?(
        _ row: EntryRow, _ events: [LoggedEvent], at now: AgeInstant, width: Int, _ glyphs: Glyphs
    ) {
        guard width >= 20, row.isHeld, row.writtenAt <= now else { return nil }
        (self.row, self.now, self.width, self.glyphs) = (row, now, width, glyphs)
        last = max(now, row.deadline ?? now)
        let life = max(1, (last - row.writtenAt).inSeconds)
        let earliest = row.writtenAt + .seconds(clamping: -Self.earlierLives * life)
        let events = events.filter { $0.at >= earliest && $0.at <= now }
        first = min(row.writtenAt, events.first?.at ?? row.writtenAt)
        signs = Array(repeating: (String(glyphs.horizontal), .dim), count: width)
        draw(events)
    }

    private func column(_ instant: AgeInstant) -> Int {
        let length = max(1e-9, (last - first).inSeconds)
        let share = (instant - first).inSeconds / length
        return Int(clamping: min(max(share, 0), 1) * Double(width - 1))
    }

    private mutating func draw(_ events: [LoggedEvent]) {
        let used = column(row.lastHit ?? row.writtenAt)
        for place in column(row.writtenAt)...max(column(row.writtenAt), used) {
            signs[place] = (String(glyphs.line.done), .accent)
        }
        for place in column(now)..<width { signs[place] = (String(glyphs.dashed), .dim) }
        for event in events {
            if let mark = mark(event.kind) { put(mark.0, mark.1, mark.2, at: event.at) }
        }
        put(glyphs.dot, .accent, "written", at: row.writtenAt)
        if let hit = row.lastHit, hit <= now { put(glyphs.ring, .plain, "last hit", at: hit) }
        if let end = row.deadline { put(String(glyphs.end), .dim, "end", at: end) }
        put(String(glyphs.vertical), .bold, "now", at: now)
    }

    private func mark(_ kind: EventKind) -> (String, Style, String)? {
        switch kind {
        case .written, .restored: (glyphs.dot, .accent, "written")
        case .removed(.replaced, _, _, _): nil
        case .removed, .softened, .oversized: ("x", .warning, "gone or stale")
        case .failed(_, .absent, _): ("-", .plain, "absent")
        case .failed: ("!", .trouble, "failed")
        case .forgotten, .configured: nil
        }
    }

    private mutating func put(
        _ sign: String, _ style: Style, _ meaning: String, at instant: AgeInstant
    ) {
        signs[column(instant)] = (sign, style)
        if !legend.contains(where: { $0.meaning == meaning }) { legend.append((sign, meaning)) }
    }

    /// The line, the times at its ends, and what its signs mean.
    func lines(_ time: (AgeInstant) -> String) -> [Pieces] {
        let (begin, end) = (time(first), time(last))
        let middle = width - Text.width(of: begin) - Text.width(of: end)
        let line: Pieces = signs.map { ($0.sign, $0.style) }
        let shown = legend.filter { entry in signs.contains { $0.sign == entry.sign } }
        let meanings = shown.map { "\($0.sign) \($0.meaning)" }.joined(separator: "  ")
        return [
            line, [(begin + String(repeating: " ", count: max(1, middle)) + end, .dim)],
            [(meanings, .dim)],
        ]
    }
}
