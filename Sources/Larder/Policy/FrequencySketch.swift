/// How often a key was asked for lately, roughly and in little memory: a count-min sketch of 4-bit
/// counters (Cormode and Muthukrishnan, 2005) that all halve once a sample of uses has been counted
/// (Einziger, Friedman and Manes, "TinyLFU", 2017).
///
/// A key has four counters, all in one 64-byte block, so that it costs one line of memory; the
/// least of them is the answer. It may be too high where keys share counters, never too low.
///
/// To halve all counters, or to copy all blocks when the sketch grows, would take milliseconds
/// where there are a million. So neither is done at once: a block is brought up to date when it is
/// used, and each use brings a few others up to date, long before the next halving or growth. What
/// is read is the same as if all had been done at once.
struct FrequencySketch: ~Copyable {
    private var words: SlotColumn<UInt64>
    private var blocks: UInt32
    private var size = 0

    /// What each block has seen so far; all have seen one halving, and one growth, before the next.
    private var seen: SlotColumn<Rounds>
    private var now = Rounds()
    /// Blocks below these numbers have seen the last growth and the last halving.
    private var grown: UInt32
    private var halved: UInt32

    /// The number of halvings and growths: whether they are odd is enough.
    struct Rounds: BitwiseCopyable {
        var halvings = false
        var growths = false
    }

    /// Blocks that a use brings up to date beside its own.
    private static let pace: UInt32 = 8

    init(capacity: Int) {
        blocks = FrequencySketch.blocks(for: capacity)
        words = SlotColumn(0, capacity: Int(blocks) * 8)
        seen = SlotColumn(Rounds(), capacity: Int(blocks))
        (grown, halved) = (blocks, blocks)
    }

    /// Eight bytes an entry.
    private static func blocks(for capacity: Int) -> UInt32 {
        UInt32((Swift.max(capacity, 64).roundedUpToPowerOfTwo + 7) / 8)
    }

    /// Makes room for the keys of so many entries. A block that parts leaves its counts to its
    /// twin, half the blocks further on, so that nothing is forgotten.
    mutating func reserve(_ capacity: Int) {
        while blocks < FrequencySketch.blocks(for: capacity) {
            catchUp(blocks)
            // Twins are written before they are read.
            words.reserveBare(blocks * 16 - 1)
            seen.reserveBare(blocks * 2 - 1)
            blocks *= 2
            now.growths.toggle()
            (grown, halved) = (0, 0)
        }
    }

    /// 0 through 15.
    func count(_ tag: UInt32) -> Int {
        var block = block(tag)
        // A block that has not parted yet holds the counts of its twin too.
        if seen[low(block)].growths != now.growths { block = low(block) }
        var least: UInt64 = 15
        for row in 0..<4 as Range<UInt32> {
            let (word, shift) = counter(tag, row, in: block)
            least = min(least, words[word] &>> shift & 15)
        }
        return Int(seen[block].halvings == now.halvings ? least : least / 2)
    }

    /// Counts one use; all counts halve once there were `sample` of them.
    mutating func increment(_ tag: UInt32, sample: Int) {
        catchUp(FrequencySketch.pace)
        let block = block(tag)
        update(block)
        var grew = false
        for row in 0..<4 as Range<UInt32> {
            let (word, shift) = counter(tag, row, in: block)
            let one: UInt64 = words[word] &>> shift & 15 < 15 ? 1 : 0
            words[word] &+= one &<< shift
            grew = grew || one == 1
        }
        if grew { size += 1 }
        guard size >= sample else { return }
        catchUp(blocks)
        size /= 2
        now.halvings.toggle()
        halved = 0
    }

    // MARK: Blocks

    /// Brings up to `count` more blocks up to date with each of the two.
    private mutating func catchUp(_ count: UInt32) {
        let twins = grown..<max(grown, min(blocks / 2, grown &+ count))
        for block in twins { part(block) }
        grown = max(grown, twins.upperBound)
        let rest = halved..<max(halved, min(blocks, halved &+ count))
        for block in rest { update(block) }
        halved = max(halved, rest.upperBound)
    }

    private mutating func update(_ block: UInt32) {
        part(low(block))
        guard seen[block].halvings != now.halvings else { return }
        seen[block].halvings = now.halvings
        for word in block * 8..<block * 8 + 8 {
            words[word] = words[word] >> 1 & 0x7777_7777_7777_7777
        }
    }

    /// Leaves the counts of a block of the lower half to its twin as well.
    private mutating func part(_ block: UInt32) {
        guard seen[block].growths != now.growths else { return }
        seen[block].growths = now.growths
        let twin = block + blocks / 2
        for word in 0..<8 as Range<UInt32> { words[twin * 8 + word] = words[block * 8 + word] }
        seen[twin] = seen[block]
    }

    private func low(_ block: UInt32) -> UInt32 { block & (blocks / 2 - 1) }

    private func block(_ tag: UInt32) -> UInt32 { (tag ^ tag &>> 15) & (blocks - 1) }

    /// The row's word, two of the block's eight, and where in it the counter stands.
    private func counter(
        _ tag: UInt32, _ row: UInt32, in block: UInt32
    ) -> (word: UInt32, shift: UInt64) {
        let bits = (tag &* 0x9e37_79b1) &>> (row &* 8)
        return (block &* 8 &+ row &* 2 &+ (bits & 1), UInt64(bits &>> 1 & 15) &* 4)
    }
}
