import Foundation
import Larder
import LarderInspector

/// All that the console shows.
struct Model {
    var size: Size
    var glyphs: Glyphs
    /// The engine is an invented one, and says so.
    var isDemo = false
    /// To write times of day.
    var secondsFromUTC = 0

    // What was seen.
    var report: Report?
    var histories: [String: History] = [:]
    var rows: [Row] = []
    /// Where `rows` begin in the whole list.
    var offset = 0
    var matched = 0
    var total = 0
    var detail: EntryDetail?
    var log = EventLines()
    /// Events that came and went unseen.
    var dropped: UInt64 = 0
    /// Why nothing new is seen.
    var problem: String?

    // What is asked for.
    var query = Query(limit: 200)
    var interval = Duration.seconds(1)

    // Where the operator is.
    var cursor: EntryKey?
    /// The place of the cursor's row in the whole list.
    var position = 0
    /// The place of the first row on the screen.
    var top = 0
    var marks: [EntryKey: UInt64] = [:]
    var view = View.table
    var overlay: Overlay?
    var frozen: Page?
    var now = Instant(nanoseconds: 0)
    var toast: Toast?

    enum View: Hashable {
        case table
        case detail(scroll: Int)
        case events(scroll: Int)
    }

    enum Overlay {
        case help(scroll: Int)
        case sort(Int)
        case prompt(Prompt)
        case plan(PlanDialog)
    }

    struct Toast {
        var text: String
        var until: Instant
    }

    /// The instant that the table shows: while frozen, the one of the freeze.
    var shownNow: Instant { frozen?.at ?? now }

    var cacheNames: [String] { report?.caches.map(\.name) ?? [] }

    /// The caches that the table shows.
    var shownCaches: [String] { query.caches.isEmpty ? cacheNames : query.caches }

    var selected: Row? { cursor.flatMap { id in rows.first { $0.id == id } } }

    var layout: Layout { Layout(size, caches: cacheNames.count) }

    /// The wall clock at an instant of the engine.
    func wall(_ instant: Instant) -> Date? {
        report.map { $0.wall.addingTimeInterval((instant - $0.at).inSeconds) }
    }

    func time(_ instant: Instant) -> String {
        wall(instant).map { Format.time($0, secondsFromUTC: secondsFromUTC) } ?? "--:--:--"
    }

    mutating func say(_ text: String) {
        toast = Toast(text: text, until: now + .seconds(4))
    }
}

/// A line that is typed.
struct Prompt: Hashable {
    enum Purpose: Hashable {
        case filter
        case maxsize(cache: String)
        case ttl(cache: String)
        case fetch(cache: String)
    }

    var purpose: Purpose
    var text = ""
    /// Why the text was not taken.
    var refusal: String?
}

/// A plan laid before the operator. It opens on Cancel.
struct PlanDialog {
    var plan: Plan
    var confirms = false
}

/// What the loop has to do for the model.
enum Effect: Equatable {
    /// Look anew at everything shown.
    case look
    /// Look at the selected entry.
    case lookAtEntry
    /// Take the whole list as it is now.
    case freeze
    case plan(Change)
    case apply(Plan.ID)
    case fetch(EntryKey)
    case verify(EntryKey)
    case suspend
    case repaint
    case quit
}

/// What one look brought.
struct Look: Sendable {
    var report: Report
    var page: Page
    var query: Query
    var detail: EntryDetail?
    var events: [LoggedEvent]
    var dropped: UInt64
}

/// What happens to the model.
enum Message: Sendable {
    case key(Key)
    case resized(Size)
    case tick(Instant)
    case looked(Look)
    case lookedAtEntry(EntryKey, EntryDetail?)
    case froze(Page)
    case planned(Plan)
    case applied(Outcome)
    case fetched(FetchResult)
    case verified(Verification)
    /// A look failed: what is shown is as old as the last one.
    case lost(String)
    /// The inspector refused or could not answer.
    case failed(String)
    /// A line written to descriptor 2 of this process.
    case wrote(String)
}
