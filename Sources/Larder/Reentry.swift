/// The fetches in which the present task runs, innermost first. A fetch that looks up its own key
/// would wait for itself for ever: this is how it is told instead.
final class Fetching: Sendable {
    @TaskLocal static var innermost: Fetching?

    private let cache: ObjectIdentifier
    private let key: any Sendable
    private let outer: Fetching?

    init(_ cache: any AnyObject & Sendable, _ key: some Sendable) {
        self.cache = ObjectIdentifier(cache)
        self.key = key
        outer = Self.innermost
    }

    static func isFetching<Key: Hashable & Sendable>(_ key: Key, of cache: AnyObject) -> Bool {
        var link = innermost
        while let fetching = link {
            if fetching.cache == ObjectIdentifier(cache), fetching.key as? Key == key {
                return true
            }
            link = fetching.outer
        }
        return false
    }
}
