import Larder

extension [LoggedEvent] {
    /// Those of several caches in one order: of a cache by their numbers, as they happened, and of
    /// several by the time. An instant is read before the number is given, and may be the later of
    /// two though its event was the first.
    package var inOrder: [LoggedEvent] {
        var latest: [Verbatim: AgeInstant] = [:]
        let timed = sorted { $0.number < $1.number }.map { event in
            let cache = Verbatim(event.cache)
            let at = Swift.max(event.at, latest[cache] ?? event.at)
            latest[cache] = at
            return (at: at, event: event)
        }
        return timed.sorted { ($0.at, $0.event.number) < ($1.at, $1.event.number) }.map(\.event)
    }
}
