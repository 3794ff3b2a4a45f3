import Foundation
import Larder
import LarderInspector
import Synchronization

/// What an engine looks up by itself: first what there is to be at the start, then as many keys a
/// second as asked for, at random moments as callers come.
struct Traffic {
    let engine: Engine
    /// Look-ups a second, on average.
    let rate: Double
    /// Most look-ups under way at once. Where an origin hangs, further ones are left out.
    var most = 10_000

    /// Looks up once what is wanted at the start, and then runs until its task is cancelled. What
    /// had no answer at the start is asked for again beside it.
    func run(warming count: Int) async {
        let isWarm = await engine.warm(count)
        await withDiscardingTaskGroup { group in
            if !isWarm { group.addTask { await warmAgain(count) } }
            group.addTask { await run() }
        }
    }

    /// Every second at first, and every minute in the end.
    private func warmAgain(_ count: Int) async {
        var pause = Duration.seconds(1)
        while (try? await Task.sleep(for: pause)) != nil, !(await engine.warm(count)) {
            pause = min(pause * 2, .seconds(60))
        }
    }

    /// Runs until its task is cancelled.
    func run() async {
        guard rate > 0 else { return }
        let underWay = UnderWay()
        await withDiscardingTaskGroup { group in
            var pace = Pace(rate: rate, from: .now)
            while !Task.isCancelled {
                let due = pace.next(at: .now)
                do { try await Task.sleep(until: due, tolerance: .milliseconds(1)) } catch { break }
                guard underWay.begin(upTo: most) else { continue }
                group.addTask {
                    await engine.lookUp()
                    underWay.end()
                }
            }
            group.cancelAll()
        }
    }
}

/// Counts look-ups.
private final class UnderWay: Sendable {
    private let count = Guarded(0)

    /// False where there are as many already.
    func begin(upTo most: Int) -> Bool {
        count.withLock { count in
            guard count < most else { return false }
            count += 1
            return true
        }
    }

    func end() { count.withLock { $0 -= 1 } }
}

/// When look-ups are due that come at random moments.
///
/// What a machine missed while it stood still, or was too busy, it does not make up for: an hour's
/// look-ups at once would be no traffic that anybody has, and fill the memory.
struct Pace {
    private let rate: Double
    private var due: ContinuousClock.Instant

    /// So much is made up for.
    static let lag = Duration.milliseconds(100)

    init(rate: Double, from start: ContinuousClock.Instant) {
        self.rate = rate
        due = start
    }

    /// The moment of the one behind the last; it may have passed.
    mutating func next(at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        // Gaps of independent callers are exponential. A day is as good as never.
        due += .seconds(min(-log(1 - Double.random(in: 0..<1)) / rate, 86_400))
        due = max(due, now - Self.lag)
        return due
    }
}
