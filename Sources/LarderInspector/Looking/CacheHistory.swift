public import Larder

/// How a cache was in the last hour, as far as it was looked at: about a sample a second.
public struct CacheHistory: Hashable, Sendable {
    /// By which the cache is addressed.
    public var cache: String
    /// The run of the engine: instants and counters of another mean nothing here.
    public var instance: String
    /// When it was told.
    public var at: AgeInstant
    /// Oldest first. Where more than some seconds lie between two, nothing is known of them.
    public var samples: [CacheSample]

    /// The samples stand with the oldest first.
    public init(cache: String, instance: String, at: AgeInstant, samples: [CacheSample]) {
        self.cache = cache
        self.instance = instance
        self.at = at
        self.samples = samples
    }
}
