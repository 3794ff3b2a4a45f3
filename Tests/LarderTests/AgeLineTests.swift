import Larder
import TestSupport
import Testing

@testable import Larder

@Suite struct AgeLineTests {
    /// All clocks, moved apart or together, and the line they make.
    private struct Clocks {
        var monotonic: Int64 = 5_000_000_000
        var boottime: Int64 = 9_000_000_000
        var wall: Int64 = 1_795_442_820_000_000_000
        var line: AgeLine
        private let start: Int64

        init() {
            line = AgeLine(monotonic: monotonic, boottime: boottime, wall: wall)
            start = monotonic
        }

        /// How old something written at the start is, once the clocks have moved so; of `wall` the
        /// machine has slept as much.
        mutating func age(
            monotonic: Duration, wall: Duration, slept: Duration = .zero
        ) -> Duration {
            self.monotonic += monotonic.nanoseconds
            boottime += monotonic.nanoseconds + slept.nanoseconds
            self.wall += wall.nanoseconds
            return line.now(monotonic: self.monotonic, boottime: boottime, wall: self.wall)
                - AgeInstant(nanoseconds: start)
        }

        /// The same with a wall clock that goes as it should and was set besides.
        mutating func age(_ move: Move) -> Duration {
            age(
                monotonic: .seconds(move.ran), wall: .seconds(move.ran + move.slept + move.set),
                slept: .seconds(move.slept))
        }
    }

    /// What happens between two readings, in seconds: the machine ran, slept, and its wall clock was
    /// set (or shows what nothing else does, because all clocks stood still).
    struct Move: CustomTestStringConvertible {
        var ran = 1
        var slept = 0
        var set = 0
        var testDescription: String { "ran \(ran) slept \(slept) set \(set)" }
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

    private static let hour = 3600

    /// Beside the second that the machine runs each time: what is counted in all.
    @Test(arguments: [
        ([-3600], 0), ([-3600, 3600], 0), ([-3600, 1800, 1800], 0), ([-1800, -1800, 3600], 0),
        ([-3600, 4000], 400), ([-3600, 3000, 1000], 400), ([-3600, 3600, 1], 1),
        ([-3600, 3600, -3600, 3600], 0), ([-60, 30, -60, 90, 5], 5), ([-1, 11], 10),
        // Set forward by mistake: that counts, and no correction takes it back or counts again.
        ([3600, -3600], 3600), ([3600, -3600, 3600], 3600), ([3600, -3600, 3601], 3601),
        ([3600, -1800, -1800, 1800], 3600), ([400], 400), ([400, 100], 500),
    ])
    func `a step of the wall ages what it does not take back`(steps: [Int], counted: Int) {
        var clocks = Clocks()
        var age = Duration.zero
        for step in steps { age = clocks.age(Move(set: step)) }
        #expect(age == .seconds(steps.count + counted))
        #expect(clocks.age(Move()) == .seconds(steps.count + counted + 1))
    }

    @Test(arguments: [
        ([Move(slept: 400)], 400), ([Move(slept: 400), Move(slept: 5)], 405),
        ([Move(set: -3600), Move(slept: 400), Move(set: 3600)], 400),
        ([Move(set: -3600), Move(slept: 7200, set: 3600)], 7200),
        ([Move(slept: 7200, set: -3600), Move(set: 3600)], 7200),
        // The wall clock does not move at all, and all the same it is seen.
        ([Move(slept: 3600, set: -3600)], 3600),
        ([Move(slept: 3600, set: -3600), Move(set: 3600)], 3600),
        ([Move(set: -60), Move(slept: 10), Move(slept: 10), Move(set: 50), Move(set: 20)], 30),
    ])
    func `sleep ages by its time, however the wall is set around it`(moves: [Move], counted: Int) {
        var clocks = Clocks()
        var age = Duration.zero
        for move in moves { age = clocks.age(move) }
        #expect(age == .seconds(moves.count + counted))
    }

