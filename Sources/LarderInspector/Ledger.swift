import Larder
import Synchronization

/// The plans that were applied: how far each has come, and how it is taken back.
final class Ledger: Sendable {
    private let clock: AgeClock
    private let changes: Changes
    private let state = Guarded(State())

    private struct State {
        var applied: [Plan.ID: Applied] = [:]
        var order: [Plan.ID] = []
    }

    private struct Applied {
        var prepared: Prepared
        var undo = UndoID()
        var progress: Progress
        var done = 0
        /// Its parts and its undo are done one at a time.
        let turn = Turn()
        /// The removals that are spread over some time, or the wait until bounds go back.
        var task: Task<Void, Never>?

        var isLive: Bool { progress.state == .underWay || progress.goesBack != nil }
    }

    private final class Turn: Sendable {
        private let taken = Guarded(())

        func take<Result>(_ work: () throws -> Result) rethrows -> Result {
            try taken.withLock { _ in try work() }
        }
    }

    /// Applications remembered; an older one can be taken back no more. What is under way, or goes
    /// back by itself, is not forgotten.
    private static let kept = 64

    init(clock: AgeClock, changes: Changes) {
        self.clock = clock
        self.changes = changes
    }

    deinit { state.withLock { for applied in $0.applied.values { applied.task?.cancel() } } }

    func apply(
        _ plan: Plan.ID, _ prepared: Prepared, _ how: Application, by actor: Actor
    ) throws -> Outcome {
        state.withLock { state in
            state.applied[plan] = Applied(
                prepared: prepared,
                progress: Progress(state: .underWay, share: 0, outcome: .nothing))
            state.order.append(plan)
            if state.order.count > Self.kept,
                let place = state.order.firstIndex(where: { state.applied[$0]?.isLive != true })
            {
                state.applied[state.order.remove(at: place)] = nil
            }
        }
        if let spread = how.spread, spread > .zero, prepared.units > 1 {
            record(.began, plan, by: actor)
            let task = Task { await self.run(plan, prepared, over: spread, how, by: actor) }
            state.withLock { $0.applied[plan]?.task = task }
        } else {
            do {
                try advance(plan, prepared, to: prepared.units, by: actor)
            } catch is CancellationError {
                return progress(of: plan)?.outcome ?? .nothing
            } catch {
                fail(plan, error, by: actor)
                throw error
            }
            finish(plan, how, by: actor)
        }
        return progress(of: plan)?.outcome ?? .nothing
    }

    /// - Throws: ``InspectorError`` where a plan may not be applied like this.
    func check(_ prepared: Prepared, _ how: Application) throws {
        let confirmed = Set((how.confirmation ?? "").split(separator: ",").map(String.init))
        let missing = prepared.protected.filter { !confirmed.contains($0) }
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
        guard how.lasting == nil || prepared.before != nil else {
            throw InspectorError("only bounds go back by themselves, not an invalidation")
        }
    }

    /// Ten times a second a little.
    private func run(
        _ plan: Plan.ID, _ prepared: Prepared, over spread: Duration, _ how: Application,
        by actor: Actor
    ) async {
        let began = clock.now()
        do {
            while true {
                let share = min(1, (clock.now() - began).inSeconds / spread.inSeconds)
                try advance(plan, prepared, to: Int(Double(prepared.units) * share), by: actor)
                if share == 1 { break }
                try await clock.sleep(min(.milliseconds(100), spread))
            }
            finish(plan, how, by: actor)
        } catch is CancellationError {
            return
        } catch {
            fail(plan, error, by: actor)
        }
    }

    private func fail(_ plan: Plan.ID, _ error: any Error, by actor: Actor) {
        state.withLock { $0.applied[plan]?.progress.state = .failed("\(error)") }
        record(.failed, plan, by: actor, failure: "\(error)")
    }

    /// Tells what was done, with all that is known of it.
    private func record(
        _ what: ChangeRecord.What, _ plan: Plan.ID, by actor: Actor, outcome: Outcome? = nil,
        failure: String? = nil
    ) {
        guard let applied = state.withLock({ $0.applied[plan] }) else { return }
        let outcome = outcome ?? applied.progress.outcome
        changes.add(
            ChangeRecord(
                at: clock.now(), plan: plan, what: what, by: actor, applied.prepared, outcome,
                failure: failure))
    }

    private func advance(
        _ plan: Plan.ID, _ prepared: Prepared, to units: Int, by actor: Actor
    ) throws {
        let (done, undo, turn) = state.withLock { state in
            let applied = state.applied[plan]
            return (applied?.done ?? 0, applied?.undo ?? UndoID(), applied?.turn)
        }
        // A change of no parts is none; one that evicts nobody has a part all the same.
        guard units > done, let turn else { return }
        try turn.take {
            // It may have been stopped, or taken back, meanwhile.
            guard progress(of: plan)?.state == .underWay else { throw CancellationError() }
            let outcome = try prepared.run(done..<units, actor, undo)
            state.withLock { state in
                state.applied[plan]?.done = units
                state.applied[plan]?.progress.outcome.add(outcome)
                state.applied[plan]?.progress.share = Double(units) / Double(prepared.units)
            }
        }
    }

    private func finish(_ plan: Plan.ID, _ how: Application, by actor: Actor) {
        let back = how.lasting.map { clock.now() + $0 }
        let isDone = state.withLock { state in
            guard state.applied[plan]?.progress.state == .underWay else { return false }
            state.applied[plan]?.progress.state = .done
            state.applied[plan]?.progress.share = 1
            state.applied[plan]?.progress.goesBack = back
            return true
        }
        guard isDone else { return }
        record(.applied, plan, by: actor)
        guard let back else { return }
        let task = Task { [clock] in
            do { try await clock.sleep(max(back - clock.now(), .zero)) } catch { return }
            _ = try? self.undo(plan, by: actor.because("back after the time that was given"))
        }
        state.withLock { $0.applied[plan]?.task = task }
    }

    func progress(of plan: Plan.ID) -> Progress? { state.withLock { $0.applied[plan]?.progress } }

    func cancel(_ plan: Plan.ID, by actor: Actor) -> Progress? {
        let isCancelled = state.withLock { state in
            guard state.applied[plan]?.progress.state == .underWay else { return false }
            state.applied[plan]?.task?.cancel()
            state.applied[plan]?.progress.state = .cancelled
            return true
        }
        if isCancelled { record(.cancelled, plan, by: actor) }
        return progress(of: plan)
    }

    /// - Throws: ``InspectorError`` where there is nothing to take back.
    func undo(_ plan: Plan.ID, by actor: Actor) throws -> Outcome {
        let nothing = InspectorError(
            "this plan was not applied, or was undone, or is too long ago", isUnknown: true)
        guard let applied = state.withLock({ $0.applied[plan] }) else { throw nothing }
        let outcome = try applied.turn.take {
            guard progress(of: plan)?.state != .undone else { throw nothing }
            let outcome = try applied.prepared.undo(applied.undo, actor)
            state.withLock { state in
                state.applied[plan]?.task?.cancel()
                state.applied[plan]?.progress.state = .undone
                state.applied[plan]?.progress.goesBack = nil
            }
            return outcome
        }
        record(.undone, plan, by: actor, outcome: outcome)
        return outcome
    }
}
