/// A function that is not async, whose results are kept in a ``Cache``; it is called as the
/// function is.
///
/// ```swift
/// enum Numbers {
///     static let fibonacci: PlainMemoized<Int, Int, Never> = memoized(maxsize: nil) { n in
///         n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2)
///     }
/// }
/// Numbers.fibonacci(90)  // 91 calls
/// ```
///
/// The function runs on the caller's thread, outside any lock, and may call its memoized self. No
/// caller waits for another: those who miss the same arguments at once each call the function,
/// and all return the result that was kept first. Nothing is kept where it throws, nor where
/// ``MemoizedFunction/cacheClear()`` came in between.
///
/// *Not promised:* an invalidation by another way (``Cache/invalidate(_:version:undo:by:)``, an
/// inspector) while the function runs does not reach it: its result is kept all the same.
public struct PlainMemoized<
    Key: Hashable & Sendable, Value: Sendable, Failure: Error
>: MemoizedFunction {
    /// What the function remembers.
    public let memo: Memo<Key, Value>
    private let function: @Sendable (Key) throws(Failure) -> Value

    init(_ options: MemoOptions, _ function: @escaping @Sendable (Key) throws(Failure) -> Value) {
        // Callers do not fetch through the cache, but an inspector does.
        memo = Memo(options) { key in try function(key) }
        self.function = function
    }

    /// The same for a function of none or several arguments, which make one key.
    init<each Argument: Hashable & Sendable>(
        _ options: MemoOptions,
        _ function: @escaping @Sendable (repeat each Argument) throws(Failure) -> Value
    ) where Key == Arguments<repeat each Argument> {
        self.init(options) { (key: Key) throws(Failure) -> Value in
            try function(repeat each key.values)
        }
    }

    /// The result for `argument`: kept, or of a call of the function.
    ///
    /// - Throws: What the function throws.
    public func callAsFunction(_ argument: Key) throws(Failure) -> Value {
        if let value = memo.cache.cached(argument) { return value }
        let clears = memo.clears
        return memo.keep(try function(argument), for: argument, unlessClearedSince: clears)
    }

    /// As with one argument.
    public func callAsFunction<each Argument: Hashable & Sendable>(
        _ arguments: repeat each Argument
    ) throws(Failure) -> Value where Key == Arguments<repeat each Argument> {
        try self(Arguments(repeat each arguments))
    }

    /// Forgets the result for `argument`; that of a call under way is kept all the same.
    public func invalidate(_ argument: Key) { memo.cache.invalidate(argument) }

    /// As with one argument.
    public func invalidate<each Argument: Hashable & Sendable>(
        _ arguments: repeat each Argument
    ) where Key == Arguments<repeat each Argument> {
        invalidate(Arguments(repeat each arguments))
    }
}
