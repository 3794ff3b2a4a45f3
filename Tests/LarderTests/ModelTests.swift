import Foundation
import Larder
import TestSupport
import Testing

@testable import Larder

/// How far the cache is driven: `LARDER_OPERATIONS=200x50000` for 200 seeds of 50,000 operations.
let drive = Drive("LARDER_OPERATIONS", usually: "20x2000")

struct Drive {
    let seeds: UInt64
    let operations: Int

    init(_ variable: String, usually usual: String) {
        let text = ProcessInfo.processInfo.environment[variable] ?? usual
        let parts = text.split(separator: "x").compactMap { Int($0) }
        precondition(parts.count == 2 && parts[0] > 0, "\(variable) is SEEDSxOPERATIONS")
        (seeds, operations) = (UInt64(parts[0]), parts[1])
    }
}

/// Those that the model knows.
private let policies: [Policy] = [.lru, .fifo, .lfu(ages: false)]

@Suite struct ModelTests {
    @Test(arguments: 1...drive.seeds)
    func `the cache does as the naive model under random operations`(seed: UInt64) async throws {
        // Every seed begins with another policy and number of shards.
        let rig = Rig(
            seed, policy: policies[Int(seed) % policies.count],
            shardBits: [0, 4, 2][Int(seed / 3) % 3])
        for number in 1...drive.operations {
            let operation = try await rig.step()
            let comment: Comment = "seed \(seed), operation \(number): \(operation)"
            try rig.compare(comment)
        }
        while try await rig.land() {}
        try rig.compare("seed \(seed), everything landed")
    }
}

/// A cache and its model, driven together.
private final class Rig {
    private let clock = HandClock()
    private let origin = Origin<Int, Loaf>()
    private let cache: Cache<Int, Loaf>
    private var model: Model
    private var random: Seeded
    private var waiters: [(flight: Int, task: Task<Loaf, any Error>)] = []
    private var lastNumber = 0
    private var eventsSeen: UInt64 = 0
    private var cancelled = 0

    init(_ seed: UInt64, policy: Policy, shardBits: UInt32) {
        random = Seeded(seed)
        let configuration = Configuration(maxsize: 8, ttl: .seconds(60), policy: policy)
        cache = Cache(
            "model", configuration, clock: clock.neverWaking, shardBits: shardBits,
            fetch: origin.fetch)
        cache.insert(Loaf(number: 0), for: 0)
        let record = cache.peek(0)!.facts.bytes
        model = Model(configuration, at: clock.now, bytesOfRecord: record)
        model.insert(Loaf(number: 0), for: 0)
    }

