import Larder

/// A key that says with whose permission its entry was read, from the table that its cache is named
/// after.
package protocol ReadByIdentity {
    var reader: String { get }
}

/// A cache of any key and value type, as the inspector handles it.
protocol InspectedCache: Sendable {
    var name: String { get }
    func sample()
    func history(since instant: AgeInstant) -> [CacheSample]
    func report() -> CacheReport
    func offer(to selection: inout Selection, place: Int)
    func offer(to matching: inout Matching)
    func detail(of key: String) -> EntryDetail?
    func events(after number: UInt64, limit: Int) -> EventLog
    func fetch(_ key: String) async throws -> FetchResult
    func verify(_ key: String) async throws -> Verification
    func forecast(_ forecast: inout Forecast)
    func whatIf(_ query: WhatIfQuery) async throws -> WhatIfAnswer
    func foresee(_ bounds: CacheConfiguration) -> (now: WhatIf?, then: WhatIf?)
    func prepareInvalidation(of entries: [SeenEntry], softly: Bool) -> PreparedPlan
    func prepareInvalidationOfAll() -> PreparedPlan
    func prepareConfiguration(_ new: CacheConfiguration) throws -> PreparedPlan
}

/// A cache with the two functions that show its keys and values.
struct Inspected<Key: Hashable & Sendable, Value: Sendable>: InspectedCache {
    let name: String
    let cache: Cache<Key, Value>
    let shownKey: @Sendable (Key) -> String
    let parse: (@Sendable (String) throws -> Key)?
    let shownValue: @Sendable (Value) -> Shown
    /// Whether keys are shown as they are.
    let areKeysPlain: Bool
    private let grid = KeptGrid()

    /// Whether keys are texts for the engine too, which ranks these by itself.
    private var keysAreShown: Bool { areKeysPlain && Key.self == String.self }
    /// Whether a shown key is the key.
    private var isOwnText: Bool { keysAreShown || areKeysPlain && Key.self == Verbatim.self }

    func report() -> CacheReport {
        var report = CacheReport(name: name, snapshot: cache.snapshot())
        let most = cache.mostFetched(CacheReport.fetched)
        report.fetchedSince = most.since
        report.mostFetched = most.keys.map {
            FetchedRow(
                key: shownKey($0.key), fetches: $0.fetches, failures: $0.failures, kind: $0.kind,
                reason: $0.reason)
        }
        return report
    }

    func sample() { cache.sample() }

    func history(since instant: AgeInstant) -> [CacheSample] { cache.history(since: instant) }

    func offer(to selection: inout Selection, place: Int) {
        let actors = selection.asksForActors ? actors() : [:]
        let beside = Beside(
            cache, wanted: selection.wantedToGo, of: selection.caches, at: selection.instant)
        guard let (count, rank) = selection.order(keysAreShown: keysAreShown) else {
            let left = visit { key, facts, refresh in
                offer(key, facts, refresh, beside, to: &selection, place: place, actors)
            }
            // Failures where no entry is.
            for (key, known) in left {
                guard let trouble = known.trouble else { continue }
                let refresh = refreshFacts(known, of: nil)
                offer(
                    key, EntryFacts(trouble), refresh, beside, to: &selection, place: place, actors)
            }
            return
        }
        let restless = offerRestless(beside, to: &selection, place: place)
        let (first, total) = cache.first(
            count + restless.keys.count, by: rank, isDescending: selection.isDescending,
            at: selection.instant)
        var others = 0
        for (key, facts) in first where !restless.keys.contains(key) {
            others += 1
            offer(key, facts, cache.refresh(of: facts), beside, to: &selection, place: place, [:])
        }
        selection.pass(max(0, total - restless.held - others))
    }

