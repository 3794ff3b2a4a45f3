import Foundation
import Larder
import LarderAWS
import LarderInspector
import LarderTesting
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import LarderGateway

/// A table that is eventually consistent, as DynamoDB's usual reads are: one of those may bring any
/// version that was the newest within the last five seconds.
private final class EventualTable: Sendable {
    /// What one write left behind.
    struct Version {
        var number: Int
        var isDeletion: Bool
        var at: AgeInstant
    }

    private struct State {
        var items: [String: [Version]] = [:]
        var random: Seeded
        var reads = (usual: 0, consistent: 0)
    }

    private static let lag = Duration.milliseconds(4999)
    private let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(random: Seeded(seed))) }

    /// How many items were read in the usual way, and how many strongly consistent.
    var reads: (usual: Int, consistent: Int) { state.withLock { $0.reads } }

    func versions(_ id: String) -> [Version] { state.withLock { $0.items[id] ?? [] } }

    /// A number for a moment's pause, so that requests overtake each other.
    func pauses() -> Int { state.withLock { Int.random(in: 0...3, using: &$0.random) } }

    func write(_ id: String, _ number: Int, isDeletion: Bool = false, at now: AgeInstant) {
        state.withLock {
            $0.items[id, default: []].append(
                Version(number: number, isDeletion: isDeletion, at: now))
        }
    }

    /// As DynamoDB writes it; `nil` where there is none.
    func read(_ id: String, isConsistent: Bool, at now: AgeInstant) -> String? {
        state.withLock { state in
            let all = state.items[id] ?? []
            var place = all.count - 1
            while !isConsistent, place >= 0, now - all[place].at < Self.lag,
                Bool.random(using: &state.random)
            {
                place -= 1
            }
            if isConsistent { state.reads.consistent += 1 } else { state.reads.usual += 1 }
            guard place >= 0, !all[place].isDeletion else { return nil }
            return #"{"id":{"S":"\#(id)"},"v":{"N":"\#(all[place].number)"}}"#
        }
    }

    /// Answers what the gateway passes on.
    func answer(_ request: ForwardedRequest, at now: () -> AgeInstant) async throws
        -> ForwardedReply
    {
        let input = try #require(JSONPart(Array(request.body.readableBytesView)))
        for _ in 0..<pauses() { await Task.yield() }
        let body = try apply(request.operation, input, at: now())
        for _ in 0..<pauses() { await Task.yield() }
        return reply(body)
    }

    private func apply(_ operation: String, _ input: JSONPart, at now: AgeInstant) throws -> String
    {
        func id(_ key: JSONPart?) throws -> String { try #require(key?["id"]?["S"]?.text) }
        func number(_ part: JSONPart?) throws -> Int {
            try #require(part?["N"]?.text.flatMap { Int($0) })
        }
        switch operation {
        case "GetItem":
            let item = read(
                try id(input["Key"]), isConsistent: input["ConsistentRead"]?.bool ?? false, at: now)
            return item.map { "{\"Item\":\($0)}" } ?? "{}"
        case "BatchGetItem":
            let part = try #require(input["RequestItems"]?["orders"])
            let isConsistent = part["ConsistentRead"]?.bool ?? false
            let items = try #require(part["Keys"]?.items).compactMap {
                read(try id($0), isConsistent: isConsistent, at: now)
            }
            return
                #"{"Responses":{"orders":[\#(items.joined(separator: ","))]},"UnprocessedKeys":{}}"#
        case "PutItem":
            write(try id(input["Item"]), try number(input["Item"]?["v"]), at: now)
        case "UpdateItem":
            let values = input["ExpressionAttributeValues"]
            write(try id(input["Key"]), try number(values?[":v"]), at: now)
        case "DeleteItem":
            let values = input["ExpressionAttributeValues"]
            write(try id(input["Key"]), try number(values?[":v"]), isDeletion: true, at: now)
        case "BatchWriteItem":
            for request in try #require(input["RequestItems"]?["orders"]?.items) {
                let item = request["PutRequest"]?["Item"]
                write(try id(item), try number(item?["v"]), at: now)
            }
        case "TransactWriteItems":
            for action in try #require(input["TransactItems"]?.items) {
                let item = action["Put"]?["Item"]
                write(try id(item), try number(item?["v"]), at: now)
            }
        case "ExecuteStatement":
            let values = try #require(input["Parameters"]?.items)
            write(try #require(values[1]["S"]?.text), try number(values[0]), at: now)
        default: throw Failure("\(operation) is not in the script")
        }
        return "{}"
    }
}

