import Larder
import LarderInspector

/// What the loop has to do for the model.
enum Effect: Equatable {
    /// Whether a plan is to come of it.
    var asksForPlan: Bool {
        switch self {
        case .plan, .planUndo, .planShown, .planMatching: true
        default: false
        }
    }

    /// Look anew at everything shown.
    case look
    /// Look at the selected entry.
    case lookAtEntry
    /// Take the whole list as it is now.
    case freeze
    case plan(Change)
    /// Ask what taking a plan back would do.
    case planUndo(Plan.ID)
    /// Plan the invalidation of these, which are all that the table lists.
    case planShown([SeenEntry])
    /// Plan the invalidation of everything that passes and was there when the table was drawn.
    case planMatching(EntryQuery, drawn: AgeInstant)
    case apply(Plan.ID, PlanApplication, reason: String?)
    case cancel(Plan.ID)
    case undo(Plan.ID, reason: String?)
    case fetch(EntryKey)
    /// Ask whether an entry is held.
    case seek(EntryKey)
    /// Find the place of an entry in the whole list.
    case find(EntryKey, EntryQuery)
    /// Find the next key that holds a text in the whole list, from a place on or back from it.
    case search(String, from: Int, backwards: Bool, EntryQuery)
    case verify(EntryKey)
    case copy(String)
    /// Write a file, over one that is there only where that was said.
    case export(path: String, text: String, overwrites: Bool)
    /// Ask which engines run.
    case findEngines
    case attach(String)
    /// Show the next of the engines that are open, or the one before.
    case switchEngine(Int)
    case use(Theme)
    case useMouse(Bool)
    case suspend
    case repaint
    case quit
}
