import Larder
import LarderInspector
import LarderTesting
import Synchronization
import TestSupport
import Testing

@Suite struct `A threshold` {
    @Test(arguments: [
        ("hit<80%", Measure.hit, 0.79, 0.8), ("hit <= 0.8", .hit, 0.8, 0.81),
        ("fetches>50/s", .fetches, 50.1, 50), ("fetches>=60/m", .fetches, 1, 0.9),
        ("failures>0", .failures, 0.1, 0), ("entries>1000", .entries, 1001, 1000),
        ("bytes>64K", .bytes, 65_537, 65_536), ("bytes>=276", .bytes, 276, 275),
        (" stale > 0 ", .stale, 1, 0), ("expiry<5m", .expiry, 299, 300),
        ("expiry<90", .expiry, 89, 90), ("evicted>3600/h", .evicted, 1.1, 1),
    ])
    func `is passed beyond its value, and not at it`(
        text: String, measure: Measure, beyond: Double, within: Double
    ) throws {
        let threshold = try Threshold(text)
        #expect(threshold.measure == measure)
        #expect(threshold.isPassed(by: beyond) && !threshold.isPassed(by: within))
        #expect(try Threshold(threshold.description) == threshold)
    }

    @Test(arguments: [
        ("", 0, "hit, lookups"), ("hits<80%", 0, "hit, lookups"), ("hit", 3, "<, <=, > or >="),
        ("hit=80%", 3, "<, <=, > or >="), ("hit<", 4, "80% or 0.8"), ("hit<80", 4, "80% or 0.8"),
        ("hit<120%", 4, "80% or 0.8"), ("fetches>x", 8, "50/s"), ("fetches>5/d", 8, "50/s"),
        ("fetches>-5", 8, "50/s"), ("entries>1.5", 8, "a whole number"), ("bytes>2X", 6, "64M"),
        ("expiry<soon", 7, "5m"), ("entries>5 6", 8, "a whole number"), ("é>1", 0, "hit, lookups"),
        ("entries>99999999999999999999", 8, "a whole number"), ("fetches>1e400", 8, "50/s"),
    ])
    func `that cannot be read is refused with a caret and what is accepted`(
        text: String, place: Int, accepted: String
    ) throws {
        let error = try #require(throws: ThresholdError.self) { try Threshold(text) }
        #expect(error.place == place && error.sentence.contains(accepted), "\(error)")
        #expect(
            error.description.hasSuffix(
                "\n  \(text)\n  " + String(repeating: " ", count: place) + "^"))
    }

    @Test func `is compared with what came between two looks`() throws {
        func report(_ seconds: Int, _ change: (inout CacheCounters) -> Void) -> CacheReport {
            var counters = CacheCounters()
            change(&counters)
            return CacheReport(
                name: "accounts",
                snapshot: CacheSnapshot(
                    at: TestClock().now + .seconds(seconds),
                    configuration: CacheConfiguration(maxsize: 64, ttl: nil),
                    count: 7,
                    bytes: 99, flights: 0, counters: counters))
        }
        let before = report(10) { $0.hits = 100 }
        let now = report(15) {
            $0.hits = 130
            $0.misses = 10
            $0.fetchFailures = 5
        }
        let measured = Measured(now, since: before)
        #expect(measured.values[.hit] == 0.75 && measured.values[.lookups] == 8)
        #expect(measured.values[.failures] == 1 && measured.values[.entries] == 7)
        #expect(measured.lookUps == 40)
        // Nothing is known of what was not asked for, nor across a new start.
        #expect(Measured(before, since: before).values[.hit] == nil)
        #expect(Measured(before, since: now).values[.lookups] == nil)
        #expect(Measured(now).values[.hit] == nil && Measured(now).values[.bytes] == 99)
        #expect(measured.hasRecord && !Measured(now).hasRecord)
        #expect(!Measured(before, since: now).hasRecord && !Measured(now, since: now).hasRecord)
    }

    @Test func `is read or refused, and never anything else, whatever is written`() {
        var random = Seeded(11)
        let parts =
            Measure.allCases.map(\.rawValue)
            + [
                "<", ">", "<=", ">=", "=", "80%", "0.8", "50/s", "1e9", "64M", "5m", " ", "/", "é",
                "9",
            ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...5, using: &random))
                .map { _ in parts.randomElement(using: &random)! }.joined()
            do { #expect(try Threshold(text).value >= 0) } catch {
                #expect((0...text.count).contains(error.place))
            }
        }
    }
}

