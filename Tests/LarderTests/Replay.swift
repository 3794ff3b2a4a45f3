import Foundation
import TestSupport

@testable import Larder

/// A cache of keys alone: a policy, and the slot each key is in. It makes room before it adds, as
/// the store does.
struct Replay {
    let policy: any EvictionPolicy
    private let maxsize: Int
    private let maxbytes: Int
    private var slots: [UInt64: UInt32] = [:]
    private var entries: [(key: UInt64, size: Int)] = []
    private var free: [UInt32] = []
    private var bytes = 0
    private(set) var hits = 0
    private(set) var misses = 0

    var hitPercent: Double { 100 * Double(hits) / Double(hits + misses) }

    init(_ policy: Policy, maxsize: Int? = nil, maxbytes: Int? = nil) {
        self.policy = policy.make(maxsize: maxsize)
        self.maxsize = maxsize ?? .max
        self.maxbytes = maxbytes ?? .max
    }

    /// The replay of a whole trace.
    init(_ policy: Policy, maxsize: Int? = nil, maxbytes: Int? = nil, of trace: [Trace.Request]) {
        self.init(policy, maxsize: maxsize, maxbytes: maxbytes)
        for request in trace { self.request(request.key, size: request.size) }
    }

    /// Looks `key` up, and writes it where it is missing; too large an object is not kept.
    mutating func request(_ key: UInt64, size: Int = 1) {
        if let slot = slots[key] {
            hits += 1
            if policy.heedsHits { policy.touched([slot]) }
        } else {
            misses += 1
            policy.missed()
            if size <= maxbytes { insert(key, size) }
        }
    }

    private mutating func insert(_ key: UInt64, _ size: Int) {
        while slots.count + 1 > maxsize || bytes + size > maxbytes { evict() }
        let slot = free.popLast() ?? UInt32(entries.count)
        if slot == entries.count { entries.append((key, size)) }
        entries[Int(slot)] = (key, size)
        slots[key] = slot
        bytes += size
        policy.added(slot, hash: key)
    }

    private mutating func evict() {
        let slot = policy.next()
        let entry = entries[Int(slot)]
        slots[entry.key] = nil
        bytes -= entry.size
        free.append(slot)
        policy.removed(slot, evicted: true)
    }
}

extension EvictionPolicy {
    func touched(_ slots: [UInt32]) { slots.withUnsafeBufferPointer { touched($0) } }
}

/// What was asked for, in order.
enum Trace {
    struct Request {
        var key: UInt64
        var size = 1
    }

    /// Public traces, which are not part of the project: beside it, or absent.
    static let folder = packageRoot.deletingLastPathComponent().appending(path: "shared/data")
    static let isThere = FileManager.default.fileExists(atPath: folder.path)

    /// The trace `gli` of the LIRS paper: one key a line.
    static let gli: [Request] = {
        let file = folder.appending(path: "gli.trace.gz").path
        return try! run(["gzip", "-dc", file]).output.split(whereSeparator: \.isNewline)
            .compactMap { UInt64($0) }.map { Request(key: $0) }
    }()

    /// A block trace from libCacheSim: 24-byte records of time, key, size and next access.
    static let cloudPhysics: [Request] = {
        let file = folder.appending(path: "cloudPhysicsIO.oracleGeneral.bin")
        return try! Data(contentsOf: file).withUnsafeBytes { data in
            stride(from: 0, to: data.count, by: 24).map { record in
                Request(
                    key: data.loadUnaligned(fromByteOffset: record + 4, as: UInt64.self),
                    size: Int(data.loadUnaligned(fromByteOffset: record + 12, as: UInt32.self)))
            }
        }
    }()

    /// 0 through `last`, over and over.
    static func cycle(through last: UInt64, requests: Int) -> [Request] {
        (0..<UInt64(requests)).map { Request(key: $0 % (last + 1)) }
    }

    static let loop = cycle(through: 1010, requests: 505_500)
    static let scan = cycle(through: 2000, requests: 50_025)

    /// 250 keys, some much more popular than others, and every 5,000 requests all have moved on.
    static let drift: [Request] = {
        var x: UInt64 = 1
        return (0..<60_000).map { number in
            x = x &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let r = (x >> 33) % 1000
            return Request(key: r * r / 4000 + UInt64(number) / 5000 * 100)
        }
    }()

    /// Popularity by rank, the same all the time.
    static let zipf: [Request] = {
        var (random, sum, sums) = (Seeded(1), 0.0, [Double]())
        for rank in 1...5000 {
            sum += pow(Double(rank), -0.9)
            sums.append(sum)
        }
        return (0..<50_000).map { _ in
            let drawn = Double.random(in: 0..<sum, using: &random)
            var (low, high) = (0, sums.count - 1)
            while low < high {
                let middle = (low + high) / 2
                if sums[middle] < drawn { low = middle + 1 } else { high = middle }
            }
            return Request(key: UInt64(low))
        }
    }()

    /// One request in five is new; the others come back soon, the sooner the likelier.
    static let recent: [Request] = {
        var (random, asked) = (Seeded(2), [UInt64]())
        for number in 0..<60_000 as Range<UInt64> {
            let back = 1 + Int(-log(1 - Double.random(in: 0..<1, using: &random)) * 300)
            let isNew = back > asked.count || Int.random(in: 0..<5, using: &random) == 0
            asked.append(isNew ? number : asked[asked.count - back])
        }
        return asked.map { Request(key: $0) }
    }()

    /// Any of 400 keys, one of which gives way to a new one every 20 requests.
    static let sliding: [Request] = {
        var random = Seeded(3)
        return (0..<60_000 as Range<UInt64>).map {
            Request(key: $0 / 20 + UInt64.random(in: 0..<400, using: &random))
        }
    }()
}