    func offer(to matching: inout Matching) {
        let actors = matching.asksForActors ? actors() : [:]
        let beside =
            matching.asksBeside
            ? Beside(cache, wanted: matching.wantedToGo, at: matching.now) : nil
        func more(_ key: Key, _ facts: EntryFacts) -> Selection.Beside {
            beside?.of(key, facts) ?? Selection.Beside()
        }
        let left = visit { key, facts, refresh in
            matching.offer(
                facts, refresh, cache: name, by: actors[facts.version],
                owner: owner(key, matching.asksForOwners), beside: more(key, facts)
            ) { id(key) }
        }
        // Failures are forgotten by the same words.
        for (key, known) in left {
            guard let trouble = known.trouble else { continue }
            let refresh = refreshFacts(known, of: nil)
            let facts = EntryFacts(trouble)
            matching.offer(
                facts, refresh, cache: name, by: nil, owner: owner(key, matching.asksForOwners),
                beside: more(key, facts)
            ) { id(key) }
        }
    }

    /// Visits every entry there is, each once, with what there is to say of its refresh; returns
    /// what is known of keys without an entry.
    private func visit(
        _ visit: (Key, EntryFacts, RefreshFacts?) -> Void
    ) -> [Key: RefreshFacts] {
        var restless = restless
        cache.survey { key, facts in
            let known = restless.isEmpty ? nil : restless.removeValue(forKey: key)
            visit(key, facts, refreshFacts(known, of: facts))
        }
        return restless
    }

    /// The keys that are being fetched or have failed; there are few of them.
    private var restless: [Key: RefreshFacts] {
        let keys = cache.restless().map(\.key)
        return Dictionary(zip(keys, cache.refreshes(of: keys))) { first, _ in first }
    }

    /// What there is to say of the refresh of a key; `nil` where there is nothing.
    private func refreshFacts(_ known: RefreshFacts?, of facts: EntryFacts?) -> RefreshFacts? {
        let marks = facts.flatMap { cache.refresh(of: $0) }
        guard var refresh = known, refresh.isFetching || refresh.trouble != nil else {
            return marks
        }
        refresh.start = marks?.start
        refresh.mandatory = marks?.mandatory
        return refresh
    }

    private func offer(
        _ key: Key, _ facts: EntryFacts, _ refresh: RefreshFacts?, _ beside: Beside<Key>,
        to selection: inout Selection, place: Int, _ actors: [UInt64: Operator]
    ) {
        let beside = beside.of(key, facts)
        selection.offer(
            facts, refresh, place: place, cache: name, by: actors[facts.version],
            owner: owner(key, selection.asksForOwners), beside: beside
        ) { row(key, facts, refresh, beside) }
    }

    /// Of which table an entry is, and who read it, where that is asked for and the key says so.
    private func owner(_ key: Key, _ isAsked: Bool) -> EntryFilter.Owner? {
        guard isAsked, let key = key as? any ReadByIdentity else { return nil }
        return EntryFilter.Owner(table: cache.name, reader: key.reader)
    }

    /// Who put entries back or marked them as stale, by their versions, as far as events are kept.
    private func actors() -> [UInt64: Operator] {
        var actors: [UInt64: Operator] = [:]
        for event in cache.events(after: 0, limit: .max).events {
            switch event.kind {
            case .restored(let version), .softened(let version): actors[version] = event.by
            default: break
            }
        }
        return actors
    }

    /// Offers the keys that are being fetched or have failed; returns them, and how many of those
    /// have an entry.
    private func offerRestless(
        _ beside: Beside<Key>, to selection: inout Selection, place: Int
    ) -> (keys: Set<Key>, held: Int) {
        var keys: Set<Key> = []
        var held = 0
        for (key, known) in restless {
            let entry = cache.facts(of: key)
            let refresh = refreshFacts(known, of: entry)
            guard let facts = entry ?? refresh?.trouble.map(EntryFacts.init) else { continue }
            keys.insert(key)
            if entry != nil { held += 1 }
            offer(key, facts, refresh, beside, to: &selection, place: place, [:])
        }
        return (keys, held)
    }

    func detail(of shown: String) -> EntryDetail? {
        guard let key = key(shown) else { return nil }
        let held = cache.held(key)
        let refresh = refreshFacts(cache.refreshes(of: [key])[0], of: held?.facts)
        let beside = Beside(cache, wanted: 0, at: cache.clock.now())
        if let (value, facts) = held {
            return EntryDetail(
                row: row(key, facts, refresh, beside.of(key, facts)), value: shownValue(value),
                history: history(of: key))
        }
        guard let trouble = refresh?.trouble else { return nil }
        return EntryDetail(
            row: row(
                key, EntryFacts(trouble), refresh, beside.of(key, EntryFacts(trouble))),
            value: .fields([.init("failure", .text(trouble.reason))]), history: history(of: key))
    }

