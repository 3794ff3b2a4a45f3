import Synchronization

extension Cache {
    /// Writes a value known from elsewhere; a fetch under way for the key will not replace it.
    public func insert(_ value: Value, for key: Key) {
        let now = clock.now()
        var arrival = arrival(value, key, shards.hash(key), took: nil, at: now)
        _ = write { store, drains -> Bool? in
            store.insert(&arrival, for: key, drains: drains, at: now) ? true : nil
        }
    }

    /// Removes the entry of `key`; a fetch under way for it is handed to its waiters and not kept.
    ///
    /// - Parameters:
    ///   - key: Whose entry goes.
    ///   - version: Where given, an entry written since then stays.
    ///   - undo: Where given, ``restore(_:by:)`` can put the entry back for
    ///     ``UndoID/window``.
    ///   - actor: Who asks for it, as the event names them; `nil` for the program itself.
    @discardableResult
    public func invalidate(
        _ key: Key, version: UInt64? = nil, undo: UndoID? = nil, by actor: Operator? = nil
    ) -> Invalidation {
        let (now, hash) = (clock.now(), shards.hash(key))
        return change {
            $0.invalidate(key, hash, version: version, undoable: undo, by: actor, at: now)
        }
    }

    /// Forgets that fetches of `key` failed, so that the next look-up asks the origin; an entry stays.
    /// A fetch under way for it is handed to its waiters and not kept.
    ///
    /// - Returns: What was remembered; `nil` where nothing was.
    @discardableResult
    public func forgetFailure(of key: Key, by actor: Operator? = nil) -> Trouble? {
        let (now, hash) = (clock.now(), shards.hash(key))
        return change { $0.forgetFailure(of: key, hash, by: actor, at: now) }
    }

    /// Removes the entries of `keys`, and forgets failures of theirs; returns of how many keys there
    /// was one or the other. A fetch under way for one of them is handed to its waiters and not
    /// kept; it does not count.
    @discardableResult
    public func invalidate(_ keys: some Sequence<Key>, by actor: Operator? = nil) -> Int {
        keys.reduce(0) { count, key in
            if case .removed = invalidate(key, by: actor) { count + 1 } else { count }
        }
    }

    /// Marks the entry of `key` as stale: it is served until the fetch that the next
    /// ``value(for:)`` starts has landed. Where that fails in passing it is served on, to its end,
    /// and fetched again after a pause; where the origin refuses, or has no such thing, it goes.
    @discardableResult
    public func invalidateSoftly(
        _ key: Key, version: UInt64? = nil, by actor: Operator? = nil
    ) -> Invalidation {
        let (now, hash) = (clock.now(), shards.hash(key))
        return change { $0.soften(key, hash, version: version, by: actor, at: now) }
    }

    /// Ends the entry of `key` where its value has proved to be bad: credentials that the service
    /// does not know any more. Unlike an invalidation it leaves a fetch under way alone, and the
    /// value may still be served as ``CacheConfiguration/staleIfError`` says.
    ///
    /// - Parameters:
    ///   - key: Whose entry ends.
    ///   - actor: Who asks for it, as the event names them; `nil` for the program itself.
    ///   - isBad: Called with no lock held; again, where the value is another meanwhile.
    @discardableResult
    public func reject(
        _ key: Key, by actor: Operator? = nil, where isBad: (Value) -> Bool
    ) -> Bool {
        let (now, hash) = (clock.now(), shards.hash(key))
        while let (value, version) = shards.held(key, hash) {
            guard isBad(value) else { return false }
            let isEnded = change { $0.reject(key, hash, version: version, by: actor, at: now) }
            if isEnded { return true }
        }
        return false
    }

    /// Removes every entry there is at the call; returns how many. Fetches under way are handed
    /// to their waiters and not kept.
    @discardableResult
    public func invalidateAll(by actor: Operator? = nil) -> Int {
        let now = clock.now()
        let last = change { store in
            store.disownAll()
            store.settle()
            store.noteCleared(at: now)
            return store.version
        }
        let removed = inSlices(of: \.shrinking) {
            $0.invalidateAll(upTo: last, limit: $1, by: actor, at: now)
        }
        if removed >= Store<Key, Value>.slice { trim() }
        return removed
    }

