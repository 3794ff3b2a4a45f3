/// Where the entries of one shard are found by the hash of their keys.
///
/// Extendible hashing (Fagin et al., 1979): a directory of small open-addressed tables, chosen by
/// the upper bits of the mark (32 bits of the hash). A table that is full doubles, up to a bound,
/// then splits in two. So growing moves a thousand cells at a time at most, and never stalls
/// whoever waits for the lock, however large the cache. A cell holds slot and mark: moving it
/// touches no entry, and a probe that fails hardly ever does.
@usableFromInline
struct SlotIndex: ~Copyable {
    @usableFromInline var directory: UnsafeMutablePointer<Table>
    @usableFromInline var depth: UInt32 = 0
    /// Places of the directory below this one have been trimmed in this round.
    private var trimmed = 0

    @usableFromInline
    struct Table: BitwiseCopyable {
        @usableFromInline var cells: UnsafeMutablePointer<UInt64>
        @usableFromInline var capacity: UInt32
        @usableFromInline var count: UInt32 = 0
        /// How many upper bits all marks of the table share.
        @usableFromInline var depth: UInt32

        @usableFromInline
        init(capacity: UInt32, depth: UInt32) {
            cells = Block.allocate(Self.bytes(capacity), alignment: 8)
                .bindMemory(to: UInt64.self, capacity: Int(capacity))
            cells.initialize(repeating: SlotIndex.empty, count: Int(capacity))
            self.capacity = capacity
            self.depth = depth
        }

        private static func bytes(_ capacity: UInt32) -> Int {
            Int(capacity) * MemoryLayout<UInt64>.stride
        }

        func release() { Block.release(cells, Self.bytes(capacity), alignment: 8) }

        /// The first place of a mark: places are in the order of marks.
        @inlinable
        func home(_ mark: UInt32) -> UInt32 {
            let rest = UInt64(mark &<< depth)
            return UInt32(truncatingIfNeeded: (rest &* UInt64(capacity)) >> 32)
        }
    }

    @inlinable static var empty: UInt64 { .max }
    private static let smallest: UInt32 = 8
    /// A table of this capacity, of three pages, splits at 1,344 cells.
    private static let largest: UInt32 = 1536

    init() {
        directory = Memory.grow(nil, to: 1)
        directory.initialize(to: Table(capacity: Self.smallest, depth: 0))
    }

    @inlinable deinit { release() }

    @usableFromInline
    func release() {
        forEachTable { $0.release() }
        Memory.free(directory)
    }

    /// Every table once, though several entries of the directory may name it.
    private func forEachTable(_ visit: (Table) -> Void) {
        var place = 0
        while place < 1 << depth {
            visit(directory[place])
            place += 1 << (depth - directory[place].depth)
        }
    }

    // Tables are stored by value in every directory entry that names them: a look-up then needs
    // one step less, and the rare change is written to each.
    @inlinable @inline(__always)
    func place(_ mark: UInt32) -> Int { Int(mark >> (32 - depth)) }

    /// The slot with this mark for which `matches` holds.
    @inlinable @inline(__always)
    func find(_ mark: UInt32, _ matches: (UInt32) -> Bool) -> UInt32? {
        let table = directory[place(mark)]
        var cell = table.home(mark)
        while true {
            let found = table.cells[Int(cell)]
            if found == Self.empty { return nil }
            if UInt32(truncatingIfNeeded: found >> 32) == mark {
                let slot = UInt32(truncatingIfNeeded: found)
                if matches(slot) { return slot }
            }
            cell &+= 1
            if cell == table.capacity { cell = 0 }
        }
    }

    mutating func insert(_ slot: UInt32, _ mark: UInt32) {
        while true {
            let table = directory[place(mark)]
            if (table.count + 1) * 8 <= table.capacity * 7 { break }
            // Marks that are all the same cannot be split apart.
            if table.capacity < Self.largest || table.depth >= 20 {
                grow(mark)
            } else {
                split(mark)
            }
        }
        let place = place(mark)
        Self.put(UInt64(mark) << 32 | UInt64(slot), into: directory[place])
        update(place) { $0.count += 1 }
    }

    private static func put(_ cell: UInt64, into table: Table) {
        var place = Int(table.home(UInt32(truncatingIfNeeded: cell >> 32)))
        while table.cells[place] != empty {
            place += 1
            if place == table.capacity { place = 0 }
        }
        table.cells[place] = cell
    }

    /// Changes a table wherever the directory names it.
    private mutating func update(_ place: Int, _ change: (inout Table) -> Void) {
        var table = directory[place]
        let span = 1 << (depth - table.depth)
        let first = place & ~(span - 1)
        change(&table)
        (directory + first).update(repeating: table, count: span)
    }

    private mutating func grow(_ mark: UInt32) {
        let place = place(mark)
        let old = directory[place]
        let doubled = old.capacity * 2
        var new = Table(
            capacity: doubled > Self.largest && old.capacity < Self.largest
                ? Self.largest : doubled,
            depth: old.depth)
        for cell in 0..<Int(old.capacity) where old.cells[cell] != Self.empty {
            Self.put(old.cells[cell], into: new)
        }
        new.count = old.count
        update(place) { $0 = new }
        old.release()
    }

    private mutating func split(_ mark: UInt32) {
        let old = directory[place(mark)]
        trimmed = 0
        if old.depth == depth { doubleDirectory() }
        var halves = (
            Table(capacity: Self.largest, depth: old.depth + 1),
            Table(capacity: Self.largest, depth: old.depth + 1)
        )
        for cell in 0..<Int(old.capacity) where old.cells[cell] != Self.empty {
            let mark = UInt32(truncatingIfNeeded: old.cells[cell] >> 32)
            if mark >> (31 - old.depth) & 1 == 0 {
                Self.put(old.cells[cell], into: halves.0)
                halves.0.count += 1
            } else {
                Self.put(old.cells[cell], into: halves.1)
                halves.1.count += 1
            }
        }
        let span = 1 << (depth - old.depth)
        let first = place(mark) & ~(span - 1)
        (directory + first).update(repeating: halves.0, count: span / 2)
        (directory + first + span / 2).update(repeating: halves.1, count: span / 2)
        old.release()
    }

