import Synchronization

/// What entries can be put in order by. Equal ones stand in the order of writing.
package enum Rank: Sendable {
    case written, deadline, expiry, age, hits, bytes, fetchTime, version, loads
    /// Those that were hit last first, those that never were behind them.
    case lastHit
    /// The most urgent first, as `urgency` says.
    case state
    /// The key's own text; only where keys are text.
    case key
}

/// What is told of an entry in one number, so that a million can be looked through in a blink.
package struct RankedEntry {
    let rank: Int64
    let version: UInt64
    let slot: UInt32
    var text = ""
}

/// The first entries in an order, of all that are looked at, with no more than twice as many held.
///
/// It reads records as they lie in a slab's chunks, whatever their keys and values are: nothing
/// is generic here, so that it is fast wherever it is called from.
struct Ranking {
    let rank: Rank
    let isDescending: Bool
    let wanted: Int
    let now: Int64
    /// Entries written since are left out.
    let last: UInt64
    /// Entries with so many nanoseconds left, or fewer, are thin.
    private let mandatory: Int64
    private(set) var total = 0
    private var best: [RankedEntry] = []
    /// What ranks behind this one need not be kept.
    private var bar = Int64.max
    private var barVersion = UInt64.max
    private var textBar = ""
    private var prefixBar = UInt64.max
    private var plainBar: PlainText?
    private var isBarred = false

    init(
        _ rank: Rank, isDescending: Bool, wanted: Int, now: AgeInstant, last: UInt64,
        mandatory: Int64
    ) {
        self.mandatory = mandatory
        self.rank = rank
        self.isDescending = isDescending
        self.wanted = wanted
        self.now = now.nanoseconds
        self.last = last
    }

    /// One chunk of a slab, and what there is to know of its shard.
    struct Span {
        let base: UnsafeMutableRawPointer
        let count: Int
        let stride: Int
        let keyOffset: Int
        /// The number of its first slot in the shard.
        let start: UInt32
        /// The shard's number, and how many bits it takes.
        let shard: UInt32
        let bits: UInt32
        let lives: Lives
        let expiries: UnsafeMutablePointer<Int64>?

        func slot(_ place: Int) -> UInt32 { (start + UInt32(place)) << bits | shard }

        func record(_ place: Int) -> UnsafeMutablePointer<Record> {
            (base + place &* stride).assumingMemoryBound(to: Record.self)
        }

        func expiry(_ place: Int) -> Int64 { expiries.map { $0[Int(start) + place] } ?? .max }

        func deadline(_ place: Int) -> Int64 {
            lives.end(record(place).pointee, expiry: expiry(place))
        }
    }

    mutating func look(_ span: Span) {
        if rank == .key { return lookAtKeys(span) }
        for place in 0..<span.count {
            let record = span.record(place)
            let version = record.pointee.version
            guard record.pointee.versionAndLoads != 0, version <= last else { continue }
            total &+= 1
            let number = number(record, span, place)
            if isBarred, number > bar || number == bar && version > barVersion { continue }
            best.append(RankedEntry(rank: number, version: version, slot: span.slot(place)))
            if best.count >= 2 * wanted + 64 { prune() }
        }
    }

    private func number(
        _ record: UnsafeMutablePointer<Record>, _ span: Span, _ place: Int
    ) -> Int64 {
        let number: Int64 =
            switch rank {
            case .written, .key: 0
            case .version: Int64(record.pointee.version)
            case .deadline: span.deadline(place)
            case .expiry: span.expiry(place)
            case .age: -record.pointee.writtenAt
            case .lastHit: record.pointee.lastHitInstant.map { ~$0.nanoseconds } ?? .max
            case .hits: Int64(record.pointee.hits)
            case .bytes: Int64(record.pointee.bytes)
            case .fetchTime: Int64(record.pointee.fetchMicroseconds)
            case .loads: Int64(record.pointee.loads)
            case .state:
                Self.urgency(
                    deadline: span.deadline(place), writtenAt: record.pointee.writtenAt,
                    hits: record.pointee.hits, now: now, mandatory: mandatory)
            }
        return isDescending ? ~number : number
    }

    /// 0 where the deadline has come, 1 where all would wait for a fetch, 2 in the last tenth of a
    /// life, 3 without a hit, else 4.
    static func urgency(
        deadline: Int64, writtenAt: Int64, hits: UInt32, now: Int64, mandatory: Int64
    ) -> Int64 {
        if deadline <= now { return 0 }
        if deadline != .max {
            if deadline - now <= mandatory { return 1 }
            if deadline - now < (deadline - writtenAt) / 10 { return 2 }
        }
        return hits == 0 ? 3 : 4
    }

    private mutating func prune() {
        best.sort(by: precedes)
        guard best.count >= wanted else { return }
        best.removeLast(best.count - wanted)
        guard let last = best.last else { return }
        isBarred = true
        bar = last.rank
        barVersion = last.version
        textBar = last.text
        prefixBar = Self.prefix(last.text) ?? 0
        plainBar = withUnsafePointer(to: last.text) { PlainText($0) }
    }

    private func precedes(_ a: RankedEntry, _ b: RankedEntry) -> Bool {
        if rank == .key, a.text != b.text {
            return isDescending ? a.text > b.text : a.text < b.text
        }
        return (a.rank, a.version) < (b.rank, b.version)
    }

    /// The first in order, at most as many as are wanted.
    mutating func first() -> [RankedEntry] {
        best.sort(by: precedes)
        return Array(best.prefix(wanted))
    }

    // MARK: Keys

