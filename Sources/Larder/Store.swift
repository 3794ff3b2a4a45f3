import Synchronization

/// Everything a cache knows, as one value: no clock, no I/O, and no lock but the shards' own.
///
/// The time comes in as an argument; what must be done next goes out as the result.
///
/// Entries live in the ``Shards``, where hits find them without coming here. Hits leave notes of
/// what they touched, and the store settles those notes, in the order of the hits, before it
/// decides anything: so whatever the number of shards, calls one after the other evict exactly as
/// they would in one piece, and a policy is plain code over slot numbers that knows no lock.
///
/// An entry keeps the time of its write and not a deadline: changing the ttl is one store a shard
/// and reorders nothing. `written` holds the entries in the order of their writes, one order for
/// each class of jitter, so that the first to outlive the ttl is always a first. Values that end
/// by themselves stand in `expiries` as well.
///
/// A flight is found by its key in `flights` only while its result may be kept. Invalidation takes
/// it out of there, so that the next look-up starts another, but leaves it in `pending`: its
/// waiters still get the value, and nothing is stored.
struct Store<Key: Hashable & Sendable, Value: Sendable>: ~Copyable {
    let shards: Shards<Key, Value>
    private(set) var count = 0
    private(set) var bytes = 0
    private var written: [SlotOrder]
    private var links = SlotLinks()
    private var expiries = ExpiryHeap()
    private var policy: any EvictionPolicy
    private var touched: [UInt32] = []
    private var settled: UInt32 = 0

    private var flights: [Key: FlightID] = [:]
    private var pending: [FlightID: Flight<Key, Value>] = [:]
    private var waiting: [WaiterID: FlightID] = [:]
    private var lastFlight: FlightID = 0
    private(set) var troubles = Troubles<Key>()

    private(set) var configuration: Configuration
    private(set) var version: UInt64 = 0
    private(set) var feed: Feed<Key>
    private var counters = Counters()
    private var fetchTimes = Histogram()
    private var ages: [RemovalCause: Histogram] = [:]
    private var regret = Regret()
    var holds = Holds()
    /// When the entry written last ends.
    private(set) var latestDeadline = Instant.distantFuture
    private var graves = Graves<Key, Value>()

    /// What has left and is to be told of, and dropped, once no lock is held.
    var departed: [RemovedEntry<Key, Value>] = []
    /// As ``departed``, but told of already.
    var discarded: [RemovedEntry<Key, Value>] = []

    private let traits: Traits<Key, Value>

    init(
        _ configuration: Configuration, feedCapacity: Int, shards: Shards<Key, Value>,
        traits: Traits<Key, Value>
    ) {
        self.configuration = configuration
        self.shards = shards
        self.traits = traits
        feed = Feed(capacity: feedCapacity)
        written = Array(repeating: SlotOrder(), count: Int(Record.jitterClasses))
        policy = configuration.policy.make(maxsize: configuration.maxsize)
        touched = Array(
            repeating: SlotOrder.none, count: shards.count * Shard<Key, Value>.manyTouches * 2)
        spread()
    }

    /// Tells the shards what they have to know of the bounds.
    private func spread() {
        let ttl = configuration.ttl?.nanoseconds ?? .max
        for number in 0..<shards.count {
            shards[number].withLock { shard in
                shard.ttl = ttl
                shard.jitterStep = configuration.jitterStep
                shard.heedsHits = policy.heedsHits
                if traits.mayEnd || traits.renews { shard.keepExpiries() }
            }
        }
    }

    // MARK: Settling

    /// Tells the policy of the hits since the last time, in the order in which they were.
    ///
    /// - Parameter isFull: A shard has run out of room for notes. Otherwise the number of stamps
    ///   tells whether there is anything to do; hits that meet can set it back.
    mutating func settle(isFull: Bool = false) {
        let now = shards.stamps.pointee.load(ordering: .relaxed)
        guard now != settled || isFull else { return }
        let settledBefore = settled
        settled = now
        let (shards, policy) = (shards, policy)
        touched.withUnsafeMutableBufferPointer { touched in
            let reach = min(Int(now &- settledBefore), touched.count)
            touched[..<reach].update(repeating: SlotOrder.none)
            var found = 0
            // Taken while we collect, or at the same instant as another.
            var late: [UInt32] = []
            for number in 0..<shards.count {
                shards[number].withLock { shard in
                    for note in 0..<shard.touchCount {
                        let touch = shard.touches[note]
                        let place = Int(touch.stamp &- settledBefore)
                        if place < reach, touched[place] == SlotOrder.none {
                            touched[place] = shards.slot(touch.slot, in: number)
                            found &+= 1
                        } else {
                            late.append(shards.slot(touch.slot, in: number))
                        }
                    }
                    shard.touchCount = 0
                }
            }
            if found < reach {
                var kept = 0
                for place in 0..<reach where touched[place] != SlotOrder.none {
                    touched[kept] = touched[place]
                    kept += 1
                }
            }
            policy.touched(UnsafeBufferPointer(rebasing: touched[..<found]))
            late.withUnsafeBufferPointer { if !$0.isEmpty { policy.touched($0) } }
        }
    }

