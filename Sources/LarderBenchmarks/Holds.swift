import Foundation
import Larder
import LarderInspector
import Synchronization

/// A thread that looks up and writes as fast as it can, beside a task that fetches, and records the
/// longest time one call took: no lock it needs was held for longer, by whomever.
///
/// That errs upwards on a busy machine, where a thread also waits for a core. Less that wait, as the
/// kernel counts it, it errs downwards: a lock can be held meanwhile. So both are given. No stall is
/// thrown away: one long hold is one stall, and dropping it would drop the figure.
final class Probe: Sendable {
    private let isRunning = Atomic(false)
    private let isOver = Atomic(false)
    private let longest = Mutex(Stall())

    /// In microseconds.
    struct Stall {
        var whole = 0.0
        /// Without the time in which the thread was ready to run and had no core.
        var lessWaits = 0.0

        func least(_ other: Stall?) -> Stall {
            Stall(
                whole: min(whole, other?.whole ?? .infinity),
                lessWaits: min(lessWaits, other?.lessWaits ?? .infinity))
        }

        mutating func extend(_ nanoseconds: Int, waited: Int) {
            whole = max(whole, Double(nanoseconds) / 1e3)
            lessWaits = max(lessWaits, Double(nanoseconds - waited) / 1e3)
        }
    }

    /// The longest stall while `work` runs, the longest of either kind.
    static func longestStall(
        of cache: Cache<String, Account>, _ visits: Visits, during work: () async throws -> Void
    ) async throws -> Stall {
        let probe = Probe()
        async let done: Void = onThread { probe.run(cache, visits) }
        async let fetched: Void = probe.fetch(from: cache)
        defer { probe.isOver.store(true, ordering: .releasing) }
        // A hold that began before the probe looked would seem shorter than it is.
        while !probe.isRunning.load(ordering: .acquiring) { await Task.yield() }
        try await work()
        probe.isOver.store(true, ordering: .releasing)
        await done
        await fetched
        return probe.longest.withLock { $0 }
    }

    /// Has a fetch land now and then, of a key that is not held.
    private func fetch(from cache: Cache<String, Account>) async {
        var number = 0
        while !isOver.load(ordering: .acquiring) {
            number += 1
            _ = try? await cache.value(for: "fetched \(number)")
            try? await Task.sleep(for: .microseconds(200))
        }
    }

    private func run(_ cache: Cache<String, Account>, _ visits: Visits) {
        var walk = Walk(visits, from: 0)
        var calls = 0
        let fresh = Account(0)
        var longest = Stall()
        let core = WaitForCore()
        var waited = core.nanoseconds()
        var last = nanoseconds()
        isRunning.store(true, ordering: .releasing)
        while !isOver.load(ordering: .acquiring) {
            let key = visits.keys[walk.next()]
            calls += 1
            if calls % 16 == 0 { cache.insert(fresh, for: key) } else { _ = cache.cached(key) }
            let now = nanoseconds()
            let took = now - last
            last = now
            // Every stall is asked about, the longest or not: else the next would pay for this one.
            guard took > 20_000 else {
                if Double(took) > longest.whole * 1e3 { longest.extend(took, waited: 0) }
                continue
            }
            let all = core.nanoseconds()
            longest.extend(took, waited: all - waited)
            waited = all
            last = nanoseconds()
        }
        self.longest.withLock { [longest] in $0 = longest }
    }
}

/// How long the calling thread has been ready to run without a core to run on.
private final class WaitForCore {
    private let file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)

    deinit { if file >= 0 { close(file) } }

    /// The second of the file's three numbers; 0 where there is no such file.
    func nanoseconds() -> Int {
        var text = [UInt8](repeating: 0, count: 96)
        let length = pread(file, &text, text.count, 0)
        guard length > 0 else { return 0 }
        let numbers = String(decoding: text.prefix(length), as: UTF8.self).split(separator: " ")
        return numbers.count > 1 ? Int(numbers[1]) ?? 0 : 0
    }
}

