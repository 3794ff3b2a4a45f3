/// One plain value for every slot number: a flat column that grows by remapping, as the links do.
struct SlotColumn<Element: BitwiseCopyable>: ~Copyable {
    private var elements: UnsafeMutablePointer<Element>
    private(set) var capacity: Int
    /// What stands where nothing was written yet.
    private let blank: Element
    /// Without a reference in it the compiler takes the column for plain memory in other files of
    /// a debug build, and never runs its deinit.
    private let anchor: AnyObject? = nil

    init(_ blank: Element, capacity: Int = 16) {
        elements = Memory.grow(nil, to: capacity)
        elements.initialize(repeating: blank, count: capacity)
        self.capacity = capacity
        self.blank = blank
    }

    deinit { Memory.free(elements) }

    /// A column of its own with the same values.
    func copy() -> SlotColumn {
        let copy = SlotColumn(blank, capacity: capacity)
        copy.elements.update(from: elements, count: capacity)
        return copy
    }

    /// Makes room for `slot`.
    mutating func reserve(_ slot: UInt32) {
        guard slot >= capacity else { return }
        let larger = max(Int(slot) + 1, capacity + capacity / 8)
        elements = Memory.grow(elements, to: larger)
        (elements + capacity).initialize(repeating: blank, count: larger - capacity)
        capacity = larger
    }

    subscript(slot: UInt32) -> Element {
        get {
            assert(slot < capacity)
            return elements[Int(slot)]
        }
        nonmutating _modify {
            assert(slot < capacity)
            yield &elements[Int(slot)]
        }
    }
}
