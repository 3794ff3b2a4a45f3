import Foundation
import Larder
import LarderTesting
import TestSupport
import Testing

@testable import LarderInspector

@Suite struct `Advice on bounds` {
    private let clock = TestClock()

    private func snapshot(
        maxsize: Int? = 64, maxbytes: Int? = nil, ttl: Duration? = .seconds(45),
        policy: Policy = .lru, ago: Duration = .seconds(600), misses: UInt64 = 100,
        evicted: UInt64 = 0, expired: UInt64 = 0, unused: UInt64 = 0
    ) -> CacheSnapshot {
        var snapshot = CacheSnapshot(
            at: AgeInstant(nanoseconds: 1_000_000_000_000),
            configuration: CacheConfiguration(
                maxsize: maxsize, maxbytes: maxbytes, ttl: ttl, policy: policy),
            count: 32, bytes: 900, flights: 0, counters: CacheCounters())
        // What was counted since the start says something else.
        snapshot.counters.misses = 1_000_000
        (snapshot.counters.ghostEvicted, snapshot.counters.ghostExpired) = (900_000, 900_000)
        var lately = Lately(since: snapshot.at + (.zero - ago))
        (lately.misses, lately.ghostEvicted, lately.ghostExpired) = (misses, evicted, expired)
        (lately.evicted, lately.left, lately.unused) = (evicted, evicted + expired, unused)
        snapshot.lately = lately
        return snapshot
    }

