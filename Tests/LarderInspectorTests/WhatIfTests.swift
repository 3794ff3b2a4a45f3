import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import LarderInspector

/// What is foreseen for an operator, and how that is held against what came.
@Suite struct WhatIfTests {
    /// Four hundred keys, popular by rank, ten look-ups a second.
    private func use(_ engine: Engine, seconds: Int, seed: UInt64 = 1) {
        var random = Seeded(seed)
        for _ in 0..<seconds * 10 {
            engine.clock.advance(by: .milliseconds(100))
            let drawn = UInt64.random(in: 0..<400, using: &random)
            let key = "\(drawn * drawn / 400)"
            if engine.accounts.cached(key) == nil {
                engine.accounts.insert(Account(name: key), for: key)
            }
        }
    }

    @Test func `a grid stands around the present bounds, and its middle is what came`()
        async throws
    {
        let engine = Engine(maxsize: 64, ttl: .seconds(300))
        use(engine, seconds: 400)
        let answer = try await engine.inspector.whatIf(WhatIfQuery("accounts"))
        #expect(answer.points.count == 49 && answer.policies.count == 7)
        #expect(answer.points[24] == answer.present)
        #expect(answer.present.hitRatio == engine.accounts.snapshot().counters.hitRatio)
        #expect(answer.basis.recorded == 4000)
        #expect(answer.kept.isEmpty)
        let before = engine.accounts.snapshot()
        _ = try await engine.inspector.whatIf(WhatIfQuery("accounts"))
        #expect(engine.accounts.snapshot() == before)
    }

    @Test func `a grid is given again while working it out anew would take too much`() async throws
    {
        let engine = Engine(maxsize: 64, ttl: .seconds(300))
        use(engine, seconds: 60)
        let first = try await engine.inspector.whatIf(WhatIfQuery("accounts"))
        _ = engine.accounts.cached("7")
        #expect(try await engine.inspector.whatIf(WhatIfQuery("accounts")) == first)
        let other = try await engine.inspector.whatIf(WhatIfQuery("accounts", window: .seconds(30)))
        #expect(other.basis.recorded < first.basis.recorded)
        engine.clock.advance(by: .seconds(3600))
        _ = engine.accounts.cached("7")
        let later = try await engine.inspector.whatIf(WhatIfQuery("accounts"))
        #expect(later.at > first.at)
    }

