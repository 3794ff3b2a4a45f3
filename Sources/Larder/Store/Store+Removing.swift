extension Store {
    /// Takes an entry out. What left is the last in ``departed``.
    ///
    /// - Parameter notes: Whether that it was invalidated goes on record.
    mutating func remove(
        _ slot: UInt32, _ cause: RemovalCause, rival: Key? = nil, by: Operator? = nil,
        notes: Bool = true, at now: AgeInstant
    ) {
        let local = shards.local(slot)
        let place = departed.newPlace()
        let (hash, isBack) = shards.shard(of: slot).withLock { shard in
            let address = shard.slab.address(local)
            let isBack = shard.slab.record(address).pointee.isBack
            let hash = shards.hash(shard.slab.key(address).pointee)
            place.initialize(
                to: RemovedEntry(
                    shard.slab.key(address).move(), shard.slab.value(address).move(),
                    shard.slab.record(address).pointee, cause, at: now))
            shard.removeEmptied(local, Shards<Key, Value>.mark(hash))
            return (hash, isBack)
        }
        written[Record.jitterClass(place.pointee.version)].remove(slot, links)
        if expiries.count > 0 { expiries.remove(slot) }
        if isBack { forgetBack(slot) }
        policy.removed(slot, evicted: cause == .evicted)
        count -= 1
        bytes -= place.pointee.bytes
        if count == 0 { lastBytes = place.pointee.bytes }
        ghosts.left(hash, cause, at: now.nanoseconds)
        if cause == .invalidated, notes { noteGone(hash, at: now) }
        depart(place, rival: rival, by: by, at: now)
    }

    /// Counts and tells that an entry has left.
    mutating func depart(
        _ entry: UnsafeMutablePointer<RemovedEntry<Key, Value>>, rival: Key?, by: Operator?,
        at now: AgeInstant
    ) {
        let (cause, hits) = (entry.pointee.cause, entry.pointee.hits)
        let age = entry.pointee.ageInNanoseconds
        counters.count(cause)
        if hits == 0 { counters.unused += 1 }
        ages.add(age, cause)
        feed.removed(
            entry.pointee.key, cause, version: entry.pointee.version, age: age, hits: hits,
            rival: rival, by: by, at: now)
    }

    /// Removes the entry of `key` and disowns a fetch under way for it. Where `version` is given,
    /// an entry written since is left alone, and so is its flight.
    mutating func invalidate(
        _ key: Key, _ hash: UInt64, version: UInt64? = nil, undoable: UndoID? = nil, by: Operator?,
        at now: AgeInstant
    ) -> Invalidation {
        settle()
        // What has ended for good is not there, though it may still have its place.
        let held = slot(of: key, hash).map { (slot: $0, recordAndEnd($0)) }
        guard let (slot, (record, end)) = held,
            now.nanoseconds < end || isInReserve(end, at: now)
        else {
            guard version == nil else { return .absent }
            // In a larger cache it might be there.
            noteGone(hash, at: now)
            return forgetFailure(of: key, hash, by: by, at: now) == nil
                ? .absent : .removed(bytes: 0)
        }
        if let version, version != record.version { return .changed(version: record.version) }
        disown(key, hash)
        troubles.forget(key, hash, &discardedErrors)
        remove(slot, .invalidated, undoable: undoable, by: by, at: now)
        return .removed(bytes: Int(record.bytes))
    }

    /// Forgets that fetches of `key` failed, and disowns one under way; returns what was remembered.
    mutating func forgetFailure(
        of key: Key, _ hash: UInt64, by: Operator?, at now: AgeInstant
    ) -> Trouble? {
        disown(key, hash)
        guard let trouble = troubles.forget(key, hash, &discardedErrors), now < trouble.until
        else { return nil }
        feed.append(
            .forgotten(failures: trouble.failures, refusals: trouble.refusals), key: key, by: by,
            at: now)
        return trouble
    }

    /// As ``remove(_:_:rival:by:at:)``; where `undoable` is given it can be put back for a while.
    mutating func remove(
        _ slot: UInt32, _ cause: RemovalCause, undoable: UndoID?, by: Operator? = nil,
        at now: AgeInstant
    ) {
        let (record, expiry) = (record(slot), expiry(slot))
        remove(slot, cause, by: by, at: now)
        guard let undoable, traits.mayComeBack, let departed = departed.last else { return }
        tombstones.bury(
            Tombstone(entry: departed, record: record, expiry: expiry, undo: undoable), at: now,
            dropped: &discarded)
        wake = min(wake, (now + UndoID.window).nanoseconds)
    }

    /// Ends the entry of `key`, where it is still of `version`; it stays in reserve where there is
    /// one.
    mutating func reject(
        _ key: Key, _ hash: UInt64, version: UInt64, by: Operator?, at now: AgeInstant
    ) -> Bool {
        settle()
        guard let slot = slot(of: key, hash), record(slot).version == version else { return false }
        guard reserve > 0 else {
            remove(slot, .invalidated, by: by, at: now)
            return true
        }
        let local = shards.local(slot)
        shards.shard(of: slot).withLock { shard in
            shard.keepExpiries()
            shard.end(local, at: now.nanoseconds)
        }
        expiries.remove(slot)
        let (record, end) = recordAndEnd(slot)
        let own = record.isBack ? end : expiry(slot) ?? now.nanoseconds
        expiries.insert(slot, own, version: record.version)
        ends(at: now.nanoseconds)
        return true
    }

    /// Marks the entry of `key` as stale: it is served until the fetch that the next look-up
    /// starts has landed.
    mutating func soften(
        _ key: Key, _ hash: UInt64, version: UInt64? = nil, by: Operator?, at now: AgeInstant
    ) -> Invalidation {
        settle()
        guard let slot = slot(of: key, hash) else {
            if version == nil { disown(key, hash) }
            return .absent
        }
        let (record, end) = recordAndEnd(slot)
        guard now.nanoseconds < end else { return .absent }
        if let version, version != record.version { return .changed(version: record.version) }
        disown(key, hash)
        let local = shards.local(slot)
        shards.shard(of: slot).withLock { shard in
            shard.slab.record(shard.slab.address(local)).pointee.isStale = true
        }
        feed.append(.softened(version: record.version), key: key, by: by, at: now)
        return .removed(bytes: Int(record.bytes))
    }

    /// Removes the entry of `key` if it is stale: its fetch failed, and it is served no longer.
    mutating func removeStale(_ key: Key, _ hash: UInt64, at now: AgeInstant) {
        guard let slot = slot(of: key, hash), record(slot).isStale else { return }
        settle()
        remove(slot, .invalidated, at: now)
    }

    /// Removes at most `limit` entries written up to `version`, oldest first; returns how many.
    mutating func invalidateAll(
        upTo version: UInt64, limit: Int, by: Operator?, at now: AgeInstant
    ) -> Int {
        settle()
        var removed = 0
        while removed < limit, let slot = oldest {
            let (record, end) = recordAndEnd(slot)
            guard record.version <= version else { break }
            let isLive = now.nanoseconds < end
            remove(
                slot, isLive ? .invalidated : .expired, by: isLive ? by : nil, notes: false,
                at: now)
            removed += 1
        }
        return removed
    }

    // MARK: Undoing

    /// Puts back at most `limit` of what was removed under `undo`, where nothing has been written
    /// for the key since, it has life left and there is room; returns how many did and did not come
    /// back.
    mutating func restore(
        _ undo: UndoID, limit: Int, by: Operator?, at now: AgeInstant
    ) -> (restored: Int, lost: Int) {
        settle()
        var restored = 0
        let opened = tombstones.open(undo, limit: limit, at: now)
        for tombstone in opened {
            let key = tombstone.entry.key
            let hash = shards.hash(key)
            guard slot(of: key, hash) == nil, restore(tombstone, hash, at: now) else {
                discarded.append(tombstone.entry)
                continue
            }
            restored += 1
            feed.append(.restored(version: version), key: key, by: by, at: now)
        }
        return (restored, opened.count - restored)
    }

    private mutating func restore(
        _ tombstone: Tombstone<Key, Value>, _ hash: UInt64, at now: AgeInstant
    ) -> Bool {
        // It goes on ageing from the time of its write, but stands last in the order of writes,
        // so that its end has to be known by itself.
        var record = tombstone.record
        let ended = lives.end(record)
        record.versionAndLoads =
            Record.backFlag | (version + 1) << 16 | record.versionAndLoads & 0xffff
        let expiry = min(tombstone.expiry ?? .max, lives.end(record), ended)
        guard now.nanoseconds < expiry,
            count < configuration.maxsize ?? CacheConfiguration.largestMaxsize,
            bytes <= (configuration.maxbytes ?? .max) - tombstone.entry.bytes
        else { return false }
        disown(tombstone.entry.key, hash)
        troubles.forget(tombstone.entry.key, hash, &discardedErrors)
        ghosts.forget(hash)
        version += 1
        add(
            record, tombstone.entry.key, tombstone.entry.value, hash,
            expiry: expiry == .max ? nil : expiry)
        note(.filled, hash, at: now)
        return true
    }
}

extension RemovedEntry {
    init(
        _ key: consuming Key, _ value: consuming Value, _ record: Record, _ cause: RemovalCause,
        at now: AgeInstant
    ) {
        self.init(
            key: key, value: value, cause: cause, version: record.version,
            ageInNanoseconds: now.nanoseconds &- record.writtenAt,
            hits: UInt64(record.hits), bytes: Int(record.bytes))
    }
}
