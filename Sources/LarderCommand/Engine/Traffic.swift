import Foundation
import LarderInspector

/// What an engine looks up by itself: first what there is to be at the start, then as many keys a
/// second as asked for, at random moments as callers come.
struct Traffic {
    let engine: Engine
    /// Look-ups a second, on average.
    let rate: Double

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
        await withDiscardingTaskGroup { group in
            var due = ContinuousClock.now
            while !Task.isCancelled {
                // Gaps of independent callers are exponential.
                // A day is as good as never.
                due += .seconds(min(-log(1 - Double.random(in: 0..<1)) / rate, 86_400))
                do { try await Task.sleep(until: due, tolerance: .milliseconds(1)) } catch { break }
                group.addTask { await engine.lookUp() }
            }
            group.cancelAll()
        }
    }
}