    @Test func `a point is told in words`() async throws {
        let engine = Engine(maxsize: 64, ttl: .seconds(300))
        use(engine, seconds: 400)
        let bounds = CacheConfiguration(maxsize: 128, ttl: .seconds(600))
        let answer = try await engine.inspector.whatIf(WhatIfQuery("accounts", bounds))
        #expect(answer.points.count == 1 && answer.policies.isEmpty)
        let point = answer.points[0]
        #expect(point.hitRatio > answer.present.hitRatio)
        let sentence = answer.sentence(on: point)
        #expect(
            sentence.contains("maxsize 128, ttl 10m, lru: hit \(Format.percent(point.hitRatio))"))
        #expect(sentence.contains("instead of \(Format.percent(answer.present.hitRatio))"))
        #expect(sentence.contains("fetches/s fewer"))
        #expect(sentence.contains("KiB more"))
        // Nothing was fetched, and nobody counts units.
        #expect(answer.cost?.time == nil && answer.cost?.units == nil)
        #expect(!sentence.contains("$") && !sentence.contains("waits"))
        let same = answer.sentence(on: answer.present)
        #expect(!same.contains("instead") && same.contains("fetches/s"))
    }

    @Test func `a point tells what a look-up waits and what the reads cost`() async throws {
        let engine = Engine(maxsize: 64, ttl: .seconds(300))
        use(engine, seconds: 400)
        let units = Guarded<Double?>(nil)
        engine.inspector.add(unitsOf: "accounts") { units.withLock { $0 } }
        let bounds = CacheConfiguration(maxsize: 128, ttl: .seconds(600))
        let query = WhatIfQuery("accounts", bounds)
        #expect(try await engine.inspector.whatIf(query).cost?.units == nil)
        units.withLock { $0 = 100_000 }
        var answer = try await engine.inspector.whatIf(query)
        #expect(answer.cost?.units == 100_000)
        answer.cost?.time = .milliseconds(40)
        let (point, cost) = (answer.points[0], try #require(answer.cost))
        let wait = try #require(cost.wait(point)).inSeconds
        #expect(abs(wait - 0.04 * (1 - point.hitRatio)) < 1e-6)
        let dollars = try #require(cost.dollarsPerDay(point))
        #expect(abs(dollars - point.fetchesPerSecond * 100_000 * 86_400 * 0.125e-6) < 1e-6)
        let sentence = answer.sentence(on: point)
        #expect(sentence.contains("a look-up waits \(Format.took(.seconds(wait))) instead of "))
        #expect(sentence.contains(" a day less"))
        #expect(answer.sentence(on: answer.present).contains(" a day"))
    }

    @Test func `what cannot be foreseen is refused with the reason`() async throws {
        let engine = Engine()
        await #expect(throws: InspectorError.self) {
            try await engine.inspector.whatIf(WhatIfQuery("accounts"))
        }
        use(engine, seconds: 1)
        for query in [
            WhatIfQuery("nowhere"), WhatIfQuery("accounts", window: .zero),
            WhatIfQuery("accounts", window: .seconds(3601)),
        ] {
            await #expect(throws: InspectorError.self) {
                try await engine.inspector.whatIf(query)
            }
        }
        await #expect(throws: CacheError.self) {
            try await engine.inspector.whatIf(
                WhatIfQuery("accounts", CacheConfiguration(maxsize: -1)))
        }
        // Nothing was ever held: how large entries are nobody knows.
        let off = Engine(maxsize: 0)
        use(off, seconds: 1)
        await #expect(throws: InspectorError.self) {
            try await off.inspector.whatIf(
                WhatIfQuery("accounts", CacheConfiguration(maxsize: 8, maxbytes: 1 << 20)))
        }
    }

    @Test func `a room that is short is advised, and silence where it is not`() async throws {
        let short = Engine(maxsize: 32, ttl: .seconds(3000))
        use(short, seconds: 600)
        let advice = try await short.inspector.whatIf(WhatIfQuery("accounts")).advice
        #expect(advice.count == 1)
        #expect(advice.first?.contains("would bring") ?? false, "\(advice)")
        let roomy = Engine(maxsize: 1024, ttl: .seconds(3000))
        use(roomy, seconds: 600)
        #expect(try await roomy.inspector.whatIf(WhatIfQuery("accounts")).advice == [])
    }

    @Test func `a plan says what is foreseen, and what came is held against it`() async throws {
        let engine = Engine(maxsize: 32, ttl: .seconds(300))
        use(engine, seconds: 600)
        let plan = try await engine.inspector.plan(
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: 128, ttl: .seconds(300))))
        let (now, foreseen) = (try #require(plan.now), try #require(plan.foreseen))
        #expect(foreseen.hitRatio > now.hitRatio + 0.1)
        #expect(try #require(plan.forecast).contains("instead of"))
        _ = try await engine.inspector.apply(plan.id, by: Operator("ann"))
        var kept = try await engine.inspector.whatIf(WhatIfQuery("accounts")).kept
        #expect(kept.count == 1 && kept[0].isHeld == nil && kept[0].said == foreseen.hitRatio)
        for seed in 2...70 as ClosedRange<UInt64> {
            use(engine, seconds: 1, seed: seed)
            _ = try await engine.inspector.report()
        }
        kept = try await engine.inspector.whatIf(WhatIfQuery("accounts")).kept
        #expect(kept.count == 1)
        #expect(kept[0].came != nil)
        #expect(kept[0].isHeld == true, "\(kept[0])")
        let report = try await engine.inspector.report()
        #expect(report.caches[0].forecasts?.held == 1)
        #expect(report.caches[1].forecasts == nil)
        let metric = try #require(Metric.all.first { $0.name == "forecasts" })
        #expect(metric.samples(report).map(\.value) == [1, 0, 0, 0])
    }

    @Test func `to take bounds back says what is foreseen`() async throws {
        let engine = Engine(maxsize: 128, ttl: .seconds(300))
        use(engine, seconds: 600)
        let new = CacheConfiguration(maxsize: 32, ttl: .seconds(300))
        let plan = try await engine.inspector.plan(.configure(cache: "accounts", to: new))
        _ = try await engine.inspector.apply(plan.id, by: Operator("ann"))
        let undo = try await engine.inspector.plan(undoing: plan.id)
        #expect(try #require(undo.forecast).hasPrefix("maxsize 128, "), "\(undo)")
    }

    @Test func `bounds that are taken back are judged as long as their ttl takes`() async throws {
        let engine = Engine(maxsize: 64, ttl: .seconds(600))
        use(engine, seconds: 900)
        let short = CacheConfiguration(maxsize: 64, ttl: .seconds(60))
        let plan = try await engine.inspector.plan(.configure(cache: "accounts", to: short))
        _ = try await engine.inspector.apply(plan.id, by: Operator("ann"))
        use(engine, seconds: 10, seed: 2)
        _ = try await engine.inspector.undo(plan.id, by: Operator("ann"))
        let last = try #require(
            try await engine.inspector.whatIf(WhatIfQuery("accounts")).kept.last)
        #expect(last.bounds.ttl == .seconds(600) && last.instead == nil)
        #expect(last.due - last.at >= .seconds(600))
    }

    /// What happens while a forecast waits for what comes.
    enum Meanwhile: CaseIterable { case invalidation, otherBounds, takenBack }

    @Test(arguments: Meanwhile.allCases)
    func `what an operator changes meanwhile is not judged`(meanwhile: Meanwhile) async throws {
        let engine = Engine(maxsize: 32, ttl: .seconds(300))
        use(engine, seconds: 600)
        let inspector = engine.inspector
        func change(_ change: Change) async throws -> Plan.ID {
            let plan = try await inspector.plan(change)
            _ = try await inspector.apply(plan.id, by: Operator("ann"))
            return plan.id
        }
        let id = try await change(
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: 128, ttl: .seconds(300))))
        use(engine, seconds: 25, seed: 2)
        #expect(try await inspector.whatIf(WhatIfQuery("accounts")).kept.count == 1)
        switch meanwhile {
        case .invalidation: _ = try await change(.invalidateAll(cache: "accounts"))
        case .otherBounds: try engine.accounts.update { $0.maxsize = 64 }
        case .takenBack: _ = try await inspector.undo(id, by: Operator("ann"))
        }
        use(engine, seconds: 1, seed: 3)
        let kept = try await inspector.whatIf(WhatIfQuery("accounts")).kept
        #expect(kept.first?.isOvertaken == true && kept.first?.isHeld == nil)
        // To take a change back is one too, of which something is foreseen.
        #expect(kept.dropFirst().map(\.bounds.maxsize) == (meanwhile == .takenBack ? [32] : []))
        #expect(kept.dropFirst().allSatisfy { !$0.isOvertaken })
    }

    @Test func `to drop a few entries leaves what is foreseen to be judged`() async throws {
        let engine = Engine(maxsize: 32, ttl: .seconds(300))
        use(engine, seconds: 600)
        let inspector = engine.inspector
        func apply(_ plan: Plan) async throws {
            _ = try await inspector.apply(plan.id, by: Operator("ann"))
        }
        try await apply(
            try await inspector.plan(
                .configure(
                    cache: "accounts", to: CacheConfiguration(maxsize: 128, ttl: .seconds(300)))))
        use(engine, seconds: 60, seed: 2)
        func drop(_ count: Int) async throws -> Bool {
            let all = try await inspector.matching(EntryQuery(caches: ["accounts"]))
            try await apply(try await inspector.plan(.invalidate(Array(all.prefix(count)))))
            return try await inspector.whatIf(WhatIfQuery("accounts")).kept[0].isOvertaken
        }
        #expect(try await drop(1) == false)
        #expect(try await drop(0) == false)
        #expect(try await drop(engine.accounts.count / 8) == true)
    }

    @Test func `what came is known though nobody looked`() async throws {
        let clock = TestClock()
        let accounts = Cache<String, Account>(
            "accounts", maxsize: 32, ttl: .seconds(300), clock: clock.neverWaking)
        let inspector = LocalInspector("pantry", clock: clock.ageClock)
        inspector.add(accounts)
        var random = Seeded(4)
        func use(seconds: Int) async throws {
            for _ in 0..<seconds {
                // The one who samples is asleep again.
                while !clock.sleepers.contains(where: { $0 <= .seconds(1) }) { await Task.yield() }
                for _ in 0..<10 {
                    clock.advance(by: .milliseconds(100))
                    let drawn = UInt64.random(in: 0..<400, using: &random)
                    let key = "\(drawn * drawn / 400)"
                    if accounts.cached(key) == nil { accounts.insert(Account(name: key), for: key) }
                }
            }
        }
        try await use(seconds: 300)
        let plan = try await inspector.plan(
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: 64, ttl: .seconds(300))))
        _ = try await inspector.apply(plan.id, by: Operator("ann"))
        try await use(seconds: 100)
        // Were it judged by this look alone, it would begin to count now.
        let kept = try await inspector.whatIf(WhatIfQuery("accounts")).kept
        #expect(kept.count == 1 && kept[0].came != nil)
    }

    @Test(arguments: [true, false])
    func `a change that is stopped before its first step is not waited for`(isUndone: Bool)
        async throws
    {
        let engine = Engine(maxsize: 128, ttl: .seconds(300))
        use(engine, seconds: 600)
        let inspector = engine.inspector
        let plan = try await inspector.plan(
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: 32, ttl: .seconds(300))))
        _ = try await inspector.apply(
            plan.id, PlanApplication(spread: .seconds(3600)), by: Operator("ann"))
        #expect(
            try await inspector.whatIf(WhatIfQuery("accounts")).kept.map(\.isOvertaken) == [false])
        if isUndone {
            _ = try await inspector.undo(plan.id, by: Operator("ann"))
        } else {
            _ = try await inspector.cancel(plan.id, by: Operator("ann"))
        }
        #expect(
            try await inspector.whatIf(WhatIfQuery("accounts")).kept.map(\.isOvertaken) == [true])
    }

    @Test func `what is done at once is judged at once, whatever time there is`() async throws {
        let engine = Engine(maxsize: 32, ttl: .seconds(300))
        use(engine, seconds: 600)
        let inspector = engine.inspector
        let plan = try await inspector.plan(
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: 128, ttl: .seconds(300))))
        _ = try await inspector.apply(
            plan.id, PlanApplication(spread: .seconds(3600)), by: Operator("ann"))
        let kept = try await inspector.whatIf(WhatIfQuery("accounts")).kept
        #expect(kept.map(\.at) == [engine.accounts.snapshot().at])
    }

    @Test func `bounds that are reached in a while are judged from then on`() {
        let snapshot = Engine().accounts.snapshot()
        var new = snapshot.configuration
        new.maxsize = 32
        func report(_ seconds: Double, _ maxsize: Int, lookups: UInt64 = 0) -> CacheReport {
            var later = snapshot
            later.at = snapshot.at + .seconds(seconds)
            (later.counters.hits, later.configuration.maxsize) = (lookups, maxsize)
            return CacheReport(name: "accounts", snapshot: later)
        }
        let said = WhatIf(
            bounds: new, hitRatio: 1, hitRatioError: 0, fetchesPerSecond: 1,
            fetchesPerSecondError: 0, entries: 1, bytes: 1, bytesError: 0)
        var calibrations = Calibrations()
        calibrations.expect(
            said, after: snapshot.configuration, instead: nil, report(0, 64),
            spread: .seconds(60))
        for seconds in [10, 30, 60, 79] as [Double] { calibrations.judge([report(seconds, 48)]) }
        #expect(calibrations.of("accounts").count == 1)
        var other = calibrations
        other.judge([report(81, 48)])
        #expect(other.of("accounts").map(\.isOvertaken) == [true])
        calibrations.judge([report(81, 32)])
        calibrations.judge([report(125, 32, lookups: 100)])
        #expect(calibrations.of("accounts").first?.isHeld == true)
        #expect(calibrations.forecasts(of: "accounts")?.held == 1)
        #expect(calibrations.forecasts(of: "credentials") == nil)
    }

    @Test func `what comes far from what was said is told as such`() throws {
        let snapshot = Engine().accounts.snapshot()
        func counted(_ seconds: Double, hits: UInt64, lookups: UInt64) -> Calibration.Counted {
            var later = snapshot
            later.at = snapshot.at + .seconds(seconds)
            (later.counters.hits, later.counters.misses) = (hits, lookups - hits)
            return Calibration.Counted(later)
        }
        let said = WhatIf(
            bounds: snapshot.configuration, hitRatio: 0.9, hitRatioError: 0.01,
            fetchesPerSecond: 1, fetchesPerSecondError: 0, entries: 1, bytes: 1, bytesError: 0)
        for (hits, isHeld) in [(900, true), (895, true), (850, false)] as [(UInt64, Bool)] {
            var calibration = Calibration(
                cache: "accounts", after: snapshot.configuration, said: said, holding: 1,
                at: counted(0, hits: 0, lookups: 0).at)
            calibration.take(counted(10, hits: 0, lookups: 100))
            calibration.take(counted(20, hits: 100, lookups: 200))
            calibration.take(counted(59, hits: 100 + hits, lookups: 1200))
            #expect(calibration.isHeld == nil)
            calibration.take(counted(60, hits: 100 + hits, lookups: 1200))
            #expect(calibration.came == Double(hits) / 1000)
            #expect(calibration.isHeld == isHeld)
        }
    }

    @Test
    func `a longer ttl is judged once entries could live so long, and a larger cache once full`()
        throws
    {
        let snapshot = Engine().accounts.snapshot()
        func counted(_ seconds: Double, _ misses: UInt64, _ entries: Int) -> Calibration.Counted {
            var later = snapshot
            later.at = snapshot.at + .seconds(seconds)
            later.count = entries
            (later.counters.hits, later.counters.misses) = (UInt64(seconds * 100), misses)
            // Who is refused was not looked for.
            later.counters.refused = UInt64(seconds * 1000)
            return Calibration.Counted(later)
        }
        func forecast(_ bounds: CacheConfiguration, entries: Int) -> Calibration {
            let said = WhatIf(
                bounds: bounds, hitRatio: 0.9, hitRatioError: 0.01, fetchesPerSecond: 2,
                fetchesPerSecondError: 0, entries: entries, bytes: 1, bytesError: 0)
            return Calibration(
                cache: "accounts", after: snapshot.configuration, said: said,
                holding: 40, at: snapshot.at)
        }
        var longer = snapshot.configuration
        longer.ttl = .seconds(600)
        var calibration = forecast(longer, entries: 40)
        #expect(calibration.due == snapshot.at + .seconds(620))
        for seconds in stride(from: 5.0, through: 615, by: 10) {
            // Nothing ends in the first minutes, and then all of it.
            var now = counted(seconds, seconds < 300 ? 100 : UInt64(100 + seconds * 10), 40)
            now.bounds = longer
            calibration.take(now)
            #expect(calibration.came == nil)
        }
        var now = counted(626, 100 + 6260, 40)
        now.bounds = longer
        calibration.take(now)
        #expect(calibration.came != nil)
        var filling = forecast(snapshot.configuration, entries: 100)
        #expect(filling.due == snapshot.at + .seconds(65))
        filling.take(counted(20, 0, 60))
        filling.take(counted(60, 400, 80))
        filling.take(counted(64, 400, 92))
        #expect(filling.came == nil)
        filling.take(counted(105, 810, 100))
        #expect(abs(filling.came! - 0.9) < 0.01)
        // One that is emptied meanwhile is waited for to fill again, and says until when; what it
        // fetched for that does not count.
        var emptied = forecast(snapshot.configuration, entries: 40)
        for (seconds, misses, entries) in [(20, 0, 40), (50, 0, 10), (55, 500, 30)]
            as [(Double, UInt64, Int)]
        {
            emptied.take(counted(seconds, misses, entries))
        }
        #expect(emptied.came == nil && emptied.due == snapshot.at + .seconds(110))
        emptied.take(counted(60, 1000, 40))
        #expect(emptied.due == snapshot.at + .seconds(100))
        emptied.take(counted(99, 1000, 40))
        #expect(emptied.came == nil)
        emptied.take(counted(101, 1000, 40))
        #expect(emptied.came == 1)
    }

    /// Whoever asks for a grid, which is there once a gate is open.
    private final class Asking: Sendable {
        let kept = KeptGrid()
        let gate = Gate()
        let count = Guarded(0)
        let answer: WhatIfAnswer
        let clock: AgeClock

        init(_ answer: WhatIfAnswer, _ clock: AgeClock) {
            (self.answer, self.clock) = (answer, clock)
        }

        func ask(_ bounds: CacheConfiguration) async -> CacheConfiguration {
            await kept.answer(over: .seconds(60), bounds, clock) { [self] in
                count.withLock { $0 += 1 }
                try? await gate.pass()
                var answer = answer
                answer.present.bounds = bounds
                return answer
            }.present.bounds
        }
    }

    @Test func `a grid is worked out once for all who ask at one time, but not for other bounds`()
        async throws
    {
        let engine = Engine(maxsize: 64, ttl: .seconds(300))
        use(engine, seconds: 100)
        let answer = try await engine.inspector.whatIf(WhatIfQuery("accounts"))
        let asking = Asking(answer, engine.clock.neverWaking)
        let bounds = answer.present.bounds
        var changed = bounds
        changed.maxsize = 128
        let other = changed
        let tasks = (0..<20).map { _ in Task { await asking.ask(bounds) } }
        try await asking.gate.arrivals(atLeast: 1)
        // Another operator changed the bounds meanwhile.
        let third = Task { await asking.ask(other) }
        try await asking.gate.arrivals(atLeast: 2)
        asking.gate.open()
        for task in tasks { #expect(await task.value == bounds) }
        #expect(await third.value == other)
        // One that began late may have found neither.
        #expect(asking.count.withLock { $0 } < 10)
    }

    @Test func `grids of two windows are kept, and not for hours`() async throws {
        let engine = Engine(maxsize: 64, ttl: .seconds(300))
        use(engine, seconds: 100)
        let answer = try await engine.inspector.whatIf(WhatIfQuery("accounts"))
        let kept = KeptGrid()
        let count = Guarded(0)
        let clock = engine.clock.neverWaking
        func ask(_ seconds: Int) async {
            _ = await kept.answer(over: .seconds(seconds), answer.present.bounds, clock) {
                count.withLock { $0 += 1 }
                return answer
            }
        }
        for seconds in [60, 3600, 60, 3600, 60] { await ask(seconds) }
        #expect(count.withLock { $0 } == 2)
        engine.clock.advance(by: .seconds(61))
        await ask(60)
        #expect(count.withLock { $0 } == 3)
        #expect(KeptGrid.rest(after: .milliseconds(100)) == .milliseconds(1800))
        #expect(KeptGrid.rest(after: .seconds(7200)) == .seconds(60))
    }

    @Test func `the verdict says what was overtaken, and what there was before`() async throws {
        let engine = Engine(maxsize: 64, ttl: .seconds(300))
        use(engine, seconds: 100)
        var answer = try await engine.inspector.whatIf(WhatIfQuery("accounts"))
        #expect(answer.verdict(at: answer.at) == nil)
        var calibrations = Calibrations()
        let report = try await engine.inspector.report().caches[0]
        var said = answer.present
        (said.hitRatio, said.hitRatioError) = (0.487, 0.016)
        for _ in 0..<2 {
            calibrations.expect(
                said, after: said.bounds, instead: 0.863, report, spread: .zero)
        }
        answer.kept = calibrations.of("accounts")
        #expect(
            answer.verdict(at: answer.at)
                == "maxsize 64, ttl 5m, lru: said 48.7% ± 1.6 instead of 86.3%; what came is known in "
                + "1m00s, 1 overtaken by other changes")
        #expect(
            answer.verdict(at: answer.at + .seconds(61))?.contains("; what came is not known yet")
                == true)
    }

    @Test func `to verify an entry counts as a refetch`() async throws {
        let clock = TestClock()
        let origin = Guarded("old")
        let cache = Cache<String, String>("texts", ttl: .seconds(60), clock: clock.neverWaking) {
            _ in origin.withLock { $0 }
        }
        let inspector = LocalInspector("pantry", clock: clock.neverWaking)
        inspector.add(cache) { .text($0) }
        _ = try await cache.value(for: "a")
        clock.advance(by: .seconds(10))
        _ = try await inspector.verify(EntryKey(cache: "texts", key: "a"))
        origin.withLock { $0 = "new" }
        clock.advance(by: .seconds(10))
        _ = try await inspector.verify(EntryKey(cache: "texts", key: "a"))
        let answer = try await inspector.whatIf(WhatIfQuery("texts"))
        #expect(answer.basis.changes.compared == 2 && answer.basis.changes.changed == 1)
    }
}
