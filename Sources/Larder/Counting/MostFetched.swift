/// A key that is fetched often, and how that went.
public struct FetchedKey<Key: Sendable>: Sendable {
    /// The key as the cache has it.
    public let key: Key
    /// At least so many fetches of it were begun.
    public let fetches: UInt64
    /// At least so many of them failed.
    public let failures: UInt64
    /// What kind of failure the last of those was; `nil` where no fetch failed.
    public let kind: FailureKind?
    /// What that one threw, as ``Refresh/words`` has it; `nil` where no fetch failed.
    public let reason: String?
}

/// The keys that are fetched most, found with bounded memory: Space-Saving, by Metwally, Agrawal and
/// El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams" (2005).
///
/// A new key for which there is no line takes the line of the key that was fetched least, with its
/// count: so no key that is fetched often is missing, and a count is too high by at most what it
/// began with, which is taken off where it is told. Every five minutes new lines are begun. Told is
/// what the present lines and those before have: nobody asks what was fetched most an hour ago.
///
/// ``Cache/fetchesLately(at:)`` counts the same in another way, because it answers another
/// question: how often any key was fetched in the last minute, exactly, as far as events reach.
/// Events reach a minute back, lines ten, and an event that is overwritten no longer tells why a
/// fetch failed. Lines are kept of the most fetched keys alone, and do not know the minute.
struct MostFetched<Key: Hashable & Sendable> {
    private var young = Lines()
    private var old = Lines()
    private var youngSince: AgeInstant
    private var oldSince: AgeInstant?

    /// Where no more keys than this are fetched, their counts are exact.
    static var lines: Int { 256 }
    static var span: Duration { .seconds(300) }

    /// What each fetch is compared with lies together, apart from the rest.
    private struct Lines {
        var hashes: [UInt64] = []
        var fetches: [UInt64] = []
        var rest: [Rest] = []

        struct Rest {
            let key: Key
            /// Up to so many of the fetches were of other keys.
            var taken: UInt64 = 0
            var failures: UInt64 = 0
            var last: (kind: FailureKind, reason: String)?
        }

        var count: Int { hashes.count }

        func place(of key: Key, _ hash: UInt64) -> Int? {
            var next = 0
            while let place = hashes[next...].firstIndex(of: hash) {
                if rest[place].key == key { return place }
                next = place + 1
            }
            return nil
        }

        mutating func append(_ hash: UInt64, _ fetches: UInt64, _ rest: Rest) {
            hashes.append(hash)
            self.fetches.append(fetches)
            self.rest.append(rest)
        }

        mutating func reserve(_ count: Int) {
            hashes.reserveCapacity(count)
            fetches.reserveCapacity(count)
            rest.reserveCapacity(count)
        }

        mutating func removeAll() {
            hashes.removeAll(keepingCapacity: true)
            fetches.removeAll(keepingCapacity: true)
            rest.removeAll(keepingCapacity: true)
        }

        func copy(into other: inout Lines) {
            other.hashes.replaceSubrange(other.hashes.indices, with: hashes)
            other.fetches.replaceSubrange(other.fetches.indices, with: fetches)
            other.rest.replaceSubrange(other.rest.indices, with: rest)
        }
    }

    init(at now: AgeInstant) { youngSince = now }

    /// A fetch of `key` begins.
    mutating func begin(_ key: Key, _ hash: UInt64, at now: AgeInstant) {
        turn(at: now)
        // All the room there is to be, once.
        if young.count == 0 { young.reserve(Self.lines) }
        if let place = young.place(of: key, hash) {
            young.fetches[place] += 1
        } else if young.count < Self.lines {
            young.append(hash, 1, Lines.Rest(key: key))
        } else if let least = young.fetches.min(),
            let place = young.fetches.firstIndex(of: least)
        {
            young.hashes[place] = hash
            young.fetches[place] = least + 1
            young.rest[place] = Lines.Rest(key: key, taken: least)
        }
    }

    /// A fetch of `key` has failed.
    mutating func fail(_ key: Key, _ hash: UInt64, _ kind: FailureKind, _ reason: String) {
        guard let place = young.place(of: key, hash) else { return }
        young.rest[place].failures += 1
        young.rest[place].last = (kind, reason)
    }

    private mutating func turn(at now: AgeInstant) {
        guard now - youngSince >= Self.span else { return }
        let isLate = now - youngSince >= Self.span * 2
        swap(&young, &old)
        young.removeAll()
        if isLate { old.removeAll() }
        (oldSince, youngSince) = (isLate ? nil : youngSince, now)
    }

    /// Makes `other` the same, in room of its own: were memory shared, the next fetch would copy
    /// all lines. Nothing grows where `other` has room for all.
    func copy(into other: inout MostFetched) {
        young.copy(into: &other.young)
        old.copy(into: &other.old)
        (other.youngSince, other.oldSince) = (youngSince, oldSince)
    }

    /// One that has room for all lines.
    static func withRoom(at now: AgeInstant) -> MostFetched {
        var empty = MostFetched(at: now)
        empty.young.reserve(lines)
        empty.old.reserve(lines)
        return empty
    }

    /// The first of them, the most often fetched first, and since when that was counted.
    func first(_ limit: Int, at now: AgeInstant) -> (since: AgeInstant, keys: [FetchedKey<Key>]) {
        var present = self
        present.turn(at: now)
        var lines = present.young
        for (place, rest) in present.old.rest.enumerated() {
            let (hash, fetches) = (present.old.hashes[place], present.old.fetches[place])
            guard let same = present.young.place(of: rest.key, hash) else {
                lines.append(hash, fetches, rest)
                continue
            }
            lines.fetches[same] += fetches
            lines.rest[same].taken += rest.taken
            lines.rest[same].failures += rest.failures
            lines.rest[same].last = lines.rest[same].last ?? rest.last
        }
        let keys = zip(lines.rest, lines.fetches).map { line, fetches in
            FetchedKey(
                key: line.key, fetches: fetches - line.taken, failures: line.failures,
                kind: line.last?.kind, reason: line.last?.reason)
        }
        .sorted { $0.fetches > $1.fetches }
        return (present.oldSince ?? present.youngSince, Array(keys.prefix(max(0, limit))))
    }
}
