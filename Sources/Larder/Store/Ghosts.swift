/// The keys that left lately by eviction or expiry, so that a miss can be told to be a ghost hit.
///
/// It remembers hashes for a minute, in two generations, the younger of which takes the place of
/// the older once it is full: so it is exact for the last 2,048 departures at least. Two keys of one
/// hash are one to it.
struct Ghosts: ~Copyable {
    private var young = Generation()
    private var old = Generation()

    static let window = Duration.seconds(60).nanoseconds
    static let generation = 2048

    mutating func left(_ hash: UInt64, _ cause: RemovalCause, at now: Int64) {
        guard cause == .evicted || cause == .expired else { return }
        if young.used >= Self.generation {
            swap(&young, &old)
            young.clear()
        }
        young.add(hash, isEviction: cause == .evicted, at: now)
    }

    /// The key is back.
    mutating func forget(_ hash: UInt64) {
        young.forget(hash)
        old.forget(hash)
    }

    /// Why and when the key that is missed left, where that was within the last minute; told once.
    mutating func missed(_ hash: UInt64, at now: Int64) -> (cause: RemovalCause, left: Int64)? {
        guard let ghost = young.find(hash) ?? old.find(hash) else { return nil }
        forget(hash)
        guard now &- ghost.at < Self.window else { return nil }
        return (ghost.isEviction ? .evicted : .expired, ghost.at)
    }

    /// An open-addressed table, half of whose places stay free. What is forgotten keeps its place,
    /// so that no search ends too early; it begins small and doubles.
    struct Generation: ~Copyable {
        private var ghosts = SlotColumn(Ghost(), capacity: 16)
        private var places: UInt32 = 16
        private(set) var used = 0

        mutating func clear() {
            for place in 0..<places { ghosts[place] = Ghost() }
            used = 0
        }

        mutating func add(_ hash: UInt64, isEviction: Bool, at now: Int64) {
            if used * 2 >= places { double() }
            let place = place(of: hash)
            if ghosts[place].fate == .free { used += 1 }
            ghosts[place] = Ghost(hash, isEviction ? .evicted : .expired, at: now)
        }

        func forget(_ hash: UInt64) {
            guard used > 0 else { return }
            let place = place(of: hash)
            if ghosts[place].fate != .free { ghosts[place].fate = .back }
        }

        func find(_ hash: UInt64) -> (isEviction: Bool, at: Int64)? {
            guard used > 0 else { return nil }
            let ghost = ghosts[place(of: hash)]
            return ghost.fate == .evicted || ghost.fate == .expired
                ? (ghost.fate == .evicted, ghost.at) : nil
        }

        /// Where a hash stands, or would.
        private func place(of hash: UInt64) -> UInt32 {
            var place = UInt32(truncatingIfNeeded: hash) & (places - 1)
            while ghosts[place].fate != .free, ghosts[place].hash != hash {
                place = (place + 1) & (places - 1)
            }
            return place
        }

        private mutating func double() {
            let former = (0..<places).map { ghosts[$0] }
            places *= 2
            ghosts.reserve(places - 1)
            clear()
            for ghost in former where ghost.fate != .free {
                ghosts[place(of: ghost.hash)] = ghost
                used += 1
            }
        }
    }

    enum Fate: UInt8 { case free, back, evicted, expired }

    struct Ghost: BitwiseCopyable {
        var hash: UInt64 = 0
        private var atAndFate: Int64 = 0

        init() {}

        init(_ hash: UInt64, _ fate: Fate, at now: Int64) {
            (self.hash, atAndFate) = (hash, now &<< 2 | Int64(fate.rawValue))
        }

        /// In nanoseconds: 73 years are enough.
        var at: Int64 { atAndFate >> 2 }

        var fate: Fate {
            get { Fate(rawValue: UInt8(atAndFate & 3))! }
            set { atAndFate = atAndFate & ~3 | Int64(newValue.rawValue) }
        }
    }
}
