import Larder
import Synchronization

/// The plans that were applied: how far each has come, and how it is taken back.
///
/// A plan falls into parts, one a cache, and each part into steps. What is done is counted part by
/// part, so that a part that fails, or that cannot go back, changes nothing in what is known of
/// the others. A step of bounds replaces those that the step before has set, and no others:
/// whoever else changes them ends the application.
final class AppliedPlans: Sendable {
    let clock: AgeClock
    let changes: ChangeLog
    let state: Guarded<KeptApplied<Applied>>

    struct Applied {
        var parts: [Doing]
        var progress: PlanProgress
        /// What was removed, the first of it.
        var gone: [PlannedVictim] = []
        /// About the memory of what is told of it, and of what the steps to come need.
        var weight = 0
        var weightOfSteps: Int { parts.reduce(0) { $0 + $1.part.weight } }
        /// Its steps and its undo are done one at a time.
        let turn = Turn()
        /// The removals that are spread over some time, or the wait until bounds go back.
        var task: Task<Void, Never>?
        var isToStop = false

        init(_ prepared: PreparedPlan) {
            parts = prepared.parts.map { Doing(part: $0) }
            progress = PlanProgress(state: .underWay, share: 0, outcome: .nothing)
        }

        var isLive: Bool { progress.state == .underWay || progress.goesBack != nil }
        var units: Int { parts.reduce(0) { $0 + $1.part.units } }
        var done: Int { parts.reduce(0) { $0 + $1.done } }
        var isSoft: Bool { !parts.isEmpty && parts.allSatisfy(\.part.isSoft) }

        mutating func take(_ step: Step, asDone units: Int, of place: Int) {
            parts[place].done = units
            let known = progress.outcome.skipped.count
            progress.outcome.add(step.outcome)
            progress.share = Double(done) / Double(self.units)
            let named = step.gone.prefix(ChangeRecord.named - gone.count)
            gone += named
            weight += named.reduce(0) { $0 + $1.weight }
            weight += progress.outcome.skipped[known...].reduce(0) { $0 + $1.weight }
        }

        /// Lets go of what only more steps would need.
        mutating func end(_ state: PlanProgress.State) {
            progress.state = state
            for place in parts.indices {
                parts[place].part.run = nil
                parts[place].part.skipped = []
                parts[place].part.weight = 0
            }
        }
    }

    struct Doing {
        var part: Part
        let undo = UndoID()
        /// Units that are done.
        var done = 0
        var isBack = false

        var canGoBack: Bool { done > 0 && !isBack }

        /// The bounds that were changed, as far as they were.
        var bounds: ChangeRecord.Bounds? {
            part.bounds.map { .init(cache: part.cache, before: $0.from, after: $0.reached(done)) }
        }
    }

    final class Turn: Sendable {
        private let taken = Guarded(())

        func take<Result, Failure: Error>(
            _ work: () throws(Failure) -> Result
        ) throws(Failure) -> Result {
            try taken.withLock { _ throws(Failure) in try work() }
        }
    }

    /// Applications remembered, and their bytes; an older one can be taken back no more. What is
    /// under way, or goes back by itself, is not forgotten.
    static let kept = 64
    static let bytesKept = 64 << 20
    /// That is why there may not be any number of those.
    static let mostLive = 256
    static let bytesUnderWay = 256 << 20
    /// Units done before it is looked whether to go on.
    static let chunk = 1024

    init(clock: AgeClock, changes: ChangeLog) {
        self.clock = clock
        self.changes = changes
        state = Guarded(KeptApplied(most: Self.kept, mostBytes: Self.bytesKept))
    }

    deinit { state.withLock { for applied in $0.all { applied.task?.cancel() } } }

    /// What a plan changes or has changed.
    func parts(of plan: Plan.ID) -> [Part] {
        state.withLock { $0[plan]?.parts.map(\.part) ?? [] }
    }

    // MARK: Applying

    func apply(
        _ plan: Plan.ID, _ prepared: PreparedPlan, _ how: PlanApplication, by actor: Operator
    ) throws -> Outcome {
        state.withLock {
            $0.add(Applied(prepared), of: 0, for: plan) { !$0.isLive }
        }
        if let spread = how.spread, spread > .zero, prepared.units > 1 {
            record(
                .began, plan, by: actor, bounds: prepared.parts.compactMap(\.whole),
                // Of each part some: they say of which caches it is.
                gone: prepared.parts.flatMap(\.first), planned: prepared.entries)
            let began = clock.now()
            let task = Task { await self.run(plan, since: began, over: spread, how, by: actor) }
            keep(task, plan) { $0.progress.state == .underWay && !$0.isToStop }
        } else {
            do {
                try advance(plan, to: prepared.units, by: actor)
            } catch is CancellationError {
                return progress(of: plan)?.outcome ?? .nothing
            } catch { throw fail(plan, error, by: actor) }
            finish(plan, how, by: actor)
        }
        return progress(of: plan)?.outcome ?? .nothing
    }

