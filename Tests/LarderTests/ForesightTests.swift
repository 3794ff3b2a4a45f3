import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// What-ifs beside full runs at the bounds in question.
@Suite struct ForesightTests {
    /// A cache that a trace is replayed through, a millisecond a look-up unless told otherwise.
    struct Run {
        let clock = TestClock()
        let cache: Cache<UInt64, UInt64>

        init(
            _ bounds: CacheConfiguration, foresight: Bool = true, shardBits: UInt32 = 1,
            lifetime: (@Sendable (UInt64, UInt64) -> Duration?)? = nil
        ) {
            cache = Cache(
                "run", bounds, lifetime: lifetime, weigher: { _, value in Int(value) }, events: 0,
                foresight: foresight, clock: clock.neverWaking, shardBits: shardBits, fetch: nil)
        }

        func look(_ key: UInt64, size: Int = 0, every step: Duration = .milliseconds(1)) {
            clock.advance(by: step)
            if cache.cached(key) == nil { cache.insert(UInt64(size), for: key) }
        }

        var hitRatio: Double { cache.snapshot().counters.hitRatio! }
    }

    static let trace: [UInt64] = {
        var random = Seeded(11)
        return (0..<6000).map { number in
            let drawn = UInt64.random(in: 0..<1000, using: &random)
            return drawn * drawn / 4000 + UInt64(number) / 2000 * 40
        }
    }()

    static let sizes = [4, 16, 32, 64, 256]
    static let ttls: [Duration?] = [.milliseconds(250), .seconds(1), .seconds(4), nil]

    @Test(arguments: [Policy.lru, .fifo, .lfu(), .lfu(ages: false), .sieve, .s3fifo])
    func `where keys are few the what-if is what a full run brings`(policy: Policy) throws {
        let run = Run(CacheConfiguration(maxsize: 32, ttl: .seconds(1), policy: .lru))
        for key in Self.trace { run.look(key) }
        let record = try #require(run.cache.lookUps())
        #expect(record.basis.isWhole && record.basis.rate == 1)
        #expect(record.basis.recorded == Self.trace.count)
        for maxsize in Self.sizes {
            for ttl in Self.ttls {
                let bounds = CacheConfiguration(maxsize: maxsize, ttl: ttl, policy: policy)
                let full = Run(bounds, foresight: false)
                for key in Self.trace { full.look(key) }
                let whatIf = record.whatIf(bounds)
                #expect(whatIf.hitRatio == full.hitRatio, "\(maxsize) \(ttl as Any)")
                #expect(whatIf.hitRatioError == 0)
            }
        }
    }

    @Test func `an access a ttl after its fetch is a fetch, and one just before is none`() throws {
        let run = Run(CacheConfiguration(maxsize: 4, ttl: .seconds(60)))
        for step in [Duration.seconds(1), .seconds(10), .microseconds(9_999_999)] {
            run.look(1, every: step)
        }
        let record = try #require(run.cache.lookUps())
        func misses(_ ttl: Duration) -> Double {
            3 * (1 - record.whatIf(CacheConfiguration(maxsize: 4, ttl: ttl)).hitRatio)
        }
        #expect(misses(.seconds(10)).rounded() == 2)
        #expect(misses(.microseconds(9_999_999)).rounded() == 3)
        #expect(misses(.nanoseconds(10_000_000_001)).rounded() == 2)
        #expect(misses(.seconds(20)).rounded() == 1)
    }

