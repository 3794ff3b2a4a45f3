// The one file of the engine that talks to the system: clock readings, and the lock's twin.

#if canImport(Glibc)
    import Glibc
#endif
#if THREAD_SANITIZER
    import Synchronization
#else
    public import Synchronization
#endif

enum SystemClock {
    /// Time since boot less suspension, in nanoseconds, to the kernel's last tick.
    static func monotonic() -> Int64 { read(CLOCK_MONOTONIC_COARSE) }

    /// Time since 1970 by the machine's calendar, in nanoseconds, to the kernel's last tick.
    static func wall() -> Int64 { read(CLOCK_REALTIME_COARSE) }

    /// Time since boot with suspension, to the nanosecond: read only where the others disagree.
    static func boottime() -> Int64 { read(CLOCK_BOOTTIME) }

    /// Time since boot to the nanosecond: three times the cost of a coarse reading.
    static func precise() -> Int64 { read(CLOCK_MONOTONIC) }

    /// Four shards a processor, 2 to the power of this in all: two threads seldom meet in one.
    static let shardBits: UInt32 = {
        let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let shards = min(64, max(16, 4 * processors))
        return UInt32(Int.bitWidth - (shards - 1).leadingZeroBitCount)
    }()

    /// The processor's time that the calling thread has had, in nanoseconds.
    static func work() -> Int64 { read(CLOCK_THREAD_CPUTIME_ID) }

    /// Lets another thread run, for a moment or for a while.
    static func pause(isLong: Bool) { if isLong { usleep(50) } else { sched_yield() } }

    /// The members of a `timespec` are read as what they are: by their names they belong to another
    /// module in one build than in the next.
    private static func read(_ clock: clockid_t) -> Int64 {
        withUnsafeTemporaryAllocation(of: timespec.self, capacity: 1) { time in
            clock_gettime(clock, time.baseAddress!)
            let members = UnsafeRawPointer(time.baseAddress!)
            let seconds = members.load(as: time_t.self)
            let rest = members.load(fromByteOffset: MemoryLayout<time_t>.stride, as: Int.self)
            return Int64(seconds) &* 1_000_000_000 &+ Int64(rest)
        }
    }
}

// The engine's lock. Only value types go inside: a class value leaks through `withLock`.
#if THREAD_SANITIZER
    /// ThreadSanitizer cannot see `Mutex` on Linux and reports false races; it knows this one.
    @usableFromInline
    package final class Guarded<Value: ~Copyable>: @unchecked Sendable {  // always under the lock
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

        package init(_ value: consuming sending Value) {
            pthread_mutex_init(mutex, nil)
            self.value.initialize(to: value)
        }

        deinit {
            value.deinitialize(count: 1)
            value.deallocate()
            pthread_mutex_destroy(mutex)
            mutex.deallocate()
        }

        @usableFromInline package func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            return try body(&value.pointee)
        }

        package func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result? {
            guard pthread_mutex_trylock(mutex) == 0 else { return nil }
            defer { pthread_mutex_unlock(mutex) }
            return try body(&value.pointee)
        }
    }
#else
    @usableFromInline package typealias Guarded = Mutex
#endif

/// Plain memory that grows in place where it can: large blocks are remapped, not copied.
enum Memory {
    static func grow<T: BitwiseCopyable>(
        _ memory: UnsafeMutablePointer<T>?, to count: Int
    ) -> UnsafeMutablePointer<T> {
        guard let grown = realloc(memory, count * MemoryLayout<T>.stride) else {
            preconditionFailure("no memory for \(count * MemoryLayout<T>.stride) bytes")
        }
        return grown.bindMemory(to: T.self, capacity: count)
    }

    /// Memory that is zero, and taken from the machine only where it is used.
    static func zeroed<T: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = calloc(max(count, 1), MemoryLayout<T>.stride) else {
            preconditionFailure("no memory for \(count * MemoryLayout<T>.stride) bytes")
        }
        return memory.bindMemory(to: T.self, capacity: max(count, 1))
    }

    static func free<T: BitwiseCopyable>(_ memory: UnsafeMutablePointer<T>) { Glibc.free(memory) }
}

/// The functions of numbers that the standard library has not.
enum Maths {
    static func exp(_ x: Double) -> Double { Glibc.exp(x) }
    static func log(_ x: Double) -> Double { Glibc.log(x) }
}

/// Pages of memory, from the system itself.
enum Pages {
    static let size = Int(getpagesize())

