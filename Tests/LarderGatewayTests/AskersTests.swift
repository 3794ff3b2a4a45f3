import HTTPTypes
import Larder
import LarderAWS
import LarderInspector
import LarderTesting
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import LarderGateway

@Suite struct `Who asks the gateway` {
    private static let item = #"{"Item":{"id":{"S":"a"}},"ConsumedCapacity":{"CapacityUnits":2}}"#
    private static let key = #"{"TableName":"orders","Key":{"id":{"S":"a"}}}"#

    private func send(
        _ rig: Rig, _ operation: String, _ body: String, by keys: Credentials? = ownKeys,
        agent: String
    ) async throws {
        _ = try await rig.send(
            rig.request(operation, body, by: keys, [("User-Agent", agent)]))
    }

    @Test func `is counted by table and by identity, with what came of it`() async throws {
        let rig = Rig { request, _ in
            request.operation == "GetItem" ? reply(Self.item) : reply("{}")
        }
        let session = Credentials(
            accessKeyID: "ASIAOTHER", secretAccessKey: Secret("canary-other"))
        rig.signers.add(session, as: "222222222222/reader by own")
        for agent in ["Boto3/1 md/Botocore#1", "Boto3/1 os/linux", "aws-sdk-go-v2/1"] {
            try await send(rig, "GetItem", Self.key, agent: agent)
        }
        try await send(rig, "Query", #"{"TableName":"orders"}"#, agent: "Boto3/1")
        try await send(rig, "GetItem", Self.key, by: session, agent: "Boto3/1")
        try await send(rig, "ListTables", "{}", agent: "Boto3/1")
        try await send(rig, "GetItem", Self.key, by: nil, agent: "curl/7")
        let askers = rig.face.askers
        #expect(askers.map(\.table) == ["orders", nil, nil, "orders"])
        let own = try #require(askers.first)
        #expect(own.identity == "own" && own.requests == 4 && own.hits == 2 && own.misses == 1)
        #expect(own.passed == 1 && own.agents == ["Boto3/1", "aws-sdk-go-v2/1"])
        #expect(own.savedCalls == 2 && own.savedCapacity == 4)
        // What-ifs of the table know what a fetch takes, of all who ask.
        #expect(rig.face.counts.units(of: Verbatim("orders")) == 2)
        #expect(rig.face.counts.units(of: Verbatim("others")) == nil)
        let other = try #require(askers.first { $0.identity == "222222222222/reader by own" })
        #expect(other.misses == 1 && other.requests == 1 && other.savedSeconds == 0)
        let stranger = try #require(askers.first { $0.identity == nil })
        #expect(stranger.refused == 1 && stranger.requests == 1 && stranger.agents == ["curl/7"])
        #expect(stranger.savedSeconds == nil)
    }

    @Test func `saves the time that a fetch takes, for each read without one`() async throws {
        let clock = Guarded<TestClock?>(nil)
        let rig = Rig { _, _ in
            clock.withLock { $0 }?.advance(by: .milliseconds(250))
            return reply(Self.item)
        }
        clock.withLock { $0 = rig.clock }
        for _ in 0..<5 { try await send(rig, "GetItem", Self.key, agent: "Boto3/1") }
        #expect(rig.face.askers.map(\.savedSeconds) == [1])
    }

    @Test func `is told of joined and stale reads, and of fetches that failed`() async throws {
        let gate = Gate()
        let isDown = Guarded(false)
        let rig = Rig(bounds: { _ in
            CacheConfiguration(maxsize: 10, ttl: .seconds(10), staleIfError: .seconds(60))
        }) { _, _ in
            try await gate.pass()
            guard !isDown.withLock({ $0 }) else { return refusal("ThrottlingException") }
            return reply(Self.item)
        }
        async let first: Void = send(rig, "GetItem", Self.key, agent: "a")
        try await gate.arrivals(atLeast: 1)
        async let second: Void = send(rig, "GetItem", Self.key, agent: "a")
        #expect(await settles { rig.upstream.requests.count == 1 })
        gate.open()
        _ = try await (first, second)
        isDown.withLock { $0 = true }
        rig.clock.advance(by: .seconds(11))
        try await send(rig, "GetItem", Self.key, agent: "a")
        rig.clock.advance(by: .seconds(120))
        try await send(rig, "GetItem", Self.key, agent: "a")
        let asker = try #require(rig.face.askers.first)
        #expect(asker.misses == 1 && asker.stale == 1 && asker.refused == 1)
        // The second one came before the item was there, or just behind it.
        #expect(asker.joined + asker.hits == 1)
    }

    @Test func `fills no memory with what is made up`() async throws {
        let rig = Rig { _, _ in reply("{}") }
        for number in 0..<300 {
            try await send(
                rig, "Query", "{\"TableName\":\"made-up-\(number)\"}",
                agent: "agent/\(number)" + String(repeating: "x\u{1b}", count: 5000) + " x")
        }
        let askers = rig.face.askers
        #expect(askers.count <= 257 && askers.reduce(0) { $0 + $1.requests } == 300)
        for asker in askers {
            #expect(asker.agents.count <= 4)
            #expect(asker.agents.allSatisfy { $0.count <= 60 && !$0.contains("\u{1b}") })
        }
    }

    @Test(arguments: [
        ("table=orders", 3), ("table=others", 1), ("table!=orders", 1), ("table~^o", 4),
        ("by=own", 3), ("by~reader", 1), ("by!=own", 1), ("by!~own$", 0),
        ("table=orders by=own", 2), ("not table~x", 4), ("table=Orders", 0), ("by=nobody", 0),
    ])
    func `is asked for by the filter's words, of entries and of what is changed`(
        filter: String, count: Int
    ) async throws {
        let rig = Rig { _, _ in reply(Self.item) }
        let session = Credentials(accessKeyID: "ASIAOTHER", secretAccessKey: Secret("other"))
        rig.signers.add(session, as: "222222222222/reader by own")
        for key in ["a", "b"] { _ = try await rig.get(key) }
        _ = try await rig.get("a", table: "others")
        _ = try await rig.call("GetItem", Self.key, by: session)
        var query = EntryQuery(limit: 10)
        query.filter = filter
        #expect(try await rig.inspector.entries(query).matched == count)
        #expect(try await rig.inspector.matching(query).count == count)
    }
}
