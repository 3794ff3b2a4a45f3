import Larder

/// A cache of any key and value type, as the inspector handles it.
protocol InspectedCache: Sendable {
    var name: String { get }
    func snapshot() -> Snapshot
    func offer(to selection: inout Selection, place: Int)
    func detail(of key: String) -> EntryDetail?
    func events(after number: UInt64, limit: Int) -> EventLog
    func fetch(_ key: String) async throws -> FetchResult
    func verify(_ key: String) async throws -> Verification
    func forecast(_ forecast: inout Forecast)
    func prepareInvalidation(of entries: [SeenEntry], softly: Bool) -> Prepared
    func prepareInvalidationOfAll() -> Prepared
    func prepareConfiguration(_ new: Configuration) throws -> Prepared
}

/// A cache with the two functions that show its keys and values.
struct Inspected<Key: Hashable & Sendable, Value: Sendable>: InspectedCache {
    let cache: Cache<Key, Value>
    let shownKey: @Sendable (Key) -> String
    let parse: (@Sendable (String) throws -> Key)?
    let shownValue: @Sendable (Value) -> Shown
    /// Whether keys are text and shown as they are.
    let keysAreShown: Bool

    var name: String { cache.name }

    func snapshot() -> Snapshot { cache.snapshot() }

    func offer(to selection: inout Selection, place: Int) {
        let actors = selection.asksForActors ? actors() : [:]
        let restless = offerRestless(to: &selection, place: place, actors)
        guard let (count, rank) = selection.order(keysAreShown: keysAreShown) else {
            cache.survey { key, facts in
                guard !restless.contains(facts.version) else { return }
                offer(key, facts, to: &selection, place: place, actors)
            }
            return
        }
        let (first, total) = cache.first(
            count + restless.count, by: rank, isDescending: selection.isDescending,
            at: selection.instant)
        var others = 0
        for (key, facts) in first where !restless.contains(facts.version) {
            others += 1
            offer(key, facts, to: &selection, place: place, [:])
        }
        selection.pass(max(0, total - restless.count - others))
    }

    /// What there is to say of the renewal of keys; `nil` where there is nothing.
    private func renewals(of keys: [Key]) -> [RenewalFacts?] {
        zip(keys, cache.renewals(of: keys)).map { key, known in
            let marks = cache.facts(of: key).flatMap { cache.renewal(of: $0) }
            guard known.isFetching || known.trouble != nil else { return marks }
            var renewal = known
            renewal.start = marks?.start
            renewal.mandatory = marks?.mandatory
            return renewal
        }
    }

    private func offer(
        _ key: Key, _ facts: EntryFacts, to selection: inout Selection, place: Int,
        _ actors: [UInt64: Actor]
    ) {
        let renewal = cache.renewal(of: facts)
        selection.offer(
            facts, renewal, place: place, cache: name, by: actors[facts.version]
        ) { row(key, facts, renewal) }
    }

    /// Who put entries back or marked them as stale, by their versions, as far as events are kept.
    private func actors() -> [UInt64: Actor] {
        var actors: [UInt64: Actor] = [:]
        for event in cache.events(after: 0, limit: .max).events {
            switch event.kind {
            case .restored(let version), .softened(let version): actors[version] = event.by
            default: break
            }
        }
        return actors
    }

    /// Offers what is being fetched anew or has failed, of which there is little; returns the
    /// versions of the entries among it.
    private func offerRestless(
        to selection: inout Selection, place: Int, _ actors: [UInt64: Actor]
    ) -> Set<UInt64> {
        let keys = cache.restless().map(\.key)
        guard !keys.isEmpty else { return [] }
        var versions: Set<UInt64> = []
        for (key, renewal) in zip(keys, renewals(of: keys)) {
            guard let facts = cache.facts(of: key) ?? renewal?.trouble.map(EntryFacts.init) else {
                continue
            }
            if facts.version > 0 { versions.insert(facts.version) }
            selection.offer(
                facts, renewal, place: place, cache: name, by: actors[facts.version]
            ) { row(key, facts, renewal) }
        }
        return versions
    }

    func detail(of shown: String) -> EntryDetail? {
        let troubled = { cache.restless().first { shownKey($0.key) == shown }?.key }
        guard let key = key(shown) ?? troubled() else { return nil }
        let renewal = renewals(of: [key])[0]
        if let (value, facts) = cache.peek(key) {
            return EntryDetail(
                row: row(key, facts, renewal), value: shownValue(value), history: history(of: key))
        }
        guard let renewal, let trouble = renewal.trouble else { return nil }
        let facts = cache.facts(of: key) ?? EntryFacts(trouble)
        return EntryDetail(
            row: row(key, facts, renewal),
            value: .fields([.init("failure", .text(trouble.reason))]), history: history(of: key))
    }

