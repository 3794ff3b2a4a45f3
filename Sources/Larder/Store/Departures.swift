/// Entries that have left, on their way to whoever is to be told of them and drops them: they are
/// moved here under a lock, and out of here once it is free. Plain memory, since every write that
/// evicts has one of these: an array would cost as much as the eviction.
struct Departures<Key: Sendable, Value: Sendable>: ~Copyable {
    private var entries: UnsafeMutablePointer<RemovedEntry<Key, Value>>?
    private(set) var count = 0
    private(set) var capacity = 0
    /// See ``SlotColumn``.
    private let anchor: AnyObject? = nil

    init() {}

    deinit {
        entries?.deinitialize(count: count)
        entries?.deallocate()
    }

    /// Where the next entry is to be moved to, before anything else is done here.
    mutating func newPlace() -> UnsafeMutablePointer<RemovedEntry<Key, Value>> {
        if count == capacity { grow() }
        count += 1
        return entries.unsafelyUnwrapped + (count - 1)
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<RemovedEntry<Key, Value>>.allocate(
            capacity: max(1, capacity * 4))
        if let entries {
            larger.moveInitialize(from: entries, count: count)
            entries.deallocate()
        }
        entries = larger
        capacity = max(1, capacity * 4)
    }

    /// Uses room made before the lock was taken, where nothing has left yet: for a request of a
    /// thousand bytes the allocator may tidy up all that was freed, which takes it a millisecond.
    mutating func use(_ room: Taken) {
        guard room.capacity > 0 else { return }
        precondition(capacity == 0, "what left is taken before the lock is given up")
        (entries, capacity) = (room.entries, room.capacity)
    }

    /// The one that left last.
    var last: RemovedEntry<Key, Value>? { count == 0 ? nil : entries?[count - 1] }

    /// Hands all of them to the caller; none is left here.
    mutating func take() -> Taken {
        defer { (entries, count, capacity) = (nil, 0, 0) }
        return Taken(entries: entries, count: count, capacity: capacity)
    }

    /// Departures that were taken out of the store, and have to be dropped once.
    struct Taken: @unchecked Sendable {  // only one has it
        fileprivate let entries: UnsafeMutablePointer<RemovedEntry<Key, Value>>?
        fileprivate let count: Int
        fileprivate let capacity: Int

        init(
            entries: UnsafeMutablePointer<RemovedEntry<Key, Value>>? = nil, count: Int = 0,
            capacity: Int = 0
        ) {
            (self.entries, self.count, self.capacity) = (entries, count, capacity)
        }

        /// For so many that are to leave.
        init(room capacity: Int) {
            self.init(
                entries: capacity > 0 ? .allocate(capacity: capacity) : nil, capacity: capacity)
        }

        func drop(_ told: ((RemovedEntry<Key, Value>) -> Void)?) {
            guard let entries else { return }
            if let told { for place in 0..<count { told(entries[place]) } }
            // One is the usual number, and quicker moved out than destroyed as an array.
            if count == 1 { _ = entries.move() } else { entries.deinitialize(count: count) }
            entries.deallocate()
        }
    }
}
