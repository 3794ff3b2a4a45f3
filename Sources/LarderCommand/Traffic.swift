import Foundation
import LarderInspector

/// Look-ups by themselves, as many a second as asked for, at random moments as callers come.
struct Traffic {
    let engine: Engine
    /// Look-ups a second, on average.
    let rate: Double

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
