/// How often durations of each order of magnitude were seen: bucket n counts those of at least
/// 2^(n-1) and less than 2^n microseconds, bucket 0 those of less than one.
public struct Histogram: Hashable, Sendable, Codable {
    /// Counts by bucket, up to the last one that is not 0; ``end(of:)`` tells where each ends.
    public private(set) var buckets: [UInt64] = []
    /// How many durations were counted.
    public private(set) var count: UInt64 = 0
    /// All of them together, each cut to whole microseconds.
    public private(set) var microseconds: UInt64 = 0

    /// Nothing counted yet.
    public init() {}

    /// From a count for each bucket; those behind the last that is not 0 are left out.
    init(buckets: [UInt64], microseconds: UInt64) {
        self.microseconds = microseconds
        self.buckets = Array(buckets.prefix((buckets.lastIndex { $0 > 0 } ?? -1) + 1))
        count = buckets.reduce(0, +)
    }

    /// Counts a duration; a negative one counts as zero.
    public mutating func add(_ duration: Duration) { add(nanoseconds: duration.nanoseconds) }

    mutating func add(nanoseconds: Int64) {
        let microseconds = UInt64(max(0, nanoseconds)) / 1000
        let bucket = 64 - microseconds.leadingZeroBitCount
        while buckets.count <= bucket { buckets.append(0) }
        buckets[bucket] += 1
        count += 1
        self.microseconds &+= microseconds
    }

    /// The upper end of a bucket: what stands in it is shorter.
    public static func end(of bucket: Int) -> Duration { .microseconds(Int64(1) << Int64(bucket)) }

    /// `nil` where there are none.
    public var mean: Duration? {
        count > 0 ? .microseconds(Int64(clamping: microseconds / count)) : nil
    }

    /// The mean, but at most the upper end of the bucket that holds the median: a few fetches that
    /// hung do not raise it. `nil` where there are none.
    public var usual: Duration? { mean.flatMap { mean in quantile(0.5).map { min(mean, $0) } } }

    /// The upper end of the bucket that holds the given share of all, 0...1; `nil` where there
    /// are none.
    public func quantile(_ share: Double) -> Duration? {
        guard count > 0 else { return nil }
        let wanted = max(1, UInt64((Double(count) * min(max(share, 0), 1)).rounded(.up)))
        var seen: UInt64 = 0
        for (bucket, number) in buckets.enumerated() {
            seen += number
            if seen >= wanted { return Self.end(of: bucket) }
        }
        return nil
    }
}
