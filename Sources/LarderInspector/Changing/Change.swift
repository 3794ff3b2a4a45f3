public import Larder

/// What an operator asks for.
public enum Change: Hashable, Sendable {
    /// Drop these entries, each as it was seen: one written anew since stays.
    case invalidate([SeenEntry])
    /// Drop every entry of a cache, and forget its failures.
    case invalidateAll(cache: String)
    /// Give a cache these bounds.
    case configure(cache: String, to: CacheConfiguration)
    /// Mark these entries as stale: each is served until a fetch for it has landed.
    case soften([SeenEntry])
    /// Several changes, in this order, as one.
    case all([Change])
}

extension Change {
    /// Whether what it is about is served on, as stale.
    package var isSoft: Bool { if case .soften = self { true } else { false } }

    var isSeveral: Bool { if case .all = self { true } else { false } }

    /// The caches that it is about, each once.
    var caches: Set<Verbatim> {
        switch self {
        case .invalidate(let entries), .soften(let entries):
            Set(entries.map { Verbatim($0.id.cache) })
        case .invalidateAll(let cache), .configure(let cache, _): [Verbatim(cache)]
        case .all(let changes): Set(changes.flatMap(\.caches))
        }
    }
}

/// An entry as an operator saw it.
public struct SeenEntry: Hashable, Sendable, Codable {
    /// Its cache, and its key as it is shown.
    public var id: EntryKey
    /// `nil`: whatever version is there.
    public var version: UInt64?

    /// As ``EntryRow`` has both. Version 0 is a failure that is remembered, where no entry is.
    public init(id: EntryKey, version: UInt64?) {
        self.id = id
        self.version = version
    }
}