    @Test(arguments: [Policy.lru, .fifo])
    func `bytes bound a what-if as they do a cache`(policy: Policy) throws {
        func size(_ key: UInt64) -> Int { Int(key % 7) * 100 }
        let own = Run(CacheConfiguration(maxsize: 1, ttl: nil))
        own.look(1)
        let each = own.cache.snapshot().bytes
        let run = Run(CacheConfiguration(maxsize: nil, maxbytes: 40 * each, ttl: nil))
        for key in Self.trace { run.look(key, size: size(key)) }
        let record = try #require(run.cache.lookUps())
        for factor in [10, 40, 160] {
            let bounds = CacheConfiguration(
                maxsize: nil, maxbytes: factor * each, ttl: nil, policy: policy)
            let full = Run(bounds, foresight: false)
            for key in Self.trace { full.look(key, size: size(key)) }
            let whatIf = record.whatIf(bounds)
            #expect(whatIf.hitRatio == full.hitRatio, "\(factor)")
            #expect(whatIf.bytes == full.cache.snapshot().bytes)
        }
    }

    @Test func `what was invalidated or written past the cache counts as such`() throws {
        let run = Run(CacheConfiguration(maxsize: 8, ttl: .seconds(10)))
        let full = Run(CacheConfiguration(maxsize: 16, ttl: .seconds(5)), foresight: false)
        var random = Seeded(3)
        for _ in 0..<3000 {
            let key = UInt64.random(in: 0..<24, using: &random)
            let what = Int.random(in: 0..<12, using: &random)
            for run in [run, full] {
                switch what {
                case 0: run.cache.invalidate(key)
                case 1: run.cache.insert(0, for: key)
                default: run.look(key, every: .milliseconds(20))
                }
            }
        }
        let whatIf = try #require(run.cache.lookUps()).whatIf(
            CacheConfiguration(maxsize: 16, ttl: .seconds(5)))
        #expect(whatIf.hitRatio == full.hitRatio)
    }

    /// Whatever happens to a cache beside look-ups, the what-if has it: values that end by themselves,
    /// and change from ending to not ending; values too large to keep; one key or all invalidated;
    /// writes past the look-ups, which may grow.
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `whatever happens meanwhile, the what-if is what a full run brings`(seed: UInt64) throws {
        var random = Seeded(seed)
        let each = { () -> Int in
            let own = Run(CacheConfiguration(maxsize: 1, ttl: nil), lifetime: { _, _ in nil })
            own.look(1)
            return own.cache.snapshot().bytes
        }()
        let lifetime: @Sendable (UInt64, UInt64) -> Duration? = { _, value in
            value % 4 == 1 ? .milliseconds(Int(value % 97) * 20) : nil
        }
        let inBytes = seed.isMultiple(of: 2)
        func bounds(_ size: Int, _ ttl: Double, _ policy: Policy) -> CacheConfiguration {
            CacheConfiguration(
                maxsize: inBytes ? nil : size, maxbytes: inBytes ? size * each * 2 : nil,
                ttl: .seconds(ttl), policy: policy)
        }
        let own = Run(bounds(12, 3, .lru), lifetime: lifetime)
        let others = [Policy.lru, .fifo, .lfu(), .sieve, .s3fifo].flatMap { policy in
            [(6, 8.0), (12, 3), (30, 0.7)].map { bounds($0.0, $0.1, policy) }
        }
        let full = others.map { Run($0, foresight: false, lifetime: lifetime) }
        for _ in 0..<3000 {
            let key = UInt64.random(in: 0..<40, using: &random)
            let what = Int.random(in: 0..<400, using: &random)
            // A key's value is of one size; some fit in no cache of bytes.
            let size = Int(key % 5) * each / 2 + (key == 39 ? 1000 * each : 0) + Int(key % 4)
            for run in [own] + full {
                switch what {
                case 0: run.cache.invalidateAll()
                case 1..<20: run.cache.invalidate(key)
                case 20..<40: run.cache.insert(UInt64(size), for: key)
                default: run.look(key, size: size, every: .milliseconds(20))
                }
                // As the sweeper does: by when it leaves, a policy learns other things.
                run.cache.expire()
            }
        }
        let record = try #require(own.cache.lookUps())
        #expect(record.basis.isWhole)
        for (bounds, full) in zip(others, full) {
            let whatIf = record.whatIf(bounds)
            // Of several that end at one instant another may go first, which moves SIEVE's hand.
            let most = bounds.policy == .sieve ? 0.003 : whatIf.hitRatioError + 1e-9
            #expect(abs(whatIf.hitRatio - full.hitRatio) <= most, "\(bounds)")
            #expect(whatIf.hitRatioError == 0 || inBytes)
        }
    }

    @Test func `who is refused does not count, and what fails is not taken for held`() async throws
    {
        let clock = TestClock()
        struct Absent: Error {}
        let cache = Cache<UInt64, UInt64>(
            "run", CacheConfiguration(maxsize: 64, ttl: .seconds(100), negativeTTL: .seconds(5)),
            refresh: Refresh(
                window: { _ in .zero }, meaning: { $0 is Absent ? .absent : .passing }),
            clock: clock.neverWaking
        ) { key in
            if key < 5 { throw Absent() }
            return key
        }
        for number in 0..<2000 as Range<UInt64> {
            clock.advance(by: .milliseconds(100))
            _ = try? await cache.value(for: number % 10)
        }
        let counters = cache.snapshot().counters
        #expect(counters.refused > 500)
        let whatIf = try #require(cache.lookUps()).whatIf(cache.configuration)
        let asked = Double(counters.lookups - counters.refused)
        #expect(abs(whatIf.hitRatio - Double(counters.hits) / asked) < 1e-9)
        #expect(abs(whatIf.fetchesPerSecond - Double(counters.misses) / 200) < 0.02)
    }

    @Test func `what is written without a look-up counts, whatever came of a fetch before`()
        async throws
    {
        let clock = TestClock()
        struct Broken: Error {}
        let failing = Guarded(true)
        let cache = Cache<UInt64, UInt64>(
            "run", CacheConfiguration(maxsize: 64, ttl: .seconds(1000)),
            // What is odd ends by itself.
            lifetime: { _, value in value.isMultiple(of: 2) ? nil : .seconds(5) },
            clock: clock.neverWaking
        ) { _ in
            if failing.withLock({ $0 }) { throw Broken() }
            return 1
        }
        func look(_ key: UInt64) async {
            clock.advance(by: .seconds(1))
            _ = try? await cache.value(for: key)
        }
        await look(1)
        cache.insert(2, for: 1)
        await look(1)
        failing.withLock { $0 = false }
        // It ends after five seconds, and what is written then does not.
        await look(2)
        cache.insert(2, for: 2)
        clock.advance(by: .seconds(10))
        await look(2)
        await look(3)
        cache.invalidateAll()
        cache.insert(2, for: 3)
        await look(3)
        let counters = cache.snapshot().counters
        #expect(counters.hits == 3 && counters.misses == 3)
        let whatIf = try #require(cache.lookUps()).whatIf(cache.configuration)
        #expect(whatIf.hitRatio == 0.5 && whatIf.hitRatioError == 0)
    }

    @Test func `to invalidate all takes one place in the record`() throws {
        let run = Run(CacheConfiguration(maxsize: nil, ttl: nil))
        for key in 0..<20_000 as Range<UInt64> { run.cache.insert(1, for: key) }
        for key in 0..<1000 as Range<UInt64> { run.look(key) }
        func words() -> Int {
            run.cache.store.withLock { store in
                var words: [UInt64] = []
                let numbers = store.recorder.first..<store.recorder.next
                for number in numbers {
                    _ = store.recorder.read(number, lookups: 0, into: &words)
                }
                return words.count
            }
        }
        _ = run.cache.lookUps()
        let before = words()
        #expect(run.cache.invalidateAll() == 20_000)
        #expect(words() == before + 1)
        // Of keys that nobody looked up it does not matter whether they go.
        let other = Run(CacheConfiguration(maxsize: nil, ttl: nil))
        for key in 0..<1000 as Range<UInt64> { other.look(key) }
        for key in 1_000_000..<1_010_000 as Range<UInt64> { other.cache.invalidate(key) }
        #expect(try #require(other.cache.lookUps()).steps.count < 4000)
        #expect(try #require(run.cache.lookUps()).basis.recorded == 1000)
    }

    @Test func `after a change of bounds the bar has what a replay knows nothing of`() throws {
        let run = Run(CacheConfiguration(maxsize: 64, ttl: .seconds(100)))
        // What another refreshes ahead is a miss that a replay takes for a hit.
        for number in 0..<6000 as Range<UInt64> {
            run.clock.advance(by: .milliseconds(10))
            let key = number % 20
            if number % 3 == 0 {
                run.cache.store.withLock { store in
                    store.note(.missed, run.cache.shards.hash(key), at: run.clock.neverWaking.now())
                }
            } else {
                _ =
                    run.cache.cached(key)
                    ?? {
                        run.cache.insert(1, for: key); return 1
                    }()
            }
        }
        let bounds = run.cache.configuration
        let before = try #require(run.cache.lookUps()).whatIf(bounds).hitRatioError
        #expect(before > 0.2)
        try run.cache.update { $0.staleIfError = .seconds(1) }
        let after = try #require(run.cache.lookUps()).whatIf(bounds).hitRatioError
        #expect(abs(after - before) < 0.01)
    }

    @Test func `the record is smaller where many shards have notes of their own`() {
        for bits in [0, 4, 6] as [UInt32] {
            let run = Run(CacheConfiguration(maxsize: 64, ttl: nil), shardBits: bits)
            for number in 0..<100_000 as Range<UInt64> { run.look(number % 60) }
            let bytes = run.cache.store.withLock { $0.recorder.bytes }
            #expect(bytes + (1 << Int(bits)) * LookUpNotes.bytesOfShard <= 1 << 20, "\(bits)")
        }
    }

    @Test func `more keys are followed again where few are asked for`() throws {
        let run = Run(CacheConfiguration(maxsize: 100_000, ttl: nil))
        for number in 0..<250_000 as Range<UInt64> {
            run.look(number % 30_000, every: .microseconds(500))
        }
        let rate = try #require(run.cache.lookUps()).basis.rate
        #expect(rate < 0.6)
        for _ in 0..<20 {
            for number in 0..<500 as Range<UInt64> { run.look(number % 50, every: .seconds(1)) }
            _ = run.cache.lookUps()
        }
        #expect(try #require(run.cache.lookUps(over: .seconds(600))).basis.rate == 1)
    }

    @Test func `of many keys some are followed, and the truth lies within the bar`() throws {
        var random = Seeded(5)
        // Popular by rank, among 40,000.
        let trace = (0..<240_000).map { _ -> UInt64 in
            let drawn = Double.random(in: 0..<1, using: &random)
            return UInt64(40_000 * drawn * drawn * drawn)
        }
        let run = Run(CacheConfiguration(maxsize: 8192, ttl: .seconds(40)))
        for key in trace { run.look(key) }
        let record = try #require(run.cache.lookUps())
        #expect(record.basis.rate < 1)
        #expect(!record.basis.isWhole)
        for (maxsize, ttl) in [(2048, 40), (8192, 40), (8192, 10), (32_768, 160)] {
            let bounds = CacheConfiguration(maxsize: maxsize, ttl: .seconds(ttl))
            let truth = Self.full(bounds, trace, record)
            let whatIf = record.whatIf(bounds)
            #expect(
                abs(whatIf.hitRatio - truth) <= max(0.01, whatIf.hitRatioError),
                "\(maxsize) \(ttl): \(whatIf.hitRatio) ± \(whatIf.hitRatioError), was \(truth)")
            // Of a size that the record does not fill, little is known of what was held before.
            #expect(maxsize > 8192 || whatIf.hitRatioError < 0.08)
            // How often the cache missed itself is known of all keys.
            #expect((maxsize, ttl) != (8192, 40) || abs(whatIf.hitRatio - truth) < 0.01)
        }
    }

    /// What comes of the part of the trace that counts in a what-if of the record.
    private static func full(
        _ bounds: CacheConfiguration, _ trace: [UInt64], _ record: LookUpRecord
    ) -> Double {
        let full = Run(bounds, foresight: false)
        let counted = Int(record.basis.window.inSeconds * 1000)
        for key in trace.dropLast(counted * 2 / 3) { full.look(key) }
        let before = full.cache.snapshot().counters
        for key in trace.suffix(counted * 2 / 3) { full.look(key) }
        let after = full.cache.snapshot().counters
        return Double(after.hits - before.hits) / Double(after.lookups - before.lookups)
    }

    /// Where popularity wanders, these go on another way from another beginning, for long.
    @Test(arguments: [Policy.sieve, .s3fifo, .tinylfu])
    func `of what a policy held before the record the bar has a part`(policy: Policy) throws {
        var random = Seeded(9)
        let trace = (0..<130_000).map { number -> UInt64 in
            let drawn = Double.random(in: 0..<1, using: &random)
            return UInt64(3000 * drawn * drawn * drawn) + UInt64(number / 40_000 * 700)
        }
        let run = Run(CacheConfiguration(maxsize: 500, ttl: .seconds(30)))
        for key in trace { run.look(key) }
        let record = try #require(run.cache.lookUps())
        #expect(record.basis.rate == 1 && !record.basis.isWhole)
        for (maxsize, ttl) in [(250, 60), (500, 60), (500, 240)] {
            let bounds = CacheConfiguration(maxsize: maxsize, ttl: .seconds(ttl), policy: policy)
            let (truth, whatIf) = (Self.full(bounds, trace, record), record.whatIf(bounds))
            #expect(
                abs(whatIf.hitRatio - truth) <= max(0.01, whatIf.hitRatioError),
                "\(maxsize) \(ttl): \(whatIf.hitRatio) ± \(whatIf.hitRatioError), was \(truth)")
        }
    }

    @Test func `look-ups that come too fast are recorded in stretches, and in bounded memory`()
        throws
    {
        let run = Run(CacheConfiguration(maxsize: 64, ttl: .seconds(300)))
        for number in 0..<400_000 as Range<UInt64> {
            run.look(number % 50, every: .microseconds(20))
        }
        let (isPaused, bytes) = run.cache.store.withLock {
            ($0.recorder.isPaused, $0.recorder.bytes)
        }
        #expect(isPaused)
        #expect(bytes < 1 << 20)
        let before = try #require(run.cache.lookUps()).basis.recorded
        #expect(before == 32 * 1024)
        run.clock.advance(by: .seconds(30))
        for number in 0..<1000 as Range<UInt64> { run.look(number % 50) }
        let record = try #require(run.cache.lookUps())
        #expect(record.basis.recorded > before && record.basis.recorded <= before + 1000)
        #expect(!record.basis.isWhole)
        #expect(record.whatIf(CacheConfiguration(maxsize: 64, ttl: .seconds(300))).hitRatio > 0.99)
    }

    @Test func `a policy that heeds no hits records them all the same`() throws {
        let run = Run(CacheConfiguration(maxsize: 64, ttl: nil, policy: .fifo), shardBits: 2)
        for number in 0..<5000 as Range<UInt64> { run.look(number % 40) }
        #expect(try #require(run.cache.lookUps()).basis.recorded == 5000)
    }

    @Test func `a window is as long as was asked for, or as the record`() throws {
        let run = Run(CacheConfiguration(maxsize: 64, ttl: nil))
        for number in 0..<100 as Range<UInt64> { run.look(number, every: .seconds(1)) }
        for number in 0..<100 as Range<UInt64> { run.look(number % 10, every: .seconds(1)) }
        let all = try #require(run.cache.lookUps())
        #expect(all.basis.window == .seconds(199))
        let some = try #require(run.cache.lookUps(over: .seconds(60)))
        #expect(some.basis.window == .seconds(60))
        let bounds = CacheConfiguration(maxsize: 64, ttl: nil)
        #expect(some.whatIf(bounds).hitRatio == 1)
        #expect(all.whatIf(bounds).hitRatio == 0.45)
        #expect(abs(all.whatIf(bounds).fetchesPerSecond - 110.0 / 199) < 0.01)
    }

    @Test func `without foresight, and before the first look-up, there is no what-if`() {
        let run = Run(CacheConfiguration(), foresight: false)
        run.look(1)
        #expect(run.cache.lookUps() == nil)
        #expect(Run(CacheConfiguration()).cache.lookUps() == nil)
    }

    @Test(arguments: [Policy.lfu(), .rr(seed: 7), .sieve, .s3fifo, .tinylfu])
    func `where nothing has to leave every policy is as sure as lru`(policy: Policy) throws {
        let run = Run(CacheConfiguration(maxsize: 32, ttl: .seconds(1), policy: policy))
        for key in Self.trace { run.look(key) }
        let record = try #require(run.cache.lookUps())
        let roomy = record.whatIf(
            CacheConfiguration(maxsize: 4096, ttl: .seconds(1), policy: policy))
        let plain = record.whatIf(CacheConfiguration(maxsize: 4096, ttl: .seconds(1)))
        #expect(roomy.hitRatio == plain.hitRatio)
        #expect(abs(roomy.hitRatioError - plain.hitRatioError) < 0.02)
        let full = Run(CacheConfiguration(maxsize: 4096, ttl: .seconds(1)), foresight: false)
        for key in Self.trace { full.look(key) }
        #expect(plain.hitRatio == full.hitRatio)
    }

    @Test func `a ttl longer than the record is foreseen with the ends that it will bring`() throws
    {
        var random = Seeded(3)
        // Fifty look-ups a second of a hundred keys, for a minute and then for ten more.
        func look(_ run: Run, seconds: Int) {
            for _ in 0..<seconds * 50 {
                run.look(UInt64.random(in: 0..<100, using: &random), every: .milliseconds(20))
            }
        }
        let run = Run(CacheConfiguration(maxsize: 256, ttl: .seconds(20)))
        look(run, seconds: 60)
        let record = try #require(run.cache.lookUps())
        var bounds = record.present
        bounds.ttl = .seconds(80)
        let foreseen = record.forecasts(bounds).then
        let full = Run(bounds, foresight: false)
        look(full, seconds: 200)
        let before = full.cache.snapshot().counters
        look(full, seconds: 800)
        let after = full.cache.snapshot().counters
        let came =
            Double(after.hits - before.hits) / Double(after.lookups - before.lookups)
        #expect(
            abs(foreseen.hitRatio - came) <= foreseen.hitRatioError,
            "\(foreseen.hitRatio) ± \(foreseen.hitRatioError), was \(came)")
        // Of the record alone nothing ended: hardly a look-up of its last part missed.
        #expect(foreseen.hitRatio < 0.99 && foreseen.hitRatioError < 0.03)
    }

    @Test func `an empty cache knows how large its entries were`() throws {
        let run = Run(CacheConfiguration(maxsize: 64, ttl: .seconds(1)))
        for key in 0..<200 as Range<UInt64> { run.look(key % 20, size: 1000) }
        run.clock.advance(by: .seconds(2))
        run.cache.expire()
        #expect(run.cache.count == 0)
        let record = try #require(run.cache.lookUps())
        #expect(record.knowsBytes)
        var bounds = record.present
        bounds.maxbytes = 500
        #expect(record.whatIf(bounds).hitRatio == 0)
        bounds.maxbytes = 1 << 30
        #expect(record.whatIf(bounds).hitRatio > 0.5)
    }

    @Test func `sizes are tried out where there is no bound, and where nothing is kept`()
        async throws
    {
        func sizes(_ maxsize: Int?) async throws -> [Int?] {
            let run = Run(CacheConfiguration(maxsize: maxsize, ttl: nil))
            for key in 0..<800 as Range<UInt64> { run.look(key % 80) }
            return try await #require(run.cache.lookUps()).grid().points.map(\.bounds.maxsize)
        }
        #expect(try await sizes(nil) == [10, 20, 40, 80, nil])
        #expect(try await sizes(0) == [0, 10, 20, 40, 80])
    }

    @Test func `a ttl that is hardly one, and one without end, are multiplied too`() {
        for ttl in [Duration.nanoseconds(1), .nanoseconds(Int64.max), .seconds(Int64.max)] {
            let present = CacheConfiguration(maxsize: 8, ttl: ttl)
            let ttls = LookUpRecord.factors.map { present.living(by: $0).ttl! }
            #expect(ttls == ttls.sorted() && ttls[3] == ttl && ttls[0] > .zero)
        }
    }

    @Test(arguments: [
        (Duration.seconds(30), ["4", "8", "15", "30", "60", "120", "240"]),
        (.milliseconds(3), ["0.000375", "0.00075", "0.002", "0.003", "0.006", "0.012", "0.024"]),
        (.seconds(9_000_000_000), ["1125014400", "2250028800", "3162240000", "9000000000"]),
    ])
    func `ttls are tried out as people write them`(ttl: Duration, seconds: [String]) async throws {
        let run = Run(CacheConfiguration(maxsize: 8, ttl: ttl))
        for key in 0..<80 as Range<UInt64> { run.look(key % 8) }
        let points = try await #require(run.cache.lookUps()).grid().points
        let tried = points.filter { $0.bounds.maxsize == 8 }.map(\.bounds.ttl)
        #expect(tried == seconds.map { .nanoseconds(Int64((Double($0)! * 1e9).rounded())) })
    }

    @Test func `the grid has sizes by ttls, and every policy`() async throws {
        let run = Run(CacheConfiguration(maxsize: 64, ttl: .seconds(1), policy: .lfu()))
        for key in Self.trace.prefix(1000) { run.look(key) }
        let grid = try await #require(run.cache.lookUps()).grid()
        #expect(grid.points.count == 49)
        #expect(grid.points.map(\.bounds.maxsize).first == 8)
        #expect(grid.points[24] == grid.present)
        #expect(grid.points[0].bounds.ttl == .milliseconds(125))
        #expect(grid.policies.map { "\($0.bounds.policy)" } == Policy.names)
        #expect(grid.policies[2] == grid.present)
        #expect(grid.points[48].hitRatio > grid.points[0].hitRatio)
    }
}

