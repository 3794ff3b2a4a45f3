import Foundation
import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

// The engine beside the real cachetools (8 or later): the same random operations on both, and after
// each of them what came of it, who was evicted for it, and all that is held, in the order of
// eviction, have to be the same text on both sides.
//
// Where the engine is another on purpose, the sequences keep away from it or the peer is told to do
// as the engine does, and `DeviationTests` show both sides:
// - a value larger than the cache takes an older one for its key with it (the peer drops that one);
// - the older value of a key that is rewritten is replaced, never evicted (the peer leaves it out of
//   those evicted);
// - looking removes nothing, while `len` and `currsize` there do; a write there removes all that
//   has ended, here what it needs the room of, and so does looking up one that has ended (compared
//   is who has ended by the time both were told to let such entries go);
// - clearing tells of every entry, also of those that had ended (the peer tells of those before);
// - what ends as it is written is not kept at all, which a ttl of 0 comes to (the ttl is longer);
// - every entry takes some room, also one whose size there is 0 (no size is 0);
// - a maxsize of 0 keeps nothing and refuses nothing (it is 1 or more);
// - nobody who looks at the entries stops the clock (nobody does).

/// How far both are driven: `LARDER_DIFFERENTIAL=20x50000` for 20 seeds of 50,000 operations a kind.
private let differential = Drive("LARDER_DIFFERENTIAL", usually: "20x400")

/// The Python that has cachetools; `nil` where none does, or an old one.
private let python: String? = {
    let own = packageRoot.appending(path: ".venv/bin/python").path
    return [own, "python3"].first { candidate in
        let check = try? run([candidate, "-c", "import cachetools; cachetools.Cache.__copy__"])
        return check?.status == 0
    }
}()

private let isThere = ConditionTrait.enabled(
    if: python != nil, "no Python with cachetools 8; Tests/run sets one up")

@Suite(isThere) struct DifferentialTests {
    @Test(arguments: Kind.allCases)
    fileprivate func `the cache does as cachetools under random operations`(kind: Kind) async throws
    {
        let scripts = (1...differential.seeds).map {
            Script(kind, seed: $0, operations: differential.operations)
        }
        let peer = packageRoot.appending(path: "Tests/Peers/cachetools_differential.py").path
        let told = try run(
            [try #require(python), peer],
            input: scripts.flatMap(\.lines).joined(separator: "\n") + "\n")
        try #require(told.status == 0, "\(told.errors)")
        var theirs = told.output.utf8.split(separator: 10).makeIterator()
        for script in scripts {
            let engine = Engine(script.setting)
            for (number, operation) in script.operations.enumerated() {
                let ours = try await engine.perform(operation)
                let other = theirs.next().map { String(Substring($0)) }
                try #require(
                    ours == other,
                    """
                    \(kind), seed \(script.seed), operation \(number): \(operation.line)
                    of \(script.setting.line)
                    cachetools: \(other ?? "nothing")
                    engine:     \(ours)
                    """)
            }
        }
        #expect(theirs.next() == nil)
    }

    @Test func `what grows keeps its uses, though others have to go for it`() throws {
        let theirs = try cachetools(
            """
            cache = LFUCache(6, getsizeof=len)
            cache["a"] = cache["b"] = cache["c"] = "xx"
            for key in "aaac": cache.get(key)
            cache["a"] = "xxx"
            print([cache.popitem()[0] for _ in range(len(cache))])
            """)
        #expect(theirs == ["['c', 'a']"])
        let cache = Cache<String, Loaf>(
            "lfu", maxbytes: 6000, ttl: nil, policy: .lfu(ages: false)
        ) { _ in throw Refused() }
        for key in ["a", "b", "c"] { cache.insert(Loaf(number: 1, heapBytes: 1800), for: key) }
        for key in ["a", "a", "a", "c"] { _ = cache.cached(key) }
        cache.insert(Loaf(number: 2, heapBytes: 2800), for: "a")
        #expect(cache.removals.contains(Removal("b", .evicted)))
        #expect(cache.order == ["c", "a"])
    }
}

