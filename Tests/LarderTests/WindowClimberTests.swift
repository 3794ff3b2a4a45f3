import TestSupport
import Testing

@testable import Larder

@Suite struct WindowClimberTests {
    /// The window's share after so many references round a cycle, of which an LRU hits not one.
    private func share(
        _ seed: Int, from begin: Double = WindowClimber.leastShare, capacity: Int,
        references: Int, hits: (_ share: Double) -> Double
    ) -> Double {
        var climber = WindowClimber()
        climber.begin(at: begin)
        var share = begin
        var draws = Seeded(UInt64(seed))
        for reference in 0..<references {
            let key = UInt64(reference % (4 * capacity + 1000))
            let tag = UInt32(truncatingIfNeeded: SplitMix.mixed(key))
            let hit = Double.random(in: 0..<1, using: &draws) < hits(share)
            share = climber.refer(tag, hit: hit, capacity: capacity) ?? share
        }
        return share
    }

    @Test(arguments: 1...8)
    func `chance does not make a window long`(seed: Int) {
        #expect(share(seed, capacity: 64, references: 200_000) { _ in 0.03 } < 0.15)
    }

    @Test(arguments: 1...4)
    func `a window that helps becomes longer`(seed: Int) {
        let share = share(seed, from: 0.3, capacity: 1500, references: 500_000) { 0.2 + 0.6 * $0 }
        #expect(share > 0.6)
    }

    @Test(arguments: 1...4)
    func `a window grows no longer than it helps`(seed: Int) {
        let share = share(seed, from: 0.3, capacity: 500, references: 400_000) {
            0.6 - abs($0 - 0.4)
        }
        #expect(0.2...0.6 ~= share)
    }

    @Test(arguments: 1...4)
    func `a workload that becomes harder leaves a window that helps`(seed: Int) {
        var references = 0
        let share = share(seed, from: 0.3, capacity: 500, references: 800_000) { share in
            references += 1
            return (references < 400_000 ? 0.6 : 0.45) - abs(share - 0.4)
        }
        #expect(0.2...0.6 ~= share)
    }
}
