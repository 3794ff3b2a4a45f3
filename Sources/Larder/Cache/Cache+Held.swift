extension Cache {
    /// As ``peek(_:)``, also where the entry has ended and is kept in reserve.
    package func held(_ key: Key) -> (value: Value, facts: EntryFacts)? {
        let now = clock.now()
        let held = shards.peek(key, at: now + (.zero - configuration.staleIfError))
        // What was marked as stale is served to its end and not beyond.
        return held.flatMap { $0.facts.isStale && $0.facts.deadline <= now ? nil : $0 }
    }

    /// What is shown of an error of the origin.
    package func words(for error: any Error) -> String { traits.refresh.words(error) }

    /// Whether an error of the origin means that there is no such thing.
    package func isAbsence(_ error: any Error) -> Bool {
        traits.refresh.meaning(of: error) == .absent
    }
}
