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
    let clock: AgeClock
    let state = Guarded(State())
    let applied: AppliedPlans
    let changes: ChangeLog
    private let started = Date()
    private let user = LocalInspector.userName
    private let isDemo: Bool

    struct State {
        var caches: [any InspectedCache] = []
        var protected: Set<Verbatim> = []
        var origins: [@Sendable () -> OriginReport] = []
        var gateway: (@Sendable () -> GatewayReport)?
        /// Capacity units of a fetch, by cache.
        var units: [Verbatim: @Sendable () -> Double?] = [:]
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
    static let mostTogether = 16

    /// As whom this process runs.
    private static var userName: String? {
        getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) }
    }

    /// A number as an id: sixteen digits, be it ever so small, so that ids stand under each other.
    package static func id(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static func randomID() -> String { id(.random(in: .min ... .max)) }

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

    /// Has every cache sampled once a second, so that whoever attaches sees what was before, and
    /// forecasts judged whether somebody looks or not.
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
        let now = clock.now()
        let waiting = state.withLock { $0.calibrations.waiting(at: now) }
        for cache in caches {
            cache.sample()
            if waiting.contains(Verbatim(cache.name)) { _ = judge([cache.report()]) }
        }
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

    /// Has what-ifs of a cache tell what its fetches cost: how many capacity units each takes, or `nil`
    /// while that is not known.
    public func add(unitsOf cache: String, _ units: @escaping @Sendable () -> Double?) {
        state.withLock { $0.units[Verbatim(cache)] = units }
    }

    /// Has every report tell what a gateway was sent; there is one at most.
    public func add(gateway report: @escaping @Sendable () -> GatewayReport) {
        state.withLock { $0.gateway = report }
    }

    deinit {
        state.withLock { state in
            state.forgetting?.cancel()
            state.recording?.cancel()
        }
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
        answer.cost?.units = state.withLock { $0.units[Verbatim(query.cache)] }?()
        answer.kept = judge([cache.report()]).of(cache.name)
        return answer
    }

    /// Holds forecasts against what came until now.
    func judge(_ reports: [CacheReport]) -> Calibrations {
        state.withLock { state in
            state.calibrations.judge(reports)
            return state.calibrations
        }
    }

    /// Has what comes of new bounds held against what was foreseen.
    ///
    /// - Parameter spread: Over how long the bounds are reached.
    func expect(_ plan: Plan, spread: Duration = .zero) {
        guard let foreseen = plan.foreseen, let now = plan.now, let name = plan.change.caches.first,
            let report = try? cache(named: name.text).report()
        else { return }
        state.withLock {
            // Of a change that is taken back the bounds before are gone by now.
            let instead = now.bounds == foreseen.bounds ? nil : now.hitRatio
            $0.calibrations.expect(
                foreseen, after: plan.before ?? now.bounds, instead: instead, report,
                spread: spread)
        }
    }

    /// What is changed again before it is judged says nothing.
    func interrupt(_ caches: [String]) {
        state.withLock { state in
            for name in caches { state.calibrations.interrupt(name) }
        }
    }

    // MARK: Caches

    var caches: [any InspectedCache] { state.withLock { $0.caches } }

    func cache(named name: String) throws -> any InspectedCache {
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
