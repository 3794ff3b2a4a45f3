import FoundationEssentials
public import Larder
import Synchronization

extension LocalInspector {
    /// Looks up the key that is shown so, or is meant by the text.
    ///
    /// - Throws: ``InspectorError`` where the cache is unknown or the text means no key; what the
    ///   cache's `parse` throws, and what the look-up does.
    public func fetch(_ key: EntryKey) async throws -> FetchResult {
        try await cache(named: key.cache).fetch(key.key)
    }

    /// Asks for the key that is shown so, or is meant by the text. What the origin throws is told
    /// in ``Verification/failure``.
    ///
    /// - Throws: ``InspectorError`` where the cache is unknown or the text means no key; what the
    ///   cache's `parse` throws.
    public func verify(_ key: EntryKey) async throws -> Verification {
        try await cache(named: key.cache).verify(key.key)
    }

    /// As for somebody of whom nothing is known.
    public func plan(_ change: Change) async throws -> Plan {
        try await plan(change, by: Operator("somebody"))
    }

    /// Of one user 64 plans are kept, of 64 MiB, and 256 of all, of 128 MiB; the oldest go.
    ///
    /// - Throws: ``InspectorError`` where a cache is unknown, more than ``EntryQuery/mostMatching``
    ///   entries are named, or several changes are more than 16, in each other, or of one cache's
    ///   bounds; `CacheError` where the cache could not have such bounds.
    public func plan(_ change: Change, by actor: Operator) async throws -> Plan {
        let (plan, prepared) = try made(change)
        // Here and below, what goes for it is dropped once the lock is free: that may be much.
        _ = state.withLock { $0.plans.add(plan, prepared, of: actor.uid) }
        forgetInTime()
        return plan
    }

    /// The plan as it would be made now.
    ///
    /// - Throws: As ``plan(_:by:)``, and ``InspectorError`` where the change names entries.
    public func preview(_ change: Change) async throws -> Plan {
        guard change.named == 0 else {
            throw InspectorError(
                "who may not change anything cannot name entries in a plan; what bounds would do, or "
                    + "the end of a whole cache, can be asked")
        }
        return try made(change).plan
    }

    private func made(_ change: Change) throws -> (plan: Plan, PreparedPlan) {
        let change = change.once
        guard change.named <= EntryQuery.mostMatching else {
            throw InspectorError(
                "a change names \(EntryQuery.mostMatching) entries at most, and this one "
                    + "\(change.named); narrow it, or invalidate the whole cache")
        }
        let prepared = try prepare(change)
        var plan = Plan(
            id: Self.randomID(), instance: instance,
            change: change, at: clock.now(), entries: prepared.entries, bytes: prepared.bytes,
            victims: prepared.victims, skipped: prepared.skipped, unnamed: prepared.unnamed,
            failures: prepared.failures, undoable: prepared.undoable, before: prepared.before,
            fetches: prepared.fetches, perMinute: prepared.perMinute,
            protected: prepared.protected)
        try foresee(&plan)
        return (plan, prepared)
    }

    /// Has a plan of a cache's bounds say what will come of them.
    private func foresee(_ plan: inout Plan) throws {
        guard case .configure(let name, let bounds) = plan.change else { return }
        (plan.now, plan.foreseen) = try cache(named: name).foresee(bounds)
    }

    /// The plan, for five minutes after it was made.
    ///
    /// - Throws: ``InspectorError`` where it is not kept, or not any more.
    public func plan(known id: Plan.ID) async throws -> Plan { try kept(id).plan }

    /// - Throws: ``InspectorError`` where a plan is not kept, with the reason.
    private func kept(_ id: Plan.ID) throws -> Plans.Kept {
        let (found, _) = state.withLock { $0.plans.find(id, at: clock.now()) }
        switch found {
        case .kept(let kept): return kept
        case .late: throw Self.late
        case .unknown: throw Self.unknown
        }
    }

    /// Bytes of the plans that are kept.
    var bytesOfPlans: Int { state.withLock { $0.plans.bytes } }

