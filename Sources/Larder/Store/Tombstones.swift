/// What was removed lately and can still be put back, with what was known of it: for
/// ``UndoID/window``, up to a number and a size, beyond which the oldest give way.
struct Tombstones<Key: Sendable, Value: Sendable>: ~Copyable {
    /// A ring, the oldest first; one that was opened leaves a hole.
    private var ring: [Tombstone<Key, Value>?] = []
    private var oldest = 0
    private var span = 0
    /// How many places have been given up: by it and its place each tombstone has a number that stays.
    private var passed: UInt64 = 0
    private(set) var count = 0
    private(set) var bytes = 0

    static var mostEntries: Int { 4096 }
    static var mostBytes: Int { 16 << 20 }
    /// Tombstones that one call gives up.
    static var mostGivenUp: Int { 64 }

    /// Keeps what was removed. What gives way for it is added to `dropped`, or it is itself where
    /// even that is not enough.
    mutating func bury(
        _ tombstone: Tombstone<Key, Value>, at now: AgeInstant,
        dropped: inout [RemovedEntry<Key, Value>]
    ) {
        for _ in 0..<Self.mostGivenUp where count >= Self.mostEntries || !fits(tombstone) {
            guard let given = pop() else { break }
            dropped.append(given.entry)
        }
        guard count < Self.mostEntries, fits(tombstone) else {
            return dropped.append(tombstone.entry)
        }
        if span == ring.count { grow() }
        var tombstone = tombstone
        tombstone.until = now + UndoID.window
        ring[(oldest + span) % ring.count] = tombstone
        span += 1
        count += 1
        bytes += tombstone.entry.bytes
    }

    private func fits(_ tombstone: Tombstone<Key, Value>) -> Bool {
        tombstone.entry.bytes <= Self.mostBytes - bytes
    }

    private mutating func grow() {
        var larger: [Tombstone<Key, Value>?] = []
        larger.reserveCapacity(max(8, ring.count * 2))
        for place in 0..<span { larger.append(ring[(oldest + place) % ring.count]) }
        larger += Array(repeating: nil, count: max(8, ring.count * 2) - span)
        (ring, oldest) = (larger, 0)
    }

    /// The oldest; `nil` where there is none.
    private mutating func pop() -> Tombstone<Key, Value>? {
        while span > 0 {
            let tombstone = take(oldest)
            pass()
            if let tombstone { return tombstone }
        }
        return nil
    }

    /// Gives up the place of the oldest.
    private mutating func pass() {
        oldest = (oldest + 1) % ring.count
        span -= 1
        passed += 1
    }

    private mutating func take(_ place: Int) -> Tombstone<Key, Value>? {
        guard let tombstone = ring[place] else { return nil }
        ring[place] = nil
        count -= 1
        bytes -= tombstone.entry.bytes
        return tombstone
    }

    /// Takes out up to `limit` of what was buried under `undo`, in order.
    mutating func open(_ undo: UndoID, limit: Int, at now: AgeInstant) -> [Tombstone<Key, Value>] {
        var found: [Tombstone<Key, Value>] = []
        for number in 0..<span where found.count < limit {
            let place = (oldest + number) % ring.count
            guard let tombstone = ring[place], tombstone.undo == undo, now < tombstone.until else {
                continue
            }
            found += take(place).map { [$0] } ?? []
        }
        return found
    }

    /// Adds the keys of what was buried under `undo` and can be put back yet, of at most `limit`
    /// tombstones from a number on; returns the number to go on with, 0 being the first.
    func buried(
        _ undo: UndoID, from number: UInt64, limit: Int, at now: AgeInstant, into keys: inout [Key]
    ) -> UInt64? {
        let start = Int(clamping: max(number, passed) - passed)
        let end = min(span, start + limit)
        for offset in min(start, end)..<end {
            let tombstone = ring[(oldest + offset) % ring.count]
            guard let tombstone, tombstone.undo == undo, now < tombstone.until else { continue }
            keys.append(tombstone.entry.key)
        }
        return end < span ? passed + UInt64(end) : nil
    }

    /// Gives up some of what can be put back no more; true where there may be more of it.
    mutating func purge(at now: AgeInstant, dropped: inout [RemovedEntry<Key, Value>]) -> Bool {
        for _ in 0..<Self.mostGivenUp {
            guard let end = nextEnd, end <= now, let tombstone = pop() else { return false }
            dropped.append(tombstone.entry)
        }
        return true
    }

    /// When the oldest ends.
    var nextEnd: AgeInstant? {
        mutating get {
            while span > 0, ring[oldest] == nil { pass() }
            return span > 0 ? ring[oldest]?.until : nil
        }
    }
}

struct Tombstone<Key: Sendable, Value: Sendable>: Sendable {
    let entry: RemovedEntry<Key, Value>
    let record: Record
    let expiry: Int64?
    let undo: UndoID
    var until = AgeInstant.distantFuture
}

/// By which several invalidations can be undone together.
public struct UndoID: Hashable, Sendable {
    private let number = UInt64.random(in: .min ... .max)
    /// A new one, unlike all others.
    public init() {}

    /// How long a removal can be undone.
    public static let window = Duration.seconds(30)
}
