import Larder
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import Larder

/// How often a memoized function was really called.
private final class Calls: Sendable {
    private let number = Guarded(0)

    var count: Int { number.withLock { $0 } }

    @discardableResult
    func next() -> Int {
        number.withLock { number in
            number += 1
            return number
        }
    }
}

/// Runs in the middle of a memoized function; set once that function is there to be named.
private final class Hook: Sendable {
    private let action = Guarded<(@Sendable () -> Void)?>(nil)

    func set(_ new: @escaping @Sendable () -> Void) { action.withLock { $0 = new } }

    /// Runs the action, once.
    func run() {
        let action = action.withLock { action -> (@Sendable () -> Void)? in
            defer { action = nil }
            return action
        }
        action?()
    }
}

/// One function of one number memoized in any way, so that one test body tries them all.
private enum Kind: CaseIterable {
    case plain, plainThrowing, async, asyncThrowing

    typealias Made = (
        face: any MemoizedFunction<Int, Int>, call: @Sendable (Int) async throws -> Int
    )

    func callAsFunction(
        maxsize: Int? = 128, ttl: Duration? = .seconds(600), clock: AgeClock = .system,
        calls: Calls = Calls()
    ) -> Made {
        switch self {
        case .plain:
            let made = memoized(maxsize: maxsize, ttl: ttl, clock: clock) { (n: Int) -> Int in
                calls.next()
                return n
            }
            return (made, { made($0) })
        case .plainThrowing:
            let made = memoized(maxsize: maxsize, ttl: ttl, clock: clock) {
                (n: Int) throws -> Int in
                calls.next()
                return n
            }
            return (made, { try made($0) })
        case .async:
            let made = memoized(maxsize: maxsize, ttl: ttl, clock: clock) { (n: Int) async -> Int in
                calls.next()
                return n
            }
            return (made, { await made($0) })
        case .asyncThrowing:
            let made = memoized(maxsize: maxsize, ttl: ttl, clock: clock) {
                (n: Int) async throws -> Int in
                calls.next()
                return n
            }
            return (made, { try await made($0) })
        }
    }
}

private enum Numbers {
    static let calls = Calls()
    static let plain: PlainMemoized<Int, Int, Never> = memoized(maxsize: nil) { n in
        calls.next()
        return n < 2 ? n : plain(n - 1) + plain(n - 2)
    }
    static let awaited: Memoized<Int, Int, Never> = memoized(maxsize: nil) { n in
        n < 2 ? n : await awaited(n - 1) + awaited(n - 2)
    }
    static let waiting: Memoized<Int, Int, any Error> = memoized { n in try await waiting(n) }
    static let asked = Calls()
    static let asking: Memoized<Int, Int, Never> = memoized { n in
        asked.next() == 1 ? await asking(n) : n
    }
}

private func parse(_ text: String) throws -> Int {
    guard let number = Int(text) else { throw Refused() }
    return number
}

private func look(_ text: String, _ offset: Int) async throws(Refused) -> Int {
    guard let number = Int(text) else { throw Refused(number: offset) }
    return number + offset
}

