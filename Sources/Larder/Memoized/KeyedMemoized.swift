/// A function whose results are kept by a key that is made of its arguments: where they cannot be
/// compared, or not all of them tell results apart.
///
/// ```swift
/// let page = memoized(key: { (request: Request) in request.path }) { request in
///     try await render(request)
/// }
/// let html = try await page(request)
/// page.invalidate(key: "/prices")
/// ```
///
/// Where several call it at once with one key, the first one's arguments count. It throws what the
/// function throws, and for the rest what ``Cache/value(for:)`` does.
public struct KeyedMemoized<
    Key: Hashable & Sendable, Value: Sendable, each Argument: Sendable
>: MemoizedFunction {
    public let memo: Memo<Key, Value>
    private let key: @Sendable (repeat each Argument) -> Key
    private let function: @Sendable (repeat each Argument) async throws -> Value

    init(
        _ options: MemoOptions, key: @escaping @Sendable (repeat each Argument) -> Key,
        _ function: @escaping @Sendable (repeat each Argument) async throws -> Value
    ) {
        memo = Memo(options, fetch: nil)
        self.key = key
        self.function = function
    }

    /// The result for the key of these arguments: kept, from a call under way, or of a call of the
    /// function.
    public func callAsFunction(_ arguments: repeat each Argument) async throws -> Value {
        let values = (repeat each arguments)
        let function = function
        return try await memo.cache.value(for: key(repeat each arguments)) {
            try await function(repeat each values)
        }
    }

    /// Forgets the result for a key; that of a call under way is not kept.
    public func invalidate(key: Key) { memo.cache.invalidate(key) }
}

/// As `memoized(name:maxsize:ttl:_:)`, with a key made of the arguments, which need not be hashable.
///
/// - Parameters:
///   - key: Makes the key of a call's arguments; results are kept and shared by it.
///   - name: By which people and scripts address its cache; the file and line it is made in unless
///     given.
///   - file: The file it is made in.
///   - line: The line it is made in.
///   - maxsize: Most results kept; `nil` for no bound, 0 to keep no result.
///   - ttl: How long a result is returned again after the function returned it; `nil` for no end.
///   - clock: By which results age.
///   - function: Of any number of arguments.
public func memoized<Key: Hashable & Sendable, Value: Sendable, each Argument: Sendable>(
    key: @escaping @Sendable (repeat each Argument) -> Key, name: String? = nil,
    file: String = #fileID, line: Int = #line, maxsize: Int? = 128,
    ttl: Duration? = .seconds(600), clock: AgeClock = .system,
    _ function: @escaping @Sendable (repeat each Argument) async throws -> Value
) -> KeyedMemoized<Key, Value, repeat each Argument> {
    KeyedMemoized(
        MemoOptions(name: name ?? "\(file):\(line)", maxsize: maxsize, ttl: ttl, clock: clock),
        key: key, function)
}
