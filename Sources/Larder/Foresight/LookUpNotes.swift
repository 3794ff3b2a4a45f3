/// A look-up, or a rewrite among look-ups, on its way to the ``Recorder``.
struct LookUpNote: BitwiseCopyable {
    /// As that of the touch beside it.
    var stamp: UInt32
    /// The half of the key's hash that shards go by.
    var mark: UInt32
    /// Even for a look-up, odd for a rewrite: a nanosecond is less than the record knows.
    private var coded: Int64

    init(stamp: UInt32, mark: UInt32, isRewrite: Bool, at: Int64) {
        (self.stamp, self.mark) = (stamp, mark)
        coded = at & ~1 | (isRewrite ? 1 : 0)
    }

    var at: Int64 { coded & ~1 }
    var isRewrite: Bool { coded & 1 == 1 }
}

/// Look-ups that were noted by the shards, until they are recorded. It is not generic, so that
/// sorting them is cheap.
final class LookUpNotes {
    let base: UnsafeMutablePointer<LookUpNote>
    private let spare: UnsafeMutablePointer<LookUpNote>
    var count = 0

    /// Most notes of a shard.
    static let mostOfShard = 2 * 64
    /// What they take for each shard: its own, room for them here and as much to sort them.
    static let bytesOfShard = 3 * mostOfShard * MemoryLayout<LookUpNote>.stride

    /// With room for those of so many shards, and as much to sort them.
    init(_ shards: Int) {
        let room = Self.mostOfShard * max(1, shards)
        base = Memory.grow(nil, to: 2 * room)
        spare = base + room
    }

    deinit { Memory.free(base) }

    /// Puts them in the order in which they were made, by merging: the store is locked meanwhile.
    func sort(since stamp: UInt32) {
        var (from, to, width) = (base, spare, 1)
        while width < count {
            for start in stride(from: 0, to: count, by: 2 * width) {
                let (middle, end) = (min(start + width, count), min(start + 2 * width, count))
                merge(from, to, start, middle, end, stamp)
            }
            (from, to, width) = (to, from, 2 * width)
        }
        if from != base { base.update(from: from, count: count) }
    }

    /// Merges what lies between `start` and `middle` with what follows up to `end`.
    private func merge(
        _ from: UnsafeMutablePointer<LookUpNote>, _ to: UnsafeMutablePointer<LookUpNote>,
        _ start: Int, _ middle: Int, _ end: Int, _ stamp: UInt32
    ) {
        var (a, b) = (start, middle)
        for place in start..<end {
            let takesFirst =
                b == end || a < middle && from[a].stamp &- stamp <= from[b].stamp &- stamp
            to[place] = from[takesFirst ? a : b]
            if takesFirst { a += 1 } else { b += 1 }
        }
    }
}
