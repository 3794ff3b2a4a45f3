/// The fetches in which the present task runs, innermost first. A fetch that looks up its own key
/// would wait for itself for ever: this is how it is told instead.
final class Fetching: Sendable {
    @TaskLocal static var innermost: Fetching?

    private let cache: ObjectIdentifier
    /// A `Set` of the cache's keys.
    private let keys: any Sendable
    private let outer: Fetching?

    init<Key: Hashable & Sendable>(_ cache: any AnyObject & Sendable, _ keys: Set<Key>) {
        self.cache = ObjectIdentifier(cache)
        self.keys = keys
        outer = Self.innermost
    }

    static func isFetching<Key: Hashable & Sendable>(_ key: Key, of cache: AnyObject) -> Bool {
        var link = innermost
        while let fetching = link {
            if fetching.cache == ObjectIdentifier(cache),
                let keys = fetching.keys as? Set<Key>, keys.contains(key)
            {
                return true
            }
            link = fetching.outer
        }
        return false
    }
}
