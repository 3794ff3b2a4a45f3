import Larder
import LarderTesting
import TestSupport
import Testing

@testable import LarderInspector

@Suite struct `What an engine keeps of the last hour` {
    @Test func `is there for whoever comes later, though nobody has looked`() async throws {
        let clock = TestClock()
        let cache = Cache<Int, Int>("numbers", ttl: nil, clock: clock.ageClock) { $0 }
        let inspector = LocalInspector("pantry", clock: clock.ageClock)
        inspector.add(cache) { .number("\($0)") }
        var expected: [UInt64] = [0]
        for second in 1...20 {
            let isAsleep = await settles { clock.sleepers == [.seconds(1)] }
            #expect(isAsleep)
            for number in 0..<second { _ = try await cache.value(for: number) }
            expected.append(cache.snapshot().counters.hits)
            clock.advance(by: .seconds(1))
            let isNoted = await settles { cache.history().count == second + 1 }
            #expect(isNoted)
        }
        let history = try await inspector.history(
            of: "numbers", since: AgeInstant(nanoseconds: .min))
        #expect(history.samples.map(\.hits) == expected)
        #expect(history.at == clock.now && history.instance == inspector.instance)
        let late = try await inspector.history(of: "numbers", since: clock.now + .seconds(-3))
        #expect(late.samples == Array(history.samples.suffix(3)))
    }

    @Test func `is of a cache that is there`() async throws {
        let engine = Engine()
        await #expect(throws: InspectorError.self) {
            try await engine.inspector.history(of: "nobody", since: AgeInstant(nanoseconds: 0))
        }
        let history = try await engine.inspector.history(
            of: "credentials", since: AgeInstant(nanoseconds: 0))
        #expect(history.samples.map(\.count) == [0], "it begins where it can be looked into")
    }
}

@Suite struct `A forecast` {
    private func forecast(_ engine: Engine) async throws -> Forecast.Cache {
        try await engine.inspector.forecast(width: .seconds(5), count: 180).caches[0]
    }

    @Test func `counts on those that live so long, and not on those that are evicted first`()
        async throws
    {
        let engine = Engine(maxsize: 64, ttl: .seconds(45))
        // A look-up of something new each tenth of a second: everything goes after 6.4 s.
        for number in 0..<2000 {
            engine.accounts.insert(Account(name: "x"), for: "\(number)")
            engine.clock.advance(by: .milliseconds(100))
        }
        let cache = try await forecast(engine)
        #expect(cache.ending.reduce(0, +) == 64)
        #expect(cache.lasting.reduce(0, +) < 1)
        #expect(cache.fetches.reduce(0, +) < 1)
        #expect(cache.peak?.fetches ?? 0 < 1)
    }

    @Test func `counts on all where none was evicted, and finds when most are fetched at once`()
        async throws
    {
        let engine = Engine(maxsize: nil, ttl: .seconds(300))
        for number in 0..<50 {
            engine.accounts.insert(Account(name: "x"), for: "early \(number)")
            engine.clock.advance(by: .seconds(1))
        }
        for number in 0..<400 {
            engine.accounts.insert(Account(name: "x"), for: "\(number)")
            engine.clock.advance(by: .milliseconds(10))
        }
        #expect(try await forecast(engine).peak == nil, "nobody has asked for anything yet")
        for number in 0..<400 where number % 2 == 0 {
            _ = engine.accounts.cached("\(number)")
            #expect(engine.accounts.cached("early \(number % 50)") != nil)
        }
        // Every other one was hit, and half of the rest may be, as they are as many.
        let half = try await forecast(engine)
        #expect((300...320).contains(half.peak?.fetches ?? 0))
        for number in 0..<400 { _ = engine.accounts.cached("\(number)") }
        let cache = try await forecast(engine)
        #expect(cache.lasting.reduce(0, +) == 450)
        #expect(cache.longest == .seconds(300))
        let peak = try #require(cache.peak)
        #expect(peak.fetches >= 400 && peak.fetches <= 410)
        #expect(peak.at - engine.clock.now >= .seconds(290))
        #expect(peak.at - engine.clock.now <= .seconds(300))
        // Nobody asks for them any more: nobody will fetch them.
        engine.clock.advance(by: .seconds(61))
        #expect(try await forecast(engine).peak == nil)
        #expect(try await forecast(engine).lasting.reduce(0, +) > 440)
    }

