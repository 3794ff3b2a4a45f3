import CGlibc
import Foundation
import Synchronization

/// Nanoseconds of the monotonic clock.
func nanoseconds(_ clock: clockid_t = CLOCK_MONOTONIC) -> Int {
    Int(bench_nanoseconds(clock))
}

/// How long `work` takes, in nanoseconds.
func timed(_ work: () async throws -> Void) async rethrows -> Double {
    let began = nanoseconds()
    try await work()
    return Double(nanoseconds() - began)
}

/// Runs `work` in as many tasks at once, each told its number; nanoseconds from the first one's
/// beginning to the last one's end.
func parallel(
    _ workers: Int, _ work: @escaping @Sendable (Int) async throws -> Void
) async throws -> Double {
    let line = StartingLine(workers)
    return try await withThrowingTaskGroup(of: (began: Int, ended: Int).self) { group in
        for worker in 0..<workers {
            group.addTask {
                line.wait()
                let began = nanoseconds()
                try await work(worker)
                return (began, nanoseconds())
            }
        }
        let times = try await group.reduce(into: []) { $0.append($1) }
        return Double(times.map(\.ended).max()! - times.map(\.began).min()!)
    }
}

/// Holds runners until all are there. It spins: a runner that slept would start late.
private final class StartingLine: Sendable {
    private let awaited: Atomic<Int>

    init(_ runners: Int) { awaited = Atomic(runners) }

    func wait() {
        awaited.subtract(1, ordering: .acquiringAndReleasing)
        // A machine of one core runs them in turn, and none may wait for the next for ever.
        let end = nanoseconds() + 100_000_000
        while awaited.load(ordering: .acquiring) > 0, nanoseconds() < end {}
    }
}

/// Samples of `run`, which performs as many operations as it is told and says how many nanoseconds
/// that took: nanoseconds an operation. Warms up first, and until a sample takes long enough.
func perOperation(_ run: @escaping (Int) async throws -> Double) -> () async throws -> Double {
    let (enough, aim) = (50e6, 100e6)
    var count = 1024
    var isWarm = false
    return {
        while true {
            let took = try await run(count)
            defer { isWarm = isWarm || took >= enough }
            if took >= enough, isWarm { return took / Double(count) }
            if took < enough {
                count = max(2 * count, min(64 * count, Int(Double(count) * aim / max(took, 1))))
            }
        }
    }
}