    func verify(_ shown: String) async throws -> Verification {
        guard let key = try key(shown) ?? parse?(shown) else {
            throw InspectorError("\(name) holds no \"\(shown)\" and cannot tell what it would be")
        }
        let held = cache.peek(key).map { shownValue($0.value) }
        do {
            return Verification(
                id: id(key), held: held, origin: shownValue(try await cache.origin(key)))
        } catch {
            return Verification(id: id(key), held: held, failure: "\(error)")
        }
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

    private func logged(_ event: Event<Key>) -> LoggedEvent {
        LoggedEvent(
            cache: name, number: event.number, at: event.at, key: event.key.map(shownKey),
            kind: event.kind, by: event.by, rival: event.rival.map(shownKey))
    }

    func fetch(_ shown: String) async throws -> FetchResult {
        let known = self.key(shown)
        let isHeld = known.map { cache.peek($0) != nil } ?? false
        guard let key = try isHeld ? known : parse?(shown) ?? known else {
            throw InspectorError("\(name) holds no \"\(shown)\" and cannot tell what it would be")
        }
        let before = cache.peek(key)?.facts.version
        let value = try await cache.value(for: key)
        let row = cache.peek(key).map { self.row(key, $0.facts) }
        return FetchResult(
            id: id(key), wasHit: before != nil && before == row?.version,
            value: shownValue(value), row: row)
    }

    func forecast(_ forecast: inout Forecast) {
        let now = forecast.at
        let lately = now + .seconds(-60)
        var buckets = Forecast.Cache(name: name, count: forecast.count)
        cache.survey { _, facts in
            guard facts.deadline != .distantFuture else { return buckets.endless += 1 }
            let place = Int((facts.deadline - now).nanoseconds / forecast.width.nanoseconds)
            guard place < buckets.ending.count else { return buckets.later += 1 }
            buckets.ending[max(0, place)] += 1
            if facts.lastHit.map({ $0 > lately }) ?? false { buckets.fetches[max(0, place)] += 1 }
        }
        forecast.caches.append(buckets)
    }

    // MARK: Plans

    func prepareInvalidation(of entries: [SeenEntry], softly: Bool) -> Prepared {
        var skipped: [Skipped] = []
        let wanted = Dictionary(entries.map { ($0.id.key, $0) }) { first, _ in first }
        let held = keys(shownAs: Set(wanted.keys))
        let victims = wanted.values.sorted { $0.id.key < $1.id.key }.compactMap {
            seen -> Victim<Key>? in
            guard let key = held[seen.id.key], let facts = cache.peek(key)?.facts else {
                skipped.append(Skipped(id: seen.id, why: "not there any more"))
                return nil
            }
            if let version = seen.version, version != facts.version {
                skipped.append(Skipped(id: seen.id, why: rewritten(facts)))
                return nil
            }
            return Victim(
                key: key, version: facts.version, bytes: facts.bytes, cause: .invalidated,
                lastHit: facts.lastHit)
        }
        return invalidation(of: victims, softly: softly, skipped: skipped)
    }

    func prepareInvalidationOfAll() -> Prepared {
        var victims: [Victim<Key>] = []
        let now = cache.clock.now()
        cache.survey { key, facts in
            guard now < facts.deadline else { return }
            victims.append(
                Victim(
                    key: key, version: facts.version, bytes: facts.bytes, cause: .invalidated,
                    lastHit: facts.lastHit))
        }
        return invalidation(
            of: victims.sorted { $0.version < $1.version }, softly: false, skipped: [])
    }

    private func invalidation(
        of victims: [Victim<Key>], softly: Bool, skipped: [Skipped]
    ) -> Prepared {
        var prepared = Prepared(
            victims: victims.map(planned), skipped: skipped, units: victims.count
        ) { range, actor, undo in
            var outcome = Outcome.nothing
            for victim in victims[range] {
                let result =
                    softly
                    ? cache.invalidateSoftly(victim.key, version: victim.version, by: actor)
                    : cache.invalidate(victim.key, version: victim.version, undo: undo, by: actor)
                switch result {
                case .removed(let bytes):
                    outcome.removed += 1
                    outcome.bytes += bytes
                case .absent: outcome.skipped.append(skip(victim, "not there any more"))
                case .changed(let version):
                    let why = cache.peek(victim.key).map { rewritten($0.facts) }
                    outcome.skipped.append(skip(victim, why ?? "now version \(version)"))
                }
            }
            return outcome
        } undo: { undo, actor in
            guard !softly else {
                throw InspectorError(
                    "what was marked as stale is served until it is fetched anew; there is nothing "
                        + "to take back")
            }
            var outcome = Outcome.nothing
            outcome.restored = cache.restore(undo, by: actor).restored
            return outcome
        }
        prepared.fetches = fetches(victims)
        return prepared
    }

    /// Those that were hit within the last minute will be missed within about the next.
    private func fetches(_ victims: [Victim<Key>]) -> Int {
        let lately = cache.clock.now() + .seconds(-60)
        return victims.count { $0.lastHit.map { $0 > lately } ?? false }
    }

    func prepareConfiguration(_ new: Configuration) throws -> Prepared {
        try new.validate()
        let before = cache.configuration
        let victims = cache.victims(of: new)
        let now = cache.clock.now()
        var (held, oldest, perMinute) = (0, Duration.zero, 0.0)
        let gone = Set(victims.lazy.filter { $0.cause == .evicted }.map(\.version))
        cache.survey { _, facts in
            held += 1
            oldest = max(oldest, now - facts.writtenAt)
            perMinute += Self.fetchesPerMinute(
                facts, ttl: gone.contains(facts.version) ? .zero : new.ttl, at: now)
        }
        let steps = Bounds(from: before, to: new, held: held, oldest: oldest)
        var prepared = Prepared(
            victims: victims.map(planned), units: steps.isGradual ? Bounds.steps : 1
        ) { range, actor, undo in
            if range.lowerBound == 0, cache.configuration != before {
                throw InspectorError(
                    "the bounds of \(name) were changed since; plan the change again")
            }
            let isLast = !steps.isGradual || range.upperBound == Bounds.steps
            let next = isLast ? new : steps.after(range.upperBound)
            let removed = try cache.configure(next, undo: undo, by: actor)
            let gone = Set(removed.map(\.version))
            let stayed = range.lowerBound == 0 && isLast ? victims : []
            return Outcome(
                removed: removed.count, bytes: removed.reduce(0) { $0 + $1.bytes },
                skipped: stayed.filter { !gone.contains($0.version) }.map {
                    skip($0, "used, written or gone since the plan")
                })
        } undo: { undo, actor in
            guard steps.isBetween(cache.configuration) else {
                throw InspectorError("the bounds of \(name) were changed since by someone else")
            }
            try cache.takeBack(to: before, replacing: cache.configuration, by: actor)
            var outcome = Outcome.nothing
            outcome.restored = cache.restore(undo, by: actor).restored
            return outcome
        }
        prepared.bounds = [.init(cache: name, before: before, after: new)]
        prepared.fetches = fetches(victims)
        if steps.isGradual { prepared.perMinute = Int(perMinute.rounded()) }
        return prepared
    }

    /// How often an entry will be fetched that is looked up as often as until now: once in each
    /// life, and again as soon as it is asked for after that.
    private static func fetchesPerMinute(
        _ facts: EntryFacts, ttl: Duration?, at now: Instant
    ) -> Double {
        guard facts.hits > 0, let ttl else { return 0 }
        // One that is hardly there says little.
        let age = max(5, (now - facts.writtenAt).inSeconds)
        return 60 / (max(0, ttl.inSeconds) + age / Double(facts.hits))
    }

    private func rewritten(_ facts: EntryFacts) -> String {
        let ago = (cache.clock.now() - facts.writtenAt).inSeconds
        return "now version \(facts.version), written \(Int(ago)) s ago"
    }

    private func planned(_ victim: Victim<Key>) -> PlannedVictim {
        PlannedVictim(
            id: id(victim.key), version: victim.version, bytes: victim.bytes, cause: victim.cause)
    }

    private func skip(_ victim: Victim<Key>, _ why: String) -> Skipped {
        Skipped(id: id(victim.key), why: why)
    }

    // MARK: Keys and rows

    private func id(_ key: Key) -> EntryKey { EntryKey(cache: name, key: shownKey(key)) }

    /// The key that is shown as `shown`: at once where keys are their own text, else by looking
    /// through the entries.
    private func key(_ shown: String) -> Key? { keys(shownAs: [shown])[shown] }

    private func keys(shownAs wanted: Set<String>) -> [String: Key] {
        var found: [String: Key] = [:]
        if Key.self == String.self {
            for text in wanted where shownKey(text as! Key) == text { found[text] = (text as! Key) }
            if found.count == wanted.count { return found }
        }
        cache.survey { key, _ in
            let shown = shownKey(key)
            if wanted.contains(shown) { found[shown] = key }
        }
        return found
    }

    private func row(_ key: Key, _ facts: EntryFacts) -> Row {
        row(key, facts, cache.renewal(of: facts))
    }

    private func row(_ key: Key, _ facts: EntryFacts, _ renewal: RenewalFacts?) -> Row {
        Row(
            id: id(key), version: facts.version, writtenAt: facts.writtenAt, expiry: facts.expiry,
            deadline: facts.deadline == .distantFuture ? nil : facts.deadline, hits: facts.hits,
            lastHit: facts.lastHit, bytes: facts.bytes, fetchTime: facts.fetchTime,
            renewal: renewal)
    }
}

extension EntryFacts {
    /// Of a failure there is a row and no entry.
    init(_ trouble: Trouble) {
        self.init(
            version: 0, writtenAt: trouble.since, expiry: nil, deadline: trouble.until, hits: 0,
            lastHit: nil, bytes: 0, fetchTime: .zero)
    }
}
