/// What was invalidated lately and can still be put back, with what was known of it.
struct Graves<Key: Sendable, Value: Sendable> {
    private var graves: [Grave<Key, Value>] = []

    /// How long an invalidation can be undone.
    static var window: Duration { .seconds(30) }
    /// The oldest give way to more than this.
    static var bound: Int { 4096 }

    /// Returns what had to give way.
    mutating func bury(
        _ grave: Grave<Key, Value>, at now: Instant
    ) -> [RemovedEntry<Key, Value>] {
        var grave = grave
        grave.until = now + Self.window
        let left = purge(at: now)
        graves.append(grave)
        guard graves.count > Self.bound else { return left }
        let given = graves.prefix(Self.bound / 4).map(\.entry)
        graves.removeFirst(Self.bound / 4)
        return left + given
    }

    /// Takes out what was buried under `undo`, in order.
    mutating func open(_ undo: UndoID, at now: Instant) -> [Grave<Key, Value>] {
        let found = graves.filter { $0.undo == undo && now < $0.until }
        graves.removeAll { $0.undo == undo }
        return found
    }

    /// Gives up what can be put back no more.
    mutating func purge(at now: Instant) -> [RemovedEntry<Key, Value>] {
        guard let first = graves.first, first.until <= now else { return [] }
        let ended = graves.prefix { $0.until <= now }.map(\.entry)
        graves.removeFirst(ended.count)
        return ended
    }

    var nextEnd: Instant? { graves.first?.until }
    var count: Int { graves.count }
}

struct Grave<Key: Sendable, Value: Sendable>: Sendable {
    let entry: RemovedEntry<Key, Value>
    let record: Record
    let expiry: Int64?
    let undo: UndoID
    var until = Instant.distantFuture
}

/// By which several invalidations can be undone together.
public struct UndoID: Hashable, Sendable {
    private let number = UInt64.random(in: .min ... .max)
    public init() {}
}
