import Larder
public import Tracing

/// A fetch with a span around it, for a cache to be made with.
///
/// ```swift
/// let accounts = Cache<String, Account>(
///     "accounts", fetch: traced("accounts") { number in try await table.account(number) })
/// ```
///
/// The span is called `fetch accounts` and is one of a client. A hit has no span, and callers who join
/// a fetch have none of their own: the span is a child of the first caller's. Of a key nothing is told,
/// and of a failure its type: what an error says may hold what no trace should.
///
/// - Parameters:
///   - cache: The name of the cache, which is told as `larder.cache`.
///   - tracer: Who records; `nil` for the one that the program was started with
///     (`InstrumentationSystem.bootstrap`).
///   - fetch: Asks the origin.
public func traced<Key: Sendable, Value: Sendable>(
    _ cache: String, tracer: (any Tracer)? = nil,
    fetch: @escaping @Sendable (Key) async throws -> Value
) -> @Sendable (Key) async throws -> Value {
    { key in
        let tracer: any Tracer = tracer ?? InstrumentationSystem.tracer
        let result = await tracer.withSpan("fetch \(cache)", ofKind: .client) { span in
            span.attributes["larder.cache"] = cache
            do { return Result<Value, any Error>.success(try await fetch(key)) } catch {
                span.attributes["error.type"] = "\(type(of: error))"
                span.setStatus(.init(code: .error))
                return .failure(error)
            }
        }
        return try result.get()
    }
}
