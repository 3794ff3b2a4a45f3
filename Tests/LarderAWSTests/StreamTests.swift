import Foundation
import Larder
import LarderInspector
import Logging
import Synchronization
import TestSupport
import Testing

@testable import LarderAWS

/// A table's streams in this process: shards that end and begin, iterators that expire, and faults.
private final class ScriptedStreams: Sendable {
    struct Shard {
        var id: String
        var stream: String
        var first = 0
        var records: [(number: Int, key: String)] = []
        var isClosed = false
    }

    struct State {
        /// The newest last.
        var streams: [String] = []
        var isEnabled = true
        var shards: [Shard] = []
        var written = 0
        /// By its text: the shard, and the number of the record that comes next.
        var iterators: [String: (shard: String, next: Int)] = [:]
        /// What the next calls are answered with instead.
        var faults: [(code: String, status: Int)] = []
        var calls: [String] = []
        var pieces = 1000
        /// A shard whose records nobody gets.
        var dead: String?
    }

    let state = Mutex(State())

    func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        state.withLock { body(&$0) }
    }

    func open(_ stream: String) {
        change { state in
            // One that is switched off takes no more.
            for place in state.shards.indices { state.shards[place].isClosed = true }
            state.streams.append(stream)
            state.isEnabled = true
            state.shards.append(Shard(id: "\(stream)-0", stream: stream, first: state.written))
        }
    }

    /// Writes an item, into any shard of the newest stream that takes records.
    func write(_ key: String) {
        change { state in
            let open = state.shards.indices.filter {
                !state.shards[$0].isClosed && state.shards[$0].stream == state.streams.last
            }
            guard let place = open.randomElement() else { return }
            state.shards[place].records.append((state.written, key))
            state.written += 1
        }
    }

    /// One shard ends, and two go on from it.
    func split() {
        change { state in
            guard let last = state.streams.last,
                let place = state.shards.indices.filter({
                    !state.shards[$0].isClosed && state.shards[$0].stream == last
                }).randomElement()
            else { return }
            state.shards[place].isClosed = true
            for _ in 0..<2 {
                state.shards.append(
                    Shard(
                        id: "\(last)-\(state.shards.count)", stream: last, first: state.written))
            }
        }
    }

    func answer(_ request: Upstream.Request) -> [Upstream.Step] {
        let target =
            request.head.split(separator: "\r\n")
            .first { $0.lowercased().hasPrefix("x-amz-target:") } ?? ""
        let operation = String(target.split(separator: ".").last ?? "")
        #expect(target.contains("DynamoDBStreams_20120810."))
        let input =
            (try? JSONSerialization.jsonObject(with: Data(request.body))) as? [String: Any] ?? [:]
        return change { state in
            state.calls.append(operation)
            if !state.faults.isEmpty {
                let (code, status) = state.faults.removeFirst()
                return [Self.refusal(code, status)]
            }
            guard let answer = Self.answer(operation, input, &state) else {
                return [Self.refusal("ResourceNotFoundException", 400)]
            }
            if let code = answer as? String { return [Self.refusal(code, 400)] }
            let json = try! JSONSerialization.data(withJSONObject: answer)
            return [reply("200 OK", [], String(decoding: json, as: UTF8.self))]
        }
    }

    private static func refusal(_ code: String, _ status: Int) -> Upstream.Step {
        reply("\(status) No", [], "{\"__type\":\"x#\(code)\",\"message\":\"no\"}")
    }

    private static func answer(
        _ operation: String, _ input: [String: Any], _ state: inout State
    ) -> Any? {
        switch operation {
        case "ListStreams":
            return [
                "Streams": state.streams.enumerated().map {
                    ["StreamArn": $1, "StreamLabel": String(format: "%06d", $0)]
                }
            ]
        case "DescribeStream":
            let stream = input["StreamArn"] as! String
            let all = state.shards.filter { $0.stream == stream }
            guard state.streams.contains(stream) else { return nil }
            // Two shards a page.
            let from = input["ExclusiveStartShardId"] as? String
            let place = from.map { id in all.firstIndex { $0.id == id }! + 1 } ?? 0
            let page = all[place..<min(place + 2, all.count)]
            let isNewest = stream == state.streams.last
            var told: [String: Any] = [
                "StreamStatus": isNewest && state.isEnabled ? "ENABLED" : "DISABLED",
                "Shards": page.map { shard -> [String: Any] in
                    var range = ["StartingSequenceNumber": "\(shard.first)"]
                    if shard.isClosed { range["EndingSequenceNumber"] = "\(state.written)" }
                    return ["ShardId": shard.id, "SequenceNumberRange": range]
                },
            ]
            if place + 2 < all.count { told["LastEvaluatedShardId"] = page.last!.id }
            return ["StreamDescription": told]
        case "GetShardIterator":
            let id = input["ShardId"] as! String
            guard let shard = state.shards.first(where: { $0.id == id }) else { return nil }
            let next =
                switch input["ShardIteratorType"] as! String {
                case "LATEST": state.written
                case "TRIM_HORIZON": shard.first
                default: Int(input["SequenceNumber"] as! String)! + 1
                }
            // What came behind that record is not kept any more.
            guard next >= shard.first else { return "TrimmedDataAccessException" }
            let iterator = "i\(state.iterators.count)"
            state.iterators[iterator] = (id, next)
            return ["ShardIterator": iterator]
        case "GetRecords":
            guard let (id, next) = state.iterators[input["ShardIterator"] as! String] else {
                return "ExpiredIteratorException"
            }
            if id == state.dead { return "InternalServerError" }
            guard let shard = state.shards.first(where: { $0.id == id }) else { return nil }
            guard next >= shard.first else { return "TrimmedDataAccessException" }
            let records = shard.records.filter { $0.number >= next }.prefix(state.pieces)
            let after = records.last.map { $0.number + 1 } ?? next
            let isAtEnd = shard.isClosed && (shard.records.last?.number ?? -1) < after
            var answer: [String: Any] = [
                "Records": records.map {
                    [
                        "dynamodb": [
                            "Keys": ["id": ["S": $0.key]], "SequenceNumber": "\($0.number)",
                        ]
                    ]
                }
            ]
            if !isAtEnd {
                let iterator = "i\(state.iterators.count)"
                state.iterators[iterator] = (id, after)
                answer["NextShardIterator"] = iterator
            }
            return answer
        default: return nil
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct `A table's stream` {
    /// What a follower told, and what it does at each of its pauses.
    private final class Rig: Sendable {
        let streams = ScriptedStreams()
        let told = Mutex<(keys: [String], gaps: Int)>(([], 0))
        private let upstream: Upstream
        private let pauses = Mutex(0)
        private let arn: String?

        init(arn: String? = nil) throws {
            self.arn = arn
            let box = Mutex<Upstream?>(nil)
            let streams = streams
            upstream = try Upstream { number in
                guard let upstream = box.withLock({ $0 }) else { return [.cut] }
                return streams.answer(upstream.requests[number])
            }
            box.withLock { $0 = upstream }
        }

        var keys: [String] { told.withLock { $0.keys } }
        var gaps: Int { told.withLock { $0.gaps } }

        /// Follows, and calls `at` at each pause with its number, until that says to end.
        func follow(
            _ at: @escaping @Sendable (_ pause: Int, _ length: Duration, StreamFollower) -> Bool
        ) async throws {
            defer { upstream.stop() }
            try await withClient(upstream.endpoint, credentials: canaries) { client in
                let box = Mutex<StreamFollower?>(nil)
                var logger = Logger(label: "test")
                logger.logLevel = .critical
                let follower = StreamFollower(
                    client, of: "orders", arn: arn,
                    [
                        .init(
                            wrote: { key in
                                guard case .string(let id)? = key[Verbatim("id")] else { return }
                                self.told.withLock { $0.keys.append(id) }
                            }, missed: { self.told.withLock { $0.gaps += 1 } })
                    ], logger: logger
                ) { length in
                    let pause = self.pauses.withLock { pauses in
                        pauses += 1
                        return pauses
                    }
                    guard at(pause, length, box.withLock { $0 }!) else {
                        withUnsafeCurrentTask { $0?.cancel() }
                        throw CancellationError()
                    }
                }
                box.withLock { $0 = follower }
                await Task { await follower.run() }.value
            }
        }
    }

    @Test func `tells what is written from now on, and that what was written before is not known`()
        async throws
    {
        let rig = try Rig()
        rig.streams.open("s")
        rig.streams.write("before")
        try await rig.follow { pause, _, follower in
            if pause == 1 {
                #expect(rig.gaps == 1 && rig.keys.isEmpty && follower.problem == nil)
                rig.streams.write("a")
                rig.streams.write("b")
            }
            if pause == 2 { #expect(rig.keys == ["a", "b"]) }
            return pause < 3
        }
        #expect(rig.keys == ["a", "b"] && rig.gaps == 1)
    }

    @Test func `goes on in the shards that follow one that ends`() async throws {
        let rig = try Rig()
        rig.streams.open("s")
        try await rig.follow { pause, _, _ in
            if pause == 1 {
                rig.streams.write("a")
                rig.streams.split()
                rig.streams.write("b")
                rig.streams.split()
                rig.streams.write("c")
            }
            return pause < 5
        }
        #expect(Set(rig.keys) == ["a", "b", "c"] && rig.gaps == 1)
    }

    @Test func `is asked for again where there was none, with longer pauses, and said why`()
        async throws
    {
        let rig = try Rig()
        try await rig.follow { pause, length, follower in
            if pause <= 3 {
                #expect(length == .seconds(1 << (pause - 1)))
                #expect(follower.problem?.hasPrefix("the table orders has no stream") == true)
            }
            if pause == 3 { rig.streams.open("s") }
            if pause == 4 {
                #expect(length == .seconds(1) && follower.problem == nil && rig.gaps == 1)
                rig.streams.write("a")
            }
            return pause < 5
        }
        #expect(rig.keys == ["a"])
    }

    @Test(arguments: ["ThrottlingException", "InternalServerError"])
    func `that does not answer for a while misses nothing`(code: String) async throws {
        let rig = try Rig()
        rig.streams.open("s")
        try await rig.follow { pause, length, follower in
            if pause == 1 {
                rig.streams.write("a")
                rig.streams.change {
                    $0.faults = Array(repeating: (code, code.hasPrefix("I") ? 500 : 400), count: 3)
                }
            }
            // It is asked again after one, two and four rounds; the others would be each second.
            #expect(length == .seconds(1))
            if (2...8).contains(pause) { #expect(follower.problem != nil && rig.keys.isEmpty) }
            if pause == 9 { #expect(follower.problem == nil && rig.keys == ["a"]) }
            return pause < 9
        }
        #expect(rig.keys == ["a"] && rig.gaps == 1)
    }

    @Test func `whose iterator expired is read on from the last record, or begun anew`()
        async throws
    {
        let rig = try Rig()
        rig.streams.open("s")
        try await rig.follow { pause, _, _ in
            switch pause {
            case 1:
                // Nothing was seen yet: what was written meanwhile nobody knows.
                rig.streams.write("lost")
                rig.streams.change { $0.iterators = [:] }
            case 2:
                #expect(rig.gaps == 2)
                rig.streams.write("a")
            case 3:
                rig.streams.write("b")
                rig.streams.change { $0.iterators = [:] }
            default: break
            }
            return pause < 6
        }
        #expect(rig.keys == ["a", "b"] && rig.gaps == 2)
    }

    @Test func `of another account's table of that name is not followed`() async throws {
        let rig = try Rig(arn: "arn:aws:dynamodb:us-east-1:222222222222:table/orders")
        rig.streams.open("arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/1")
        try await rig.follow { pause, _, follower in
            #expect(follower.problemWord == "no stream" && rig.gaps == 0)
            return pause < 2
        }
    }

    @Test func `whose last record is gone as well is begun anew, and that is told`() async throws {
        let rig = try Rig()
        rig.streams.open("s")
        try await rig.follow { pause, _, follower in
            switch pause {
            case 1: rig.streams.write("a")
            case 2:
                // The machine slept over a weekend: the iterator and a day's records are gone.
                rig.streams.write("lost")
                rig.streams.change { state in
                    state.iterators = [:]
                    state.shards[0].records = []
                    state.shards[0].first = state.written + 5
                    state.written += 5
                }
            case 3:
                #expect(rig.gaps == 2 && follower.problem == nil)
                rig.streams.write("b")
            default: break
            }
            return pause < 5
        }
        #expect(rig.keys == ["a", "b"] && rig.gaps == 2)
    }

    @Test func `of which one shard does not answer tells of the others`() async throws {
        let rig = try Rig()
        rig.streams.open("s")
        rig.streams.split()
        try await rig.follow { pause, _, _ in
            rig.streams.change { $0.dead = "s-1" }
            if pause == 1 {
                for number in 0..<20 { rig.streams.write("k\(number)") }
            }
            // A page a round would take ten.
            rig.streams.change { $0.pieces = 1 }
            return pause < 6
        }
        let told = rig.streams.change { state in
            state.shards.first { $0.id == "s-2" }!.records.map(\.key)
        }
        #expect(rig.keys == told && rig.gaps == 1)
    }

    @Test func `that was made anew is begun anew`() async throws {
        let rig = try Rig()
        rig.streams.open("s")
        try await rig.follow { pause, _, follower in
            switch pause {
            case 1:
                rig.streams.change {
                    $0.streams = []
                    $0.shards = []
                }
            case 2:
                #expect(follower.problem != nil)
                rig.streams.open("t")
            case 3: rig.streams.write("a")
            default: break
            }
            return pause < 6
        }
        #expect(rig.keys == ["a"] && rig.gaps == 2)
    }

    /// Whatever happens to it, each write is told of, or the gap in which it was.
    @Test(arguments: 0..<(5 as UInt64))
    func `under random splits, faults and expiries loses no write silently`(seed: UInt64)
        async throws
    {
        let rig = try Rig()
        rig.streams.open("s0")
        let random = Mutex(Seeded(seed))
        /// The number of gaps told at each write.
        let writes = Mutex<[String: Int]>([:])
        try await rig.follow { pause, _, _ in
            let roll = random.withLock { Int.random(in: 0..<100, using: &$0) }
            guard pause < 100 else { return pause < 140 }
            for number in 0..<(roll % 4) {
                let key = "k\(pause)-\(number)"
                let gaps = rig.gaps
                writes.withLock { $0[key] = gaps }
                rig.streams.write(key)
            }
            switch roll {
            case 0..<10: rig.streams.split()
            case 10..<20:
                rig.streams.change { $0.faults.append(("ThrottlingException", 400)) }
            case 20..<25: rig.streams.change { $0.iterators = [:] }
            case 25..<28:
                rig.streams.change { state in
                    for place in state.shards.indices { state.shards[place].first = state.written }
                    for place in state.shards.indices { state.shards[place].records = [] }
                }
            case 28..<31: rig.streams.open("s\(pause)")
            case 31..<40: rig.streams.change { $0.pieces = 1 }
            case 40..<50: rig.streams.change { $0.pieces = 1000 }
            default: break
            }
            return true
        }
        let (keys, gaps) = (Set(rig.keys), rig.gaps)
        for (key, before) in writes.withLock({ $0 }) {
            #expect(keys.contains(key) || gaps > before, "seed \(seed): \(key)")
        }
        #expect(keys.count > 20)
    }
}
