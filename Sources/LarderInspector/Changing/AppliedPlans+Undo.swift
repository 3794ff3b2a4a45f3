import Larder
import Synchronization

/// How what was applied is taken back.
extension AppliedPlans {
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
    struct Untold: Error { var why: InspectorError }

    func undoAll(_ plan: Plan.ID, by actor: Operator, isTold: Bool) throws -> Outcome {
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
    func told(
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
        made.perMinute = PreparedPlan.perMinute(all.map(\.perMinute))
        made.takesBack = TakingBack(entries: all.reduce(0) { $0 + $1.back }, problems: problems)
        return made
    }

    /// Bounds go back by themselves, and nothing else does.
    func goBack(_ plan: Plan.ID, by actor: Operator) {
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
    func rebase(on plan: Plan.ID) {
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
    struct Back {
        var step = Step()
        var bounds: [ChangeRecord.Bounds] = []
        var isSome = false
    }

    static let nothing = InspectorError(
        "this plan was not applied, or was undone, or is too long ago", isUnknown: true)

    /// What is known of an application that may be taken back.
    ///
    /// - Throws: ``InspectorError`` where there is nothing to take back, or nothing any more.
    func undoable(_ plan: Plan.ID) throws(InspectorError) -> Applied {
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
    func takeBack(
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
    func settle(_ plan: Plan.ID, _ failures: [String], isSome: Bool) {
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
}