@Suite(.timeLimit(.minutes(1))) struct MemoizedTests {

    // MARK: As cachetools' decorators behave

    @Test(arguments: Kind.allCases)
    private func `calls are answered from what is kept, and counted`(kind: Kind) async throws {
        let (face, call) = kind(maxsize: 2)
        #expect(face.cacheInfo == CacheInfo(maxsize: 2))
        #expect(try await call(1) == 1)
        #expect(face.cacheInfo == CacheInfo(misses: 1, maxsize: 2, currsize: 1))
        #expect(try await call(1) == 1)
        #expect(face.cacheInfo == CacheInfo(hits: 1, misses: 1, maxsize: 2, currsize: 1))
        #expect(try await call(2) == 2)
        #expect(try await call(3) == 3)
        #expect(face.cacheInfo == CacheInfo(hits: 1, misses: 3, maxsize: 2, currsize: 2))
    }

    @Test(arguments: Kind.allCases)
    private func `the least recently used leaves`(kind: Kind) async throws {
        let calls = Calls()
        let (face, call) = kind(maxsize: 2, calls: calls)
        for number in [1, 2, 1, 3] { _ = try await call(number) }
        #expect(face.cache.held == [1, 3])
        _ = try await call(1)
        #expect(calls.count == 3)
        _ = try await call(2)
        #expect(calls.count == 4)
    }

    @Test(arguments: Kind.allCases)
    private func `a clear forgets results and counts from zero`(kind: Kind) async throws {
        let calls = Calls()
        let (face, call) = kind(maxsize: 2, calls: calls)
        for number in [1, 1, 2] { _ = try await call(number) }
        face.cacheClear()
        #expect(face.cacheInfo == CacheInfo(maxsize: 2))
        #expect(try await call(1) == 1)
        #expect(face.cacheInfo == CacheInfo(misses: 1, maxsize: 2, currsize: 1))
        #expect(calls.count == 3)
        #expect(face.cache.snapshot().counters.lookups == 4, "the cache's own go on")
    }

    @Test(arguments: Kind.allCases)
    private func `with maxsize 0 nothing is kept`(kind: Kind) async throws {
        let calls = Calls()
        let (face, call) = kind(maxsize: 0, calls: calls)
        for misses in 1...3 {
            #expect(try await call(1) == 1)
            #expect(face.cacheInfo == CacheInfo(misses: UInt64(misses), maxsize: 0))
        }
        #expect(calls.count == 3)
    }

    @Test(arguments: Kind.allCases)
    private func `without a maxsize everything is kept`(kind: Kind) async throws {
        let (face, call) = kind(maxsize: nil)
        for number in 1...200 { _ = try await call(number) }
        for number in 1...200 { _ = try await call(number) }
        #expect(
            face.cacheInfo == CacheInfo(hits: 200, misses: 200, maxsize: nil, currsize: 200))
    }

    @Test func `a function by its name gets the defaults`() throws {
        let number = memoized(parse)
        #expect(number.cacheParameters == CacheConfiguration(maxsize: 128, ttl: .seconds(600)))
        #expect(number.cacheInfo == CacheInfo(maxsize: 128))
        #expect(try number("7") == 7)
        #expect(number.cache.name.hasPrefix("LarderTests/MemoizedTests.swift:"))
    }

    @Test func `with a policy named there is no ttl unless one is given`() async throws {
        let number = memoized(.lru, parse)
        #expect(number.cacheParameters == CacheConfiguration(maxsize: 128, ttl: nil))
        let looked = memoized(.lru, maxsize: 3, ttl: .seconds(1), look)
        #expect(looked.cacheParameters == CacheConfiguration(maxsize: 3, ttl: .seconds(1)))
        #expect(try await looked("7", 1) == 8)
    }

    @Test func `every kind of function takes a policy`() {
        let made: [CacheConfiguration] = [
            memoized(.fifo, maxsize: 1) { (a: Int) in a }.cacheParameters,
            memoized(.fifo, maxsize: 1) { (a: Int, b: Int) in a }.cacheParameters,
            memoized(.fifo, maxsize: 1) { (a: Int) async -> Int in a }.cacheParameters,
            memoized(.fifo, maxsize: 1) { (a: Int, b: Int) async -> Int in a }.cacheParameters,
        ]
        let fifo = CacheConfiguration(maxsize: 1, ttl: nil, policy: .fifo)
        #expect(made == [fifo, fifo, fifo, fifo])
    }

    @Test(arguments: [(Policy.fifo, 1), (.lru, 2), (.lfu(ages: false), 3)])
    func `the policy names the result that leaves`(policy: Policy, victim: Int) {
        let number = memoized(policy, maxsize: 3) { (n: Int) in n }
        for n in [1, 2, 3, 2, 2, 1, 1, 3, 4] { _ = number(n) }
        #expect(number.cache.held == Set([1, 2, 3, 4]).subtracting([victim]))
    }

    @Test func `with a seed the same results leave again`() {
        func stay(_ seed: UInt64) -> Set<Int> {
            let number = memoized(.rr(seed: seed), maxsize: 8) { (n: Int) in n }
            for n in 1...64 { _ = number(n) }
            return number.cache.held
        }
        #expect(stay(7) == stay(7))
        #expect(stay(7) != stay(8))
        #expect(stay(7).count == 8)
    }

    @Test func `bounds changed at run time are the ones that are told and kept to`() throws {
        let number = memoized(name: "numbers", maxsize: 8, parse)
        #expect(number.cache.name == "numbers")
        for text in ["1", "2", "3"] { _ = try number(text) }
        try number.cache.update {
            $0.maxsize = 1; $0.ttl = .seconds(5)
        }
        #expect(number.cacheParameters == CacheConfiguration(maxsize: 1, ttl: .seconds(5)))
        #expect(number.cacheInfo == CacheInfo(misses: 3, maxsize: 1, currsize: 1))
    }

    @Test(arguments: Kind.allCases)
    private func `a result is returned again until its deadline, not at it`(kind: Kind) async throws
    {
        let clock = TestClock()
        let calls = Calls()
        let (face, call) = kind(ttl: .seconds(5), clock: clock.neverWaking, calls: calls)
        _ = try await call(1)
        clock.advance(by: .seconds(5) - .nanoseconds(1))
        _ = try await call(1)
        #expect(calls.count == 1)
        #expect(face.cacheInfo.currsize == 1)
        clock.advance(by: .nanoseconds(1))
        #expect(face.cacheInfo.currsize == 0)
        #expect(face.cache.snapshot().count == 1, "telling has removed nothing")
        _ = try await call(1)
        #expect(calls.count == 2)
    }

    // MARK: Every kind of function

    @Test func `plain functions need no await, and no try where they do not throw`() throws {
        let calls = Calls()
        let none = memoized { calls.next() }
        #expect(none() == 1)
        #expect(none() == 1)
        let one = memoized { (a: Int) in a + calls.next() }
        #expect([one(10), one(10), one(20)] == [12, 12, 23])
        let two = memoized { (a: Int, b: String) in "\(a)\(b)\(calls.next())" }
        #expect([two(1, "a"), two(1, "a"), two(1, "b")] == ["1a4", "1a4", "1b5"])
        let three = memoized { (a: Int, b: Int, c: Int) in [a, b, c, calls.next()] }
        #expect([three(1, 2, 3), three(1, 2, 3), three(3, 2, 1)].map(\.last) == [6, 6, 7])

        let throwing = memoized { () throws -> Int in calls.next() }
        #expect(try throwing() == throwing())
        let throwingTwo = memoized { (a: Int, b: Int) throws -> Int in calls.next() }
        #expect(try throwingTwo(1, 2) == throwingTwo(1, 2))
        let throwingThree = memoized { (a: Int, b: Int, c: Int) throws -> Int in calls.next() }
        #expect(try throwingThree(1, 2, 3) == throwingThree(1, 2, 3))
        #expect(calls.count == 10)
    }

    @Test func `async functions need no try where they do not throw`() async throws {
        let calls = Calls()
        let none = memoized { () async -> Int in calls.next() }
        #expect(await none() == 1)
        #expect(await none() == 1)
        let one = memoized { (a: Int) async -> Int in a + calls.next() }
        #expect(await [one(10), one(10), one(20)] == [12, 12, 23])
        let two = memoized { (a: Int, b: String) async -> String in "\(a)\(b)\(calls.next())" }
        #expect(await [two(1, "a"), two(1, "a"), two(1, "b")] == ["1a4", "1a4", "1b5"])
        let three = memoized { (a: Int, b: Int, c: Int) async -> [Int] in [a, b, c, calls.next()] }
        #expect(await [three(1, 2, 3), three(1, 2, 3), three(3, 2, 1)].map(\.last) == [6, 6, 7])

        let throwing = memoized { () async throws -> Int in calls.next() }
        #expect(try await throwing() == throwing())
        let throwingTwo = memoized { (a: Int, b: Int) async throws -> Int in calls.next() }
        #expect(try await throwingTwo(1, 2) == throwingTwo(1, 2))
        let throwingThree = memoized { (a: Int, b: Int, c: Int) async throws -> Int in calls.next()
        }
        #expect(try await throwingThree(1, 2, 3) == throwingThree(1, 2, 3))
        #expect(calls.count == 10)
    }

    @Test func `one argument is the key itself, and others make one key`() throws {
        let one: PlainMemoized<String, Int, any Error> = memoized(parse)
        let two: Memoized<Arguments<String, Int>, Int, Refused> = memoized(look)
        _ = try one("7")
        two.cache.insert(3, for: Arguments("7", 1))
        #expect(one.cache.peek("7")?.value == 7)
        #expect(two.cache.held.map { "\($0)" } == [#"("7", 1)"#])
    }

    // MARK: Errors

    @Test func `an error keeps its type and is not remembered`() async throws {
        let calls = Calls()
        let plain = memoized { (n: Int) throws(Refused) -> Int in
            if calls.next() < 3 { throw Refused(number: n) }
            return n
        }
        for attempt in 1...2 {
            do throws(Refused) {
                _ = try plain(7)
                Issue.record("attempt \(attempt) has to throw")
            } catch {
                #expect(error.number == 7)
            }
        }
        #expect(try plain(7) == 7)
        #expect(plain.cacheInfo == CacheInfo(misses: 3, maxsize: 128, currsize: 1))

        let looked = memoized(look)
        for attempt in 1...2 {
            do throws(Refused) {
                _ = try await looked("seven", 4)
                Issue.record("attempt \(attempt) has to throw")
            } catch {
                #expect(error.number == 4)
            }
        }
        #expect(looked.cacheInfo == CacheInfo(misses: 2, maxsize: 128))
        #expect(throws: Refused()) { try memoized(parse)("seven") }
    }

    // MARK: Together

    @Test func `100 callers at once make one call`() async throws {
        let gate = Gate()
        let lookUp = memoized { (number: String) async throws -> String in
            try await gate.pass()
            return "account \(number)"
        }
        try await withThrowingTaskGroup { group in
            for _ in 0..<100 { group.addTask { try await lookUp("7") } }
            try #require(await lookUp.cache.isAsked(100))
            gate.open()
            for try await value in group { #expect(value == "account 7") }
        }
        #expect(gate.arrivals == 1)
        #expect(
            lookUp.cacheInfo == CacheInfo(misses: 1, coalesced: 99, maxsize: 128, currsize: 1))
        lookUp.cacheClear()
        #expect(lookUp.cacheInfo == CacheInfo(maxsize: 128))
    }

    @Test func `callers at once share one error of its own type`() async throws {
        let gate = Gate()
        let refuse = memoized { (n: Int) async throws(Refused) -> Int in
            try? await gate.pass()
            throw Refused(number: n)
        }
        let callers = (0..<10).map { _ in
            Task {
                do throws(Refused) { _ = try await refuse(7) } catch { return error.number }
                return 0
            }
        }
        try #require(await refuse.cache.isAsked(10))
        gate.open()
        for caller in callers { #expect(await caller.value == 7) }
        #expect(gate.arrivals == 1)
    }

    @Test func `a clear during a call keeps its result out`() async throws {
        let origin = Origin<Int, String>()
        let lookUp = memoized { (n: Int) async throws -> String in try await origin.fetch(n) }
        let before = Task { try await lookUp(1) }
        try #require(await origin.isAsked(1))
        lookUp.cacheClear()
        let after = Task { try await lookUp(1) }
        try #require(await origin.isAsked(2))
        #expect(lookUp.cacheInfo == CacheInfo(misses: 1, maxsize: 128))
        origin.answer(2, "new")
        #expect(try await after.value == "new")
        origin.answer(1, "old")
        #expect(try await before.value == "old")
        #expect(try await lookUp(1) == "new")
    }

    @Test func `a clear during a plain call keeps its result out`() {
        let (calls, hook) = (Calls(), Hook())
        let count = memoized { (n: Int) -> Int in
            hook.run()
            return calls.next()
        }
        hook.set { count.cacheClear() }
        #expect(count(1) == 1)
        #expect(count.cacheInfo == CacheInfo(maxsize: 128))
        #expect(count(1) == 2)
        #expect(count(1) == 2)
    }

    @Test func `of two plain calls at once the result first kept is the one both return`() {
        let (calls, hook) = (Calls(), Hook())
        let inner = Guarded(0)
        let count = memoized { (n: Int) -> Int in
            let number = calls.next()
            hook.run()
            return number
        }
        hook.set {
            let value = count(1)
            inner.withLock { $0 = value }
        }
        #expect(count(1) == 2, "the second call was done first")
        #expect(inner.withLock { $0 } == 2)
        #expect(count(1) == 2)
        #expect(count.cacheInfo == CacheInfo(hits: 1, misses: 2, maxsize: 128, currsize: 1))
    }

    @Test func `plain callers from everywhere agree on one result, clears or not`() async {
        let calls = Calls()
        let count = memoized(maxsize: 4) { (n: Int) -> Int in calls.next() }
        let settled = await withTaskGroup(of: Set<Int>.self) { group in
            for _ in 0..<4 {
                group.addTask { Set((0..<500).map { _ in count(0) }) }
            }
            return await group.reduce(into: Set<Int>()) { $0.formUnion($1) }
        }
        #expect(settled.count == 1)
        await withTaskGroup { group in
            for caller in 0..<4 {
                group.addTask {
                    for round in 0..<500 {
                        _ = count(round % 7)
                        if round % 50 == caller { count.cacheClear() }
                        #expect(count.cacheInfo.currsize <= 4)
                    }
                }
            }
        }
        count.cacheClear()
        #expect(count.cacheInfo == CacheInfo(maxsize: 4))
        count.cache.checkInvariants()
    }

    // MARK: Recursion

    @Test func `a function may call its memoized self`() async {
        #expect(Numbers.plain(25) == 75_025)
        #expect(Numbers.calls.count == 26)
        #expect(Numbers.plain.cacheInfo.hits == 23)
        #expect(await Numbers.awaited(25) == 75_025)
        #expect(
            Numbers.awaited.cacheInfo
                == CacheInfo(hits: 23, misses: 26, maxsize: nil, currsize: 26))
    }

    @Test func `a call that waits for itself ends, in an error or in its own way`() async throws {
        await #expect(throws: CacheError.self) { try await Numbers.waiting(1) }
        #expect(await Numbers.asking(1) == 1)
        #expect(Numbers.asking.cacheInfo == CacheInfo(misses: 1, maxsize: 128, currsize: 1))
    }

    // MARK: Cancellation

    @Test func `a cancelled caller of a throwing function is told so, and harms nobody`()
        async throws
    {
        let origin = Origin<Int, String>()
        let lookUp = memoized { (n: Int) async throws -> String in try await origin.fetch(n) }
        let callers = [1, 2].map { _ in Task { try await lookUp(1) } }
        try #require(await lookUp.cache.isAsked(2))
        callers[0].cancel()
        await #expect(throws: CancellationError.self) { try await callers[0].value }
        origin.answer(1, "account")
        #expect(try await callers[1].value == "account")
        #expect(origin.asked == [1])
    }

    @Test func `a cancelled caller of a function that cannot say so gets what it gives then`()
        async throws
    {
        let gate = Gate()
        let lookUp = memoized { (n: Int) async -> String in
            do { try await gate.pass() } catch { return "cut short" }
            return "account"
        }
        let callers = [1, 2].map { _ in Task { await lookUp(1) } }
        try #require(await lookUp.cache.isAsked(2))
        callers[0].cancel()
        #expect(await callers[0].value == "cut short")
        #expect(lookUp.cache.cached(1) == nil)
        gate.open()
        #expect(await callers[1].value == "account")
        #expect(lookUp.cache.cached(1) == "account")
    }

    @Test func `a cancelled caller of a function with one error type gets that type`()
        async throws
    {
        let gate = Gate()
        let lookUp = memoized { (n: Int) async throws(Refused) -> String in
            do { try await gate.pass() } catch { throw Refused(number: n) }
            return "account"
        }
        let caller = Task {
            do throws(Refused) { return try await lookUp(7) } catch { return "\(error.number)" }
        }
        try #require(await lookUp.cache.isAsked(1))
        caller.cancel()
        #expect(await caller.value == "7")
        gate.open()
        #expect(try await lookUp(7) == "account")
    }
}