    /// Lets go of plans though nobody asks for one any more. The machine's own clock decides when
    /// to look, and the engine's what is too old.
    private func forgetInTime() {
        state.withLock { state in
            guard state.forgetting == nil else { return }
            state.forgetting = Task { [weak self] in
                repeat {
                    do { try await Task.sleep(for: .seconds(30)) } catch { return }
                } while self?.forget() ?? false
            }
        }
    }

    /// Returns whether there are any left.
    private func forget() -> Bool {
        let (goesOn, freed, _) = state.withLock { state in
            let before = state.bytesBefore
            let old = state.plans.forget(at: clock.now())
            state.bytesBefore = state.plans.bytes
            if state.plans.isEmpty { state.forgetting = nil }
            return (!state.plans.isEmpty, before - state.bytesBefore, old)
        }
        if freed > 8 << 20 { ProcessMemory.giveBack() }
        return goesOn
    }

    private func prepare(_ change: Change) throws -> PreparedPlan {
        switch change {
        case .invalidate(let entries): return try invalidation(of: entries, softly: false)
        case .soften(let entries): return try invalidation(of: entries, softly: true)
        case .invalidateAll(let name):
            return guarded(try cache(named: name).prepareInvalidationOfAll(), name)
        case .configure(let name, let new):
            return guarded(try cache(named: name).prepareConfiguration(new), name)
        case .all(let changes):
            guard changes.count <= Self.mostTogether, !changes.contains(where: \.isSeveral) else {
                throw InspectorError(
                    "\(Self.mostTogether) changes at most are made together, and none of them is "
                        + "several itself")
            }
            let configured = changes.compactMap { change in
                if case .configure(let cache, _) = change { Verbatim(cache) } else { nil }
            }
            guard Set(configured).count == configured.count else {
                throw InspectorError("a change of several changes the bounds of a cache once")
            }
            return PreparedPlan(all: try changes.map(prepare))
        }
    }

    private func invalidation(of entries: [SeenEntry], softly: Bool) throws -> PreparedPlan {
        let groups = Dictionary(grouping: entries) { Verbatim($0.id.cache) }
        for name in groups.keys { _ = try cache(named: name.text) }
        // In the order of registration, so that one change has one plan.
        return PreparedPlan(
            all: caches.compactMap { cache in
                groups[Verbatim(cache.name)].map {
                    guarded(cache.prepareInvalidation(of: $0, softly: softly), cache.name)
                }
            })
    }

    private func guarded(_ prepared: PreparedPlan, _ cache: String) -> PreparedPlan {
        var prepared = prepared
        let isProtected = state.withLock { $0.protected.contains(Verbatim(cache)) }
        for place in prepared.parts.indices { prepared.parts[place].isProtected = isProtected }
        return prepared
    }

    /// Applies a plan that is kept, once.
    ///
    /// - Throws: ``InspectorError`` where the plan is not kept or was applied before, a protected
    ///   cache is not named, a time is negative, something else than bounds is to go back by
    ///   itself, too much is under way, the reason is too long, or the change could not be written
    ///   down beforehand; what a step throws, with what was done until then.
    public func apply(
        _ plan: Plan.ID, _ how: PlanApplication, by actor: Operator
    ) async throws -> Outcome {
        try actor.checkReason()
        let kept = try kept(plan)
        guard let known = kept.prepared else { throw Self.unknown }
        // A plan that is refused here is kept: it can be applied yet, with the right confirmation.
        try applied.check(known, how)
        // Of two who apply a plan at once, the second announces nothing.
        guard let prepared = state.withLock({ $0.plans.take(plan) }) else { throw Self.unknown }
        do { try applied.intend(plan, prepared, by: actor.applying(plan)) } catch {
            state.withLock { $0.plans.giveBack(plan, prepared) }
            throw error
        }
        let disturbed = disturbed(by: prepared.parts)
        let outcome = try applied.apply(plan, prepared, how, by: actor.applying(plan))
        interrupt(disturbed)
        // What may be done at once is, whatever time there is for it.
        let isUnderWay = applied.progress(of: plan)?.state == .underWay
        expect(kept.plan, spread: isUnderWay ? how.spread ?? .zero : .zero)
        return outcome
    }

