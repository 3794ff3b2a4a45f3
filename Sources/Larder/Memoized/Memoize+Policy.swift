/// The function, with its results kept until the policy names them to leave;
/// `cachetools.func`'s `lru_cache`, `lfu_cache`, `fifo_cache` and `rr_cache` with their defaults.
///
/// ```swift
/// let rates = memoized(.lru) { (day: Int) async throws -> Rates in try await exchange.rates(day) }
/// let words = memoized(.lfu(ages: false), maxsize: 1000) { (word: String) in stem(word) }
/// let pages = memoized(.fifo, maxsize: 32) { (url: String, page: Int) in try read(url, page) }
/// let tiles = memoized(.rr(seed: 7), maxsize: 256) { (x: Int, y: Int) in render(x, y) }
/// let items = memoized(.sieve, maxsize: 4096, ttl: .seconds(60), fetchItem)
/// ```
///
/// Python's `lfu_cache` keeps its counts for ever, which is ``Policy/lfu(ages:)`` with `false`.
///
/// - Parameters:
///   - policy: Names the result that leaves where there are more than `maxsize`.
///   - name: By which people and scripts address its cache; the file and line it is made in unless given.
///   - file: The file of that name.
///   - line: The line of that name.
///   - maxsize: Most results kept; `nil` for no bound, 0 to keep none.
///   - ttl: How long a result is returned again after the function returned it; `nil` for no end.
///   - clock: By which results end.
///   - function: Of any number of arguments, async or not, throwing or not.
public func memoized<Argument: Hashable & Sendable, Value: Sendable, Failure: Error>(
    _ policy: Policy, name: String? = nil, file: String = #fileID, line: Int = #line,
    maxsize: Int? = 128, ttl: Duration? = nil,
    clock: AgeClock = .system,
    _ function: @escaping @Sendable (Argument) async throws(Failure) -> Value
) -> Memoized<Argument, Value, Failure> {
    Memoized(
        MemoOptions(
            policy: policy, name: name ?? "\(file):\(line)", maxsize: maxsize, ttl: ttl,
            clock: clock), function)
}

/// As for one argument, for none or several.
public func memoized<each Argument: Hashable & Sendable, Value: Sendable, Failure: Error>(
    _ policy: Policy, name: String? = nil, file: String = #fileID, line: Int = #line,
    maxsize: Int? = 128, ttl: Duration? = nil,
    clock: AgeClock = .system,
    _ function: @escaping @Sendable (repeat each Argument) async throws(Failure) -> Value
) -> Memoized<Arguments<repeat each Argument>, Value, Failure> {
    Memoized(
        MemoOptions(
            policy: policy, name: name ?? "\(file):\(line)", maxsize: maxsize, ttl: ttl,
            clock: clock), function)
}

/// As for an async function, for a plain one.
public func memoized<Argument: Hashable & Sendable, Value: Sendable, Failure: Error>(
    _ policy: Policy, name: String? = nil, file: String = #fileID, line: Int = #line,
    maxsize: Int? = 128, ttl: Duration? = nil,
    clock: AgeClock = .system,
    _ function: @escaping @Sendable (Argument) throws(Failure) -> Value
) -> PlainMemoized<Argument, Value, Failure> {
    PlainMemoized(
        MemoOptions(
            policy: policy, name: name ?? "\(file):\(line)", maxsize: maxsize, ttl: ttl,
            clock: clock), function)
}

/// As for an async function, for a plain one of none or several arguments.
public func memoized<each Argument: Hashable & Sendable, Value: Sendable, Failure: Error>(
    _ policy: Policy, name: String? = nil, file: String = #fileID, line: Int = #line,
    maxsize: Int? = 128, ttl: Duration? = nil,
    clock: AgeClock = .system,
    _ function: @escaping @Sendable (repeat each Argument) throws(Failure) -> Value
) -> PlainMemoized<Arguments<repeat each Argument>, Value, Failure> {
    PlainMemoized(
        MemoOptions(
            policy: policy, name: name ?? "\(file):\(line)", maxsize: maxsize, ttl: ttl,
            clock: clock), function)
}
