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

@Suite struct `Writes through the gateway` {
    private static let item = #"{"Item":{"id":{"S":"a"}}}"#
    private let rig = Rig { request, _ in
        request.operation == "GetItem" ? reply(item) : reply("{}")
    }

    /// What a write to the item `a` of `orders` may look like.
    private static let writes: [(String, String)] = [
        ("PutItem", #"{"TableName":"orders","Item":{"v":{"N":"1"},"id":{"S":"a"}}}"#),
        ("UpdateItem", #"{"TableName":"orders","Key":{"id":{"S":"a"}},"UpdateExpression":"x"}"#),
        ("DeleteItem", #"{"TableName":"orders","Key":{"id":{"S":"\u0061"}}}"#),
        (
            "BatchWriteItem",
            #"{"RequestItems":{"orders":[{"PutRequest":{"Item":{"id":{"S":"a"}}}}]}}"#
        ),
        (
            "BatchWriteItem",
            #"{"RequestItems":{"others":[],"orders":[{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}]}}"#
        ),
        (
            "TransactWriteItems",
            #"{"TransactItems":[{"Put":{"TableName":"orders","Item":{"id":{"S":"a"}}}}]}"#
        ),
        (
            "TransactWriteItems",
            #"{"TransactItems":[{"ConditionCheck":{}},{"Delete":{"TableName":"arn:aws:dynamodb:us-east-1:123456789012:table/orders","Key":{"id":{"S":"a"}}}}]}"#
        ),
        ("ExecuteStatement", #"{"Statement":"UPDATE \"orders\" SET v=1 WHERE id='a'"}"#),
        ("ExecuteStatement", #"{"Statement":"DELETE FROM \u006frders WHERE id='a'"}"#),
        ("ExecuteStatement", #"{"Statement":"-- x\nINSERT INTO orders VALUE {}"}"#),
        (
            "BatchExecuteStatement",
            #"{"Statements":[{"Statement":"SELECT * FROM x"},{"Statement":"UPDATE orders SET v=1"}]}"#
        ),
        (
            "ExecuteTransaction",
            #"{"TransactStatements":[{"Statement":"DELETE FROM orders WHERE id='a'"}]}"#
        ),
        ("StartBulkPutItems", #"{"Tables":[{"Name":"orders"}]}"#),
        ("DeleteTable", #"{"TableName":"orders"}"#),
        ("UpdateTable", #"{"TableName":"orders"}"#),
        ("RestoreTableFromBackup", #"{"TargetTableName":"orders"}"#),
        ("CancelBulkOperation", #"{"Id":"1"}"#),
        // What is not understood is a write to whatever it may be one to.
        ("PutItem", #"{"TableName":"orders","TableName":"orders","Item":{"id":{"S":"a"}}}"#),
        ("PutItem", #"{"TableName":"orders","Item":{"id":{"N":"a"}}}"#),
        ("TransactWriteItems", #"{"TransactItems":[{"Upsert":{"TableName":"orders"}}]}"#),
        ("PurgeTables", "{}"),
    ]

    @Test(arguments: writes)
    func `of every kind end what is held of the item, in all its forms`(
        operation: String, body: String
    ) async throws {
        let projection = #","ProjectionExpression":"id""#
        for _ in 0..<2 {
            _ = try await rig.get("a")
            _ = try await rig.get("a", projection)
        }
        #expect(rig.count("GetItem") == 2)
        #expect(try await rig.call(operation, body).cache == "pass")
        #expect(try await rig.get("a").cache == "miss")
        #expect(try await rig.get("a", projection).cache == "miss")
    }

    @Test func `by others, as the table's stream tells of them, end all forms of the item`()
        async throws
    {
        let projection = #","ProjectionExpression":"id""#
        for key in ["a", "b"] {
            _ = try await rig.get(key)
            _ = try await rig.get(key, projection)
        }
        let actor = StreamFollower.operators("orders").wrote
        let key: [Verbatim: AttributeValue] = [Verbatim("id"): .string("a")]
        rig.face.wrote(key.json, of: "orders", by: actor)
        rig.face.wrote(key.json, of: "others", by: actor)
        #expect(try await rig.get("a").cache == "miss")
        #expect(try await rig.get("a", projection).cache == "miss")
        #expect(try await rig.get("b").cache == "hit")
        // What is fetched now sees the write.
        #expect(rig.upstream.body(rig.upstream.requests.count - 1).contains("ConsistentRead"))
        let events = try await rig.inspector.events(in: "orders", after: 0, limit: 100).events
        let by = Set(events.compactMap { $0.by?.description })
        #expect(by == ["stream of orders"])
        rig.face.wroteAnything(to: "orders", by: StreamFollower.operators("orders").missed)
        #expect(try await rig.get("b").cache == "miss")
    }

    @Test func `to one item leave the others`() async throws {
        for key in ["a", "b"] { _ = try await rig.get(key) }
        try await rig.call("DeleteItem", #"{"TableName":"orders","Key":{"id":{"S":"a"}}}"#)
        #expect(try await rig.get("b").cache == "hit")
    }

    @Test(arguments: [
        ("Query", "{\"TableName\":\"orders\"}"), ("Scan", "{\"TableName\":\"orders\"}"),
        ("ExecuteStatement", #"{"Statement":" select * from orders"}"#),
        ("DescribeTable", "{\"TableName\":\"orders\"}"), ("ListTables", "{}"),
        ("TransactGetItems", "{}"),
        (
            "BatchWriteItem",
            #"{"RequestItems":{"others":[{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}]}}"#
        ),
        ("ExecuteStatement", #"{"Statement":"DELETE FROM others WHERE id='a'"}"#),
    ])
    func `are not what reads are, or writes to another table`(operation: String, body: String)
        async throws
    {
        _ = try await rig.get("a")
        #expect(try await rig.call(operation, body).cache == "pass")
        #expect(try await rig.get("a").cache == "hit")
    }

    @Test func `are followed by reads that cannot miss them, for five seconds`() async throws {
        rig.clock.advance(by: .seconds(5))
        _ = try await rig.get("b")
        rig.clock.advance(by: .seconds(5))
        _ = try await rig.get("a")
        #expect(!rig.upstream.body(1).contains("ConsistentRead"))
        try await rig.call("DeleteItem", #"{"TableName":"orders","Key":{"id":{"S":"a"}}}"#)
        rig.clock.advance(by: .milliseconds(4999))
        _ = try await rig.get("a")
        #expect(rig.upstream.body(3).contains(#""ConsistentRead":true"#))
        try await rig.call("DeleteItem", #"{"TableName":"orders","Key":{"id":{"S":"a"}}}"#)
        rig.clock.advance(by: .seconds(5))
        _ = try await rig.get("a")
        #expect(!rig.upstream.body(5).contains("ConsistentRead"))
    }

    @Test func `are expected in a table that nobody has looked at before`() async throws {
        let rig = Rig { _, _ in reply(Self.item) }
        _ = try await rig.get("a")
        #expect(rig.upstream.body(0).contains(#""ConsistentRead":true"#))
    }

    @Test func `that end while an item is fetched have what it brings not kept`() async throws {
        let gate = Gate()
        let rig = Rig { request, _ in
            if request.operation == "GetItem" { try await gate.pass() }
            return reply(request.operation == "GetItem" ? Self.item : "{}")
        }
        async let old = rig.get("a")
        try await gate.arrivals(atLeast: 1)
        try await rig.call("PutItem", #"{"TableName":"orders","Item":{"id":{"S":"a"}}}"#)
        // Whoever asks after the write does not wait for what was asked before it.
        async let new = rig.get("a")
        try await gate.arrivals(atLeast: 2)
        gate.open()
        #expect(try await old.cache == "miss")
        #expect(try await new.cache == "miss")
        #expect(rig.count("GetItem") == 2)
        #expect(try await rig.get("a").cache == "hit")
    }

    @Test func `under way have what is fetched meanwhile not kept`() async throws {
        let (reading, writing) = (Gate(), Gate())
        let rig = Rig { request, _ in
            switch request.operation {
            case "GetItem":
                try await reading.pass()
                return reply(Self.item)
            default:
                try await writing.pass()
                return reply("{}")
            }
        }
        async let write = rig.call(
            "PutItem", #"{"TableName":"orders","Item":{"id":{"S":"a"}}}"#)
        try await writing.arrivals(atLeast: 1)
        async let read = rig.get("a")
        try await reading.arrivals(atLeast: 1)
        writing.open()
        _ = try await write
        reading.open()
        _ = try await read
        #expect(try await rig.get("a").cache == "miss")
    }

    @Test func `whose outcome nobody knows count as written`() async throws {
        let rig = Rig { request, _ in
            guard request.operation == "GetItem" else { throw Failure("the connection was cut") }
            return reply(Self.item)
        }
        rig.clock.advance(by: .seconds(10))
        _ = try await rig.get("a")
        rig.clock.advance(by: .seconds(10))
        let answer = try await rig.call(
            "PutItem", #"{"TableName":"orders","Item":{"id":{"S":"a"}}}"#)
        #expect(answer.status == 500 && answer.code == "InternalServerError")
        #expect(rig.count("PutItem") == 1)
        #expect(try await rig.get("a").cache == "miss")
        #expect(rig.upstream.body(2).contains("ConsistentRead"))
    }

    @Test func `go on to their end though their sender has gone`() async throws {
        let gate = Gate()
        let rig = Rig { request, _ in
            guard request.operation == "GetItem" else {
                try await gate.pass()
                return reply("{}")
            }
            return reply(Self.item)
        }
        _ = try await rig.get("a")
        let write = Task {
            try await rig.call("PutItem", #"{"TableName":"orders","Item":{"id":{"S":"a"}}}"#)
        }
        try await gate.arrivals(atLeast: 1)
        write.cancel()
        _ = try await rig.get("a")
        #expect(try await rig.get("a").cache == "hit")
        gate.open()
        _ = try await write.value
        #expect(try await rig.get("a").cache == "miss")
    }

    @Test func `of a table's own have the names of its keys learned anew`() async throws {
        _ = try await rig.get("a")
        try await rig.call("DeleteTable", #"{"TableName":"orders"}"#)
        let other = #"{"TableName":"orders","Key":{"pk":{"N":"1"}}}"#
        #expect(try await rig.call("GetItem", other).cache == "miss")
        #expect(try await rig.call("GetItem", other).cache == "hit")
        #expect(try await rig.get("a").cache == "pass")
    }
}