/// How fast an origin changes, told by refetches.
@Suite struct ChangeRateTests {
    @Test func `what the cache was told of is not a change unseen`() async throws {
        let clock = TestClock()
        let origin = Guarded<UInt64>(0)
        let cache = Cache<UInt64, UInt64>("run", ttl: .seconds(10), clock: clock.neverWaking) {
            _ in origin.withLock { $0 }
        }
        for number in 1...100 as ClosedRange<UInt64> {
            clock.advance(by: .seconds(4))
            origin.withLock { $0 = number }
            if number.isMultiple(of: 2) {
                cache.invalidate(1)
            } else {
                cache.insert(number, for: 1)
            }
            _ = try await cache.value(for: 1)
        }
        #expect(cache.changeRate.changed == 0)
        clock.advance(by: .seconds(11))
        origin.withLock { $0 = 1000 }
        cache.invalidateAll()
        _ = try await cache.value(for: 1)
        clock.advance(by: .seconds(11))
        origin.withLock { $0 = 1001 }
        _ = try await cache.value(for: 1)
        #expect(cache.changeRate.changed == 1)
    }

    /// Whether the bar of 100 seeded runs has the true rate in it.
    @Test(arguments: [1.0 / 60, 1.0 / 600, 1.0 / 3600, 1.0 / 86_400])
    func `the bar has the true rate in it in 90 of 100 runs`(rate: Double) {
        let held = (0..<100 as Range<UInt64>).count { seed in
            var random = Seeded(seed)
            var samples = ChangeSamples()
            samples.prepare()
            for _ in 0..<300 {
                let age = Double.random(in: 30..<600, using: &random)
                let untilChange = -Maths.log(1 - Double.random(in: 0..<1, using: &random)) / rate
                samples.add(age: Int64(age * 1e9), isChanged: untilChange < age)
            }
            let found = samples.rate
            return found.least <= rate && rate <= found.most ?? .infinity
        }
        #expect(held >= 90)
    }

