import Larder
import TestSupport

@testable import Larder

/// What a cache is to do, said as plainly as it can be: entries stand in one array, the least
/// recently used or written first, and everything is found by looking through it.
///
/// The rules are cachetools' `TTLCache` with the deviations that `Cache` lists, under the policies
/// that can be said in a line: lru, fifo and lfu without ageing.
struct Model {
    struct Entry: Hashable {
        let key: Int
        let value: Loaf
        let version: UInt64
        let writtenAt: Instant
        let bytes: Int
        var hits: UInt64 = 0
        var lastHit: Instant?
        /// Writes and hits of the key for as long as it has been held.
        var uses = 1
    }

    struct Flight {
        let number: Int
        let key: Int
        /// False once its key was written or invalidated: what it brings is not kept.
        var isKept = true
        var waiters = 1
    }

    /// An event without what cannot be foretold: how long a fetch took.
    struct Happening: Hashable {
        let key: Int?
        let at: Instant
        let what: String
        let by: Actor?
    }

    var entries: [Entry] = []
    var flights: [Flight] = []
    var configuration: Configuration
    var counters = Counters()
    var events: [Happening] = []
    /// Keys that were evicted or expired, and not missed since.
    var ghosts: [Int: (at: Instant, cause: RemovalCause)] = [:]
    var now: Instant
    private var version: UInt64 = 0
    private let bytesOfRecord: Int

    init(_ configuration: Configuration, at now: Instant, bytesOfRecord: Int) {
        self.configuration = configuration
        self.now = now
        self.bytesOfRecord = bytesOfRecord
    }

    // MARK: What can be seen

    func deadline(_ entry: Entry) -> Instant { deadline(entry, configuration.ttl) }

    private func deadline(_ entry: Entry, _ ttl: Duration?) -> Instant {
        let ends = [ttl.map { entry.writtenAt + $0 }, entry.value.expiry]
        return ends.compactMap(\.self).min() ?? .distantFuture
    }

    private var bytes: Int { entries.reduce(0) { $0 + $1.bytes } }

    var live: [Entry] { entries.filter { now < deadline($0) } }

    func peek(_ key: Int) -> Entry? { live.first { $0.key == key } }

    /// Those that `new` bounds would end, in the order of writing; then those there is no room for.
    func victims(of new: Configuration) -> [Victim<Int>] {
        let stay = live.filter { now < deadline($0, new.ttl) }
        let ended = live.filter { deadline($0, new.ttl) <= now }.sorted { $0.version < $1.version }
        var excess: [Entry] = []
        var (count, bytes) = (stay.count, stay.reduce(0) { $0 + $1.bytes })
        // Under a policy that is new all have been used alike, in the order of the present one.
        for entry in inOrder(stay) {
            guard count > new.maxsize ?? .max || bytes > new.maxbytes ?? .max else { break }
            excess.append(entry)
            count -= 1
            bytes -= entry.bytes
        }
        return ended.map { victim($0, .expired) } + excess.map { victim($0, .evicted) }
    }

    /// The first to go first.
    func inOrder(_ entries: [Entry]) -> [Entry] {
        guard case .lfu = configuration.policy else { return entries }
        return entries.enumerated()
            .sorted { ($0.element.uses, $0.offset) < ($1.element.uses, $1.offset) }
            .map(\.element)
    }

    private func victim(_ entry: Entry, _ cause: RemovalCause) -> Victim<Int> {
        Victim(key: entry.key, version: entry.version, bytes: entry.bytes, cause: cause)
    }

    // MARK: Looking up

    /// The entry of `key`, now the last to be evicted; an ended one leaves.
    mutating func hit(_ key: Int) -> Loaf? {
        guard let place = entries.firstIndex(where: { $0.key == key }) else { return nil }
        guard now < deadline(entries[place]) else {
            remove(entries[place], .expired)
            return nil
        }
        counters.hits += 1
        entries[place].hits += 1
        entries[place].uses += 1
        entries[place].lastHit = now
        let value = entries[place].value
        if configuration.policy != .fifo { entries.append(entries.remove(at: place)) }
        return value
    }

    mutating func cached(_ key: Int) -> Loaf? {
        let value = hit(key)
        if value == nil { miss(key) }
        return value
    }

    enum Lookup: Equatable {
        case hit(Loaf)
        case join(Int)
        case lead
    }

    /// `number` is the fetch's, should there be one.
    mutating func lookup(_ key: Int, number: Int) -> Lookup {
        if let value = hit(key) { return .hit(value) }
        if let place = flights.firstIndex(where: { $0.key == key && $0.isKept }) {
            counters.coalesced += 1
            flights[place].waiters += 1
            return .join(flights[place].number)
        }
        miss(key)
        flights.append(Flight(number: number, key: key))
        return .lead
    }

    private mutating func miss(_ key: Int) {
        counters.misses += 1
        guard let ghost = ghosts.removeValue(forKey: key), now - ghost.at < .seconds(60) else {
            return
        }
        if ghost.cause == .evicted {
            counters.regretEvicted += 1
        } else {
            counters.regretExpired += 1
        }
    }

    mutating func land(_ number: Int, _ result: Result<Loaf, Refused>) {
        let place = flights.firstIndex { $0.number == number }!
        let flight = flights.remove(at: place)
        switch result {
        case .success(let value): if flight.isKept { write(value, for: flight.key, fetched: true) }
        case .failure(let error):
            counters.fetchFailures += 1
            note(flight.key, "failed \(error)")
        }
    }

