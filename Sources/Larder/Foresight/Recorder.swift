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

/// What a cache records of its look-ups, in less than 1 MiB with all else that is kept for it.
struct Recorder: ~Copyable {
    /// Look-ups in a piece.
    static let pieceSize = 1024
    /// Pieces, where the shards' own notes leave room for so many.
    private static let mostPieces = 96
    private let pieceCount: Int
    /// Keys are not sampled more thinly than down to so many, entries of a cache neither.
    private static let fewKeys = 8192
    private static let fewEntries = 1024
    /// As many pieces are recorded in a stretch, in at least so long; another begins as long after.
    private static let stretch: UInt64 = 32
    private static let shortestStretch: Int64 = 4_000_000_000
    private static let pause: Int64 = 30_000_000_000
    /// No piece lasts longer, so that microseconds since its start fit.
    private static let longestPiece: Int64 = 250_000_000_000
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
    /// Look-ups that found nothing, of all keys.
    private var misses: UInt64 = 0
    /// What was missed last: its write need not be told.
    private var lastMissed: UInt32?

    /// Keys whose hash's low half is below are recorded; all where it is the largest number.
    private(set) var below: UInt32
    /// Nothing is recorded before.
    private(set) var pausedUntil = Int64.min

    /// Which keys were recorded since the last look at their number, roughly, and before it.
    private var seen = SlotColumn(UInt64(0), capacity: 1)
    private var seenBefore = SlotColumn(UInt64(0), capacity: 1)
    private static let seenWords: UInt32 = 256
    /// Whether a value was ever written that ends by itself.
    private(set) var hasEnds = false

    var changes = ChangeSamples()
    private var prints = Fingerprints()

    /// - Parameter shards: How many there are, which have notes of their own.
    init(isOn: Bool, shards: Int = 1) {
        below = isOn ? .max : 0
        let room = Self.room - shards * Self.bytesOfShard
        pieceCount = max(
            Int(Self.stretch), min(Self.mostPieces, room / (Self.pieceSize * 8 + 64)))
    }