    /// So many bytes at an address that is a multiple of `alignment`, all zero; `nil` where the system
    /// has no more, or the process may have none.
    static func map(_ bytes: Int, alignment: Int = size) -> UnsafeMutableRawPointer? {
        guard let plain = map(bytes) else { return nil }
        // The next one is put where the one before ends, as a rule: then it fits.
        if UInt(bitPattern: plain) % UInt(alignment) == 0 { return plain }
        munmap(plain, bytes)
        guard let wide = map(bytes + alignment) else { return nil }
        let before = (alignment - Int(bitPattern: wide) % alignment) % alignment
        let start = wide + before
        if before > 0 { munmap(wide, before) }
        if before < alignment { munmap(start + bytes, alignment - before) }
        return start
    }

    private static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
        let pages = mmap(
            nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS), -1, 0)
        return pages == MAP_FAILED ? nil : pages
    }

    static func unmap(_ pages: UnsafeMutableRawPointer, _ bytes: Int) { munmap(pages, bytes) }

    /// Gives the memory back, not the addresses: it is zero when it is used again.
    static func drop(_ pages: UnsafeMutableRawPointer, _ bytes: Int) {
        madvise(pages, bytes, MADV_DONTNEED)
    }

    /// Has pages taken one by one: who uses one first would wait long for two megabytes at once.
    static func keepSmall(_ pages: UnsafeMutableRawPointer, _ bytes: Int) {
        madvise(pages, bytes, MADV_NOHUGEPAGE)
    }
}

/// Blocks that never grow, for whoever may hold a lock: large ones are pages of the system's own. At
/// a large request, or when a large block is given back, the allocator tidies up all that others
/// freed: after a million small values that takes a tenth of a second. It is asked all the same where
/// the system has no pages to give: a wait is better than an end.
enum Block {
    private static let arenas = Guarded(Arenas())
    /// Those that the allocator gave in the place of pages.
    private static let strays = Guarded<Set<UInt>>([])

    /// - Parameter pages: Where so many pages are to be had.
    static func allocate(
        _ size: Int, alignment: Int, pages: (Int) -> UnsafeMutableRawPointer? = Block.pages
    ) -> UnsafeMutableRawPointer {
        guard isPages(size, alignment) else {
            return .allocate(byteCount: size, alignment: alignment)
        }
        if let pages = pages(inPages(size)) { return pages }
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, max(alignment, 16), size) == 0, let memory else {
            preconditionFailure("no memory for \(size) bytes")
        }
        strays.withLock { _ = $0.insert(UInt(bitPattern: memory)) }
        return memory
    }

    static func pages(_ count: Int) -> UnsafeMutableRawPointer? {
        guard count <= Arenas.mostPages else { return Pages.map(count * Pages.size) }
        return arenas.withLock { $0.take(count) }.flatMap {
            UnsafeMutableRawPointer(bitPattern: $0)
        }
    }

    /// Takes a block back. Its pages stay the process's until ``giveBack()``: to unmap pages makes
    /// each processor forget where they were, which takes some 20 us, and a slice may empty fifty.
    ///
    /// - Parameters: Those with which it was allocated.
    static func release(_ block: UnsafeMutableRawPointer, _ size: Int, alignment: Int) {
        guard isPages(size, alignment) else { return block.deallocate() }
        // What waits is a list through the first words of its blocks.
        var first = released.load(ordering: .relaxed)
        var isFirst = false
        while !isFirst {
            block.storeBytes(of: Waiting(next: first, size: size), as: Waiting.self)
            (isFirst, first) = released.weakCompareExchange(
                expected: first, desired: UInt(bitPattern: block), ordering: .releasing)
        }
    }

    /// Gives the pages of all blocks released until now back to the system; with no lock held.
    static func giveBack() {
        guard released.load(ordering: .relaxed) != 0 else { return }
        var next = released.exchange(0, ordering: .acquiring)
        while let block = UnsafeMutableRawPointer(bitPattern: next) {
            let waiting = block.load(as: Waiting.self)
            next = waiting.next
            giveBack(block, waiting.size)
        }
    }

    private static func giveBack(_ block: UnsafeMutableRawPointer, _ size: Int) {
        let address = UInt(bitPattern: block)
        guard strays.withLock({ $0.isEmpty || $0.remove(address) == nil }) else {
            return free(block)
        }
        let count = inPages(size)
        guard count <= Arenas.mostPages else { return Pages.unmap(block, count * Pages.size) }
        Pages.drop(block, count * Pages.size)
        arenas.withLock { $0.give(address, count) }
    }

    /// The address of the last block released, of all caches.
    private static let released = Atomic<UInt>(0)

    private struct Waiting: BitwiseCopyable {
        let next: UInt
        let size: Int
    }

    private static func isPages(_ size: Int, _ alignment: Int) -> Bool {
        size >= 2 * Pages.size && alignment <= Pages.size
    }

    private static func inPages(_ size: Int) -> Int { (size + Pages.size - 1) / Pages.size }
}
