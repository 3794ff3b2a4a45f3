/// A look-up on its way to the ``Recorder``.
struct LookUpNote: BitwiseCopyable {
    /// As that of the touch beside it.
    var stamp: UInt32
    /// The half of the key's hash that shards go by.
    var mark: UInt32
    var at: Int64
}

/// Look-ups that were noted by the shards, until they are recorded. It is not generic, so that
/// sorting them is cheap.
final class LookUpNotes {
    let base: UnsafeMutablePointer<LookUpNote>
    var count = 0

    /// With room for those of so many shards.
    init(_ shards: Int) { base = Memory.grow(nil, to: 2 * 64 * max(1, shards)) }

    deinit { Memory.free(base) }

    /// Puts them in the order in which they were made. Those of one shard are in order already.
    func sort(since stamp: UInt32) {
        for place in 1..<max(1, count) {
            let note = base[place]
            let order = note.stamp &- stamp
            var free = place
            while free > 0, base[free - 1].stamp &- stamp > order {
                base[free] = base[free - 1]
                free -= 1
            }
            base[free] = note
        }
    }
}
