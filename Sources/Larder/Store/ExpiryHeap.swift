/// The slots whose values have an end of their own, soonest first and of two at once the older: a
/// binary heap that can also take out any slot, because it knows where each stands. Those that end by
/// the ttl need not be in it: they end in the order in which they were written.
struct ExpiryHeap: ~Copyable {
    struct Item: BitwiseCopyable {
        var expiry = Int64.max
        var slot = SlotOrder.none
        /// The lower half of the entry's version: two that meet are never too far apart for it.
        var version: UInt32 = 0

        static func < (a: Item, b: Item) -> Bool {
            if a.expiry != b.expiry { return a.expiry < b.expiry }
            return Int32(bitPattern: a.version &- b.version) < 0
        }
    }

    private var heap = SlotColumn(Item())
    private(set) var count = 0
    /// Where each slot stands in the heap.
    private var places = SlotColumn(SlotOrder.none)

    /// The first to end, and when.
    var first: (expiry: Int64, slot: UInt32)? {
        count == 0 ? nil : (heap[0].expiry, heap[0].slot)
    }

    mutating func insert(_ slot: UInt32, _ expiry: Int64, version: UInt64) {
        heap.reserve(UInt32(count))
        places.reserve(slot)
        place(
            Item(expiry: expiry, slot: slot, version: UInt32(truncatingIfNeeded: version)),
            at: count)
        count += 1
        rise(count - 1)
    }

    /// Takes a slot out, where it is there.
    mutating func remove(_ slot: UInt32) {
        guard count > 0, slot < places.capacity, places[slot] != SlotOrder.none else { return }
        let index = Int(places[slot])
        places[slot] = SlotOrder.none
        count -= 1
        guard index < count else { return }
        place(heap[UInt32(count)], at: index)
        sink(index)
        rise(index)
    }

    private func isSooner(_ a: Int, _ b: Int) -> Bool { heap[UInt32(a)] < heap[UInt32(b)] }

    private func place(_ item: Item, at index: Int) {
        heap[UInt32(index)] = item
        places[item.slot] = UInt32(index)
    }

    private func rise(_ start: Int) {
        var index = start
        while index > 0, isSooner(index, (index - 1) / 2) {
            swap(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < count && isSooner(child, least) { least = child }
            if least == index { return }
            swap(index, least)
            index = least
        }
    }

    private func swap(_ a: Int, _ b: Int) {
        let item = heap[UInt32(a)]
        place(heap[UInt32(b)], at: a)
        place(item, at: b)
    }

    /// True where parents come before their children and every slot is found where it stands.
    var isOrdered: Bool {
        (0..<count).allSatisfy { $0 == 0 || !isSooner($0, ($0 - 1) / 2) }
            && (0..<count).allSatisfy { places[heap[UInt32($0)].slot] == UInt32($0) }
    }
}
