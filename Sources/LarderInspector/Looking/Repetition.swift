import Larder

/// How likely it is that an entry is asked for once more.
///
/// What was hit of late is asked for again. What was only written tells nothing by itself: an engine
/// that was warmed and that nobody uses fetches nothing when its entries end. Then the others tell, by
/// how many of them were asked for more than once.
struct Repetition {
    private var held = 0
    private var repeated = 0

    /// What is of late.
    private static let late = Duration.seconds(60)

    /// One that is held now.
    mutating func add(_ facts: EntryFacts) {
        held += 1
        if Self.isRepeated(facts) { repeated += 1 }
    }

    /// From 0 to 1, once all that are held were added.
    func share(of facts: EntryFacts, at now: AgeInstant) -> Double {
        if let hit = facts.lastHit, now - hit < Self.late { return 1 }
        guard now - facts.writtenAt < Self.late else { return 0 }
        return Self.isRepeated(facts) ? 1 : Double(repeated) / Double(held)
    }

    private static func isRepeated(_ facts: EntryFacts) -> Bool {
        facts.hits > 0 || facts.loads > 1
    }
}
