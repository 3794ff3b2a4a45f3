import Larder

/// The plans that are kept until they are applied, as one value: time comes in as an argument.
///
/// A plan holds on to all that it would remove, and whoever may look can make one. So it is bounded
/// how much one maker has kept, how much all have, and how long it is kept. The newest plan is
/// always kept, however large. What goes is handed back, to be dropped where nobody waits for that.
struct Plans {
    struct Kept {
        var plan: Plan
        /// What is needed to apply it; `nil` once it was.
        var prepared: PreparedPlan?
        /// Whose it is: a user's id, or nobody's where that is not known.
        let maker: UInt32?
        let weight: Int
        fileprivate let number: Int

        fileprivate init(_ plan: Plan, _ prepared: PreparedPlan, of maker: UInt32?, number: Int) {
            self.plan = plan
            self.prepared = prepared
            self.maker = maker
            self.number = number
            weight =
                MemoryLayout<Self>.stride + plan.change.weight + prepared.weight
                + plan.skipped.reduce(0) { $0 + $1.weight }
        }
    }

    enum Found {
        case kept(Kept)
        /// It was made too long ago.
        case late
        case unknown
    }

    /// How long a plan is kept.
    static let life = Duration.seconds(300)
    /// Most plans, and most bytes, of one maker and of all together.
    static let mostOfOne = (plans: 64, bytes: 64 << 20)
    static let mostOfAll = (plans: 256, bytes: 128 << 20)
    /// How many ids of plans that were too old are kept, to tell them from ids that never were.
    private static let mostLate = 256

    private var kept: [Plan.ID: Kept] = [:]
    private var late: [Plan.ID] = []
    private var lastNumber = 0

    var bytes: Int { kept.values.reduce(0) { $0 + $1.weight } }
    var count: Int { kept.count }
    var isEmpty: Bool { kept.isEmpty }

    /// - Returns: What goes for it.
    mutating func add(_ plan: Plan, _ prepared: PreparedPlan, of maker: UInt32?) -> [Kept] {
        var gone = forget(at: plan.at)
        lastNumber += 1
        kept[plan.id] = Kept(plan, prepared, of: maker, number: lastNumber)
        while let victim = victim(maker) {
            kept[victim.plan.id] = nil
            gone.append(victim)
        }
        return gone
    }

    /// The plan that goes for the newest: the oldest of the same maker where that one has too much,
    /// and where all have, the oldest of whoever has most.
    private func victim(_ maker: UInt32?) -> Kept? {
        let older = kept.values.filter { $0.number != lastNumber }
        let own = older.filter { $0.maker == maker }
        let newest = kept.count - older.count
        let newBytes = bytes - older.reduce(0) { $0 + $1.weight }
        func isTooMuch(_ plans: [Kept], _ most: (plans: Int, bytes: Int)) -> Bool {
            plans.count + newest > most.plans
                || plans.reduce(newBytes) { $0 + $1.weight } > most.bytes
        }
        if isTooMuch(own, Self.mostOfOne) { return own.min { $0.number < $1.number } }
        guard isTooMuch(older, Self.mostOfAll) else { return nil }
        let most = Dictionary(grouping: older, by: \.maker).values.max { a, b in
            (a.reduce(0) { $0 + $1.weight }, a.count) < (b.reduce(0) { $0 + $1.weight }, b.count)
        }
        return most?.min { $0.number < $1.number }
    }

    /// What there is of a plan, and what was too old.
    mutating func find(_ id: Plan.ID, at now: AgeInstant) -> (Found, old: [Kept]) {
        let old = forget(at: now)
        if let found = kept[id] { return (.kept(found), old) }
        return (late.contains(id) ? .late : .unknown, old)
    }

    /// Takes what is needed to apply a plan, once.
    mutating func take(_ id: Plan.ID) -> PreparedPlan? {
        defer { kept[id]?.prepared = nil }
        return kept[id]?.prepared
    }

    /// Gives back what was taken and is not applied after all.
    mutating func giveBack(_ id: Plan.ID, _ prepared: PreparedPlan) {
        kept[id]?.prepared = prepared
    }

    /// Takes out what is too old.
    mutating func forget(at now: AgeInstant) -> [Kept] {
        let old = kept.values.filter { $0.plan.at + Self.life <= now }
        for plan in old.sorted(by: { $0.number < $1.number }) {
            kept[plan.plan.id] = nil
            late.append(plan.plan.id)
        }
        late.removeFirst(max(0, late.count - Self.mostLate))
        return old
    }
}

extension Change {
    /// The same with each entry named once in a list: who names it twice means what was said first.
    var once: Change {
        switch self {
        case .invalidate(let entries): .invalidate(Self.once(entries))
        case .soften(let entries): .soften(Self.once(entries))
        case .all(let changes): .all(changes.map(\.once))
        case .invalidateAll, .configure: self
        }
    }

    private static func once(_ entries: [SeenEntry]) -> [SeenEntry] {
        var seen: Set<EntryKey> = []
        seen.reserveCapacity(entries.count)
        var once: [SeenEntry] = []
        // Just the room that is needed: a list that grew may keep twice as much.
        once.reserveCapacity(entries.count)
        for entry in entries where seen.insert(entry.id).inserted { once.append(entry) }
        return once.count == entries.count ? once : Array(once[...])
    }

    /// How many entries it names.
    package var named: Int {
        switch self {
        case .invalidate(let entries), .soften(let entries): entries.count
        case .all(let changes): changes.reduce(0) { $0 + $1.named }
        case .invalidateAll, .configure: 0
        }
    }
}