    /// Has what is being fetched handed to those who wait for it and not kept: whoever asks from now on
    /// has it fetched anew.
    package func disownFetches() { change { $0.era += 1 } }

    /// Removes the entries that `isBad` names, and returns how many. Entries that have ended and
    /// are kept in case fetches fail are looked at too. Entries written since the call began stay,
    /// unless they replace one that was to be looked at and `isBad` names them as well.
    ///
    /// `isBad` runs with no lock held, once for each version of an entry.
    @discardableResult
    public func invalidateAll(
        by actor: Operator? = nil, where isBad: (Key, Value) throws -> Bool
    ) rethrows -> Int {
        // What has ended may still be served where fetches fail.
        let ended = clock.now() + (.zero - configuration.staleIfError)
        var keys: [Key] = []
        survey { key, facts in if ended < facts.deadline { keys.append(key) } }
        return try keys.reduce(0) { count, key in
            while let (value, facts) = held(key), try isBad(key, value) {
                switch invalidate(key, version: facts.version, by: actor) {
                case .removed: return count + 1
                case .absent: return count
                case .changed: continue
                }
            }
            return count
        }
    }

    /// As ``invalidateAll(by:)``, by the name that Swift's collections have for it.
    public func removeAll() { invalidateAll() }

    /// Puts back what was invalidated under `undo`, unless its key was written since, its life is
    /// over or there is no room; returns how many came back and how many did not.
    @discardableResult
    public func restore(_ undo: UndoID, by actor: Operator? = nil) -> (restored: Int, lost: Int) {
        let now = clock.now()
        var all = (restored: 0, lost: 0)
        inSlices(of: \.shrinking) { store, limit in
            let slice = store.restore(undo, limit: limit, by: actor, at: now)
            all.restored += slice.restored
            all.lost += slice.lost
            return slice.restored + slice.lost
        }
        return all
    }

    // MARK: Bounds

    /// - Throws: ``CacheError`` where the cache could not have such bounds.
    public func validate(_ new: CacheConfiguration) throws(CacheError) { try traits.validate(new) }

    /// The bounds as they are now.
    public var configuration: CacheConfiguration { store.withLock { $0.configuration } }

    /// Changes bounds, by what `change` makes of the present ones.
    ///
    /// ```swift
    /// try accounts.update { $0.maxsize = 128; $0.ttl = nil }
    /// ```
    ///
    /// They act at once on the entries already there: what they end is not served from then on,
    /// though the last of it may leave a moment later. `change` runs with no lock held. It is called
    /// again where somebody else changed bounds meanwhile, so that both changes hold.
    ///
    /// - Throws: ``CacheError`` where a bound is out of range, or what `change` throws; nothing is
    ///   changed then.
    public func update(
        by actor: Operator? = nil, _ change: (inout CacheConfiguration) throws -> Void
    ) throws {
        while true {
            let old = configuration
            var new = old
            try change(&new)
            let isResized = new.maxsize != old.maxsize || new.maxbytes != old.maxbytes
            if try install(new, replacing: old, shrinks: isResized, by: actor, { _ in }) { return }
        }
    }

    /// Changes all bounds, `nil` being no bound; returns the entries that left for it, in order.
    ///
    /// What has ended and is kept in case fetches fail stays, unless its room is needed; a longer
    /// ttl does not bring it back to life.
    ///
    /// - Parameters:
    ///   - new: All bounds, as they are from then on.
    ///   - expected: Where given, the bounds that these replace: where others were set meanwhile
    ///     nothing is changed, and ``CacheError/boundsWereChanged(_:)`` is thrown.
    ///   - undo: Where given, ``restore(_:by:)`` can put back for
    ///     ``UndoID/window`` what left.
    ///   - actor: Who asks for it, as the event names them; `nil` for the program itself.
    @discardableResult
    public func configure(
        _ new: CacheConfiguration, replacing expected: CacheConfiguration? = nil,
        undo: UndoID? = nil,
        by actor: Operator? = nil
    ) throws(CacheError) -> [Victim<Key>] {
        var removed: [Victim<Key>] = []
        guard
            try install(new, replacing: expected, undo: undo, by: actor, { removed += $0 })
        else { throw CacheError.boundsWereChanged(name) }
        return removed
    }

