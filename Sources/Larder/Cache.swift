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
/// - a value that has already ended is not kept, and neither is an older one for its key;
/// - writing a key again never evicts more than the write needs;
/// - reading `count` or listing entries removes nothing; expired entries leave by themselves.
///
/// Failures are thrown to everyone who waits and are not remembered. All methods may be called
/// from any thread or task.
public final class Cache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    public typealias Fetch = @Sendable (Key) async throws -> Value

    public let name: String
    public let clock: AgeClock
    private let fetch: Fetch
    private let store: Guarded<Store<Key, Value>>
    private let sweeper = Guarded(Sweeper())

    /// - Parameters:
    ///   - name: By which people and scripts address the cache.
    ///   - maxsize: Most entries held; `nil` for no bound, 0 to hold nothing.
    ///   - ttl: How long an entry may be served after it was written; `nil` for no end but the
    ///     value's own (``Expiring``).
    ///   - events: How many events the feed holds before it overwrites the oldest.
    ///   - fetch: Asks the origin; called once for all callers of a key that is not held.
    public init(
        _ name: String, maxsize: Int? = 128, ttl: Duration? = .seconds(600), events: Int = 4096,
        clock: AgeClock = .system, fetch: @escaping Fetch
    ) {
        let configuration = Configuration(maxsize: maxsize, ttl: ttl)
        do { try configuration.validate() } catch { preconditionFailure("\(name): \(error)") }
        precondition(events > 0, "\(name): a feed holds at least one event")
        self.name = name
        self.clock = clock
        self.fetch = fetch
        let expires = Value.self is any Expiring.Type
        let sized = (Key.self is any ByteSized.Type, Value.self is any ByteSized.Type)
        store = Guarded(
            Store(
                configuration, feedCapacity: events,
                expiryOf: { expires ? ($0 as! any Expiring).expiry : nil },
                heapBytesOf: { key, value in
                    (sized.0 ? (key as! any ByteSized).heapBytes : 0)
                        + (sized.1 ? (value as! any ByteSized).heapBytes : 0)
                }))
    }

    deinit { sweeper.withLock { $0.task?.cancel() } }

    // MARK: Looking up

    /// The value for `key`: a hit, the result of a fetch under way, or a fetch of its own.
    ///
    /// - Throws: What the fetch threw; `CancellationError` where the caller was cancelled, which
    ///   harms no other waiter. The last waiter leaving cancels the fetch.
    public func value(for key: Key) async throws -> Value {
        let now = clock.now()
        if let value = store.withLock({ $0.hit(key, at: now) }) { return value }
        try Task.checkCancellation()
        let id = WaiterID()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                begin(key, Waiter(id: id, continuation: continuation))
                // The handler may have run before there was a waiter to find.
                if Task.isCancelled { leave(id) }
            }
        } onCancel: {
            leave(id)
        }
    }

    /// The value held for `key`, or `nil`; never fetches. Counts as a look-up.
    public func cached(_ key: Key) -> Value? {
        let now = clock.now()
        return store.withLock { $0.cached(key, at: now) }
    }

    private func begin(_ key: Key, _ waiter: Waiter<Value>) {
        let now = clock.now()
        switch store.withLock({ $0.lookup(key, waiter, at: now) }) {
        case .hit(let value): waiter.continuation.resume(returning: value)
        case .join: break
        case .lead(let flight): lead(flight, key)
        }
    }

    private func lead(_ flight: FlightID, _ key: Key) {
        let task = Task {
            var result: Result<Value, any Error>
            let began = ContinuousClock.now
            do { result = .success(try await fetch(key)) } catch { result = .failure(error) }
            land(flight, result, took: ContinuousClock.now - began)
        }
        if !store.withLock({ $0.attach(task, to: flight) }) { task.cancel() }
    }

    private func land(_ flight: FlightID, _ result: Result<Value, any Error>, took: Duration) {
        let now = clock.now()
        let waiters = store.withLock { $0.land(flight, result, took: took, at: now) }
        scheduleSweep()
        for waiter in waiters { waiter.continuation.resume(with: result) }
    }

    private func leave(_ id: WaiterID) {
        guard let departure = store.withLock({ $0.leave(id) }) else { return }
        departure.waiter.continuation.resume(throwing: CancellationError())
        departure.abandoned?.cancel()
    }

    // MARK: Changing

    /// Writes a value known from elsewhere; a fetch under way for the key will not replace it.
    public func insert(_ value: Value, for key: Key) {
        let now = clock.now()
        store.withLock { $0.insert(value, for: key, at: now) }
        scheduleSweep()
    }

    /// Removes the entry of `key`; a fetch under way for it is handed to its waiters and not kept.
    ///
    /// - Parameter version: Where given, an entry written since then stays.
    @discardableResult
    public func invalidate(
        _ key: Key, version: UInt64? = nil, by actor: Actor? = nil
    ) -> Invalidation {
        let now = clock.now()
        return store.withLock { $0.invalidate(key, version: version, by: actor, at: now) }
    }

    /// Removes the entries of `keys`; returns how many there were.
    @discardableResult
    public func invalidate(_ keys: some Sequence<Key>, by actor: Actor? = nil) -> Int {
        keys.reduce(0) { count, key in
            if case .removed = invalidate(key, by: actor) { count + 1 } else { count }
        }
    }

    /// Removes every entry there is at the call; returns how many. Fetches under way are handed
    /// to their waiters and not kept.
    @discardableResult
    public func invalidateAll(by actor: Actor? = nil) -> Int {
        let last = store.withLock { store in
            store.disownFlights()
            return store.version
        }
        return inSlices { store, now in
            store.invalidateAll(upTo: last, limit: Self.slice, by: actor, at: now)
        }
    }

    /// Changes the bounds that are given; they act at once on the entries already there.
    ///
    /// - Throws: ``CacheError`` where a bound is out of range; nothing is changed then.
    public func set(maxsize: Int? = nil, ttl: Duration? = nil, by actor: Actor? = nil) throws {
        var new = configuration
        if let maxsize { new.maxsize = maxsize }
        if let ttl { new.ttl = ttl }
        try configure(new, by: actor)
    }

    public var configuration: Configuration { store.withLock { $0.configuration } }

    /// Changes both bounds, `nil` being no bound; returns the entries that left for it, in order.
    @discardableResult
    public func configure(
        _ new: Configuration, by actor: Actor? = nil
    ) throws(CacheError) -> [Victim<Key>] {
        try new.validate()
        // What has ended leaves under the old bounds: a longer ttl must not bring it back.
        inSlices { store, now in
            let expired = store.expire(limit: Self.slice, at: now)
            if expired < Self.slice { store.configure(new, by: actor, at: now) }
            return expired
        }
        var removed: [Victim<Key>] = []
        inSlices { store, now in
            let slice = store.shrink(limit: Self.slice, at: now)
            removed += slice
            return slice.count
        }
        scheduleSweep()
        return removed
    }

    // MARK: Looking without touching

    public func snapshot() -> Snapshot {
        let now = clock.now()
        return store.withLock { $0.snapshot(at: now) }
    }

    /// The live value and the facts of `key`'s entry; changes neither order nor counters.
    public func peek(_ key: Key) -> (value: Value, facts: EntryFacts)? {
        let now = clock.now()
        return store.withLock { $0.peek(key, at: now) }
    }

    /// Visits every entry there is at the call, in no particular order, a bounded slice under the
    /// lock at a time; entries written meanwhile are left out. `visit` runs under the lock: it
    /// must be quick and must not call the cache.
    public func survey(_ visit: (Key, EntryFacts) -> Void) {
        let (last, slots) = store.withLock { ($0.version, $0.slotCount) }
        for start in stride(from: 0, to: slots, by: Self.slice) {
            store.withLock { $0.survey(start..<start + Self.slice, upTo: last, visit) }
        }
    }

    /// The first events numbered above `number`, at most `limit`.
    public func events(after number: UInt64, limit: Int = .max) -> EventPage<Key> {
        store.withLock { $0.feed.page(after: number, limit: limit) }
    }

    /// The number of the latest event; 0 before the first.
    public var lastEvent: UInt64 { store.withLock { $0.feed.last } }

    /// The entries that would leave, in order, if the bounds were `new` now.
    public func victims(of new: Configuration) -> [Victim<Key>] {
        let now = clock.now()
        return store.withLock { $0.victims(of: new, at: now) }
    }

    // MARK: Expiring

    /// Removes what has reached its deadline; returns how many. It runs by itself within a
    /// moment of each deadline, and within a second of a clock step.
    @discardableResult
    public func expire() -> Int {
        inSlices { $0.expire(limit: Self.slice, at: $1) }
    }

    /// Entries removed or visited under one hold of the lock.
    private static var slice: Int { 512 }

    /// Repeats a bounded piece of work, releasing the lock in between, until less than a full
    /// slice was left to do.
    @discardableResult
    private func inSlices(_ work: (inout Store<Key, Value>, Instant) -> Int) -> Int {
        let now = clock.now()
        var total = 0
        while true {
            let done = store.withLock { work(&$0, now) }
            total += done
            if done < Self.slice { return total }
        }
    }

    /// Sleeps until the next deadline, but never more than a second: a clock step wakes nobody.
    private func scheduleSweep() {
        guard let deadline = store.withLock({ $0.nextDeadline }) else { return }
        let wake = min(deadline, clock.now() + .seconds(1))
        sweeper.withLock { sweeper in
            guard wake < sweeper.wake else { return }
            sweeper.task?.cancel()
            sweeper.wake = wake
            sweeper.task = Task { [weak self, clock] in
                do { try await clock.sleep(max(wake - clock.now(), .zero)) } catch { return }
                self?.sweep()
            }
        }
    }

    private func sweep() {
        sweeper.withLock { $0.wake = .distantFuture }
        expire()
        scheduleSweep()
    }

    /// Stops the program where the store contradicts itself; for tests.
    package func checkInvariants() { store.withLock { $0.checkInvariants() } }
}

/// The one sleep ahead of the next sweep.
private struct Sweeper {
    var wake = Instant.distantFuture
    var task: Task<Void, Never>?
}
