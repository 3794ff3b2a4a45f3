import FoundationEssentials
import Glibc
public import Larder
import Synchronization

/// The inspector of the engine in this process.
///
/// ```swift
/// let inspector = LocalInspector("accounts-service")
/// inspector.add(accounts)
/// inspector.add(credentials, key: \.shownKey)
/// ```
public final class LocalInspector: Inspector {
    /// What the engine is called.
    public let name: String
    /// The random id of this run.
    public let instance: String
    private let clock: AgeClock
    private let state = Guarded(State())
    private let applied: AppliedPlans
    private let changes: ChangeLog
    private let started = Date()
    private let user = LocalInspector.userName
    private let isDemo: Bool

    private struct State {
        var caches: [any InspectedCache] = []
        var protected: Set<Verbatim> = []
        var origins: [@Sendable () -> OriginReport] = []
        var gateway: (@Sendable () -> GatewayReport)?
        /// Those that were made lately; an older one has to be made anew.
        var plans = Plans()
        /// Forecasts of changes that were made, and what came.
        var calibrations = Calibrations()
        /// Looks now and then whether there is a plan to let go of.
        var forgetting: Task<Void, Never>?
        /// Bytes of plans when it looked last.
        var bytesBefore = 0
        /// Takes a sample of every cache each second.
        var recording: Task<Void, Never>?
    }

    /// How many changes may be made as one.
    private static let mostTogether = 16

