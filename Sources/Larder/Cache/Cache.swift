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
/// A fetch runs with the task locals and the priority of the caller who started it; whoever joins
/// with a higher one raises it. Where that is wrong, have the fetch do its work in a detached task.
///
/// Failures are thrown to everyone who waits. They are remembered where bounds or a ``Refresh`` say
/// so: ``CacheConfiguration/staleIfError``, ``CacheConfiguration/negativeTTL``. All methods may be called
/// from any thread or task. `==` and `hash(into:)` of keys run under a lock: they must not call
/// the cache, and neither must the deinit of what a key holds. Every other function that is handed
/// over, and every property that a value is asked for, runs with no lock held and may call it. A key
/// that is not equal to itself (`Double.nan`) is fetched for each look-up and never held.
public final class Cache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Asks the origin for the value of a key. What it throws goes to all who wait for it, unless a
    /// value may be served in spite of the failure.
    public typealias Fetch = @Sendable (Key) async throws -> Value
    /// Is told of an entry that left.
    public typealias RemovalListener = @Sendable (RemovedEntry<Key, Value>) -> Void

    /// By which people and scripts address the cache.
    public let name: String
    /// By which entries age, and by which events and snapshots are dated.
    public let clock: AgeClock
    @usableFromInline let shards: Shards<Key, Value>
    /// `nil` where each look-up brings its own.
    let fetch: Fetch?
    /// How long its fetches may take, and how many may be under way.
    public let limits: FetchLimits
    let turns: FetchTurns?
    private let onRemoval: RemovalListener?
    let traits: Traits<Key, Value>
    let refresh: Refresh?
    let store: Guarded<Store<Key, Value>>
    let sweeper = Guarded(Sweeper())
    /// It has a lock of its own: whoever reads an hour of samples is in nobody's way.
    let chronicle = Guarded(Chronicle())
    let nextSweep = Atomic(Int64.max)
    let followers = Followers()
    /// Held during a walk through what the policy knows: there is one walk at a time.
    let walking = Guarded(())
    /// Declared last, so that it goes last: what the store had is released before it.
    private let last = GivesBack()

    /// Impossible bounds end the program with a sentence: have bounds that come from outside
    /// checked by ``CacheConfiguration/validate()`` first.
    ///
    /// - Parameters:
    ///   - name: By which people and scripts address the cache.
    ///   - maxsize: Most entries held; `nil` for no bound, 0 to hold nothing.
    ///   - maxbytes: Most bytes held: keys, values and the engine's own record of them. It needs
    ///     keys and values that tell their size (``ByteSized``), or a weigher.
    ///   - ttl: How long an entry may be served after it was written; `nil` for no end but the
    ///     value's own (``Expiring``).
    ///   - jitter: The part of the ttl by which entries may live shorter, 0 to 1.
    ///   - policy: Who goes where there is no room.
    ///   - lifetime: How long a value may be served, from what it is; never longer than the ttl.
    ///   - weigher: How many bytes a key and its value own on the heap together, in place of what
    ///     they say themselves.
    ///   - refresh: How entries are refreshed before their end, and what failures mean.
    ///   - limits: How long a fetch may take, and how many may be under way at once.
    ///   - events: How many events the feed holds before it overwrites the oldest; 0 for no feed.
    ///   - foresight: Whether look-ups are recorded, in up to 1 MiB, so that ``lookUps(over:)`` has
    ///     something to go by.
    ///   - clock: By which entries age, and by which events and snapshots are dated.
    ///   - onRemoval: Called for every entry that left, with the cause, soon after; no lock is
    ///     held, so that it may call the cache. It runs on the thread of whoever made the entry
    ///     leave, who waits for it: hand longer work on.
    ///   - fetch: Asks the origin; called once for all callers of a key that is not held. `nil` where
    ///     each look-up brings its own, by ``value(for:fetch:)``.
    public convenience init(
        _ name: String, maxsize: Int? = 128, maxbytes: Int? = nil, ttl: Duration? = .seconds(600),
        jitter: Double = 0, policy: Policy = .lru,
        lifetime: (@Sendable (Key, Value) -> Duration?)? = nil,
        weigher: (@Sendable (Key, Value) -> Int)? = nil, refresh: Refresh? = nil,
        limits: FetchLimits = FetchLimits(), events: Int = 4096, foresight: Bool = true,
        clock: AgeClock = .system, onRemoval: RemovalListener? = nil, fetch: Fetch?
    ) {
        self.init(
            name,
            CacheConfiguration(
                maxsize: maxsize, maxbytes: maxbytes, ttl: ttl, jitter: jitter, policy: policy),
            lifetime: lifetime, weigher: weigher, refresh: refresh, limits: limits,
            events: events, foresight: foresight, clock: clock,
            onRemoval: onRemoval, fetch: fetch)
    }

    /// As the other one, with all bounds in one.
    public convenience init(
        _ name: String, _ configuration: CacheConfiguration,
        lifetime: (@Sendable (Key, Value) -> Duration?)? = nil,
        weigher: (@Sendable (Key, Value) -> Int)? = nil, refresh: Refresh? = nil,
        limits: FetchLimits = FetchLimits(), events: Int = 4096, foresight: Bool = true,
        clock: AgeClock = .system, onRemoval: RemovalListener? = nil, fetch: Fetch?
    ) {
        self.init(
            name, configuration, lifetime: lifetime, weigher: weigher, refresh: refresh,
            limits: limits, events: events, foresight: foresight, clock: clock,
            shardBits: SystemClock.shardBits, onRemoval: onRemoval, fetch: fetch)
    }

    /// A cache without a fetch of its own: it is handed one at each look-up, by
    /// ``value(for:fetch:)``, or values are written by ``insert(_:for:)``.
    ///
    /// ``value(for:)`` throws a ``CacheError`` where the key is not held.
    public convenience init(
        _ name: String, maxsize: Int? = 128, maxbytes: Int? = nil, ttl: Duration? = .seconds(600),
        jitter: Double = 0, policy: Policy = .lru, refresh: Refresh? = nil,
        limits: FetchLimits = FetchLimits(), events: Int = 4096, clock: AgeClock = .system
    ) {
        self.init(
            name,
            CacheConfiguration(
                maxsize: maxsize, maxbytes: maxbytes, ttl: ttl, jitter: jitter, policy: policy),
            refresh: refresh, limits: limits, events: events, clock: clock, fetch: nil)
    }

    /// As the other one without a fetch, with all bounds in one.
    public convenience init(
        _ name: String, _ configuration: CacheConfiguration, refresh: Refresh? = nil,
        limits: FetchLimits = FetchLimits(), events: Int = 4096, clock: AgeClock = .system
    ) {
        self.init(
            name, configuration, refresh: refresh, limits: limits, events: events, clock: clock,
            fetch: nil)
    }

    /// As the public ones, with the number of shards said, 2 to the power of `shardBits`.
    package init(
        _ name: String, _ configuration: CacheConfiguration,
        lifetime: (@Sendable (Key, Value) -> Duration?)? = nil,
        weigher: (@Sendable (Key, Value) -> Int)? = nil, refresh: Refresh? = nil,
        limits: FetchLimits = FetchLimits(), events: Int = 4096, foresight: Bool = true,
        clock: AgeClock, shardBits: UInt32, onRemoval: RemovalListener? = nil, fetch: Fetch?
    ) {
        precondition(events >= 0, "\(name): a feed holds 0 events or more")
        precondition(limits.atOnce ?? 1 > 0, "\(name): 1 fetch or more may be under way at once")
        precondition(limits.time ?? .zero >= .zero, "\(name): a fetch may take 0 s or more")
        self.limits = limits
        turns = limits.atOnce.map { FetchTurns($0) }
        self.name = name
        self.clock = clock
        self.fetch = fetch
        self.onRemoval = onRemoval
        self.refresh = refresh
        traits = Traits(
            lifetime: lifetime, weigher: weigher, refresh: refresh, foresight: foresight)
        do { try traits.validate(configuration) } catch { preconditionFailure("\(name): \(error)") }
        shards = Shards(bits: shardBits, hasOwnGates: refresh != nil)
        store = Guarded(
            Store(
                configuration, feedCapacity: events, shards: shards, traits: traits,
                foresight: foresight, at: clock.now()))
    }

    deinit {
        sweeper.withLock { $0.task?.cancel() }
        shards.deallocate()
    }

    // MARK: Looking up

    // On the caller's own executor: a hit from the main actor would else take two hops.
    /// The value for `key`: a hit, the result of a fetch under way, or a fetch of its own.
    ///
    /// - Throws: What the fetch threw; `CancellationError` where the caller was cancelled, which
    ///   harms no other waiter (the last one leaving cancels the fetch); ``CacheError`` where the
    ///   caller is itself the fetch for that key, or one that the fetch for that key waits for;
    ///   ``NoSuchValue`` where an answer for several keys left this one out.
    @inlinable
    nonisolated(nonsending) public func value(for key: Key) async throws -> Value {
        if let value = hit(key) { return value }
        return try await fetched(key)
    }

    /// The value held for `key`, or `nil`; never fetches. Counts as a look-up.
    ///
    /// Like ``value(for:)`` it may serve a value past its end where the last fetch failed.
    @inlinable
    public func cached(_ key: Key) -> Value? {
        let hash = shards.hash(key)
        var isHeld = true
        if let value = hit(key, hash, &isHeld) { return value }
        return isHeld ? missed(key, hash) : missed(hash)
    }

    // A function of its own: what it needs would else lie in the frame of the suspended call.
    @inlinable
    func hit(_ key: Key) -> Value? {
        var isHeld = true
        return hit(key, shards.hash(key), &isHeld)
    }

    @inlinable @inline(__always)
    func hit(_ key: Key, _ hash: UInt64, _ isHeld: inout Bool) -> Value? {
        let mark = Shards<Key, Value>.mark(hash)
        let now = clock.now().nanoseconds
        var isFull = false
        let value = shards[shards.number(hash)].withLock { shard in
            isFull = shard.touchCount >= Shard<Key, Value>.manyTouches - 1
            return shard.hit(key, mark, at: now, &isHeld)
        }
        if isFull { settle(shards.number(hash)) }
        return value
    }

    /// Settles the notes of all shards, because one has many.
    @usableFromInline
    func settle(_ number: Int) {
        let now = clock.now()
        func settle(_ store: inout Store<Key, Value>) {
            store.settle(isFull: true)
            store.resumeRecording(at: now.nanoseconds)
        }
        // Whoever holds the store may be about to settle: there is some room to wait for that.
        if store.withLockIfAvailable({ settle(&$0) }) != nil { return }
        let isCrowded = shards[number].withLock {
            $0.touchCount >= 2 * Shard<Key, Value>.manyTouches - 8
        }
        if isCrowded { store.withLock { settle(&$0) } }
    }

    @usableFromInline
    func missed(_ key: Key, _ hash: UInt64) -> Value? {
        let now = clock.now()
        return change { $0.cached(key, hash, at: now) }
    }

    /// A look-up of a key that nothing is held for.
    @usableFromInline
    func missed(_ hash: UInt64) -> Value? {
        let now = clock.now()
        store.withLock { $0.missed(hash, at: now) }
        return nil
    }

    @usableFromInline
    func fetched(_ key: Key) async throws -> Value {
        guard let fetch else {
            // A flight is not started: a caller with a fetch would join it and get our error.
            guard let value = cached(key) else { throw CacheError.noFetch(name) }
            return value
        }
        return try await fetched(key, fetch)
    }

    func fetched(_ key: Key, _ fetch: @escaping Fetch) async throws -> Value {
        try checkEntry(key)
        let hash = shards.hash(key)
        return try await wait { waiter in
            switch begin(key, hash, waiter) {
            case .stale(let value, let flight):
                waiter.continuation.resume(returning: value)
                lead(flight, fetch)
            case .lead(let flight) where Fetching.innermost == nil: leadAtOnce(flight, fetch)
            case .lead(let flight): lead(flight, fetch)
            case .hit, .join, .failed, .due: break
            }
        }
    }

    /// - Throws: `CancellationError` where the caller is cancelled; ``CacheError`` where it is the
    ///   fetch of the very key.
    func checkEntry(_ key: Key) throws {
        try Task.checkCancellation()
        if Fetching.innermost != nil, Fetching.isFetching(key, of: self) {
            throw CacheError.reentry(name, "\(key)")
        }
    }

    /// Waits for a flight that `begin` finds or starts.
    func wait(
        _ waiter: Waiter<Key, Value> = Waiter(), _ begin: (Waiter<Key, Value>) -> Void
    ) async throws -> Value {
        defer { waiter.endWait() }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                waiter.continuation = continuation
                begin(waiter)
                // The handler may have run before there was a waiter to find.
                if Task.isCancelled { leave(waiter, CancellationError()) }
            }
        } onCancel: {
            leave(waiter, CancellationError())
        }
    }

    /// Looks `key` up. Answers a waiter that need not wait, and one that would wait for ever.
    func begin(
        _ key: Key, _ hash: UInt64, _ waiter: Waiter<Key, Value>
    ) -> Lookup<Key, Value> {
        let now = clock.now()
        var lookup = look(key, hash, waiter, nil, at: now)
        while case .due(let due) = lookup {
            lookup = look(key, hash, waiter, due.marks(traits.refresh), at: now)
        }
        switch lookup {
        case .hit(let value): waiter.continuation.resume(returning: value)
        case .failed(let error): waiter.continuation.resume(throwing: error)
        case .join(let flight), .lead(let flight): expect(flight, waiter)
        case .stale, .due: break
        }
        return lookup
    }

    /// Notes that the present task waits for a flight, which is raised to its priority; answers the
    /// waiter where it would wait for ever.
    func expect(_ flight: Flight<Key, Value>, _ waiter: Waiter<Key, Value>) {
        guard waiter.beginWait(for: flight) else {
            let waiting = Fetching.innermost?.shownKey ?? ""
            leave(waiter, CacheError.circle(name, waiting, "\(flight.key)"))
            return
        }
        if Fetching.innermost != nil { turns?.letIn(flight) }
        let priority = Task.currentPriority
        if priority > flight.firstPriority {
            store.withLock { $0.raise(flight, to: priority) }?(priority)
        }
    }

    private func look(
        _ key: Key, _ hash: UInt64, _ waiter: Waiter<Key, Value>, _ marks: Due.Marks?,
        at now: AgeInstant
    ) -> Lookup<Key, Value> {
        change { $0.lookup(key, hash, waiter, marks, of: ObjectIdentifier(self), at: now) }
    }

    func leave(_ waiter: Waiter<Key, Value>, _ error: any Error) {
        let now = clock.now()
        let (isOut, abandon) = store.withLock { $0.leave(waiter, at: now) }
        guard isOut else { return }
        waiter.continuation.resume(throwing: error)
        abandon?()
    }

    // MARK: Fetching

    /// Starts a fetch on the pool.
    func lead(_ flight: Flight<Key, Value>, _ fetch: @escaping Fetch) {
        attach(Task { await run(flight, fetch) }, to: flight)
    }

    /// Starts a fetch on the caller's thread, which it leaves where it first waits: the caller has
    /// to wait for it anyway, and is spared two hand-overs. Fetches in fetches are not started like
    /// this, since each would take its place on one stack.
    private func leadAtOnce(_ flight: Flight<Key, Value>, _ fetch: @escaping Fetch) {
        attach(Task.immediate { await run(flight, fetch) }, to: flight)
    }

    private func run(_ flight: Flight<Key, Value>, _ fetch: @escaping Fetch) async {
        let began = SystemClock.precise()
        let result = await Fetching.$innermost.withValue(flight) {
            await outcome {
                guard limits != FetchLimits() else { return try await fetch(flight.key) }
                return try await limits.run(flight, turns, clock) { try await fetch(flight.key) }
            }
        }
        land(flight, result, took: .nanoseconds(SystemClock.precise() - began))
    }

    private func attach(_ task: Task<Void, Never>, to flight: Flight<Key, Value>) {
        attach({ task.cancel() }, { task.escalatePriority(to: $0) }, to: flight)
    }

    func attach(
        _ abandon: @escaping Abandon, _ raise: @escaping Raise, to flight: Flight<Key, Value>
    ) {
        let priority = store.withLock { $0.attach(abandon, raise, to: flight) }
        guard let priority else { return abandon() }
        // Somebody may have joined before there was a task to raise.
        if priority > flight.firstPriority { raise(priority) }
    }

    func land(
        _ flight: Flight<Key, Value>, _ result: Result<Value, any Error>, took: Duration
    ) {
        let now = clock.now()
        switch result {
        case .success(let value):
            var arrival = arrival(value, flight.key, flight.hash, took: took.nanoseconds, at: now)
            let waiters = write { store, drains in
                store.land(flight, &arrival, drains: drains, at: now)
            }
            for waiter in waiters { waiter.continuation.resume(returning: value) }
        case .failure(let error):
            let failing = Failing(error, traits.refresh)
            let (waiters, value) = change { $0.land(flight, failing, took: took, at: now) }
            for waiter in waiters {
                let served = waiter.insists ? nil : value
                waiter.continuation.resume(with: served.map { .success($0) } ?? .failure(error))
            }
        }
    }

    /// A value with all that it, its key and the cache's own functions have to say of it.
    func arrival(
        _ value: Value, _ key: Key, _ hash: UInt64, took: Int64?, at now: AgeInstant
    ) -> Arrival<Value> {
        let bytes = traits.bytes(key, value)
        // Whoever waits for a large value does not wait for its hash too.
        let isCompared = took != nil && bytes <= 1 << 16
        return Arrival(
            value: value, hash: hash, expiry: traits.expiry(key, value, now)?.nanoseconds,
            bytes: bytes, took: took, print: isCompared ? traits.fingerprint?(value) : nil)
    }

    // MARK: Changing the store

    /// Changes the store; tells of what left, and drops it, once the lock is free again.
    ///
    /// - Parameter count: How many entries may leave, where that is many: they are given room
    ///   before the lock is taken.
    func change<Outcome: Sendable>(
        removing count: Int = 0, _ work: (inout Store<Key, Value>) -> Outcome
    ) -> Outcome {
        let room = Departures<Key, Value>.Taken(room: count)
        var left: Left<Key, Value>?
        let (outcome, wake, isNews) = store.withLock { store in
            let last = store.feed.last
            store.departed.use(room)
            let outcome = work(&store)
            if store.hasLeft { left = store.takeLeft() }
            return (outcome, store.wake, store.feed.last != last)
        }
        if wake < nextSweep.load(ordering: .relaxed) { scheduleSweep() }
        if isNews { followers.wake() }
        left?.departed.drop(onRemoval)
        Block.giveBack()
        return outcome
    }

    /// As ``change(_:)``, where the time that the lock is held for it is counted.
    func held<Outcome: Sendable>(
        for kind: any WritableKeyPath<Holds, Hold> & Sendable, removing count: Int = 0,
        _ work: (inout Store<Key, Value>) -> Outcome
    ) -> Outcome {
        change(removing: count) { store in
            let began = Hold.Start()
            defer { store.holds[keyPath: kind].add(since: began) }
            return work(&store)
        }
    }

    /// Writes. Where more has to be removed than one hold of the lock may, that is done in several.
    /// Others who write meanwhile do not wait for it: they exceed the bounds for that long.
    ///
    /// - Parameter work: Returns `nil` where it is to be called again; is told whether the caller
    ///   is among those who remove what is beyond the bounds.
    func write<Outcome: Sendable>(
        _ work: (inout Store<Key, Value>, _ drains: Bool) -> Outcome?
    ) -> Outcome {
        let outcome: Outcome? = change { store in
            let outcome = work(&store, false)
            if outcome == nil { store.drainers += 1 }
            return outcome
        }
        if let outcome { return outcome }
        while true {
            let outcome: Outcome? = held(for: \.writing, removing: Store<Key, Value>.slice) {
                store in
                let outcome = work(&store, true)
                if outcome != nil { store.drainers -= 1 }
                return outcome
            }
            if let outcome { return outcome }
        }
    }

    /// Stops the program where the store contradicts itself; for tests.
    package func checkInvariants() { store.withLock { $0.checkInvariants() } }
}

private final class GivesBack: Sendable {
    deinit { Block.giveBack() }
}

func outcome<Value>(_ work: () async throws -> Value) async -> Result<Value, any Error> {
    do { return .success(try await work()) } catch { return .failure(error) }
}
