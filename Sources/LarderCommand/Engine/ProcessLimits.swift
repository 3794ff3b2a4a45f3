import CGlibc
import Foundation
import LarderInspector

/// What a process may have of descriptors, threads and addresses (`ulimit`, a container's limits).
///
/// The network's library and the runtime's own end the process where one of theirs cannot be made,
/// or wait for ever. So it is tried beforehand, when there is somebody to tell.
struct ProcessLimits {
    var descriptors: Int
    var threads: Int
    /// Megabytes, beside a thread's eight.
    var addresses: Int

    /// What every command takes: the four of the runtime, and a file or two.
    static let least = ProcessLimits(descriptors: 6, threads: 4, addresses: 32)

    /// What it takes to talk to others: a thread with three descriptors a processor, a connection,
    /// and the folders and files that are looked into.
    static var talking: ProcessLimits {
        ProcessLimits(descriptors: 5 + 3 * processors, threads: 4 + processors, addresses: 32)
    }

    /// The same for an engine: its store, its socket, and a few who look in.
    static var serving: ProcessLimits {
        ProcessLimits(
            descriptors: talking.descriptors + 10, threads: talking.threads + 4, addresses: 64)
    }

    private static var processors: Int { ProcessInfo.processInfo.activeProcessorCount }

    /// The allocator gives up to eight heaps a processor to threads that meet, and each keeps what it
    /// once had: an engine that was busy for a while stays large. Two are enough, since a hit asks
    /// for no memory.
    ///
    /// A heap has 64 MB of addresses, and where the allocator does not get them it asks for each
    /// value anew, until nothing is left: where addresses are counted all threads share the first.
    static func boundHeaps() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        mallopt(M_ARENA_MAX, limit.rlim_cur == UInt.max ? 2 : 1)
    }

    /// - Throws: ``InspectorError`` that says what is missing, and which limit has to be raised.
    static func check(_ room: ProcessLimits) throws(InspectorError) {
        try checkDescriptors(room.descriptors)
        try checkThreads(room.threads, room.addresses)
    }

    private static func checkDescriptors(_ count: Int) throws(InspectorError) {
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        while opened.count < count {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw InspectorError(
                    "\(count) more descriptors are needed, and only \(opened.count) are left: "
                        + "\(Descriptor.reason(errno)); raise ulimit -n")
            }
            opened.append(descriptor)
        }
    }

    /// All at once, because each takes addresses for its stack as long as it runs.
    private static func checkThreads(_ count: Int, _ megabytes: Int) throws(InspectorError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        var threads: [pthread_t] = []
        defer {
            close(ends[1])
            for thread in threads { pthread_join(thread, nil) }
            close(ends[0])
        }
        while threads.count < count {
            var thread = pthread_t()
            let failure = pthread_create(
                &thread, nil,
                { end in
                    var byte: UInt8 = 0
                    // Until the other end is closed.
                    read(Int32(Int(bitPattern: end)), &byte, 1)
                    return nil
                }, UnsafeMutableRawPointer(bitPattern: Int(ends[0])))
            guard failure == 0 else {
                throw InspectorError(
                    "\(count) more threads are needed, and only \(threads.count) can be started: "
                        + "\(Descriptor.reason(failure)); raise ulimit -u, or -v by 8 MB each"
                )
            }
            threads.append(thread)
        }
        let memory = mmap(nil, megabytes << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard memory != MAP_FAILED else {
            throw InspectorError(
                "\(megabytes) MB more of addresses are needed: \(Descriptor.reason(errno)); raise "
                    + "ulimit -v")
        }
        munmap(memory, megabytes << 20)
    }
}
