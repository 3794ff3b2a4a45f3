extension Store {
    /// The value of `key` where it is held and live, counted as a hit. Otherwise nothing is
    /// counted, and an entry that has ended leaves.
    private mutating func hit(_ key: Key, _ hash: UInt64, at now: AgeInstant) -> Found<Value> {
        let number = shards.number(hash)
        let mark = Shards<Key, Value>.mark(hash)
        var isFull = false
        let found: Found<Value> = shards[number].withLock { shard in
            isFull = shard.touchCount >= Shard<Key, Value>.manyTouches - 1
            var isHeld = true
            if let value = shard.hit(key, mark, at: now.nanoseconds, &isHeld) {
                return .value(value)
            }
            guard isHeld, let slot = shard.find(key, mark) else { return .nothing }
            let record = shard.slab.record(shard.slab.address(slot)).pointee
            let deadline = shard.deadline(slot)
            if record.isStale, deadline > now.nanoseconds { return .stale(slot) }
            guard !record.isStale, isInReserve(deadline, at: now) else { return .ended(slot) }
            return .due(
                Due(
                    slot: slot, version: record.version, writtenAt: record.writtenAt,
                    deadline: deadline))
        }
        if isFull { settle(isFull: true) }
        if case .ended(let local) = found {
            settle()
            remove(shards.slot(local, in: number), .expired, at: now)
        }
        return found
    }

    /// Finds `key`, or the flight that is fetching it, or starts one for the caller to lead.
    ///
    /// - Parameter marks: Those of the entry, where it was due the last time.
    mutating func lookup(
        _ key: Key, _ hash: UInt64, _ waiter: Waiter<Key, Value>, _ marks: Due.Marks? = nil,
        of cache: ObjectIdentifier, at now: AgeInstant
    ) -> Lookup<Key, Value> {
        // When the entry ended that is kept in reserve.
        var ended: Int64?
        switch hit(key, hash, at: now) {
        case .value(let value): return .hit(value)
        case .stale(let slot) where refusal(of: key, hash, at: now) == nil:
            let value = serve(slot, hash, at: now)
            guard flight(of: key, hash) == nil, !isFailing(key, hash, at: now) else {
                return .hit(value)
            }
            return .stale(value, startFlight(for: key, hash, of: cache, at: now))
        case .due(let due):
            guard !traits.refreshes || marks?.of == due else { return .due(due) }
            if let value = heldBack(key, hash, due, marks, at: now) { return .hit(value) }
            if due.deadline <= now.nanoseconds { ended = due.deadline }
        case .nothing, .ended, .stale: break
        }
        settle()
        policy.missed()
        if let error = refusal(of: key, hash, at: now) {
            counters.refused += 1
            troubles.refuse(key, hash, at: now)
            return .failed(error)
        }
        if let flight = flight(of: key, hash) {
            note(.lookup, hash, at: now)
            counters.coalesced += 1
            join(flight, waiter)
            return .join(flight)
        }
        note(.led, hash, at: now)
        miss(hash, endedAt: troubles.find(key, hash) == nil ? ended : nil, at: now)
        let flight = startFlight(for: key, hash, of: cache, at: now)
        join(flight, waiter)
        return .lead(flight)
    }

    /// What everyone is told who looks `key` up, whatever is held.
    private func refusal(of key: Key, _ hash: UInt64, at now: AgeInstant) -> (any Error)? {
        guard let known = troubles.find(key, hash), now < known.trouble.until,
            known.trouble.kind != .failed
        else { return nil }
        return known.error
    }

    /// Whether the last fetch of `key` failed, the next is not due, and what is held is served.
    private func isFailing(_ key: Key, _ hash: UInt64, at now: AgeInstant) -> Bool {
        troubles.find(key, hash).map { now < $0.trouble.until && $0.trouble.kind == .failed }
            ?? false
    }

    /// The value of an entry that is due for a refresh, where this caller need not wait for it:
    /// another is at it, or the last try has failed and the next is not due.
    private mutating func heldBack(
        _ key: Key, _ hash: UInt64, _ due: Due, _ marks: Due.Marks?, at now: AgeInstant
    ) -> Value? {
        let start = marks?.start ?? due.deadline
        let mandatory = marks?.mandatory ?? due.deadline
        if let trouble = troubles.find(key, hash)?.trouble, now < trouble.until {
            return trouble.kind == .failed ? serve(due, hash, at: now) : nil
        }
        let isTooSoon = now.nanoseconds < start
        guard
            isTooSoon || now.nanoseconds < mandatory && flight(of: key, hash) != nil
        else { return nil }
        shards[shards.number(hash)].withLock { $0.setGate(due.slot, isTooSoon ? start : mandatory) }
        return serve(due, hash, at: now)
    }

    private mutating func serve(_ due: Due, _ hash: UInt64, at now: AgeInstant) -> Value {
        if due.deadline <= now.nanoseconds { counters.servedStale += 1 }
        return serve(due.slot, hash, at: now)
    }

    private func serve(_ slot: UInt32, _ hash: UInt64, at now: AgeInstant) -> Value {
        shards[shards.number(hash)].withLock { shard in
            let mark = Shards<Key, Value>.mark(hash)
            return shard.serve(slot, mark, shard.slab.address(slot), at: now.nanoseconds)
        }
    }

    /// The value held for `key`; a look-up that finds nothing is a miss.
    mutating func cached(_ key: Key, _ hash: UInt64, at now: AgeInstant) -> Value? {
        switch hit(key, hash, at: now) {
        case .value(let value): return value
        case .stale(let slot): return serve(slot, hash, at: now)
        case .due(let due) where now.nanoseconds < due.deadline || isFailing(key, hash, at: now):
            return serve(due, hash, at: now)
        default: break
        }
        missed(hash, at: now)
        return nil
    }

    /// Counts a look-up of a key that nothing is held for.
    mutating func missed(_ hash: UInt64, at now: AgeInstant) {
        settle()
        policy.missed()
        note(.missed, hash, at: now)
        miss(hash, at: now)
    }

    /// - Parameter ended: When the entry ended, where it is still there and is missed a first time.
    private mutating func miss(_ hash: UInt64, endedAt ended: Int64? = nil, at now: AgeInstant) {
        counters.misses += 1
        var left = ghosts.missed(hash, at: now.nanoseconds)
        if let ended, now.nanoseconds &- ended < Ghosts.window { left = (.expired, ended) }
        guard let left else { return }
        counters.ghostHit(left.cause)
        underBounds.ghostHit(left.cause, leftAt: left.left)
    }

    // MARK: Flights

    /// The fetch under way whose result will be kept.
    func flight(of key: Key, _ hash: UInt64) -> Flight<Key, Value>? {
        guard let flight = flights.find(key, hash), flight.era == era else { return nil }
        return flight
    }

    private mutating func startFlight(
        for key: Key, _ hash: UInt64, of cache: ObjectIdentifier, at now: AgeInstant
    ) -> Flight<Key, Value> {
        let flight = Flight<Key, Value>(key, hash, era, of: cache)
        underWay += 1
        mostFetched.begin(key, hash, at: now)
        // A key that is not even equal to itself would never be found again.
        guard key == key else { return flight }
        if let place = flights.place(of: key, hash) {
            flights[place] = flight
        } else {
            flights.add(flight, for: key, hash)
        }
        return flight
    }

    private func join(_ flight: Flight<Key, Value>, _ waiter: Waiter<Key, Value>) {
        flight.waiters.append(waiter)
        waiter.flight = flight
    }

    /// What a fetch under way for `key` brings will be handed to its waiters and not kept.
    mutating func disown(_ key: Key, _ hash: UInt64) {
        if flights.count > 0 { flights.remove(key, hash) }
    }

    /// As ``disown(_:_:)``, for all fetches under way; what is known of failures is forgotten.
    mutating func disownAll() {
        era += 1
        troubles.forgetAll()
    }

    /// Tells the flight what to call once nobody waits for it, and what raises its priority;
    /// returns the priority that it should have, `nil` where it has ended already.
    func attach(
        _ abandon: @escaping Abandon, _ raise: @escaping Raise, to flight: Flight<Key, Value>
    ) -> TaskPriority? {
        guard !flight.isOver else { return nil }
        (flight.abandon, flight.raise) = (abandon, raise)
        return flight.priority
    }

    /// Notes that somebody with a priority waits. Where that is higher than all before, returns
    /// what raises the fetch to it, if there is such a thing yet.
    func raise(_ flight: Flight<Key, Value>, to priority: TaskPriority) -> Raise? {
        guard !flight.isOver, priority > flight.priority else { return nil }
        flight.priority = priority
        return flight.raise
    }

    /// Has a waiter join the flight of `key`, or a new one for the caller to lead.
    mutating func refresh(
        _ key: Key, _ hash: UInt64, _ waiter: Waiter<Key, Value>, of cache: ObjectIdentifier,
        at now: AgeInstant
    ) -> (flight: Flight<Key, Value>, isNew: Bool) {
        let known = flight(of: key, hash)
        let flight = known ?? startFlight(for: key, hash, of: cache, at: now)
        join(flight, waiter)
        return (flight, known == nil)
    }

    /// The version of the entry of `key`, where it is held and live.
    func liveVersion(of key: Key, _ hash: UInt64, at now: AgeInstant) -> UInt64? {
        guard let slot = slot(of: key, hash) else { return nil }
        let (record, end) = recordAndEnd(slot)
        return now.nanoseconds < end ? record.version : nil
    }

    /// Ends a flight: what it fetched is kept unless its key was written or invalidated meanwhile.
    /// `nil` where room has to be made for that by more than this call may do: it is to be called
    /// again.
    mutating func land(
        _ flight: Flight<Key, Value>, _ arrival: inout Arrival<Value>, drains: Bool,
        at now: AgeInstant
    ) -> [Waiter<Key, Value>]? {
        guard !flight.isOver else { return [] }
        if isCurrent(flight), !write(&arrival, for: flight.key, drains: drains, at: now) {
            return nil
        }
        if let took = arrival.took { fetchTimes.add(nanoseconds: took) }
        end(flight)
        return exchange(&flight.waiters, with: [])
    }

    /// Ends a flight whose fetch failed; with its waiters, what may be served in spite of it.
    mutating func land(
        _ flight: Flight<Key, Value>, _ failing: Failing, took: Duration, at now: AgeInstant
    ) -> (waiters: [Waiter<Key, Value>], value: Value?) {
        guard !flight.isOver else { return ([], nil) }
        let waiters = exchange(&flight.waiters, with: [])
        count(failing, of: flight, at: now)
        feed.append(
            .failed(took: took, kind: failing.kind, reason: failing.reason), key: flight.key,
            at: now)
        guard isCurrent(flight) else {
            end(flight)
            return (waiters, nil)
        }
        end(flight)
        guard let held = failed(flight.key, flight.hash, failing, at: now) else {
            reopenGate(flight.key, flight.hash)
            if slot(of: flight.key, flight.hash) == nil { note(.failed, flight.hash, at: now) }
            return (waiters, nil)
        }
        if held.isPastEnd { counters.servedStale += UInt64(waiters.count { !$0.insists }) }
        return (waiters, held.value)
    }

    private mutating func count(
        _ failing: Failing, of flight: Flight<Key, Value>, at now: AgeInstant
    ) {
        counters.fetchFailures += 1
        counters.failures[failing.kind] += 1
        lastFailures[failing.kind] = LastFailure(at: now, reason: failing.reason)
        latelyFailed.add(failing.kind, at: now)
        mostFetched.fail(flight.key, flight.hash, failing.kind, failing.reason)
    }

    private func isCurrent(_ flight: Flight<Key, Value>) -> Bool {
        self.flight(of: flight.key, flight.hash) === flight
    }

    private mutating func end(_ flight: Flight<Key, Value>) {
        underWay -= 1
        flight.end()
        if let place = flights.place(of: flight.key, flight.hash), flights[place] === flight {
            _ = flights.remove(at: place, flight.hash)
        }
    }

    /// Has the next look-up of an entry come to the store: the caller who was to refresh it has
    /// left, or was refused.
    private func reopenGate(_ key: Key, _ hash: UInt64) {
        guard traits.refreshes, let slot = slot(of: key, hash) else { return }
        let local = shards.local(slot)
        shards.shard(of: slot).withLock { $0.setGate(local, .min) }
    }

    /// Remembers a failure as long as it matters; returns what may be served in spite of it.
    private mutating func failed(
        _ key: Key, _ hash: UInt64, _ failing: Failing, at now: AgeInstant
    ) -> (value: Value, isPastEnd: Bool)? {
        if let slot = slot(of: key, hash) {
            let isOver = recordAndEnd(slot).end <= now.nanoseconds
            if isOver || failing.meaning != .passing { removeStale(key, hash, at: now) }
        }
        let slot = slot(of: key, hash)
        switch failing.meaning {
        case .absent:
            if let slot {
                settle()
                let isLive = now.nanoseconds < recordAndEnd(slot).end
                remove(slot, isLive ? .replaced : .expired, at: now)
            }
            guard configuration.negativeTTL > .zero else { return nil }
            remember(.absent, of: key, hash, failing, for: configuration.negativeTTL, at: now)
        case .refused(let pause):
            remember(.refused, of: key, hash, failing, for: .random(in: pause), at: now)
        case .passing:
            if failing.error is CancellationError { return nil }
            guard let slot, isInReserve(recordAndEnd(slot).end, at: now) else {
                guard let pause = traits.refresh.pause else { return nil }
                remember(.refused, of: key, hash, failing, for: .random(in: pause), at: now)
                return nil
            }
            let pause = Duration.random(in: traits.refresh.backoff)
            remember(.failed, of: key, hash, failing, for: pause, at: now)
            let (local, until) = (shards.local(slot), (now + pause).nanoseconds)
            return shards.shard(of: slot).withLock { shard in
                let end = shard.deadline(local)
                shard.setGate(local, min(until, end))
                let value = shard.slab.value(shard.slab.address(local)).pointee
                return (value, end <= now.nanoseconds)
            }
        }
        return nil
    }

    private mutating func remember(
        _ kind: Trouble.Kind, of key: Key, _ hash: UInt64, _ failing: Failing, for time: Duration,
        at now: AgeInstant
    ) {
        guard key == key else { return }
        troubles.add(key, hash, kind, failing, until: now + time, at: now, &discardedErrors)
    }

    /// Takes a waiter that gave up out of its flight. The last one leaving ends the flight, and is
    /// told what to call.
    mutating func leave(
        _ waiter: Waiter<Key, Value>, at now: AgeInstant
    ) -> (isOut: Bool, abandon: Abandon?) {
        guard let flight = waiter.flight,
            let place = flight.waiters.firstIndex(where: { $0 === waiter })
        else { return (false, nil) }
        flight.waiters.remove(at: place)
        guard flight.waiters.isEmpty else { return (true, nil) }
        let wasCurrent = isCurrent(flight)
        end(flight)
        if wasCurrent {
            reopenGate(flight.key, flight.hash)
            if slot(of: flight.key, flight.hash) == nil { note(.failed, flight.hash, at: now) }
        }
        return (true, exchange(&flight.abandon, with: nil))
    }
}

/// Puts `new` in the place, and returns what was there.
private func exchange<T>(_ place: inout T, with new: T) -> T {
    defer { place = new }
    return place
}
