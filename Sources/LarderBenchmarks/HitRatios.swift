import Larder

extension Figure {
    static let hitRatios: [Figure] = Trace.names.flatMap { trace in
        (Policy.names + ["lfu-age=none"]).flatMap { policy in
            Trace.sizes(of: trace).map { hitRatio(trace, policy, $0) }
        }
    }

    /// A hit ratio at a bound that is not listed: `hitratio.gli.lru.300`.
    static func hitRatio(id: String) -> Figure? {
        let parts = id.split(separator: ".").map(String.init)
        guard parts.count == 4, parts[0] == "hitratio", Trace.names.contains(parts[1]),
            Policy(written(parts[2])) != nil,
            let size = Int(parts[3].hasSuffix("m") ? String(parts[3].dropLast()) : parts[3])
        else { return nil }
        return hitRatio(parts[1], parts[2], size)
    }

    /// In an id, what a policy takes stands behind a dash: ids have commas between them.
    private static func written(_ policy: String) -> String {
        policy.replacing("-", with: ",")
    }

    private static func hitRatio(_ name: String, _ policy: String, _ size: Int) -> Figure {
        let isBytes = name == "cloudphysics"
        return Figure(
            id: "hitratio.\(name).\(policy).\(size)\(isBytes ? "m" : "")", unit: "%",
            about:
                "hits of all look-ups, \(name) through \(policy), \(size)\(isBytes ? " MiB" : "")",
            rounds: 1
        ) { bench in
            // Random choices are made by a seed, so that the figure is the same in every run.
            let rule = Policy(policy == "rr" ? "rr,seed=1" : written(policy))!
            let trace = try Trace(name, data: bench.data)
            if let bytes = trace.bytes {
                let ratio = try hitRatio(trace.keys, bytes, rule, maxbytes: size << 20)
                return [.ours { ratio }]
            }
            let ratio = try hitRatio(trace.keys, rule, maxsize: size)
            let keys = trace.keys.map(String.init).joined(separator: " ")
            return [.ours { ratio }] + bench.peers("trace \(policy) \(size) \(keys)")
        }
    }

    private static func hitRatio(_ keys: [Int], _ policy: Policy, maxsize: Int) throws -> Double? {
        let cache: Cache<Int, Int> = try makeCache(maxsize: maxsize, ttl: nil, policy: policy)
        for key in keys where cache.cached(key) == nil { cache.insert(key, for: key) }
        return cache.snapshot().counters.hitRatio.map { $0 * 100 }
    }

    /// - Parameter bytes: What each entry is to count for, all in all.
    private static func hitRatio(
        _ keys: [Int], _ bytes: [Int], _ policy: Policy, maxbytes: Int
    ) throws -> Double? {
        let cache: Cache<Int, Blob> = try makeCache(
            maxsize: nil, ttl: nil, policy: policy, maxbytes: maxbytes)
        let own = try ownBytes()
        for (key, bytes) in zip(keys, bytes) where cache.cached(key) == nil {
            cache.insert(Blob(heapBytes: bytes - own), for: key)
        }
        return cache.snapshot().counters.hitRatio.map { $0 * 100 }
    }

    /// What the engine counts for an entry that owns nothing.
    private static func ownBytes() throws -> Int {
        let cache: Cache<Int, Blob> = try makeCache(maxsize: 1, ttl: nil)
        cache.insert(Blob(heapBytes: 0), for: 0)
        return cache.snapshot().bytes
    }
}

/// A value that says it owns so many bytes.
private struct Blob: ByteSized {
    var heapBytes: Int
}
