/// Why a cache refused something, as a sentence for the one who asked.
public struct CacheError: Error, Hashable, CustomStringConvertible {
    /// What was refused and why, with the names and the numbers.
    public let description: String
    init(_ description: String) { self.description = description }

    /// The bounds that a change was to replace are not there any more: somebody set others.
    public static func boundsWereChanged(_ cache: String) -> CacheError {
        CacheError("the bounds of \(cache) were changed since by someone else")
    }

    static func noFetch(_ cache: String) -> CacheError {
        CacheError(
            "\(cache) was made without a fetch; hand one over: value(for: key) { ... }")
    }

    static func reentry(_ cache: String, _ key: String) -> CacheError {
        CacheError(
            "the fetch of \(key) looks itself up in \(cache) and would wait for ever; fetch "
                + "what it needs under another key, or call the origin")
    }

    static func circle(_ cache: String, _ waiting: String, _ key: String) -> CacheError {
        CacheError(
            "the fetch of \(waiting) looks up \(key) in \(cache), whose fetch waits for that of "
                + "\(waiting), and both would wait for ever; fetch what one of them needs from the "
                + "origin")
    }
}
