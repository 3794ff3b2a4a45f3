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

@Suite struct `Items from a table's cache` {
    private static let item = #"{"Item":{"id":{"S":"a"},"n":{"N":"1.50"}}}"#

    private func rig(_ body: String = item) -> Rig { Rig { _, _ in reply(body) } }

    @Test func `twenty reads of one key ask the service once`() async throws {
        let rig = rig()
        let first = try await rig.get("a")
        #expect(first.status == 200 && first.body == Self.item && first.cache == "miss")
        #expect(first.headers[.requestID] == "UPSTREAM")
        for _ in 0..<19 {
            rig.clock.advance(by: .seconds(2))
            let next = try await rig.get("a")
            #expect(next.body == Self.item && next.cache == "hit")
        }
        #expect(rig.count("GetItem") == 1)
        #expect(try await rig.get("a").headers[.age] == "38")
    }

    @Test func `every reply has its own id and the checksum of what is in it`() async throws {
        let rig = rig()
        _ = try await rig.get("a")
        let (one, other) = (try await rig.get("a"), try await rig.get("a"))
        let (first, second) = (one.headers[.requestID] ?? "", other.headers[.requestID] ?? "")
        #expect(first != second)
        #expect(first.wholeMatch(of: /[A-Z0-9]{52}/) != nil, "\(first)")
        #expect(one.headers[.checksum] == "\(Checksum.of(ByteBuffer(string: one.body)))")
    }