private enum Kind: String, CaseIterable { case fifo, lru, lfu, ttl, tlru }

/// A cache as both sides are told to make it.
private struct Setting {
    var kind: Kind
    var maxsize: Int
    /// Whether entries are bounded by their sizes or by their number.
    var isSized: Bool
    var ttl: Int
    var shardBits: UInt32

    var line: String { "new \(kind) \(maxsize) \(isSized ? "sized" : "counted") \(ttl)" }
}

/// A value whose size and lifetime a test chooses, in units of the peer.
private struct Slice: Equatable, Sendable, ByteSized {
    var number: Int
    var size = 1
    var life: Int?

    /// With the engine's own record of it, an entry takes so many bytes a unit.
    static let unit = 1000
    /// What the engine takes for its record, whether the value has a lifetime or not.
    var record = 0
    var heapBytes: Int { record == 0 ? 0 : size * Self.unit - record }

    var line: String { "\(number) \(size) \(life.map(String.init) ?? "inf")" }
}

private enum Operation {
    case new(Setting)
    case get(Int)
    case set(Int, Slice)
    case ask(Int, Slice)
    case del(Int)
    case clear, len, expire
    case tick(Int)

    var line: String {
        switch self {
        case .new(let setting): setting.line
        case .get(let key): "get \(key)"
        case .set(let key, let value): "set \(key) \(value.line)"
        case .ask(let key, let value): "ask \(key) \(value.line)"
        case .del(let key): "del \(key)"
        case .clear: "clear"
        case .len: "len"
        case .expire: "expire"
        case .tick(let ticks): "tick \(ticks)"
        }
    }
}

/// What is to be done for one seed, the making of the cache first.
private struct Script {
    let seed: UInt64
    let setting: Setting
    private(set) var operations: [Operation] = []
    private var random: Seeded

    var lines: [String] { operations.map(\.line) }

    init(_ kind: Kind, seed: UInt64, operations count: Int) {
        self.seed = seed
        random = Seeded(seed)
        setting = Setting(
            kind: kind, maxsize: [1, 2, 3, 5, 8, 13].randomElement(using: &random)!,
            isSized: Bool.random(using: &random),
            ttl: [1, 4, 12].randomElement(using: &random)!,
            shardBits: [0, 4, 2].randomElement(using: &random)!)
        operations.append(.new(setting))
        for number in 1...count { operations.append(operation(number)) }
    }

    private mutating func operation(_ number: Int) -> Operation {
        let key = Int.random(in: 0..<16, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<32: return .get(key)
        case 32..<57: return .set(key, value(number))
        case 57..<74: return .ask(key, value(number))
        case 74..<80: return .del(key)
        case 80: return .clear
        case 81..<83: return .len
        case 83..<87: return .expire
        default: return .tick([1, 1, 1, 2, 3, 9].randomElement(using: &random)!)
        }
    }

    private mutating func value(_ number: Int) -> Slice {
        let isLarge = Int.random(in: 0..<20, using: &random) == 0
        let size = Int.random(in: 1...(isLarge ? setting.maxsize + 2 : 4), using: &random)
        return Slice(
            number: number, size: size,
            life: [nil, -1, 0, 1, 2, 5, 9, 20].randomElement(using: &random)!)
    }
}

/// What the cache asks, and whom it tells.
private final class Outside: Sendable {
    /// What the next fetch brings; `nil` once it was asked for.
    let supply = Guarded<Slice?>(nil)
    let left = Guarded<[RemovedEntry<Int, Slice>]>([])

    @Sendable func fetch(_ key: Int) throws -> Slice {
        try supply.withLock { value in
            guard let taken = value else { throw Refused() }
            value = nil
            return taken
        }
    }

    @Sendable func tell(_ entry: RemovedEntry<Int, Slice>) { left.withLock { $0.append(entry) } }
}

