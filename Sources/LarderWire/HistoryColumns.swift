package import Larder
package import LarderInspector

/// The last hour of a cache, column by column: thousands of samples with a name before each number
/// would take five times as long to read.
package struct HistoryColumns: Codable {
    package var cache: String
    package var instance: String
    /// When it was told.
    package var now: AgeInstant
    package var at: Numbers
    package var hits: Numbers
    package var misses: Numbers
    package var coalesced: Numbers
    package var refused: Numbers
    package var fetched: Numbers
    package var failed: Numbers
    package var evicted: Numbers
    package var expired: Numbers
    package var invalidated: Numbers
    package var replaced: Numbers
    package var count: Numbers
    package var bytes: Numbers
    package var maxsize: OptionalNumbers
    package var maxbytes: OptionalNumbers
    package var ttl: OptionalNumbers

    package init(_ history: CacheHistory) {
        let samples = history.samples
        func counts(_ part: KeyPath<CacheSample, UInt64>) -> Numbers {
            Numbers(values: samples.map { Int64(clamping: $0[keyPath: part]) })
        }
        (cache, instance, now) = (history.cache, history.instance, history.at)
        at = Numbers(values: samples.map(\.at.nanoseconds))
        hits = counts(\.hits)
        misses = counts(\.misses)
        coalesced = counts(\.coalesced)
        refused = counts(\.refused)
        fetched = counts(\.fetched)
        failed = counts(\.failed)
        evicted = counts(\.evicted)
        expired = counts(\.expired)
        invalidated = counts(\.invalidated)
        replaced = counts(\.replaced)
        count = Numbers(values: samples.map { Int64($0.count) })
        bytes = Numbers(values: samples.map { Int64($0.bytes) })
        maxsize = OptionalNumbers(values: samples.map { $0.maxsize.map { Int64($0) } })
        maxbytes = OptionalNumbers(values: samples.map { $0.maxbytes.map { Int64($0) } })
        ttl = OptionalNumbers(values: samples.map { $0.ttl?.nanoseconds })
    }

    /// The history; `nil` where the columns do not belong together, or are none of an engine's.
    package var history: CacheHistory? {
        let counts = [
            hits, misses, coalesced, refused, fetched, failed, evicted, expired, invalidated,
            replaced, count, bytes,
        ].map(\.values)
        let bounds = [maxsize, maxbytes, ttl].map(\.values)
        let inOrder = zip(at.values, at.values.dropFirst()).allSatisfy { $0 < $1 }
        guard at.values.count <= CacheSample.most, inOrder,
            counts.allSatisfy({ $0.count == at.values.count }),
            bounds.allSatisfy({ $0.count == at.values.count }),
            counts.allSatisfy({ $0.allSatisfy { (0...1 << 53).contains($0) } }),
            bounds.allSatisfy({ $0.allSatisfy { $0 ?? 0 >= 0 } })
        else { return nil }
        let samples = at.values.indices.map { place in
            var sample = CacheSample(at: AgeInstant(nanoseconds: at.values[place]))
            sample.hits = UInt64(hits.values[place])
            sample.misses = UInt64(misses.values[place])
            sample.coalesced = UInt64(coalesced.values[place])
            sample.refused = UInt64(refused.values[place])
            sample.fetched = UInt64(fetched.values[place])
            sample.failed = UInt64(failed.values[place])
            sample.evicted = UInt64(evicted.values[place])
            sample.expired = UInt64(expired.values[place])
            sample.invalidated = UInt64(invalidated.values[place])
            sample.replaced = UInt64(replaced.values[place])
            sample.count = Int(count.values[place])
            sample.bytes = Int(bytes.values[place])
            sample.maxsize = maxsize.values[place].map { Int($0) }
            sample.maxbytes = maxbytes.values[place].map { Int($0) }
            sample.ttl = ttl.values[place].map { .nanoseconds($0) }
            return sample
        }
        return CacheHistory(cache: cache, instance: instance, at: now, samples: samples)
    }
}