@Suite struct `Plain words` {
    @Test(arguments: [
        ("300", Duration.seconds(300)), ("0", .zero), ("45", .seconds(45)), ("5m", .seconds(300)),
    ])
    func `have a bare number be seconds`(text: String, duration: Duration) throws {
        #expect(try Units.duration(text) == duration)
    }

    @Test(arguments: [
        ("65536", 65_536), ("64K", 65_536), ("64k", 65_536), ("64KiB", 65_536), ("2G", 2 << 30),
    ])
    func `have a bare number be bytes`(text: String, bytes: Int) throws {
        #expect(try Units.maxbytes(text) == bytes)
    }

    @Test(arguments: ["", "K", "iB", "64iB", "-1", "1.5M", "99999999999999999999"])
    func `refuse what is no size`(text: String) {
        #expect(throws: UnitError.self) { try Units.maxbytes(text) }
    }

    @Test(arguments: [
        (0, "0 B"), (1, "1 B"), (276, "276 B"), (1024, "1.0 KiB"), (12_800, "13 KiB"),
        (-5, "-5 B"), (Int.max, "8192 PiB"), (Int.min, "-8192 PiB"),
    ])
    func `give bytes a unit`(bytes: Int, text: String) {
        #expect(Units.words(bytes: bytes) == text)
    }

