import Larder
import TestSupport

@testable import Larder

/// What a cache is to do, said as plainly as it can be: entries stand in one array in the order of
/// writing, and everything is found by looking through it.
///
/// The rules are cachetools' `TTLCache` with the deviations that `Cache` lists; then refresh, the
/// reserve, what is remembered of failures, and undo, as ``Refresh`` and ``CacheConfiguration`` tell
/// them. Who goes where there is no room, the policy's own model says. It can be copied, so that
/// what would happen is what happens to a copy.
struct Model {
    struct Entry: Hashable {
        let key: Name
        let value: Loaf
        var version: UInt64
        let writtenAt: AgeInstant
        /// The value's own end, or one that was set since, by a rejection or an undo.
        var expiry: AgeInstant?
        /// When it ended under bounds that there were: a longer ttl does not bring it back.
        var endedAt: AgeInstant?
        let bytes: Int
        let loads: Int
        var hits: UInt64 = 0
        var lastHit: AgeInstant?
        /// Invalidated softly.
        var isStale = false
        /// Brought back by an undo: it ends by itself, at its deadline.
        var isBack = false
    }

    struct Flight: Hashable {
        let number: Int
        let key: Name
        /// One that asks for several keys at once.
        let isBulk: Bool
        /// False once its key was written or invalidated: what it brings is not kept.
        var isKept = true
        var waiters: Int
    }

    struct Trouble {
        var kind: Larder.Trouble.Kind
        var outage: Outage
        var reason: String
        var since: AgeInstant
        var until: AgeInstant
        var failures: Int
        var last: AgeInstant
        var refusals: UInt64
        var lastRefusal: AgeInstant?
    }

    struct Tombstone {
        var entry: Entry
        let undo: UndoID
        let until: AgeInstant
    }

    /// An event without what cannot be foretold: how long a fetch took.
    struct Happening: Hashable {
        let key: Name?
        let at: AgeInstant
        let what: String
        let rival: Name?
        let by: Operator?
    }

    /// As a removal listener is told.
    struct Departure: Hashable {
        let key: Name
        let value: Loaf
        let cause: RemovalCause
        let version: UInt64
    }

    private(set) var entries: [Entry] = []
    private(set) var flights: [Flight] = []
    var troubles: [Name: Trouble] = [:]
    private(set) var tombstones: [Tombstone] = []
    private(set) var configuration: CacheConfiguration
    private(set) var counters = CacheCounters()
    private(set) var ages: [RemovalCause: Histogram] = [:]
    var events: [Happening] = []
    var departures: [Departure] = []
    /// Keys that were evicted or expired, and not missed since.
    private(set) var ghosts: [Name: (at: AgeInstant, cause: RemovalCause)] = [:]
    var now: AgeInstant

    private var policy: any Naive
    private var version: UInt64 = 0
    private let rules: Rules
    private let bytesOfRecord: Int
    private let hash: (Name) -> UInt64

    init(
        _ configuration: CacheConfiguration, _ rules: Rules, at now: AgeInstant, bytesOfRecord: Int,
        hash: @escaping (Name) -> UInt64
    ) {
        self.configuration = configuration
        self.rules = rules
        self.now = now
        self.bytesOfRecord = bytesOfRecord
        self.hash = hash
        policy = configuration.policy.naive(maxsize: configuration.maxsize)
    }

    // MARK: Ends

    func deadline(_ entry: Entry) -> AgeInstant {
        [endOfLife(entry), entry.expiry, entry.endedAt].compactMap(\.self).min()!
    }

    /// When its life is over by the ttl, which is shorter for some than for others.
    private func endOfLife(_ entry: Entry) -> AgeInstant {
        guard let ttl = configuration.ttl else { return .distantFuture }
        let step = Int64(Double(ttl.nanoseconds) * configuration.jitter / 8)
        return entry.writtenAt + ttl - .nanoseconds(step * Int64(entry.version % 8))
    }

