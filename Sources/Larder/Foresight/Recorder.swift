// The look-ups of late, for what-ifs.
//
// A what-if replays what was looked up through miniature caches of other bounds. They could run
// beside the cache all the time; but seven sizes by seven ttls by seven policies are 343 caches,
// and one look-up costs each about as much as the look-up itself. So nothing runs until somebody
// asks: the cache keeps a record of its look-ups, a few bytes each, and whoever asks replays it
// on his own time. How far back the record goes is the window.
//
// - Keys are sampled by their hash (Waldspurger et al., "SHARDS", FAST'15): where look-ups come too
//   fast for the record, fewer keys are followed, and miniature caches are smaller by as much. All
//   are followed where they are few, and where the cache is so small that a part of it would say
//   nothing.
// - Where that is not enough, look-ups are recorded in stretches with pauses between.
// - A hit compares its key's hash with a bound, which it has at hand, and leaves a note where it is
//   below. Notes are settled with those for the policy, under the store's lock.
// - The record is a ring of pieces. Each knows by which bound keys were sampled in it.

/// What a cache records of its look-ups, in less than 1 MiB with all else that is kept here.
struct Recorder: ~Copyable {
    /// Look-ups in a piece, and pieces.
    static let pieceSize = 1024
    static let pieceCount = 96
    /// Keys are not sampled more thinly than down to so many, entries of a cache neither.
    private static let fewKeys = 8192
    private static let fewEntries = 1024
    /// As many pieces are recorded in a stretch, in at least so long; another begins as long after.
    private static let stretch: UInt64 = 32
    private static let shortestStretch: Int64 = 4_000_000_000
    private static let pause: Int64 = 30_000_000_000
    /// No piece lasts longer, so that microseconds since its start fit.
    private static let longestPiece: Int64 = 500_000_000_000
    /// A window is not longer than an hour.
    private static let longestWindow: Int64 = 3_600_000_000_000

    private var words = SlotColumn(UInt64(0), capacity: 1)
    private var pieces = SlotColumn(Piece(), capacity: 1)
    /// The numbers of the oldest piece and of the one after the open one.
    private(set) var first: UInt64 = 0
    private(set) var next: UInt64 = 0
    private var open = Piece()
    private var beganStretch: UInt64 = 0
    private var isAfterGap = false
    /// What was missed last: its write need not be told.
    private var lastMissed: UInt32?

    /// Keys whose hash's low half is below are recorded; all where it is the largest number.
    private(set) var below: UInt32
    /// Nothing is recorded before.
    private(set) var pausedUntil = Int64.min

    /// Which keys were recorded since the last look at their number, roughly.
    private var seen = SlotColumn(UInt64(0), capacity: 1)

    var changes = ChangeSamples()
    private var prints = Fingerprints()

    init(isOn: Bool) { below = isOn ? .max : 0 }

    /// A look-up, or something else that happened to a key.
    enum Kind: UInt64 {
        case lookup
        /// One that found nothing here.
        case missed
        /// The bytes of the entry that was just written: they stand in place of the time.
        case bytes
        /// Written anew while it was live, for no look-up.
        case rewritten
        /// Written for no look-up where there was no entry.
        case filled
        /// Invalidated.
        case gone
        /// A look-up that found nothing, and wrote what it fetched.
        case loaded
    }

    /// A part of the record.
    struct Piece: BitwiseCopyable {
        var began: Int64 = 0
        var ended: Int64 = 0
        var below: UInt32 = .max
        var count: UInt32 = 0
        /// Look-ups of the cache before it and up to its end, recorded or not.
        var lookupsBefore: UInt64 = 0
        var lookupsAfter: UInt64 = 0
        /// Not all look-ups before it are on record.
        var isAfterGap = false
    }

    var isOn: Bool { below > 0 }

    var isPaused: Bool { pausedUntil != .min }

    /// Which keys hits are to be noted of.
    var noteBelow: UInt32 { isPaused ? 0 : below }

    func follows(_ mark: UInt32) -> Bool { mark < below && !isPaused }

    /// Whether a piece has to be opened before the next look-up is added.
    func needsPiece(at now: Int64) -> Bool {
        next == 0 || open.count == Self.pieceSize || now &- open.began > Self.longestPiece
    }

    mutating func add(_ kind: Kind, _ mark: UInt32, at time: Int64, bytes: Int = 0) {
        if kind == .filled, mark == lastMissed, open.count > 0 { return fillMissed() }
        lastMissed = kind == .missed ? mark : nil
        // Two threads may have read the clock in another order than they came.
        let now = max(time, open.ended)
        let place = UInt32((next - 1) % UInt64(Self.pieceCount)) * UInt32(Self.pieceSize)
        let time = kind == .bytes ? Int64(min(bytes, 1 << 29 - 1)) : (now &- open.began) / 1000
        words[place + open.count] =
            UInt64(mark) << 32 | kind.rawValue << 29 | UInt64(time) & (1 << 29 - 1)
        open.count += 1
        open.ended = max(open.ended, now)
        if kind == .lookup || kind == .missed { seen[mark >> 6 & 255] |= 1 << UInt64(mark & 63) }
    }

