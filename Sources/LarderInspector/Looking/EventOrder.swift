import Larder

extension [LoggedEvent] {
    /// The events of several caches in one order: those of one cache by number, as they happened,
    /// those of several by time. An instant is read before its event gets a number, so that of two
    /// events the first may have the later instant.
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
