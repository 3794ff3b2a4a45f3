import Foundation
import Larder
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
// - nobody who looks at the entries stops the clock (nobody does);
// - lfu: what has to push others out to grow counts as new, while there it keeps its uses (under
//   lfu a key is always of the same size).

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

@Suite(.enabled(if: python != nil, "no Python with cachetools 8; Tests/run sets one up"))
struct DifferentialTests {
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
        case 32..<57: return .set(key, value(number, key))
        case 57..<74: return .ask(key, value(number, key))
        case 74..<80: return .del(key)
        case 80: return .clear
        case 81..<83: return .len
        case 83..<87: return .expire
        default: return .tick([1, 1, 1, 2, 3, 9].randomElement(using: &random)!)
        }
    }

    private mutating func value(_ number: Int, _ key: Int) -> Slice {
        let isLarge = Int.random(in: 0..<20, using: &random) == 0
        let size = Int.random(in: 1...(isLarge ? setting.maxsize + 2 : 4), using: &random)
        return Slice(
            number: number, size: setting.kind == .lfu ? key % 4 + 1 : size,
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
    private let clock = HandClock()
    private let start: Instant
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
            Configuration(
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
