/// How often a key was asked for lately, roughly and in little memory: a count-min sketch of 4-bit
/// counters (Cormode and Muthukrishnan, 2005) that all halve once a sample of uses has been counted
/// (Einziger, Friedman and Manes, "TinyLFU", 2017).
///
/// A key has four counters, all in one 64-byte block, so that it costs one line of memory; the
/// least of them is the answer. It may be too high where keys share counters, never too low.
struct FrequencySketch: ~Copyable {
    private var words: SlotColumn<UInt64>
    private var blocks: UInt32
    private var size = 0

    init(capacity: Int) {
        blocks = FrequencySketch.blocks(for: capacity)
        words = SlotColumn(0, capacity: Int(blocks) * 8)
    }

    private init(copying other: borrowing FrequencySketch) {
        words = other.words.copy()
        (blocks, size) = (other.blocks, other.size)
    }

    func copy() -> FrequencySketch { FrequencySketch(copying: self) }

    /// Eight bytes an entry.
    private static func blocks(for capacity: Int) -> UInt32 {
        UInt32((Swift.max(capacity, 64).roundedUpToPowerOfTwo + 7) / 8)
    }

    /// Makes room for the keys of so many entries. A block that splits leaves its counts to both
    /// halves, so that nothing is forgotten.
    mutating func reserve(_ capacity: Int) {
        while blocks < FrequencySketch.blocks(for: capacity) {
            words.reserve(blocks * 16 - 1)
            for word in 0..<blocks * 8 { words[blocks * 8 + word] = words[word] }
            blocks *= 2
        }
    }

    /// 0 through 15.
    func count(_ tag: UInt32) -> Int {
        var least: UInt64 = 15
        for row in 0..<4 as Range<UInt32> {
            let (word, shift) = counter(tag, row)
            least = min(least, words[word] &>> shift & 15)
        }
        return Int(least)
    }

    /// Counts one use; all counts halve once there were `sample` of them.
    mutating func increment(_ tag: UInt32, sample: Int) {
        var grew = false
        for row in 0..<4 as Range<UInt32> {
            let (word, shift) = counter(tag, row)
            let one: UInt64 = words[word] &>> shift & 15 < 15 ? 1 : 0
            words[word] &+= one &<< shift
            grew = grew || one == 1
        }
        if grew { size += 1 }
        if size >= sample { halve() }
    }

    private mutating func halve() {
        for word in 0..<blocks * 8 { words[word] = words[word] >> 1 & 0x7777_7777_7777_7777 }
        size /= 2
    }

    /// The row's word, two of the block's eight, and where in it the counter stands.
    private func counter(_ tag: UInt32, _ row: UInt32) -> (word: UInt32, shift: UInt64) {
        let bits = (tag &* 0x9e37_79b1) &>> (row &* 8)
        let block = (tag ^ tag &>> 15) & (blocks - 1)
        return (block &* 8 &+ row &* 2 &+ (bits & 1), UInt64(bits &>> 1 & 15) &* 4)
    }
}
