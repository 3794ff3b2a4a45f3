import Synchronization

extension Cache {
    /// Bounds, sizes and counters at this instant. It does not count as a look-up, and may leave a
    /// sample for ``history(since:)``.
    public func snapshot() -> CacheSnapshot {
        let now = clock.now()
        var snapshot = store.withLock { store in
            store.resumeRecording(at: now.nanoseconds)
            return store.snapshot(at: now)
        }
        let sample = CacheSample(snapshot)
        let counted = snapshot.lately
        let (lately, bytes) = chronicle.withLock { chronicle in
            chronicle.add(sample)
            let lately = counted.flatMap { chronicle.readings.take($0, at: now) }
            return (lately, chronicle.bytes)
        }
        snapshot.lately = lately
        snapshot.recordBytes += bytes
        return snapshot
    }

    /// How the cache was in its last hour: about a sample a second, oldest first. Each
    /// ``snapshot()`` may take one, and an inspector takes one a second; of a time in which nobody
    /// looked there are no samples.
    ///
    /// - Parameter instant: Samples after it are returned; all that there are where it is left out.
    public func history(since instant: AgeInstant = AgeInstant(nanoseconds: .min)) -> [CacheSample]
    {
        let now = clock.now()
        return chronicle.withLock { $0.samples(after: instant, at: now) }
    }

    /// Takes a sample for ``history(since:)``, if the last one is a second old.
    package func sample() {
        let now = clock.now()
        if chronicle.withLock({ $0.isDue(at: now) }) { _ = snapshot() }
    }

    /// The keys whose last fetch failed, at most 4,096, in no order. A failure is listed until the
    /// next try is due, and for a minute more where something is held.
    public func troubles() -> [(key: Key, trouble: Trouble)] {
        restless().compactMap { key, trouble in trouble.map { (key, $0) } }
    }

    /// The keys that were fetched most within the last five to ten minutes, at most `limit` of 64,
    /// the most often fetched first, and since when that was counted.
    public func mostFetched(_ limit: Int = 10) -> (since: AgeInstant, keys: [FetchedKey<Key>]) {
        let now = clock.now()
        var copy = MostFetched<Key>.withRoom(at: now)
        store.withLock { $0.mostFetched.copy(into: &copy) }
        return copy.first(limit, at: now)
    }

    /// When an entry is to be refreshed; `nil` where only its end decides.
    package func refresh(of facts: EntryFacts) -> RefreshFacts? {
        guard let marks = refresh?.marks(facts) else { return nil }
        var refresh = RefreshFacts()
        refresh.start = marks.start
        refresh.mandatory = marks.mandatory
        return refresh
    }

    /// What is known of `keys` beyond their entries: fetches under way, and failures.
    package func refreshes(of keys: [Key]) -> [RefreshFacts] {
        let now = clock.now()
        return keys.map { key in
            let hash = shards.hash(key)
            return store.withLock { $0.refresh(of: key, hash, at: now) }
        }
    }

    /// The keys that a fetch is under way for, or whose last one failed.
    package func restless() -> [(key: Key, trouble: Trouble?)] {
        let now = clock.now()
        var found: [(key: Key, trouble: Trouble?)] = []
        var next: UInt32? = 0
        while let place = next {
            // Nothing that grows is to grow under a lock.
            if found.capacity < found.count + 256 {
                found.reserveCapacity(2 * found.count + 256)
            }
            next = held(for: \.looking) {
                $0.restless(from: place, limit: 256, at: now, &found)
            }
        }
        return found
    }

    /// The facts of `key`'s entry, also where it has ended and is kept in reserve.
    package func facts(of key: Key) -> EntryFacts? { shards.facts(of: key) }

    /// Asks the origin past the cache: nothing is counted, kept or shared.
    package func origin(_ key: Key) async throws -> Value {
        guard let fetch else { throw CacheError.noFetch(name) }
        return try await fetch(key)
    }

    /// The live value and the facts of `key`'s entry; changes neither order nor counters.
    public func peek(_ key: Key) -> (value: Value, facts: EntryFacts)? {
        let now = clock.now()
        return shards.peek(key, at: now)
    }

    /// Visits every entry there is at the call, in no particular order; entries written meanwhile
    /// are left out. A bounded slice at a time is copied under a lock and visited outside of it, so
    /// that `visit` may take its time.
    public func survey(_ visit: (Key, EntryFacts) -> Void) {
        let last = lastVersion
        var slice: [(key: Key, facts: EntryFacts)] = []
        slice.reserveCapacity(4 * Store<Key, Value>.slice)
        let hold = eachSlot { _, slot, shard in
            guard shard.slab.isHeld(slot) else { return }
            let facts = shard.facts(slot)
            guard facts.version <= last else { return }
            slice.append((shard.slab.key(shard.slab.address(slot)).pointee, facts))
        } afterSlice: {
            for entry in slice { visit(entry.key, entry.facts) }
            slice.removeAll(keepingCapacity: true)
        }
        looked(hold)
    }

