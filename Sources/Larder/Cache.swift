import Synchronization

/// One named, bounded map of entries that knows how to fetch what it lacks.
///
/// ```swift
/// let accounts = Cache<String, Account>("accounts", maxsize: 64, ttl: .seconds(300)) { number in
///     try await table.account(number)
/// }
/// let account = try await accounts.value(for: "123456789012")
/// ```
///
/// It behaves as Python's `cachetools.func.ttl_cache` does: exact LRU within `maxsize`, an entry
/// visible if and only if now < deadline. It differs where that one is wrong:
/// - callers of one key share one fetch, and callers of other keys never wake for it;
/// - a value that lands after its key was invalidated is handed to its waiters and not kept;
/// - a value that has already ended, or is larger than the cache may be, is not kept, and neither
///   is an older one for its key;
/// - writing a key again never evicts more than the write needs (nor does cachetools from 8 on);
/// - reading `count` or listing entries removes nothing; expired entries leave by themselves.
///
/// Failures are thrown to everyone who waits and are not remembered. All methods may be called
/// from any thread or task. `==` and `hash(into:)` of keys run under a lock: they must not call
/// the cache.
public final class Cache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    public typealias Fetch = @Sendable (Key) async throws -> Value
    public typealias RemovalListener = @Sendable (RemovedEntry<Key, Value>) -> Void

    public let name: String
    public let clock: AgeClock
    @usableFromInline let shards: Shards<Key, Value>
    private let fetch: Fetch
    private let onRemoval: RemovalListener?
    let renewal: Renewal?
    private let store: Guarded<Store<Key, Value>>
    private let sweeper = Guarded(Sweeper())
    private let nextSweep = Atomic(Int64.max)
    /// Taken by the one walk through the order of eviction that there may be at a time.
    private let walking = Guarded(())

    /// - Parameters:
    ///   - name: By which people and scripts address the cache.
    ///   - maxsize: Most entries held; `nil` for no bound, 0 to hold nothing.
    ///   - maxbytes: Most bytes held: keys, values and the engine's own record of them.
    ///   - ttl: How long an entry may be served after it was written; `nil` for no end but the
    ///     value's own (``Expiring``).
    ///   - jitter: By up to which part of the ttl entries live shorter, 0 to 1.
    ///   - policy: Who goes where there is no room.
    ///   - lifetime: How long a value may be served, from what it is; never longer than the ttl.
    ///   - renewal: How entries are fetched anew before their end, and what failures mean.
    ///   - events: How many events the feed holds before it overwrites the oldest.
    ///   - onRemoval: Called for every entry that left, with the cause, soon after; no lock is
    ///     held, so that it may call the cache.
    ///   - fetch: Asks the origin; called once for all callers of a key that is not held.
    public convenience init(
        _ name: String, maxsize: Int? = 128, maxbytes: Int? = nil, ttl: Duration? = .seconds(600),
        jitter: Double = 0, policy: Policy = .lru,
        lifetime: (@Sendable (Key, Value) -> Duration?)? = nil, renewal: Renewal? = nil,
        events: Int = 4096,
        clock: AgeClock = .system, onRemoval: RemovalListener? = nil, fetch: @escaping Fetch
    ) {
        self.init(
            name,
            Configuration(
                maxsize: maxsize, maxbytes: maxbytes, ttl: ttl, jitter: jitter, policy: policy),
            lifetime: lifetime, renewal: renewal, events: events, clock: clock,
            onRemoval: onRemoval, fetch: fetch)
    }

    /// As the other one, with all bounds in one.
    public convenience init(
        _ name: String, _ configuration: Configuration,
        lifetime: (@Sendable (Key, Value) -> Duration?)? = nil, renewal: Renewal? = nil,
        events: Int = 4096,
        clock: AgeClock = .system, onRemoval: RemovalListener? = nil, fetch: @escaping Fetch
    ) {
        self.init(
            name, configuration, lifetime: lifetime, renewal: renewal, events: events, clock: clock,
            shardBits: SystemClock.shardBits, onRemoval: onRemoval, fetch: fetch)
    }

    /// As the public ones, with the number of shards said, 2 to the power of `shardBits`.
    package init(
        _ name: String, _ configuration: Configuration,
        lifetime: (@Sendable (Key, Value) -> Duration?)? = nil, renewal: Renewal? = nil,
        events: Int = 4096,
        clock: AgeClock, shardBits: UInt32, onRemoval: RemovalListener? = nil,
        fetch: @escaping Fetch
    ) {
        do { try configuration.validate() } catch { preconditionFailure("\(name): \(error)") }
        precondition(events > 0, "\(name): a feed holds at least one event")
        self.name = name
        self.clock = clock
        self.fetch = fetch
        self.onRemoval = onRemoval
        self.renewal = renewal
        shards = Shards(bits: shardBits, hasOwnGates: renewal != nil)
        store = Guarded(
            Store(
                configuration, feedCapacity: events, shards: shards,
                traits: Traits(lifetime: lifetime, renewal: renewal)))
    }

    deinit {
        sweeper.withLock { $0.task?.cancel() }
        shards.deallocate()
    }

    // MARK: Looking up

    /// The value for `key`: a hit, the result of a fetch under way, or a fetch of its own.
    ///
    /// - Throws: What the fetch threw; `CancellationError` where the caller was cancelled, which
    ///   harms no other waiter (the last one leaving cancels the fetch); ``CacheError`` where the
    ///   caller is itself the fetch for that key.
    // On the caller's own executor: a hit from the main actor would else take two hops.
    @inlinable
    nonisolated(nonsending) public func value(for key: Key) async throws -> Value {
        if let value = hit(key) { return value }
        return try await fetched(key)
    }

    /// The value held for `key`, or `nil`; never fetches. Counts as a look-up.
    @inlinable
    public func cached(_ key: Key) -> Value? {
        if let value = hit(key) { return value }
        return missed(key)
    }

    @inlinable
    func hit(_ key: Key) -> Value? {
        let hash = shards.hash(key)
        let mark = Shards<Key, Value>.mark(hash)
        let now = clock.now().nanoseconds
        var isFull = false
        let value = shards[shards.number(hash)].withLock { shard in
            isFull = shard.touchCount >= Shard<Key, Value>.manyTouches - 1
            return shard.hit(key, mark, at: now)
        }
        if isFull { settle(shards.number(hash)) }
        return value
    }

    /// Settles the notes of all shards, because one has many.
    @usableFromInline
    func settle(_ number: Int) {
        // Who holds the store may be about to settle; there is room to wait for that, not for ever.
        if store.withLockIfAvailable({ $0.settle(isFull: true) }) != nil { return }
        let isCrowded = shards[number].withLock {
            $0.touchCount >= 2 * Shard<Key, Value>.manyTouches - 8
        }
        if isCrowded { store.withLock { $0.settle(isFull: true) } }
    }

    @usableFromInline
    func missed(_ key: Key) -> Value? {
        let now = clock.now()
        return change { $0.cached(key, at: now) }
    }

    @usableFromInline
    func fetched(_ key: Key) async throws -> Value {
        try Task.checkCancellation()
        if Fetching.isFetching(key, of: self) { throw CacheError.reentry(name, "\(key)") }
        return try await wait { begin(key, $0) }
    }

    /// Waits for a flight that `begin` finds or starts.
    private func wait(_ begin: (Waiter<Value>) -> Void) async throws -> Value {
        let id = WaiterID()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                begin(Waiter(id: id, continuation: continuation))
                // The handler may have run before there was a waiter to find.
                if Task.isCancelled { leave(id) }
            }
        } onCancel: {
            leave(id)
        }
    }

    private func begin(_ key: Key, _ waiter: Waiter<Value>) {
        let now = clock.now()
        switch change({ $0.lookup(key, waiter, at: now) }) {
        case .hit(let value): waiter.continuation.resume(returning: value)
        case .stale(let value, let flight):
            waiter.continuation.resume(returning: value)
            lead(flight, key)
        case .join: break
        case .lead(let flight): lead(flight, key)
        case .failed(let error): waiter.continuation.resume(throwing: error)
        }
    }

    private func lead(_ flight: FlightID, _ key: Key) {
        let task = Task {
            let began = ContinuousClock.now
            let result = await Fetching.$innermost.withValue(Fetching(self, [key])) {
                await outcome { try await fetch(key) }
            }
            land(flight, result, took: ContinuousClock.now - began)
        }
        attach({ task.cancel() }, to: flight)
    }

    private func attach(_ abandon: @escaping Abandon, to flight: FlightID) {
        if !store.withLock({ $0.attach(abandon, to: flight) }) { abandon() }
    }

    private func land(_ flight: FlightID, _ result: Result<Value, any Error>, took: Duration) {
        let now = clock.now()
        let (landed, next) = change { store in
            (store.land(flight, result, took: took, at: now), store.latestDeadline)
        }
        scheduleSweep(by: next)
        for waiter in landed.waiters { waiter.continuation.resume(with: landed.result) }
    }

    private func leave(_ id: WaiterID) {
        guard let departure = store.withLock({ $0.leave(id) }) else { return }
        departure.waiter.continuation.resume(throwing: CancellationError())
        departure.abandon?()
    }

    /// The values for `keys`, with one call of the origin for all that are neither held nor being
    /// fetched. A key that stands twice is looked up once.
    ///
    /// - Parameter fetchAll: Asks the origin for several keys at once; a key that it leaves out
    ///   has no value, and is not in the result.
    /// - Throws: What `fetchAll`, or a fetch joined, threw; `CancellationError`.
    public func values(
        for keys: some Sequence<Key>,
        fetchAll: @escaping @Sendable ([Key]) async throws -> [Key: Value]
    ) async throws -> [Key: Value] {
        var found: [Key: Value] = [:]
        var lacking: [Key] = []
        for key in Set(keys) {
            if let value = hit(key) { found[key] = value } else { lacking.append(key) }
        }
        guard !lacking.isEmpty else { return found }
        try Task.checkCancellation()
        for key in lacking where Fetching.isFetching(key, of: self) {
            throw CacheError.reentry(name, "\(key)")
        }
        let bulk = Bulk<Key>(expecting: lacking.count)
        return try await withThrowingTaskGroup(of: (Key, Value)?.self) { group in
            for key in lacking {
                group.addTask {
                    do {
                        return (
                            key, try await self.wait { self.begin(key, $0, in: bulk, fetchAll) }
                        )
                    } catch is Absent {
                        return nil
                    }
                }
            }
            for try await pair in group { if let (key, value) = pair { found[key] = value } }
            return found
        }
    }

    private func begin(
        _ key: Key, _ waiter: Waiter<Value>, in bulk: Bulk<Key>,
        _ fetchAll: @escaping @Sendable ([Key]) async throws -> [Key: Value]
    ) {
        let now = clock.now()
        var led: FlightID?
        switch change({ $0.lookup(key, waiter, at: now) }) {
        case .hit(let value): waiter.continuation.resume(returning: value)
        case .stale(let value, let flight):
            waiter.continuation.resume(returning: value)
            led = flight
        case .join: break
        case .lead(let flight): led = flight
        case .failed(let error):
            let isAbsent = renewal?.meaning(of: error) == .absent
            waiter.continuation.resume(throwing: isAbsent ? Absent() : error)
        }
        if let flights = bulk.begun(key, led) { lead(flights, fetchAll) }
    }

    private func lead(
        _ flights: [Key: FlightID],
        _ fetchAll: @escaping @Sendable ([Key]) async throws -> [Key: Value]
    ) {
        let task = Task {
            let began = ContinuousClock.now
            let result = await Fetching.$innermost.withValue(Fetching(self, Set(flights.keys))) {
                await outcome { try await fetchAll(Array(flights.keys)) }
            }
            let took = ContinuousClock.now - began
            for (key, flight) in flights {
                land(
                    flight,
                    result.flatMap { values in
                        values[key].map { .success($0) } ?? .failure(Absent())
                    }, took: took)
            }
        }
        // As long as somebody waits for one of the keys, the call is wanted.
        let wanted = Countdown(flights.count)
        for flight in flights.values {
            attach({ if wanted.isOver() { task.cancel() } }, to: flight)
        }
    }

    // MARK: Changing

    /// Writes a value known from elsewhere; a fetch under way for the key will not replace it.
    public func insert(_ value: Value, for key: Key) {
        let now = clock.now()
        let next = change { store in
            store.insert(value, for: key, at: now)
            return store.latestDeadline
        }
        scheduleSweep(by: next)
    }

    /// Removes the entry of `key`; a fetch under way for it is handed to its waiters and not kept.
    ///
    /// - Parameters:
    ///   - version: Where given, an entry written since then stays.
    ///   - undo: Where given, ``restore(_:by:)`` can put the entry back for 30 s.
    @discardableResult
    public func invalidate(
        _ key: Key, version: UInt64? = nil, undo: UndoID? = nil, by actor: Actor? = nil
    ) -> Invalidation {
        let now = clock.now()
        return change {
            $0.invalidate(key, version: version, undoable: undo, by: actor, at: now)
        }
    }

    /// Removes the entries of `keys`; returns how many there were.
    @discardableResult
    public func invalidate(_ keys: some Sequence<Key>, by actor: Actor? = nil) -> Int {
        keys.reduce(0) { count, key in
            if case .removed = invalidate(key, by: actor) { count + 1 } else { count }
        }
    }

    /// Marks the entry of `key` as stale: it is served until the fetch that the next
    /// ``value(for:)`` starts has landed, and goes where that fails.
    @discardableResult
    public func invalidateSoftly(
        _ key: Key, version: UInt64? = nil, by actor: Actor? = nil
    ) -> Invalidation {
        let now = clock.now()
        return change { $0.soften(key, version: version, by: actor, at: now) }
    }

    /// Ends the entry of `key` where its value has proved to be bad: credentials that the service
    /// does not know any more. Unlike an invalidation it leaves a fetch under way alone, and the
    /// value may still be served as ``Configuration/staleIfError`` says.
    ///
    /// - Parameter isBad: Runs under a lock: it must be quick and must not call the cache.
    @discardableResult
    public func reject(
        _ key: Key, by actor: Actor? = nil, where isBad: (Value) -> Bool
    ) -> Bool {
        let now = clock.now()
        return change { $0.reject(key, where: isBad, by: actor, at: now) }
    }

    /// Removes every entry there is at the call; returns how many. Fetches under way are handed
    /// to their waiters and not kept.
    @discardableResult
    public func invalidateAll(by actor: Actor? = nil) -> Int {
        let last = store.withLock { store in
            store.disownFlights()
            return store.version
        }
        let removed = inSlices(\.shrinking) { store, now in
            store.invalidateAll(upTo: last, limit: Self.slice, by: actor, at: now)
        }
        if removed >= Self.slice { trim() }
        return removed
    }

    /// Puts back what was invalidated under `undo`, unless its key was written since, its life is
    /// over or there is no room; returns how many came back and how many did not.
    @discardableResult
    public func restore(_ undo: UndoID, by actor: Actor? = nil) -> (restored: Int, lost: Int) {
        let now = clock.now()
        let outcome = change { $0.restore(undo, by: actor, at: now) }
        scheduleSweep()
        return outcome
    }

    /// Changes the bounds that are given; they act at once on the entries already there: none is
    /// served that they end, though the last to leave may do so a moment later.
    ///
    /// - Throws: ``CacheError`` where a bound is out of range; nothing is changed then.
    public func set(
        maxsize: Int? = nil, maxbytes: Int? = nil, ttl: Duration? = nil, policy: Policy? = nil,
        by actor: Actor? = nil
    ) throws {
        // Another change of other bounds at the same time is kept: this one is made of what it left.
        while true {
            let old = configuration
            var new = old
            if let maxsize { new.maxsize = maxsize }
            if let maxbytes { new.maxbytes = maxbytes }
            if let ttl { new.ttl = ttl }
            if let policy { new.policy = policy }
            if try install(new, replacing: old, by: actor) { break }
        }
        shrink()
        scheduleSweep()
    }

    public var configuration: Configuration { store.withLock { $0.configuration } }

    /// Changes all bounds, `nil` being no bound; returns the entries that left for it, in order.
    ///
    /// - Parameters:
    ///   - expected: Where given, the bounds that these replace: where others were set meanwhile
    ///     nothing is changed, and ``CacheError/boundsWereChanged(_:)`` is thrown.
    ///   - undo: Where given, ``restore(_:by:)`` can put back for 30 s what left.
    @discardableResult
    public func configure(
        _ new: Configuration, replacing expected: Configuration? = nil, undo: UndoID? = nil,
        by actor: Actor? = nil
    ) throws(CacheError) -> [Victim<Key>] {
        guard try install(new, replacing: expected, by: actor) else {
            throw CacheError.boundsWereChanged(name)
        }
        var removed: [Victim<Key>] = []
        shrink(undo: undo) { removed += $0 }
        scheduleSweep()
        return removed
    }

    /// Sets bounds, in one step; false where those that they are to replace are not there.
    private func install(
        _ new: Configuration, replacing expected: Configuration?, by actor: Actor?
    ) throws(CacheError) -> Bool {
        try new.validate()
        var isInstalled = true
        // What has ended leaves under the old bounds: a longer ttl must not bring it back.
        inSlices(\.expiring) { store, now in
            let expired = store.expire(limit: Self.slice, all: true, at: now)
            guard expired < Self.slice else { return expired }
            if let expected, store.configuration != expected {
                isInstalled = false
            } else {
                store.configure(new, by: actor, at: now)
            }
            return expired
        }
        return isInstalled
    }

    /// Removes what is beyond the bounds; each slice is told with no lock held, since a list that
    /// grows to a million is moved now and then.
    private func shrink(undo: UndoID? = nil, _ told: ([Victim<Key>]) -> Void = { _ in }) {
        var slice: [Victim<Key>] = []
        var total = 0
        repeat {
            inSlices(\.shrinking, atMost: 1) { store, now in
                slice = store.shrink(limit: Self.slice, undoable: undo, at: now)
                return slice.count
            }
            told(slice)
            total += slice.count
        } while slice.count == Self.slice
        if total >= Self.slice { trim() }
    }

    private func trim() { store.withLock { $0.trim() } }

    // MARK: Looking without touching

    public func snapshot() -> Snapshot {
        let now = clock.now()
        return store.withLock { $0.snapshot(at: now) }
    }

    /// The keys whose last fetch failed and is remembered, at most 4,096, in no order.
    public func troubles() -> [(key: Key, trouble: Trouble)] {
        let now = clock.now()
        return store.withLock { $0.troubles.all(at: now) }
    }

    /// When an entry is to be renewed; `nil` where only its end decides.
    package func renewal(of facts: EntryFacts) -> RenewalFacts? {
        guard let marks = renewal?.marks(facts) else { return nil }
        var renewal = RenewalFacts()
        renewal.start = marks.start
        renewal.mandatory = marks.mandatory
        return renewal
    }

    /// What is known of `keys` beyond their entries: fetches under way, and failures.
    package func renewals(of keys: [Key]) -> [RenewalFacts] {
        let now = clock.now()
        return store.withLock { store in keys.map { store.renewal(of: $0, at: now) } }
    }

    /// The keys that a fetch is under way for, or whose last one failed.
    package func restless() -> [(key: Key, trouble: Trouble?)] {
        let now = clock.now()
        return store.withLock { $0.restless(at: now) }
    }

    /// The facts of `key`'s entry, also where it has ended and is kept in case that fetches fail.
    package func facts(of key: Key) -> EntryFacts? { shards.facts(of: key) }

    /// Asks the origin past the cache: nothing is counted, kept or shared.
    package func origin(_ key: Key) async throws -> Value { try await fetch(key) }

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
        let hold = eachSlot { slot, shard in
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
    private func eachSlot(
        _ visit: (UInt32, borrowing Shard<Key, Value>) -> Void, afterSlice: () -> Void = {}
    ) -> Hold {
        var hold = Hold()
        for number in 0..<shards.count {
            var slots: Range<UInt32> = 0..<1
            while !slots.isEmpty {
                slots = shards[number].withLock { shard in
                    let began = Hold.Start()
                    let end = min(slots.lowerBound + 4 * UInt32(Self.slice), shard.slab.slotCount)
                    for slot in slots.lowerBound..<max(end, slots.lowerBound) { visit(slot, shard) }
                    hold.add(since: began)
                    return end..<max(end, shard.slab.slotCount)
                }
                afterSlice()
            }
        }
        return hold
    }

    /// The first events numbered above `number`, at most `limit`.
    public func events(after number: UInt64, limit: Int = .max) -> EventPage<Key> {
        store.withLock { store in
            let began = Hold.Start()
            defer { store.holds.looking.add(since: began) }
            return store.feed.page(after: number, limit: limit)
        }
    }

    /// The number of the latest event; 0 before the first.
    public var lastEvent: UInt64 { store.withLock { $0.feed.last } }

    /// The entries that would leave, in order, if the bounds were `new` now: first those that a
    /// shorter ttl ends, then those that the policy names.
    public func victims(of new: Configuration) -> [Victim<Key>] {
        let now = clock.now()
        let change = Forecast<Key>(new, now: now)
        var staying = (count: 0, bytes: 0)
        var others = 0
        var ended: [Victim<Key>] = []
        let hold = eachSlot { slot, shard in
            guard let entry = change.entry(slot, in: shard) else { return }
            if entry.deadline <= now.nanoseconds {
                others += 1
            } else if entry.newDeadline <= now.nanoseconds {
                others += 1
                ended.append(entry.victim(.expired))
            } else {
                staying.count += 1
                staying.bytes += entry.bytes
            }
        }
        store.withLock { $0.holds.planning.add(hold) }
        ended.sort { $0.version < $1.version }
        let excess = (
            count: staying.count - (new.maxsize ?? .max),
            bytes: staying.bytes - (new.maxbytes ?? .max)
        )
        guard excess.count > 0 || excess.bytes > 0 else { return ended }
        // How many are enough for the bytes is seen only when they are looked at.
        let most = excess.bytes > 0 ? Int.max : excess.count + others
        return ended + change.evictions(order(most, under: new.policy), shards, excess)
    }

    /// The slots that would be freed by `count` evictions, in order.
    private func order(_ count: Int, under policy: Policy) -> [UInt32] {
        walking.withLock { _ in
            let held = store.withLock { $0.beginWalk(under: policy) ? $0.count : nil }
            guard let held else { return plan { $0.victims(count, under: policy) } }
            var slots: [UInt32] = []
            // What is hit on the way is met again at the end; hits that go on and on end nothing.
            var seen: Set<UInt32> = []
            for _ in 0...2 * held / Self.slice where slots.count < min(count, held) {
                let more = plan { $0.walk(4 * Self.slice) }
                for slot in more where seen.insert(slot).inserted { slots.append(slot) }
                if more.count < 4 * Self.slice { break }
            }
            return slots
        }
    }

    private func plan<Found: Sendable>(_ work: (inout Store<Key, Value>) -> Found) -> Found {
        store.withLock { store in
            let began = Hold.Start()
            defer { store.holds.planning.add(since: began) }
            return work(&store)
        }
    }

    // MARK: Expiring

    /// Removes what has reached its deadline; returns how many. It runs by itself within a
    /// moment of each deadline, and within a second of a clock step.
    @discardableResult
    public func expire() -> Int {
        let expired = inSlices(\.expiring) { $0.expire(limit: Self.slice, at: $1) }
        if expired >= 16 * Self.slice { trim() }
        return expired
    }

    /// Entries removed or visited under one hold of a lock.
    private static var slice: Int { 64 }

    /// Repeats a bounded piece of work, releasing the lock in between, until less than a full
    /// slice was left to do.
    @discardableResult
    private func inSlices(
        _ kind: any WritableKeyPath<Holds, Hold> & Sendable, atMost slices: Int = .max,
        _ work: (inout Store<Key, Value>, Instant) -> Int
    ) -> Int {
        let now = clock.now()
        var total = 0
        for _ in 0..<slices {
            let done = change { store in
                let began = Hold.Start()
                defer { store.holds[keyPath: kind].add(since: began) }
                return work(&store, now)
            }
            total += done
            if done < Self.slice { break }
        }
        return total
    }

    /// Changes the store; tells of what left, and drops it, once the lock is free again.
    private func change<Outcome: Sendable>(
        _ work: (inout Store<Key, Value>) -> Outcome
    ) -> Outcome {
        let (outcome, departed, discarded) = store.withLock { store in
            let outcome = work(&store)
            let left = (store.departed, store.discarded)
            store.departed = []
            store.discarded = []
            return (outcome, left.0, left.1)
        }
        _ = discarded
        if let onRemoval { for entry in departed { onRemoval(entry) } }
        return outcome
    }

    /// Makes sure that a sweep comes for a deadline that is new.
    private func scheduleSweep(by deadline: Instant) {
        guard deadline.nanoseconds < nextSweep.load(ordering: .relaxed) else { return }
        scheduleSweep()
    }

    /// Sleeps until the next deadline, but never more than a second: a clock step wakes nobody.
    private func scheduleSweep() {
        guard let deadline = store.withLock({ $0.nextDeadline }) else { return }
        let wake = min(deadline, clock.now() + .seconds(1))
        sweeper.withLock { sweeper in
            guard wake < sweeper.wake else { return }
            sweeper.task?.cancel()
            sweeper.wake = wake
            nextSweep.store(wake.nanoseconds, ordering: .relaxed)
            sweeper.task = Task { [weak self, clock] in
                do { try await clock.sleep(max(wake - clock.now(), .zero)) } catch { return }
                self?.sweep()
            }
        }
    }

    private func sweep() {
        sweeper.withLock {
            $0.wake = .distantFuture
            nextSweep.store(.max, ordering: .relaxed)
        }
        expire()
        scheduleSweep()
    }

    /// Stops the program where the store contradicts itself; for tests.
    package func checkInvariants() { store.withLock { $0.checkInvariants() } }
}

private func outcome<Value>(
    _ work: () async throws -> Value
) async -> Result<Value, any Error> {
    do { return .success(try await work()) } catch { return .failure(error) }
}

/// The one sleep ahead of the next sweep.
private struct Sweeper {
    var wake = Instant.distantFuture
    var task: Task<Void, Never>?
}