    /// Bytes for all pieces, beside what else is kept.
    private static let room =
        1 << 20 - Fingerprints.bytes - ChangeSamples.bytes - 2 * 8 * Int(seenWords)
    private static let bytesOfShard = LookUpNotes.bytesOfShard

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
        /// When the entry that was just written ends by itself: milliseconds from then stand in place
        /// of the time, and the largest number where it does not.
        case ends
        /// All that was held is invalidated.
        case cleared
        /// Its fetch brought nothing, and nothing is held.
        case failed
        /// A look-up that found nothing, and has it fetched: what that brings is not told.
        case led
    }

    /// A word is a key's mark, a kind and a time or what stands in place of it.
    private static let (kindShift, kindMask) = (UInt64(28), UInt64(15))
    /// The largest amount that may stand in place of a time.
    static let largest: Int64 = 1 << 28 - 1

    private static func word(_ mark: UInt32, _ kind: Kind, _ amount: Int64) -> UInt64 {
        UInt64(mark) << 32 | kind.rawValue << kindShift | UInt64(amount)
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
        /// The same of those that found nothing.
        var missesBefore: UInt64 = 0
        var missesAfter: UInt64 = 0
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

    /// Whether only some keys are followed, and so few that the open piece lasts too long.
    func isSlow(at now: Int64) -> Bool {
        below != .max && next > 0 && now &- open.began > Self.longestPiece
    }

    /// A look-up found nothing, of whichever key.
    mutating func countMiss() { misses &+= 1 }

    /// - Parameter amount: What stands in place of the time, if anything.
    mutating func add(_ kind: Kind, _ mark: UInt32, at time: Int64, amount: Int64? = nil) {
        if kind == .filled, mark == lastMissed, open.count > 0 { return fillMissed() }
        lastMissed = kind == .missed ? mark : nil
        // Two threads may have read the clock in another order than they came.
        let now = max(time, open.ended)
        let amount = min(max(0, amount ?? (now &- open.began) / 1000), Self.largest)
        words[start(of: next - 1) + open.count] = Self.word(mark, kind, amount)
        open.count += 1
        open.ended = max(open.ended, now)
        if kind == .ends, amount < Self.largest { hasEnds = true }
        if [.lookup, .missed, .led, .filled, .rewritten].contains(kind) {
            seen[Self.seenWord(mark)] |= Self.seenBit(mark)
        }
    }

    private static func seenWord(_ mark: UInt32) -> UInt32 { mark >> 6 & (seenWords - 1) }
    private static func seenBit(_ mark: UInt32) -> UInt64 { 1 << UInt64(mark & 63) }

    /// Whether a key may be on record: of others it need not be told that they go.
    func mayKnow(_ mark: UInt32) -> Bool {
        let word = Self.seenWord(mark)
        guard Int(word) < min(seen.capacity, seenBefore.capacity) else { return false }
        return (seen[word] | seenBefore[word]) & Self.seenBit(mark) != 0
    }

    /// Where the words of a piece begin.
    private func start(of piece: UInt64) -> UInt32 {
        UInt32(piece % UInt64(pieceCount)) * UInt32(Self.pieceSize)
    }

    /// The last look-up has written what it missed: that is all there is to say of it.
    private mutating func fillMissed() {
        let last = start(of: next - 1) + open.count - 1
        words[last] =
            words[last] & ~(Self.kindMask << Self.kindShift)
            | Kind.loaded.rawValue << Self.kindShift
        lastMissed = nil
    }

    /// Takes a word of the record apart.
    static func parts(_ word: UInt64) -> (mark: UInt32, kind: Kind, time: Int64) {
        (
            UInt32(truncatingIfNeeded: word >> 32),
            Kind(rawValue: word >> kindShift & kindMask) ?? .lookup, Int64(word & UInt64(largest))
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
        if next > 0, next % UInt64(pieceCount) == 0 {
            adapt(maxsize, at: now)
        } else if next > 0, now &- open.began > Self.longestPiece {
            // Look-ups come so slowly that more keys can be followed.
            followMore()
        }
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
        (open.lookupsAfter, open.missesAfter) = (lookups, misses)
        pieces[UInt32((next - 1) % UInt64(pieceCount))] = open
    }

    private mutating func begin(_ lookups: UInt64, at now: Int64) {
        if next == 0 {
            pieces.reserve(UInt32(pieceCount) - 1)
            seen.reserve(Self.seenWords - 1)
            seenBefore.reserve(Self.seenWords - 1)
        }
        next += 1
        if next - first > pieceCount { first = next - UInt64(pieceCount) }
        words.reserveBare(UInt32(min(next, UInt64(pieceCount))) * UInt32(Self.pieceSize) - 1)
        open = Piece(
            began: now, ended: now, below: below, lookupsBefore: lookups, missesBefore: misses,
            isAfterGap: isAfterGap)
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
        number + 1 == next ? open : pieces[UInt32(number % UInt64(pieceCount))]
    }

    /// Follows fewer keys where the record is short, and more where it has room for them.
    private mutating func adapt(_ maxsize: Int, at now: Int64) {
        let keys = countSeen()
        let rate = Double(below) / Double(UInt32.max)
        let entries = Double(maxsize) * rate
        let span = now &- piece(first).began
        if entries < Double(Self.fewEntries) || span > 2 * Self.longestWindow {
            followMore()
        } else if span < Self.longestWindow, keys > Self.fewKeys,
            entries / 2 >= Double(Self.fewEntries), below > 1 << 16
        {
            below /= 2
        }
    }

    private mutating func followMore() {
        if below != .max, isOn { below = below > .max / 2 ? .max : below &* 2 &+ 1 }
    }

    /// How many keys were recorded since the last time, by the places that stayed empty.
    private mutating func countSeen() -> Int {
        var empty = 0
        for place in 0..<Self.seenWords {
            empty += 64 - seen[place].nonzeroBitCount
            seenBefore[place] = seen[place]
            seen[place] = 0
        }
        let places = Double(Self.seenWords) * 64
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
        if number + 1 == next, !isPaused {
            (piece.lookupsAfter, piece.missesAfter) = (lookups, misses)
        }
        let start = start(of: number)
        for word in 0..<piece.count { words.append(self.words[start + word]) }
        return piece
    }

    /// A key's value is another by word of somebody else: the next fetch does not say what the origin
    /// has changed unseen.
    mutating func forgetPrint(_ mark: UInt32) { prints.forget(mark) }

    /// The same of every key.
    mutating func forgetPrints(at now: Int64) { prints.forgetAll(at: now) }

    /// Compares what the origin has with what is held since `written`, or with what it had when it was
    /// last asked.
    mutating func verified(
        _ mark: UInt32, _ prints: (held: UInt64, origin: UInt64), writtenAt written: Int64,
        at now: Int64
    ) {
        changes.prepare()
        if let found = self.prints.compare(mark, prints.origin, at: now) {
            changes.add(age: found.age, isChanged: found.isChanged)
        } else {
            changes.add(age: now &- written, isChanged: prints.held != prints.origin)
        }
    }

    /// Compares what a fetch brought with what the one before brought.
    mutating func compare(_ mark: UInt32, _ print: UInt64, at now: Int64) {
        changes.prepare()
        guard let found = prints.compare(mark, print, at: now) else { return }
        changes.add(age: found.age, isChanged: found.isChanged)
    }

    /// What the record takes, the shards' own notes aside.
    var bytes: Int {
        (words.capacity + seen.capacity + seenBefore.capacity) * 8
            + pieces.capacity * MemoryLayout<Piece>.stride + prints.takes + changes.takes
    }
}