    /// As whom this process runs.
    private static var userName: String? {
        getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) }
    }

    /// A number as an id: sixteen digits, be it ever so small, so that ids stand under each other.
    package static func id(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func randomID() -> String { id(.random(in: .min ... .max)) }

    /// - Parameters:
    ///   - name: What the engine is called.
    ///   - clock: By which forecasts, plans and what is under way are timed: the caches' own.
    ///   - isDemo: What the caches hold is invented: whoever looks is told so.
    public init(_ name: String, clock: AgeClock = .system, isDemo: Bool = false) {
        self.name = name
        self.isDemo = isDemo
        self.clock = clock
        instance = Self.randomID()
        changes = ChangeLog(instance: instance)
        applied = AppliedPlans(clock: clock, changes: changes)
    }

    /// An inspector of one cache, whose keys and values say themselves what may be seen of them.
    public convenience init<Key: CustomStringConvertible, Value: Inspectable>(
        _ name: String, _ cache: Cache<Key, Value>
    ) {
        self.init(name)
        add(cache)
    }

    /// Makes a cache visible, by its name; where another here has the name, with a number behind it.
    ///
    /// Whoever may look sees the keys, as `key` has them, in entries, events, plans, logs and the
    /// audit; of the values what `value` makes of them; of failed fetches what
    /// `Refresh.words` makes of their errors. Whatever else the keys, values and errors hold
    /// does not leave the process.
    ///
    /// - Parameters:
    ///   - cache: What is made visible; it is held as long as the inspector is there.
    ///   - key: How a key is shown; no two keys of the cache may look alike.
    ///   - parse: The key that an operator means by a text that is not a shown key; throws where it
    ///     means no key. Without it, only text keys and keys of entries held can be fetched.
    ///   - isProtected: A change of it has to be confirmed by its name.
    ///   - value: What is shown of a value. It runs in this process and decides what leaves it.
    public func add<Key, Value>(
        _ cache: Cache<Key, Value>, key: @escaping @Sendable (Key) -> String,
        parse: (@Sendable (String) throws -> Key)? = nil, isProtected: Bool = false,
        value: @escaping @Sendable (Value) -> Shown
    ) {
        add(
            cache, key: key, parse: parse, isProtected: isProtected, areKeysPlain: false,
            value: value)
    }

    /// As the other one, where keys are shown by their own descriptions.
    public func add<Key: CustomStringConvertible, Value>(
        _ cache: Cache<Key, Value>, parse: (@Sendable (String) throws -> Key)? = nil,
        isProtected: Bool = false, value: @escaping @Sendable (Value) -> Shown
    ) {
        add(
            cache, key: { $0.description }, parse: parse, isProtected: isProtected,
            areKeysPlain: true, value: value)
    }

    private func add<Key, Value>(
        _ cache: Cache<Key, Value>, key: @escaping @Sendable (Key) -> String,
        parse: (@Sendable (String) throws -> Key)?, isProtected: Bool, areKeysPlain: Bool,
        value: @escaping @Sendable (Value) -> Shown
    ) {
        let inspected = state.withLock { state in
            let names = [cache.name] + (2...state.caches.count + 2).map { "\(cache.name)-\($0)" }
            let name = names.first { name in !state.caches.contains { $0.name.isExactly(name) } }
            let inspected = Inspected(
                name: name ?? cache.name, cache: cache, shownKey: key, parse: parse,
                shownValue: value, areKeysPlain: areKeysPlain)
            state.caches.append(inspected)
            if isProtected { state.protected.insert(Verbatim(inspected.name)) }
            return inspected
        }
        inspected.sample()
        keepRecord()
    }

    /// Has every cache sampled once a second, so that whoever attaches sees what was before.
    private func keepRecord() {
        state.withLock { state in
            guard state.recording == nil else { return }
            state.recording = Task { [weak self, clock] in
                repeat {
                    do { try await clock.sleep(until: clock.now() + .seconds(1)) } catch { return }
                } while self?.sample() ?? false
            }
        }
    }

    /// Returns whether there is anything to sample.
    private func sample() -> Bool {
        for cache in caches { cache.sample() }
        return !caches.isEmpty
    }

    /// Makes a cache visible whose values say themselves what may be seen of them.
    public func add<Key, Value: Inspectable>(
        _ cache: Cache<Key, Value>, key: @escaping @Sendable (Key) -> String,
        parse: (@Sendable (String) throws -> Key)? = nil, isProtected: Bool = false
    ) {
        add(cache, key: key, parse: parse, isProtected: isProtected, value: \.shown)
    }

    /// Makes a cache visible whose keys and values say themselves what may be seen of them.
    public func add<Key: CustomStringConvertible, Value: Inspectable>(
        _ cache: Cache<Key, Value>, parse: (@Sendable (String) throws -> Key)? = nil,
        isProtected: Bool = false
    ) {
        add(cache, parse: parse, isProtected: isProtected, value: \.shown)
    }

    /// Has every report tell what an origin counts.
    public func add(origin report: @escaping @Sendable () -> OriginReport) {
        state.withLock { $0.origins.append(report) }
    }

    /// Has every report tell what a gateway was sent; there is one at most.
    public func add(gateway report: @escaping @Sendable () -> GatewayReport) {
        state.withLock { $0.gateway = report }
    }

    // MARK: Looking

    /// As things are; every origin is asked for its counts.
    public func report() async throws -> EngineReport {
        var report = EngineReport(
            name: name, instance: instance, pid: ProcessInfo.processInfo.processIdentifier,
            at: clock.now(), wall: Date(),
            caches: caches.map { $0.report() },
            memory: .current(), origins: state.withLock { $0.origins }.map { $0() })
        (report.started, report.user, report.isDemo) = (started, user, isDemo)
        report.gateway = state.withLock { $0.gateway }?()
        let calibrations = judge(report.caches)
        for place in report.caches.indices {
            report.caches[place].forecasts = calibrations.forecasts(of: report.caches[place].name)
        }
        return report
    }

    /// A page of the caches that were added.
    ///
    /// - Throws: ``InspectorError`` where a cache is unknown or a number negative; ``FilterError``
    ///   where the filter cannot be read or takes too long.
    public func entries(_ query: EntryQuery) async throws -> EntryPage {
        guard query.offset >= 0, query.limit >= 0 else {
            throw InspectorError("offset and limit are 0 or more")
        }
        let wanted = try caches(of: query)
        var selection = try Selection(query, at: clock.now(), of: caches.map(\.name))
        selection.caches = wanted.count
        for (place, cache) in wanted.enumerated() { cache.offer(to: &selection, place: place) }
        return try selection.page()
    }

    /// The caches that a query asks for, each once.
    private func caches(of query: EntryQuery) throws -> [any InspectedCache] {
        guard !query.caches.isEmpty else { return caches }
        var seen: Set<Verbatim> = []
        return try query.caches.filter { seen.insert(Verbatim($0)).inserted }.map {
            try cache(named: $0)
        }
    }

    /// Cache by cache, in no order within one.
    ///
    /// - Throws: ``InspectorError`` where a cache is unknown or too many entries pass;
    ///   ``FilterError`` where the filter cannot be read or takes too long.
    public func matching(_ query: EntryQuery) async throws -> [SeenEntry] {
        var matching = try Matching(query.filter, at: clock.now(), of: caches.map(\.name))
        for cache in try caches(of: query) { cache.offer(to: &matching) }
        return try matching.seen()
    }

    /// The entry whose key is shown so, or is meant by the text.
    ///
    /// - Throws: ``InspectorError`` where the cache is unknown.
    public func entry(_ key: EntryKey) async throws -> EntryDetail? {
        try cache(named: key.cache).detail(of: key.key)
    }

    /// As `Cache.events(after:limit:)`, with keys as they are shown.
    ///
    /// - Throws: ``InspectorError`` where the cache is unknown.
    public func events(
        in cache: String, after number: UInt64, limit: Int
    ) async throws -> EventLog {
        try self.cache(named: cache).events(after: number, limit: limit)
    }

    /// As `Cache.history(since:)`.
    ///
    /// - Throws: ``InspectorError`` where the cache is unknown.
    public func history(
        of cache: String, since instant: AgeInstant
    ) async throws -> CacheHistory {
        CacheHistory(
            cache: cache, instance: instance, at: clock.now(),
            samples: try self.cache(named: cache).history(since: instant))
    }

    /// Of every cache that was added.
    ///
    /// - Throws: ``InspectorError`` unless there are 1 to 1000 buckets of 100 ms or more.
    public func forecast(width: Duration, count: Int) async throws -> Forecast {
        guard width >= .milliseconds(100), (1...1000).contains(count) else {
            throw InspectorError("a forecast has 1 to 1000 buckets of 100 ms or more")
        }
        var forecast = Forecast(at: clock.now(), width: width, count: count)
        for cache in caches { cache.forecast(&forecast) }
        return forecast
    }

    /// Of one cache, with how former forecasts of it were held to.
    ///
    /// - Throws: ``InspectorError`` where the cache is unknown, no look-ups are on record, or the
    ///   window is not 1 s to 1 h; `CacheError` where the cache could not have such bounds.
    public func whatIf(_ query: WhatIfQuery) async throws -> WhatIfAnswer {
        guard (.seconds(1)...WhatIfQuery.longest).contains(query.window) else {
            throw InspectorError("a window of 1s to 1h is accepted")
        }
        let cache = try cache(named: query.cache)
        var answer = try await cache.whatIf(query)
        answer.kept = judge([cache.report()]).of(cache.name)
        return answer
    }

    /// Holds forecasts against what came until now.
    private func judge(_ reports: [CacheReport]) -> Calibrations {
        state.withLock { state in
            state.calibrations.judge(reports)
            return state.calibrations
        }
    }

    /// Has what comes of new bounds held against what was foreseen.
    private func expect(_ plan: Plan, _ how: PlanApplication) {
        if case .configure(let name, let bounds) = plan.change, let foreseen = plan.foreseen,
            let report = try? cache(named: name).report()
        {
            return state.withLock {
                $0.calibrations.expect(bounds, foreseen, report, spread: how.spread ?? .zero)
            }
        }
        interrupt(plan)
    }

    /// What is changed again before it is judged says nothing.
    private func interrupt(_ plan: Plan) {
        state.withLock { state in
            for name in plan.change.caches { state.calibrations.interrupt(name.text) }
        }
    }

    // MARK: Changing

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

    deinit {
        state.withLock { state in
            state.forgetting?.cancel()
            state.recording?.cancel()
        }
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
        let outcome = try applied.apply(plan, prepared, how, by: actor.applying(plan))
        expect(kept.plan, how)
        return outcome
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
        guard let progress = applied.cancel(plan, by: actor.applying(plan)) else {
            throw notApplied(plan)
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
        let outcome = try applied.undo(plan, by: actor.applying(plan))
        if let known = try? kept(plan).plan { interrupt(known) }
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

    // MARK: Caches

    private var caches: [any InspectedCache] { state.withLock { $0.caches } }

    private func cache(named name: String) throws -> any InspectedCache {
        guard let cache = caches.first(where: { $0.name.isExactly(name) }) else {
            throw InspectorError.unknown(cache: name, known: caches.map(\.name))
        }
        return cache
    }
}

extension Operator {
    /// Longest reason, in characters as Unicode counts them.
    public static let longestReason = 500

    /// - Throws: ``InspectorError`` where the reason is longer.
    public func checkReason() throws(InspectorError) {
        guard let count = reason?.unicodeScalars.count, count > Self.longestReason else { return }
        throw InspectorError(
            "a reason has \(Self.longestReason) characters at most, and this one \(count)")
    }
}
