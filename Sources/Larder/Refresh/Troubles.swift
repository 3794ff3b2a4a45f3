/// The keys whose last fetch failed, as long as that matters.
struct Troubles<Key: Hashable & Sendable>: ~Copyable {
    struct Known {
        var trouble: Trouble
        var error: any Error
        let hash: UInt64
        let era: UInt64
    }

    private var known = KeyTable<Key, Known>()
    /// The soonest that one may be forgotten.
    private(set) var nextEnd = AgeInstant.distantFuture
    /// Where a search for what can be forgotten goes on, and what it found so far that cannot.
    private var search = (place: UInt32(0), nextEnd: AgeInstant.distantFuture)

    /// What is remembered from an earlier era is forgotten, though it may still have its place.
    private var era: UInt64 = 0

    /// What is beyond this many is not remembered.
    static var bound: Int { 4096 }
    /// A key is remembered for so long after its next try was due, to count failures in a row.
    static var afterlife: Duration { .seconds(60) }
    /// Places that one call looks at.
    static var slice: UInt32 { 256 }

    var isEmpty: Bool { known.count == 0 }

    /// Failures are remembered in places that are numbered below this.
    var places: UInt32 { known.places }

    func find(_ key: Key, _ hash: UInt64) -> Known? {
        known.find(key, hash).flatMap { $0.era == era ? $0 : nil }
    }

    /// Remembers a failure. Returns the error that it takes the place of, to be dropped elsewhere.
    mutating func add(
        _ key: Key, _ hash: UInt64, _ kind: Trouble.Kind, _ failing: Failing, until: AgeInstant,
        at now: AgeInstant, _ dropped: inout [any Error]
    ) {
        let place = known.place(of: key, hash)
        if place == nil, known.count >= Self.bound {
            _ = purge(at: now, &dropped)
            return
        }
        let before = find(key, hash)?.trouble
        var trouble = Trouble(
            kind: kind, failure: failing.kind, reason: failing.reason,
            since: before?.since ?? now, last: now, until: until,
            failures: (before?.failures ?? 0) + 1)
        (trouble.refusals, trouble.lastRefusal) = (before?.refusals ?? 0, before?.lastRefusal)
        let new = Known(trouble: trouble, error: failing.error, hash: hash, era: era)
        if let place {
            dropped.append(known[place].error)
            known[place] = new
        } else {
            known.add(new, for: key, hash)
        }
        nextEnd = min(nextEnd, until + Self.afterlife)
        search.nextEnd = min(search.nextEnd, until + Self.afterlife)
    }

    /// A look-up is answered with a failure.
    func refuse(_ key: Key, _ hash: UInt64, at now: AgeInstant) {
        guard let place = known.place(of: key, hash) else { return }
        known[place].trouble.refusals += 1
        known[place].trouble.lastRefusal = now
    }

    @discardableResult
    mutating func forget(
        _ key: Key, _ hash: UInt64, _ dropped: inout [any Error]
    ) -> Trouble? {
        guard let known = known.remove(key, hash) else { return nil }
        dropped.append(known.error)
        return known.era == era ? known.trouble : nil
    }

    mutating func forgetAll() {
        guard !isEmpty else { return }
        era += 1
        (nextEnd, search) = (AgeInstant(nanoseconds: .min), (0, .distantFuture))
    }

    /// The failure in a place.
    func entry(at place: UInt32) -> (key: Key, hash: UInt64, trouble: Trouble)? {
        guard let entry = known.entry(at: place), entry.element.era == era else { return nil }
        return (entry.key, entry.element.hash, entry.element.trouble)
    }

    /// Forgets some of what matters no more; true where there may be more of it.
    mutating func purge(at now: AgeInstant, _ dropped: inout [any Error]) -> Bool {
        guard nextEnd <= now else { return false }
        let end = min(search.place + Self.slice, places)
        for place in search.place..<max(search.place, end) {
            guard let entry = known.entry(at: place) else { continue }
            let until = entry.element.trouble.until + Self.afterlife
            if until <= now || entry.element.era < era {
                dropped.append(known.remove(at: place, entry.element.hash).error)
            } else {
                search.nextEnd = min(search.nextEnd, until)
            }
        }
        search.place = end
        guard end >= places else { return true }
        nextEnd = search.nextEnd
        search = (0, .distantFuture)
        return false
    }
}

/// A fetch that failed: what it threw, what that means, and how it is said.
struct Failing: Sendable {
    let error: any Error
    let meaning: Refresh.Failure
    let kind: FailureKind
    let reason: String

    /// Asks the error and the cache's own rules; never to be called under a lock.
    init(_ error: any Error, _ refresh: Refresh) {
        self.error = error
        meaning = refresh.meaning(of: error)
        kind = FailureKind(error, meaning)
        let text = refresh.words(error)
        reason = text.utf8.count <= Self.mostBytes ? text : text.prefix(Self.mostBytes / 4) + "…"
    }

    /// A longer reason is cut.
    private static let mostBytes = 4096
}
