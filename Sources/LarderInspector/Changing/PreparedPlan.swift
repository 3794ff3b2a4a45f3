import Larder

/// A plan with what is needed to apply it, in parts or at once, and to take it back.
struct PreparedPlan: Sendable {
    var parts: [Part]

    init(_ parts: [Part]) { self.parts = parts }

    /// Several made one, applied in order and taken back in the opposite one.
    init(all prepared: [PreparedPlan]) { parts = prepared.flatMap(\.parts) }

    var entries: Int { parts.reduce(0) { $0 + $1.entries } }
    var bytes: Int { parts.reduce(0) { $0 + $1.bytes } }
    var victims: [PlannedVictim] { Array(parts.lazy.flatMap(\.first).prefix(Plan.named)) }
    var skipped: [Skipped] { Array(parts.lazy.flatMap(\.skipped).prefix(Skipped.named)) }
    /// See ``Plan/unnamed``.
    var unnamed: Int {
        parts.reduce(-skipped.count) { $0 + $1.skipped.count + $1.unnamed }
    }
    var failures: Int { parts.reduce(0) { $0 + $1.failures } }
    var undoable: Int { parts.reduce(0) { $0 + $1.undoable } }
    var fetches: Int { parts.reduce(0) { $0 + $1.fetches } }
    var perMinute: Int? { Self.perMinute(parts.map(\.perMinute)) }

    /// The sum over several parts; `nil` where it is known of none.
    static func perMinute(_ parts: [Int?]) -> Int? {
        let rates = parts.compactMap(\.self)
        return rates.isEmpty ? nil : rates.reduce(0, +)
    }
    /// The names of the protected caches concerned.
    var protected: [String] {
        Set(parts.filter(\.isProtected).map { Verbatim($0.cache) }).map(\.text).sorted()
    }
    var units: Int { parts.reduce(0) { $0 + $1.units } }
    /// About the memory that it takes to keep it.
    var weight: Int { parts.reduce(0) { $0 + $1.weight } }
    /// Whether it marks as stale and does nothing else.
    var isSoft: Bool { !parts.isEmpty && parts.allSatisfy(\.isSoft) }
    var changesBounds: Bool { parts.contains { $0.bounds != nil } }
    /// The bounds before, where the change is of one cache's bounds.
    var before: CacheConfiguration? {
        let bounds = parts.compactMap(\.bounds)
        return bounds.count == 1 ? bounds[0].from : nil
    }
}

/// What a plan does to one cache.
struct Part: Sendable {
    var cache: String
    /// How many entries would go, their bytes, and the first of them.
    var entries: Int
    var bytes: Int
    var first: [PlannedVictim]
    var skipped: [Skipped] = []
    /// See ``Plan/unnamed``.
    var unnamed = 0
    /// The bounds that change.
    var bounds: Bounds?
    var fetches = 0
    /// See ``Plan/failures``.
    var failures = 0
    /// See ``Plan/undoable``.
    var undoable = 0
    /// See ``Plan/perMinute``.
    var perMinute: Int?
    var isProtected = false
    /// It marks as stale and removes nothing.
    var isSoft = false
    /// See ``PreparedPlan/weight``.
    var weight: Int
    /// Into how many steps the work falls.
    var units: Int
    /// Does some of the steps; it holds on to all that would go.
    var run: (@Sendable (_ units: Range<Int>, Operator, UndoID) throws -> Step)?
    /// Takes back what the first so many steps did; ``bounds`` as they stand by then.
    var undo: @Sendable (Bounds?, _ done: Int, UndoID, Operator) throws -> Step
    /// What that would do now.
    var wayBack: @Sendable (Bounds?, _ done: Int, UndoID) throws -> WayBack = { _, _, _ in
        WayBack()
    }
}

/// What taking back a part would do.
struct WayBack: Sendable {
    /// Entries that would come back, at most.
    var back = 0
    /// What would have to go for it.
    var entries = 0
    var bytes = 0
    var first: [PlannedVictim] = []
    var fetches = 0
    /// See ``Plan/perMinute``.
    var perMinute: Int?
    /// The bounds there are, and what they would be.
    var bounds: (from: CacheConfiguration, to: CacheConfiguration)?
    /// What would not go back, and why.
    var problem: String?
}

