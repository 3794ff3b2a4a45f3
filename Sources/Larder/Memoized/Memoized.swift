/// An async function whose results are kept in a ``Cache``; it is called as the function is.
///
/// ```swift
/// let lookUp = memoized(name: "accounts", maxsize: 64, ttl: .seconds(300)) {
///     (number: String) async throws -> Account in
///     try await table.account(number)
/// }
/// let account = try await lookUp("123456789012")  // calls the function
/// let again = try await lookUp("123456789012")    // does not
///
/// lookUp.cacheInfo                          // hits 1, misses 1, maxsize 64, currsize 1
/// lookUp.cacheClear()                       // forgets all results, and counts from zero
/// try lookUp.cache.update { $0.ttl = .seconds(60) }   // whatever a cache can do
/// inspector.add(lookUp.cache)               // seen in the console as "accounts"
/// ```
///
/// Many who call it at once with the same arguments make one call of the function, and all get
/// what it returns or throws; an error is not remembered. Neither `try` nor `await` is needed where
/// the function needs none, and an error keeps the type that the function declares. A function
/// that is not async becomes a ``PlainMemoized``.
///
/// Functions of one argument have that argument as the key; of none or several, ``Arguments``.
/// The arguments' `==` and `hash(into:)` must not call the memoized function.
///
/// **Cancellation** is the caller's own, and harms nobody who waits for the same result; the last
/// caller leaving cancels the call of the function. Where the function throws errors of any type, a
/// cancelled caller gets `CancellationError`. Where it throws one type or none, there is no way to
/// tell the caller so: the function is called anew in the caller's cancelled task, as if it were
/// not memoized, and may end early in its own way. What it gives then is the caller's alone and
/// not kept.
///
/// **Recursion** works, for other arguments: a call that waits for itself gets a ``CacheError``
/// where the function throws errors of any type, and runs on, as if not memoized, where it does not.
///
/// It behaves as a function under a decorator of Python's `cachetools.func`, and differs so:
/// - it may be async: the value is kept, not the coroutine;
/// - callers who wait are counted as coalesced and not as hits, and share an error, where in
///   Python each would call again in turn;
/// - ``MemoizedFunction/cacheClear()`` also keeps out the results of calls under way;
/// - Swift's arguments have one type each, so there is no `typed`.
public struct Memoized<
    Key: Hashable & Sendable, Value: Sendable, Failure: Error
>: MemoizedFunction {
    /// What the function remembers.
    public let memo: Memo<Key, Value>
    private let function: @Sendable (Key) async throws(Failure) -> Value

    init(
        _ options: MemoOptions,
        _ function: @escaping @Sendable (Key) async throws(Failure) -> Value
    ) {
        memo = Memo(options, fetch: function)
        self.function = function
    }

    /// The same for a function of none or several arguments, which make one key.
    init<each Argument: Hashable & Sendable>(
        _ options: MemoOptions,
        _ function: @escaping @Sendable (repeat each Argument) async throws(Failure) -> Value
    ) where Key == Arguments<repeat each Argument> {
        self.init(options) { (key: Key) async throws(Failure) -> Value in
            try await function(repeat each key.values)
        }
    }

    /// The result for `argument`: kept, from a call under way, or of a call of the function.
    ///
    /// - Throws: What the function throws; `CancellationError` where that may be any error and the
    ///   caller was cancelled.
    public nonisolated(nonsending) func callAsFunction(
        _ argument: Key
    ) async throws(Failure) -> Value {
        do {
            return try await memo.cache.value(for: argument)
        } catch let failure as Failure {
            throw failure
        } catch {
            return try await function(argument)
        }
    }

    /// As with one argument.
    public nonisolated(nonsending) func callAsFunction<each Argument: Hashable & Sendable>(
        _ arguments: repeat each Argument
    ) async throws(Failure) -> Value where Key == Arguments<repeat each Argument> {
        try await self(Arguments(repeat each arguments))
    }

    /// Forgets the result for `argument`; that of a call under way is not kept.
    public func invalidate(_ argument: Key) { memo.cache.invalidate(argument) }

    /// As with one argument.
    public func invalidate<each Argument: Hashable & Sendable>(
        _ arguments: repeat each Argument
    ) where Key == Arguments<repeat each Argument> {
        invalidate(Arguments(repeat each arguments))
    }
}
