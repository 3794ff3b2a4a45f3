import Synchronization

/// A fetch under way, as the look-ups see it that are made while it runs.
///
/// A fetch that looks up its own key would wait for itself for ever, and so would two fetches that
/// look up each other's. A task knows the fetches that it runs in, innermost first; and while
/// such a task waits for a flight, that is written down in ``Waits``: so both are told instead.
class Fetching: @unchecked Sendable {
    // Unchecked: outer and siblings are set before the fetch starts and never again.

    /// The one in which the present task runs.
    @TaskLocal static var innermost: Fetching?

    let cache: ObjectIdentifier
    /// The fetch in which the look-up was made that started this one.
    let outer: Fetching?
    /// The others that the same call of the origin is for.
    var siblings: [Fetching] = []
    private let over = Atomic(false)
    private let awaited = Atomic(false)

    init(of cache: ObjectIdentifier) {
        self.cache = cache
        outer = Self.innermost
    }

    var shownKey: String { "" }

    /// Whether it fetches a key.
    func isOf(_ key: Any) -> Bool { false }

    /// Whether it has ended: a task that was started in it and outlives it waits for nobody there.
    var isOver: Bool { over.load(ordering: .acquiring) }

    func end() { over.store(true, ordering: .releasing) }

    /// Whether another fetch waits for it.
    var isAwaited: Bool { awaited.load(ordering: .acquiring) }

    func await() { awaited.store(true, ordering: .releasing) }

    /// Itself and its siblings.
    var together: [Fetching] { [self] + siblings }

    static func isFetching(_ key: Any, of cache: AnyObject) -> Bool {
        var link = innermost
        while let fetching = link {
            let isIt = fetching.together.contains {
                !$0.isOver && $0.cache == ObjectIdentifier(cache) && $0.isOf(key)
            }
            if isIt { return true }
            link = fetching.outer
        }
        return false
    }
}

/// Which fetches wait for which: those of look-ups that are made in a fetch and not answered yet.
enum Waits {
    // A few at a time, and only where fetches look things up.
    private static let waits = Guarded<[ObjectIdentifier: [Fetching]]>([:])

    /// Notes that `waiting` needs what `flight` brings; false where that needs, in its turn, what
    /// `waiting` brings.
    static func begin(_ waiting: Fetching, for flight: Fetching) -> Bool {
        waits.withLock { waits in
            guard !leads(from: flight, to: waiting, waits) else { return false }
            for one in waiting.together { waits[ObjectIdentifier(one), default: []].append(flight) }
            return true
        }
    }

    static func end(_ waiting: Fetching, for flight: Fetching) {
        waits.withLock { waits in
            for one in waiting.together.map(ObjectIdentifier.init) {
                guard let place = waits[one]?.firstIndex(where: { $0 === flight }) else { continue }
                waits[one]?.remove(at: place)
                if waits[one]?.isEmpty == true { waits[one] = nil }
            }
        }
    }

    private static func leads(
        from start: Fetching, to end: Fetching, _ waits: [ObjectIdentifier: [Fetching]]
    ) -> Bool {
        let ends = Set(end.together.map(ObjectIdentifier.init))
        var seen: Set<ObjectIdentifier> = []
        var next = [start]
        while let fetching = next.popLast() {
            for one in fetching.together.map(ObjectIdentifier.init) where seen.insert(one).inserted
            {
                if ends.contains(one) { return true }
                next += waits[one] ?? []
            }
        }
        return false
    }
}