    // MARK: Looking up

    /// The value of `key` where it is held and live, counted as a hit. Otherwise nothing is
    /// counted, and an entry that has ended leaves.
    private mutating func hit(_ key: Key, _ hash: UInt64, at now: Instant) -> Found<Value> {
        let number = shards.number(hash)
        let mark = Shards<Key, Value>.mark(hash)
        let found: Found<Value> = shards[number].withLock { shard in
            guard let slot = shard.find(key, mark) else { return .nothing }
            if let value = shard.hit(key, mark, at: now.nanoseconds) {
                return .value(value, isStale: false)
            }
            let address = shard.slab.address(slot)
            let deadline = shard.deadline(slot)
            let isStale = shard.slab.record(address).pointee.isStale
            if isStale, deadline > now.nanoseconds {
                // Softly invalidated: served once more, as a hit.
                return .value(shard.serve(slot, address, at: now.nanoseconds), isStale: true)
            }
            guard !isStale, Instant(nanoseconds: deadline) + reserve > now else {
                return .ended(slot)
            }
            let writtenAt = shard.slab.record(address).pointee.writtenAt
            return .due(Due(slot: slot, writtenAt: writtenAt, deadline: deadline))
        }
        if shards[number].withLock({ $0.touchCount >= Shard<Key, Value>.manyTouches }) {
            settle(isFull: true)
        }
        if case .ended(let local) = found {
            settle()
            remove(shards.slot(local, in: number), .expired, at: now)
        }
        return found
    }

    /// Finds `key`, or the flight that is fetching it, or starts one for the caller to lead.
    mutating func lookup(_ key: Key, _ waiter: Waiter<Value>, at now: Instant) -> Lookup<Value> {
        let hash = shards.hash(key)
        switch hit(key, hash, at: now) {
        case .value(let value, let isStale):
            guard isStale, flights[key] == nil else { return .hit(value) }
            return .stale(value, startFlight(for: key))
        case .due(let due):
            if let value = heldBack(key, hash, due, at: now) { return .hit(value) }
        case .nothing, .ended: break
        }
        settle()
        policy.missed()
        if let known = troubles[key], now < known.trouble.until, known.trouble.kind != .failed {
            counters.refused += 1
            return .failed(known.error)
        }
        if let flight = flights[key] {
            counters.coalesced += 1
            pending[flight]!.waiters.append(waiter)
            waiting[waiter.id] = flight
            return .join
        }
        miss(hash, at: now)
        let flight = startFlight(for: key)
        pending[flight]!.waiters.append(waiter)
        waiting[waiter.id] = flight
        return .lead(flight)
    }

    /// The value of an entry that is due to be renewed, where this is not the caller to wait for
    /// that: another is at it, or the last try has failed and the next is not due.
    private mutating func heldBack(
        _ key: Key, _ hash: UInt64, _ due: Due<Value>, at now: Instant
    ) -> Value? {
        let (time, end) = (now.nanoseconds, due.deadline)
        let start = traits.renewal.start(writtenAt: due.writtenAt, end: end)
        let mandatory = traits.renewal.mandatoryStart(writtenAt: due.writtenAt, end: end)
        if let trouble = troubles[key]?.trouble, now < trouble.until {
            return trouble.kind == .failed ? serve(due, hash, at: now) : nil
        }
        let isTooSoon = time < start
        guard isTooSoon || time < mandatory && flights[key] != nil else { return nil }
        shards[shards.number(hash)].withLock { $0.setGate(due.slot, isTooSoon ? start : mandatory) }
        return serve(due, hash, at: now)
    }

    private mutating func serve(_ due: Due<Value>, _ hash: UInt64, at now: Instant) -> Value {
        if due.deadline <= now.nanoseconds { counters.servedStale += 1 }
        return shards[shards.number(hash)].withLock { shard in
            shard.serve(due.slot, shard.slab.address(due.slot), at: now.nanoseconds)
        }
    }