@Suite struct ArgumentsTests {
    @Test func `arguments are equal where each is`() {
        #expect(Arguments(1, "a") == Arguments(1, "a"))
        #expect(Arguments(1, "a") != Arguments(1, "b"))
        #expect(Arguments(1, "a") != Arguments(2, "a"))
        #expect(Arguments() == Arguments())
        #expect(Set([Arguments(1, 2), Arguments(2, 1), Arguments(1, 2)]).count == 2)
    }

    @Test func `they are shown as a call is written, no two alike`() {
        #expect("\(Arguments())" == "()")
        #expect("\(Arguments(1, 2.5, true))" == "(1, 2.5, true)")
        #expect("\(Arguments("a, b", "c"))" == #"("a, b", "c")"#)
        #expect("\(Arguments("a", "b, c"))" == #"("a", "b, c")"#)
        #expect("\(Arguments(#"a", "b"#, "c"))" == #"("a\", \"b", "c")"#)
        #expect("\(Arguments("ab".prefix(1), 1))" == #"("a", 1)"#)
    }

    @Test func `the memory they own is that of each`() {
        let long = String(repeating: "x", count: 40)
        #expect(Arguments(long, 1, long).heapBytes == 2 * long.heapBytes)
        #expect(long.heapBytes > 0)
    }
}