    /// Sets bounds back to what they were before a change. What had ended by the change and is
    /// still held lives on, and what left can be put back by ``restore(_:by:)``. Returns what has
    /// to leave for the old bounds.
    @discardableResult
    package func takeBack(
        to old: CacheConfiguration, replacing present: CacheConfiguration, by actor: Operator? = nil
    ) throws(CacheError) -> [Victim<Key>] {
        var removed: [Victim<Key>] = []
        guard
            try install(
                old, replacing: present, isUndone: true, by: actor, { removed += $0 })
        else { throw CacheError.boundsWereChanged(name) }
        return removed
    }

    /// Sets bounds in one step, and does the rest of the work in slices. False where the bounds
    /// that they are to replace are not there any more.
    ///
    /// - Parameters:
    ///   - shrinks: Whether entries that the bounds have no place for leave at once, or by and by.
    ///   - told: Is told of what left, slice by slice, with no lock held: to append to a list of a
    ///     million may copy all of it.
    private func install(
        _ new: CacheConfiguration, replacing expected: CacheConfiguration?, undo: UndoID? = nil,
        isUndone: Bool = false, shrinks: Bool = true, by actor: Operator?,
        _ told: ([Victim<Key>]) -> Void
    ) throws(CacheError) -> Bool {
        try validate(new)
        let now = clock.now()
        let isInstalled = untilDone(for: \.changing, removing: Store<Key, Value>.slice) {
            store -> Bool? in
            // First comes the work that an earlier change left to do, then what has ended by now.
            if store.tidy(Store<Key, Value>.slice) || store.redate(Store<Key, Value>.slice)
                || store.expire(limit: Store<Key, Value>.slice, at: now) == Store<Key, Value>.slice
            {
                return nil
            }
            if let expected, store.configuration != expected { return false }
            store.configure(new, isUndone: isUndone, by: actor, at: now)
            if shrinks { store.drainers += 1 }
            return true
        }
        guard isInstalled else { return false }
        untilDone(for: \.changing) { store in
            let slice = Store<Key, Value>.slice
            return store.tidy(slice) || store.redate(slice) ? nil : true
        }
        var gates: (shard: Int, slot: UInt32)? = (0, 0)
        while let place = gates { gates = held(for: \.changing) { $0.shutGates(place) } }
        var total = 0
        var isMore = shrinks
        var removed: [Victim<Key>] = []
        removed.reserveCapacity(Store<Key, Value>.slice)
        while isMore {
            removed.removeAll(keepingCapacity: true)
            isMore = held(for: \.shrinking, removing: Store<Key, Value>.slice) { store in
                let isMore = store.shrink(
                    limit: Store<Key, Value>.slice, undoable: undo, at: now, &removed)
                if !isMore { store.drainers -= 1 }
                return isMore
            }
            told(removed)
            total += removed.count
        }
        if total >= Store<Key, Value>.slice { trim() }
        return true
    }

    func trim() {
        var shard: Int? = 0
        while let number = shard { shard = held(for: \.shrinking) { $0.trim(number) } }
    }

    /// Repeats a bounded piece of work, releasing the lock in between, until less than a full
    /// slice was left to do; returns how much there was.
    @discardableResult
    func inSlices(
        of kind: any WritableKeyPath<Holds, Hold> & Sendable,
        _ work: (inout Store<Key, Value>, _ limit: Int) -> Int
    ) -> Int {
        let slice = Store<Key, Value>.slice
        var total = 0
        var done = slice
        while done == slice {
            done = held(for: kind, removing: slice) { work(&$0, slice) }
            total += done
        }
        return total
    }

    /// Repeats a bounded piece of work until it has an outcome.
    @discardableResult
    func untilDone<Outcome: Sendable>(
        for kind: any WritableKeyPath<Holds, Hold> & Sendable, removing count: Int = 0,
        _ work: (inout Store<Key, Value>) -> Outcome?
    ) -> Outcome {
        while true {
            let outcome: Outcome? = held(for: kind, removing: count, work)
            if let outcome { return outcome }
        }
    }
}