    var lastVersion: UInt64 { store.withLock { $0.version } }

    func looked(_ hold: Hold) { store.withLock { $0.holds.looking.add(hold) } }

    /// Visits every slot, a bounded slice under a lock at a time; returns how long the locks were
    /// held for it.
    func eachSlot(
        _ visit: (Int, UInt32, borrowing Shard<Key, Value>) -> Void, afterSlice: () -> Void = {}
    ) -> Hold {
        var hold = Hold()
        for number in 0..<shards.count {
            var slots: Range<UInt32> = 0..<1
            while !slots.isEmpty {
                slots = shards[number].withLock { shard in
                    let began = Hold.Start()
                    let end = min(
                        slots.lowerBound + 4 * UInt32(Store<Key, Value>.slice), shard.slab.slotCount
                    )
                    for slot in slots.lowerBound..<max(end, slots.lowerBound) {
                        visit(number, slot, shard)
                    }
                    hold.add(since: began)
                    return end..<max(end, shard.slab.slotCount)
                }
                afterSlice()
                shards[number].latch.pointee.giveWay()
            }
        }
        return hold
    }

    /// The first events numbered above `number`, at most `limit`.
    ///
    /// They are copied a bounded slice at a time. What is overwritten meanwhile counts as dropped,
    /// with all that came before it.
    public func events(after number: UInt64, limit: Int = .max) -> EventPage<Key> {
        let slice = 2 * Store<Key, Value>.slice
        var events: [CacheEvent<Key>] = []
        var (dropped, next, end, newest) = (UInt64(0), number, UInt64.max, UInt64(0))
        repeat {
            let (known, wanted) = (events.count, min(limit - events.count, slice))
            // Nothing that grows is to grow under a lock.
            if events.capacity < known + wanted { events.reserveCapacity(2 * known + wanted) }
            let first = held(for: \.looking) { store in
                newest = store.feed.last
                return store.feed.read(after: next, limit: wanted, into: &events)
            }
            if first > next &+ 1 {
                events.removeFirst(known)
                dropped = first - number - 1
            }
            next = events.last?.number ?? newest
            end = min(end, newest)
        } while next < end && events.count < limit
        return EventPage(events: events, dropped: dropped, last: newest)
    }

    /// How often each key was fetched within the last minute, failed fetches included, as far as
    /// events are kept; a key without a fetch is left out. And how long the time is that this
    /// covers: `nil` where no event is kept, so that nothing is known. See ``MostFetched`` for why
    /// there are two counts.
    package func fetchesLately(at now: AgeInstant) -> (counts: [Key: Int], window: Duration?) {
        let begin = now + .seconds(-60)
        var counts: [Key: Int] = [:]
        var oldest: AgeInstant?
        var (before, hasLost) = (lastEvent, false)
        while before > 0, oldest.map({ $0 > begin }) ?? true, !hasLost {
            let after = before > 256 ? before - 256 : 0
            let page = events(after: after, limit: 256)
            // Where events were overwritten, the page goes on to later ones: those were counted.
            for event in page.events where event.number <= before {
                oldest = min(oldest ?? event.at, event.at)
                guard event.at > begin, event.kind.isFetch, let key = event.key else { continue }
                counts[key, default: 0] += 1
            }
            hasLost = page.dropped > 0
            before = after
        }
        guard hasLost else { return (counts, .seconds(60)) }
        return (counts, oldest.map { $0 > begin ? max(.seconds(1), now - $0) : .seconds(60) })
    }

    /// The keys of the live entries, in no particular order. Linear in the entries held; no lock is
    /// held for longer than a bounded slice of them takes.
    public var keys: [Key] {
        let now = clock.now()
        var keys: [Key] = []
        survey { key, facts in if now < facts.deadline { keys.append(key) } }
        return keys
    }

    /// The live entries, in no particular order; not a look-up. Linear in the entries held.
    ///
    /// ```swift
    /// for (number, account) in accounts.entries where account.isClosed { ... }
    /// ```
    public var entries: [(key: Key, value: Value)] {
        keys.compactMap { key in peek(key).map { (key, $0.value) } }
    }

    /// How many entries are held, those that have ended and are not yet gone among them.
    public var count: Int { store.withLock { $0.count } }

    /// The number of the latest event; 0 before the first.
    public var lastEvent: UInt64 { store.withLock { $0.feed.last } }
}
