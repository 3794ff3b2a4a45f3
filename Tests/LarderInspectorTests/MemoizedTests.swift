import Larder
import LarderInspector
import Testing

@Suite struct MemoizedTests {
    private let inspector = LocalInspector("pantry")

    @Test func `a memoized function is seen by the name given to it, its key as the argument is`()
        async throws
    {
        let lookUp = memoized(name: "accounts") { (number: String) async throws -> String in
            "account \(number)"
        }
        inspector.add(lookUp.cache)
        _ = try await lookUp("100000000001")
        #expect(try await inspector.keys(EntryQuery(caches: ["accounts"])) == ["100000000001"])
        let fetched = try await inspector.fetch(EntryKey(cache: "accounts", key: "100000000002"))
        #expect(fetched.value == .text("account 100000000002"))
        #expect(lookUp.cache.cached("100000000002") == "account 100000000002")
    }

    @Test func `several arguments are seen as they are written, and invalidated by that`()
        async throws
    {
        let price = memoized(name: "prices") { (item: String, amount: Int) in "\(amount) \(item)" }
        inspector.add(price.cache)
        #expect(price("flour", 3) == "3 flour")
        #expect(try await inspector.keys(EntryQuery()) == [#"("flour", 3)"#])
        let fetched = try await inspector.fetch(EntryKey(cache: "prices", key: #"("flour", 3)"#))
        #expect(fetched.wasHit)
        let outcome = try await inspector.apply(
            .invalidate([seen(#"("flour", 3)"#, in: "prices")]))
        #expect(outcome.removed == 1)
        #expect(price.cacheInfo.currsize == 0)
    }
}
