import FoundationEssentials
import Glibc

/// The memory of the engine's process.
public struct ProcessMemory: Hashable, Sendable, Codable {
    /// Bytes resident; `nil` where the system does not say.
    public var resident: Int?
    /// The most the process may use, by its container or its Lambda function; `nil` for no limit.
    public var limit: Int?

    /// Bytes resident that are a file's: the program, its libraries, what else is mapped; `nil` where
    /// the system does not say.
    public var mapped: Int?

    /// As it was told elsewhere; ``current()`` asks the system.
    public init(resident: Int? = nil, limit: Int? = nil, mapped: Int? = nil) {
        self.resident = resident
        self.limit = limit
        self.mapped = mapped
    }

    /// As the system has it now.
    public static func current() -> ProcessMemory {
        let (resident, mapped) = residentBytes()
        return ProcessMemory(resident: resident, limit: knownLimit, mapped: mapped)
    }

    /// It does not change while a process runs, and reading it takes files.
    private static let knownLimit = limit(
        environment: ProcessInfo.processInfo.environment, read: text(at:))

    /// Gives free memory back to the system. By itself glibc does that only where no used memory
    /// lies behind it: of a hundred megabytes that were freed, nearly all stayed.
    package static func giveBack() {
        // A header of its own declares it, and another allocator has no such thing.
        typealias Trim = @convention(c) (Int) -> Int32
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(symbol, to: Trim.self)(0)
    }

    /// All that is resident, and what of it is a file's.
    private static func residentBytes() -> (all: Int?, mapped: Int?) {
        let pages = text(at: "/proc/self/statm")?.split(separator: " ").prefix(3).map { Int($0) }
        guard let pages, pages.count == 3 else { return (nil, nil) }
        let size = sysconf(Int32(_SC_PAGESIZE))
        return (pages[1].map { $0 * size }, pages[2].map { $0 * size })
    }

    /// The smallest of the Lambda function's memory size and the control group's limits.
    static func limit(environment: [String: String], read: (String) -> String?) -> Int? {
        let lambda = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"].flatMap(Int.init)
            .map { $0 << 20 }
        // "0::/path" names the group of version 2; inside a container the path is often "/".
        let own = read("/proc/self/cgroup")?.split(separator: "\n")
            .first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
        let files = [
            "/sys/fs/cgroup\(own ?? "")/memory.max", "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ]
        let groups = files.compactMap { read($0).flatMap { Int($0.trimmed) } }
        // Version 1 says "no limit" as a number near 2^63.
        return ([lambda].compactMap(\.self) + groups).filter { $0 > 0 && $0 < 1 << 60 }.min()
    }

    private static func text(at path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}

extension String {
    fileprivate var trimmed: Substring { self[...].trimmed(where: \.isWhitespace) }
}
