import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// The state machine of a refreshed entry, in the grammar of the cases that the AWS SDKs share:
/// given an entry in some state, steps, and what each look-up comes to.
@Suite struct RefreshTests {
    enum Given: CaseIterable {
        case nothing, valid, advisory, mandatory, expired

        /// How long before the end of a life of 15 minutes; its window is 5 minutes.
        var left: Duration {
            switch self {
            case .nothing, .valid: .seconds(600)
            case .advisory: .seconds(180)
            case .mandatory: .seconds(30)
            case .expired: .seconds(-1)
            }
        }
    }

    enum Answer {
        case fresh(life: Duration = .seconds(900))
        case error
        case refusal
    }

    enum Result: Equatable {
        case held, new, failure(Int)
    }

    enum Step {
        /// A look-up, with what the origin will say if asked; what comes of it, and if it was.
        case look(Answer, Result, asked: Bool)
        case advance(Duration)
        /// The value of that number proved to be bad.
        case reject(Int)
    }

    struct Case: CustomTestStringConvertible {
        var name: String
        var given: Given
        var stale = Duration.zero
        var steps: [Step]
        var testDescription: String { name }
    }

    static let backoff = Duration.seconds(400)
    static let pause = Duration.seconds(3)
    static let ever = Duration.seconds(1 << 30)

    static let cases: [Case] = [
        Case(
            name: "nothing held: fetched", given: .nothing,
            steps: [.look(.fresh(), .new, asked: true)]),
        Case(
            name: "nothing held: a failure is told, and the next look-up tries again",
            given: .nothing,
            steps: [
                .look(.error, .failure(1), asked: true), .look(.fresh(), .new, asked: true),
            ]),
        Case(
            name: "nothing held: a refusal is remembered for a while", given: .nothing,
            steps: [
                .look(.refusal, .failure(1), asked: true),
                .look(.fresh(), .failure(1), asked: false), .advance(pause),
                .look(.fresh(), .new, asked: true),
            ]),
        Case(
            name: "valid: not asked for", given: .valid,
            steps: [.look(.fresh(), .held, asked: false)]),
        Case(
            name: "valid until the window", given: .valid,
            steps: [
                .advance(.seconds(300) - .nanoseconds(1)), .look(.fresh(), .held, asked: false),
                .advance(.nanoseconds(1)), .look(.fresh(), .new, asked: true),
            ]),
        Case(
            name: "advisory: refreshed", given: .advisory,
            steps: [.look(.fresh(), .new, asked: true), .look(.error, .held, asked: false)]),
        Case(
            name: "advisory: a failure keeps what is held and backs off", given: .advisory,
            steps: [
                .look(.error, .held, asked: true), .look(.fresh(), .held, asked: false),
                .advance(.seconds(179)), .look(.fresh(), .held, asked: false),
                .advance(.seconds(1)), .look(.fresh(), .new, asked: true),
            ]),
        Case(
            name: "advisory: the back-off over, it is tried again",
            given: .valid,
            steps: [
                .advance(.seconds(300)), .look(.error, .held, asked: true),
                .advance(.seconds(299)), .look(.fresh(), .held, asked: false),
            ]),
        Case(
            name: "advisory: a refusal is told at once and remembered", given: .advisory,
            steps: [
                .look(.refusal, .failure(1), asked: true),
                .look(.fresh(), .failure(1), asked: false), .advance(pause),
                .look(.fresh(), .new, asked: true),
            ]),
        Case(
            name: "mandatory: refreshed", given: .mandatory,
            steps: [.look(.fresh(), .new, asked: true)]),
        Case(
            name: "mandatory: a failure keeps what is held until its end", given: .mandatory,
            steps: [
                .look(.error, .held, asked: true), .look(.error, .held, asked: false),
                .advance(.seconds(30)), .look(.error, .failure(2), asked: true),
                .look(.fresh(), .new, asked: true),
            ]),
        Case(
            name: "mandatory: a refusal is told", given: .mandatory,
            steps: [.look(.refusal, .failure(1), asked: true)]),
        Case(
            name: "expired: refreshed", given: .expired,
            steps: [.look(.fresh(), .new, asked: true)]),
        Case(
            name: "expired: a failure is told", given: .expired,
            steps: [.look(.error, .failure(1), asked: true)]),
        Case(
            name: "expired, with a reserve: served while fetches fail, and no longer",
            given: .expired,
            stale: .seconds(1000),
            steps: [
                .look(.error, .held, asked: true), .look(.fresh(), .held, asked: false),
                .advance(backoff), .look(.error, .held, asked: true), .advance(backoff),
                .look(.error, .held, asked: true), .advance(backoff),
                .look(.error, .failure(4), asked: true),
            ]),
        Case(
            name: "expired, with a reserve: refreshed as soon as it can be", given: .expired,
            stale: ever,
            steps: [
                .look(.error, .held, asked: true), .advance(backoff),
                .look(.fresh(), .new, asked: true),
            ]),
        Case(
            name: "expired, with a reserve: a refusal is told", given: .expired, stale: ever,
            steps: [.look(.refusal, .failure(1), asked: true)]),
        Case(
            name: "an answer that has ended is a failure", given: .advisory,
            steps: [
                .look(.fresh(life: .seconds(-1)), .held, asked: true),
                .look(.fresh(), .held, asked: false),
            ]),
        Case(
            name: "an answer that has ended, nothing held", given: .nothing,
            steps: [.look(.fresh(life: .zero), .failure(1), asked: true)]),
        Case(
            name: "rejected: fetched again", given: .valid,
            steps: [.reject(0), .look(.fresh(), .new, asked: true)]),
        Case(
            name: "another rejected: kept", given: .valid,
            steps: [.reject(7), .look(.fresh(), .held, asked: false)]),
        Case(
            name: "rejected, with a reserve: kept should the fetch fail", given: .valid,
            stale: ever,
            steps: [
                .reject(0), .look(.error, .held, asked: true), .look(.fresh(), .held, asked: false),
            ]),
        Case(
            name: "rejected, with a reserve: the back-off stays", given: .advisory, stale: ever,
            steps: [
                .look(.error, .held, asked: true), .reject(0), .look(.fresh(), .held, asked: false),
            ]),
        Case(
            name: "a refreshed value has a window of its own life", given: .advisory,
            steps: [
                .look(.fresh(life: .seconds(3600)), .new, asked: true),
                .advance(.seconds(2700) - .nanoseconds(1)), .look(.fresh(), .held, asked: false),
                .advance(.nanoseconds(1)), .look(.fresh(), .new, asked: true),
            ]),
    ]

