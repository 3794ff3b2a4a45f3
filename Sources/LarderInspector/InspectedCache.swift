import Larder

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
    func prepareInvalidation(of entries: [SeenEntry], softly: Bool) -> Prepared
    func prepareInvalidationOfAll() -> Prepared
    func prepareConfiguration(_ new: CacheConfiguration) throws -> Prepared
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
            let left = visit { key, facts, renewal in
                offer(key, facts, renewal, beside, to: &selection, place: place, actors)
            }
            // Failures where no entry is.
            for (key, known) in left {
                guard let trouble = known.trouble else { continue }
                let renewal = renewal(known, of: nil)
                offer(
                    key, EntryFacts(trouble), renewal, beside, to: &selection, place: place, actors)
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
            offer(key, facts, cache.renewal(of: facts), beside, to: &selection, place: place, [:])
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
        let left = visit { key, facts, renewal in
            matching.offer(
                facts, renewal, cache: name, by: actors[facts.version], beside: more(key, facts)
            ) { id(key) }
        }
        // Failures are forgotten by the same words.
        for (key, known) in left {
            guard let trouble = known.trouble else { continue }
            let renewal = renewal(known, of: nil)
            let facts = EntryFacts(trouble)
            matching.offer(facts, renewal, cache: name, by: nil, beside: more(key, facts)) {
                id(key)
            }
        }
    }

    /// Visits every entry there is, each once, with what there is to say of its renewal; returns
    /// what is known of keys without an entry.
    private func visit(
        _ visit: (Key, EntryFacts, RenewalFacts?) -> Void
    ) -> [Key: RenewalFacts] {
        var restless = restless
        cache.survey { key, facts in
            let known = restless.isEmpty ? nil : restless.removeValue(forKey: key)
            visit(key, facts, renewal(known, of: facts))
        }
        return restless
    }

    /// What is being fetched, or has failed, of which there is little.
    private var restless: [Key: RenewalFacts] {
        let keys = cache.restless().map(\.key)
        return Dictionary(zip(keys, cache.renewals(of: keys))) { first, _ in first }
    }

    /// What there is to say of the renewal of a key; `nil` where there is nothing.
    private func renewal(_ known: RenewalFacts?, of facts: EntryFacts?) -> RenewalFacts? {
        let marks = facts.flatMap { cache.renewal(of: $0) }
        guard var renewal = known, renewal.isFetching || renewal.trouble != nil else {
            return marks
        }
        renewal.start = marks?.start
        renewal.mandatory = marks?.mandatory
        return renewal
    }

    private func offer(
        _ key: Key, _ facts: EntryFacts, _ renewal: RenewalFacts?, _ beside: Beside<Key>,
        to selection: inout Selection, place: Int, _ actors: [UInt64: Operator]
    ) {
        let beside = beside.of(key, facts)
        selection.offer(
            facts, renewal, place: place, cache: name, by: actors[facts.version], beside: beside
        ) { row(key, facts, renewal, beside) }
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

    /// Offers what is being fetched anew or has failed; returns its keys, and how many of them have
    /// an entry.
    private func offerRestless(
        _ beside: Beside<Key>, to selection: inout Selection, place: Int
    ) -> (keys: Set<Key>, held: Int) {
        var keys: Set<Key> = []
        var held = 0
        for (key, known) in restless {
            let entry = cache.facts(of: key)
            let renewal = renewal(known, of: entry)
            guard let facts = entry ?? renewal?.trouble.map(EntryFacts.init) else { continue }
            keys.insert(key)
            if entry != nil { held += 1 }
            offer(key, facts, renewal, beside, to: &selection, place: place, [:])
        }
        return (keys, held)
    }

    func detail(of shown: String) -> EntryDetail? {
        guard let key = key(shown) else { return nil }
        let held = cache.held(key)
        let renewal = renewal(cache.renewals(of: [key])[0], of: held?.facts)
        let beside = Beside(cache, wanted: 0, at: cache.clock.now())
        if let (value, facts) = held {
            return EntryDetail(
                row: row(key, facts, renewal, beside.of(key, facts)), value: shownValue(value),
                history: history(of: key))
        }
        guard let trouble = renewal?.trouble else { return nil }
        return EntryDetail(
            row: row(
                key, EntryFacts(trouble), renewal, beside.of(key, EntryFacts(trouble))),
            value: .fields([.init("failure", .text(trouble.reason))]), history: history(of: key))
    }

    func verify(_ shown: String) async throws -> Verification {
        guard let key = try key(shown) ?? parse?(shown) else { throw unknown(shown) }
        let held = cache.held(key)
        var verification = Verification(id: id(key), held: held.map { shownValue($0.value) })
        verification.minted = (Value.self as? any MintedAnew.Type)?.minted
        if held == nil { verification.remembered = cache.renewals(of: [key])[0].trouble }
        verification.isPastEnd = held.map { $0.facts.deadline <= cache.clock.now() } ?? false
        do { verification.origin = shownValue(try await cache.origin(key)) } catch {
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
            row: served.map { row(key, $0, renewal(cache.renewals(of: [key])[0], of: $0)) })
    }

    func forecast(_ forecast: inout Forecast) {
        let now = forecast.at
        let snapshot = cache.snapshot()
        var survival = Survival(snapshot.agesAtRemoval)
        cache.survey { _, facts in survival.add(held: now - facts.writtenAt) }
        survival.settle()
        var buckets = Forecast.Buckets(
            name, forecast, ttl: snapshot.configuration.ttl, rate: fetchRate(until: snapshot))
        cache.survey { _, facts in buckets.add(facts, survival) }
        forecast.caches.append(buckets.cache)
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

    // MARK: Plans

    func prepareInvalidation(of entries: [SeenEntry], softly: Bool) -> Prepared {
        var (skipped, unnamed): ([Skipped], Int) = ([], 0)
        let wanted = Dictionary(entries.map { (Verbatim($0.id.key), $0) }) { first, _ in first }
        let held = keys(shownAs: Set(wanted.keys))
        let (now, reserve) = (cache.clock.now(), cache.configuration.staleIfError)
        var victims: [Victim<Key>] = []
        for seen in wanted.values.sorted(by: { $0.id.key < $1.id.key }) {
            let key = held[Verbatim(seen.id.key)]
            let facts = key.flatMap { cache.facts(of: $0) }
            guard let key, let facts, now < facts.deadline + reserve else {
                let failure = key.flatMap { self.failure(of: $0) }
                if let failure, !softly, seen.version ?? 0 == 0 {
                    victims.append(failure)
                } else {
                    let why = whyToSkip(failure, softly: softly)
                    skipped.add(Skipped(id: seen.id, why: why), &unnamed)
                }
                continue
            }
            if let why = whyToSkip(facts, seen, softly: softly, at: now) {
                skipped.add(Skipped(id: seen.id, why: why), &unnamed)
            } else {
                victims.append(victim(key, facts))
            }
        }
        var prepared = invalidation(of: victims, softly: softly)
        prepared.parts[0].skipped = skipped
        prepared.parts[0].unnamed = unnamed
        return prepared
    }

    /// Why an entry that is there is left alone; `nil` where it is not.
    private func whyToSkip(
        _ facts: EntryFacts, _ seen: SeenEntry, softly: Bool, at now: AgeInstant
    ) -> String? {
        if let version = seen.version, version != facts.version { return rewritten(facts) }
        return softly && facts.deadline <= now
            ? "past its end, and served only as long as fetches fail" : nil
    }

    private func whyToSkip(_ failure: Victim<Key>?, softly: Bool) -> String {
        failure == nil || !softly
            ? "not there any more"
            : "no entry is there, but a failure that is remembered; to invalidate it forgets that"
    }

    /// What there is to forget of a key; `nil` where no failure is remembered.
    private func failure(of key: Key) -> Victim<Key>? {
        guard let trouble = cache.renewals(of: [key])[0].trouble, cache.clock.now() < trouble.until
        else { return nil }
        return Victim(
            key: key, version: 0, bytes: 0, cause: .invalidated, lastHit: trouble.lastRefusal)
    }

    func prepareInvalidationOfAll() -> Prepared {
        var victims: [Victim<Key>] = []
        let (now, reserve) = (cache.clock.now(), cache.configuration.staleIfError)
        cache.survey { key, facts in
            // What is past its end and may yet be served goes too.
            guard now < facts.deadline + reserve else { return }
            victims.append(victim(key, facts))
        }
        victims.sort { $0.version < $1.version }
        let held = Set(victims.map(\.key))
        victims += cache.troubles().lazy.map(\.key).filter { !held.contains($0) }
            .compactMap { failure(of: $0) }
        return invalidation(of: victims, softly: false)
    }

    private func victim(_ key: Key, _ facts: EntryFacts) -> Victim<Key> {
        Victim(
            key: key, version: facts.version, bytes: facts.bytes, cause: .invalidated,
            lastHit: facts.lastHit)
    }

    private func invalidation(of victims: [Victim<Key>], softly: Bool) -> Prepared {
        var part = part(of: victims, units: victims.count) { _, undo, actor in
            guard !softly else { throw Self.cannotBeHard }
            var step = Step()
            step.outcome.restored = cache.restore(undo, by: actor).restored
            return step
        }
        part.isSoft = softly
        part.wayBack = { _, undo in
            guard !softly else { throw Self.cannotBeHard }
            return wayBack(to: cache.configuration, undo, victims: [])
        }
        part.run = { range, actor, undo in
            var step = Step()
            for victim in victims[range] {
                guard victim.version > 0 else {
                    if cache.forgetFailure(of: victim.key, by: actor) != nil {
                        step.forget(planned(victim))
                    } else {
                        step.leave(skip(victim, "the failure is not remembered any more"))
                    }
                    continue
                }
                let result =
                    softly
                    ? cache.invalidateSoftly(victim.key, version: victim.version, by: actor)
                    : cache.invalidate(victim.key, version: victim.version, undo: undo, by: actor)
                switch result {
                case .removed(let bytes) where softly: step.soften(bytes, planned(victim))
                case .removed(let bytes): step.remove(bytes, planned(victim))
                case .absent: step.leave(skip(victim, "not there any more"))
                case .changed(let version):
                    let why = cache.peek(victim.key).map { rewritten($0.facts) }
                    step.leave(skip(victim, why ?? "\(Skipped.rewritten) \(version)"))
                }
            }
            return step
        }
        return Prepared([part])
    }

    private static var cannotBeHard: InspectorError {
        InspectorError(
            "what was marked as stale is served until it is fetched anew; there is nothing to take "
                + "back")
    }

    /// What going back to bounds would do, with what left for the others since.
    private func wayBack(
        to old: CacheConfiguration, _ undo: UndoID, victims: [Victim<Key>]
    ) -> WayBack {
        let room = (old.maxsize ?? .max) - max(0, cache.snapshot().count - victims.count)
        return WayBack(
            back: min(cache.restorable(undo), max(0, room)), entries: victims.count,
            bytes: victims.reduce(0) { $0 + $1.bytes },
            first: victims.prefix(Plan.named).map(planned), fetches: fetches(victims))
    }

    private func part(
        of victims: [Victim<Key>], units: Int,
        undo: @escaping @Sendable (Int, UndoID, Operator) throws -> Step
    ) -> Part {
        var part = Part(
            cache: name, entries: victims.count, bytes: victims.reduce(0) { $0 + $1.bytes },
            first: victims.prefix(Plan.named).map(planned), weight: weight(victims), units: units,
            undo: undo)
        part.fetches = fetches(victims)
        part.failures = victims.count { $0.version == 0 }
        part.undoable = cache.restorable(victims)
        return part
    }

    /// About the memory that it takes to keep them.
    private func weight(_ victims: [Victim<Key>]) -> Int {
        victims.reduce(victims.count * MemoryLayout<Victim<Key>>.stride) {
            $0 + max(0, ($1.key as? any ByteSized)?.heapBytes ?? 0)
        }
    }

    /// Those that were hit within the last minute will be missed within about the next.
    private func fetches(_ victims: [Victim<Key>]) -> Int {
        let lately = cache.clock.now() + .seconds(-60)
        return victims.count { $0.lastHit.map { $0 > lately } ?? false }
    }

    func prepareConfiguration(_ new: CacheConfiguration) throws -> Prepared {
        try cache.validate(new)
        let before = cache.configuration
        let victims = cache.victims(of: new)
        let (bounds, perMinute) = outlook(from: before, to: new, victims)
        var part = part(of: victims, units: bounds.units) { done, undo, actor in
            var step = try takeBack(bounds, done, by: actor)
            step.outcome.restored = cache.restore(undo, by: actor).restored
            return step
        }
        part.bounds = bounds
        part.wayBack = { done, undo in
            let (present, old, problem) = try goingBack(bounds, done)
            let victims = cache.victims(of: old)
            var way = wayBack(to: old, undo, victims: victims)
            if old != present { way.bounds = (present, old) }
            way.perMinute = outlook(from: present, to: old, victims).perMinute
            way.problem = problem
            return way
        }
        part.perMinute = perMinute
        part.run = { range, actor, undo in
            let removed: [Victim<Key>]
            do throws(CacheError) {
                removed = try cache.configure(
                    bounds.reached(range.upperBound), replacing: bounds.reached(range.lowerBound),
                    undo: undo, by: actor)
            } catch {
                guard error == .boundsWereChanged(cache.name) else { throw error }
                throw range.lowerBound > 0
                    ? boundsWereChanged
                    : InspectorError(
                        "the bounds of \(name) were changed since; plan the change again")
            }
            var step = step(removing: removed)
            // In one step exactly those that were named are to go.
            if range == 0..<bounds.units {
                let gone = Set(step.versions)
                for victim in victims where !gone.contains(victim.version) {
                    step.leave(skip(victim, "used, written or gone since the plan"))
                }
            }
            return step
        }
        return Prepared([part])
    }

    /// What bounds there are, what they are once a change of them is taken back, and which of them
    /// does not go back.
    ///
    /// - Throws: ``InspectorError`` where not one of them does.
    private func goingBack(
        _ bounds: Bounds, _ done: Int
    ) throws(InspectorError) -> (from: CacheConfiguration, to: CacheConfiguration, problem: String?)
    {
        let present = cache.configuration
        let (old, others) = present.goingBack(from: bounds.reached(done), to: bounds.from)
        // Those that are as before already have gone back.
        guard old != present || others.isEmpty else { throw boundsWereChanged }
        let problem =
            others.isEmpty
            ? nil
            : "\(others.joined(separator: " and ")) of \(name) "
                + "\(others.count == 1 ? "was" : "were") changed since by someone else"
        return (present, old, problem)
    }

    private func takeBack(_ bounds: Bounds, _ done: Int, by actor: Operator) throws -> Step {
        while true {
            let (present, old, problem) = try goingBack(bounds, done)
            let removed: [Victim<Key>]
            do {
                removed = try cache.takeBack(to: old, replacing: present, by: actor)
            } catch {
                guard error == .boundsWereChanged(cache.name) else { throw error }
                // Somebody else was quicker: some of them may still go back.
                continue
            }
            var step = step(removing: removed)
            if old != present {
                step.bounds = ChangeRecord.Bounds(cache: name, before: present, after: old)
            }
            step.problem = problem
            return step
        }
    }

    /// A change of bounds as things stand, and see ``Plan/perMinute``.
    private func outlook(
        from old: CacheConfiguration, to new: CacheConfiguration, _ victims: [Victim<Key>]
    ) -> (bounds: Bounds, perMinute: Int?) {
        let now = cache.clock.now()
        var (held, oldest, perMinute) = (0, Duration.zero, 0.0)
        let gone = Set(victims.lazy.filter { $0.cause == .evicted }.map(\.version))
        cache.survey { _, facts in
            held += 1
            oldest = max(oldest, now - facts.writtenAt)
            perMinute += Self.fetchesPerMinute(
                facts, ttl: gone.contains(facts.version) ? .zero : new.ttl, at: now)
        }
        let bounds = Bounds(from: old, to: new, held: held, oldest: oldest)
        return (bounds, bounds.isGradual ? Int(clamping: perMinute) : nil)
    }

    private func step(removing victims: [Victim<Key>]) -> Step {
        var step = Step()
        for victim in victims {
            step.remove(victim.bytes, planned(victim))
            step.versions.append(victim.version)
        }
        return step
    }

    private var boundsWereChanged: InspectorError {
        InspectorError("the bounds of \(name) were changed since by someone else")
    }

    /// How often an entry will be fetched that is looked up as often as until now: once in each
    /// life, and again as soon as it is asked for after that.
    private static func fetchesPerMinute(
        _ facts: EntryFacts, ttl: Duration?, at now: AgeInstant
    ) -> Double {
        guard facts.hits > 0, let ttl else { return 0 }
        // One that is hardly there says little.
        let age = max(5, (now - facts.writtenAt).inSeconds)
        return 60 / (max(0, ttl.inSeconds) + age / Double(facts.hits))
    }

    private func rewritten(_ facts: EntryFacts) -> String {
        let age = cache.clock.now() - facts.writtenAt
        return "\(Skipped.rewritten) \(facts.version), written \(Format.age(age)) ago"
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

    private func isShown(_ key: Key, as text: String) -> Bool {
        shownKey(key).isExactly(text)
    }

    /// The key that is shown as `shown`, or is meant by it: at once where keys are their own text,
    /// else by looking through the entries.
    private func key(_ shown: String) -> Key? { keys(shownAs: [Verbatim(shown)])[Verbatim(shown)] }

    private func keys(shownAs wanted: Set<Verbatim>) -> [Verbatim: Key] {
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
        _ key: Key, _ facts: EntryFacts, _ renewal: RenewalFacts?,
        _ beside: Selection.Beside = Selection.Beside()
    ) -> EntryRow {
        EntryRow(
            id: id(key), version: facts.version, writtenAt: facts.writtenAt, expiry: facts.expiry,
            deadline: facts.deadline == .distantFuture ? nil : facts.deadline, hits: facts.hits,
            lastHit: facts.lastHit, bytes: facts.bytes, fetchTime: facts.fetchTime,
            renewal: renewal, fetchRate: beside.fetchRate, toGo: beside.toGo,
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
