import Larder
import LarderTesting
import Synchronization
import Testing

@testable import LarderExtension

@Suite struct `A standstill` {
    private let clock = TestClock()
    private let gaps = Gaps()

    private final class Gaps: Sendable {
        private let all = Mutex<[Duration]>([])
        func add(_ gap: Duration) { all.withLock { $0.append(gap) } }
        var value: [Duration] { all.withLock { $0 } }
    }

    private func standstill() -> Standstill {
        let made = Standstill(clock: clock.neverWaking)
        made.whenOver { [gaps] in gaps.add($0) }
        return made
    }

    @Test func `is noticed once, by whoever comes first after it`() {
        let standstill = standstill()
        clock.advance(by: .seconds(600))
        standstill.notice()
        standstill.notice()
        #expect(gaps.value == [.seconds(600)])
    }

    @Test func `of the wall clock alone is one too, as a snapshot's restore is`() {
        let standstill = standstill()
        clock.jump(by: .seconds(86_400))
        standstill.notice()
        #expect(gaps.value == [.seconds(86_400)])
    }

    @Test(arguments: [(Duration.milliseconds(1500), 0), (.milliseconds(1501), 1)])
    func `is no beat that comes late`(gap: Duration, count: Int) {
        let standstill = standstill()
        for _ in 0..<5 {
            clock.advance(by: .milliseconds(500))
            standstill.notice()
        }
        clock.advance(by: gap)
        standstill.notice()
        #expect(gaps.value.count == count)
    }

    @Test(arguments: [true, false])
    func `what was there before a snapshot goes once, and later standstills leave what is held`(
        isSnapshot: Bool
    ) {
        let count = Guarded(0)
        let snapshot = Snapshot(isSnapshot) { count.withLock { $0 += 1 } }
        snapshot.mayBeRestored()
        #expect(count.withLock { $0 } == (isSnapshot ? 1 : 0))
        snapshot.isInvoked()
        let atLast = count.withLock { $0 }
        #expect(atLast == (isSnapshot ? 2 : 0))
        for _ in 0..<3 {
            snapshot.mayBeRestored()
            snapshot.isInvoked()
        }
        #expect(count.withLock { $0 } == atLast)
    }
}
