import Larder

extension EntryFilter {
    /// An entry's state, or what happened; some words are both.
    struct State: Sendable {
        let entry: EntryRow.State?
        let event: EventKind.Word?

        init?(_ text: String) {
            entry = EntryRow.State(rawValue: text)
            event = EventKind.Word(rawValue: text)
            if entry == nil, event == nil { return nil }
        }

        var isOfEntries: Bool { entry != nil }

        func isThat(of subject: Subject) -> Bool {
            if let event = subject.event { return event == self.event }
            let state = subject.entry.state
            // What is served past its end has failed too.
            return state == entry || entry == .failed && state == .stale && subject.entry.isFailing
        }

        static let ofEntries = EntryRow.State.allCases.map(\.rawValue)
        static let ofEvents = EventKind.Word.allCases.map(\.rawValue)
        static let words = ofEntries + ofEvents.filter { !ofEntries.contains($0) }
    }

    /// What a filter is asked about: the names in it have to be there.
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