    /// The last look-up has written what it missed: that is all there is to say of it.
    private mutating func fillMissed() {
        let place = UInt32((next - 1) % UInt64(Self.pieceCount)) * UInt32(Self.pieceSize)
        words[place + open.count - 1] =
            words[place + open.count - 1] & ~(7 << 29) | Kind.loaded.rawValue << 29
        lastMissed = nil
    }

    /// Takes a word of the record apart.
    static func parts(_ word: UInt64) -> (mark: UInt32, kind: Kind, time: Int64) {
        (
            UInt32(truncatingIfNeeded: word >> 32), Kind(rawValue: word >> 29 & 7) ?? .lookup,
            Int64(word & (1 << 29 - 1))
        )
    }

    /// Closes the open piece, and opens the next unless look-ups come too fast: then nothing is
    /// recorded for a while.
    ///
    /// - Parameters:
    ///   - lookups: All of the cache so far.
    ///   - maxsize: How many entries the cache may hold, as far as that is known.
    mutating func openPiece(lookups: UInt64, maxsize: Int, at now: Int64) {
        close(lookups)
        if next > 0, next % UInt64(Self.pieceCount) == 0 { adapt(maxsize, at: now) }
        if next - beganStretch >= Self.stretch {
            let began = piece(beganStretch).began
            if now &- began < Self.shortestStretch {
                pausedUntil = began &+ Self.pause
                return
            }
            beganStretch = next
        }
        begin(lookups, at: now)
    }

    private mutating func close(_ lookups: UInt64) {
        guard next > 0 else { return }
        open.lookupsAfter = lookups
        pieces[UInt32((next - 1) % UInt64(Self.pieceCount))] = open
    }

    private mutating func begin(_ lookups: UInt64, at now: Int64) {
        if next == 0 {
            pieces.reserve(UInt32(Self.pieceCount) - 1)
            seen.reserve(255)
        }
        next += 1
        if next - first > Self.pieceCount { first = next - UInt64(Self.pieceCount) }
        words.reserve(UInt32(min(next, UInt64(Self.pieceCount))) * UInt32(Self.pieceSize) - 1)
        open = Piece(
            began: now, ended: now, below: below, lookupsBefore: lookups, isAfterGap: isAfterGap)
        isAfterGap = false
    }

    /// Goes on after a pause.
    mutating func resume(lookups: UInt64, at now: Int64) {
        pausedUntil = .min
        isAfterGap = true
        beganStretch = next
        begin(lookups, at: now)
    }

    private func piece(_ number: UInt64) -> Piece {
        number + 1 == next ? open : pieces[UInt32(number % UInt64(Self.pieceCount))]
    }

    /// Follows fewer keys where the record is short, and more where it has room for them.
    private mutating func adapt(_ maxsize: Int, at now: Int64) {
        let keys = countSeen()
        let rate = Double(below) / Double(UInt32.max)
        let entries = Double(maxsize) * rate
        let span = now &- piece(first).began
        if entries < Double(Self.fewEntries) || span > 2 * Self.longestWindow {
            if below != .max { below = below > .max / 2 ? .max : below &* 2 &+ 1 }
        } else if span < Self.longestWindow, keys > Self.fewKeys,
            entries / 2 >= Double(Self.fewEntries), below > 1 << 16
        {
            below /= 2
        }
    }

    /// How many keys were recorded since the last time, by the places that stayed empty.
    private mutating func countSeen() -> Int {
        var empty = 0
        for place in 0..<256 as Range<UInt32> {
            empty += 64 - seen[place].nonzeroBitCount
            seen[place] = 0
        }
        let places = 256.0 * 64
        return Int(-places * Maths.log(max(Double(empty), 0.5) / places))
    }

    // MARK: Reading

    /// Appends a piece to `words`, which have room for it; `nil` where it is not there any more, or
    /// not yet.
    func read(
        _ number: UInt64, lookups: UInt64, into words: inout [UInt64]
    ) -> Piece? {
        guard number >= first, number < next else { return nil }
        var piece = piece(number)
        if number + 1 == next, !isPaused { piece.lookupsAfter = lookups }
        let place = UInt32(number % UInt64(Self.pieceCount)) * UInt32(Self.pieceSize)
        for word in 0..<piece.count { words.append(self.words[place + word]) }
        return piece
    }

    /// Compares what a fetch brought with what the one before brought.
    mutating func compare(_ mark: UInt32, _ print: UInt64, at now: Int64) {
        changes.prepare()
        guard let found = prints.compare(mark, print, at: now) else { return }
        changes.add(age: found.age, isChanged: found.isChanged)
    }

    /// What the record takes.
    var bytes: Int { words.capacity * 8 + Self.pieceCount * MemoryLayout<Piece>.stride }
}