    mutating func leave(_ number: Int) {
        let place = flights.firstIndex { $0.number == number }!
        flights[place].waiters -= 1
        if flights[place].waiters == 0 { flights.remove(at: place) }
    }

    // MARK: Changing

    mutating func insert(_ value: Loaf, for key: Int) {
        disown { $0.key == key }
        write(value, for: key, fetched: false)
    }

    private mutating func write(_ value: Loaf, for key: Int, fetched: Bool) {
        var entry = Entry(
            key: key, value: value, version: version + 1, writtenAt: now,
            bytes: bytesOfRecord + value.heapBytes)
        let maxbytes = configuration.maxbytes ?? .max
        let lives = now < deadline(entry)
        let isKept = lives && entry.bytes <= maxbytes && configuration.maxsize != 0
        if let old = entries.first(where: { $0.key == key }) {
            let isLive = now < deadline(old)
            // It takes the older one's place unless, while others make room, that one's turn comes.
            if isKept, isLive, makeRoom(for: entry.bytes - old.bytes, inPlaceOf: old) {
                entry.uses = old.uses + 1
            }
            remove(old, isLive ? .replaced : .expired)
        }
        if lives, entry.bytes > maxbytes {
            counters.oversized += 1
            note(key, "oversized \(entry.bytes)")
        }
        guard isKept else { return }
        while entries.count >= configuration.maxsize ?? .max || bytes + entry.bytes > maxbytes {
            removeNext()
        }
        version += 1
        ghosts[key] = nil
        entries.append(entry)
        note(key, "written \(entry.version), \(entry.bytes) bytes\(fetched ? ", fetched" : "")")
    }

    private mutating func makeRoom(for growth: Int, inPlaceOf old: Entry) -> Bool {
        while bytes + growth > configuration.maxbytes ?? .max {
            if nextEnded == nil, inOrder(entries)[0].key == old.key { return false }
            removeNext()
        }
        return true
    }

    private mutating func removeNext() {
        if let ended = nextEnded {
            remove(ended, .expired)
        } else {
            remove(inOrder(entries)[0], .evicted)
        }
    }

    mutating func invalidate(_ key: Int, version: UInt64?, by actor: Actor?) -> Invalidation {
        guard let entry = peek(key) else {
            if version == nil { disown { $0.key == key } }
            return .absent
        }
        if let version, version != entry.version { return .changed(version: entry.version) }
        disown { $0.key == key }
        remove(entry, .invalidated, by: actor)
        return .removed(bytes: entry.bytes)
    }

    mutating func invalidateAll(by actor: Actor?) -> Int {
        disown { _ in true }
        let all = entries.sorted { $0.version < $1.version }
        for entry in all {
            if now < deadline(entry) {
                remove(entry, .invalidated, by: actor)
            } else {
                remove(entry, .expired)
            }
        }
        return all.count
    }

    mutating func expire() -> Int {
        var count = 0
        while let entry = nextEnded {
            remove(entry, .expired)
            count += 1
        }
        return count
    }

    mutating func configure(_ new: Configuration, by actor: Actor?) -> [Victim<Int>] {
        _ = expire()
        let victims = victims(of: new)
        if new != configuration {
            note(nil, "configured \(configuration) \(new)", by: actor)
            if new.policy != configuration.policy {
                entries = inOrder(entries)
                for place in entries.indices { entries[place].uses = 1 }
            }
            configuration = new
        }
        for victim in victims {
            remove(entries.first { $0.version == victim.version }!, victim.cause)
        }
        return victims
    }

    // MARK: Parts

    /// Of those that have ended: first what ends by itself, the soonest first; then the oldest.
    private var nextEnded: Entry? {
        let own = entries.filter { $0.value.expiry ?? .distantFuture <= now }
        let first = own.min { $0.value.expiry! < $1.value.expiry! }
        return first
            ?? entries.filter { deadline($0) <= now }.min { $0.version < $1.version }
    }

    private mutating func disown(_ which: (Flight) -> Bool) {
        for place in flights.indices where which(flights[place]) { flights[place].isKept = false }
    }

    private mutating func remove(_ entry: Entry, _ cause: RemovalCause, by actor: Actor? = nil) {
        entries.removeAll { $0.version == entry.version }
        counters.count(cause)
        let isGhost = cause == .evicted || cause == .expired
        if isGhost { ghosts[entry.key] = (now, cause) }
        if entry.hits == 0 { counters.unused += 1 }
        let age = now - entry.writtenAt
        note(entry.key, "\(cause) \(entry.version), \(age), \(entry.hits) hits", by: actor)
    }

    private mutating func note(_ key: Int?, _ what: String, by actor: Actor? = nil) {
        events.append(Happening(key: key, at: now, what: what, by: actor))
    }
}

extension Model.Happening {
    init(_ event: Event<Int>) {
        let what =
            switch event.kind {
            case .written(let version, let took, let bytes):
                "written \(version), \(bytes) bytes\(took == nil ? "" : ", fetched")"
            case .failed(_, let reason): "failed \(reason)"
            case .removed(let cause, let version, let age, let hits):
                "\(cause) \(version), \(age), \(hits) hits"
            case .configured(let old, let new): "configured \(old) \(new)"
            case .oversized(let bytes): "oversized \(bytes)"
            case .softened(let version): "softened \(version)"
            case .restored(let version): "restored \(version)"
            }
        self.init(key: event.key, at: event.at, what: what, by: event.by)
    }
}
