/// The keys that left lately by eviction or expiry, so that a miss can be told to be a pity.
///
/// It remembers hashes for a minute, and no more than a bound; two keys of one hash are one to it.
struct Regret {
    private var ring: [Ghost] = []
    private var next = 0
    private var ghosts: [UInt64: Ghost] = [:]

    private struct Ghost {
        let hash: UInt64
        let at: Instant
        let cause: RemovalCause
    }

    static let window = Duration.seconds(60)
    static let bound = 16_384

    mutating func left(_ hash: UInt64, _ cause: RemovalCause, at now: Instant) {
        guard cause == .evicted || cause == .expired else {
            if !ghosts.isEmpty { ghosts[hash] = nil }
            return
        }
        let ghost = Ghost(hash: hash, at: now, cause: cause)
        if ring.count < Self.bound {
            ring.append(ghost)
        } else {
            forget(ring[next])
            ring[next] = ghost
            next = (next + 1) % Self.bound
        }
        ghosts[hash] = ghost
    }

    private mutating func forget(_ old: Ghost) {
        // Gone more than once: only the latest counts.
        if let present = ghosts[old.hash], present.at == old.at { ghosts[old.hash] = nil }
    }

    /// Why the key that is missed left within the last minute; it is a pity once.
    mutating func missed(_ hash: UInt64, at now: Instant) -> RemovalCause? {
        guard !ghosts.isEmpty, let ghost = ghosts.removeValue(forKey: hash) else { return nil }
        return now - ghost.at < Self.window ? ghost.cause : nil
    }

    mutating func forgetAll() {
        ring = []
        next = 0
        ghosts = [:]
    }
}
