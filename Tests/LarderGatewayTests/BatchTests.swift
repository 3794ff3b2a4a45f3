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

@Suite struct `Batches of items` {
    /// Answers with an item for each key asked for, but for those that begin with `no`, and leaves out
    /// those that begin with `later`.
    private static func answer(_ request: ForwardedRequest) -> ForwardedReply {
        let input = JSONPart(Array(request.body.readableBytesView))!
        guard request.operation == "BatchGetItem" else {
            return reply("{\"Item\":\(String(decoding: input["Key"]!.raw, as: UTF8.self))}")
        }
        var (responses, left): ([Shown.Field], [Shown.Field]) = ([], [])
        for table in input["RequestItems"]!.members! {
            let keys = table.value["Keys"]!.items!.map { try! Shown(json: Array($0.raw)) }
            func begins(_ key: Shown, _ text: String) -> Bool {
                guard case .text(let id)? = key["id"]?["S"] else { return false }
                return id.hasPrefix(text)
            }
            responses.append(
                .init(
                    table.name,
                    .list(keys.filter { !begins($0, "no") && !begins($0, "later") })))
            let later = keys.filter { begins($0, "later") }
            if !later.isEmpty { left.append(.init(table.name, ["Keys": .list(later)])) }
        }
        return reply(
            Shown.fields([
                .init("Responses", .fields(responses)), .init("UnprocessedKeys", .fields(left)),
            ]).json)
    }

    private let rig = Rig { request, _ in answer(request) }

    private func ask(
        _ keys: [String], table: String = "orders", _ more: String = "", _ beside: String = ""
    ) async throws -> Rig.Answer {
        let list = keys.map { "{\"id\":{\"S\":\"\($0)\"}}" }.joined(separator: ",")
        return try await rig.call(
            "BatchGetItem",
            "{\"RequestItems\":{\"\(table)\":{\"Keys\":[\(list)]\(more)}}\(beside)}")
    }

    private func ids(_ answer: Rig.Answer, _ table: String = "orders") throws -> [String] {
        let json = try Shown(json: Array(answer.body.utf8))
        guard case .list(let items)? = json["Responses"]?[table] else { return [] }
        return items.compactMap {
            guard case .text(let id)? = $0["id"]?["S"] else { return nil }
            return id
        }
    }

    @Test func `are asked for what is not held, and answered with both`() async throws {
        rig.clock.advance(by: .seconds(10))
        _ = try await rig.get("a")
        rig.clock.advance(by: .seconds(10))
        let first = try await ask(["a", "b", "no"])
        #expect(try ids(first) == ["a", "b"] && first.cache == "miss")
        #expect(
            rig.upstream.body(1)
                == #"{"RequestItems":{"orders":{"Keys":[{"id":{"S":"b"}},{"id":{"S":"no"}}]}}}"#)
        let second = try await ask(["no", "b", "a"])
        #expect(try ids(second) == ["b", "a"] && second.cache == "hit")
        #expect(try await rig.get("b").cache == "hit")
        #expect(try await rig.get("no").body == "{}")
        #expect(rig.upstream.requests.count == 2)
    }

    @Test func `keep nothing of what was not processed`() async throws {
        let answer = try await ask(["a", "later"])
        #expect(
            answer.body.contains(#""UnprocessedKeys":{"orders":{"Keys":[{"id":{"S":"later"}}]}}"#))
        _ = try await ask(["a", "later"])
        #expect(rig.upstream.body(1).contains(#""Keys":[{"id":{"S":"later"}}]"#))
    }

    @Test func `that are odd go on whole`() async throws {
        _ = try await rig.get("a")
        for (keys, more, beside) in [
            (["a", "a"], "", ""), ([], "", ""), (["a"], ",\"ConsistentRead\":true", ""),
            (["a"], ",\"AttributesToGet\":[\"id\"]", ""), (["a"], "", ",\"Foo\":1"),
            ((0...100).map { "k\($0)" }, "", ""),
        ] {
            #expect(try await ask(keys, more, beside).cache == "pass")
        }
    }

    @Test func `with a projection that leaves the key out are not kept`() async throws {
        let rig = Rig { request, _ in
            request.operation == "BatchGetItem"
                ? reply(#"{"Responses":{"orders":[{"v":{"N":"1"}}]},"UnprocessedKeys":{}}"#)
                : reply("{}")
        }
        for _ in 0..<2 {
            let answer = try await rig.call(
                "BatchGetItem",
                #"{"RequestItems":{"orders":{"Keys":[{"id":{"S":"a"}},{"id":{"S":"b"}}],"ProjectionExpression":"v"}}}"#
            )
            #expect(answer.cache == "miss" && answer.body.contains(#"[{"v":{"N":"1"}}]"#))
        }
    }

    @Test func `of several tables are one request`() async throws {
        for _ in 0..<2 {
            let answer = try await rig.call(
                "BatchGetItem",
                #"{"RequestItems":{"orders":{"Keys":[{"id":{"S":"a"}}]},"others":{"Keys":[{"id":{"S":"b"}}]}}}"#
            )
            #expect(try ids(answer) == ["a"] && ids(answer, "others") == ["b"])
        }
        #expect(rig.upstream.requests.count == 1)
        #expect(Set(try await rig.inspector.report().caches.map(\.name)) == ["orders", "others"])
    }

    @Test func `that were asked for before a write ended are not kept`() async throws {
        let gate = Gate()
        let rig = Rig { request, _ in
            if request.operation == "BatchGetItem" { try await gate.pass() }
            return request.operation == "PutItem" ? reply("{}") : Self.answer(request)
        }
        _ = try await rig.get("x")
        async let batch = rig.call(
            "BatchGetItem",
            #"{"RequestItems":{"orders":{"Keys":[{"id":{"S":"a"}},{"id":{"S":"b"}}]}}}"#)
        try await gate.arrivals(atLeast: 1)
        try await rig.call("PutItem", #"{"TableName":"orders","Item":{"id":{"S":"a"}}}"#)
        gate.open()
        _ = try await batch
        #expect(try await rig.get("a").cache == "miss")
        #expect(try await rig.get("b").cache == "hit")
    }

    @Test func `tell the capacity of what was asked for, and none of the rest`() async throws {
        let rig = Rig { _, _ in
            reply(
                #"{"Responses":{"orders":[{"id":{"S":"a"}}]},"UnprocessedKeys":{},"ConsumedCapacity":[{"TableName":"orders","CapacityUnits":0.5}]}"#
            )
        }
        let body =
            #"{"RequestItems":{"orders":{"Keys":[{"id":{"S":"a"}}]}},"ReturnConsumedCapacity":"TOTAL"}"#
        #expect(try await rig.call("BatchGetItem", body).body.contains(#""CapacityUnits":0.5"#))
        #expect(try await rig.call("BatchGetItem", body).body.contains(#""CapacityUnits":0.0"#))
    }
}
