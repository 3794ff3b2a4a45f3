import Larder

/// All entries that pass a filter, at one frozen instant.
struct Matching {
    private let filter: Filter
    let now: Instant
    private var found: [SeenEntry] = []
    private var count = 0

    /// - Throws: ``FilterError``.
    init(_ filter: String, at now: Instant) throws(FilterError) {
        self.filter = try Filter(filter)
        self.now = now
    }

    /// Whether it has to be told who changed an entry last.
    var asksForActors: Bool { filter.asksForActors }

    mutating func offer(
        _ facts: EntryFacts, _ renewal: RenewalFacts?, cache: String, by actor: Actor?,
        _ key: () -> EntryKey
    ) {
        let subject = Filter.Subject(
            facts: facts, renewal: renewal, cache: cache, now: now, by: actor)
        guard filter.passes(subject, { key().key }) else { return }
        count += 1
        guard count <= Query.mostMatching else { return found = [] }
        found.append(SeenEntry(id: key(), version: facts.version))
    }

    /// Cache by cache, in no order.
    ///
    /// - Throws: ``InspectorError`` where there are too many, ``FilterError`` where the filter took
    ///   too long to be of use.
    func seen() throws -> [SeenEntry] {
        try filter.checkPatience()
        guard count <= Query.mostMatching else {
            throw InspectorError(
                "\(count) entries are more than \(Query.mostMatching) at once; narrow the filter")
        }
        return found
    }
}

extension Query {
    /// Most entries that one change can be about.
    public static let mostMatching = 100_000
}
