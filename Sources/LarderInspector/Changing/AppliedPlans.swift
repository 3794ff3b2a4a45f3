import Larder
import Synchronization

/// The plans that were applied: how far each has come, and how it is taken back.
///
/// A plan falls into parts, one a cache, and each part into steps. What is done is counted part by
/// part, so that a part that fails, or that cannot go back, changes nothing in what is known of
/// the others. A step of bounds replaces those that the step before has set, and no others:
/// whoever else changes them ends the application.
final class AppliedPlans: Sendable {
    private let clock: AgeClock
    private let changes: Changes
    private let state: Guarded<Shelf<Applied>>

    private struct Applied {
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

        init(_ prepared: Prepared) {
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

    private struct Doing {
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

    private final class Turn: Sendable {
        private let taken = Guarded(())

        func take<Result, Failure: Error>(
            _ work: () throws(Failure) -> Result
        ) throws(Failure) -> Result {
            try taken.withLock { _ throws(Failure) in try work() }
        }
    }

    /// Applications remembered, and their bytes; an older one can be taken back no more. What is
    /// under way, or goes back by itself, is not forgotten.
    private static let kept = 64
    private static let bytesKept = 64 << 20
    /// That is why there may not be any number of those.
    private static let mostLive = 256
    private static let bytesUnderWay = 256 << 20
    /// Units done before it is looked whether to go on.
    private static let chunk = 1024

    init(clock: AgeClock, changes: Changes) {
        self.clock = clock
        self.changes = changes
        state = Guarded(Shelf(most: Self.kept, mostBytes: Self.bytesKept))
    }

    deinit { state.withLock { for applied in $0.all { applied.task?.cancel() } } }

    // MARK: Applying

    func apply(
        _ plan: Plan.ID, _ prepared: Prepared, _ how: PlanApplication, by actor: Operator
    ) throws -> Outcome {
        state.withLock {
            $0.add(Applied(prepared), of: 0, for: plan) { !$0.isLive }
        }
        if let spread = how.spread, spread > .zero, prepared.units > 1 {
            record(
                .began, plan, by: actor, bounds: prepared.parts.compactMap(\.whole),
                gone: prepared.victims, planned: prepared.entries)
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
    func intend(_ plan: Plan.ID, _ prepared: Prepared, by actor: Operator) throws {
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
    private func keep(
        _ task: Task<Void, Never>, _ plan: Plan.ID, where isWanted: @Sendable (Applied) -> Bool
    ) {
        state.withLock { state in
            _ = state.change(plan) { if isWanted($0) { $0.task = task } else { task.cancel() } }
        }
    }

    /// - Throws: ``InspectorError`` where a plan may not be applied like this.
    func check(_ prepared: Prepared, _ how: PlanApplication) throws {
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

    private func checkRoom(for prepared: Prepared) throws {
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

    /// Ten times a second a little.
    private func run(
        _ plan: Plan.ID, since began: AgeInstant, over spread: Duration, _ how: PlanApplication,
        by actor: Operator
    ) async {
        let units = state.withLock { $0[plan]?.units ?? 0 }
        do {
            while true {
                let share = min(1, (clock.now() - began).inSeconds / spread.inSeconds)
                try advance(plan, to: Int(Double(units) * share), by: actor)
                if share == 1 { break }
                try await clock.sleep(min(.milliseconds(100), spread))
            }
            finish(plan, how, by: actor)
        } catch is CancellationError {
            return
        } catch {
            _ = fail(plan, error, by: actor)
        }
    }

    /// Does what is not done yet of the first so many units.
    ///
    /// - Throws: What a step throws: those before it are done. `CancellationError` where the
    ///   application was stopped, or taken back.
    private func advance(_ plan: Plan.ID, to units: Int, by actor: Operator) throws {
        guard let turn = state.withLock({ $0[plan]?.turn }) else { return }
        try turn.take {
            while let next = try next(plan, to: units) {
                let step = try next.run(next.units, actor, next.undo)
                state.withLock { state in
                    let weight = state.change(plan) { applied in
                        applied.take(step, asDone: next.units.upperBound, of: next.part)
                        return applied.weight
                    }
                    if let weight { state.weigh(plan, weight) }
                }
            }
        }
    }

    private struct Next {
        var part: Int
        var units: Range<Int>
        var undo: UndoID
        var run: @Sendable (Range<Int>, Operator, UndoID) throws -> Step
    }

    /// The first part that is not done, and what to do of it.
    private func next(_ plan: Plan.ID, to units: Int) throws -> Next? {
        try state.withLock { state in
            guard let applied = state[plan], applied.progress.state == .underWay,
                !applied.isToStop
            else { throw CancellationError() }
            var start = 0
            for (place, doing) in applied.parts.enumerated() {
                let end = min(units - start, doing.part.units, doing.done + Self.chunk)
                if doing.done < end, let run = doing.part.run {
                    return Next(part: place, units: doing.done..<end, undo: doing.undo, run: run)
                }
                start += doing.part.units
            }
            return nil
        }
    }

    private func finish(_ plan: Plan.ID, _ how: PlanApplication, by actor: Operator) {
        let back = how.lasting.map { clock.now() + $0 }
        let isDone = end(plan, as: .done) { applied in
            applied.progress.share = 1
            applied.progress.goesBack = back
        }
        guard isDone else { return }
        record(.applied, plan, by: actor, lasting: how.lasting)
        guard let back else { return }
        let task = Task { [clock] in
            do { try await clock.sleep(max(back - clock.now(), .zero)) } catch { return }
            self.goBack(plan, by: actor.because("back after the time that was given"))
        }
        keep(task, plan) { $0.progress.goesBack != nil }
    }

    /// Ends an application that failed; what was done until then stays, and can be taken back.
    /// Returns why it failed, and that this stays.
    private func fail(_ plan: Plan.ID, _ error: any Error, by actor: Operator) -> any Error {
        let begun = state.withLock { $0[plan]?.parts.filter { $0.done > 0 }.map(\.part.cache) }
        let caches = Set((begun ?? []).map { Verbatim($0) }).map(\.text).sorted()
        let why =
            caches.isEmpty
            ? "\(error)"
            : "\(error); what was done to \(caches.joined(separator: " and ")) until then stays, and "
                + "undo takes it back"
        guard end(plan, as: .failed(why)),
            let warning = record(.failed, plan, by: actor, failure: why)
        else { return caches.isEmpty ? error : InspectorError(why) }
        return InspectorError("\(why); \(warning)")
    }

    /// Ends what is under way; false where it is not.
    private func end(
        _ plan: Plan.ID, as state: PlanProgress.State,
        _ more: @Sendable (inout Applied) -> Void = { _ in }
    ) -> Bool {
        self.state.withLock { shelf in
            shelf.change(plan) { applied in
                guard applied.progress.state == .underWay else { return false }
                applied.end(state)
                more(&applied)
                return true
            } ?? false
        }
    }

    func progress(of plan: Plan.ID) -> PlanProgress? { state.withLock { $0[plan]?.progress } }

    func cancel(_ plan: Plan.ID, by actor: Operator) -> PlanProgress? {
        let turn = state.withLock { state in
            state.change(plan) { applied -> Turn? in
                guard applied.progress.state == .underWay else { return nil }
                applied.isToStop = true
                applied.task?.cancel()
                return applied.turn
            } ?? nil
        }
        // The step that is being done is waited for: it counts.
        if let turn, turn.take({ end(plan, as: .cancelled) }) {
            record(.cancelled, plan, by: actor)
        }
        return progress(of: plan)
    }

    // MARK: Taking back

    /// Takes back all that was done and can be; what is under way is stopped first.
    ///
    /// - Throws: ``InspectorError`` where there is nothing to take back, or where some of it did
    ///   not go back: the rest did, and it can be tried again.
    func undo(_ plan: Plan.ID, by actor: Operator) throws -> Outcome {
        // An undo that comes to nothing is not announced.
        let applied = try undoable(plan)
        let isTold = try changes.intend(
            ChangeRecord(
                at: clock.now(), plan: plan, what: .undoing, by: actor, bounds: [], entries: [],
                applied.progress.outcome, isSoft: applied.isSoft, failure: nil))
        do { return try undoAll(plan, by: actor, isTold: isTold) } catch let error as Untold {
            throw isTold ? told(plan, error.why, by: actor) : error.why
        }
    }

    /// Why an undo came to nothing; no record tells of that yet.
    private struct Untold: Error { var why: InspectorError }

    private func undoAll(_ plan: Plan.ID, by actor: Operator, isTold: Bool) throws -> Outcome {
        let before = progress(of: plan)
        guard cancel(plan, by: actor) != nil else { throw Untold(why: Self.nothing) }
        if before?.state == .underWay, state.withLock({ $0[plan]?.done }) == 0 {
            // It was stopped before its first step, and that is all there was to take back.
            let back = Back()
            var outcome = back.step.outcome
            outcome.warning = record(back, plan, by: actor, [])
            return outcome
        }
        let (back, failures): (Back, [String])
        do { (back, failures) = try takeBack(plan, by: actor) { _ in true } } catch {
            throw Untold(why: error)
        }
        var outcome = back.step.outcome
        guard back.isSome || failures.isEmpty else {
            throw Untold(why: InspectorError(failures.joined(separator: "; ")))
        }
        outcome.warning = record(back, plan, by: actor, failures)
        guard failures.isEmpty else {
            let problems = failures + [outcome.warning].compactMap(\.self)
            throw InspectorError("not all was taken back: " + problems.joined(separator: "; "))
        }
        return outcome
    }

    /// Records that an undo which was announced came to nothing. Returns why.
    private func told(
        _ plan: Plan.ID, _ why: InspectorError, by actor: Operator
    ) -> InspectorError {
        let warning = changes.add(
            ChangeRecord(
                at: clock.now(), plan: plan, what: .failed, by: actor, bounds: [], entries: [],
                .nothing, failure: "not taken back: \(why)"))
        guard let warning else { return why }
        return InspectorError("\(why); \(warning)", isUnknown: why.isUnknown)
    }

    /// What ``undo(_:by:)`` would do now; changes nothing.
    ///
    /// - Throws: ``InspectorError`` where nothing can be taken back, with why.
    func planUndo(_ plan: Plan.ID, instance: String) throws -> Plan {
        let applied = try undoable(plan)
        var (all, changes): ([WayBack], [Change]) = ([], [])
        var problems: [String] = []
        for doing in applied.parts.reversed() where doing.canGoBack {
            do {
                let way = try doing.part.wayBack(doing.part.bounds, doing.done, doing.undo)
                all.append(way)
                if let bounds = way.bounds {
                    changes.append(.configure(cache: doing.part.cache, to: bounds.to))
                }
                problems += [way.problem].compactMap(\.self)
            } catch { problems.append("\(error)") }
        }
        guard !all.isEmpty || problems.isEmpty else {
            throw InspectorError(problems.joined(separator: "; "))
        }
        var made = Plan(
            id: plan, instance: instance, change: changes.count == 1 ? changes[0] : .all(changes),
            at: clock.now(), entries: all.reduce(0) { $0 + $1.entries },
            bytes: all.reduce(0) { $0 + $1.bytes },
            victims: Array(all.flatMap(\.first).prefix(Plan.named)), skipped: [])
        made.before = changes.count == 1 ? all.compactMap(\.bounds).first?.from : nil
        made.fetches = all.reduce(0) { $0 + $1.fetches }
        made.perMinute = Prepared.perMinute(all.map(\.perMinute))
        made.takesBack = TakingBack(entries: all.reduce(0) { $0 + $1.back }, problems: problems)
        return made
    }

    /// Bounds go back by themselves, and nothing else does.
    private func goBack(_ plan: Plan.ID, by actor: Operator) {
        guard progress(of: plan)?.goesBack != nil else { return }
        rebase(on: plan)
        guard let (back, failures) = try? takeBack(plan, by: actor, where: { $0.bounds != nil })
        else { return }
        if back.isSome {
            record(back, plan, by: actor, failures)
        } else {
            record(
                .failed, plan, by: actor, bounds: [], outcome: .nothing, gone: [],
                failure: "bounds did not go back: " + failures.joined(separator: "; "))
        }
    }

    /// Bounds that were set on top of others, whose time is over by now, are to be taken back to
    /// those from before the others.
    private func rebase(on plan: Plan.ID) {
        state.withLock { state in
            for doing in state[plan]?.parts ?? [] {
                guard let over = doing.part.bounds else { continue }
                for id in state.later(than: plan) {
                    state.change(id) { other in
                        for place in other.parts.indices
                        where other.parts[place].part.cache.isExactly(doing.part.cache) {
                            other.parts[place].part.bounds?
                                .rebase(from: over.reached(doing.done), to: over.from)
                        }
                    }
                }
            }
        }
    }

    /// What was taken back.
    private struct Back {
        var step = Step()
        var bounds: [ChangeRecord.Bounds] = []
        var isSome = false
    }

    private static let nothing = InspectorError(
        "this plan was not applied, or was undone, or is too long ago", isUnknown: true)

    /// What is known of an application that may be taken back.
    ///
    /// - Throws: ``InspectorError`` where there is nothing to take back, or nothing any more.
    private func undoable(_ plan: Plan.ID) throws(InspectorError) -> Applied {
        guard let applied = state.withLock({ $0[plan] }), applied.progress.state != .undone
        else { throw Self.nothing }
        // What is under way is not looked at: it is stopped first.
        if applied.progress.state != .underWay, applied.units > 0, applied.done == 0 {
            throw InspectorError("nothing of this plan was done: there is nothing to take back")
        }
        return applied
    }

    /// Takes back what was done in the parts that are meant, the last part first; returns what was
    /// taken back, and why something was not.
    private func takeBack(
        _ plan: Plan.ID, by actor: Operator, where isMeant: (Part) -> Bool
    ) throws(InspectorError) -> (Back, failures: [String]) {
        guard let turn = state.withLock({ $0[plan]?.turn }) else { throw Self.nothing }
        return try turn.take { () throws(InspectorError) in
            let applied = try undoable(plan)
            var back = Back()
            var failures: [String] = []
            for (place, doing) in applied.parts.enumerated().reversed()
            where doing.canGoBack && isMeant(doing.part) {
                do {
                    let step = try doing.part.undo(doing.part.bounds, doing.done, doing.undo, actor)
                    state.withLock { _ = $0.change(plan) { $0.parts[place].isBack = true } }
                    back.isSome = true
                    back.step.outcome.add(step.outcome)
                    back.step.gone += step.gone
                    back.bounds += [step.bounds].compactMap(\.self)
                    failures += [step.problem].compactMap(\.self)
                } catch { failures.append("\(error)") }
            }
            settle(plan, failures, isSome: back.isSome)
            return (back, failures)
        }
    }

    /// Notes how an application stands after some of it was to be taken back.
    private func settle(_ plan: Plan.ID, _ failures: [String], isSome: Bool) {
        state.withLock { state in
            let _: Void? = state.change(plan) { applied in
                let goesBackItself = applied.progress.goesBack != nil
                applied.task?.cancel()
                applied.progress.goesBack = nil
                if !applied.parts.contains(where: \.canGoBack) {
                    applied.progress.state = .undone
                } else if !failures.isEmpty, isSome || goesBackItself {
                    applied.progress.state = .failed(
                        "not taken back: " + failures.joined(separator: "; "))
                }
            }
        }
    }

    // MARK: Telling

    @discardableResult
    private func record(
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
    private func record(
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