    @Test func `say what goes, and what becomes of what stays`() async throws {
        let engine = Engine(maxsize: 64, ttl: .seconds(300))
        for number in 0..<3 { _ = try await engine.accounts.value(for: "\(number)") }
        func said(_ change: Change) async throws -> (effect: String, rest: [String]) {
            let plan = try await engine.inspector.plan(change)
            return (plan.effect, plan.consequences(held: 3))
        }
        func bounds(_ maxsize: Int?, _ ttl: Duration?) -> Change {
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: maxsize, ttl: ttl))
        }
        let earlier = try await said(bounds(64, .seconds(45)))
        #expect(earlier.effect == "no entry goes")
        #expect(earlier.rest == ["3 held now end up to \(Units.text(.seconds(255))) earlier."])
        let both = try await said(bounds(1, .seconds(60)))
        #expect(both.effect.hasPrefix("2 entries, ") && both.effect.hasSuffix(" B, go"))
        #expect(both.rest.last?.hasPrefix("1 held now ends up to") == true)
        #expect(try await said(bounds(2, .seconds(300))).effect.hasSuffix(" B, goes"))
        let all = try await said(.invalidateAll(cache: "accounts"))
        #expect(all.effect.hasPrefix("3 entries, ") && all.rest.isEmpty)
        let seen = SeenEntry(id: EntryKey(cache: "accounts", key: "1"), version: nil)
        #expect(try await said(.invalidate([seen])).effect.hasPrefix("1 entry, "))
        #expect(try await said(.soften([seen])).effect.contains("served until a fetch"))
        #expect(try await said(.soften([])).effect == "no entry is marked as stale")
    }

    @Test func `give every plan and engine a name of one length`() async throws {
        var lengths: Set<Int> = []
        for _ in 0..<64 {
            let engine = Engine()
            let plan = try await engine.inspector.plan(.invalidateAll(cache: "accounts"))
            lengths.formUnion([plan.id.count, engine.inspector.instance.count])
        }
        #expect(lengths == [16])
    }

    @Test func `tell the keys of all caches that were fetched most, and why they fail`()
        async throws
    {
        let many = Cache<String, String>("many", maxsize: 0) { $0 }
        let few = Cache<String, String>("few", maxsize: 0) { _ in throw CancellationError() }
        let inspector = LocalInspector("pantry")
        inspector.add(few)
        inspector.add(many)
        for _ in 0..<3 { _ = try await many.value(for: "a") }
        for _ in 0..<2 { _ = try? await few.value(for: "b") }
        _ = try await many.value(for: "c")
        let most = try await inspector.report().fetchedMost
        #expect(most.map(\.row.key) == ["a", "b", "c"])
        #expect(most.map(\.row.fetches) == [3, 2, 1] && most[1].row.failures == 2)
        #expect(most[0].row.why.isEmpty)
    }

    @Test(
        arguments: [
            (FailureKind.throttled, "slow down", "throttled: slow down"),
            (.throttled, "throttled: slow down", "throttled: slow down"), (.absent, nil, "absent"),
            (nil, nil, ""),
        ] as [(FailureKind?, String?, String)])
    func `say a kind of failure once`(kind: FailureKind?, reason: String?, why: String) {
        #expect(FetchedRow(key: "a", fetches: 1, kind: kind, reason: reason).why == why)
    }

    @Test func `are not compared where each fetch makes another`() async throws {
        let failure = Failure()
        let cache = Cache<String, Session>("sessions", maxsize: 8) { _ in
            try failure.check()
            return Session()
        }
        let inspector = LocalInspector("pantry")
        inspector.add(cache)
        let key = EntryKey(cache: "sessions", key: "a")
        let before = try await inspector.verify(key)
        #expect(before.verdict == .notHeld)
        #expect(before.summary == "not held; the origin makes a new session each time")
        _ = try await cache.value(for: "a")
        let seen = try await inspector.verify(key)
        #expect(seen.agrees == nil && seen.verdict == .notCompared)
        #expect(seen.summary == "a new session each time; nothing to compare")
        failure.set()
        let failed = try await inspector.verify(key)
        #expect(failed.verdict == .unknown && failed.summary.hasPrefix("the origin could not be"))
    }

    private struct Session: Sendable, Inspectable, MintedAnew {
        static let minted = "session"
        let number = Int.random(in: 0..<1_000_000)
        var shown: Shown { .number("\(number)") }
    }

    private final class Failure: Sendable {
        private struct Broken: Error {}
        private let isSet = Guarded(false)
        func set() { isSet.withLock { $0 = true } }
        func check() throws { if isSet.withLock({ $0 }) { throw Broken() } }
    }

    @Test(arguments: [
        (Duration.zero, "off"), (.seconds(60), "1m"), (.milliseconds(5), "5ms"),
    ])
    func `have a time that may be off`(time: Duration, text: String) throws {
        #expect(Units.text(reserve: time) == text)
        #expect(try Units.reserve(text) == time)
    }

    @Test(arguments: [
        (0, "off"), (0.1, "10%"), (0.005, "0.5%"), (1, "100%"), (0.33333, "33.333%"),
        (1e-9, "1e-09"),
    ])
    func `have a jitter that may be off`(jitter: Double, text: String) throws {
        #expect(Units.text(jitter: jitter) == text)
        if jitter != 1e-9 { #expect(abs(try Units.jitter(text) - jitter) < 1e-9) }
    }

    @Test(arguments: ["soon", "", "OFF", "none"])
    func `say that a bound may be off`(text: String) {
        let errors = [
            #expect(throws: UnitError.self) { try Units.reserve(text) },
            #expect(throws: UnitError.self) { try Units.jitter(text) },
        ]
        #expect(errors.allSatisfy { $0?.description.hasSuffix(", or off") == true })
    }

    @Test(arguments: [
        ([], "there is none"), (["demo"], "there is one: demo"), (["a", "b"], "there are a, b"),
    ])
    func `count what there is`(names: [String], text: String) {
        #expect(Words.there(are: names) == text)
    }

    @Test func `agree or not with the origin`() {
        let id = EntryKey(cache: "a", key: "k")
        var seen = Verification(id: id, held: .text("x"), origin: .text("x"))
        #expect(seen.verdict == .agrees)
        seen.origin = .text("y")
        #expect(seen.verdict == .differs)
        (seen.origin, seen.failure) = (nil, "timed out")
        #expect(seen.verdict == .unknown)
        seen.isAbsent = true
        #expect(seen.verdict == .differs)
        seen.held = nil
        #expect(seen.verdict == .notHeld)
        seen = Verification(id: id, origin: .text("x"))
        #expect(seen.verdict == .notHeld && seen.summary == "not held; the origin has: x")
        seen.origin = .fields((0..<9).map { Shown.Field("f\($0)", .number("\($0)")) })
        #expect(seen.summary.hasSuffix("has: f0 0, f1 1, f2 2, f3 3, f4 4, f5 5, f6 6, f7 7, …"))
        seen.failure = "timed out"
        #expect(seen.verdict == .unknown)
        seen.failure = nil
        seen.remembered = Trouble(
            kind: .absent, reason: "no such thing", since: AgeInstant(nanoseconds: 1),
            until: AgeInstant(nanoseconds: 9), failures: 1)
        #expect(seen.verdict == .differs)
    }
}
