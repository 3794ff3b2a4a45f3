/// The keys that left lately by eviction or expiry, so that a miss can be told to be a pity.
///
/// It remembers hashes for a minute, in two generations, the younger of which takes the place of
/// the older once it is full: so it is exact for the last 2,048 departures at least, and never
/// grows by much at once. Two keys of one hash are one to it.
struct Regret {
    private var young: [UInt64: Ghost] = [:]
    private var old: [UInt64: Ghost] = [:]

    private struct Ghost {
        let at: Instant
        let cause: RemovalCause
    }

    static let window = Duration.seconds(60)
    static let generation = 2048

    mutating func left(_ hash: UInt64, _ cause: RemovalCause, at now: Instant) {
        guard cause == .evicted || cause == .expired else { return }
        if young.count >= Self.generation {
            swap(&young, &old)
            young.removeAll(keepingCapacity: true)
        }
        young[hash] = Ghost(at: now, cause: cause)
    }

    /// The key is back.
    mutating func forget(_ hash: UInt64) {
        if !young.isEmpty { young[hash] = nil }
        if !old.isEmpty { old[hash] = nil }
    }

    /// Why the key that is missed left within the last minute; it is a pity once.
    mutating func missed(_ hash: UInt64, at now: Instant) -> RemovalCause? {
        if young.isEmpty, old.isEmpty { return nil }
        guard let ghost = young[hash] ?? old[hash] else { return nil }
        forget(hash)
        return now - ghost.at < Self.window ? ghost.cause : nil
    }
}