/// The engine as the peer's twin: it answers operations in the peer's words.
private final class Engine {
    private let setting: Setting
    private let clock = TestClock()
    private let start: AgeInstant
    private let cache: Cache<Int, Slice>
    private let record: Int
    private let outside = Outside()
    private var expired: [RemovedEntry<Int, Slice>] = []

    init(_ setting: Setting) {
        self.setting = setting
        start = clock.now
        let life: @Sendable (Int, Slice) -> Duration? = { $1.life.map { .seconds($0) } }
        let lifetime = setting.kind == .tlru ? life : nil
        let probe = Cache<Int, Slice>("probe", ttl: nil, lifetime: lifetime) { _ in throw Refused()
        }
        probe.insert(Slice(number: 0), for: 0)
        record = probe.snapshot().bytes
        let policy: Policy =
            switch setting.kind {
            case .fifo: .fifo
            case .lfu: .lfu(ages: false)
            case .lru, .ttl, .tlru: .lru
            }
        cache = Cache(
            "twin",
            CacheConfiguration(
                maxsize: setting.isSized ? nil : setting.maxsize,
                maxbytes: setting.isSized ? setting.maxsize * Slice.unit : nil,
                ttl: setting.kind == .ttl ? .seconds(setting.ttl) : nil, policy: policy),
            lifetime: lifetime, clock: clock.neverWaking, shardBits: setting.shardBits,
            onRemoval: outside.tell, fetch: outside.fetch)
    }

    /// What came of it, who was evicted for it, and what is held now.
    func perform(_ operation: Operation) async throws -> String {
        let result = try await result(of: operation)
        let gone = outside.left.withLock { left in
            defer { left = [] }
            return left
        }
        expired += gone.filter { $0.cause == .expired }
        let evicted = line(gone.filter { $0.cause == .evicted }.map { ($0.key, $0.value) })
        guard case .expire = operation else { return "\(result) | \(evicted) | \(try held())" }
        let pairs = expired.map { ($0.key, $0.value) }
            .sorted { ($0.0, $0.1.number) < ($1.0, $1.1.number) }
        expired = []
        return "\(line(pairs)) | \(evicted) | \(try held())"
    }

    private func result(of operation: Operation) async throws -> String {
        switch operation {
        case .new: return "new"
        case .get(let key): return cache.cached(key).map { "\($0.number)" } ?? "nothing"
        case .set(let key, let value):
            return written { cache.insert(weighed(value), for: key) }
        case .ask(let key, let value):
            outside.supply.withLock { $0 = weighed(value) }
            let before = oversized
            let found = try await cache.value(for: key)
            let isFetched = outside.supply.withLock { $0 == nil }
            return isFetched ? "\(found.number) \(written(since: before))" : "\(found.number)"
        case .del(let key): return cache.invalidate(key) == .absent ? "absent" : "removed"
        case .clear:
            cache.invalidateAll()
            return "cleared"
        case .len: return "\(cache.order.count)"
        case .expire:
            cache.expire()
            let stored = cache.snapshot()
            try #require(stored.count == cache.order.count, "only live entries are left")
            return ""
        case .tick(let ticks):
            clock.advance(by: .seconds(ticks))
            return "\((clock.now - start).components.seconds)"
        }
    }

    /// The value with its room for the engine's record.
    private func weighed(_ value: Slice) -> Slice {
        var value = value
        value.record = record
        return value
    }

    private var oversized: UInt64 { cache.snapshot().counters.oversized }

    private func written(_ write: () -> Void) -> String {
        let before = oversized
        write()
        return written(since: before)
    }

    private func written(since before: UInt64) -> String {
        oversized > before ? "too large" : "written"
    }

