/// One plain value for every slot number: a flat column that grows by remapping, so that growing
/// copies nothing, and by bounded steps, so that it fills no more than a few pages at a time.
struct SlotColumn<Element: BitwiseCopyable>: ~Copyable {
    private var elements: UnsafeMutablePointer<Element>
    private(set) var capacity: Int
    /// What stands where nothing was written yet.
    private let blank: Element
    /// Without a reference in it the compiler takes the column for plain memory in other files of
    /// a debug build, and never runs its deinit.
    private let anchor: AnyObject? = nil

    private static var largestStep: Int { 1 << 14 }

    init(_ blank: Element, capacity: Int = 16) {
        elements = Memory.grow(nil, to: capacity)
        elements.initialize(repeating: blank, count: capacity)
        self.capacity = capacity
        self.blank = blank
    }

    deinit { Memory.free(elements) }

    /// Makes room for `slot`.
    @inline(__always)
    mutating func reserve(_ slot: UInt32) { if slot >= capacity { grow(slot) } }

    private mutating func grow(_ slot: UInt32) {
        let before = capacity
        reserveBare(max(slot, UInt32(before + min(before / 8, Self.largestStep))))
        (elements + before).initialize(repeating: blank, count: capacity - before)
    }

    /// As ``reserve(_:)``, with nothing written there: for who writes each place before reading it.
    mutating func reserveBare(_ slot: UInt32) {
        guard slot >= capacity else { return }
        capacity = Int(slot) + 1
        elements = Memory.grow(elements, to: capacity)
    }

    subscript(slot: UInt32) -> Element {
        @inline(__always) get {
            assert(slot < capacity)
            return elements[Int(slot)]
        }
        @inline(__always) nonmutating _modify {
            assert(slot < capacity)
            yield &elements[Int(slot)]
        }
    }
}
