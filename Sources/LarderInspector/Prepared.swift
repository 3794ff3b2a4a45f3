import Larder

/// A plan with what is needed to apply it, in parts or at once, and to take it back.
struct Prepared: Sendable {
    var victims: [PlannedVictim] = []
    var skipped: [Skipped] = []
    /// The bounds that change.
    var bounds: [ChangeRecord.Bounds] = []
    var fetches = 0
    /// See ``Plan/perMinute``.
    var perMinute: Int?
    /// The names of the protected caches concerned.
    var protected: [String] = []
    /// Into how many parts the work falls.
    var units: Int
    var run: @Sendable (_ units: Range<Int>, Actor, UndoID) throws -> Outcome
    var undo: @Sendable (UndoID, Actor) throws -> Outcome

    /// The bounds before, where the change is of one cache's bounds.
    var before: Configuration? { bounds.count == 1 ? bounds[0].before : nil }

    init(
        victims: [PlannedVictim], skipped: [Skipped] = [], units: Int,
        run: @escaping @Sendable (Range<Int>, Actor, UndoID) throws -> Outcome,
        undo: @escaping @Sendable (UndoID, Actor) throws -> Outcome
    ) {
        self.victims = victims
        self.skipped = skipped
        self.units = units
        self.run = run
        self.undo = undo
    }

    /// Several made one, applied in order and taken back in the opposite one.
    init(all parts: [Prepared]) {
        victims = parts.flatMap(\.victims)
        skipped = parts.flatMap(\.skipped)
        fetches = parts.reduce(0) { $0 + $1.fetches }
        let rates = parts.compactMap(\.perMinute)
        perMinute = rates.isEmpty ? nil : rates.reduce(0, +)
        protected = Set(parts.flatMap(\.protected)).sorted()
        bounds = parts.flatMap(\.bounds)
        units = parts.reduce(0) { $0 + $1.units }
        run = { units, actor, undo in
            var outcome = Outcome.nothing
            var start = 0
            for part in parts {
                let own = units.clamped(to: start..<start + part.units)
                // A part without victims is applied as well: bounds that evict nobody.
                if !own.isEmpty {
                    let range = own.lowerBound - start..<own.upperBound - start
                    outcome.add(try part.run(range, actor, undo))
                }
                start += part.units
            }
            return outcome
        }
        undo = { undo, actor in
            var outcome = Outcome.nothing
            for part in parts.reversed() { outcome.add(try part.undo(undo, actor)) }
            return outcome
        }
    }
}

/// Bounds on their way from one to the other, for an application that is spread over some time.
struct Bounds: Sendable {
    let from: Configuration
    let to: Configuration
    /// Entries held when it was planned, and the age of the oldest.
    let held: Int
    let oldest: Duration

    static let steps = 60

    /// Only what shrinks takes time.
    var isGradual: Bool {
        to.maxsize ?? .max < min(from.maxsize ?? .max, held)
            || to.ttl.map { $0 < firstTTL } ?? false
    }

    /// A longer one ends nothing that is held.
    private var firstTTL: Duration { min(from.ttl ?? oldest, max(oldest, to.ttl ?? oldest)) }

    /// The bounds after so many steps.
    func after(_ step: Int) -> Configuration {
        var bounds = to
        let left = Double(Self.steps - step) / Double(Self.steps)
        if let target = to.maxsize, target < min(from.maxsize ?? .max, held) {
            let start = min(from.maxsize ?? .max, held)
            bounds.maxsize = target + Int((Double(start - target) * left).rounded(.up))
        }
        if let target = to.ttl, target < firstTTL {
            bounds.ttl = target + (firstTTL - target) * left
        }
        return bounds
    }

    /// Whether a configuration is one of those on the way, the last included.
    func isBetween(_ configuration: Configuration) -> Bool {
        configuration == to || (0...Self.steps).contains { after($0) == configuration }
    }
}