    @Test func `has the fetches of the last minute, where there is a record`() async throws {
        let engine = Engine(maxsize: nil, ttl: .seconds(300))
        #expect(try await forecast(engine).rate == nil)
        _ = try await engine.inspector.report()
        for second in 0..<120 {
            for number in 0..<(second < 60 ? 9 : 3) {
                _ = try await engine.accounts.value(for: "\(second) \(number)")
            }
            engine.clock.advance(by: .seconds(1))
            _ = try await engine.inspector.report()
        }
        let rate = try #require(try await forecast(engine).rate)
        #expect((2.9...3.2).contains(rate))
    }

    @Test(arguments: [
        // Fetches a second now, a budget, those of five seconds to come, and whether that is a storm.
        (0.0, 50.0, 19.0, false), (0, 50, 21, true), (0, 1, 5, false), (0, 1, 7, true),
        (2, 1, 15, false), (2, 1, 31, true), (10, 50, 105, false), (60, 50, 400, false),
        (60, 50, 500, true), (60, 200, 500, false), (60, 200, 700, true),
    ])
    func `tells a storm from what is usual and from the budget`(
        rate: Double, budget: Double, fetches: Double, isStorm: Bool
    ) {
        let now = AgeInstant(nanoseconds: 0)
        var forecast = Forecast(at: now, width: .seconds(5), count: 1)
        forecast.caches = [
            Forecast.Cache(name: "a", count: 1), Forecast.Cache(name: "b", count: 1),
        ]
        forecast.caches[1].rate = rate
        forecast.caches[1].peak = .init(at: now + .seconds(60), fetches: fetches)
        #expect(forecast.storm(beyond: budget, at: now)?.cache == (isStorm ? "b" : nil))
        #expect(forecast.storm(beyond: budget, at: now + .seconds(66)) == nil)
        #expect(forecast.rate == nil, "of one it is not known")
        let rule = forecast.storm(beyond: budget, at: now)?.rule
        let isOfBudget = budget == 1 && rate == 0
        #expect(rule == (!isStorm ? nil : isOfBudget ? .budget(budget) : .usual(rate)))
    }

    @Test func `is no number that is none, whatever there was`() {
        var random = Fuzz.random("survival")
        for _ in 0..<Fuzz.count {
            var ages: [RemovalCause: Histogram] = [:]
            for cause in RemovalCause.allCases where Bool.random(using: &random) {
                for _ in 0..<Int.random(in: 0...20, using: &random) {
                    ages[cause, default: Histogram()].add(
                        .nanoseconds(
                            Bool.random(using: &random)
                                ? Fuzz.integer(using: &random)
                                : Int64.random(in: 0...100_000_000_000, using: &random)))
                }
            }
            var survival = Survival(ages)
            for _ in 0..<Int.random(in: 0...9, using: &random) {
                survival.add(held: .nanoseconds(Fuzz.integer(using: &random)))
            }
            survival.settle()
            let early = Duration.nanoseconds(Fuzz.integer(using: &random))
            let late = Duration.nanoseconds(Int64.random(in: 0...200_000_000_000, using: &random))
            let share = survival.share(from: early, to: late)
            #expect((0...1).contains(share))
            #expect(survival.share(from: late, to: late) == 1)
            #expect(
                survival.share(from: .zero, to: late + .seconds(9))
                    <= survival.share(from: .zero, to: late))
        }
    }
}
