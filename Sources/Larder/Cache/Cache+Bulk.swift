extension Cache {
    /// The values for `keys`, with one call of the origin for all that are neither held nor being
    /// fetched. A key that stands twice is looked up once.
    ///
    /// - Parameters:
    ///   - keys: What to look up, in any order.
    ///   - fetchAll: Asks the origin for several keys at once; a key that it leaves out has no
    ///     value, and is not in the result.
    /// - Throws: What `fetchAll`, or a fetch joined, threw; `CancellationError`.
    public func values(
        for keys: some Sequence<Key>,
        fetchAll: @escaping @Sendable ([Key]) async throws -> [Key: Value]
    ) async throws -> [Key: Value] {
        var found: [Key: Value] = [:]
        var lacking: [Key] = []
        for key in Set(keys) {
            var isHeld = true
            if let value = hit(key, shards.hash(key), &isHeld) {
                found[key] = value
            } else {
                lacking.append(key)
            }
        }
        guard !lacking.isEmpty else { return found }
        try Task.checkCancellation()
        for key in lacking where Fetching.isFetching(key, of: self) {
            throw CacheError.reentry(name, "\(key)")
        }
        let bulk = Bulk<Key, Value>(expecting: lacking.count)
        return try await withThrowingTaskGroup(of: (Key, Value)?.self) { group in
            for key in lacking {
                group.addTask {
                    do {
                        return (
                            key, try await self.wait { self.begin(key, $0, in: bulk, fetchAll) }
                        )
                    } catch  where self.traits.refresh.meaning(of: error) == .absent {
                        return nil
                    }
                }
            }
            for try await pair in group { if let (key, value) = pair { found[key] = value } }
            return found
        }
    }

    private func begin(
        _ key: Key, _ waiter: Waiter<Key, Value>, in bulk: Bulk<Key, Value>,
        _ fetchAll: @escaping @Sendable ([Key]) async throws -> [Key: Value]
    ) {
        var led: Flight<Key, Value>?
        switch begin(key, shards.hash(key), waiter) {
        case .stale(let value, let flight):
            waiter.continuation.resume(returning: value)
            led = flight
        case .lead(let flight): led = flight
        case .hit, .join, .failed, .due: break
        }
        if let flights = bulk.begun(led) { lead(flights, fetchAll) }
    }

    private func lead(
        _ flights: [Flight<Key, Value>],
        _ fetchAll: @escaping @Sendable ([Key]) async throws -> [Key: Value]
    ) {
        flights[0].siblings = Array(flights.dropFirst())
        let keys = flights.map(\.key)
        let task = Task {
            let began = SystemClock.precise()
            let result = await Fetching.$innermost.withValue(flights[0]) {
                await outcome {
                    try await limits.run(flights[0], turns, clock) { try await fetchAll(keys) }
                }
            }
            let took = Duration.nanoseconds(SystemClock.precise() - began)
            for flight in flights {
                land(
                    flight,
                    result.flatMap { values in
                        values[flight.key].map { .success($0) } ?? .failure(NoSuchValue())
                    }, took: took)
            }
        }
        // As long as somebody waits for one of the keys, the call is wanted.
        let wanted = Countdown(flights.count)
        for flight in flights {
            attach(
                { if wanted.isLast() { task.cancel() } }, { task.escalatePriority(to: $0) },
                to: flight)
        }
    }
}
