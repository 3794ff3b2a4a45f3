import Larder
import LarderInspector
import Synchronization
import TestSupport
import Testing

@testable import LarderCommand

@Suite(.timeLimit(.minutes(1))) struct `The traffic of an engine` {
    @Test func `does not make up for an hour that the machine stood still`() {
        let start = ContinuousClock.now
        var pace = Pace(rate: 100, from: start)
        for _ in 0..<1000 { _ = pace.next(at: start + .seconds(1)) }
        let thawed = start + .seconds(3600)
        var missed = 0
        while pace.next(at: thawed) <= thawed { missed += 1 }
        #expect(missed < 60, "ten are due in a tenth of a second")
    }

    @Test func `comes at its rate, however late it is asked for the next`() {
        let start = ContinuousClock.now
        var pace = Pace(rate: 1000, from: start)
        var due = start
        for _ in 0..<10_000 { due = pace.next(at: due + .milliseconds(5)) }
        #expect((9...11).contains((due - start).inSeconds))
    }

    @Test func `has so many look-ups under way at most`() async {
        let (now, most, ended) = (Count(), Count(), Count())
        let engine = Engine(
            inspector: LocalInspector("busy"), defaults: [:], warm: { _ in true },
            lookUp: {
                let count = now.add(1)
                most.raise(to: count)
                for _ in 0..<20 { await Task.yield() }
                now.add(-1)
                ended.add(1)
            }, reveal: { _ in .null }, close: {})
        let running = Task { await Traffic(engine: engine, rate: 50_000, most: 3).run() }
        while ended.value < 300 { await Task.yield() }
        running.cancel()
        await running.value
        #expect((1...3).contains(most.value))
    }

    private final class Count: Sendable {
        private let count = Guarded(0)
        var value: Int { count.withLock { $0 } }

        @discardableResult
        func add(_ number: Int) -> Int {
            count.withLock { count in
                count += number
                return count
            }
        }

        func raise(to number: Int) { count.withLock { $0 = max($0, number) } }
    }
}
