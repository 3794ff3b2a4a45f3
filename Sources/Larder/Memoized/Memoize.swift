// One doc comment tells all four: they differ in what kind of function they take.

/// The function, with its results kept for a time, the least recently used leaving where there are
/// too many; `cachetools.func.ttl_cache` with its defaults.
///
/// ```swift
/// let lookUp = memoized(maxsize: 64, ttl: .seconds(300)) { (number: String) async throws -> Account in
///     try await table.account(number)
/// }
/// let price = memoized { (item: String, amount: Int) in catalogue[item, default: 0] * amount }
/// let roles = memoized(maxsize: nil, listRoles)
///
/// let account = try await lookUp("123456789012")
/// let three = price("flour", 3)
/// ```
///
/// - Parameters:
///   - name: By which people and scripts address its cache; the file and line it is made in unless given.
///   - file: The file of that name.
///   - line: The line of that name.
///   - maxsize: Most results kept; `nil` for no bound, 0 to keep none.
///   - ttl: How long a result is returned again after the function returned it; `nil` for no end.
///   - clock: By which results end.
///   - function: Of any number of arguments, async or not, throwing or not.
public func memoized<Argument: Hashable & Sendable, Value: Sendable, Failure: Error>(
    name: String? = nil, file: String = #fileID, line: Int = #line, maxsize: Int? = 128,
    ttl: Duration? = .seconds(600),
    clock: AgeClock = .system,
    _ function: @escaping @Sendable (Argument) async throws(Failure) -> Value
) -> Memoized<Argument, Value, Failure> {
    Memoized(
        MemoOptions(name: name ?? "\(file):\(line)", maxsize: maxsize, ttl: ttl, clock: clock),
        function)
}

/// As for one argument, for none or several.
public func memoized<each Argument: Hashable & Sendable, Value: Sendable, Failure: Error>(
    name: String? = nil, file: String = #fileID, line: Int = #line, maxsize: Int? = 128,
    ttl: Duration? = .seconds(600),
    clock: AgeClock = .system,
    _ function: @escaping @Sendable (repeat each Argument) async throws(Failure) -> Value
) -> Memoized<Arguments<repeat each Argument>, Value, Failure> {
    Memoized(
        MemoOptions(name: name ?? "\(file):\(line)", maxsize: maxsize, ttl: ttl, clock: clock),
        function)
}

/// As for an async function, for a plain one.
public func memoized<Argument: Hashable & Sendable, Value: Sendable, Failure: Error>(
    name: String? = nil, file: String = #fileID, line: Int = #line, maxsize: Int? = 128,
    ttl: Duration? = .seconds(600),
    clock: AgeClock = .system,
    _ function: @escaping @Sendable (Argument) throws(Failure) -> Value
) -> PlainMemoized<Argument, Value, Failure> {
    PlainMemoized(
        MemoOptions(name: name ?? "\(file):\(line)", maxsize: maxsize, ttl: ttl, clock: clock),
        function)
}

/// As for an async function, for a plain one of none or several arguments.
public func memoized<each Argument: Hashable & Sendable, Value: Sendable, Failure: Error>(
    name: String? = nil, file: String = #fileID, line: Int = #line, maxsize: Int? = 128,
    ttl: Duration? = .seconds(600),
    clock: AgeClock = .system,
    _ function: @escaping @Sendable (repeat each Argument) throws(Failure) -> Value
) -> PlainMemoized<Arguments<repeat each Argument>, Value, Failure> {
    PlainMemoized(
        MemoOptions(name: name ?? "\(file):\(line)", maxsize: maxsize, ttl: ttl, clock: clock),
        function)
}