    /// The caches whose bounds a plan changes, or of which a tenth of the entries goes: of fewer a
    /// forecast can still be told.
    private func disturbed(by parts: [Part]) -> [String] {
        parts.filter { part in
            guard part.bounds == nil else { return true }
            let held = (try? cache(named: part.cache).report().snapshot.count) ?? 0
            return part.entries > 0 && part.entries >= (held + 9) / 10
        }.map(\.cache)
    }

    /// How far it has come. What is under way is remembered, and of the others the latest: 64 in
    /// all.
    ///
    /// - Throws: ``InspectorError`` where the plan was not applied, or is not known any more.
    public func progress(of plan: Plan.ID) async throws -> PlanProgress {
        guard let progress = applied.progress(of: plan) else { throw notApplied(plan) }
        return progress
    }

    /// Stops an application under way, once its present step is done; otherwise nothing changes.
    ///
    /// - Throws: ``InspectorError`` where the plan was not applied or is not known any more, or the
    ///   reason is too long.
    public func cancel(_ plan: Plan.ID, by actor: Operator) async throws -> PlanProgress {
        try actor.checkReason()
        let before = applied.progress(of: plan)?.state
        guard let progress = applied.cancel(plan, by: actor.applying(plan)) else {
            throw notApplied(plan)
        }
        if before == .underWay, progress.state != .underWay {
            interrupt(disturbed(by: applied.parts(of: plan)))
        }
        return progress
    }

    /// What would go and come back now.
    ///
    /// - Throws: ``InspectorError`` where nothing can be taken back, with why.
    public func plan(undoing plan: Plan.ID) async throws -> Plan {
        if applied.progress(of: plan) == nil, (try? kept(plan))?.prepared != nil {
            throw InspectorError("this plan was not applied yet: there is nothing to take back")
        }
        var plan = try applied.planUndo(plan, instance: instance)
        try foresee(&plan)
        return plan
    }

    /// Takes back all that can be; what is under way is stopped first.
    ///
    /// - Throws: ``InspectorError`` where there is nothing to take back, some of it did not go
    ///   back, the reason is too long, or it could not be written down beforehand.
    public func undo(_ plan: Plan.ID, by actor: Operator) async throws -> Outcome {
        try actor.checkReason()
        let (parts, way) = (
            applied.parts(of: plan), try? applied.planUndo(plan, instance: instance)
        )
        let outcome = try applied.undo(plan, by: actor.applying(plan))
        // Of a change that was stopped before its first step nothing goes back, nor comes anything.
        interrupt(disturbed(by: parts))
        // Nobody waits for what is foreseen to have the change undone.
        if var way, (try? foresee(&way)) != nil { expect(way) }
        return outcome
    }

    /// Those of this run that are kept.
    public func changes(after number: UInt64) async throws -> [ChangeRecord] {
        changes.after(number)
    }

    /// Ends once the inspector is gone.
    public func follow(
        after number: UInt64
    ) -> AsyncThrowingStream<ChangeRecord, any Error> { changes.follow(after: number) }

    /// Has every change from now on handed over, before the one who made it is answered. What the
    /// sink throws is told to that one in ``Outcome/warning``: the change is made by then.
    ///
    /// - Parameters:
    ///   - intents: Whether what is about to be applied or undone is handed over first, as
    ///     ``ChangeRecord/What/applying`` or ``ChangeRecord/What/undoing``. Where the sink throws
    ///     then, nothing is changed. To stop what is under way takes no such word.
    ///   - sink: Writes a change down.
    public func record(
        intents: Bool = false, _ sink: @escaping @Sendable (ChangeRecord) throws -> Void
    ) {
        changes.hand(intents: intents, to: sink)
    }

    private static let unknown = InspectorError(
        "this plan is not known any more; plan the change again", isUnknown: true)

    private static let late = InspectorError(
        "this plan was made more than \(Units.text(Plans.life)) ago and is forgotten; plan the "
            + "change again", isUnknown: true)

    private func notApplied(_ plan: Plan.ID) -> any Error {
        do {
            let isOpen = try kept(plan).prepared != nil
            return isOpen ? InspectorError("this plan was not applied yet") : Self.unknown
        } catch { return error }
    }
}
