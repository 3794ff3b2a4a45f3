import Larder
import Synchronization
import Testing

private struct TableError: Error, Equatable {}

@Suite struct `A memoized function` {
    private let calls = Calls()

    final class Calls: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }
        func note() { number.withLock { $0 += 1 } }
    }

    @Test func `is called as the function is`() {
        let square = memoized(maxsize: 64) { [calls] (number: Int) -> Int in
            calls.note()
            return number * number
        }
        #expect(square(3) == 9 && square(3) == 9)
        #expect(calls.count == 1)
    }

    @Test func `takes several arguments`() {
        let area = memoized { [calls] (width: Int, height: Int) -> Int in
            calls.note()
            return width * height
        }
        #expect(area(2, 3) == 6 && area(2, 3) == 6 && area(3, 2) == 6)
        #expect(calls.count == 2)
    }

    @Test func `keeps the type of its errors`() {
        let failing = memoized { (_: Int) throws(TableError) -> Int in throw TableError() }
        do { _ = try failing(1) } catch { #expect(error == TableError()) }
    }

    @Test func `forgets what it is told to forget`() {
        let square = memoized { [calls] (number: Int) -> Int in
            calls.note()
            return number * number
        }
        _ = square(3)
        square.invalidate(3)
        _ = square(3)
        #expect(calls.count == 2)
        let area = memoized { (width: Int, height: Int) -> Int in width * height }
        _ = area(2, 3)
        area.invalidate(2, 3)
        #expect(area.cacheInfo.currsize == 0)
    }

    @Test func `has a key where its arguments are not hashable`() async throws {
        struct Request: Sendable {
            var path: String
            var onDone: @Sendable () -> Void
        }
        let answer = memoized(key: { (request: Request) in request.path }) {
            [calls] (request: Request) async throws -> Int in
            calls.note()
            request.onDone()
            return request.path.utf8.count
        }
        let request = Request(path: "/a", onDone: {})
        #expect(try await answer(request) == 2)
        #expect(try await answer(request) == 2)
        #expect(calls.count == 1)
        answer.invalidate(key: "/a")
        #expect(answer.cacheInfo.currsize == 0)
    }

    @Test func `tells what its cache did, and is cleared`() {
        let square = memoized(maxsize: 2) { (number: Int) -> Int in number * number }
        for number in [1, 1, 2, 3] { _ = square(number) }
        #expect(square.cacheInfo.hits == 1 && square.cacheInfo.misses == 3)
        #expect(square.cacheInfo.currsize == 2 && square.cacheInfo.maxsize == 2)
        #expect(square.cacheParameters.ttl == .seconds(600))
        square.cacheClear()
        #expect(square.cacheInfo.currsize == 0)
    }

    @Test func `may have any policy`() {
        let square = memoized(.lfu, maxsize: 2) { (number: Int) -> Int in number * number }
        for number in [1, 1, 2, 3] { _ = square(number) }
        #expect(square.cache.keys.contains(1))
    }
}