    private mutating func startFlight(for key: Key) -> FlightID {
        lastFlight += 1
        flights[key] = lastFlight
        pending[lastFlight] = Flight(key: key, waiters: [])
        return lastFlight
    }

    /// The value held for `key`; a look-up that finds nothing is a miss.
    mutating func cached(_ key: Key, at now: Instant) -> Value? {
        let hash = shards.hash(key)
        switch hit(key, hash, at: now) {
        case .value(let value, _): return value
        case .due(let due) where now.nanoseconds < due.deadline:
            return serve(due, hash, at: now)
        default: break
        }
        settle()
        policy.missed()
        miss(hash, at: now)
        return nil
    }

    private mutating func miss(_ hash: UInt64, at now: Instant) {
        counters.misses += 1
        switch regret.missed(hash, at: now) {
        case .evicted: counters.regretEvicted += 1
        case .expired: counters.regretExpired += 1
        default: break
        }
    }

    // MARK: Flights

    /// Tells the flight what to call once nobody waits for it; false where that is so already.
    mutating func attach(_ abandon: @escaping Abandon, to flight: FlightID) -> Bool {
        guard pending[flight] != nil else { return false }
        pending[flight]!.abandon = abandon
        return true
    }

    /// Ends a flight: what it fetched is kept unless its key was written or invalidated meanwhile.
    mutating func land(
        _ flight: FlightID, _ result: Result<Value, any Error>, took: Duration, at now: Instant
    ) -> (waiters: [Waiter<Value>], result: Result<Value, any Error>) {
        guard let landed = pending.removeValue(forKey: flight) else { return ([], result) }
        for waiter in landed.waiters { waiting[waiter.id] = nil }
        let current = flights[landed.key] == flight
        if current { flights[landed.key] = nil }
        switch result {
        case .success(let value):
            fetchTimes.add(took)
            if current { write(value, for: landed.key, took: took, at: now) }
        case .failure(let error):
            counters.fetchFailures += 1
            feed.append(.failed(took: took, reason: "\(error)"), key: landed.key, at: now)
            if current, let held = failed(landed.key, error, at: now) {
                if held.isPastEnd { counters.servedStale += UInt64(landed.waiters.count) }
                return (landed.waiters, .success(held.value))
            }
        }
        return (landed.waiters, result)
    }

    /// Remembers a failure as long as it matters; returns what may be served in spite of it.
    private mutating func failed(
        _ key: Key, _ error: any Error, at now: Instant
    ) -> (value: Value, isPastEnd: Bool)? {
        removeStale(key, at: now)
        let slot = slot(of: key, shards.hash(key))
        switch traits.renewal.meaning(of: error) {
        case .absent:
            if let slot {
                settle()
                remove(slot, look(slot, at: now).isLive ? .replaced : .expired, at: now)
            }
            guard configuration.negativeTTL > .zero else { return nil }
            troubles.add(key, .absent, error, until: now + configuration.negativeTTL, at: now)
        case .refused(let pause):
            troubles.add(key, .refused, error, until: now + .random(in: pause), at: now)
        case .passing:
            if error is CancellationError { return nil }
            guard let slot, now < deadline(slot) + reserve else {
                guard let pause = traits.renewal.pause else { return nil }
                troubles.add(key, .refused, error, until: now + .random(in: pause), at: now)
                return nil
            }
            let end = deadline(slot)
            let until = now + .random(in: traits.renewal.backoff)
            troubles.add(key, .failed, error, until: until, at: now)
            let local = shards.local(slot)
            let value = shards.shard(of: slot).withLock { shard in
                shard.setGate(local, min(until, end).nanoseconds)
                return shard.slab.value(shard.slab.address(local)).pointee
            }
            return (value, end <= now)
        }
        return nil
    }

    /// How long entries stay past their end, for as long as fetches fail.
    private var reserve: Duration { configuration.staleIfError }

    /// Takes a waiter that gave up out of its flight. The last one leaving ends the flight.
    mutating func leave(_ id: WaiterID) -> Departure<Value>? {
        guard let flight = waiting.removeValue(forKey: id),
            let place = pending[flight]?.waiters.firstIndex(where: { $0.id == id })
        else { return nil }
        let waiter = pending[flight]!.waiters.remove(at: place)
        guard pending[flight]!.waiters.isEmpty else {
            return Departure(waiter: waiter, abandon: nil)
        }
        let ended = pending.removeValue(forKey: flight)!
        if flights[ended.key] == flight { flights[ended.key] = nil }
        return Departure(waiter: waiter, abandon: ended.abandon)
    }

