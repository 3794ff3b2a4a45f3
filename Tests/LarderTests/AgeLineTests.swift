import Larder
import Testing

@testable import Larder

@Suite struct AgeLineTests {
    /// Both clocks, moved apart or together, and the line they make.
    private struct Clocks {
        var monotonic: Int64 = 5_000_000_000
        var wall: Int64 = 1_795_442_820_000_000_000
        var line: AgeLine
        private let start: Int64

        init() {
            line = AgeLine(monotonic: monotonic, wall: wall)
            start = monotonic
        }

        /// How old something written at the start is, once the clocks have moved so.
        mutating func age(monotonic: Duration, wall: Duration) -> Duration {
            self.monotonic += monotonic.nanoseconds
            self.wall += wall.nanoseconds
            return line.now(monotonic: self.monotonic, wall: self.wall)
                - Instant(nanoseconds: start)
        }
    }

    @Test func `while both clocks agree, age is the time that passed`() {
        var clocks = Clocks()
        #expect(clocks.age(monotonic: .zero, wall: .zero) == .zero)
        #expect(clocks.age(monotonic: .seconds(7), wall: .seconds(7)) == .seconds(7))
    }

    @Test func `while a freeze stops the monotonic clock, age goes by the wall`() {
        var clocks = Clocks()
        #expect(clocks.age(monotonic: .zero, wall: .seconds(400)) == .seconds(400))
        #expect(clocks.age(monotonic: .seconds(1), wall: .seconds(1)) == .seconds(401))
        #expect(clocks.age(monotonic: .zero, wall: .seconds(100)) == .seconds(501))
    }

    @Test func `a forward step of the wall counts once`() {
        var clocks = Clocks()
        #expect(clocks.age(monotonic: .seconds(1), wall: .seconds(401)) == .seconds(401))
        #expect(clocks.age(monotonic: .zero, wall: .zero) == .seconds(401))
        #expect(clocks.age(monotonic: .seconds(1), wall: .seconds(1)) == .seconds(402))
    }

    @Test func `a backward step of the wall is ignored, and the next forward one counts`() {
        var clocks = Clocks()
        #expect(clocks.age(monotonic: .seconds(1), wall: .seconds(-3600)) == .seconds(1))
        #expect(clocks.age(monotonic: .seconds(1), wall: .seconds(1)) == .seconds(2))
        #expect(clocks.age(monotonic: .seconds(1), wall: .seconds(11)) == .seconds(13))
    }

    @Test(arguments: [(50, 0), (51, 51), (-50, 0), (-51, 0)])
    func `what differs by 50 ms at most is no step`(apart: Int, counted: Int) {
        var clocks = Clocks()
        let age = clocks.age(monotonic: .seconds(1), wall: .seconds(1) + .milliseconds(apart))
        #expect(age == .seconds(1) + .milliseconds(counted))
    }

    @Test func `jitter of the wall never adds up`() {
        var clocks = Clocks()
        for round in 1...10_000 {
            let wobble = Duration.milliseconds(round.isMultiple(of: 2) ? -40 : 40)
            let age = clocks.age(monotonic: .seconds(1), wall: .seconds(1) + wobble)
            #expect(age == .seconds(round))
        }
        #expect(clocks.line.jumped == 0)
    }

    @Test func `a slow drift is caught up with, never more than 50 ms behind`() {
        var clocks = Clocks()
        for round in 1...1000 {
            let age = clocks.age(monotonic: .seconds(1), wall: .milliseconds(1003))
            let wall = Duration.milliseconds(1003 * round)
            #expect(age <= wall && wall - age <= .milliseconds(50))
        }
    }

    @Test func `age never goes back, however the wall is set`() {
        var clocks = Clocks()
        var last = Duration.zero
        for step in [0, 5, -3600, 3600, -1, 1, -86_400, 400, 0] {
            let age = clocks.age(monotonic: .seconds(1), wall: .seconds(step))
            #expect(age >= last + .seconds(1))
            last = age
        }
    }

    @Test func `the machine's own line moves with its clock and never back`() {
        let clock = AgeClock.system
        let began = ContinuousClock.now
        let first = clock.now()
        var last = first
        for _ in 0..<100_000 {
            let now = clock.now()
            #expect(last <= now)
            last = now
        }
        let took = ContinuousClock.now - began
        #expect(last - first <= took + .milliseconds(100))
        #expect(last - first >= took - .milliseconds(100))
    }
}