    private func isLive(_ entry: Entry) -> Bool { now < deadline(entry) }

    /// When an ended entry may not be served any more, whatever the fetches do.
    private func end(_ entry: Entry) -> AgeInstant { deadline(entry) + configuration.staleIfError }

    /// From when on one caller fetches an entry anew, and from when on all wait for that.
    private func marks(_ entry: Entry) -> (start: AgeInstant, mandatory: AgeInstant) {
        let end = deadline(entry)
        guard end != .distantFuture, rules.window(end - entry.writtenAt) > .zero else {
            return (end, end)
        }
        let start = max(entry.writtenAt, end - rules.window(end - entry.writtenAt))
        return (start, max(start, end - rules.mandatory))
    }

    /// Of those that had ended by `instant`: first what ends by itself, the soonest first; then the
    /// oldest.
    private func firstEnded(by instant: AgeInstant) -> Entry? {
        func own(_ entry: Entry) -> AgeInstant {
            entry.isBack ? deadline(entry) : entry.expiry ?? .distantFuture
        }
        let first = entries.filter { own($0) <= instant }.min { own($0) < own($1) }
        return first ?? entries.first { deadline($0) <= instant }
    }

    private var nextEnded: Entry? { firstEnded(by: now) }
    private var nextOver: Entry? { firstEnded(by: now - configuration.staleIfError) }

    // MARK: What can be seen

    private var bytes: Int { entries.reduce(0) { $0 + $1.bytes } }

    private func held(_ key: Name) -> Entry? { entries.first { $0.key == key } }

    func peek(_ key: Name) -> Entry? { held(key).flatMap { isLive($0) ? $0 : nil } }

    func trouble(_ key: Name) -> Trouble? { troubles[key].flatMap { now < $0.until ? $0 : nil } }

    /// A failure is told until the next try is due, and where something is held as long as it is
    /// remembered.
    func knows(_ trouble: Trouble, of key: Name) -> Bool {
        now < trouble.until || now < trouble.until + .seconds(60) && held(key) != nil
    }

    func flight(_ key: Name) -> Flight? { flights.first { $0.key == key && $0.isKept } }

    /// What `configure` would return.
    func victims(of new: CacheConfiguration) -> [Victim<Name>] {
        var copy = self
        return copy.configure(new, undo: nil, by: nil)
    }

    /// Instants at which something changes by itself: where mistakes are.
    var turns: [AgeInstant] {
        entries.flatMap { [deadline($0), end($0), marks($0).start, marks($0).mandatory] }
            + troubles.values.map(\.until) + tombstones.map(\.until)
            + ghosts.values.map { $0.at + .seconds(60) }
    }

    // MARK: Looking up

    enum Lookup: Equatable {
        case hit(Loaf)
        /// Served, though invalidated softly; a fetch that nobody waits for begins.
        case stale(Loaf)
        case refused(Outage)
        case join(Int)
        case lead
    }

    /// `number` is the fetch's, should there be one.
    mutating func lookup(_ key: Name, number: Int, isBulk: Bool) -> Lookup {
        removeOver(key)
        if let trouble = trouble(key), trouble.kind != .failed {
            policy.missed()
            counters.refused += 1
            troubles[key]!.refusals += 1
            troubles[key]!.lastRefusal = now
            return .refused(trouble.outage)
        }
        let flight = flight(key)
        if let entry = held(key), entry.isStale {
            guard flight == nil, trouble(key) == nil else { return .hit(serve(entry)) }
            begin(key, number, isBulk, waiters: 0)
            return .stale(serve(entry))
        }
        if let entry = held(key), isServedAsItIs(entry, hasFlight: flight != nil) {
            return .hit(serve(entry))
        }
        policy.missed()
        if let flight {
            counters.coalesced += 1
            flights[flights.firstIndex(of: flight)!].waiters += 1
            return .join(flight.number)
        }
        // What is kept in case that fetches fail has ended, and none has failed since.
        let ended = held(key).flatMap { isLive($0) || troubles[key] != nil ? nil : deadline($0) }
        miss(key, endedAt: ended)
        begin(key, number, isBulk, waiters: 1)
        return .lead
    }