    // MARK: Writing

    /// Writes a value that was not asked for by a look-up; a fetch under way for the key is
    /// older than it and will not be kept.
    mutating func insert(_ value: Value, for key: Key, at now: Instant) {
        flights[key] = nil
        write(value, for: key, took: nil, at: now)
    }

    private mutating func write(_ value: Value, for key: Key, took: Duration?, at now: Instant) {
        settle()
        let hash = shards.hash(key)
        let expiry = traits.expiry(key, value, now)?.nanoseconds
        let size = traits.bytes(key, value)
        let ttl = configuration.ttl?.nanoseconds ?? .max
        let lives = ttl > 0 && now.nanoseconds < expiry ?? .max
        let isOversized = size > min(configuration.maxbytes ?? .max, Int(UInt32.max))
        let isKept = lives && !isOversized && configuration.maxsize != 0

        let old = slot(of: key, hash)
        var loads: UInt16 = 1
        if let old {
            let (record, isLive) = look(old, at: now)
            loads = min(record.loads &+ 1, Record.mostLoads)
            if isKept, isLive,
                makeRoom(for: size - Int(record.bytes), inPlaceOf: old, rival: key, at: now)
            {
                troubles.forget(key)
                rewrite(old, value, expiry: expiry, size: size, loads: loads, took: took, at: now)
                feed.append(.written(version: version, took: took, bytes: size), key: key, at: now)
                return
            }
            remove(old, isLive ? .replaced : .expired, at: now)
        }
        if lives, isOversized {
            counters.oversized += 1
            feed.append(.oversized(bytes: size), key: key, at: now)
        }
        guard isKept else { return }
        makeRoom(for: size, rival: key, at: now)
        regret.forget(hash)
        troubles.forget(key)
        version += 1
        let record = Record(
            writtenAt: now.nanoseconds, version: version, loads: loads, bytes: UInt32(size),
            took: Self.microseconds(took))
        let number = shards.number(hash)
        let local = shards[number].withLock { shard in
            shard.add(
                record, key, value, Shards<Key, Value>.mark(hash), expiry: expiry,
                gate: gate(record, expiry))
        }
        let slot = shards.slot(local, in: number)
        links.reserve(slot)
        written[record.jitterClass].append(slot, links)
        if let expiry { expiries.insert(slot, Instant(nanoseconds: expiry)) }
        latestDeadline = deadline(slot) + reserve
        policy.added(slot, hash: hash)
        count += 1
        bytes += size
        feed.append(.written(version: version, took: took, bytes: size), key: key, at: now)
    }

    /// The newer value takes the slot of the older one.
    private mutating func rewrite(
        _ slot: UInt32, _ value: Value, expiry: Int64?, size: Int, loads: UInt16, took: Duration?,
        at now: Instant
    ) {
        version += 1
        let record = Record(
            writtenAt: now.nanoseconds, version: version, loads: loads, bytes: UInt32(size),
            took: Self.microseconds(took))
        let local = shards.local(slot)
        let old = shards.shard(of: slot).withLock { shard in
            let key = shard.slab.key(shard.slab.address(local)).pointee
            let old = shard.replace(
                local, record, value, expiry: expiry, gate: gate(record, expiry))
            return RemovedEntry(
                key: key, value: old.value, cause: .replaced, version: old.record.version,
                age: now - Instant(nanoseconds: old.record.writtenAt),
                hits: UInt64(old.record.hits), bytes: Int(old.record.bytes))
        }
        written[Record.jitterClass(old.version)].remove(slot, links)
        written[record.jitterClass].append(slot, links)
        expiries.remove(slot)
        if let expiry { expiries.insert(slot, Instant(nanoseconds: expiry)) }
        latestDeadline = deadline(slot) + reserve
        policy.rewritten(slot)
        bytes += size - old.bytes
        note(old, rival: nil, by: nil, at: now)
    }

    /// When an entry written now is to be renewed.
    private func gate(_ record: Record, _ expiry: Int64?) -> Int64 {
        guard traits.renews else { return expiry ?? .max }
        let life = configuration.ttl.map {
            $0.nanoseconds - configuration.jitterStep * Int64(record.jitterClass)
        }
        let (end, overflow) = record.writtenAt.addingReportingOverflow(life ?? .max)
        return traits.renewal.start(
            writtenAt: record.writtenAt, end: min(expiry ?? .max, overflow ? .max : end))
    }

