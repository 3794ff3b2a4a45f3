/// Something known of keys, found by their hash. It grows by bounded pieces, as the index and the
/// slab that it is made of do, where a dictionary moves everything at once.
struct KeyTable<Key: Hashable & Sendable, Element>: ~Copyable {
    private var index = SlotIndex()
    private var slab = Slab<Key, Element>()

    var count: Int { slab.count }

    /// Places are numbered below this.
    var places: UInt32 { slab.slotCount }

    func place(of key: Key, _ hash: UInt64) -> UInt32? {
        guard slab.count > 0 else { return nil }
        return index.find(mark(hash)) { slab.key(slab.address($0)).pointee == key }
    }

    /// What stands in a place that is taken.
    subscript(place: UInt32) -> Element {
        get { slab.value(slab.address(place)).pointee }
        nonmutating _modify { yield &slab.value(slab.address(place)).pointee }
    }

    func find(_ key: Key, _ hash: UInt64) -> Element? { place(of: key, hash).map { self[$0] } }

    /// Key and element of a place; `nil` where it is free.
    func entry(at place: UInt32) -> (key: Key, element: Element)? {
        guard slab.isHeld(place) else { return nil }
        return (slab.key(slab.address(place)).pointee, self[place])
    }

    /// Adds a key that is not there.
    mutating func add(_ element: Element, for key: Key, _ hash: UInt64) {
        let record = Record(writtenAt: 0, version: 1, loads: 0, bytes: 0, took: 0)
        index.insert(slab.add(record, key, element), mark(hash))
    }

    @discardableResult
    mutating func remove(_ key: Key, _ hash: UInt64) -> Element? {
        guard let place = place(of: key, hash) else { return nil }
        return remove(at: place, hash)
    }

    mutating func remove(at place: UInt32, _ hash: UInt64) -> Element {
        index.remove(place, mark(hash))
        return slab.remove(place)
    }

    private func mark(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash) }
}