    /// Joins the fetch of `key`, or begins one; nothing is counted.
    mutating func refresh(_ key: Name, number: Int) {
        if let flight = flight(key) {
            flights[flights.firstIndex(of: flight)!].waiters += 1
        } else {
            begin(key, number, false, waiters: 1)
        }
    }

    /// Whether it is live, or may be served where fetches fail.
    func isServable(_ entry: Entry) -> Bool {
        isLive(entry) || !entry.isStale && now < end(entry)
    }

    private func isServedAsItIs(_ entry: Entry, hasFlight: Bool) -> Bool {
        if trouble(entry.key) != nil { return true }
        let (start, mandatory) = marks(entry)
        return now < start || now < mandatory && hasFlight
    }

    /// The value of `key` that is live, or served since the last fetch failed; nothing is fetched.
    mutating func cached(_ key: Name) -> Loaf? {
        removeOver(key)
        if let entry = held(key), isLive(entry) || trouble(key)?.kind == .failed {
            return serve(entry)
        }
        policy.missed()
        miss(key)
        return nil
    }

    /// A look-up that meets an entry of no use to anyone ends it.
    private mutating func removeOver(_ key: Name) {
        guard let entry = held(key), end(entry) <= now || entry.isStale && !isLive(entry) else {
            return
        }
        remove(entry, .expired)
    }

    private mutating func serve(_ entry: Entry) -> Loaf {
        let place = entries.firstIndex(of: entry)!
        counters.hits += 1
        if !isLive(entry) { counters.servedStale += 1 }
        entries[place].hits += 1
        entries[place].lastHit = now
        policy.touched(entry.key.slot)
        return entry.value
    }

    private mutating func begin(_ key: Name, _ number: Int, _ isBulk: Bool, waiters: Int) {
        flights.append(Flight(number: number, key: key, isBulk: isBulk, waiters: waiters))
    }

    private mutating func miss(_ key: Name, endedAt ended: AgeInstant? = nil) {
        counters.misses += 1
        let ghost = ghosts.removeValue(forKey: key)
        if let ended, now - ended < .seconds(60) { return counters.ghostExpired += 1 }
        guard let ghost, now - ghost.at < .seconds(60) else { return }
        if ghost.cause == .evicted {
            counters.ghostEvicted += 1
        } else {
            counters.ghostExpired += 1
        }
    }

    // MARK: Flights

    /// What those who wait are given.
    mutating func land(_ number: Int, _ answer: Answer, insisting: Int) -> Answer {
        let flight = flights.remove(at: flights.firstIndex { $0.number == number }!)
        guard case .failure(let outage) = answer else {
            if case .value(let value) = answer, flight.isKept {
                write(value, for: flight.key, isFetched: true)
            }
            return answer
        }
        let reason = outage.reason(inBulk: flight.isBulk)
        counters.fetchFailures += 1
        counters.failures[rules.kind(of: outage, inBulk: flight.isBulk)] += 1
        note(flight.key, "failed \(reason)")
        guard flight.isKept, let held = failed(flight, outage, reason) else { return answer }
        if !isLive(held) { counters.servedStale += UInt64(flight.waiters - insisting) }
        return .value(held.value)
    }