    @Test func `where nothing has changed, an upper bound is said`() {
        var samples = ChangeSamples()
        samples.prepare()
        #expect(samples.rate == ChangeRate())
        for _ in 0..<100 { samples.add(age: 60_000_000_000, isChanged: false) }
        let rate = samples.rate
        #expect(rate.perSecond == 0 && rate.least == 0 && rate.changed == 0)
        #expect(abs(rate.most! - 3.0 / 6000) < 1e-5)
    }

    @Test func `where all have changed, a lower bound is said`() {
        var samples = ChangeSamples()
        samples.prepare()
        for _ in 0..<20 { samples.add(age: 60_000_000_000, isChanged: true) }
        let rate = samples.rate
        #expect(rate.perSecond == nil && rate.most == nil && rate.compared == 20)
        #expect(rate.least > 1.0 / 60)
    }

    @Test func `a long record of samples forgets what was long ago`() {
        var samples = ChangeSamples()
        samples.prepare()
        for number in 0..<40_000 {
            samples.add(age: 60_000_000_000, isChanged: number < 10_000)
        }
        #expect(samples.rate.compared < 1 << 14)
        #expect(Double(samples.rate.changed) / Double(samples.rate.compared) < 0.2)
    }

    @Test func `refetches are compared, and tell what is served outdated`() async throws {
        let clock = TestClock()
        let changed = Guarded(0)
        let cache = Cache<Int, Int>(
            "numbers", maxsize: 8, ttl: .seconds(60), clock: clock.neverWaking
        ) { key in key == 1 ? changed.withLock { $0 } : 0 }
        for round in 0..<20 {
            changed.withLock { $0 = round / 2 }
            for _ in 0..<10 {
                for key in [1, 2] { _ = try await cache.value(for: key) }
                clock.advance(by: .seconds(6))
            }
        }
        #expect(cache.changeRate.compared == 38)
        #expect(cache.changeRate.changed == 9)
        let record = try #require(cache.lookUps())
        let present = record.whatIf(record.present)
        var longer = record.present
        longer.ttl = .seconds(240)
        let stale = try #require(present.stale)
        #expect(stale > 0.02 && stale < 0.2)
        #expect(try #require(record.whatIf(longer).stale) > 2 * stale)
        #expect(try #require(present.staleError) > 0)
    }

    @Test func `values that cannot be compared tell nothing`() async throws {
        struct Opaque: Sendable { var number: Int }
        let clock = TestClock()
        let cache = Cache<Int, Opaque>(
            "opaque", maxsize: 8, ttl: .seconds(60), clock: clock.neverWaking
        ) { Opaque(number: $0) }
        for _ in 0..<5 {
            _ = try await cache.value(for: 1)
            clock.advance(by: .seconds(60))
        }
        #expect(cache.changeRate == ChangeRate())
        let record = try #require(cache.lookUps())
        #expect(record.whatIf(record.present).stale == nil)
    }
}
