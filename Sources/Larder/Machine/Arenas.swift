/// Runs of pages, cut from a few large mappings of the system's.
///
/// A process may have only so many mappings (`vm.max_map_count`, 65,530 as a rule), and the service
/// around a cache has its own. If each block were a mapping, a cache of many gigabytes with gaps
/// where entries ended would need that many alone. So an arena of 2 MB is one mapping, with a map
/// of its pages in the first of them; its address is a multiple of its size, so that a block's
/// address tells its arena.
///
/// Arenas are listed by their longest run of free pages, in powers of two: what is looked for is found
/// in the first list that has it for sure, and finding it takes as long with one arena as with many
/// thousand. Whatever is kept of an arena stands in it: nothing here asks the allocator.
struct Arenas: ~Copyable {
    private static let bytes = 2 << 20
    private static let pages = bytes / Pages.size
    /// Most pages of one block.
    static let mostPages = pages / 2

    /// The first arena whose longest free run has 1, 2 to 3, 4 to 7 pages and so on.
    private var lists: [UInt]
    private let map: @Sendable (_ bytes: Int) -> UInt?
    private(set) var count = 0

    /// - Parameter map: Where arenas come from, as addresses.
    init(
        map: @escaping @Sendable (_ bytes: Int) -> UInt? = { bytes in
            Pages.map(bytes, alignment: bytes).map { UInt(bitPattern: $0) }
        }
    ) {
        self.map = map
        lists = Array(repeating: 0, count: Self.list(holding: Self.pages) + 1)
    }

    /// The list of arenas whose longest run is as long.
    private static func list(holding run: Int) -> Int {
        Int.bitWidth - 1 - run.leadingZeroBitCount
    }

    /// What is known of an arena, in its first page: which pages are used, its neighbours in its list,
    /// which list that is.
    private struct Arena {
        let address: UInt
        private let words: UnsafeMutablePointer<UInt>

        private static var mapWords: Int { (Arenas.pages + UInt.bitWidth - 1) / UInt.bitWidth }

        init?(_ address: UInt) {
            guard let words = UnsafeMutablePointer<UInt>(bitPattern: address) else { return nil }
            (self.address, self.words) = (address, words)
        }

        private func word(_ place: Int) -> UnsafeMutablePointer<UInt> {
            words + Self.mapWords + place
        }
        var previous: UInt {
            get { word(0).pointee }
            nonmutating set { word(0).pointee = newValue }
        }
        var next: UInt {
            get { word(1).pointee }
            nonmutating set { word(1).pointee = newValue }
        }
        /// -1 where it has no free page.
        var list: Int {
            get { Int(bitPattern: word(2).pointee) }
            nonmutating set { word(2).pointee = UInt(bitPattern: newValue) }
        }

        func isUsed(_ page: Int) -> Bool {
            words[page / UInt.bitWidth] >> UInt(page % UInt.bitWidth) & 1 != 0
        }

        func set(_ pages: Range<Int>, used: Bool) {
            for page in pages {
                let bit: UInt = 1 << UInt(page % UInt.bitWidth)
                precondition(isUsed(page) != used, "a page is taken once and given back once")
                words[page / UInt.bitWidth] ^= bit
            }
        }

        /// The first run of free pages that is long enough, or the longest.
        func run(_ wanted: Int) -> Range<Int> {
            var (longest, start) = (0..<0, 0)
            for page in 0...Arenas.pages where page == Arenas.pages || isUsed(page) {
                if page - start > longest.count { longest = start..<page }
                if longest.count >= wanted { return longest }
                start = page + 1
            }
            return longest
        }

        /// Only its first page is used.
        var isEmpty: Bool {
            words[0] == 1 && (1..<Self.mapWords).allSatisfy { words[$0] == 0 }
        }
    }

    /// The address of so many pages, ``mostPages`` at most; `nil` where there are none. Their
    /// content is not defined.
    mutating func take(_ pages: Int) -> UInt? {
        // In this list any arena will do, and in those behind it.
        let first = Self.list(holding: 2 * pages - 1)
        let found = lists[first...].first { $0 != 0 } ?? add()
        guard let found, let arena = Arena(found) else { return nil }
        let start = arena.run(pages).lowerBound
        arena.set(start..<start + pages, used: true)
        sort(arena)
        return arena.address + UInt(start * Pages.size)
    }

    /// Gives back what was taken.
    mutating func give(_ address: UInt, _ pages: Int) {
        guard let arena = Arena(address & ~UInt(Self.bytes - 1)) else { return }
        let start = Int(address - arena.address) / Pages.size
        arena.set(start..<start + pages, used: false)
        sort(arena)
        // An empty arena is kept for the next block, but not a second one.
        guard arena.isEmpty, arena.next != 0 || arena.previous != 0 else { return }
        remove(arena)
        count -= 1
        Pages.unmap(UnsafeMutableRawPointer(bitPattern: arena.address)!, Self.bytes)
    }

    private mutating func add() -> UInt? {
        guard let address = map(Self.bytes), let arena = Arena(address) else { return nil }
        Pages.keepSmall(UnsafeMutableRawPointer(bitPattern: address)!, Self.bytes)
        count += 1
        arena.set(0..<1, used: true)
        arena.list = -1
        sort(arena)
        return address
    }

    // MARK: Lists

    /// Puts an arena into the list that its longest run belongs to.
    private mutating func sort(_ arena: Arena) {
        let longest = arena.run(.max).count
        let list = longest == 0 ? -1 : Self.list(holding: longest)
        guard list != arena.list else { return }
        remove(arena)
        arena.list = list
        guard list >= 0 else { return }
        arena.next = lists[list]
        Arena(lists[list])?.previous = arena.address
        lists[list] = arena.address
    }

    private mutating func remove(_ arena: Arena) {
        guard arena.list >= 0 else { return }
        if let previous = Arena(arena.previous) {
            previous.next = arena.next
        } else {
            lists[arena.list] = arena.next
        }
        Arena(arena.next)?.previous = arena.previous
        (arena.previous, arena.next, arena.list) = (0, 0, -1)
    }

    // MARK: Own checks

    func checkInvariants() {
        var seen = 0
        for (list, first) in lists.enumerated() {
            var (previous, address) = (UInt(0), first)
            while let arena = Arena(address) {
                precondition(arena.previous == previous, "a list goes both ways")
                precondition(arena.list == list, "an arena knows its list")
                precondition(Self.list(holding: arena.run(.max).count) == list, "by its run")
                (previous, address, seen) = (address, arena.next, seen + 1)
            }
        }
        precondition(seen <= count, "an arena stands in one list")
    }
}
