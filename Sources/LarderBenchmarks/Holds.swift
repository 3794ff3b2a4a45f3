import Foundation
import Larder
import LarderInspector
import Synchronization

/// A thread that looks up as fast as it can and records the longest time one look-up took: no lock
/// it needs was held for longer, unless the machine stopped it, which it leaves out where it can.
final class Probe: Sendable {
    private let isOver = Atomic(false)
    private let longest = Mutex(0)

    /// The longest stall while `work` runs, in microseconds.
    static func longestStall(
        of cache: Cache<String, Account>, _ visits: Visits, during work: () async throws -> Void
    ) async throws -> Double {
        let probe = Probe()
        async let done: Void = onThread { probe.run(cache, visits) }
        defer { probe.isOver.store(true, ordering: .releasing) }
        try await work()
        probe.isOver.store(true, ordering: .releasing)
        await done
        return Double(probe.longest.withLock { $0 }) / 1e3
    }

    private func run(_ cache: Cache<String, Account>, _ visits: Visits) {
        var walk = Walk(visits, from: 0)
        var longest = 0
        var preempted = Self.timesPreempted()
        while !isOver.load(ordering: .acquiring) {
            let before = nanoseconds()
            _ = cache.cached(visits.keys[walk.next()])
            let took = nanoseconds() - before
            guard took > longest else { continue }
            let now = Self.timesPreempted()
            if now == preempted { longest = took }
            preempted = now
        }
        self.longest.withLock { $0 = longest }
    }

    /// How often this thread lost its core without having waited for anything.
    private static func timesPreempted() -> Int {
        var usage = rusage()
        // RUSAGE_THREAD, which Glibc's module leaves out.
        getrusage(1, &usage)
        return usage.ru_nivcsw
    }
}

extension Figure {
    static let holds: [Figure] = [
        hold("max", "all of the following, one after the other") { inspected in
            try await look(inspected)
            try await plan(inspected)
            try inspected.cache.set(maxsize: 10)
            try inspected.refill()
            try await expire(inspected)
        },
        hold("max.looking", "listings of 50 rows by every column", look),
        hold("max.planning", "a plan to shrink to 10", plan),
        hold("max.expiring", "all of them expiring at once", expire),
        hold("max.shrinking", "a shrink to 10") { try $0.cache.set(maxsize: 10) },
        Figure(
            id: "shrink.1m", unit: "s", about: "setting maxsize from 1,000,000 to 10", rounds: 5
        ) { bench in
            let visits = Visits(keys: 1_000_000)
            return [
                .ours {
                    let cache = try filled(visits.keys)
                    return try await timed { try cache.set(maxsize: 10) } / 1e9
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
                    return try await timed { try cache.set(ttl: ttl) } / 1e6
                }
            ] + bench.peers("ttl 1000000")
        },
    ]

    @Sendable private static func look(_ inspected: Inspected) async throws {
        for column in Column.allCases { try await inspected.list(by: column) }
    }

    @Sendable private static func plan(_ inspected: Inspected) async throws {
        let new = Configuration(maxsize: 10, ttl: .seconds(3600))
        let plan = try await inspected.inspector.plan(.configure(cache: "accounts", to: new))
        precondition(plan.entries == inspected.visits.keys.count - 10)
    }

    @Sendable private static func expire(_ inspected: Inspected) async throws {
        try inspected.cache.set(ttl: .milliseconds(1))
        try await Task.sleep(for: .milliseconds(20))
        while inspected.cache.snapshot().count > 0 { inspected.cache.expire() }
    }

    /// The longest single hold of a lock by one kind of work on a million entries: as a probe
    /// meets it; `counted` by the engine itself; and what the probe meets with nothing to meet.
    private static func hold(
        _ name: String, _ about: String,
        _ work: @escaping @Sendable (Inspected) async throws -> Void
    ) -> Figure {
        Figure(
            id: "hold.\(name)", unit: "us",
            about: "longest stall of a look-up by \(about), 1,000,000 entries", rounds: 3
        ) { _ in
            var inspected: Inspected!
            return [
                .ours {
                    inspected = nil
                    let fresh = try Inspected(1_000_000)
                    inspected = fresh
                    return try await Probe.longestStall(of: fresh.cache, fresh.visits) {
                        try await work(fresh)
                    }
                },
                Contestant("counted") { longestHold(in: inspected.cache.snapshot()) },
                Contestant("undisturbed") {
                    try await Probe.longestStall(of: inspected.cache, inspected.visits) {
                        try await Task.sleep(for: .seconds(1))
                    }
                },
            ]
        }
    }
}
