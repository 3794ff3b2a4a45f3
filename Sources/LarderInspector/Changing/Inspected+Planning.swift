import Larder

/// What a change would do to a cache, with what is needed to do it and to take it back.
extension Inspected {
    func prepareInvalidation(of entries: [SeenEntry], softly: Bool) -> PreparedPlan {
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

    /// Why an entry that is there is left alone; `nil` where it is to go.
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
            : "no entry, only that it failed or is absent; a hard drop forgets that"
    }

    /// What there is to forget of a key; `nil` where no failure is remembered.
    private func failure(of key: Key) -> Victim<Key>? {
        guard let trouble = cache.refreshes(of: [key])[0].trouble, cache.clock.now() < trouble.until
        else { return nil }
        return Victim(
            key: key, version: 0, bytes: 0, cause: .invalidated, lastHit: trouble.lastRefusal)
    }

    func prepareInvalidationOfAll() -> PreparedPlan {
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

    private func invalidation(of victims: [Victim<Key>], softly: Bool) -> PreparedPlan {
        var part = part(of: victims, units: victims.count) { _, _, undo, actor in
            guard !softly else { throw Self.cannotBeHard }
            var step = Step()
            step.outcome.restored = cache.restore(undo, by: actor).restored
            return step
        }
        part.isSoft = softly
        part.wayBack = { _, _, undo in
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
        return PreparedPlan([part])
    }

    private static var cannotBeHard: InspectorError {
        InspectorError(
            "what was marked as stale is served until it is refreshed; there is nothing to take "
                + "back")
    }

    /// What going back to former bounds would do, with the entries that left for the others since.
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
        undo: @escaping @Sendable (Bounds?, Int, UndoID, Operator) throws -> Step
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

    func prepareConfiguration(_ new: CacheConfiguration) throws -> PreparedPlan {
        try cache.validate(new)
        let before = cache.configuration
        let victims = cache.victims(of: new)
        let (bounds, perMinute) = outlook(from: before, to: new, victims)
        var part = part(of: victims, units: bounds.units) { now, done, undo, actor in
            var step = try takeBack(now ?? bounds, done, by: actor)
            step.outcome.restored = cache.restore(undo, by: actor).restored
            return step
        }
        part.bounds = bounds
        part.wayBack = { now, done, undo in
            let (present, old, problem) = try goingBack(now ?? bounds, done)
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
            // A change in one step is to remove just what the plan named: what stayed is told.
            if range == 0..<bounds.units {
                let gone = Set(step.versions)
                let instead = removed.isEmpty ? "" : ": others went instead"
                for victim in victims where !gone.contains(victim.version) {
                    step.leave(skip(victim, "used, written or gone since the plan\(instead)"))
                }
            }
            return step
        }
        return PreparedPlan([part])
    }

    /// The present bounds, what they become once a change is taken back, and which of them do not
    /// go back with it.
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
        var (held, bytes, oldest, perMinute) = (0, 0, Duration.zero, 0.0)
        let gone = Set(victims.lazy.filter { $0.cause == .evicted }.map(\.version))
        cache.survey { _, facts in
            held += 1
            bytes += facts.bytes
            oldest = max(oldest, now - facts.writtenAt)
            perMinute += Self.fetchesPerMinute(
                facts, ttl: gone.contains(facts.version) ? .zero : new.ttl, at: now)
        }
        let bounds = Bounds(from: old, to: new, held: held, bytes: bytes, oldest: oldest)
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
        // An entry that was just written says little: it counts as 5 seconds old at least.
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
}
