extension Store {
    /// Removes at most `limit` entries whose deadline has come and whose reserve is over; returns
    /// how many.
    mutating func expire(limit: Int, at now: AgeInstant) -> Int {
        settle()
        _ = tombstones.purge(at: now, dropped: &discarded)
        _ = troubles.purge(at: now, &discardedErrors)
        var removed = 0
        while removed < limit, let slot = overdue(at: endOfReserve(at: now)) {
            remove(slot, .expired, at: now)
            removed += 1
        }
        if removed < limit { forgetFormerLives() }
        return removed
    }

    /// What ended up to then is not kept any longer.
    private func endOfReserve(at now: AgeInstant) -> Int64 {
        let (end, overflow) = now.nanoseconds.subtractingReportingOverflow(reserve)
        return overflow ? .min : end
    }

    private mutating func forgetFormerLives() {
        // What is buried may come back, and must not live on either; and what is back may be older
        // than the first of its class.
        guard lives.newestFormer != .min, tombstones.count == 0, back.count == 0 else { return }
        var oldest = Int64.max
        for number in written.indices where written[number].first != SlotOrder.none {
            oldest = min(oldest, record(written[number].first).writtenAt)
        }
        lives.forget(before: oldest)
        if lives.newestFormer == .min { spread() }
    }

    // MARK: Changing

    /// Sets bounds. What that leaves to do is for ``tidy(_:)``, ``shutGates(_:)`` and
    /// ``shrink(limit:undoable:at:)``.
    ///
    /// - Parameter isUndone: Bounds go back to what they were: what ended by the change lives on.
    mutating func configure(
        _ new: CacheConfiguration, isUndone: Bool = false, by: Operator?, at now: AgeInstant
    ) {
        guard new != configuration else { return }
        settle()
        feed.append(.configured(from: configuration, to: new), key: nil, by: by, at: now)
        let (old, oldLives) = (configuration, lives)
        configuration = new
        underBounds = UnderBounds(
            since: now, after: (old, underBounds.since.nanoseconds), counters)
        lives = lives.changed(
            to: new, isUndone: isUndone, version: version, at: now.nanoseconds)
        if lives != oldLives { outdated = back.count }
        reserve = new.staleIfError.nanoseconds
        if new.policy != old.policy {
            policy = Handover(
                from: policy, to: new.policy.make(maxsize: new.maxsize), slots: slots
            ) { [shards] slot in shards.hash(of: slot) ?? 0 }
        } else if new.maxsize != old.maxsize {
            policy.resized(to: new.maxsize)
        }
        (soonest, wake) = (.min, .min)
        spread()
    }

    /// Slots are numbered below this.
    private var slots: Int {
        (0..<shards.count).reduce(0) { most, number in
            max(most, Int(shards.slot(shards[number].withLock { $0.slab.slotCount }, in: 0)))
        }
    }

    /// Goes on with what other bounds leave the policy to do, by at most `limit` steps; true where
    /// there is more.
    mutating func tidy(_ limit: Int) -> Bool {
        settle()
        if policy.tidy(limit) { return true }
        guard let handover = policy as? Handover else { return false }
        policy = handover.successor
        spread()
        return policy.tidy(limit)
    }

    /// Gives at most `limit` entries that are back the end that the present lives give them; true
    /// where there is more.
    mutating func redate(_ limit: Int) -> Bool {
        for _ in 0..<min(limit, outdated) {
            let slot = back.first
            forgetBack(slot)
            keepBack(slot)
            let (record, end) = recordAndEnd(slot)
            expiries.remove(slot)
            expiries.insert(slot, end, version: record.version)
            ends(at: end)
        }
        return outdated > 0
    }

    mutating func keepBack(_ slot: UInt32) {
        backLinks.reserve(slot)
        back.append(slot, backLinks)
    }

    /// Takes an entry out of those that are back; at most as many are outdated as are left there.
    mutating func forgetBack(_ slot: UInt32) {
        if outdated > 0, slot == back.first { outdated -= 1 }
        back.remove(slot, backLinks)
        outdated = min(outdated, back.count)
    }

    /// Has look-ups work out anew when entries are to be refreshed; returns where to go on.
    func shutGates(_ place: (shard: Int, slot: UInt32)) -> (shard: Int, slot: UInt32)? {
        guard traits.refreshes, place.shard < shards.count else { return nil }
        let next = shards[place.shard].withLock {
            $0.shutGates(from: place.slot, limit: 16 * Self.slice)
        }
        return next.map { (place.shard, $0) } ?? (place.shard + 1, 0)
    }