    private func held() throws -> String {
        cache.checkInvariants()
        let now = clock.now
        let entries = try cache.order.map { key in (key, try #require(cache.peek(key))) }
        var listed: Set<Int> = []
        cache.survey { key, facts in if now < facts.deadline { listed.insert(key) } }
        try #require(listed == Set(entries.map(\.0)), "a listing has what the order has")
        let bytes = entries.reduce(0) { $0 + $1.1.facts.bytes }
        let size = setting.isSized ? bytes / Slice.unit : entries.count
        return "\(size): " + line(entries.map { ($0.0, $0.1.value) })
    }

    private func line(_ pairs: [(Int, Slice)]) -> String {
        pairs.map { "\($0.0)=\($0.1.number)" }.joined(separator: " ")
    }
}

/// What a few lines of Python print, with cachetools at hand and `now` for a clock.
private func cachetools(_ lines: String) throws -> [String] {
    let program = """
        from cachetools import *
        now = 0
        def timer(): return now

        """
    let ran = try run([try #require(python), "-c", program + lines])
    try #require(ran.status == 0, "\(ran.errors)")
    return ran.output.split(separator: "\n").map(String.init)
}

/// Where the engine is another than cachetools on purpose, both sides of it.
@Suite(isThere) struct DeviationTests {
    private let clock = TestClock()

    private func cache(
        maxsize: Int? = 8, maxbytes: Int? = nil, ttl: Duration? = nil
    ) -> Cache<String, Loaf> {
        Cache(
            "deviating", maxsize: maxsize, maxbytes: maxbytes, ttl: ttl,
            clock: clock.neverWaking
        ) { _ in throw Refused() }
    }

    @Test func `too large a value takes the older one with it, which stays there`() throws {
        let theirs = try cachetools(
            """
            cache = LRUCache(2, getsizeof=len)
            cache["a"] = "xx"
            try: cache["a"] = "xxx"
            except ValueError as error: print(error)
            print(cache.get("a"))
            """)
        #expect(theirs == ["value too large", "xx"])
        let cache = cache(maxbytes: 1000)
        cache.insert(Loaf(number: 1), for: "a")
        cache.insert(Loaf(number: 2, heapBytes: 1000), for: "a")
        #expect(cache.cached("a") == nil)
        #expect(cache.removals == [Removal("a", .replaced)])
        #expect(cache.snapshot().counters.oversized == 1)
    }

    @Test func `without room nothing is kept, and nothing refused`() throws {
        let theirs = try cachetools(
            """
            cache = LRUCache(0)
            try: cache["a"] = 1
            except ValueError as error: print(error)
            """)
        #expect(theirs == ["value too large"])
        let cache = cache(maxsize: 0)
        cache.insert(Loaf(number: 1), for: "a")
        #expect(cache.snapshot().count == 0)
        #expect(cache.snapshot().counters.oversized == 0)
    }

    @Test func `an older value is replaced, where it is the first to be evicted there`() throws {
        let theirs = try cachetools(
            """
            class Told(LRUCache):
                def popitem(self):
                    print(*super().popitem())
            cache = Told(4, getsizeof=len)
            cache["a"] = "xx"
            cache["b"] = "xx"
            cache["a"] = "xxx"
            print(dict(cache))
            """)
        #expect(theirs == ["a xx", "b xx", "{'a': 'xxx'}"])
        let cache = cache(maxbytes: 4000)
        cache.insert(Loaf(number: 1, heapBytes: 1500), for: "a")
        cache.insert(Loaf(number: 2, heapBytes: 1500), for: "b")
        cache.insert(Loaf(number: 3, heapBytes: 2500), for: "a")
        #expect(cache.removals == [Removal("a", .replaced), Removal("b", .evicted)])
        #expect(cache.order == ["a"])
    }

    @Test func `looking at the entries removes none, looking up one that has ended does`() throws {
        let theirs = try cachetools(
            """
            cache = TTLCache(8, ttl=5, timer=timer)
            cache["a"] = cache["b"] = 1
            now = 5
            print(cache.get("a"), Cache.__len__(cache))
            print(len(cache), Cache.__len__(cache))
            """)
        #expect(theirs == ["None 2", "0 0"])
        let cache = cache(ttl: .seconds(5))
        for key in ["a", "b"] { cache.insert(Loaf(number: 1), for: key) }
        clock.advance(by: .seconds(5))
        #expect(cache.order == [])
        #expect(cache.snapshot().count == 2)
        #expect(cache.cached("a") == nil)
        #expect(cache.snapshot().count == 1)
        #expect(cache.expire() == 1)
        #expect(cache.snapshot().count == 0)
    }

    @Test func `a write removes of what has ended no more than it needs the room of`() throws {
        let theirs = try cachetools(
            """
            cache = TTLCache(2, ttl=5, timer=timer)
            cache["a"] = cache["b"] = 1
            now = 5
            cache["c"] = 2
            print(Cache.__len__(cache), list(cache))
            """)
        #expect(theirs == ["1 ['c']"])
        let cache = cache(maxsize: 2, ttl: .seconds(5))
        for key in ["a", "b"] { cache.insert(Loaf(number: 1), for: key) }
        clock.advance(by: .seconds(5))
        cache.insert(Loaf(number: 2), for: "c")
        #expect(cache.snapshot().count == 2)
        #expect(cache.removals == [Removal("a", .expired)])
        #expect(cache.order == ["c"])
    }

    @Test func `clearing tells of every entry, where it tells of none there`() throws {
        let theirs = try cachetools(
            """
            class Told(TTLCache):
                def popitem(self): print("popitem")
                def expire(self, time=None): print("expire")
            cache = Told(8, ttl=5, timer=timer)
            cache["a"] = 1
            now = 3
            cache["b"] = 1
            now = 5
            print("clear")
            cache.clear()
            """)
        #expect(theirs == ["expire", "expire", "clear"])
        let cache = cache(ttl: .seconds(5))
        cache.insert(Loaf(number: 1), for: "a")
        clock.advance(by: .seconds(3))
        cache.insert(Loaf(number: 1), for: "b")
        clock.advance(by: .seconds(2))
        cache.invalidateAll()
        #expect(cache.removals == [Removal("a", .expired), Removal("b", .invalidated)])
    }

    @Test func `with a ttl of 0 nothing is kept, not even unseen`() throws {
        let theirs = try cachetools(
            """
            cache = TTLCache(2, ttl=0, timer=timer)
            cache["a"] = 1
            print("a" in cache, Cache.__len__(cache))
            """)
        #expect(theirs == ["False 1"])
        let cache = cache(ttl: .zero)
        cache.insert(Loaf(number: 1), for: "a")
        #expect(cache.snapshot().count == 0)
    }

    @Test func `every entry takes room, where those of size 0 take none`() throws {
        let theirs = try cachetools(
            """
            cache = LRUCache(1, getsizeof=len)
            for key in range(50): cache[key] = ""
            print(len(cache), cache.currsize)
            """)
        #expect(theirs == ["50 0"])
        let cache = cache(maxsize: nil, maxbytes: 1000)
        for key in 0..<50 { cache.insert(Loaf(number: key), for: "\(key)") }
        let snapshot = cache.snapshot()
        #expect((900...1000).contains(snapshot.bytes))
        #expect(snapshot.counters.evicted == 50 - UInt64(snapshot.count))
    }

    @Test func `nobody stops the clock by going through the entries`() throws {
        let theirs = try cachetools(
            """
            cache = TTLCache(8, ttl=5, timer=timer)
            cache["a"] = cache["b"] = 1
            for key in cache:
                now = 5
                print("a" in cache)
                break
            print("a" in cache)
            """)
        #expect(theirs == ["True", "False"])
        let cache = cache(ttl: .seconds(5))
        for key in ["a", "b"] { cache.insert(Loaf(number: 1), for: key) }
        for key in cache.order.prefix(1) {
            clock.advance(by: .seconds(5))
            #expect(cache.peek(key) == nil)
        }
    }
}
