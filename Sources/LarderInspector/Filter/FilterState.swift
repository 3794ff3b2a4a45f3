import Larder

extension EntryFilter {
    /// An entry's state, or what happened; some words are both.
    struct State: Sendable {
        let entry: EntryRow.State?
        /// Served though it is marked as stale or past its end, whatever else it is.
        let isStale: Bool
        let event: EventKind.Word?

        init?(_ text: String) {
            entry = EntryRow.State(rawValue: text)
            isStale = text == Self.stale
            event = EventKind.Word(rawValue: text)
            if !isOfEntries, event == nil { return nil }
        }

        var isOfEntries: Bool { entry != nil || isStale }

        func isThat(of subject: Subject) -> Bool {
            if let event = subject.event { return event == self.event }
            return isStale
                ? Self.isServedStale(subject)
                : EntryRow.State(subject.facts, subject.renewal, at: subject.now) == entry
        }

        /// As the engine has it: without a failure what is past its end is fetched anew.
        private static func isServedStale(_ subject: Subject) -> Bool {
            let facts = subject.facts
            guard facts.version > 0 else { return false }
            return facts.isStale
                || facts.deadline <= subject.now && subject.renewal?.trouble != nil
        }

        private static let stale = "stale"
        static let ofEntries = EntryRow.State.allCases.map(\.rawValue) + [stale]
        static let ofEvents = EventKind.Word.allCases.map(\.rawValue)
        static let words = ofEntries + ofEvents.filter { !ofEntries.contains($0) }
    }

    /// What a filter is asked of: what it names has to be there.
    public struct Scope: Sendable {
        /// The caches that there are; `nil` where that is not known.
        var caches: [String]?
        var isOfEvents = false

        /// Of the entries of an engine with these caches; `nil` where they are not known.
        public static func entries(of caches: [String]?) -> Scope { Scope(caches: caches) }

        /// Of what happened in these caches.
        public static func events(of caches: [String]?) -> Scope {
            Scope(caches: caches, isOfEvents: true)
        }
    }
}
