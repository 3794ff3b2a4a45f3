extension Policy {
    /// A policy that holds nothing yet, for at most `maxsize` entries or any number.
    func make(maxsize: Int?) -> any EvictionPolicy {
        switch self {
        case .lru: LRU()
        case .fifo: LRU(heedsHits: false)
        case .lfu(let ages): LFU(maxsize: maxsize, ages: ages)
        case .rr(let seed): RR(seed: seed)
        case .sieve: SIEVE()
        case .s3fifo: S3FIFO(maxsize: maxsize)
        case .tinylfu: TinyLFU(maxsize: maxsize)
        }
    }
}
