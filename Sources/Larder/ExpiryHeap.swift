/// The slots whose values have an end of their own, soonest first: a binary heap that can also
/// take out any slot, because it knows where each stands.
struct ExpiryHeap {
    private var heap: [(expiry: Instant, slot: UInt32)] = []
    private var position: [UInt32: Int] = [:]

    var first: (expiry: Instant, slot: UInt32)? { heap.first }
    var count: Int { heap.count }

    mutating func insert(_ slot: UInt32, _ expiry: Instant) {
        heap.append((expiry, slot))
        position[slot] = heap.count - 1
        rise(heap.count - 1)
    }

    mutating func remove(_ slot: UInt32) {
        guard let index = position.removeValue(forKey: slot) else { return }
        let moved = heap.removeLast()
        guard index < heap.count else { return }
        place(moved, at: index)
        sink(index)
        rise(index)
    }

    private mutating func place(_ item: (expiry: Instant, slot: UInt32), at index: Int) {
        heap[index] = item
        position[item.slot] = index
    }

    private mutating func rise(_ start: Int) {
        var index = start
        while index > 0, heap[index].expiry < heap[(index - 1) / 2].expiry {
            swap(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < heap.count && heap[child].expiry < heap[least].expiry { least = child }
            if least == index { return }
            swap(index, least)
            index = least
        }
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        let item = heap[a]
        place(heap[b], at: a)
        place(item, at: b)
    }

    /// True where parents come before their children and every slot is found where it stands.
    var isOrdered: Bool {
        position.count == heap.count
            && heap.indices.allSatisfy {
                heap[($0 - 1) / 2].expiry <= heap[$0].expiry || $0 == 0
            } && heap.indices.allSatisfy { position[heap[$0].slot] == $0 }
    }
}