    private static func microseconds(_ took: Duration?) -> UInt32 {
        UInt32(clamping: (took ?? .zero).nanoseconds / 1000)
    }

    /// Expired entries go first, then the policy's victims, until one more entry of `size` fits.
    private mutating func makeRoom(for size: Int, rival: Key, at now: Instant) {
        let maxsize = min(configuration.maxsize ?? .max, Configuration.largestMaxsize)
        let maxbytes = configuration.maxbytes ?? .max
        while count + 1 > maxsize || bytes > maxbytes - size {
            if let slot = overdue(at: now) {
                remove(slot, .expired, at: now)
            } else {
                remove(policy.victim(), .evicted, rival: rival, at: now)
            }
        }
    }

    /// Room for an entry to grow by `growth` where it stands, so that it keeps what the policy
    /// knows of it; false once the policy names that very entry.
    private mutating func makeRoom(
        for growth: Int, inPlaceOf grown: UInt32, rival: Key, at now: Instant
    ) -> Bool {
        while bytes + growth > configuration.maxbytes ?? .max {
            if let slot = overdue(at: now) {
                remove(slot, .expired, at: now)
            } else {
                let victim = policy.victim()
                if victim == grown { return false }
                remove(victim, .evicted, rival: rival, at: now)
            }
        }
        return true
    }

    // MARK: Removing

    @discardableResult
    private mutating func remove(
        _ slot: UInt32, _ cause: RemovalCause, rival: Key? = nil, by: Actor? = nil, at now: Instant
    ) -> RemovedEntry<Key, Value> {
        let local = shards.local(slot)
        let (taken, hash) = shards.shard(of: slot).withLock { shard in
            let hash = shards.hash(shard.slab.key(shard.slab.address(local)).pointee)
            return (shard.remove(local, Shards<Key, Value>.mark(hash)), hash)
        }
        let entry = RemovedEntry(
            key: taken.key, value: taken.value, cause: cause, version: taken.record.version,
            age: now - Instant(nanoseconds: taken.record.writtenAt),
            hits: UInt64(taken.record.hits), bytes: Int(taken.record.bytes))
        written[taken.record.jitterClass].remove(slot, links)
        expiries.remove(slot)
        policy.removed(slot, evicted: cause == .evicted)
        count -= 1
        bytes -= entry.bytes
        regret.left(hash, cause, at: now)
        note(entry, rival: rival, by: by, at: now)
        return entry
    }

    private mutating func note(
        _ entry: RemovedEntry<Key, Value>, rival: Key?, by: Actor?, at now: Instant
    ) {
        counters.count(entry.cause)
        if entry.hits == 0 { counters.unused += 1 }
        ages[entry.cause, default: Histogram()].add(entry.age)
        feed.append(
            .removed(entry.cause, version: entry.version, age: entry.age, hits: entry.hits),
            key: entry.key, rival: rival, by: by, at: now)
        departed.append(entry)
    }

    /// Removes the entry of `key` and disowns a fetch under way for it. Where `version` is given,
    /// an entry written since is left alone, and so is its flight.
    mutating func invalidate(
        _ key: Key, version: UInt64? = nil, undoable: UndoID? = nil, by: Actor?, at now: Instant
    ) -> Invalidation {
        settle()
        guard let slot = slot(of: key, shards.hash(key)) else {
            guard version == nil else { return .absent }
            flights[key] = nil
            guard let trouble = troubles.forget(key), now < trouble.until else { return .absent }
            return .removed(bytes: 0)
        }
        let (record, isLive) = look(slot, at: now)
        guard isLive || now < deadline(slot) + reserve else {
            if version == nil { flights[key] = nil }
            return .absent
        }
        if let version, version != record.version { return .changed(version: record.version) }
        flights[key] = nil
        troubles.forget(key)
        let expiry = expiry(slot)
        let entry = remove(slot, .invalidated, by: by, at: now)
        bury(entry, record, expiry, undoable, at: now)
        return .removed(bytes: entry.bytes)
    }

    private mutating func bury(
        _ entry: RemovedEntry<Key, Value>, _ record: Record, _ expiry: Int64?, _ undo: UndoID?,
        at now: Instant
    ) {
        guard let undo, traits.mayBeBuried else { return }
        discarded += graves.bury(
            Grave(entry: entry, record: record, expiry: expiry, undo: undo), at: now)
    }

