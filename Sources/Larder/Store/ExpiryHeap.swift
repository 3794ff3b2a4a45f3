/// The slots whose values have an end of their own, soonest first: a binary heap that can also
/// take out any slot, because it knows where each stands.
struct ExpiryHeap: ~Copyable {
    struct Item: BitwiseCopyable {
        var expiry = Int64.max
        var slot = SlotOrder.none
    }

    private var heap = SlotColumn(Item())
    private(set) var count = 0
    /// Where each slot stands in the heap.
    private var places = SlotColumn(SlotOrder.none)

    /// The first to end, and when.
    var first: (expiry: Int64, slot: UInt32)? {
        count == 0 ? nil : (heap[0].expiry, heap[0].slot)
    }

    mutating func insert(_ slot: UInt32, _ expiry: Int64) {
        heap.reserve(UInt32(count))
        places.reserve(slot)
        place(Item(expiry: expiry, slot: slot), at: count)
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

    private func expiry(_ index: Int) -> Int64 { heap[UInt32(index)].expiry }

    private func place(_ item: Item, at index: Int) {
        heap[UInt32(index)] = item
        places[item.slot] = UInt32(index)
    }

    private func rise(_ start: Int) {
        var index = start
        while index > 0, expiry(index) < expiry((index - 1) / 2) {
            swap(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < count && expiry(child) < expiry(least) { least = child }
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
        (0..<count).allSatisfy { $0 == 0 || expiry(($0 - 1) / 2) <= expiry($0) }
            && (0..<count).allSatisfy { places[heap[UInt32($0)].slot] == UInt32($0) }
    }
}