    private struct Broken: Error {
        var number: Int
        var isRefusal = false
    }

    @Test(arguments: cases)
    func `a look-up does as the state machine says`(example: Case) async throws {
        let clock = TestClock()
        let answers = Guarded<(next: Answer, asked: Int)>((.error, 0))
        let cache = Cache<String, Loaf>(
            "refreshed",
            CacheConfiguration(maxsize: 8, ttl: nil, staleIfError: example.stale),
            refresh: Self.refresh, clock: clock.neverWaking
        ) { _ in
            let (answer, number) = answers.withLock { state in
                state.asked += 1
                return (state.next, state.asked)
            }
            switch answer {
            case .fresh(let life):
                guard life > .zero else { throw Broken(number: number) }
                return Loaf(number: number, expiry: clock.now + life)
            case .error: throw Broken(number: number)
            case .refusal: throw Broken(number: number, isRefusal: true)
            }
        }
        if example.given != .nothing {
            cache.insert(Loaf(number: 0, expiry: clock.now + .seconds(900)), for: "a")
            clock.advance(by: .seconds(900) - example.given.left)
        }
        var held = 0
        for (place, step) in example.steps.enumerated() {
            switch step {
            case .advance(let duration): clock.advance(by: duration)
            case .reject(let number): cache.reject("a") { $0.number == number }
            case .look(let answer, let expected, let asked):
                let before = answers.withLock { state in
                    state.next = answer
                    return state.asked
                }
                var result: Result
                do {
                    let number = try await cache.value(for: "a").number
                    result = number == held ? .held : .new
                    held = number
                } catch let error as Broken {
                    result = .failure(error.number)
                }
                #expect(result == expected, "step \(place)")
                #expect(answers.withLock { $0.asked } - before == (asked ? 1 : 0), "step \(place)")
            }
            cache.checkInvariants()
        }
    }