    /// Ends the entry of `key` where its value is bad; it stays in reserve where there is one.
    mutating func reject(
        _ key: Key, where isBad: (Value) -> Bool, by: Actor?, at now: Instant
    ) -> Bool {
        settle()
        guard let slot = slot(of: key, shards.hash(key)) else { return false }
        let local = shards.local(slot)
        let isRejected = shards.shard(of: slot).withLock { shard in
            guard isBad(shard.slab.value(shard.slab.address(local)).pointee) else { return false }
            if reserve > .zero {
                shard.keepExpiries()
                shard.end(local, at: now.nanoseconds)
            }
            return true
        }
        guard isRejected else { return false }
        if reserve > .zero {
            expiries.remove(slot)
            expiries.insert(slot, now)
        } else {
            remove(slot, .invalidated, by: by, at: now)
        }
        return true
    }

    /// Marks the entry of `key` as stale: it is served until the fetch that the next look-up
    /// starts has landed.
    mutating func soften(
        _ key: Key, version: UInt64? = nil, by: Actor?, at now: Instant
    ) -> Invalidation {
        settle()
        guard let slot = slot(of: key, shards.hash(key)) else {
            if version == nil { flights[key] = nil }
            return .absent
        }
        let (record, isLive) = look(slot, at: now)
        guard isLive else { return .absent }
        if let version, version != record.version { return .changed(version: record.version) }
        flights[key] = nil
        let local = shards.local(slot)
        shards.shard(of: slot).withLock { shard in
            shard.slab.record(shard.slab.address(local)).pointee.isStale = true
        }
        feed.append(.softened(version: record.version), key: key, by: by, at: now)
        return .removed(bytes: Int(record.bytes))
    }

    /// A stale entry whose fetch failed is not served any longer.
    private mutating func removeStale(_ key: Key, at now: Instant) {
        guard let slot = slot(of: key, shards.hash(key)),
            look(slot, at: now).record.isStale
        else { return }
        settle()
        remove(slot, .invalidated, at: now)
    }

    /// Puts back what was invalidated under `undo`, where nothing has been written for the key
    /// since and it has life left; returns how many.
    mutating func restore(_ undo: UndoID, by: Actor?, at now: Instant) -> (restored: Int, lost: Int)
    {
        settle()
        var restored = 0
        var lost = 0
        for grave in graves.open(undo, at: now) {
            let key = grave.entry.key
            let hash = shards.hash(key)
            guard slot(of: key, hash) == nil, restore(grave, hash, at: now) else {
                lost += 1
                continue
            }
            restored += 1
            feed.append(.restored(version: version), key: key, by: by, at: now)
        }
        return (restored, lost)
    }

    private mutating func restore(
        _ grave: Grave<Key, Value>, _ hash: UInt64, at now: Instant
    ) -> Bool {
        let size = grave.entry.bytes
        let (end, overflow) = grave.record.writtenAt.addingReportingOverflow(
            configuration.ttl?.nanoseconds ?? .max)
        // It goes on ageing from the time of its write, but stands last in the order of writes,
        // so that its end has to be known by itself.
        let expiry = min(grave.expiry ?? .max, overflow ? .max : end)
        guard now.nanoseconds < expiry,
            count < configuration.maxsize ?? Configuration.largestMaxsize,
            bytes <= (configuration.maxbytes ?? .max) - size
        else { return false }
        flights[grave.entry.key] = nil
        regret.forget(hash)
        version += 1
        var record = grave.record
        record.versionAndLoads = version << 16 | record.versionAndLoads & 0xffff
        let number = shards.number(hash)
        let local = shards[number].withLock { shard in
            if expiry != .max { shard.keepExpiries() }
            return shard.add(
                record, grave.entry.key, grave.entry.value, Shards<Key, Value>.mark(hash),
                expiry: expiry, gate: gate(record, expiry))
        }
        let slot = shards.slot(local, in: number)
        links.reserve(slot)
        written[record.jitterClass].append(slot, links)
        if expiry != .max { expiries.insert(slot, Instant(nanoseconds: expiry)) }
        policy.added(slot, hash: hash)
        count += 1
        bytes += size
        return true
    }

    /// What the fetches under way bring will be handed to their waiters and not kept.
    mutating func disownFlights() {
        flights.removeAll()
        troubles.forgetAll()
    }

