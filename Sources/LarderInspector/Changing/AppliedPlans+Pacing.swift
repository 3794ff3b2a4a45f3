import Larder
import Synchronization

/// Removals that are spread over some time, bounds that go back by themselves, and what stops them.
extension AppliedPlans {
    /// Ten times a second a little.
    func run(
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
    func advance(_ plan: Plan.ID, to units: Int, by actor: Operator) throws {
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

    struct Next {
        var part: Int
        var units: Range<Int>
        var undo: UndoID
        var run: @Sendable (Range<Int>, Operator, UndoID) throws -> Step
    }

    /// The first part that is not done, and what to do of it.
    func next(_ plan: Plan.ID, to units: Int) throws -> Next? {
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

    func finish(_ plan: Plan.ID, _ how: PlanApplication, by actor: Operator) {
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
    func fail(_ plan: Plan.ID, _ error: any Error, by actor: Operator) -> any Error {
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
    func end(
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
}
