import Larder

@testable import Larder

// What the model and those who drive it speak of.

/// A key whose hash is the same in every process, so that a seed does the same again: by it
/// S3-FIFO and W-TinyLFU know a key that comes back.
struct Name: Hashable, Comparable, Sendable, CustomStringConvertible {
    let number: Int

    /// By which the naive policies know it.
    var slot: UInt32 { UInt32(number) }
    var description: String { "\(number)" }

    func _rawHashValue(seed: Int) -> Int {
        Int(truncatingIfNeeded: SplitMix.mixed(UInt64(number)))
    }

    static func < (a: Name, b: Name) -> Bool { a.number < b.number }
}

/// A fetch that failed, of the kind that `Refresh` is to take it for; and whatever kind of failure
/// it says that it is.
struct Outage: KnownFailure, Hashable {
    enum Kind: CaseIterable { case passing, refused, absent, cancelled }

    let kind: Kind
    let number: Int

    var failureKind: FailureKind {
        FailureKind.allCases[number % FailureKind.allCases.count]
    }

    /// What the origin throws.
    var error: any Error { kind == .cancelled ? CancellationError() : self }

    /// In its own words. One of several keys that the origin has nothing for is only left out.
    func reason(inBulk: Bool) -> String {
        inBulk && kind == .absent ? "\(NoSuchValue())" : Refresh.usualWords(error)
    }
}

/// What a fetch comes to.
enum Answer: Hashable {
    case value(Loaf)
    case failure(Outage)

    var result: Result<Loaf, any Error> {
        switch self {
        case .value(let value): .success(value)
        case .failure(let outage): .failure(outage.error)
        }
    }
}

/// How entries are refreshed, with nothing left to chance.
struct Rules {
    /// False for a cache that is made without a `Refresh`.
    var refreshes = true
    /// One part in so many of an entry's life is its window; 0 for no window.
    var windowPart = 4
    var mandatory = Duration.seconds(3)
    /// Drawn at random where the cache has no `Refresh`: then the model is told of it.
    var backoff = Duration.seconds(4)
    var pause: Duration?
    var refusal = Duration.seconds(5)
    /// Whether the cache is told how long some values may be served.
    var hasLifetimes = false

    func lifetime(_ value: Loaf) -> Duration? {
        guard hasLifetimes, value.number % 3 == 0 else { return nil }
        return .seconds(value.number % 50) + .nanoseconds(value.number)
    }

    func window(_ life: Duration) -> Duration {
        windowPart == 0 || !refreshes ? .zero : life / windowPart
    }

    func meaning(of outage: Outage, inBulk: Bool) -> Outage.Kind {
        if outage.kind == .cancelled || refreshes { return outage.kind }
        return outage.kind == .absent && inBulk ? .absent : .passing
    }

    /// What a failure is counted as.
    func kind(of outage: Outage, inBulk: Bool) -> FailureKind {
        switch meaning(of: outage, inBulk: inBulk) {
        case .absent: .absent
        case .cancelled: .timedOut
        case .passing, .refused: outage.failureKind
        }
    }

    var refresh: Refresh? {
        guard refreshes else { return nil }
        let (part, refusal) = (windowPart, refusal)
        return Refresh(
            window: { part == 0 ? .zero : $0 / part }, mandatory: mandatory,
            backoff: backoff...backoff, pause: pause.map { $0...$0 }
        ) { error in
            switch (error as? Outage)?.kind {
            case .refused: .refused(refusal...refusal)
            case .absent: .absent
            default: .passing
            }
        }
    }
}

extension AgeInstant {
    static func - (instant: AgeInstant, duration: Duration) -> AgeInstant {
        instant + (.zero - duration)
    }
}
