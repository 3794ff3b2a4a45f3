import ArgumentParser
import CGlibc
import Foundation
import Larder

extension Figure {
    static let memory: [Figure] = [
        Figure(
            id: "memory.1m", unit: "B",
            about:
                "bytes an entry beyond its key and value, 1,000,000 held, in a process of its own"
        ) { _ in
            ["ours", "dictionary"].map { name in
                Contestant(name) { try measuredApart(name) }
            }
        }
    ]

    /// In a fresh process, so that no hole of an earlier figure is filled again.
    private static func measuredApart(_ name: String) throws -> Double? {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
        return Double(
            String(decoding: try printed(by: [program, "memory", name]), as: UTF8.self))
    }
}

/// Prints the bytes an entry that one contestant takes, and ends.
struct MemoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "memory", shouldDisplay: false)

    @Argument var contestant: String

    func run() throws {
        let count = 1_000_000
        let before = Self.inUse()
        let held: any AnyObject & Sendable =
            contestant == "ours" ? try Self.cache(count) : Self.dictionary(count)
        let grown = Self.inUse() - before
        withExtendedLifetime(held) {}
        // The keys are held inline; the name's text is the value's own, longer in some than others.
        let names = (0..<count).reduce(0) { $0 + Account($1).name.heapBytes }
        let inline = count * (MemoryLayout<String>.stride + MemoryLayout<Account>.stride)
        let beyond = Double(grown - names - inline) / Double(count)
        try put("\(beyond)")
    }

    private static func cache(_ count: Int) throws -> Cache<String, Account> {
        let cache: Cache<String, Account> = try makeCache(maxsize: count)
        for number in 0..<count { cache.insert(Account(number), for: key(number)) }
        return cache
    }

    private static func dictionary(_ count: Int) -> LockedDictionary {
        let dictionary = LockedDictionary([])
        for number in 0..<count { dictionary.insert(Account(number), for: key(number)) }
        return dictionary
    }

    private static func key(_ number: Int) -> String { String(100_000_000_000 + number) }

    /// Bytes handed out by the allocator, mapped blocks among them.
    private static func inUse() -> Int {
        let all = mallinfo2()
        return Int(all.uordblks + all.hblkhd)
    }
}