    /// Remembers a failure as long as it matters; what may be served in spite of it.
    private mutating func failed(_ flight: Flight, _ outage: Outage, _ reason: String) -> Entry? {
        let meaning = rules.meaning(of: outage, inBulk: flight.isBulk)
        if let entry = held(flight.key), entry.isStale,
            !isLive(entry) || meaning != .passing && meaning != .cancelled
        {
            remove(entry, .invalidated)
        }
        let held = held(flight.key)
        func remember(_ kind: Larder.Trouble.Kind, _ pause: Duration) {
            let before = troubles[flight.key]
            troubles[flight.key] = Trouble(
                kind: kind, outage: outage, reason: reason, since: before?.since ?? now,
                until: now + pause, failures: (before?.failures ?? 0) + 1, last: now,
                refusals: before?.refusals ?? 0, lastRefusal: before?.lastRefusal)
        }
        switch meaning {
        case .absent:
            if let held { remove(held, isLive(held) ? .replaced : .expired) }
            if configuration.negativeTTL > .zero { remember(.absent, configuration.negativeTTL) }
        case .refused: remember(.refused, rules.refusal)
        case .cancelled: break
        case .passing:
            if let held, now < end(held) {
                remember(.failed, rules.backoff)
                return held
            }
            if let pause = rules.pause { remember(.refused, pause) }
        }
        return nil
    }

    mutating func leave(_ number: Int) {
        let place = flights.firstIndex { $0.number == number }!
        flights[place].waiters -= 1
        if flights[place].waiters == 0 { flights.remove(at: place) }
    }

    private mutating func disown(_ which: (Flight) -> Bool = { _ in true }) {
        for place in flights.indices where which(flights[place]) { flights[place].isKept = false }
    }

    // MARK: Writing

    mutating func insert(_ value: Loaf, for key: Name) {
        disown { $0.key == key }
        write(value, for: key, isFetched: false)
    }

    private mutating func write(_ value: Loaf, for key: Name, isFetched: Bool) {
        let old = held(key)
        let ends = [value.expiry, rules.lifetime(value).map { now + $0 }]
        var entry = Entry(
            key: key, value: value, version: 0, writtenAt: now,
            expiry: ends.compactMap(\.self).min(),
            bytes: bytesOfRecord + value.heapBytes, loads: min((old?.loads ?? 0) + 1, 32_767))
        let maxbytes = configuration.maxbytes ?? .max
        let lives = configuration.ttl != .zero && now < entry.expiry ?? .distantFuture
        let isKept = lives && entry.bytes <= maxbytes && configuration.maxsize != 0
        if let old {
            // It takes the older one's place unless, while others make room, that one's turn comes.
            let isInPlace =
                isKept && isLive(old) && makeRoom(for: entry.bytes - old.bytes, inPlaceOf: old)
            remove(old, isLive(old) ? .replaced : .expired, isInPlace: isInPlace)
            if isInPlace {
                policy.rewritten(key.slot)
                return add(&entry, isFetched ? ", fetched" : "")
            }
        }
        if lives, entry.bytes > maxbytes {
            counters.oversized += 1
            note(key, "oversized \(entry.bytes)")
        }
        guard isKept else { return }
        while entries.count >= configuration.maxsize ?? .max || bytes + entry.bytes > maxbytes {
            removeNext(for: key)
        }
        ghosts[key] = nil
        policy.added(key.slot, hash(key))
        add(&entry, isFetched ? ", fetched" : "")
    }

    private mutating func add(_ entry: inout Entry, _ how: String) {
        version += 1
        entry.version = version
        troubles[entry.key] = nil
        entries.append(entry)
        note(entry.key, "written \(entry.version), \(entry.bytes) bytes\(how)")
    }

    private mutating func makeRoom(for growth: Int, inPlaceOf old: Entry) -> Bool {
        while bytes + growth > configuration.maxbytes ?? .max {
            if nextEnded == nil, policy.victim() == old.key.slot { return false }
            removeNext(for: old.key)
        }
        return true
    }

    private mutating func removeNext(for rival: Name?) {
        if let ended = nextEnded {
            remove(ended, .expired)
        } else {
            remove(victim(), .evicted, rival: rival)
        }
    }

    private mutating func victim() -> Entry {
        let slot = policy.victim()
        return entries.first { $0.key.slot == slot }!
    }

    // MARK: Removing

