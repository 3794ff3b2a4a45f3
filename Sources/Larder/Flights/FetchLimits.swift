import Synchronization

/// How long a fetch may take, and how many a cache may have under way.
///
/// A fetch that another fetch waits for begins at once, whatever the bound: it does the other's work,
/// and might else wait for a turn that the other has.
public struct FetchLimits: Hashable, Sendable {
    /// How long a fetch may take, from its turn on, by the cache's clock; `nil` for any time. After
    /// that it is cancelled, whoever waits is told ``FetchTimedOut``, or is served what is held where
    /// the bounds say so, and what it brings later is not kept.
    public var time: Duration?
    /// How many fetches may be under way at once; `nil` for no bound. The others begin in the order
    /// in which they were asked for. A call for several keys is one.
    public var atOnce: Int?

    public init(time: Duration? = nil, atOnce: Int? = nil) {
        self.time = time
        self.atOnce = atOnce
    }

    /// Makes a fetch, within these limits.
    func run<Value: Sendable>(
        _ flight: Fetching, _ turns: FetchTurns?, _ clock: AgeClock,
        _ fetch: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let hasTurn = try await turns?.take(flight) ?? false
        defer { if hasTurn { turns?.give() } }
        guard let time else { return try await fetch() }
        return try await Race().run(within: time, clock, fetch)
    }
}

/// A fetch was given up, because it took longer than ``FetchLimits/time``.
public struct FetchTimedOut: KnownFailure, Hashable, CustomStringConvertible {
    /// How long it was given.
    public let limit: Duration

    public var failureKind: FailureKind { .timedOut }
    public var description: String {
        let (seconds, rest) = limit.components
        return "no answer within \(rest == 0 ? "\(seconds)" : "\(limit.inSeconds)")s"
    }
}

/// Whose turn it is to fetch.
final class FetchTurns: Sendable {
    private let state: Guarded<State>

    private struct State {
        var free: Int
        /// In the order in which they came.
        var waiting: [(flight: Fetching, turn: CheckedContinuation<Bool, any Error>)] = []
    }

    init(_ atOnce: Int) { state = Guarded(State(free: atOnce)) }

    /// Waits for a turn; false where it begins without one, since another fetch waits for it.
    ///
    /// - Throws: `CancellationError` where nobody wants it any more.
    func take(_ flight: Fetching) async throws -> Bool {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { turn in
                let begins: Result<Bool, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if flight.together.contains(where: \.isAwaited) { return .success(false) }
                    if state.free > 0 {
                        state.free -= 1
                        return .success(true)
                    }
                    state.waiting.append((flight, turn))
                    return nil
                }
                if let begins { turn.resume(with: begins) }
            }
        } onCancel: {
            leave(flight)?.resume(throwing: CancellationError())
        }
    }

    func give() {
        let next: CheckedContinuation<Bool, any Error>? = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().turn
        }
        next?.resume(returning: true)
    }

    /// Another fetch waits for this one: it begins.
    func letIn(_ flight: Fetching) {
        flight.await()
        leave(flight)?.resume(returning: false)
    }

    private func leave(_ flight: Fetching) -> CheckedContinuation<Bool, any Error>? {
        state.withLock { state in
            state.waiting.firstIndex { $0.flight.together.contains { $0 === flight } }
                .map { state.waiting.remove(at: $0).turn }
        }
    }
}

/// A fetch and the time that it has: what ends first counts, and the other is cancelled.
private final class Race<Value: Sendable>: Sendable {
    private let state = Guarded(State())

    private struct State {
        var waiter: CheckedContinuation<Value, any Error>?
        var tasks: [Task<Void, Never>] = []
        var isOver = false
    }

    func run(
        within limit: Duration, _ clock: AgeClock,
        _ fetch: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                state.withLock { $0.waiter = waiter }
                add(
                    Task {
                        guard (try? await clock.sleep(limit)) != nil else { return }
                        self.end(.failure(FetchTimedOut(limit: limit)))
                    })
                add(Task.immediate { self.end(await outcome(fetch)) })
                if Task.isCancelled { end(.failure(CancellationError())) }
            }
        } onCancel: {
            end(.failure(CancellationError()))
        }
    }

    private func add(_ task: Task<Void, Never>) {
        let isOver = state.withLock { state in
            if !state.isOver { state.tasks.append(task) }
            return state.isOver
        }
        if isOver { task.cancel() }
    }

    private func end(_ result: Result<Value, any Error>) {
        let (waiter, tasks) = state.withLock { state in
            // Cancelled before it began: whoever begins asks once more.
            guard state.waiter != nil else {
                return (CheckedContinuation<Value, any Error>?.none, [Task<Void, Never>]())
            }
            defer { state = State(isOver: true) }
            return (state.waiter, state.tasks)
        }
        waiter?.resume(with: result)
        for task in tasks { task.cancel() }
    }
}