    private mutating func doubleDirectory() {
        let count = 1 << depth
        trimmed = 0
        directory = Memory.grow(directory, to: 2 * count)
        for place in (0..<count).reversed() {
            directory[2 * place] = directory[place]
            directory[2 * place + 1] = directory[place]
        }
        depth += 1
    }

    /// Takes a cell out and moves those behind it up, so that no probe ends too early.
    mutating func remove(_ slot: UInt32, _ mark: UInt32) {
        let place = place(mark)
        let table = directory[place]
        let capacity = Int(table.capacity)
        let wanted = UInt64(mark) << 32 | UInt64(slot)
        var hole = Int(table.home(mark))
        while table.cells[hole] != wanted {
            precondition(table.cells[hole] != Self.empty, "an entry is found by its hash")
            hole = hole + 1 == capacity ? 0 : hole + 1
        }
        var next = hole
        while true {
            next = next + 1 == capacity ? 0 : next + 1
            let cell = table.cells[next]
            if cell == Self.empty { break }
            let home = Int(table.home(UInt32(truncatingIfNeeded: cell >> 32)))
            // It may move where its home does not lie between the hole and itself.
            let distance = next >= home ? next - home : next + capacity - home
            let gap = next >= hole ? next - hole : next + capacity - hole
            if distance >= gap {
                table.cells[hole] = cell
                hole = next
            }
        }
        table.cells[hole] = Self.empty
        update(place) { $0.count -= 1 }
    }

    var count: Int {
        var count = 0
        forEachTable { count += Int($0.count) }
        return count
    }

    /// Gives back some of what a much larger cache once needed; true where there may be more.
    ///
    /// Two tables whose marks differ in one bit become one where that would be half empty, and the
    /// directory halves where each table is named twice. A call merges two tables, of the first
    /// thousand that it looks at.
    mutating func trim() -> Bool {
        if depth == 0 { return shrinkTable() }
        for _ in 0..<1024 {
            if trimmed >= 1 << depth { return halveDirectory() }
            if merge(at: trimmed) { return true }
            trimmed += 1 << (depth - directory[trimmed].depth)
        }
        return true
    }

    /// Merges the table at a place with its buddy behind it, where both are as deep.
    private mutating func merge(at place: Int) -> Bool {
        let table = directory[place]
        guard table.depth > 0 else { return false }
        let span = 1 << (depth - table.depth)
        let buddy = place + span
        guard place & (2 * span - 1) == 0, buddy < 1 << depth,
            directory[buddy].depth == table.depth,
            (table.count + directory[buddy].count) * 2 <= Self.largest
        else { return false }
        let other = directory[buddy]
        var merged = Table(capacity: Self.largest, depth: table.depth - 1)
        for half in [table, other] {
            for cell in 0..<Int(half.capacity) where half.cells[cell] != Self.empty {
                Self.put(half.cells[cell], into: merged)
            }
            half.release()
        }
        merged.count = table.count + other.count
        (directory + place).update(repeating: merged, count: 2 * span)
        // The merged table may be merged next: where it is a second, its buddy stands before it.
        trimmed = place & (2 * span) == 0 ? place : max(0, place - 2 * span)
        return true
    }

    /// At the end of a round: half the directory, where every table is named twice.
    private mutating func halveDirectory() -> Bool {
        trimmed = 0
        let count = 1 << depth
        guard (0..<count).allSatisfy({ directory[$0].depth < depth }) else { return false }
        for place in 0..<count / 2 { directory[place] = directory[2 * place] }
        directory = Memory.grow(directory, to: count / 2)
        depth -= 1
        return true
    }

    /// The last table becomes as small as it may be.
    private mutating func shrinkTable() -> Bool {
        let old = directory[0]
        guard old.capacity > 64, old.capacity > 16 * old.count else { return false }
        var new = Table(capacity: Self.smallest, depth: 0)
        while new.capacity < 4 * old.count {
            new.release()
            new = Table(capacity: new.capacity * 2, depth: 0)
        }
        for cell in 0..<Int(old.capacity) where old.cells[cell] != Self.empty {
            Self.put(old.cells[cell], into: new)
        }
        new.count = old.count
        directory[0] = new
        old.release()
        return false
    }

    func checkInvariants(_ markOf: (UInt32) -> UInt32?) {
        var place = 0
        while place < 1 << depth {
            let table = directory[place]
            let span = 1 << (depth - table.depth)
            precondition(place & (span - 1) == 0, "a table starts where its bits do")
            var count = 0
            for cell in 0..<Int(table.capacity) where table.cells[cell] != Self.empty {
                count += 1
                let mark = UInt32(truncatingIfNeeded: table.cells[cell] >> 32)
                let slot = UInt32(truncatingIfNeeded: table.cells[cell])
                precondition(markOf(slot) == mark, "a cell has the mark of its slot's key")
                precondition(self.place(mark) & ~(span - 1) == place, "a cell is in its table")
                precondition(find(mark) { $0 == slot } == slot, "a cell is found")
            }
            precondition(count == table.count, "a table counts its cells")
            for other in place..<place + span {
                precondition(directory[other].cells == table.cells, "one table, one place")
                precondition(directory[other].count == table.count, "one table, one count")
            }
            place += span
        }
    }
}