    private static let refresh = Refresh(
        window: { life in
            life <= .seconds(1200)
                ? .seconds(300) : life < .seconds(5400) ? .seconds(900) : .seconds(3600)
        },
        mandatory: .seconds(60), backoff: backoff...backoff
    ) { error in
        (error as? Broken)?.isRefusal == true ? .refused(pause...pause) : .passing
    }

    // MARK: Many callers

    private func cache(
        _ origin: Origin<String, Loaf>, _ clock: TestClock, ttl: Duration? = nil,
        stale: Duration = .zero, negative: Duration = .zero, pause: ClosedRange<Duration>? = nil
    ) -> Cache<String, Loaf> {
        var refresh = Self.refresh
        refresh.pause = pause
        refresh.meaning = { ($0 as? Refused)?.number == 404 ? .absent : .passing }
        return Cache(
            "refreshed",
            CacheConfiguration(maxsize: 8, ttl: ttl, staleIfError: stale, negativeTTL: negative),
            refresh: refresh, clock: clock.neverWaking, fetch: origin.fetch)
    }

    @Test func `in the window one caller waits and the others are served what is held`()
        async throws
    {
        let (clock, origin) = (TestClock(), Origin<String, Loaf>())
        let cache = cache(origin, clock)
        cache.insert(Loaf(number: 1, expiry: clock.now + .seconds(900)), for: "a")
        clock.advance(by: .seconds(700))
        async let refreshing = cache.value(for: "a")
        #expect(await origin.isAsked(1))
        for _ in 0..<100 { #expect(try await cache.value(for: "a").number == 1) }
        origin.answer(1, Loaf(number: 2, expiry: clock.now + .seconds(900)))
        #expect(try await refreshing.number == 2)
        #expect(try await cache.value(for: "a").number == 2)
        #expect(origin.asked.count == 1)
        cache.checkInvariants()
    }

    @Test func `near the end all wait for one fetch`() async throws {
        let (clock, origin) = (TestClock(), Origin<String, Loaf>())
        let cache = cache(origin, clock)
        cache.insert(Loaf(number: 1, expiry: clock.now + .seconds(900)), for: "a")
        clock.advance(by: .seconds(840))
        let waiting = Task {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 { group.addTask { try await cache.value(for: "a").number } }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
        }
        #expect(await cache.isAsked(100))
        origin.answer(1, Loaf(number: 2, expiry: clock.now + .seconds(900)))
        #expect(try await waiting.value == [2])
        #expect(origin.asked.count == 1)
    }

    @Test func `a ttl has a window as well, which follows a change of the ttl`() async throws {
        let (clock, origin) = (TestClock(), Origin<String, Loaf>())
        let cache = cache(origin, clock, ttl: .seconds(900))
        cache.insert(Loaf(number: 1), for: "a")
        clock.advance(by: .seconds(599))
        #expect(try await cache.value(for: "a").number == 1)
        try cache.update { $0.ttl = .seconds(1200) }
        clock.advance(by: .seconds(300))
        #expect(try await cache.value(for: "a").number == 1)
        clock.advance(by: .seconds(1))
        async let refreshed = cache.value(for: "a")
        #expect(await origin.isAsked(1))
        origin.answer(1, Loaf(number: 2))
        #expect(try await refreshed.number == 2)
        cache.checkInvariants()
    }

    // MARK: What is remembered of failures

    @Test func `that there is no such thing is remembered for the negative ttl`() async throws {
        let (clock, origin) = (TestClock(), Origin<String, Loaf>())
        let cache = cache(origin, clock, negative: .seconds(5))
        for number in 1...2 {
            let missing = Task { try await cache.value(for: "a") }
            #expect(await origin.isAsked(number))
            origin.answer(number, .failure(Refused(number: 404)))
            await #expect(throws: Refused(number: 404)) { try await missing.value }
            clock.advance(by: .seconds(5) - .nanoseconds(1))
            await #expect(throws: Refused(number: 404)) { try await cache.value(for: "a") }
            #expect(cache.troubles().map(\.trouble.kind) == [.absent])
            clock.advance(by: .nanoseconds(1))
            #expect(cache.troubles().isEmpty)
        }
        #expect(cache.snapshot().counters.refused == 2)
    }

    @Test func `what is not there any more leaves`() async throws {
        let (clock, origin) = (TestClock(), Origin<String, Loaf>())
        let cache = cache(origin, clock, negative: .seconds(5))
        cache.insert(Loaf(number: 1, expiry: clock.now + .seconds(900)), for: "a")
        clock.advance(by: .seconds(700))
        let missing = Task { try await cache.value(for: "a") }
        #expect(await origin.isAsked(1))
        origin.answer(1, .failure(Refused(number: 404)))
        await #expect(throws: Refused(number: 404)) { try await missing.value }
        #expect(cache.snapshot().count == 0)
        #expect(cache.cached("a") == nil)
    }

    @Test func `to invalidate a key, or to write it, forgets its failure`() async throws {
        let (clock, origin) = (TestClock(), Origin<String, Loaf>())
        let cache = cache(origin, clock, negative: .seconds(5))
        for number in 1...2 {
            let missing = Task { try await cache.value(for: "a") }
            #expect(await origin.isAsked(number))
            origin.answer(number, .failure(Refused(number: 404)))
            _ = try? await missing.value
            if number == 1 { #expect(cache.invalidate("a") == .removed(bytes: 0)) }
        }
        cache.insert(Loaf(number: 3), for: "a")
        #expect(try await cache.value(for: "a").number == 3)
        #expect(cache.troubles().isEmpty)
    }

    @Test func `with a pause, a failure is told to all who come soon after`() async throws {
        let (clock, origin) = (TestClock(), Origin<String, Loaf>())
        let cache = cache(origin, clock, pause: .seconds(1) ... .seconds(1))
        let failing = Task { try await cache.value(for: "a") }
        #expect(await origin.isAsked(1))
        origin.answer(1, .failure(Refused()))
        await #expect(throws: Refused()) { try await failing.value }
        for _ in 0..<100 {
            await #expect(throws: Refused()) { try await cache.value(for: "a") }
        }
        #expect(origin.asked.count == 1)
        clock.advance(by: .seconds(1))
        async let found = cache.value(for: "a")
        #expect(await origin.isAsked(2))
        origin.answer(2, Loaf(number: 1))
        #expect(try await found.number == 1)
    }

    @Test func `entries past their end stay only as long as they may be served`() async throws {
        let (clock, origin) = (TestClock(), Origin<String, Loaf>())
        let cache = cache(origin, clock, ttl: .seconds(10), stale: .seconds(5))
        cache.insert(Loaf(number: 1), for: "a")
        clock.advance(by: .seconds(12))
        #expect(cache.expire() == 0)
        #expect(cache.peek("a") == nil)
        #expect(cache.cached("a") == nil)
        async let served = cache.value(for: "a")
        #expect(await origin.isAsked(1))
        origin.answer(1, .failure(Refused()))
        #expect(try await served.number == 1)
        #expect(cache.snapshot().counters.servedStale == 1)
        clock.advance(by: .seconds(3))
        #expect(cache.expire() == 1)
        cache.checkInvariants()
    }

    @Test func `in a bulk look-up a missing key is remembered too`() async throws {
        let (clock, origin) = (TestClock(), Origin<String, Loaf>())
        let cache = cache(origin, clock, negative: .seconds(5))
        let asked = Guarded<[[String]]>([])
        for _ in 0..<2 {
            let found = try await cache.values(for: ["a", "b"]) { keys in
                asked.withLock { $0.append(keys.sorted()) }
                return ["a": Loaf(number: 1)]
            }
            #expect(found == ["a": Loaf(number: 1)])
        }
        #expect(asked.withLock { $0 } == [["a", "b"]])
    }
}