    /// Removes at most `limit` entries that the bounds have no place for: those whose reserve is
    /// over; then, where there is no room, those that have ended, and the policy's victims.
    /// Where `undoable` is given they can be put back for a while.
    ///
    /// - Parameter removed: Is empty and has room for what leaves, which comes in order: nothing
    ///   that grows is to grow under a lock.
    /// - Returns: Whether there may be more.
    mutating func shrink(
        limit: Int, undoable: UndoID? = nil, at now: AgeInstant, _ removed: inout [Victim<Key>]
    ) -> Bool {
        settle()
        func take(_ slot: UInt32, _ cause: RemovalCause) {
            remove(slot, cause, undoable: undoable, at: now)
            if let departed = departed.last { removed.append(Victim(departed)) }
        }
        while removed.count < limit {
            if let slot = overdue(at: endOfReserve(at: now)) {
                take(slot, .expired)
            } else if !isBeyondBounds {
                return false
            } else if let slot = overdue(at: now.nanoseconds) {
                take(slot, .expired)
            } else if let slot = policy.victim() {
                take(slot, .evicted)
            } else {
                break
            }
        }
        return true
    }

    var isBeyondBounds: Bool {
        count > configuration.maxsize ?? .max || bytes > configuration.maxbytes ?? .max
    }

    /// Gives back some of what a much larger cache once needed; returns where to go on.
    func trim(_ shard: Int) -> Int? {
        guard shard < shards.count else { return nil }
        return shards[shard].withLock { $0.index.trim() } ? shard : shard + 1
    }

    // MARK: Looking without touching

    /// The keys in so many places that a fetch is under way for, or whose last one failed; returns
    /// where to go on.
    func restless(
        from place: UInt32, limit: UInt32, at now: AgeInstant,
        _ found: inout [(key: Key, trouble: Trouble?)]
    ) -> UInt32? {
        let most = max(troubles.places, flights.places)
        let end = min(place + limit, most)
        for place in place..<max(place, end) {
            if let known = troubles.entry(at: place),
                matters(known.trouble, to: known.key, known.hash, at: now)
            {
                found.append((known.key, known.trouble))
            }
            guard let (key, flight) = flights.entry(at: place), flight.era == era else { continue }
            let trouble = troubles.find(key, flight.hash)?.trouble
            // It is told with its failure.
            if let trouble, matters(trouble, to: key, flight.hash, at: now) { continue }
            found.append((key, nil))
        }
        return end < most ? end : nil
    }

    func refresh(of key: Key, _ hash: UInt64, at now: AgeInstant) -> RefreshFacts {
        let flight = flight(of: key, hash)
        var facts = RefreshFacts()
        facts.isFetching = flight != nil
        facts.waiters = flight?.waiters.count ?? 0
        facts.trouble = troubles.find(key, hash).flatMap {
            matters($0.trouble, to: key, hash, at: now) ? $0.trouble : nil
        }
        return facts
    }

    /// Whether a failure is still to be told: until its next try is due, and where something is
    /// held, as long as it is remembered. What is served past its end between two tries is stale.
    private func matters(
        _ trouble: Trouble, to key: Key, _ hash: UInt64, at now: AgeInstant
    ) -> Bool {
        now < trouble.until
            || now < trouble.until + Troubles<Key>.afterlife && slot(of: key, hash) != nil
    }

    func snapshot(at now: AgeInstant) -> CacheSnapshot {
        var counters = counters
        for number in 0..<shards.count {
            counters.hits += shards[number].withLock { $0.hits }
        }
        var snapshot = CacheSnapshot(
            at: now, configuration: configuration, count: count, bytes: bytes,
            flights: underWay, counters: counters)
        snapshot.lately = underBounds.counted(counters)
        snapshot.lastEvent = feed.last
        snapshot.fetchTimes = fetchTimes
        snapshot.lastFailures = lastFailures
        snapshot.failuresLately = latelyFailed.counts(at: now)
        snapshot.agesAtRemoval = ages.histograms
        snapshot.holds = holds
        (snapshot.undoable, snapshot.undoableBytes) = (tombstones.count, tombstones.bytes)
        snapshot.recordBytes = feed.bytes
        return snapshot
    }
}
