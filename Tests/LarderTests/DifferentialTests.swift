import Foundation
import Larder
import TestSupport
import Testing

@testable import Larder

/// The engine beside the real cachetools, over random operations.
///
/// It differs on purpose where cachetools
/// - purges what has expired while it is read (`len`, `currsize`): here reading removes nothing;
/// - shows what has expired to an iterator that was suspended before;
/// - keeps an older value beside a newer one that is too large, or has ended already: here none is
///   kept, since the older is known to be wrong;
/// - makes room for a growing value as if the older were to stay, and so evicts too much.
///
/// The first two cannot be seen from outside a single operation; for the others the peer is helped.
@Suite struct DifferentialTests {
    private static let python = packageRoot.appending(path: ".venv/bin/python").path
    static let hasPeer = FileManager.default.isExecutableFile(atPath: python)

    private struct Value: Codable {
        var number: Int
        var size: Int
        var life: Int
    }

    private enum Operation: Encodable {
        case write(Int, Value)
        case look(Int)
        case delete(Int)
        case clear
        case expire
        case advance(Int)

        func encode(to encoder: any Encoder) throws {
            var list = encoder.unkeyedContainer()
            switch self {
            case .write(let key, let value):
                try list.encode("write")
                try list.encode(key)
                try list.encode(value)
            case .look(let key):
                try list.encode("look")
                try list.encode(key)
            case .delete(let key):
                try list.encode("delete")
                try list.encode(key)
            case .clear: try list.encode("clear")
            case .expire: try list.encode("expire")
            case .advance(let seconds):
                try list.encode("advance")
                try list.encode(seconds)
            }
        }
    }

    private struct Run: Encodable {
        var policy: String
        var maxsize: Int
        var ttl: Int
        var sized: Bool
        var operations: [Operation]

        init(_ policy: String, count: Int, using random: inout Seeded) {
            self.policy = policy
            sized = Bool.random(using: &random)
            maxsize = Int.random(in: 1...12, using: &random)
            ttl = Int.random(in: 1...20, using: &random)
            let keys = 2 * maxsize
            operations = (1...count).map { number in
                let key = Int.random(in: 0..<keys, using: &random)
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<45:
                    let value = Value(
                        number: number, size: Int.random(in: 1...5, using: &random),
                        life: Int.random(in: 0...15, using: &random))
                    return .write(key, value)
                case 45..<80: return .look(key)
                case 80..<88: return .delete(key)
                case 88: return .clear
                case 89..<92: return .expire
                default: return .advance(Int.random(in: 0...4, using: &random))
                }
            }
        }
    }

    private struct Step: Decodable {
        var result: Int?
        var live: [String: Int]

        init(from decoder: any Decoder) throws {
            var pair = try decoder.unkeyedContainer()
            if let truth = try? pair.decode(Bool.self) {
                result = truth ? 1 : 0
            } else {
                result = try pair.decode(Int?.self)
            }
            live = try pair.decode([String: Int].self)
        }
    }

    private struct Transcript: Decodable {
        var steps: [Step]
        var order: [Int]
    }

    /// An entry takes so many bytes for each unit of its size in the peer.
    private static let unit = 1000

    private struct Ours {
        let clock = HandClock()
        let run: Run
        let cache: Cache<Int, Loaf>
        let overhead: Int

        init(_ run: Run, shardBits: UInt32) {
            self.run = run
            var configuration = Configuration(
                maxsize: run.sized ? nil : run.maxsize,
                maxbytes: run.sized ? run.maxsize * DifferentialTests.unit : nil,
                ttl: run.policy == "ttl" ? .seconds(run.ttl) : nil)
            if run.policy == "fifo" { configuration.policy = .fifo }
            var lifetime: (@Sendable (Int, Loaf) -> Duration?)?
            if run.policy == "tlru" { lifetime = { _, loaf in .seconds(loaf.number & 15) } }
            cache = Cache(
                "ours", configuration, lifetime: lifetime, clock: clock.neverWaking,
                shardBits: shardBits
            ) { _ in throw Refused() }
            let traits = Traits<Int, Loaf>(lifetime: lifetime)
            overhead = traits.bytes(0, Loaf(number: 0))
        }

        func perform(_ operation: Operation) -> Int? {
            switch operation {
            case .write(let key, let value):
                let heap = value.size * DifferentialTests.unit - overhead
                // The life stands in the lowest bits.
                let loaf = Loaf(number: value.number << 4 | value.life, heapBytes: heap)
                cache.insert(loaf, for: key)
                return nil
            case .look(let key): return cache.cached(key).map { $0.number >> 4 }
            case .delete(let key): return cache.invalidate(key) == .absent ? 0 : 1
            case .clear:
                let live = live.count
                cache.invalidateAll()
                return live
            case .expire:
                cache.expire()
                return nil
            case .advance(let seconds):
                clock.advance(by: .seconds(seconds))
                return nil
            }
        }

        var live: [String: Int] {
            var live: [String: Int] = [:]
            let now = clock.now
            cache.survey { key, facts in if now < facts.deadline { live["\(key)"] = 0 } }
            for key in live.keys { live[key] = cache.peek(Int(key)!)!.value.number >> 4 }
            return live
        }
    }

    @Test(.enabled(if: hasPeer), arguments: ["fifo", "lru", "ttl", "tlru"])
    func `the engine does as cachetools does`(policy: String) throws {
        var random = Seeded(UInt64(policy.utf8.reduce(7) { $0 * 31 + Int($1) }))
        for _ in 0..<max(1, drive.seeds / 10) {
            let runs = (0..<10).map { _ in
                Run(policy, count: min(drive.operations, 5000) / 2, using: &random)
            }
            let input = String(decoding: try JSONEncoder().encode(runs), as: UTF8.self)
            let script = packageRoot.appending(path: "Tests/Peers/cachetools_runs.py").path
            let ran = try TestSupport.run([Self.python, script], input: input)
            try #require(ran.status == 0, "\(ran.errors)")
            let theirs = try JSONDecoder().decode([Transcript].self, from: Data(ran.output.utf8))
            try #require(theirs.count == runs.count)
            for (number, (run, their)) in zip(runs, theirs).enumerated() {
                try compare(run, their, shardBits: [0, 3][number % 2])
            }
        }
    }

    private func compare(_ run: Run, _ their: Transcript, shardBits: UInt32) throws {
        let ours = Ours(run, shardBits: shardBits)
        for (place, (operation, step)) in zip(run.operations, their.steps).enumerated() {
            let result = ours.perform(operation)
            let comment: Comment =
                "\(run.policy), maxsize \(run.maxsize), sized \(run.sized), operation \(place): \(operation)"
            try #require(result == step.result, comment)
            try #require(ours.live == step.live, comment)
        }
        #expect(ours.cache.order == their.order)
        ours.cache.checkInvariants()
    }
}
