import Foundation
import HTTPTypes
import HummingbirdCore
import Larder
import LarderAWS
import LarderInspector
import LarderTesting
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import LarderGateway

/// The gateway with bounds of every kind, changed by people while programs ask.
@Suite(.timeLimit(.minutes(2))) struct `A gateway whose bounds are odd or changing` {
    /// A table whose items are what was written last.
    private final class PlainTable: Sendable {
        private let items = Mutex<[String: Int]>([:])
        let isDown = Atomic(false)
        /// Whether the programs have ended.
        let isOver = Atomic(false)

        func answer(_ request: ForwardedRequest) throws -> ForwardedReply {
            let input = try #require(JSONPart(Array(request.body.readableBytesView)))
            if isDown.load(ordering: .relaxed) { throw Failure("the service is gone") }
            if request.operation == "PutItem" {
                let id = try #require(input["Item"]?["id"]?["S"]?.text)
                let number = input["Item"]?["v"]?["N"]?.text.flatMap { Int($0) }
                items.withLock { $0[id] = number }
                return reply("{}")
            }
            let id = try #require(input["Key"]?["id"]?["S"]?.text)
            guard let number = items.withLock({ $0[id] }) else { return reply("{}") }
            return reply("{\"Item\":\(Self.item(id, number))}")
        }

        static func item(_ id: String, _ number: Int) -> String {
            #"{"id":{"S":"\#(id)"},"v":{"N":"\#(number)"}}"#
        }
    }

    private func rig(
        _ table: PlainTable, _ bounds: CacheConfiguration = .init(maxsize: 8, ttl: .seconds(300))
    ) -> Rig {
        Rig(bounds: { _ in bounds }) { request, _ in
            await Task.yield()
            return try table.answer(request)
        }
    }

    private func put(_ rig: Rig, _ id: String, _ number: Int) async throws {
        let answer = try await rig.call(
            "PutItem", "{\"TableName\":\"orders\",\"Item\":\(PlainTable.item(id, number))}")
        #expect(answer.status == 200)
    }

    @Test func `keeps nothing where its cache is off, and lets those at once share a fetch`()
        async throws
    {
        let gate = Gate()
        let rig = Rig(bounds: { _ in CacheConfiguration(maxsize: 0, ttl: .seconds(300)) }) { _, _ in
            try await gate.pass()
            return reply(#"{"Item":{"id":{"S":"a"}}}"#)
        }
        async let outcomes = withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<10 { group.addTask { try await rig.get("a").cache } }
            return try await group.reduce(into: [String: Int]()) { $0[$1 ?? "", default: 0] += 1 }
        }
        let isShared = await settles {
            rig.face.tables.table("orders")?.cache.snapshot().counters.coalesced == 9
        }
        #expect(isShared)
        gate.open()
        #expect(try await outcomes == ["miss": 1, "joined": 9])
        for _ in 0..<3 { #expect(try await rig.get("a").cache == "miss") }
        #expect(rig.count("GetItem") == 4)
        #expect(try await rig.inspector.report().caches.first?.snapshot.count == 0)
    }

    @Test func `has room for one item, and mixes none up`() async throws {
        let table = PlainTable()
        let rig = rig(table, .init(maxsize: 1, ttl: .seconds(300)))
        for (number, id) in ["a", "b"].enumerated() { try await put(rig, id, number) }
        for _ in 0..<5 {
            for (number, id) in ["a", "b"].enumerated() {
                for outcome in ["miss", "hit"] {
                    let answer = try await rig.get(id)
                    #expect(answer.body == "{\"Item\":\(PlainTable.item(id, number))}")
                    #expect(answer.cache == outcome)
                }
            }
        }
    }

    @Test func `serves on from its reserve while the service is gone, and then no more`()
        async throws
    {
        let table = PlainTable()
        let bounds = CacheConfiguration(
            maxsize: 8, ttl: .seconds(10), staleIfError: .seconds(60))
        let rig = rig(table, bounds)
        try await put(rig, "a", 1)
        _ = try await rig.get("a")
        table.isDown.store(true, ordering: .relaxed)
        rig.clock.advance(by: .seconds(11))
        let stale = try await rig.get("a")
        #expect(stale.status == 200 && stale.cache == "stale" && stale.headers[.age] == "11")
        // What was not held there is not an answer to, and a write is not taken for done.
        let unknown = try await rig.get("b")
        #expect(unknown.status == 500 && unknown.code == "InternalServerError")
        #expect(unknown.body.contains("cut short"))
        let write = try await rig.call(
            "PutItem", "{\"TableName\":\"orders\",\"Item\":\(PlainTable.item("a", 2))}")
        #expect(write.status == 500)
        // Nobody knows what became of it: what was held before is not served for it.
        #expect(try await rig.get("a").status == 500)
        table.isDown.store(false, ordering: .relaxed)
        #expect(try await rig.get("a").cache == "miss")
        table.isDown.store(true, ordering: .relaxed)
        rig.clock.advance(by: .seconds(71))
        #expect(try await rig.get("a").status == 500)
    }

    @Test func `answers rightly while two operators change its bounds and invalidate`()
        async throws
    {
        let table = PlainTable()
        let rig = rig(table)
        let ids = (0..<12).map { "item-\($0)" }
        for id in ids { try await put(rig, id, 0) }
        for id in ids { _ = try await rig.get(id) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Each client has items of its own, of which it knows what they are.
            for client in 0..<4 {
                group.addTask {
                    var random = Seeded(UInt64(client))
                    var known: [String: Int] = [:]
                    for number in 1...500 {
                        let id = ids[client * 3 + Int.random(in: 0..<3, using: &random)]
                        if Int.random(in: 0..<6, using: &random) == 0 {
                            try await put(rig, id, number)
                            known[id] = number
                        } else {
                            let answer = try await rig.get(id)
                            let item = PlainTable.item(id, known[id] ?? 0)
                            #expect(answer.body == "{\"Item\":\(item)}")
                        }
                    }
                }
            }
            for name in ["ann", "bob"] {
                group.addTask {
                    var random = Seeded(name == "ann" ? 1 : 2)
                    while !table.isOver.load(ordering: .acquiring), !Task.isCancelled {
                        let bounds = CacheConfiguration(
                            maxsize: [0, 1, 3, nil].randomElement(using: &random)!,
                            ttl: [.zero, .seconds(1), nil].randomElement(using: &random)!)
                        let change =
                            Bool.random(using: &random)
                            ? Change.configure(cache: "orders", to: bounds)
                            : .invalidateAll(cache: "orders")
                        let plan = try await rig.inspector.plan(change, by: Operator(name))
                        // The other may have changed it since: then nothing is done, and that is said.
                        do {
                            _ = try await rig.inspector.apply(plan.id, by: Operator(name))
                        } catch is InspectorError {}
                        await Task.yield()
                    }
                }
            }
            for _ in 0..<4 { try await group.next() }
            table.isOver.store(true, ordering: .releasing)
            try await group.waitForAll()
        }
        // Both have changed something, and it is told who.
        let events = try await rig.inspector.events(in: "orders", after: 0, limit: 10_000)
        let names = Set(events.events.compactMap(\.by?.name))
        #expect(names == ["ann", "bob"])
    }

    @Test func `what other bounds of a table would bring is foreseen, items that are missing too`()
        async throws
    {
        let rig = Rig { request, _ in
            // One item in three is not there, which is remembered for five seconds.
            String(buffer: request.body).contains(#""S":"0"#)
                ? reply("{}") : reply(#"{"Item":{"id":{"S":"a"}}}"#)
        }
        for number in 0..<1200 {
            rig.clock.advance(by: .milliseconds(500))
            _ = try await rig.get("\(number % 3)\(number % 40)")
        }
        let answer = try await rig.inspector.whatIf(WhatIfQuery("orders"))
        let counters = try await rig.inspector.report().caches[0].snapshot.counters
        #expect(counters.misses > 200)
        let ratio = 1 - Double(counters.misses) / Double(counters.lookups)
        #expect(abs(answer.present.hitRatio - ratio) <= max(0.01, answer.present.hitRatioError))
        let shorter = try await rig.inspector.whatIf(
            WhatIfQuery("orders", CacheConfiguration(maxsize: 100, ttl: .seconds(25))))
        #expect(shorter.points[0].hitRatio < ratio - 0.1)
        #expect(answer.present.hitRatioError < 0.05)
    }

    @Test func `who asks after a standstill does not wait for what was asked before it`()
        async throws
    {
        let gate = Gate()
        let count = Guarded(0)
        let rig = Rig { _, _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            if number == 1 { try await gate.pass() }
            return reply(#"{"Item":{"id":{"S":"a"},"n":{"N":"\#(number)"}}}"#)
        }
        async let before = rig.get("a")
        try await gate.arrivals(atLeast: 1)
        rig.face.disownFetches()
        #expect(try await rig.get("a").body.contains(#""N":"2""#))
        gate.open()
        #expect(try await before.status == 200)
        // What was read before the standstill is not what is kept.
        #expect(try await rig.get("a").body.contains(#""N":"2""#))
        #expect(rig.count("GetItem") == 2)
        #expect(rig.face.snapshots.map(\.count) == [1])
        rig.clock.advance(by: .seconds(10))
        rig.face.forgetWhatIsHeld()
        _ = try await rig.get("a")
        #expect(rig.upstream.body(2).contains("ConsistentRead") == false)
    }

    @Test func `keys that were replaced before their end are asked for anew`() async throws {
        let keys = Guarded(ownKeys)
        let held = Guarded(ownKeys)
        let clock = TestClock()
        let signers = KnownSigners(
            own: { (held.withLock { $0 }, "own") },
            renew: { held.withLock { held in held = keys.withLock { $0 } } },
            clock: clock.neverWaking)
        #expect(await signers.signer(ownKeys.accessKeyID) != nil)
        let other = Credentials(accessKeyID: "AKIAOTHER", secretAccessKey: Secret("s"))
        #expect(await signers.signer("AKIAOTHER") == nil)
        keys.withLock { $0 = other }
        // Once a second: whoever signs with anything is not to have keys asked for at will.
        #expect(await signers.signer("AKIAOTHER") == nil)
        clock.advance(by: .seconds(2))
        #expect(await signers.signer("AKIAOTHER") != nil)
    }

    @Test func `what is asked of more tables than are cached is passed on`() async throws {
        let upstream = ScriptedUpstream { request, _ in
            String(buffer: request.body).contains("unknown")
                ? refusal("ResourceNotFoundException")
                : reply(#"{"Item":{"id":{"S":"a"}}}"#)
        }
        let (hand, inspector) = (TestClock(), LocalInspector("test"))
        let clock = hand.neverWaking
        let face = DynamoDBFace(
            upstream, signers: KnownSigners(own: { (ownKeys, "own") }, clock: clock),
            inspector: inspector,
            bounds: { _ in CacheConfiguration(maxsize: 9, ttl: .seconds(300)) }, mostTables: 4,
            clock: clock, now: { Rig.wall })
        let rig = Rig { _, _ in reply("{}") }
        func get(_ table: String) async throws -> String? {
            let body = "{\"TableName\":\"table-\(table)\",\"Key\":{\"id\":{\"S\":\"a\"}}}"
            let request = rig.request("GetItem", body)
            hand.advance(by: .seconds(1))
            return try await face.respond(to: request.head, request.body).headers[.xCache]
        }
        // Names that the service does not know take no place of those that it knows.
        for number in 0..<9 { _ = try await get("unknown\(number)") }
        for table in ["a", "b", "c"] {
            #expect(try await get(table) == "miss")
            #expect(try await get(table) == "hit")
        }
        for table in ["d", "e", "f", "g"] { _ = try await get(table) }
        #expect(try await get("z") != "hit")
        #expect(try await get("z") != "hit")
        #expect(face.snapshots.count <= 4)
        #expect(try await get("a") == "hit")
    }
}