    private mutating func remove(
        _ entry: Entry, _ cause: RemovalCause, rival: Name? = nil, by actor: Operator? = nil,
        isInPlace: Bool = false
    ) {
        entries.removeAll { $0.key == entry.key }
        if !isInPlace { policy.removed(entry.key.slot, cause == .evicted) }
        counters.count(cause)
        if cause == .evicted || cause == .expired { ghosts[entry.key] = (now, cause) }
        if entry.hits == 0 { counters.unused += 1 }
        let age = now - entry.writtenAt
        ages[cause, default: Histogram()].add(age)
        note(
            entry.key, "\(cause) \(entry.version), \(age), \(entry.hits) hits", rival: rival,
            by: actor)
        departures.append(
            Departure(
                key: entry.key, value: entry.value, cause: cause, version: entry.version))
    }

    mutating func invalidate(
        _ key: Name, version: UInt64?, undo: UndoID?, by actor: Operator?
    ) -> Invalidation {
        guard let entry = held(key), now < end(entry) else {
            if version != nil { return .absent }
            return forgetFailure(of: key, by: actor) ? .removed(bytes: 0) : .absent
        }
        if let version, version != entry.version { return .changed(version: entry.version) }
        disown { $0.key == key }
        troubles[key] = nil
        remove(entry, .invalidated, by: actor)
        bury(entry, undo)
        return .removed(bytes: entry.bytes)
    }

    /// Whether one was remembered.
    mutating func forgetFailure(of key: Name, by actor: Operator?) -> Bool {
        disown { $0.key == key }
        let known = trouble(key)
        troubles[key] = nil
        guard let known else { return false }
        note(key, "forgotten \(known.failures), \(known.refusals)", by: actor)
        return true
    }

    /// Marks an entry as stale.
    mutating func soften(_ key: Name, version: UInt64?, by actor: Operator?) -> Invalidation {
        guard let place = entries.firstIndex(where: { $0.key == key }) else {
            if version == nil { disown { $0.key == key } }
            return .absent
        }
        let entry = entries[place]
        guard isLive(entry) else { return .absent }
        if let version, version != entry.version { return .changed(version: entry.version) }
        disown { $0.key == key }
        entries[place].isStale = true
        note(key, "softened \(entry.version)", by: actor)
        return .removed(bytes: entry.bytes)
    }

    /// Ends an entry whose value is bad; where there is a reserve, it stands in that.
    mutating func reject(_ key: Name, by actor: Operator?, where isBad: (Loaf) -> Bool) -> Bool {
        guard let place = entries.firstIndex(where: { $0.key == key }), isBad(entries[place].value)
        else { return false }
        if configuration.staleIfError > .zero {
            entries[place].expiry = min(entries[place].expiry ?? .distantFuture, now)
        } else {
            remove(entries[place], .invalidated, by: actor)
        }
        return true
    }

    mutating func invalidateAll(by actor: Operator?) -> Int {
        disown()
        troubles = [:]
        let all = entries
        for entry in all {
            let live = isLive(entry)
            remove(entry, live ? .invalidated : .expired, by: live ? actor : nil)
        }
        return all.count
    }

    // MARK: Undoing

    private mutating func bury(_ entry: Entry, _ undo: UndoID?) {
        guard let undo else { return }
        tombstones.append(Tombstone(entry: entry, undo: undo, until: now + .seconds(30)))
    }

    /// Puts back what left under `undo`, with all that was known of it, under a new version.
    mutating func restore(_ undo: UndoID, by actor: Operator?) -> (restored: Int, lost: Int) {
        let opened = tombstones.filter { $0.undo == undo && now < $0.until }
        tombstones.removeAll { $0.undo == undo || $0.until <= now }
        var restored = 0
        for tombstone in opened where restore(tombstone.entry, by: actor) { restored += 1 }
        return (restored, opened.count - restored)
    }

