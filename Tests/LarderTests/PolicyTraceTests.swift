import Testing

@testable import Larder

/// The exact counts are those of libCacheSim and of the simulator in Caffeine.
@Suite struct PolicyTraceTests {
    @Test(
        .enabled(if: Trace.isThere),
        arguments: [
            (Policy.lru, [93374, 89783, 83572, 81722, 72494, 72104, 71972, 71704]),
            (.fifo, [93403, 89386, 84387, 84025, 72498, 72228, 72182, 72140]),
            (.sieve, [91699, 86720, 78578, 76707, 69945, 66221, 64445, 64376]),
            (.lfu(ages: false), [91699, 86720, 78578, 76707, 69945, 66221, 64445, 64376]),
        ])
    func `a block trace misses exactly as often as elsewhere`(policy: Policy, misses: [Int]) {
        let counts = (1...8).map {
            Replay(policy, maxbytes: $0 * 128 * 1024 * 1024, of: Trace.cloudPhysics).misses
        }
        #expect(counts == misses)
    }

    @Test(arguments: [
        (Policy.lru, [46370, 36994, 22060, 1862]),
        (.fifo, [47377, 38442, 23723, 2913]),
        (.sieve, [42961, 34727, 21894, 4567]),
        (.lfu(ages: false), [57860, 56565, 54125, 48538]),
    ])
    func `popularity that drifts misses exactly as often as elsewhere`(
        policy: Policy, misses: [Int]
    ) {
        #expect(
            [32, 64, 128, 256].map { Replay(policy, maxsize: $0, of: Trace.drift).misses } == misses
        )
    }

    @Test(arguments: [Policy.lru, .fifo])
    func `of a cycle all is kept or nothing`(policy: Policy) {
        #expect(Replay(policy, maxsize: 1010, of: Trace.loop).hits == 0)
        #expect(Replay(policy, maxsize: 1011, of: Trace.loop).misses == 1011)
        #expect(Replay(policy, maxsize: 2000, of: Trace.scan).hits == 0)
        #expect(Replay(policy, maxsize: 2001, of: Trace.scan).misses == 2001)
    }

    static let gli: [(maxsize: Int, lru: Double, tinylfu: Double)] = [
        (250, 0.91, 15.15), (500, 0.95, 33.08), (750, 1.15, 43.11), (1000, 11.21, 50.57),
        (1250, 21.25, 51.87), (1500, 36.56, 53.57), (1750, 45.04, 55.61), (2000, 57.41, 57.96),
    ]

    @Test(.enabled(if: Trace.isThere), arguments: gli)
    func `LRU and W-TinyLFU hit as often as in Caffeine's simulator`(
        maxsize: Int, lru: Double, tinylfu: Double
    ) {
        let exact = Replay(.lru, maxsize: maxsize, of: Trace.gli).hitPercent
        #expect((exact * 100).rounded() == (lru * 100).rounded())
        #expect(Replay(.tinylfu, maxsize: maxsize, of: Trace.gli).hitPercent > tinylfu - 1)
    }

    static let kinds: [(name: String, trace: @Sendable () -> [Trace.Request], maxsizes: [Int])] = [
        ("gli", { Trace.isThere ? Trace.gli : [] }, [64, 250, 1000, 2000]),
        ("loop", { Array(Trace.loop.prefix(60_000)) }, [250, 1000, 1011]),
        ("scan", { Trace.scan }, [500, 2000, 2001]),
        ("drift", { Trace.drift }, [32, 64, 128, 256]),
        ("zipf", { Trace.zipf }, [16, 64, 200, 1000]),
        ("recent", { Trace.recent }, [16, 64, 256, 1024]),
        ("sliding", { Trace.sliding }, [64, 256, 400, 512]),
        (
            "one after the other",
            { Trace.zipf + Trace.recent + Trace.loop.prefix(30_000) + Trace.sliding }, [64, 512]
        ),
    ]

    @Test(arguments: kinds.indices)
    func `W-TinyLFU is never much worse than LRU`(kind: Int) {
        let (name, trace, maxsizes) = PolicyTraceTests.kinds[kind]
        for maxsize in maxsizes where !trace().isEmpty {
            let lru = Replay(.lru, maxsize: maxsize, of: trace()).hitPercent
            let tinylfu = Replay(.tinylfu, maxsize: maxsize, of: trace()).hitPercent
            #expect(tinylfu > lru - 2, "\(name) at \(maxsize)")
        }
    }

    @Test(.enabled(if: Trace.isThere), arguments: [128, 640, 1024])
    func `W-TinyLFU is never much worse than LRU where bytes are the bound`(mebibytes: Int) {
        let maxbytes = mebibytes * 1024 * 1024
        let lru = Replay(.lru, maxbytes: maxbytes, of: Trace.cloudPhysics).hitPercent
        let tinylfu = Replay(.tinylfu, maxbytes: maxbytes, of: Trace.cloudPhysics).hitPercent
        #expect(tinylfu > lru - 2)
    }

    @Test func `S3-FIFO keeps a popular few from what comes once`() {
        let s3fifo = Replay(.s3fifo, maxsize: 200, of: Trace.zipf).hitPercent
        #expect(s3fifo > Replay(.lru, maxsize: 200, of: Trace.zipf).hitPercent + 8)
        #expect(s3fifo > Replay(.fifo, maxsize: 200, of: Trace.zipf).hitPercent + 8)
    }
}
