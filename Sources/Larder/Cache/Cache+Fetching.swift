extension Cache {
    /// As ``value(for:)``, with a fetch of the caller's own in place of the cache's: for a cache
    /// that was made without one, in an actor's `init` say, or for a fetch that needs what only the
    /// caller has.
    ///
    /// ```swift
    /// actor Accounts {
    ///     private let cache = Cache<String, Account>("accounts", maxsize: 64, ttl: .seconds(300))
    ///
    ///     func account(_ number: String) async throws -> Account {
    ///         try await cache.value(for: number) { try await self.read(number) }
    ///     }
    /// }
    /// ```
    ///
    /// One call of a fetch serves all callers of a key that is not held: it is the first caller's
    /// fetch. It runs on that caller's priority, raised to that of whoever joins, and with that
    /// caller's task locals.
    nonisolated(nonsending) public func value(
        for key: Key, fetch: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        if let value = hit(key) { return value }
        return try await fetched(key) { _ in try await fetch() }
    }

    /// Fetches the value of `key` now and returns it; joins a fetch that is under way for it. What
    /// is held is served to others until the new value has landed. Where the fetch fails in passing
    /// it stays. Where the origin has no such thing it goes, and so does an entry that was marked
    /// as stale where the origin refuses. None of this counts as a look-up.
    ///
    /// - Throws: What the fetch threw, whatever is held; `CancellationError` and ``CacheError`` as
    ///   ``value(for:)``. A failure that is remembered does not keep the fetch back.
    @discardableResult
    nonisolated(nonsending) public func refresh(_ key: Key) async throws -> Value {
        guard let fetch else { throw CacheError.noFetch(name) }
        return try await refreshed(key, fetch)
    }

    /// As ``refresh(_:)``, with a fetch of the caller's own.
    @discardableResult
    nonisolated(nonsending) public func refresh(
        _ key: Key, fetch: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await refreshed(key) { _ in try await fetch() }
    }

    private func refreshed(_ key: Key, _ fetch: @escaping Fetch) async throws -> Value {
        try checkEntry(key)
        let (now, hash) = (clock.now(), shards.hash(key))
        return try await wait(Waiter(insists: true)) { waiter in
            let (flight, isNew) = change {
                $0.refresh(key, hash, waiter, of: ObjectIdentifier(self), at: now)
            }
            expect(flight, waiter)
            if isNew { lead(flight, fetch) }
        }
    }

    /// Writes `value` unless the key has a live entry; returns the value that is held for it then,
    /// or `nil` where it was written, or could not be kept. A fetch under way for the key will not replace it.
    @discardableResult
    public func insertIfAbsent(_ value: Value, for key: Key) -> Value? {
        while true {
            if let held = peek(key)?.value { return held }
            if insert(value, for: key, replacing: nil) { return nil }
        }
    }

    /// Hands `change` the value that is held for `key`, or `nil`, and writes what it returns; where
    /// it returns `nil` the entry is removed. Returns the same, held or not kept.
    ///
    /// `change` runs with no lock held. It is called again where the key was written meanwhile.
    @discardableResult
    public func compute(
        _ key: Key, _ change: (Value?) throws -> Value?
    ) rethrows -> Value? {
        while true {
            let held = peek(key)
            if let new = try change(held?.value) {
                if insert(new, for: key, replacing: held?.facts.version) { return new }
            } else if let held {
                if case .removed = invalidate(key, version: held.facts.version) { return nil }
            } else {
                return nil
            }
        }
    }

    /// Writes a value where the version of the live entry is still `version`; `nil` for no entry.
    private func insert(_ value: Value, for key: Key, replacing version: UInt64?) -> Bool {
        let now = clock.now()
        var expected = version
        var arrival = arrival(value, key, shards.hash(key), took: nil, at: now)
        return write { store, drains -> Bool? in
            guard store.liveVersion(of: key, arrival.hash, at: now) == expected else {
                return false
            }
            if store.insert(&arrival, for: key, drains: drains, at: now) { return true }
            // The older value may have gone to make room for this one.
            expected = store.liveVersion(of: key, arrival.hash, at: now)
            return nil
        }
    }
}