    private mutating func restore(_ buried: Entry, by actor: Operator?) -> Bool {
        var entry = buried
        entry.version = version + 1
        // It goes on ageing from the time of its write.
        let end = min(deadline(buried), deadline(entry))
        entry.expiry = end == .distantFuture ? nil : end
        entry.endedAt = nil
        entry.isBack = true
        guard held(entry.key) == nil, now < entry.expiry ?? .distantFuture,
            entries.count < configuration.maxsize ?? .max,
            bytes + entry.bytes <= configuration.maxbytes ?? .max
        else { return false }
        disown { $0.key == entry.key }
        ghosts[entry.key] = nil
        troubles[entry.key] = nil
        version += 1
        policy.added(entry.key.slot, hash(entry.key))
        entries.append(entry)
        note(entry.key, "restored \(version)", by: actor)
        return true
    }

    // MARK: Bounds

    /// Removes those whose reserve is over.
    @discardableResult
    mutating func expire() -> Int {
        troubles = troubles.filter { now < $0.value.until + .seconds(60) }
        var count = 0
        while let entry = nextOver {
            remove(entry, .expired)
            count += 1
        }
        return count
    }

    /// What leaves for it, in order.
    mutating func configure(
        _ new: CacheConfiguration, undo: UndoID?, by actor: Operator?, shrinks: Bool = true
    ) -> [Victim<Name>] {
        expire()
        if new != configuration { install(new, by: actor) }
        guard shrinks else { return [] }
        var left: [Victim<Name>] = []
        func take(_ entry: Entry, _ cause: RemovalCause) {
            remove(entry, cause)
            bury(entry, undo)
            left.append(
                Victim(key: entry.key, version: entry.version, bytes: entry.bytes, cause: cause))
        }
        while let entry = nextOver { take(entry, .expired) }
        while entries.count > new.maxsize ?? .max || bytes > new.maxbytes ?? .max {
            if let entry = nextEnded { take(entry, .expired) } else { take(victim(), .evicted) }
        }
        return left
    }

    private mutating func install(_ new: CacheConfiguration, by actor: Operator?) {
        note(nil, "configured \(configuration) \(new)", by: actor)
        // What has ended does not come back to life.
        func ended(_ entry: Entry) -> AgeInstant? {
            let end = endOfLife(entry)
            return end <= now ? min(end, entry.endedAt ?? end) : entry.endedAt
        }
        for place in entries.indices { entries[place].endedAt = ended(entries[place]) }
        for place in tombstones.indices {
            tombstones[place].entry.endedAt = ended(tombstones[place].entry)
        }
        if new.policy != configuration.policy {
            // It learns of the entries in the order in which the present one would let them go.
            let order = policy.foretold(entries.count)
            policy = new.policy.naive(maxsize: new.maxsize)
            for slot in order {
                policy.added(slot, hash(entries.first { $0.key.slot == slot }!.key))
            }
        } else if new.maxsize != configuration.maxsize {
            policy.resized(to: new.maxsize)
        }
        configuration = new
    }

    private mutating func note(
        _ key: Name?, _ what: String, rival: Name? = nil, by actor: Operator? = nil
    ) {
        events.append(Happening(key: key, at: now, what: what, rival: rival, by: actor))
    }
}

extension Model.Happening {
    var description: String {
        "\(key.map { "\($0)" } ?? "-") at \(at.nanoseconds): \(what)"
    }

    init(_ event: CacheEvent<Name>) {
        let what =
            switch event.kind {
            case .written(let version, let took, let bytes):
                "written \(version), \(bytes) bytes\(took == nil ? "" : ", fetched")"
            case .failed(_, _, let reason): "failed \(reason)"
            case .removed(let cause, let version, let age, let hits):
                "\(cause) \(version), \(age), \(hits) hits"
            case .configured(let old, let new): "configured \(old) \(new)"
            case .oversized(let bytes): "oversized \(bytes)"
            case .softened(let version): "softened \(version)"
            case .restored(let version): "restored \(version)"
            case .forgotten(let failures, let refusals): "forgotten \(failures), \(refusals)"
            }
        self.init(key: event.key, at: event.at, what: what, rival: event.rival, by: event.by)
    }
}