    /// Tells those who write changes down what is about to be done.
    ///
    /// - Throws: ``InspectorError`` where it could not be written down.
    func intend(_ plan: Plan.ID, _ prepared: PreparedPlan, by actor: Operator) throws {
        var outcome = Outcome(
            removed: prepared.entries, bytes: prepared.bytes, skipped: prepared.skipped)
        outcome.softened = prepared.parts.reduce(0) { $0 + ($1.isSoft ? $1.entries : 0) }
        try changes.intend(
            ChangeRecord(
                at: clock.now(), plan: plan, what: .applying, by: actor,
                bounds: prepared.parts.compactMap(\.whole), entries: prepared.victims, outcome,
                isSoft: prepared.isSoft, failure: nil))
    }

    /// Keeps the task of an application to which it still belongs.
    func keep(
        _ task: Task<Void, Never>, _ plan: Plan.ID, where isWanted: @Sendable (Applied) -> Bool
    ) {
        state.withLock { state in
            _ = state.change(plan) { if isWanted($0) { $0.task = task } else { task.cancel() } }
        }
    }

    /// - Throws: ``InspectorError`` where a plan may not be applied like this.
    func check(_ prepared: PreparedPlan, _ how: PlanApplication) throws {
        let protected = prepared.protected
        let words = how.confirmation ?? ""
        let confirmed = Set(words.split(separator: ",").map { Verbatim(String($0)) })
        let missing =
            words.isExactly(protected.joined(separator: ","))
            ? [] : protected.filter { !confirmed.contains(Verbatim($0)) }
        guard missing.isEmpty else {
            throw InspectorError(
                "\(missing.joined(separator: ", ")) \(missing.count == 1 ? "is" : "are") protected; "
                    + "confirm the change by the name")
        }
        for (name, time) in [("spread", how.spread), ("lasting", how.lasting)] {
            guard time ?? .zero >= .zero else {
                throw InspectorError("\(name) is negative; 0 s or more is accepted")
            }
        }
        guard how.lasting == nil || prepared.changesBounds else {
            throw InspectorError("only bounds go back by themselves, not an invalidation")
        }
        if how.lasting != nil || how.spread ?? .zero > .zero { try checkRoom(for: prepared) }
    }

    func checkRoom(for prepared: PreparedPlan) throws {
        let (count, bytes) = state.withLock { state in
            let live = state.all.filter(\.isLive)
            return (live.count, live.reduce(0) { $0 + $1.weightOfSteps })
        }
        guard count < Self.mostLive, count == 0 || bytes + prepared.weight <= Self.bytesUnderWay
        else {
            throw InspectorError(
                "so much is under way, or goes back by itself, that there is no memory for more: "
                    + "wait for some of it, or cancel it")
        }
    }

    func progress(of plan: Plan.ID) -> PlanProgress? { state.withLock { $0[plan]?.progress } }

    // MARK: Telling

    @discardableResult
    func record(
        _ back: Back, _ plan: Plan.ID, by actor: Operator, _ failures: [String]
    ) -> String? {
        record(
            .undone, plan, by: actor, bounds: back.bounds, outcome: back.step.outcome,
            gone: back.step.gone,
            failure: failures.isEmpty
                ? nil : "not taken back: " + failures.joined(separator: "; "))
    }

    /// Tells what was done, with all that is known of it. Returns why it could not be written down,
    /// which whoever asks for the application's progress learns too.
    @discardableResult
    func record(
        _ what: ChangeRecord.What, _ plan: Plan.ID, by actor: Operator,
        bounds: [ChangeRecord.Bounds]? = nil, outcome: Outcome? = nil,
        gone: [PlannedVictim]? = nil, failure: String? = nil, lasting: Duration? = nil,
        planned: Int? = nil
    ) -> String? {
        guard let applied = state.withLock({ $0[plan] }) else { return nil }
        let reached = applied.parts.filter { $0.done > 0 }.compactMap(\.bounds)
        // The record of an undone plan names what had gone, and then what had to go for the undo.
        let entries = what == .undone ? applied.gone + (gone ?? []) : gone ?? applied.gone
        var record = ChangeRecord(
            at: clock.now(), plan: plan, what: what, by: actor, bounds: bounds ?? reached,
            entries: entries, outcome ?? applied.progress.outcome, isSoft: applied.isSoft,
            failure: failure)
        (record.lasting, record.planned) = (lasting, planned)
        let warning = changes.add(record)
        if let warning {
            state.withLock { _ = $0.change(plan) { $0.progress.outcome.warning = warning } }
        }
        return warning
    }
}

extension Part {
    /// The bounds on both sides of the whole change.
    fileprivate var whole: ChangeRecord.Bounds? {
        bounds.map { .init(cache: cache, before: $0.from, after: $0.to) }
    }
}
