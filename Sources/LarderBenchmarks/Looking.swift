import Foundation
import Larder
import LarderInspector
import Synchronization

/// A cache with an inspector on it, its entries hit unequally.
struct Inspected {
    let visits: Visits
    let cache: Cache<String, Account>
    let inspector = LocalInspector("larder-bench")

    init(_ count: Int) throws {
        visits = Visits(keys: count)
        cache = try filled(visits.keys)
        for place in visits.order.prefix(count) { _ = cache.cached(visits.keys[Int(place)]) }
        inspector.add(cache) { .text($0.name) }
    }

    /// Makes room for all entries again, and writes them.
    func refill() throws {
        try cache.update { $0.maxsize = visits.keys.count }
        for (number, key) in visits.keys.enumerated() { cache.insert(Account(number), for: key) }
    }

    func list(by column: EntryColumn = .ttl) async throws {
        let page = try await inspector.entries(EntryQuery(sort: column, limit: 50))
        // A row that is written between being found and being shown is left out.
        precondition((1...50).contains(page.rows.count))
    }
}

extension Figure {
    static let looking: [Figure] =
        EntryColumn.allCases.map { column in
            Figure(
                id: "list.1m.\(column.rawValue)", unit: "ms",
                about: "a listing of 50 rows by \(column.rawValue), 1,000,000 entries", rounds: 5
            ) { bench in
                let inspected = try bench.million()
                return [.ours { try await timed { try await inspected.list(by: column) } / 1e6 }]
            }
        } + [
            Figure(
                id: "looked.at", unit: "ns",
                about: "CPU time a hit, 100,000 entries, while 50 rows are listed once a second",
                rounds: 5
            ) { _ in
                let inspected = try Inspected(100_000)
                return [
                    .ours {
                        let lister = Task {
                            while !Task.isCancelled {
                                try await inspected.list()
                                try await Task.sleep(for: .seconds(1))
                            }
                        }
                        defer { lister.cancel() }
                        return await cpuTime(inspected)
                    },
                    Contestant("undisturbed") { await cpuTime(inspected) },
                ]
            },
            Figure(
                id: "crowded.at", unit: "ns",
                about:
                    "CPU time a hit, with 500 connections, 10 readers of events that do not read",
                rounds: 5
            ) { _ in
                let inspected = try Inspected(100_000)
                return [
                    .ours {
                        let crowd = try await Crowd(inspected.inspector)
                        let time = await cpuTime(inspected)
                        await crowd.leave()
                        return time
                    },
                    Contestant("undisturbed") { await cpuTime(inspected) },
                ]
            },
        ]

    /// Nanoseconds of a thread's own time that a hit takes, over three seconds.
    private static func cpuTime(_ inspected: Inspected) async -> Double {
        let (cache, visits) = (inspected.cache, inspected.visits)
        return await onThread {
            var walk = Walk(visits, from: 0)
            var held = Account(0)
            var count = 0
            let end = nanoseconds() + 3_000_000_000
            let began = nanoseconds(CLOCK_THREAD_CPUTIME_ID)
            while nanoseconds() < end {
                for _ in 0..<1024 {
                    if let account = cache.cached(visits.keys[walk.next()]) { held = account }
                }
                count += 1024
            }
            let took = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - began
            precondition(held.isOpen)
            return Double(took) / Double(count)
        }
    }
}

/// Runs `work` on a thread of its own.
func onThread<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        Thread { continuation.resume(returning: work()) }.start()
    }
}
