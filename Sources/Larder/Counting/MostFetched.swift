/// A key that is fetched often, and how that went.
public struct FetchedKey<Key: Sendable>: Sendable {
    public let key: Key
    /// At least so many fetches of it were begun.
    public let fetches: UInt64
    /// At least so many of them failed.
    public let failures: UInt64
    /// What kind of failure the last of those was, and why.
    public let kind: FailureKind?
    public let reason: String?
}

/// The keys that are fetched most, found with bounded memory: Space-Saving, by Metwally, Agrawal and
/// El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams" (2005).
///
/// A new key for which there is no line takes that of the key that was fetched least, and its count:
/// so no key that is fetched often is missing, and a count is too high by what it began with at most.
/// That is taken off where it is told. Lines are begun anew every five minutes, and what is told is
/// of the present ones and those before: what was fetched most an hour ago is nobody's question.
///
/// ``Cache/fetchesLately(at:)`` counts the same in another way, because it answers another question:
/// of any key how often it was fetched in the last minute, exactly, as far as events reach. Events
/// reach a minute back where these reach ten, and do not tell the reason of a failure once they are
/// overwritten; lines are kept of the most fetched keys alone, and know no minute.
struct MostFetched<Key: Hashable & Sendable> {
    private struct Line {
        let key: Key
        let hash: UInt64
        var fetches: UInt64
        /// Up to so many of these were of other keys.
        var taken: UInt64 = 0
        var failures: UInt64 = 0
        var last: (kind: FailureKind, reason: String)?
    }

    private var young: [Line] = []
    private var old: [Line] = []
    private var youngSince: AgeInstant
    private var oldSince: AgeInstant?

    static var lines: Int { 64 }
    static var span: Duration { .seconds(300) }

    init(at now: AgeInstant) { youngSince = now }

    /// A fetch of `key` begins.
    mutating func begin(_ key: Key, _ hash: UInt64, at now: AgeInstant) {
        turn(at: now)
        // All the room there is to be, once.
        if young.isEmpty { young.reserveCapacity(Self.lines) }
        if let place = place(of: key, hash) {
            young[place].fetches += 1
        } else if young.count < Self.lines {
            young.append(Line(key: key, hash: hash, fetches: 1))
        } else if let place = young.indices.min(by: { young[$0].fetches < young[$1].fetches }) {
            let least = young[place].fetches
            young[place] = Line(key: key, hash: hash, fetches: least + 1, taken: least)
        }
    }

    /// A fetch of `key` has failed.
    mutating func fail(_ key: Key, _ hash: UInt64, _ kind: FailureKind, _ reason: String) {
        guard let place = place(of: key, hash) else { return }
        young[place].failures += 1
        young[place].last = (kind, reason)
    }

    private func place(of key: Key, _ hash: UInt64) -> Int? {
        young.firstIndex { $0.hash == hash && $0.key == key }
    }

    private mutating func turn(at now: AgeInstant) {
        guard now - youngSince >= Self.span else { return }
        let isLate = now - youngSince >= Self.span * 2
        swap(&young, &old)
        young.removeAll(keepingCapacity: true)
        if isLate { old.removeAll(keepingCapacity: true) }
        (oldSince, youngSince) = (isLate ? nil : youngSince, now)
    }

    /// Makes `other` the same, in room of its own: one that shared this one's would have the next
    /// fetch copy all lines. Nothing grows where `other` has room for all.
    func copy(into other: inout MostFetched) {
        other.young.replaceSubrange(other.young.indices, with: young)
        other.old.replaceSubrange(other.old.indices, with: old)
        (other.youngSince, other.oldSince) = (youngSince, oldSince)
    }

    /// One that has room for all lines.
    static func withRoom(at now: AgeInstant) -> MostFetched {
        var empty = MostFetched(at: now)
        empty.young.reserveCapacity(lines)
        empty.old.reserveCapacity(lines)
        return empty
    }

    /// The first of them, the most often fetched first, and since when that was counted.
    func first(_ limit: Int, at now: AgeInstant) -> (since: AgeInstant, keys: [FetchedKey<Key>]) {
        var present = self
        present.turn(at: now)
        var lines = present.young
        for line in present.old {
            guard let place = present.place(of: line.key, line.hash) else {
                lines.append(line)
                continue
            }
            lines[place].fetches += line.fetches
            lines[place].taken += line.taken
            lines[place].failures += line.failures
            lines[place].last = lines[place].last ?? line.last
        }
        let keys = lines.map { line in
            FetchedKey(
                key: line.key, fetches: line.fetches - line.taken, failures: line.failures,
                kind: line.last?.kind, reason: line.last?.reason)
        }
        .sorted { $0.fetches > $1.fetches }
        return (present.oldSince ?? present.youngSince, Array(keys.prefix(max(0, limit))))
    }
}
