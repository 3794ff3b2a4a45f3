import Larder
import TestSupport
import Testing

@testable import Larder

/// Everything at once, on as many threads as there are: what is looked for is a crash, a race or a
/// contradiction, which the sanitizers and the cache's own checks would tell.
@Suite struct CrowdTests {
    @Test(arguments: [UInt32(0), 4], 1...3)
    func `hits, writes, changes and listings at once leave the cache consistent`(
        shardBits: UInt32, seed: UInt64
    ) async {
        let cache = Cache<String, String>(
            "crowd", CacheConfiguration(maxsize: 64, ttl: .seconds(60)), clock: .system,
            shardBits: shardBits
        ) { "value of \($0)" }
        let keys = (0..<100).map { "key number \($0)" }
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var random = Seeded(seed * 10 + UInt64(worker))
                    for _ in 0..<3000 {
                        let key = keys.randomElement(using: &random)!
                        switch Int.random(in: 0..<100, using: &random) {
                        case 0..<60: _ = cache.cached(key)
                        case 60..<75: cache.insert("value of \(key)", for: key)
                        case 75..<85:
                            let value = try? await cache.value(for: key)
                            #expect(value == "value of \(key)")
                        case 85..<89: cache.invalidate(key)
                        case 89..<91: cache.invalidateSoftly(key)
                        case 91..<93:
                            let undo = UndoID()
                            cache.invalidate(key, undo: undo)
                            cache.restore(undo)
                        case 93..<95: cache.survey { key, _ in #expect(key.hasPrefix("key")) }
                        case 95:
                            _ = cache.first(5, by: .key, isDescending: true, at: .distantFuture)
                        case 96: _ = cache.snapshot()
                        case 97:
                            let policy = Policy(Policy.names.randomElement(using: &random)!)!
                            try? cache.update { $0.policy = policy }
                        case 98:
                            try? cache.update {
                                $0.maxsize = Int.random(in: 1...100, using: &random)
                            }
                        default:
                            _ = cache.victims(of: CacheConfiguration(maxsize: 3, ttl: .seconds(1)))
                        }
                    }
                }
            }
        }
        cache.checkInvariants()
        let counters = cache.snapshot().counters
        #expect(counters.lookups > 0 && cache.snapshot().count <= 100)
        cache.invalidateAll()
        #expect(cache.snapshot().count == 0)
        cache.checkInvariants()
    }
}
