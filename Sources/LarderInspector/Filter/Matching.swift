import Glibc
import Larder

/// All entries that pass a filter, at one frozen instant.
struct Matching {
    private let filter: EntryFilter
    let now: AgeInstant
    private var found: [SeenEntry] = []
    private var count = 0
    private var patience = Patience()

    /// - Parameter known: The caches that there are.
    /// - Throws: ``FilterError``.
    init(_ filter: String, at now: AgeInstant, of known: [String]) throws(FilterError) {
        self.filter = try EntryFilter(filter, of: .entries(of: known))
        self.now = now
    }

    /// Whether it has to be told of which table entries are, and who read them.
    var asksForOwners: Bool { filter.asksForOwners }

    /// Whether it has to be told who changed an entry last.
    var asksForActors: Bool { filter.asksForActors }

    /// Whether it asks what stands beside an entry's record, and for how many turns to go.
    var asksBeside: Bool { filter.asksBeside }
    var wantedToGo: Int { filter.asksForTurns ? .max : 0 }

    mutating func offer(
        _ facts: EntryFacts, _ refresh: RefreshFacts?, cache: String, by actor: Operator?,
        owner: EntryFilter.Owner?, beside: Selection.Beside, _ key: () -> EntryKey
    ) {
        guard filter.isEmpty || patience.lasts else { return }
        let subject = EntryFilter.Subject(
            entry: EntrySubject(facts, refresh, beside, at: now), cache: cache, by: actor,
            owner: owner)
        guard filter.passes(subject, { key().key }) else { return }
        count += 1
        guard count <= EntryQuery.mostMatching else { return found = [] }
        found.append(SeenEntry(id: key(), version: facts.version))
    }

    /// Cache by cache, in no order.
    ///
    /// - Throws: ``InspectorError`` where there are too many, ``FilterError`` where the filter took
    ///   too long to be of use.
    func seen() throws -> [SeenEntry] {
        try filter.checkPatience()
        if patience.isOver { throw filter.tooSlow }
        guard count <= EntryQuery.mostMatching else {
            throw InspectorError(
                "\(count) entries are more than \(EntryQuery.mostMatching) at once; narrow the filter"
            )
        }
        return found
    }
}

/// How long one search may take, in time of its own thread: a filter of hundreds of words over a
/// million entries would keep others waiting for minutes.
struct Patience {
    static let most = Duration.seconds(2)

    private var began: Duration?
    private(set) var isOver = false

    private var asked = 0

    /// Whether there is any left; it is asked before each entry, and reads a clock now and then.
    var lasts: Bool {
        mutating get {
            asked &+= 1
            guard !isOver, asked % 16 == 0 else { return !isOver }
            let now = Self.now
            isOver = now - (began ?? now) > Self.most
            began = began ?? now
            return !isOver
        }
    }

    /// The processor time of this thread: waiting for a processor does not count.
    static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}

extension EntryQuery {
    /// Most entries that one change can be about.
    public static let mostMatching = 100_000
}
