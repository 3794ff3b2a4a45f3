/// One fetch under way, and those who wait for it; the refresh of a stale entry may have nobody.
final class Flight<Key: Hashable & Sendable, Value: Sendable>: Fetching, @unchecked Sendable {
    // Unchecked: what changes is changed and read under the store's lock only.

    let key: Key
    let hash: UInt64
    /// The store's era when it was started.
    let era: UInt64
    var waiters: [Waiter<Key, Value>] = []
    /// Called once nobody waits any more.
    var abandon: Abandon?
    /// Of the caller who started it.
    let firstPriority = Task.currentPriority
    /// The highest of those who wait, and what raises the fetch to it.
    var priority: TaskPriority
    var raise: Raise?

    init(_ key: Key, _ hash: UInt64, _ era: UInt64, of cache: ObjectIdentifier) {
        (self.key, self.hash, self.era) = (key, hash, era)
        priority = firstPriority
        super.init(of: cache)
    }

    override var shownKey: String { "\(key)" }

    override func isOf(_ other: Any) -> Bool { (other as? Key) == key }
}

typealias Abandon = @Sendable () -> Void
typealias Raise = @Sendable (TaskPriority) -> Void