    @Test(arguments: [(Move(ran: 23 * 3600), 0), (Move(ran: 26 * 3600), 1800)])
    func `a step back may be undone for a day`(between: Move, counted: Int) {
        var clocks = Clocks()
        _ = clocks.age(Move(set: -3600))
        let before = clocks.age(between)
        #expect(clocks.age(Move(set: 1800)) - before == .seconds(1 + counted))
    }

    @Test func `steps back without end are remembered for a day, each by itself`() {
        var clocks = Clocks()
        var age = Duration.zero
        // A second an hour, for a month.
        for _ in 0..<720 { age = clocks.age(Move(ran: Self.hour, set: -1)) }
        #expect(clocks.age(Move(ran: 0, set: 100)) - age == .seconds(75))
        age = clocks.age(Move())
        #expect(clocks.age(Move(ran: 0, slept: 100)) - age == .seconds(100))
    }

    @Test func `a wall that is slewed back and forth ages nothing`() {
        var clocks = Clocks()
        for round in 1...2000 {
            let pace = Duration.milliseconds(round <= 1000 ? 990 : 1010)
            let age = clocks.age(monotonic: .seconds(1), wall: pace)
            #expect(age == .seconds(round))
        }
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

    /// The rule, second by second.
    private struct Naive {
        var now = 5
        /// For each second that the wall is behind, the hour in which it was set back.
        var owed: [Int] = []

        mutating func make(_ move: Move) {
            now += move.ran + move.slept
            let hour = now / 3600
            owed.removeAll { hour - $0 > 24 }
            for _ in 0..<max(0, -move.set) { owed.append(hour) }
            for _ in 0..<max(0, move.set) where owed.popLast() == nil { now += 1 }
        }
    }

    @Test func `any clocks make the line that the naive model makes`() {
        var random = Fuzz.random("clocks")
        func some(_ choices: [Int]) -> Int { choices.randomElement(using: &random)! }
        for _ in 0..<Fuzz.count / 20 {
            var (clocks, naive) = (Clocks(), Naive())
            for _ in 0..<40 {
                let size = Int.random(in: 1...200, using: &random)
                let move = Move(
                    ran: some([0, 1, size, 3599, 3600, 5 * 3600, 25 * 3600]),
                    slept: some([0, 0, 0, size, 3600, 30 * 3600]),
                    set: some([0, 0, size, -size, -size, 100, -100, 1, -1]))
                naive.make(move)
                #expect(clocks.age(move) == .seconds(naive.now - 5), "\(move)")
            }
        }
    }

    @Test func `clocks that are set to anything trap nowhere, and age never goes back`() {
        var random = Fuzz.random("clocks at their edges")
        for _ in 0..<Fuzz.count / 20 {
            func any() -> Int64 {
                Bool.random(using: &random)
                    ? Fuzz.integer(using: &random) : .random(in: .min ... .max, using: &random)
            }
            var monotonic = any()
            var line = AgeLine(monotonic: monotonic, boottime: any(), wall: any())
            var last = AgeInstant(nanoseconds: .min)
            for _ in 0..<20 {
                monotonic = max(monotonic, any())
                let now = line.now(monotonic: monotonic, boottime: any(), wall: any())
                #expect(now >= last && now.nanoseconds >= monotonic)
                last = now
            }
        }
    }

    @Test func `a clock that is set to the end of time and back leaves a line to go on`() {
        var clocks = Clocks()
        let wall = clocks.wall
        for wrong in [Int64.max, 0, .max, 0] {
            for set in [wrong, wall] {
                clocks.wall = set
                _ = clocks.age(monotonic: .seconds(25 * 3600), wall: .zero)
            }
        }
        let age = clocks.age(monotonic: .zero, wall: .zero)
        #expect(clocks.age(monotonic: .seconds(1), wall: .seconds(1)) == age + .seconds(1))
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
