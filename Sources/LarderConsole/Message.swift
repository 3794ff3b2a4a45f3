import Larder
import LarderInspector

/// What one look brought.
struct Look: Sendable {
    var report: EngineReport
    var page: EntryPage
    var query: EntryQuery
    var detail: EntryDetail?
    var events: [LoggedEvent]
    var dropped: UInt64
    var forecast: Forecast?
    /// The cache of which it was asked what is foreseen, if it was.
    var whatIfCache: String?
    var whatIf: WhatIfAnswer?
    /// Why nothing was foreseen.
    var whatIfProblem: String?
    var largest: [EntryRow]?
    /// Why they were not listed.
    var largestProblem: String?
    /// How far a plan has come that is under way, and which; nothing where it is not known any more.
    var progress: LarderInspector.PlanProgress?
    var progressOf: Plan.ID?
    /// How long it took to get all this.
    var took = Duration.zero
    /// When it was asked for.
    var asked = ContinuousClock.now
}

/// What an engine kept of the time before, or in which nobody looked.
struct Remembered: Sendable {
    var instance: String
    var histories: [CacheHistory] = []
    /// In order, of each cache.
    var events: [LoggedEvent] = []
}

/// What happens to the model.
enum Message: Sendable {
    case key(Key)
    case resized(Size)
    case tick(AgeInstant)
    case looked(Look)
    case lookedAtEntry(EntryKey, EntryDetail?)
    case froze(EntryPage)
    /// What the engine kept of the time before.
    case remembered(Remembered)
    case planned(Plan)
    /// A plan of all that the table lists; so many more pass, but were written since it was drawn.
    case plannedMatching(Plan, left: Int)
    /// The engine does not take the filter.
    case refused(String)
    case applied(Plan.ID, Outcome)
    /// It failed when a part of it was done.
    case halfDone(Plan.ID, Outcome, String)
    case undone(Plan.ID, Outcome)
    /// Taking a plan back came to nothing, or to a part of it.
    case notUndone(Plan.ID, String)
    case fetched(FetchResult)
    /// An entry, or that none is held.
    case sought(EntryKey, EntryDetail?)
    /// Where an entry stands in the whole list; `nil` where it is not in it.
    case found(EntryKey, Int?)
    /// The key that was searched for and its place; `nil` where none holds the text.
    case searched(String, EntryKey?, Int)
    /// A file is there already.
    case fileExists(path: String, text: String)
    case verified(Verification)
    /// What was done before anybody looked.
    case changesBefore([ChangeRecord])
    /// Somebody did something.
    case changed(ChangeRecord)
    case engines([Console.RunningEngine])
    /// A look failed: what is shown is as old as the last one.
    case lost(String)
    /// The peer is heard no more: to be looked after at once.
    case silent
    /// The inspector refused or could not answer.
    case failed(String)
    /// Something that was asked for is done.
    case said(String)
    /// A line written to descriptor 2 of this process.
    case wrote(String)
    case cost(Model.OwnCost)
}