    @Test func `names the knob by the ghost hits, the weightiest first, and its time`() {
        let advice = Advice.of(snapshot(evicted: 10, expired: 40))
        #expect(advice.map(\.knob) == [.ttl, .maxsize])
        #expect(
            advice[0].sentence
                == "40.0% of the misses of the last 10m were for keys that expired within the "
                + "minute before: raise ttl, now 45s")
        #expect(advice[1].sentence.hasSuffix("raise maxsize, now 64"))
        #expect(advice[0].window == .seconds(600) && advice[0].share == 0.4)
    }

    @Test(arguments: [
        (Duration.seconds(600), "10m"), (.seconds(595), "10m"), (.seconds(64), "1m04s"),
        (.seconds(589), "9m49s"), (.seconds(12), "12s"), (.zero, "1s"),
    ])
    func `says of which time it is, where that is shorter`(ago: Duration, words: String) {
        let sentences = Advice.sentences(on: snapshot(ago: ago, evicted: 50))
        #expect(sentences[0].contains("of the misses of the last \(words) were"))
        let few = Advice.sentences(on: snapshot(ago: ago, misses: 49, evicted: 49))
        #expect(few == ["49 misses in the last \(words): too few to say which bound to raise"])
        let fine = Advice.sentences(on: snapshot(ago: ago, misses: 1000, evicted: 10, expired: 5))
        #expect(fine[0].hasPrefix("no bound is short: 1.5% of the misses of the last \(words) "))
        let unused = Advice.of(snapshot(ago: ago, misses: 0, evicted: 50, unused: 40))
        #expect(unused.map(\.knob) == [.policy])
        #expect(unused[0].sentence.hasPrefix("80.0% of what left in the last \(words) was never"))
    }

    @Test func `says first that fetches fail, which no bound mends`() {
        var snapshot = snapshot(misses: 1000, expired: 400)
        snapshot.failuresLately.throttled = 30
        snapshot.failuresLately.broken = 7
        snapshot.failuresLately.absent = 90
        let sentences = Advice.sentences(on: snapshot)
        #expect(
            sentences.first
                == "37 fetches of the last minute failed (throttled 30, broken 7): no bound mends "
                + "that; see why among the origins first")
        #expect(sentences.count == 2 && sentences[1].contains("raise ttl"))
        // A few, and a small share of many, are passed over.
        snapshot.failuresLately.throttled = 2
        #expect(Advice.failing(snapshot) == nil)
        snapshot.failuresLately.throttled = 30
        snapshot.lately?.misses = 10_000
        #expect(Advice.failing(snapshot) == nil)
        snapshot.lately = nil
        #expect(Advice.failing(snapshot) != nil)
    }

    @Test(arguments: [
        (0 as Int?, nil as Int?, Duration.seconds(45) as Duration?, "maxsize is off"),
        (64, 0, .seconds(45), "maxbytes is off"), (64, nil, .zero, "ttl is off"),
        (0, nil, .zero, "maxsize and ttl are off"),
    ])
    func `is silent where a bound keeps nothing`(
        maxsize: Int?, maxbytes: Int?, ttl: Duration?, words: String
    ) {
        let off = snapshot(
            maxsize: maxsize, maxbytes: maxbytes, ttl: ttl, evicted: 60, expired: 40, unused: 100)
        #expect(Advice.of(off).isEmpty)
        #expect(Advice.sentences(on: off) == ["\(words): every look-up fetches"])
    }

    @Test func `never names a bound that is not set, or is not the one that is short`() {
        func knobs(_ snapshot: CacheSnapshot) -> [Advice.Knob] { Advice.of(snapshot).map(\.knob) }
        #expect(knobs(snapshot(maxsize: nil, ttl: nil, evicted: 30, expired: 40)) == [])
        #expect(knobs(snapshot(ttl: nil, evicted: 30, expired: 40)) == [.maxsize])
        let bytes = snapshot(maxsize: nil, maxbytes: 1000, evicted: 30)
        #expect(knobs(bytes) == [.maxbytes])
        #expect(Advice.of(bytes)[0].sentence.hasSuffix("raise maxbytes, now 1.0 KiB"))
        // Half of the number is used, and nine tenths of the bytes; or a tenth.
        #expect(knobs(snapshot(maxsize: 64, maxbytes: 1000, evicted: 30)) == [.maxbytes])
        #expect(knobs(snapshot(maxsize: 64, maxbytes: 9000, evicted: 30)) == [.maxsize])
        // What ends by itself is no bound's.
        let ends = Advice.sentences(on: snapshot(maxsize: nil, ttl: nil, expired: 40))
        #expect(ends[0].hasPrefix("no bound is short: 0.0%"))
    }

    @Test func `is silent where nothing is known of late, or such misses were long ago only`() {
        var unknown = snapshot(evicted: 60)
        unknown.lately = nil
        #expect(Advice.of(unknown).isEmpty)
        #expect(Advice.sentences(on: unknown)[0].hasPrefix("nobody looked of late"))
        #expect(Advice.of(snapshot()).isEmpty)
        // Expiry is nothing that a policy changes.
        #expect(Advice.of(snapshot(misses: 0, expired: 90, unused: 90)).isEmpty)
        #expect(Advice.of(snapshot(policy: .tinylfu, evicted: 4, unused: 90)).isEmpty)
    }

    @Test func `of any counts names no bound that is off, and no share beyond one`() throws {
        var generator = SystemRandomNumberGenerator()
        func any(_ most: UInt64) -> UInt64 { .random(in: 0...most, using: &generator) }
        for _ in 0..<2000 {
            let (misses, left) = (any(200), any(200))
            var some = snapshot(
                maxsize: [nil, 0, 1, 64].randomElement()!,
                maxbytes: [nil, 0, 1000].randomElement()!,
                ttl: [nil, .zero, .seconds(5)].randomElement()!, ago: .seconds(Int(any(600))),
                misses: misses, evicted: any(misses), unused: any(left))
            var lately = try #require(some.lately)
            lately.ghostExpired = misses - lately.ghostEvicted
            (lately.evicted, lately.left) = (any(left), left)
            some.lately = lately
            let bounds = some.configuration
            for advice in Advice.of(some) {
                #expect((0...1).contains(advice.share))
                #expect(
                    !advice.sentence.contains("now off") && !advice.sentence.contains("now none"))
                #expect(advice.sentence.contains("the last \(Advice.words(advice.window)) "))
                #expect(advice.knob != .ttl || bounds.ttl ?? .zero > .zero)
            }
            #expect(!Advice.sentences(on: some).isEmpty)
        }
    }

    @Test func `survives the wire`() throws {
        let before = snapshot(ago: .seconds(70), evicted: 60)
        let after = try PlainJSON.decode(CacheSnapshot.self, from: try PlainJSON.encode(before))
        #expect(after == before && Advice.of(after) == Advice.of(before))
        // An engine that does not tell it is no reason to refuse all.
        var old = before
        old.lately = nil
        #expect(try PlainJSON.decode(CacheSnapshot.self, from: PlainJSON.encode(old)) == old)
    }
}
