/// What a look-up came to.
enum Lookup<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    case hit(Value)
    /// Served, though invalidated softly; the flight that replaces it is for the caller to start.
    case stale(Value, Flight<Key, Value>)
    /// The waiter now stands in a flight that another leads.
    case join(Flight<Key, Value>)
    /// The waiter stands in a new flight, for the caller to start.
    case lead(Flight<Key, Value>)
    /// The last fetch failed, and it is not the time for another.
    case failed(any Error)
    /// It depends on the entry's marks, which the caller is to work out: the cache's own functions
    /// have a say in them.
    case due(Due)
}

/// What there is of a key.
enum Found<Value: Sendable>: Sendable {
    case nothing
    case value(Value)
    /// An entry that was invalidated softly, in this slot of its shard.
    case stale(UInt32)
    /// An entry that is to be refreshed, though it may still be served.
    case due(Due)
    /// An entry whose deadline has come, in this slot of its shard.
    case ended(UInt32)
}

/// An entry at the end of its life, or near it.
struct Due: Hashable, Sendable {
    /// In its shard.
    let slot: UInt32
    let version: UInt64
    let writtenAt: Int64
    let deadline: Int64

    /// When it is to be refreshed, and from when on everyone waits for that.
    struct Marks: Sendable {
        let of: Due
        let start: Int64
        let mandatory: Int64
    }

    func marks(_ refresh: Refresh) -> Marks {
        Marks(
            of: self, start: refresh.start(writtenAt: writtenAt, end: deadline),
            mandatory: refresh.mandatoryStart(writtenAt: writtenAt, end: deadline))
    }
}