@Suite(.timeLimit(.minutes(5))) struct `Reads of an eventually consistent table` {
    private static let items = ["a", "b", "c", "d"]
    /// Of all clients together: `LARDER_HAMMER=100000` for more by hand.
    private static let operations =
        ProcessInfo.processInfo.environment["LARDER_HAMMER"].flatMap { Int($0) } ?? 10_000
    private static let seed =
        ProcessInfo.processInfo.environment["LARDER_SEED"].flatMap { UInt64($0) } ?? 16

    /// The newest version of each item whose write had ended.
    private final class Ended: Sendable {
        private let places = Mutex<[String: Int]>([:])
        private let numbers = Atomic(0)

        /// For the next version of whatever item.
        func number() -> Int { numbers.add(1, ordering: .relaxed).newValue }
        func place(_ id: String) -> Int { places.withLock { $0[id] ?? 0 } }
        func mark(_ id: String, _ place: Int) {
            places.withLock { $0[id] = max($0[id] ?? 0, place) }
        }
    }

    @Test func `bring nothing older than any write through the gateway that had ended`()
        async throws
    {
        print("eventual: LARDER_SEED=\(Self.seed)")
        let (table, ended) = (EventualTable(seed: Self.seed), Ended())
        let clock = Guarded<(@Sendable () -> AgeInstant)?>(nil)
        let rig = Rig { request, _ in
            try await table.answer(request) { clock.withLock { $0!() } }
        }
        let age = rig.clock.neverWaking
        clock.withLock { $0 = { age.now() } }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for client in 0..<4 {
                group.addTask {
                    var random = Seeded(Self.seed &+ UInt64(client) &* 7919)
                    var hits = 0
                    for _ in 0..<Self.operations / 4 {
                        if Int.random(in: 0..<4, using: &random) == 0 {
                            rig.clock.advance(
                                by: .milliseconds(Int.random(in: 0..<4000, using: &random)))
                        }
                        if Int.random(in: 0..<16, using: &random) == 0 {
                            try await write(ended.number(), rig, table, ended, &random)
                        } else {
                            hits += try await read(rig, table, ended, &random)
                        }
                    }
                    return hits
                }
            }
            let hits = try await group.reduce(0, +)
            // It is a cache, and asks in both ways.
            let reads = table.reads
            #expect(hits > Self.operations / 5)
            #expect(reads.usual > Self.operations / 50 && reads.consistent > Self.operations / 50)
        }
    }

    private func write(
        _ number: Int, _ rig: Rig, _ table: EventualTable, _ ended: Ended, _ random: inout Seeded
    ) async throws {
        let ids = Array(Self.items.shuffled(using: &random).prefix(2))
        func item(_ id: String) -> String { #"{"id":{"S":"\#(id)"},"v":{"N":"\#(number)"}}"# }
        let value = #""ExpressionAttributeValues":{":v":{"N":"\#(number)"}}"#
        let key = #""TableName":"orders","Key":{"id":{"S":"\#(ids[0])"}}"#
        let several: Bool
        let (operation, body): (String, String)
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            (operation, body) = ("PutItem", #"{"TableName":"orders","Item":\#(item(ids[0]))}"#)
            several = false
        case 1:
            (operation, body) = ("UpdateItem", "{\(key),\(value)}")
            several = false
        case 2:
            (operation, body) = ("DeleteItem", "{\(key),\(value)}")
            several = false
        case 3:
            let puts = ids.map { #"{"PutRequest":{"Item":\#(item($0))}}"# }
            (operation, body) = (
                "BatchWriteItem", #"{"RequestItems":{"orders":[\#(puts.joined(separator: ","))]}}"#
            )
            several = true
        case 4:
            let puts = ids.map { #"{"Put":{"TableName":"orders","Item":\#(item($0))}}"# }
            (operation, body) = (
                "TransactWriteItems", #"{"TransactItems":[\#(puts.joined(separator: ","))]}"#
            )
            several = true
        default:
            (operation, body) = (
                "ExecuteStatement",
                #"{"Statement":"UPDATE orders SET v=? WHERE id=?","Parameters":[{"N":"\#(number)"},{"S":"\#(ids[0])"}]}"#
            )
            several = false
        }
        #expect(try await rig.call(operation, body).status == 200)
        for id in several ? ids : [ids[0]] {
            let place = table.versions(id).firstIndex { $0.number == number }
            ended.mark(id, try #require(place) + 1)
        }
    }

    /// How many items came from an entry.
    private func read(
        _ rig: Rig, _ table: EventualTable, _ ended: Ended, _ random: inout Seeded
    ) async throws -> Int {
        let ids =
            Int.random(in: 0..<4, using: &random) == 0
            ? Self.items : [Self.items.randomElement(using: &random)!]
        let ends = ids.map { ended.place($0) }
        let projection =
            Bool.random(using: &random) ? #","ProjectionExpression":"id,v""# : ""
        let answer: Rig.Answer
        var found: [String: Int] = [:]
        if ids.count == 1 {
            answer = try await rig.get(ids[0], projection)
            let item = JSONPart(Array(answer.body.utf8))?["Item"]
            found[ids[0]] = item?["v"]?["N"]?.text.flatMap { Int($0) }
        } else {
            let keys = ids.map { #"{"id":{"S":"\#($0)"}}"# }.joined(separator: ",")
            answer = try await rig.call(
                "BatchGetItem", #"{"RequestItems":{"orders":{"Keys":[\#(keys)]\#(projection)}}}"#)
            let items = JSONPart(Array(answer.body.utf8))?["Responses"]?["orders"]?.items
            for item in try #require(items) {
                found[try #require(item["id"]?["S"]?.text)] =
                    item["v"]?["N"]?.text.flatMap { Int($0) }
            }
        }
        #expect(answer.status == 200)
        for (id, end) in zip(ids, ends) {
            // Each version from the newest that had ended on is as good as the other.
            let good = table.versions(id).dropFirst(max(0, end - 1))
            let isGood =
                found[id].map { number in good.contains { $0.number == number && !$0.isDeletion } }
                ?? (end == 0 || good.contains { $0.isDeletion })
            #expect(isGood, "\(id): \(found[id] ?? 0) of \(good) by \(answer.cache ?? "")")
        }
        return answer.cache == "hit" ? 1 : 0
    }
}