extension Figure {
    static let holds: [Figure] = [
        hold("max", "all of the following, one after the other") { inspected in
            try await look(inspected)
            try await plan(inspected)
            try inspected.cache.update { $0.maxsize = 10 }
            try inspected.refill()
            try await expire(inspected)
        },
        hold("max.looking", "listings of 50 rows by every column", look),
        hold("max.planning", "a plan to shrink to 10", plan),
        hold("max.expiring", "all of them expiring at once", expire),
        hold("max.shrinking", "a shrink to 10") { try $0.cache.update { $0.maxsize = 10 } },
        Figure(
            id: "shrink.1m", unit: "s", about: "setting maxsize from 1,000,000 to 10", rounds: 5
        ) { bench in
            let visits = Visits(keys: 1_000_000)
            return [
                .ours {
                    let cache = try filled(visits.keys)
                    return try await timed { try cache.update { $0.maxsize = 10 } } / 1e9
                }
            ] + bench.peers("shrink 1000000")
        },
        Figure(
            id: "set.ttl.1m", unit: "ms", about: "setting the ttl of 1,000,000 entries", rounds: 5
        ) { bench in
            let cache = try filled(Visits(keys: 1_000_000).keys)
            return [
                .ours {
                    let ttl: Duration = .seconds(
                        cache.configuration.ttl == .seconds(3600) ? 60 : 3600)
                    return try await timed { try cache.update { $0.ttl = ttl } } / 1e6
                }
            ] + bench.peers("ttl 1000000")
        },
    ]

    @Sendable private static func look(_ inspected: Inspected) async throws {
        for column in EntryColumn.allCases { try await inspected.list(by: column) }
    }

    @Sendable private static func plan(_ inspected: Inspected) async throws {
        let new = CacheConfiguration(maxsize: 10, ttl: .seconds(3600))
        let plan = try await inspected.inspector.plan(.configure(cache: "accounts", to: new))
        precondition(plan.entries >= inspected.visits.keys.count - 10)
    }

    @Sendable private static func expire(_ inspected: Inspected) async throws {
        try inspected.cache.update { $0.ttl = .milliseconds(1) }
        try await Task.sleep(for: .milliseconds(20))
        while inspected.cache.snapshot().count > 1000 { inspected.cache.expire() }
    }

    /// The longest single hold of a lock by one kind of work on a million entries: as a probe meets
    /// it, and `atleast` without its waits for a core; `counted` by the engine itself;
    /// `undisturbed`, what the probe meets where no such work runs.
    private static func hold(
        _ name: String, _ about: String,
        _ work: @escaping @Sendable (Inspected) async throws -> Void
    ) -> Figure {
        Figure(
            id: "hold.\(name)", unit: "us",
            about: "longest stall of a look-up or write by \(about), 1,000,000 entries; least of 9",
            rounds: 1
        ) { _ in
            var least: (stall: Probe.Stall, counted: [Double], undisturbed: Double)?
            return [
                .ours {
                    for _ in 0..<9 {
                        let fresh = try Inspected(1_000_000)
                        let stall = try await Probe.longestStall(of: fresh.cache, fresh.visits) {
                            try await work(fresh)
                        }
                        let counted = longestHolds(in: fresh.cache.snapshot())
                        let undisturbed = try await Probe.longestStall(
                            of: fresh.cache, fresh.visits
                        ) { try await Task.sleep(for: .seconds(1)) }.whole
                        least = (
                            stall.least(least?.stall),
                            zip(counted, least?.counted ?? counted).map { min($0, $1) },
                            min(undisturbed, least?.undisturbed ?? .infinity)
                        )
                    }
                    return least?.stall.whole
                },
                Contestant("atleast") { least?.stall.lessWaits },
                // The least of a round for each kind: what strikes one sample does not strike all.
                Contestant("counted") { least?.counted.max() },
                Contestant("undisturbed") { least?.undisturbed },
            ]
        }
    }
}
