public import Larder

/// What an operator may see and do: the one protocol between an engine and whoever looks at it.
///
/// Looking never disturbs: no call but ``fetch(_:)``, ``apply(_:_:by:)`` and ``undo(_:by:)``
/// changes an entry, its order or a counter.
public protocol Inspector: Sendable {
    /// The engine, its process and every cache at one instant.
    func report() async throws -> EngineReport

    /// A page of the entries held, filtered and sorted where they are; one past its deadline and not
    /// yet swept is among them, in that state.
    func entries(_ query: EntryQuery) async throws -> EntryPage

    /// The report and a page in one: what somebody who watches asks for again and again.
    func look(_ query: EntryQuery) async throws -> (report: EngineReport, page: EntryPage)

    /// Every entry that passes the query's filter, as it is at one instant, each once: what a change
    /// of all of them is about. Order, offset and limit mean nothing here.
    ///
    /// - Throws: ``InspectorError`` where it is more than ``EntryQuery/mostMatching``.
    func matching(_ query: EntryQuery) async throws -> [SeenEntry]

    /// One entry in full; `nil` where the cache holds none of that key that may be served, and
    /// knows of no failure either.
    func entry(_ key: EntryKey) async throws -> EntryDetail?

    /// What happened in a cache after event `number`, at most `limit` events.
    func events(in cache: String, after number: UInt64, limit: Int) async throws -> EventLog

    /// How a cache was in the last hour, after an instant, about a sample a second: as far as
    /// somebody looked, and not before the engine could be looked into.
    func history(of cache: String, since instant: AgeInstant) async throws -> CacheHistory

    /// How many entries end when, from now on: so many buckets of equal width.
    func forecast(width: Duration, count: Int) async throws -> Forecast

    /// What other bounds would have brought for the look-ups of late.
    ///
    /// - Throws: ``InspectorError`` where no look-ups are on record.
    func whatIf(_ query: WhatIfQuery) async throws -> WhatIfAnswer

    /// Looks a key up through its cache, as any caller of the cache would: it counts, and fetches
    /// what is not held.
    func fetch(_ key: EntryKey) async throws -> FetchResult

    /// Asks the origin past the cache, for comparison: nothing is counted, kept or shared.
    func verify(_ key: EntryKey) async throws -> Verification

    /// Works out what a change would do; changes nothing.
    func plan(_ change: Change) async throws -> Plan

    /// The same, for somebody: it is bounded how much is kept for each user, by `Operator.uid`.
    func plan(_ change: Change, by actor: Operator) async throws -> Plan

    /// What a change would do, for somebody who may not make it: nothing is kept, and the plan cannot
    /// be applied.
    ///
    /// - Throws: ``InspectorError`` where the change names entries.
    func preview(_ change: Change) async throws -> Plan

    /// A plan as it was made. It is kept for five minutes.
    func plan(known id: Plan.ID) async throws -> Plan

    /// Does what was planned, leaving alone what has changed since. Where it is spread over some
    /// time, it returns at once with what is done so far.
    func apply(_ plan: Plan.ID, _ how: PlanApplication, by actor: Operator) async throws -> Outcome

    /// How far the application of a plan has come.
    func progress(of plan: Plan.ID) async throws -> PlanProgress

    /// Stops an application that is spread over some time; what is done stays done.
    func cancel(_ plan: Plan.ID, by actor: Operator) async throws -> PlanProgress

    /// Works out what ``undo(_:by:)`` would do now; changes nothing. The plan has the id of the one
    /// that it takes back, and is not applied: ``undo(_:by:)`` does it.
    func plan(undoing plan: Plan.ID) async throws -> Plan

    /// Takes back what the application of a plan did: bounds at any time, unless they were changed
    /// since; invalidated entries for ``Plan/undoWindow``, unless they were written since. Credentials never come
    /// back. What was evicted or expired does not either. Where some of it cannot go back, it throws
    /// and says what: the rest is taken back.
    func undo(_ plan: Plan.ID, by actor: Operator) async throws -> Outcome

    /// What was done through inspectors after record `number`, oldest first; the latest 256 are kept,
    /// fewer where they are long.
    func changes(after number: UInt64) async throws -> [ChangeRecord]

    /// The same, and then each as it is done. It throws where the engine is gone. Who reads too slowly
    /// is told in ``ChangeRecord/missed`` how many it has lost.
    func follow(after number: UInt64) -> AsyncThrowingStream<ChangeRecord, any Error>
}

extension Inspector {
    /// The report and then the page: not of one instant.
    public func look(_ query: EntryQuery) async throws -> (report: EngineReport, page: EntryPage) {
        (try await report(), try await entries(query))
    }

    /// By default nothing is foreseen.
    public func whatIf(_ query: WhatIfQuery) async throws -> WhatIfAnswer {
        throw InspectorError("this engine keeps no record of look-ups: nothing can be foreseen")
    }

    /// The same plan, whoever asks.
    public func plan(_ change: Change, by actor: Operator) async throws -> Plan {
        try await plan(change)
    }

    /// By default the same as ``plan(_:)``: then it is up to that whether the plan is kept.
    public func preview(_ change: Change) async throws -> Plan { try await plan(change) }

    /// Does what was planned, at once and for good.
    public func apply(_ plan: Plan.ID, by actor: Operator) async throws -> Outcome {
        try await apply(plan, PlanApplication(), by: actor)
    }
}

/// Why an inspector refused, as a sentence for the one who asked.
public struct InspectorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was refused and why.
    public let description: String
    /// What was asked for is not there.
    public let isUnknown: Bool
    /// A change was not made, because it could not be written down.
    package let isUnrecorded: Bool

    /// A sentence for people, and whether what was asked for is not there.
    public init(_ description: String, isUnknown: Bool = false) {
        self.description = description
        self.isUnknown = isUnknown
        isUnrecorded = false
    }

    init(unrecorded description: String) {
        self.description = description
        isUnknown = false
        isUnrecorded = true
    }

    /// Equal where both say the same.
    public static func == (error: InspectorError, other: InspectorError) -> Bool {
        error.description == other.description
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(description) }

    static func unknown(cache: String, known: [String]) -> InspectorError {
        InspectorError(
            "no cache is called \"\(cache.prefix(200))\"; \(Words.there(are: known))",
            isUnknown: true)
    }
}
