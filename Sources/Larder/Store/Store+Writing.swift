extension Store {
    /// Whether there is room for a write.
    private enum Room: Equatable {
        case made
        /// More has to go than one call may remove.
        case crowded
        /// The policy names the very entry that is to grow.
        case namesGrown
    }

    /// Writes a value that was not asked for by a look-up; a fetch under way for the key is
    /// older than it and will not be kept. False as for ``write(_:for:at:)``.
    mutating func insert(
        _ arrival: inout Arrival<Value>, for key: Key, drains: Bool, at now: AgeInstant
    ) -> Bool {
        disown(key, arrival.hash)
        return write(&arrival, for: key, drains: drains, at: now)
    }

    /// Writes a value; false where more has to go for it than one call may remove: what could be
    /// removed has been, and the call is to be made again.
    ///
    /// - Parameter drains: The caller is among the ``drainers``.
    mutating func write(
        _ arrival: inout Arrival<Value>, for key: Key, drains: Bool, at now: AgeInstant
    ) -> Bool {
        let mayExceed = drainers > (drains ? 1 : 0)
        let lives = self.lives.ttl > 0 && now.nanoseconds < arrival.expiry ?? .max
        let isOversized = arrival.bytes > min(configuration.maxbytes ?? .max, Int(UInt32.max))
        let isKept = lives && !isOversized && configuration.maxsize != 0 && key == key
        if let old = slot(of: key, arrival.hash) {
            let (record, end) = recordAndEnd(old)
            arrival.loads = record.loads
            let isLive = now.nanoseconds < end
            if isKept, isLive {
                switch makeRoom(
                    for: arrival.bytes - Int(record.bytes), inPlaceOf: old, mayExceed: mayExceed,
                    rival: key, at: now)
                {
                case .made:
                    rewrite(old, arrival, at: now)
                    note(.rewritten, arrival, at: now)
                    told(arrival, of: key, at: now)
                    return true
                case .crowded: return false
                case .namesGrown: break
                }
            }
            settle()
            remove(old, isLive ? .replaced : .expired, at: now)
        }
        if lives, isOversized {
            counters.oversized += 1
            feed.append(.oversized(bytes: arrival.bytes), key: key, at: now)
        }
        guard isKept else {
            noteTraits(arrival, at: now)
            return true
        }
        let room = makeRoom(
            for: arrival.bytes, inPlaceOf: nil, mayExceed: mayExceed, rival: key, at: now)
        guard room == .made else { return false }
        ghosts.forget(arrival.hash)
        add(arrival, for: key, at: now)
        note(.filled, arrival, at: now)
        told(arrival, of: key, at: now)
        return true
    }

    private mutating func told(_ arrival: Arrival<Value>, of key: Key, at now: AgeInstant) {
        if !troubles.isEmpty { troubles.forget(key, arrival.hash, &discardedErrors) }
        feed.written(
            key, version: version, bytes: arrival.bytes, took: arrival.took ?? -1, at: now)
    }

    private mutating func newRecord(_ arrival: Arrival<Value>, at now: AgeInstant) -> Record {
        version += 1
        return Record(
            writtenAt: now.nanoseconds, version: version,
            loads: min(arrival.loads + 1, Record.mostLoads), bytes: UInt32(arrival.bytes),
            took: UInt32(clamping: max(0, arrival.took ?? 0) / 1000))
    }

    private mutating func add(_ arrival: Arrival<Value>, for key: Key, at now: AgeInstant) {
        let record = newRecord(arrival, at: now)
        add(record, key, arrival.value, arrival.hash, expiry: arrival.expiry)
    }

    /// Adds an entry for which there is room.
    mutating func add(
        _ record: Record, _ key: Key, _ value: Value, _ hash: UInt64, expiry: Int64?
    ) {
        // What was used before comes before it.
        settle()
        let number = shards.number(hash)
        let local = shards[number].withLock { shard in
            if expiry != nil { shard.keepExpiries() }
            return shard.add(
                record, key, value, Shards<Key, Value>.mark(hash), expiry: expiry,
                gate: firstGate(expiry))
        }
        let slot = shards.slot(local, in: number)
        links.reserve(slot)
        written[record.jitterClass].append(slot, links)
        policy.added(slot, hash: hash)
        count += 1
        bytes += Int(record.bytes)
        end(slot, record, expiry)
    }

    /// Where entries are refreshed before their end, the first look-up finds out when that is.
    private func firstGate(_ expiry: Int64?) -> Int64 { traits.refreshes ? .min : expiry ?? .max }

    private mutating func end(_ slot: UInt32, _ record: Record, _ expiry: Int64?) {
        let end = lives.end(record, expiry: expiry)
        if record.isBack {
            keepBack(slot)
            expiries.insert(slot, end, version: record.version)
        } else if let expiry {
            expiries.insert(slot, expiry, version: record.version)
        }
        ends(at: end)
    }

    /// The newer value takes the slot of the older one.
    private mutating func rewrite(_ slot: UInt32, _ arrival: Arrival<Value>, at now: AgeInstant) {
        // Where the policy takes a rewrite for a hit, a note is enough: it is settled with the
        // others before anything is decided.
        let isNoted = policy.takesRewritesForHits
        if !isNoted { settle() }
        let record = newRecord(arrival, at: now)
        let local = shards.local(slot)
        let place = departed.newPlace()
        let (isFull, wasBack) = shards.shard(of: slot).withLock { shard in
            let address = shard.slab.address(local)
            let wasBack = shard.slab.record(address).pointee.isBack
            place.initialize(
                to: RemovedEntry(
                    shard.slab.key(address).pointee, shard.slab.value(address).move(),
                    shard.slab.record(address).pointee, .replaced, at: now))
            shard.slab.value(address).initialize(to: arrival.value)
            shard.replaced(
                local, record, expiry: arrival.expiry, gate: firstGate(arrival.expiry))
            if isNoted {
                let mark = Shards<Key, Value>.mark(arrival.hash)
                if mark < shard.noteBelow {
                    shard.note(local, mark, isRewrite: true, at: now.nanoseconds)
                }
                shard.touch(local)
            }
            return (isNoted && shard.touchCount >= Shard<Key, Value>.manyTouches, wasBack)
        }
        if isFull { settle(isFull: true) }
        if !isNoted { policy.rewritten(slot) }
        written[Record.jitterClass(place.pointee.version)].remove(slot, links)
        written[record.jitterClass].append(slot, links)
        if expiries.count > 0 { expiries.remove(slot) }
        if wasBack { forgetBack(slot) }
        end(slot, record, arrival.expiry)
        bytes += arrival.bytes - place.pointee.bytes
        depart(place, rival: nil, by: nil, at: now)
    }

    /// Expired entries go first, then the policy's victims, until one more entry of `size` fits;
    /// or until an entry can grow by that much where it stands, so that it keeps what the policy
    /// knows of it.
    private mutating func makeRoom(
        for size: Int, inPlaceOf grown: UInt32?, mayExceed: Bool, rival: Key, at now: AgeInstant
    ) -> Room {
        let maxsize = min(configuration.maxsize ?? .max, CacheConfiguration.largestMaxsize)
        let maxbytes = configuration.maxbytes ?? .max
        // An entry that grows takes bytes from others, but no place.
        let mostEntries = grown == nil ? maxsize - 1 : .max
        if count <= mostEntries, bytes + size <= maxbytes { return .made }
        settle()
        // Where others are at it already, a write removes twice what it adds and goes on.
        let most = mayExceed ? 2 : Self.slice
        var step = 0
        while step < most, count > mostEntries || bytes + size > maxbytes {
            step += 1
            if let slot = overdue(at: now.nanoseconds) {
                remove(slot, .expired, at: now)
            } else if let victim = policy.victim() {
                if victim == grown { return .namesGrown }
                remove(victim, .evicted, rival: rival, at: now)
            } else {
                break
            }
        }
        return mayExceed || count <= mostEntries && bytes + size <= maxbytes ? .made : .crowded
    }
}