/// What came of a step.
struct Step: Sendable {
    var outcome = Outcome.nothing
    /// What was removed, the first of it.
    var gone: [PlannedVictim] = []
    /// The versions of all that bounds removed.
    var versions: [UInt64] = []
    /// The bounds before and after a step that takes back.
    var bounds: ChangeRecord.Bounds?
    /// What was not taken back, and why.
    var problem: String?

    /// Takes note of an entry that left.
    mutating func remove(_ bytes: Int, _ victim: @autoclosure () -> PlannedVictim) {
        outcome.removed += 1
        outcome.bytes += bytes
        if gone.count < ChangeRecord.named { gone.append(victim()) }
    }

    /// Takes note of a failure that is remembered no more.
    mutating func forget(_ victim: @autoclosure () -> PlannedVictim) {
        remove(0, victim())
        outcome.forgotten += 1
    }

    /// Takes note of an entry that was marked as stale.
    mutating func soften(_ bytes: Int, _ victim: @autoclosure () -> PlannedVictim) {
        remove(bytes, victim())
        outcome.softened += 1
    }

    /// Takes note of an entry that stayed.
    mutating func leave(_ skipped: @autoclosure () -> Skipped) {
        outcome.skipped.add(skipped(), &outcome.unnamed)
    }
}

/// Bounds on their way from one to the other, for an application that is spread over some time.
struct Bounds: Sendable {
    /// What they are taken back to.
    private(set) var from: CacheConfiguration
    let to: CacheConfiguration
    /// Entries held when it was planned, what they take, and the age of the oldest.
    let held: Int
    let bytes: Int
    let oldest: Duration

    static let steps = 60

    /// Bounds that were set for a while are over: what was set on top of them is taken back to those of
    /// before.
    mutating func rebase(from over: CacheConfiguration, to before: CacheConfiguration) {
        from = from.goingBack(from: over, to: before).bounds
    }

    /// Only what shrinks takes time.
    var isGradual: Bool {
        Self.shrinks(from.maxsize, to.maxsize, held)
            || Self.shrinks(from.maxbytes, to.maxbytes, bytes)
            || to.ttl.map { $0 < firstTTL } ?? false
    }

    var units: Int { isGradual ? Self.steps : 1 }

    /// The bounds that there are once so many units are done.
    func reached(_ done: Int) -> CacheConfiguration {
        done == 0 ? from : done >= units ? to : after(done)
    }

    /// The ttl to begin with: a longer one would end nothing that is held.
    private var firstTTL: Duration { min(from.ttl ?? oldest, max(oldest, to.ttl ?? oldest)) }

    private static func shrinks(_ from: Int?, _ to: Int?, _ held: Int) -> Bool {
        to ?? .max < min(from ?? .max, held)
    }

    /// A size on its way, with a share of it left.
    private static func between(_ from: Int?, _ to: Int?, _ held: Int, _ left: Double) -> Int? {
        guard let to, shrinks(from, to, held) else { return to }
        return to + Int((Double(min(from ?? .max, held) - to) * left).rounded(.up))
    }

    /// The bounds after so many steps.
    func after(_ step: Int) -> CacheConfiguration {
        var bounds = to
        let left = Double(Self.steps - step) / Double(Self.steps)
        bounds.maxsize = Self.between(from.maxsize, to.maxsize, held, left)
        bounds.maxbytes = Self.between(from.maxbytes, to.maxbytes, bytes, left)
        if let target = to.ttl, target < firstTTL {
            // In whole steps, as people write it.
            let way = (firstTTL - target).nanoseconds
            let step: Int64 = way >= 60_000_000_000 ? 1_000_000_000 : 1_000_000
            let rest = Int64(Double(way) * left) / step * step
            bounds.ttl = target + .nanoseconds(rest)
        }
        return bounds
    }
}

// MARK: Memory

extension PlannedVictim {
    var weight: Int { MemoryLayout<Self>.stride + id.key.heapBytes }
}

extension Skipped {
    var weight: Int { MemoryLayout<Self>.stride + id.key.heapBytes + why.heapBytes }
}

extension Change {
    /// About the memory that it takes to keep it.
    var weight: Int {
        switch self {
        case .invalidate(let entries), .soften(let entries):
            entries.reduce(0) { $0 + MemoryLayout<SeenEntry>.stride + $1.id.key.heapBytes }
        case .invalidateAll, .configure: MemoryLayout<Self>.stride
        case .all(let changes): changes.reduce(0) { $0 + $1.weight }
        }
    }
}
