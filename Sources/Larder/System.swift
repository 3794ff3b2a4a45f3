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

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

// The engine's lock. Only value types go inside: a class value leaks through `withLock`.
#if THREAD_SANITIZER
    /// ThreadSanitizer cannot see `Mutex` on Linux and reports races that are none; it knows this one.
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

/// Blocks that never grow, for whoever may hold a lock: large ones are pages of the system's own. At
/// a large request, or when a large block is given back, the allocator tidies up all that others
/// freed: after a million small values that takes a tenth of a second.
enum Block {
    private static let pageSize = Int(getpagesize())

    static func allocate(_ size: Int, alignment: Int) -> UnsafeMutableRawPointer {
        guard isPages(size, alignment) else {
            return .allocate(byteCount: size, alignment: alignment)
        }
        let pages = mmap(
            nil, inPages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS), -1, 0)
        guard let pages, pages != MAP_FAILED else {
            preconditionFailure("no memory for \(size) bytes")
        }
        return pages
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
            munmap(block, inPages(waiting.size))
            next = waiting.next
        }
    }

    /// The address of the last block released, of all caches.
    private static let released = Atomic<UInt>(0)

    private struct Waiting: BitwiseCopyable {
        let next: UInt
        let size: Int
    }

    private static func isPages(_ size: Int, _ alignment: Int) -> Bool {
        size >= 2 * pageSize && alignment <= pageSize
    }

    private static func inPages(_ size: Int) -> Int { (size + pageSize - 1) & ~(pageSize - 1) }
}