    /// Removes at most `limit` entries written up to `version`, oldest first; returns how many.
    mutating func invalidateAll(
        upTo version: UInt64, limit: Int, by: Actor?, at now: Instant
    ) -> Int {
        settle()
        var removed = 0
        while removed < limit, let slot = oldest {
            let (record, isLive) = look(slot, at: now)
            guard record.version <= version else { break }
            remove(slot, isLive ? .invalidated : .expired, by: isLive ? by : nil, at: now)
            removed += 1
        }
        return removed
    }

    /// Removes at most `limit` entries whose deadline has come; returns how many.
    ///
    /// - Parameter all: Also those that may yet be served, should fetches fail.
    mutating func expire(limit: Int, all: Bool = false, at now: Instant) -> Int {
        settle()
        discarded += graves.purge(at: now)
        troubles.purge(at: now)
        let end = all ? now : now + (.zero - reserve)
        var removed = 0
        while removed < limit, let slot = overdue(at: end) {
            remove(slot, .expired, at: now)
            removed += 1
        }
        return removed
    }

    // MARK: Configuration

    mutating func configure(_ new: Configuration, by: Actor?, at now: Instant) {
        guard new != configuration else { return }
        settle()
        feed.append(.configured(from: configuration, to: new), key: nil, by: by, at: now)
        let old = configuration
        configuration = new
        if new.policy != old.policy {
            policy = successor(new.policy)
        } else if new.maxsize != old.maxsize {
            policy.resized(to: new.maxsize)
        }
        spread()
    }

    /// The policy that would follow: it learns of the entries in the order in which the present
    /// one would let them go.
    private func successor(_ next: Policy) -> any EvictionPolicy {
        let successor = next.make(maxsize: configuration.maxsize)
        for slot in policy.victims(count) {
            let local = shards.local(slot)
            let hash = shards.shard(of: slot).withLock { shard in
                shards.hash(shard.slab.key(shard.slab.address(local)).pointee)
            }
            successor.added(slot, hash: hash)
        }
        return successor
    }

    /// Removes at most `limit` entries beyond the bounds, expired ones first; returns them.
    /// Where `undoable` is given they can be put back for a while.
    mutating func shrink(
        limit: Int, undoable: UndoID? = nil, at now: Instant
    ) -> [Victim<Key>] {
        settle()
        var removed: [Victim<Key>] = []
        func take(_ slot: UInt32, _ cause: RemovalCause) {
            let (record, expiry) = (look(slot, at: now).record, expiry(slot))
            let entry = remove(slot, cause, at: now)
            removed.append(Victim(entry))
            bury(entry, record, expiry, undoable, at: now)
        }
        while removed.count < limit {
            if let slot = overdue(at: now) {
                take(slot, .expired)
            } else if count > configuration.maxsize ?? .max
                || bytes > configuration.maxbytes ?? .max
            {
                take(policy.victim(), .evicted)
            } else {
                break
            }
        }
        return removed
    }

    /// Gives back what a much larger cache once needed.
    func trim() {
        for number in 0..<shards.count { shards[number].withLock { $0.index.trim() } }
    }

    // MARK: Planning

    /// Begins to name the victims in pieces; false where the policy can only name them at once.
    mutating func beginWalk(under next: Policy) -> Bool {
        settle()
        return next == configuration.policy && policy.beginWalk()
    }

    mutating func walk(_ limit: Int) -> [UInt32] { policy.walk(limit) }

    /// The slots that would be freed by `count` evictions under a policy, in order.
    mutating func victims(_ count: Int, under next: Policy) -> [UInt32] {
        settle()
        let count = min(count, self.count)
        return next == configuration.policy
            ? policy.victims(count) : successor(next).victims(count)
    }

    // MARK: Looking without touching

    /// The keys that a fetch is under way for, or whose last one failed.
    func restless(at now: Instant) -> [(key: Key, trouble: Trouble?)] {
        troubles.all(at: now).map { ($0.key, $0.trouble) }
            + flights.keys.filter { troubles[$0] == nil }.map { ($0, nil) }
    }

    func renewal(of key: Key, at now: Instant) -> RenewalFacts {
        let flight = flights[key]
        var facts = RenewalFacts()
        facts.isFetching = flight != nil
        facts.waiters = flight.flatMap { pending[$0]?.waiters.count } ?? 0
        facts.trouble = troubles[key].flatMap { now < $0.trouble.until ? $0.trouble : nil }
        return facts
    }