    func verify(_ shown: String) async throws -> Verification {
        guard let key = try key(shown) ?? parse?(shown) else { throw unknown(shown) }
        let held = cache.held(key)
        var verification = Verification(id: id(key), held: held.map { shownValue($0.value) })
        verification.minted = (Value.self as? any MintedAnew.Type)?.minted
        if held == nil { verification.remembered = cache.refreshes(of: [key])[0].trouble }
        verification.isPastEnd = held.map { $0.facts.deadline <= cache.clock.now() } ?? false
        do {
            let origin = try await cache.origin(key)
            verification.origin = shownValue(origin)
            if let held {
                cache.noteVerified(
                    key, held.value, writtenAt: held.facts.writtenAt, origin: origin)
            }
        } catch {
            verification.failure = cache.words(for: error)
            verification.isAbsent = cache.isAbsence(error)
        }
        return verification
    }

    private func unknown(_ shown: String) -> InspectorError {
        InspectorError("\(name) holds no \"\(shown)\" and cannot tell what it would be")
    }

    func events(after number: UInt64, limit: Int) -> EventLog {
        let page = cache.events(after: number, limit: limit)
        return EventLog(
            events: page.events.map(logged), dropped: page.dropped, last: page.last)
    }

    /// What happened to a key, the latest of it, as far as events are kept.
    private func history(of key: Key) -> [LoggedEvent] {
        cache.events(after: 0, limit: .max).events.filter { $0.key == key }.suffix(32).map(logged)
    }

    private func logged(_ event: CacheEvent<Key>) -> LoggedEvent {
        LoggedEvent(
            cache: name, number: event.number, at: event.at, key: event.key.map(shownKey),
            kind: event.kind, by: event.by, rival: event.rival.map(shownKey))
    }

    func fetch(_ shown: String) async throws -> FetchResult {
        let known = self.key(shown)
        let isHeld = known.map { cache.held($0) != nil } ?? false
        guard let key = try isHeld ? known : parse?(shown) ?? known else { throw unknown(shown) }
        let before = cache.held(key)?.facts
        let value = try await cache.value(for: key)
        let after = cache.held(key)?.facts
        // What was marked as stale is served at once, however soon the fetch for it lands.
        let wasHit = before.map { $0.isStale || $0.version == after?.version } ?? false
        let served = wasHit && before?.version != after?.version ? before : after
        return FetchResult(
            id: id(key), wasHit: wasHit, value: shownValue(value),
            row: served.map { row(key, $0, refreshFacts(cache.refreshes(of: [key])[0], of: $0)) })
    }

    func forecast(_ forecast: inout Forecast) {
        let now = forecast.at
        let snapshot = cache.snapshot()
        var survival = Survival(snapshot.agesAtRemoval)
        var repetition = Repetition()
        cache.survey { _, facts in
            survival.add(held: now - facts.writtenAt)
            repetition.add(facts)
        }
        survival.settle()
        var buckets = Forecast.Buckets(
            name, forecast, ttl: snapshot.configuration.ttl, rate: fetchRate(until: snapshot))
        cache.survey { _, facts in buckets.add(facts, survival, repetition) }
        forecast.caches.append(buckets.cache)
    }

    func whatIf(_ query: WhatIfQuery) async throws -> WhatIfAnswer {
        guard cache.isForeseen else {
            throw InspectorError(
                "values of \(name) are refreshed before they end by themselves: what other bounds "
                    + "bring is not foreseen of such"
            )
        }
        guard let record = cache.lookUps(over: query.window) else {
            throw InspectorError(
                "no look-ups of \(name) are on record for the last \(Units.text(query.window)): "
                    + "nothing can be foreseen; look again after some, or make the cache with "
                    + "foresight")
        }
        guard (query.bounds ?? record.present).maxbytes == nil || record.knowsBytes else {
            throw InspectorError(
                "how many bytes entries of \(name) take is not known yet: not one was held so far")
        }
        let cache = cache
        let work: @Sendable () async -> WhatIfAnswer = {
            await WhatIfAnswer(record, query, of: cache.snapshot())
        }
        guard let bounds = query.bounds else {
            return await grid.answer(over: query.window, record.present, cache.clock, work)
        }
        try cache.validate(bounds)
        return await work()
    }