    private mutating func lookAtKeys(_ span: Span) {
        for place in 0..<span.count {
            let record = span.record(place)
            let version = record.pointee.version
            guard record.pointee.versionAndLoads != 0, version <= last else { continue }
            total &+= 1
            let text = (span.base + place &* span.stride + span.keyOffset)
                .assumingMemoryBound(to: String.self)
            if isBarred, isBeyond(text) { continue }
            best.append(
                RankedEntry(
                    rank: 0, version: version, slot: span.slot(place), text: text.pointee))
            if best.count >= 2 * wanted + 64 { prune() }
        }
    }

    /// Whether a key ranks behind the bar: told by its first eight bytes where these can tell.
    private func isBeyond(_ text: UnsafeMutablePointer<String>) -> Bool {
        if let plainBar, let plain = PlainText(text) {
            return isDescending ? plain < plainBar : plainBar < plain
        }
        if prefixBar != 0, let prefix = Self.prefix(text.pointee), prefix | 0xff != prefixBar | 0xff
        {
            return isDescending ? prefix < prefixBar : prefix > prefixBar
        }
        return isDescending ? text.pointee < textBar : text.pointee > textBar
    }

    /// The first eight bytes as a number in their order; `nil` where one is beyond ASCII, since
    /// only plain letters are in the order of their bytes. (A mark behind the last of them may
    /// change it: what differs there alone is left to a full comparison.)
    private static func prefix(_ text: String) -> UInt64? {
        var text = text
        let prefix: UInt64? = text.withUTF8 { bytes in
            var prefix: UInt64 = 0
            if bytes.count >= 8 {
                prefix =
                    UnsafeRawPointer(bytes.baseAddress!).loadUnaligned(as: UInt64.self).bigEndian
            } else {
                for byte in bytes { prefix = prefix << 8 | UInt64(byte) }
                prefix <<= 8 * UInt64(8 - bytes.count)
            }
            return prefix & 0x8080_8080_8080_8080 == 0 ? prefix : nil
        }
        return prefix
    }
}

/// Up to 15 characters of ASCII as two numbers that are in the order of the text.
///
/// They are read as they lie in a `String`: sixteen bytes, the last of which says that the other
/// fifteen are the text, and that it is plain. That is how it is on all 64-bit platforms, and is
/// not promised: it is tried out on a few texts first, and left alone where they do not agree.
private struct PlainText {
    private let first: UInt64
    private let rest: UInt64

    private static let isKnown =
        ["", "a", "abcdefgh", "abcdefghi", "100000123456", "~abcdefghijklmn"]
        .allSatisfy { text in
            var bytes = Array(text.utf8)
            bytes += [UInt8](repeating: 0, count: 15 - bytes.count)
            let words = Self.words(of: text)
            let lying = withUnsafeBytes(of: (words.0.littleEndian, words.1.littleEndian)) {
                Array($0)
            }
            return lying.dropLast() == bytes[...] && lying[15] == 0xe0 | UInt8(text.utf8.count)
        } && Self.words(of: "\u{e9}").1 >> 60 != 0xe
        && Self.words(of: "abcdefghijklmnop").1 >> 60 != 0xe

    private static func words(of text: String) -> (UInt64, UInt64) {
        withUnsafeBytes(of: text) { $0.loadUnaligned(as: (UInt64, UInt64).self) }
    }

    /// `nil` for any other text.
    init?(_ text: UnsafePointer<String>) {
        guard Self.isKnown, MemoryLayout<String>.size == 16 else { return nil }
        let words = UnsafeRawPointer(text).loadUnaligned(as: (UInt64, UInt64).self)
        guard words.1 >> 60 == 0xe else { return nil }
        first = UInt64(littleEndian: words.0).byteSwapped
        rest = UInt64(littleEndian: words.1 & 0x00ff_ffff_ffff_ffff).byteSwapped
    }

    static func < (a: PlainText, b: PlainText) -> Bool {
        a.first != b.first ? a.first < b.first : a.rest < b.rest
    }
}

extension Cache {
    /// The first entries there are in an order, and how many there are in all. Looks as
    /// ``survey(_:)`` does, at a few nanoseconds an entry.
    package func first(
        _ wanted: Int, by rank: Rank, isDescending: Bool, at now: AgeInstant
    ) -> (entries: [(Key, EntryFacts)], total: Int) {
        precondition(rank != .key || Key.self == String.self, "only text is ranked as text")
        var ranking = Ranking(
            rank, isDescending: isDescending, wanted: wanted, now: now, last: lastVersion,
            mandatory: refresh?.mandatory.nanoseconds ?? 0)
        var hold = Hold()
        for number in 0..<shards.count {
            var chunk = 0
            while shards[number].withLock({ shard in
                let began = Hold.Start()
                defer { hold.add(since: began) }
                guard let found = shard.slab.span(chunk) else { return false }
                if let base = found.base {
                    ranking.look(
                        Ranking.Span(
                            base: base, count: found.count, stride: Slab<Key, Value>.stride,
                            keyOffset: Slab<Key, Value>.keyOffset, start: found.start,
                            shard: UInt32(number), bits: shards.bits,
                            lives: shard.lives, expiries: shard.expiries))
                }
                return true
            }) {
                chunk += 1
                shards[number].latch.pointee.giveWay()
            }
        }
        looked(hold)
        let entries = ranking.first().compactMap { entry -> (Key, EntryFacts)? in
            let local = shards.local(entry.slot)
            return shards.shard(of: entry.slot).withLock { shard in
                guard shard.slab.isHeld(local) else { return nil }
                let facts = shard.facts(local)
                guard facts.version == entry.version else { return nil }
                return (shard.slab.key(shard.slab.address(local)).pointee, facts)
            }
        }
        return (entries, ranking.total)
    }
}