    func snapshot(at now: Instant) -> Snapshot {
        var counters = counters
        for number in 0..<shards.count {
            counters.hits += shards[number].withLock { $0.hits }
        }
        var snapshot = Snapshot(
            at: now, configuration: configuration, count: count, bytes: bytes,
            flights: pending.count, counters: counters)
        snapshot.lastEvent = feed.last
        snapshot.fetchTimes = fetchTimes
        snapshot.agesAtRemoval = ages
        snapshot.holds = holds
        return snapshot
    }

    // MARK: Deadlines

    /// The first deadline to come; `nil` where no entry has one.
    var nextDeadline: Instant? {
        var next = expiries.first?.expiry
        if configuration.ttl != nil {
            for order in written where order.first != SlotOrder.none {
                next = min(next ?? .distantFuture, deadline(order.first))
            }
        }
        next = next.map { $0 + reserve }
        return [next, graves.nextEnd].compactMap(\.self).min()
    }

    private func overdue(at now: Instant) -> UInt32? {
        if let first = expiries.first, first.expiry <= now { return first.slot }
        guard configuration.ttl != nil else { return nil }
        var due: (slot: UInt32, version: UInt64)?
        for order in written where order.first != SlotOrder.none && deadline(order.first) <= now {
            let version = record(order.first).version
            if version < due?.version ?? .max { due = (order.first, version) }
        }
        return due?.slot
    }

    private var oldest: UInt32? {
        written.filter { $0.first != SlotOrder.none }.map(\.first)
            .min { record($0).version < record($1).version }
    }

    // What is written only under both locks may be read under the store's alone.

    private func slot(of key: Key, _ hash: UInt64) -> UInt32? {
        let number = shards.number(hash)
        return shards[number].withLock { $0.find(key, Shards<Key, Value>.mark(hash)) }
            .map { shards.slot($0, in: number) }
    }

    private func record(_ slot: UInt32) -> Record {
        let local = shards.local(slot)
        return shards.shard(of: slot).withLock { shard in
            shard.slab.record(shard.slab.address(local)).pointee
        }
    }

    private func expiry(_ slot: UInt32) -> Int64? {
        let local = shards.local(slot)
        return shards.shard(of: slot).withLock { $0.expiry(local) }
    }

    private func deadline(_ slot: UInt32) -> Instant {
        let local = shards.local(slot)
        return Instant(
            nanoseconds: shards.shard(of: slot).withLock { $0.deadline(local) })
    }

    private func look(_ slot: UInt32, at now: Instant) -> (record: Record, isLive: Bool) {
        let local = shards.local(slot)
        return shards.shard(of: slot).withLock { shard in
            (
                shard.slab.record(shard.slab.address(local)).pointee,
                now.nanoseconds < shard.deadline(local)
            )
        }
    }

    // MARK: Own checks

    /// Stops the program where the store contradicts itself.
    mutating func checkInvariants() {
        settle()
        var held: Set<UInt32> = []
        var size = 0
        var ends = 0
        for number in 0..<shards.count {
            shards[number].withLock { shard in
                shard.checkInvariants { Shards<Key, Value>.mark(shards.hash($0)) }
                for local in 0..<shard.slab.slotCount where shard.slab.isHeld(local) {
                    held.insert(shards.slot(local, in: number))
                    size += Int(shard.slab.record(shard.slab.address(local)).pointee.bytes)
                    if let expiries = shard.expiries, expiries[Int(local)] != .max { ends += 1 }
                }
            }
        }
        precondition(held.count == count, "the store counts its entries")
        precondition(size == bytes, "bytes add up")
        precondition(count <= configuration.maxsize ?? .max, "within maxsize")
        precondition(bytes <= configuration.maxbytes ?? .max, "within maxbytes")
        var seen: Set<UInt32> = []
        for (number, order) in written.enumerated() {
            var newest: UInt64 = 0
            var slot = order.first
            while slot != SlotOrder.none {
                precondition(seen.insert(slot).inserted, "written links an entry once")
                let version = record(slot).version
                precondition(newest < version, "written is in the order of writing")
                precondition(Record.jitterClass(version) == number, "an entry is in its class")
                newest = version
                slot = links[slot].after
            }
        }
        precondition(seen == held, "written links every entry")
        precondition(expiries.isOrdered, "the heap is a heap")
        precondition(expiries.count == ends, "own ends are in the heap")
        policy.checkInvariants(count: count)
        precondition(
            flights.allSatisfy { pending[$1]?.key == $0 }, "a flight found by key is under way")
        precondition(
            waiting.count == pending.values.reduce(0) { $0 + $1.waiters.count },
            "every waiter knows its flight")
    }
}