    @Test(arguments: [
        (#"{"id":{"N":"7"}}"#, #"{"id":{"N":"7.0"}}"#),
        (#"{"id":{"N":"7"}}"#, #"{"id":{"N":"007"}}"#),
        (#"{"id":{"N":"70"}}"#, #"{"id":{"N":"7e1"}}"#),
        (#"{"id":{"N":"0"}}"#, #"{"id":{"N":"-0"}}"#),
        (#"{"id":{"S":"a"}}"#, #"{"id":{"S":"\u0061"}}"#),
        (#"{"id":{"S":"a"}}"#, "{ \"\\u0069d\" : {\"S\":\"a\"} }"),
        (#"{"h":{"S":"a"},"r":{"N":"1"}}"#, #"{"h":{"S":"a"},"r":{"N":"1.0"}}"#),
    ])
    func `a key is one however it is written`(one: String, other: String) async throws {
        let rig = rig()
        for key in [one, other, one] {
            _ = try await rig.call("GetItem", "{\"TableName\":\"orders\",\"Key\":\(key)}")
        }
        #expect(rig.count("GetItem") == 1)
    }

    @Test(arguments: [
        (#"{"id":{"S":"\u00e9"}}"#, "{\"id\":{\"S\":\"e\u{301}\"}}"),
        (#"{"id":{"S":"a"}}"#, #"{"id":{"S":"a "}}"#),
        (
            #"{"id":{"N":"12345678901234567890123456789012345678"}}"#,
            #"{"id":{"N":"12345678901234567890123456789012345679"}}"#
        ),
        (#"{"h":{"S":"a"},"r":{"S":"b"}}"#, #"{"h":{"S":"ab"},"r":{"S":""}}"#),
    ])
    func `keys that differ in a byte are two`(one: String, other: String) async throws {
        let rig = rig()
        for key in [one, other, one, other] {
            _ = try await rig.call("GetItem", "{\"TableName\":\"orders\",\"Key\":\(key)}")
        }
        #expect(rig.count("GetItem") == 2)
    }

    @Test func `a missing item and one of which nothing is wanted are kept apart`() async throws {
        let rig = Rig { request, _ in
            reply(String(buffer: request.body).contains("nothing") ? #"{"Item":{}}"# : "{}")
        }
        let projection = ",\"ProjectionExpression\":\"nothing\""
        for _ in 0..<2 {
            #expect(try await rig.get("a").body == "{}")
            #expect(try await rig.get("a", projection).body == #"{"Item":{}}"#)
        }
        #expect(rig.count("GetItem") == 2)
        rig.clock.advance(by: .seconds(5))
        // That there is none is believed for a shorter time.
        #expect(try await rig.get("a").cache == "miss")
        #expect(try await rig.get("a", projection).cache == "hit")
    }

    @Test func `each projection is an entry of its own, and a projection's names are part of it`()
        async throws
    {
        let rig = rig()
        func get(_ more: String) async throws -> String? { try await rig.get("a", more).cache }
        let one = ##","ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"name"}"##
        let other = ##","ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"plan"}"##
        #expect(try await get(one) == "miss")
        #expect(try await get(other) == "miss")
        #expect(try await get("") == "miss")
        #expect(try await get(one) == "hit")
        #expect(rig.upstream.body(0).contains(##""ExpressionAttributeNames":{"#n":"name"}"##))
    }

    @Test func `whose permission it is is part of the key, and the service is asked with theirs`()
        async throws
    {
        let rig = rig()
        let session = Credentials(
            accessKeyID: "ASIASESSIONSESSION01", secretAccessKey: Secret("canary-session-secret"),
            sessionToken: Secret("token"), expiry: rig.clock.now + .seconds(3600))
        rig.signers.add(session, as: "222222222222/reader")
        let body = #"{"TableName":"orders","Key":{"id":{"S":"a"}}}"#
        for keys in [ownKeys, session, ownKeys, session] {
            #expect(try await rig.call("GetItem", body, by: keys).status == 200)
        }
        #expect(rig.upstream.requests.map(\.key) == [ownKeys.accessKeyID, session.accessKeyID])
        // Another session of the same role reads with the same permission.
        let refreshed = Credentials(
            accessKeyID: "ASIASESSIONSESSION02", secretAccessKey: Secret("another"),
            expiry: rig.clock.now + .seconds(3600))
        rig.signers.add(refreshed, as: "222222222222/reader")
        #expect(try await rig.call("GetItem", body, by: refreshed).cache == "hit")
    }

    @Test(arguments: [
        #","ConsistentRead":true"#, #","AttributesToGet":["n"]"#, #","Foo":1"#,
        #","ReturnConsumedCapacity":"SOME""#, ##","ExpressionAttributeNames":{"#n":"n"}"##,
        #","ConsistentRead":null"#,
    ])
    func `what is not understood to the last member goes on byte for byte`(more: String)
        async throws
    {
        let rig = rig()
        for _ in 0..<2 { #expect(try await rig.get("a", more).cache == "pass") }
        #expect(rig.count("GetItem") == 2)
        #expect(
            rig.upstream.body(0)
                == "{\"TableName\":\"orders\",\"Key\":{\"id\":{\"S\":\"a\"}}\(more)}")
    }

    @Test(arguments: [
        #"{"id":{"S":"a"},"id":{"S":"b"}}"#, #"{"id":{"S":"a","N":"1"}}"#, #"{"id":{"BOOL":true}}"#,
        #"{"id":{"N":"x"}}"#, #"{"id":{"N":"1e125"}}"#, #"{"id":{"B":"QR=="}}"#, #"{"id":"a"}"#,
        #"{"a":{"S":"a"},"b":{"S":"a"},"c":{"S":"a"}}"#, "{}", #"{"id":{"S":"\ud800"}}"#,
        #"{"id":{"N":"123456789012345678901234567890123456789"}}"#,
    ])
    func `a key that only the service can judge goes on`(key: String) async throws {
        let rig = rig()
        let answer = try await rig.call("GetItem", "{\"TableName\":\"orders\",\"Key\":\(key)}")
        #expect(answer.cache == "pass")
    }

    @Test func `a key named otherwise than the table's goes on, whatever was read before`()
        async throws
    {
        let rig = Rig { request, _ in
            String(buffer: request.body).contains("\"id\"")
                ? reply("{}") : refusal("ValidationException")
        }
        _ = try await rig.get("a")
        let wrong = #"{"TableName":"orders","Key":{"key":{"S":"a"}}}"#
        for _ in 0..<2 { #expect(try await rig.call("GetItem", wrong).status == 400) }
        let number = #"{"TableName":"orders","Key":{"id":{"N":"1"}}}"#
        #expect(try await rig.call("GetItem", number).cache == "pass")
    }

    @Test func `errors are the service's own words, and are not kept`() async throws {
        let rig = Rig { _, _ in refusal("ResourceNotFoundException", "Requested resource") }
        for _ in 0..<2 {
            let answer = try await rig.get("a")
            #expect(answer.status == 400 && answer.code == "ResourceNotFoundException")
            #expect(answer.headers[.requestID] == "UPSTREAM")
        }
        #expect(rig.count("GetItem") == 2)
        // Of a table that nobody has answered for nothing is shown.
        #expect(try await rig.inspector.report().caches.isEmpty)
    }

    @Test func `callers of one cold key share one fetch, and one of them is told it was a miss`()
        async throws
    {
        let gate = Gate()
        let rig = Rig { _, _ in
            try await gate.pass()
            return reply(Self.item)
        }
        async let answers = withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<20 { group.addTask { try await rig.get("a").cache } }
            return try await group.reduce(into: [String: Int]()) { $0[$1 ?? "", default: 0] += 1 }
        }
        let all = await settles {
            (try? await rig.inspector.report()) != nil && gate.arrivals == 1
                && rig.face.tables.table("orders")?.cache.snapshot().counters.coalesced == 19
        }
        #expect(all)
        gate.open()
        #expect(try await answers == ["miss": 1, "joined": 19])
        #expect(rig.count("GetItem") == 1)
    }

    @Test func `what took capacity is told by the one who spent it`() async throws {
        let rig = rig(
            #"{"ConsumedCapacity":{"TableName":"orders","CapacityUnits":0.5},"Item":{"id":{"S":"a"}}}"#
        )
        let more = #","ReturnConsumedCapacity":"INDEXES""#
        #expect(
            try await rig.get("a", more).body
                == #"{"ConsumedCapacity":{"CapacityUnits":0.5,"Table":{"CapacityUnits":0.5},"TableName":"orders"},"Item":{"id":{"S":"a"}}}"#
        )
        #expect(
            try await rig.get("a", #","ReturnConsumedCapacity":"TOTAL""#).body
                == #"{"ConsumedCapacity":{"CapacityUnits":0.0,"TableName":"orders"},"Item":{"id":{"S":"a"}}}"#
        )
        #expect(try await rig.get("a").body == #"{"Item":{"id":{"S":"a"}}}"#)
    }

    @Test func `a table's name and its ARN end in the same writes, and are two to reads`()
        async throws
    {
        let rig = rig()
        let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
        #expect(try await rig.get("a").cache == "miss")
        #expect(try await rig.get("a", table: arn).cache == "miss")
        #expect(try await rig.get("a", table: arn).cache == "hit")
        try await rig.call(
            "DeleteItem", "{\"TableName\":\"\(arn)\",\"Key\":{\"id\":{\"S\":\"a\"}}}")
        #expect(try await rig.get("a").cache == "miss")
        #expect(try await rig.get("a", table: arn).cache == "miss")
        let elsewhere = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
        #expect(try await rig.get("a", table: elsewhere).cache == "pass")
    }

    @Test func `a table is seen by whoever looks in, its keys as people write them`() async throws {
        let rig = rig()
        for key in ["a", "b"] { _ = try await rig.get(key) }
        _ = try await rig.get("a", #","ProjectionExpression":"n""#)
        #expect(try await rig.inspector.report().caches.map(\.name) == ["orders"])
        let rows = try await rig.inspector.entries(EntryQuery()).rows
        #expect(Set(rows.map(\.id.key)) == ["a", "b", "a {n}"])
        let detail = try await rig.inspector.entry(EntryKey(cache: "orders", key: "a"))
        #expect(detail?.value == ["id": "a", "n": .number("1.50")])
        // What an operator ends the next request fetches; and one that nobody asked for can be.
        rig.face.tables.table("orders")?.cache.invalidateAll()
        #expect(try await rig.get("a").cache == "miss")
        let fetched = try await rig.inspector.fetch(EntryKey(cache: "orders", key: "c"))
        #expect(!fetched.wasHit)
        #expect(try await rig.get("c").cache == "hit")
        let verified = try await rig.inspector.verify(EntryKey(cache: "orders", key: "a"))
        #expect(verified.failure == nil && verified.held == verified.origin)
    }

    @Test func `past its end an item is served where the bounds say so and the service fails`()
        async throws
    {
        let isDown = Gate()
        let rig = Rig(
            bounds: { _ in
                CacheConfiguration(maxsize: 9, ttl: .seconds(10), staleIfError: .seconds(60))
            }
        ) { request, _ in
            if request.headers.contains(where: { $0.name == "X" }) { return reply("{}") }
            return isDown.arrivals > 0
                ? refusal("ProvisionedThroughputExceededException") : reply(Self.item)
        }
        _ = try await rig.get("a")
        isDown.open()
        try await isDown.pass()
        #expect(try await rig.get("a").cache == "hit")
        rig.clock.advance(by: .seconds(10))
        let stale = try await rig.get("a")
        #expect(stale.status == 200 && stale.cache == "stale" && stale.headers[.age] == "10")
        rig.clock.advance(by: .seconds(60))
        #expect(try await rig.get("a").code == "ProvisionedThroughputExceededException")
    }

    @Test func `a damaged reply is asked for once more, and never kept`() async throws {
        let rig = Rig { _, _ in
            ForwardedReply(
                status: 200, headers: [("x-amz-crc32", "1")],
                body: Once(ByteBuffer(string: Self.item)))
        }
        let answer = try await rig.get("a")
        #expect(answer.status == 500 && answer.code == "InternalServerError")
        #expect(answer.body.contains("damaged"))
        #expect(rig.count("GetItem") == 2)
    }
}