    /// Does one operation on both, and says which.
    func step() async throws -> String {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<18: insert()
        case 18..<32: try cached()
        case 32..<38: try peek()
        case 38..<42: try invalidate(version: nil)
        case 42..<46: try invalidate(version: version())
        case 46: try invalidateAll()
        case 47..<62: advance()
        case 62..<65: try expire()
        case 65..<74: try configure()
        case 74..<88: try await lookup()
        case 88..<96: try await land() ? "land" : "nothing"
        default: try await leave()
        }
    }

    // MARK: Operations

    private func insert() -> String {
        let (key, value) = (key(), loaf())
        cache.insert(value, for: key)
        model.insert(value, for: key)
        return "insert \(value) for \(key)"
    }

    private func cached() throws -> String {
        let key = key()
        try #require(cache.cached(key) == model.cached(key), "cached \(key)")
        return "cached \(key)"
    }

    private func peek() throws -> String {
        let key = key()
        let (seen, known) = (cache.peek(key), model.peek(key))
        try #require(seen?.value == known?.value, "peek \(key)")
        try #require(seen?.facts.hits == known?.hits, "peek \(key)")
        return "peek \(key)"
    }

    private func invalidate(version: UInt64?) throws -> String {
        let (key, actor) = (key(), actor())
        let text = "invalidate \(key) version \(version.map(String.init) ?? "any")"
        let outcome = model.invalidate(key, version: version, by: actor)
        try #require(
            cache.invalidate(key, version: version, by: actor) == outcome, Comment(rawValue: text))
        return text
    }

    private func invalidateAll() throws -> String {
        let actor = actor()
        try #require(cache.invalidateAll(by: actor) == model.invalidateAll(by: actor))
        return "invalidate all"
    }

    private func advance() -> String {
        let steps: [Duration] = [.nanoseconds(1), .seconds(1), .seconds(7), .seconds(30)]
        let step = steps.randomElement(using: &random)!
        clock.advance(by: step)
        model.now = clock.now
        return "advance by \(step)"
    }

    private func expire() throws -> String {
        try #require(cache.expire() == model.expire())
        return "expire"
    }

    private func configure() throws -> String {
        let new = Configuration(
            maxsize: [nil, 0, 1, 3, 6, 8, 12].randomElement(using: &random)!,
            maxbytes: [nil, nil, 100, 500, 900, 1500].randomElement(using: &random)!,
            ttl: [nil, .zero, .seconds(1), .seconds(10), .seconds(60), .seconds(90)]
                .randomElement(using: &random)!,
            policy: Int.random(in: 0..<4, using: &random) == 0
                ? policies.randomElement(using: &random)! : cache.configuration.policy)
        let actor = actor()
        let (told, known) = (cache.victims(of: new), model.victims(of: new))
        try #require(told.map(Line.init) == known.map(Line.init), "victims of \(new)")
        let removed = try cache.configure(new, by: actor)
        try #require(removed.map(Line.init) == told.map(Line.init), "what \(new) removed")
        _ = model.configure(new, by: actor)
        return "configure \(new)"
    }

    private func lookup() async throws -> String {
        let key = key()
        guard model.flights.count < 5 || model.peek(key) != nil else { return "nothing" }
        let lookup = model.lookup(key, number: lastNumber + 1)
        let task = Task { [cache] in try await cache.value(for: key) }
        switch lookup {
        case .hit(let value): try #require(try await task.value == value, "look up \(key)")
        case .join(let flight):
            waiters.append((flight, task))
            try #require(await cache.isAsked(model.counters.lookups))
        case .lead:
            lastNumber += 1
            waiters.append((lastNumber, task))
            try #require(await origin.isAsked(lastNumber))
        }
        return "look up \(key): \(lookup)"
    }

    /// Answers one of the fetches under way; false where there is none.
    func land() async throws -> Bool {
        guard let flight = model.flights.randomElement(using: &random) else {
            return false
        }
        let refused = Int.random(in: 0..<5, using: &random) == 0
        let result: Result<Loaf, Refused> =
            refused ? .failure(Refused(number: flight.number)) : .success(loaf())
        origin.answer(flight.number, result.mapError { $0 })
        model.land(flight.number, result)
        let waiting = waiters.filter { $0.flight == flight.number }
        waiters.removeAll { $0.flight == flight.number }
        try #require(waiting.count == flight.waiters)
        for waiter in waiting {
            let came = await waiter.task.result.mapError { $0 as? Refused ?? Refused(number: -1) }
            try #require(came == result, "landing of \(flight)")
        }
        return true
    }

    private func leave() async throws -> String {
        guard let place = waiters.indices.randomElement(using: &random) else { return "nothing" }
        let (flight, task) = waiters.remove(at: place)
        task.cancel()
        let came = await task.result
        try #require(throws: CancellationError.self) { try came.get() }
        model.leave(flight)
        if !model.flights.contains(where: { $0.number == flight }) {
            cancelled += 1
            try #require(await origin.isCancelled(cancelled), "an abandoned fetch is cancelled")
        }
        return "leave \(flight)"
    }

    // MARK: Comparing

    func compare(_ comment: Comment) throws {
        cache.checkInvariants()
        var entries: [Line] = []
        cache.survey { entries.append(Line($0, $1)) }
        let known = model.entries.map { Line($0, deadline: model.deadline($0)) }
        try #require(
            entries.sorted { $0.version < $1.version } == known.sorted { $0.version < $1.version },
            comment)
        try #require(cache.order == model.inOrder(model.live).map(\.key), comment)
        let snapshot = cache.snapshot()
        try #require(snapshot.counters == model.counters, comment)
        try #require(snapshot.configuration == model.configuration, comment)
        try #require(snapshot.count == model.entries.count, comment)
        try #require(snapshot.bytes == model.entries.reduce(0) { $0 + $1.bytes }, comment)
        try #require(snapshot.flights == model.flights.count, comment)
        let page = cache.events(after: eventsSeen)
        try #require(page.dropped == 0, comment)
        try #require(page.events.map(Model.Happening.init) == model.events, comment)
        eventsSeen += UInt64(model.events.count)
        try #require(page.events.last?.number ?? eventsSeen == eventsSeen, comment)
        model.events = []
    }

    /// What both know of an entry.
    private struct Line: Hashable, CustomStringConvertible {
        var key: Int
        var version: UInt64
        var bytes: Int
        var cause: RemovalCause?
        var instants: [Instant?] = []
        var hits: UInt64 = 0
        /// The time from the write to the last hit, which is kept less exactly than the others,
        /// in tenths of a second.
        var lastHit: Int?

        var description: String {
            let times = instants.map { $0.map { "\($0.nanoseconds)" } ?? "-" }
            let cause = cause.map { "\($0)" } ?? ""
            return "\(key): version \(version), \(bytes) B, \(hits) hits \(times) \(cause)"
        }

        private func tenths(_ time: Duration) -> Int { Int((time.inSeconds * 10).rounded()) }

        init(_ victim: Victim<Int>) {
            (key, version, bytes) = (victim.key, victim.version, victim.bytes)
            cause = victim.cause
        }

        init(_ key: Int, _ facts: EntryFacts) {
            (self.key, version, bytes, hits) = (key, facts.version, facts.bytes, facts.hits)
            instants = [facts.writtenAt, facts.expiry, facts.deadline]
            lastHit = facts.lastHit.map { tenths($0 - facts.writtenAt) }
        }

        init(_ entry: Model.Entry, deadline: Instant) {
            (key, version, bytes, hits) = (entry.key, entry.version, entry.bytes, entry.hits)
            instants = [entry.writtenAt, entry.value.expiry, deadline]
            lastHit = entry.lastHit.map { tenths($0 - entry.writtenAt) }
        }
    }

    // MARK: Choosing

    private func key() -> Int { Int.random(in: 0..<20, using: &random) }

    /// A version that is there, one that was, or one that never was.
    private func version() -> UInt64 {
        let present = model.entries.randomElement(using: &random)?.version ?? 1
        return [present, present, present &- 1, 1_000_000].randomElement(using: &random)!
    }

    private func actor() -> Actor? {
        [nil, Actor("ann"), Actor("bob", reason: "stale")].randomElement(using: &random)!
    }

    /// Every end is unlike the others: which of two at once leaves first is nobody's business.
    private var ends: Int64 = 0

    private func loaf() -> Loaf {
        ends += 1
        let life = Int64.random(in: -5...80, using: &random) * 1_000_000_000 + ends
        let ending = Int.random(in: 0..<3, using: &random) == 0
        return Loaf(
            number: Int.random(in: 0..<1_000_000, using: &random),
            expiry: ending ? clock.now + .nanoseconds(life) : nil,
            heapBytes: Int.random(in: 0..<100, using: &random))
    }
}
