import Larder
import Testing

/// The examples of the article "Choose a policy".
@Suite struct `Choose a policy` {
    func makePages(
        _ read: @escaping @Sendable (String) async throws -> String
    ) -> Cache<String, String> {
        let pages = Cache<String, String>(
            "pages", maxsize: nil, maxbytes: 64 << 20, policy: .sieve
        ) { path in
            try await read(path)
        }
        return pages
    }

    func hitRatio(of policy: Policy, maxsize: Int, over trace: [Int]) async throws -> Double {
        let cache = Cache<Int, Int>("trial", maxsize: maxsize, ttl: nil, policy: policy) { $0 }
        for key in trace { _ = try await cache.value(for: key) }
        return cache.snapshot().counters.hitRatio ?? 0
    }

    func advice(on counters: CacheCounters) -> String {
        if let share = counters.ghostEvictedShare, share > 0.1 {
            return "room is short: raise maxsize, or try another policy"
        }
        if let share = counters.ghostExpiredShare, share > 0.1 {
            return "the ttl is short: no policy helps"
        }
        return "leave it as it is"
    }

    func shrink(_ pages: Cache<Int, String>) throws -> [Int] {
        var bounds = pages.configuration
        bounds.maxsize = 2
        let leaving = pages.victims(of: bounds).map(\.key)
        try pages.configure(bounds)
        return leaving
    }

    func change(_ pages: Cache<String, String>, to text: String) throws {
        guard let policy = Policy(text) else {
            throw Unknown(text: text)
        }
        try pages.update { $0.policy = policy }
    }

    struct Unknown: Error {
        var text: String
    }

    @Test func `a loop that is longer than the cache is the worst case of lru`() async throws {
        let loop = (0..<10_000).map { $0 % 100 }
        #expect(try await hitRatio(of: .lru, maxsize: 80, over: loop) == 0)
        #expect(try await hitRatio(of: .rr(seed: 7), maxsize: 80, over: loop) > 0.5)
        #expect(try await hitRatio(of: .lru, maxsize: 100, over: loop) == 0.99)
    }

    @Test func `misses on what was just evicted ask for room, on what ended for time`() {
        var counters = CacheCounters()
        #expect(advice(on: counters) == "leave it as it is")
        counters.misses = 100
        counters.ghostExpired = 20
        #expect(advice(on: counters).hasPrefix("the ttl"))
        counters.ghostEvicted = 20
        #expect(advice(on: counters).hasPrefix("room"))
    }

    @Test func `what would leave is known beforehand`() throws {
        let pages = Cache<Int, String>("pages", maxsize: 8)
        for number in 0..<5 { pages.insert("page \(number)", for: number) }
        _ = pages.cached(0)
        #expect(try shrink(pages) == [1, 2, 3])
        #expect(Set(pages.keys) == [0, 4])
    }

    @Test func `a policy is set by its text while the cache runs`() async throws {
        let pages = makePages { "page \($0)" }
        #expect(try await pages.value(for: "/") == "page /")
        try change(pages, to: "lfu,age=none")
        #expect(pages.configuration.policy == .lfu(ages: false))
        #expect(pages.cached("/") == "page /")
        #expect(throws: Unknown.self) { try change(pages, to: "best") }
    }
}