/// A function whose arguments cannot be a key.
@Suite struct `A function memoized by a key` {
    private struct Request: Sendable {
        var path: String
        var read: @Sendable () async throws -> String
    }

    @Test func `is called once for a key, whatever else its arguments are`() async throws {
        let calls = Calls()
        let page = memoized(key: { (request: Request) in request.path }, name: "pages") {
            (request: Request) in
            calls.next()
            return try await request.read()
        }
        let first = try await page(Request(path: "/") { "one" })
        let second = try await page(Request(path: "/") { "two" })
        #expect(first == "one" && second == "one" && calls.count == 1)
        page.invalidate(key: "/")
        #expect(try await page(Request(path: "/") { "three" }) == "three")
        #expect(page.cacheInfo.hits == 1 && page.cache.name == "pages")
        struct Broken: Error {}
        await #expect(throws: Broken.self) {
            try await page(Request(path: "/broken") { throw Broken() })
        }
        #expect(try await page(Request(path: "/broken") { "mended" }) == "mended")
    }

    @Test func `takes several arguments, of which some do not count`() async throws {
        struct Trace: Sendable {
            var say: @Sendable () -> String
        }
        let (ann, bob) = (Trace { "ann" }, Trace { "bob" })
        let lookUp = memoized(key: { (number: Int, _: Trace) in number }) {
            (number: Int, trace: Trace) in "\(number) by \(trace.say())"
        }
        #expect(try await lookUp(1, ann) == "1 by ann")
        #expect(try await lookUp(1, bob) == "1 by ann")
        #expect(try await lookUp(2, bob) == "2 by bob")
        lookUp.cacheClear()
        #expect(lookUp.cacheInfo.currsize == 0)
    }
}