    /// What is to come by the look-ups of the last ten minutes, under the present bounds and under
    /// others; `nil` where too few are on record to say.
    func foresee(_ bounds: CacheConfiguration) -> (now: WhatIf?, then: WhatIf?) {
        guard cache.isForeseen, let record = cache.lookUps(over: .seconds(600)),
            record.basis.recorded >= 100, bounds.maxbytes == nil || record.knowsBytes
        else { return (nil, nil) }
        let (now, then) = record.forecasts(bounds)
        // Of what may be anything there is nothing to say.
        return max(now.hitRatioError, then.hitRatioError) < 0.5 ? (now, then) : (nil, nil)
    }

    /// Fetches a second within the minute before; `nil` where there is no record of it.
    private func fetchRate(until snapshot: CacheSnapshot) -> Double? {
        let now = CacheSample(snapshot)
        guard let first = history(since: now.at + .seconds(-60)).first,
            now.at - first.at >= .seconds(5)
        else { return nil }
        let (all, before) = (now.fetched + now.failed, first.fetched + first.failed)
        return all >= before ? Double(all - before) / (now.at - first.at).inSeconds : nil
    }

    // MARK: Keys and rows

    func id(_ key: Key) -> EntryKey { EntryKey(cache: name, key: shownKey(key)) }

    private func isShown(_ key: Key, as text: String) -> Bool {
        shownKey(key).isExactly(text)
    }

    /// The key that is shown as `shown`, or is meant by it: at once where keys are their own text,
    /// else by looking through the entries.
    func key(_ shown: String) -> Key? { keys(shownAs: [Verbatim(shown)])[Verbatim(shown)] }

    func keys(shownAs wanted: Set<Verbatim>) -> [Verbatim: Key] {
        var found: [Verbatim: Key] = [:]
        for text in wanted {
            guard let key = textKey(text.text), isShown(key, as: text.text) else { continue }
            // What is written otherwise than it is shown may be meant.
            if parse == nil || cache.peek(key) != nil { found[text] = key }
        }
        if found.count < wanted.count, !isOwnText {
            cache.survey { key, _ in
                let shown = Verbatim(shownKey(key))
                if wanted.contains(shown) { found[shown] = key }
            }
        }
        if found.count < wanted.count {
            // What is being fetched, or failed, has a key too.
            for (key, _) in cache.restless() {
                let shown = Verbatim(shownKey(key))
                if wanted.contains(shown), found[shown] == nil { found[shown] = key }
            }
        }
        for text in wanted where found[text] == nil { found[text] = try? parse?(text.text) }
        return found
    }

    /// The key that is a text itself; `nil` where keys are something else.
    private func textKey(_ text: String) -> Key? { (Verbatim(text) as? Key) ?? (text as? Key) }

    private func row(
        _ key: Key, _ facts: EntryFacts, _ refresh: RefreshFacts?,
        _ beside: Selection.Beside = Selection.Beside()
    ) -> EntryRow {
        EntryRow(
            id: id(key), version: facts.version, writtenAt: facts.writtenAt, expiry: facts.expiry,
            deadline: facts.deadline == .distantFuture ? nil : facts.deadline, hits: facts.hits,
            lastHit: facts.lastHit, bytes: facts.bytes, fetchTime: facts.fetchTime,
            refresh: refresh, fetchRate: beside.fetchRate, toGo: beside.toGo,
            loads: facts.loads, isMarkedStale: facts.isStale)
    }
}

extension EntryFacts {
    /// Of a failure there is a row and no entry.
    init(_ trouble: Trouble) {
        self.init(
            version: 0, writtenAt: trouble.last, expiry: nil, deadline: trouble.until,
            hits: trouble.refusals, lastHit: trouble.lastRefusal, bytes: 0, fetchTime: .zero)
    }
}
