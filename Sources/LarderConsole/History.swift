import Larder
import LarderInspector

/// What one cache's counters did between two reports, by the second; the last hour of it.
struct History: Hashable, Sendable {
    private(set) var samples: [Sample] = []
    private var last: Snapshot?

    struct Sample: Hashable, Sendable {
        var at: Instant
        var lasted: Double
        var hits: Double
        var misses: Double
        var coalesced: Double
        var evicted: Double

        var lookups: Double { hits + misses + coalesced }
    }

    private static let length = 3600

    mutating func add(_ snapshot: Snapshot) {
        defer { last = snapshot }
        guard let last, last.at < snapshot.at else { return }
        func grown(_ counter: KeyPath<Counters, UInt64>) -> Double {
            // A counter that fell belongs to an engine that started again.
            let (now, then) = (snapshot.counters[keyPath: counter], last.counters[keyPath: counter])
            return now >= then ? Double(now - then) : 0
        }
        samples.append(
            Sample(
                at: snapshot.at, lasted: (snapshot.at - last.at).inSeconds, hits: grown(\.hits),
                misses: grown(\.misses), coalesced: grown(\.coalesced), evicted: grown(\.evicted)))
        if samples.count > Self.length { samples.removeFirst(samples.count - Self.length) }
    }

    /// As it was at an instant.
    func until(_ instant: Instant) -> History {
        var history = self
        history.samples = samples.filter { $0.at <= instant }
        return history
    }

    /// Look-ups, misses or evictions a second over the last five seconds.
    func rate(_ part: KeyPath<Sample, Double>) -> Double {
        let recent = latest(seconds: 5)
        let time = recent.reduce(0) { $0 + $1.lasted }
        return time > 0 ? recent.reduce(0) { $0 + $1[keyPath: part] } / time : 0
    }

    /// Hits and look-ups of the last minute.
    var minute: (hits: Double, lookups: Double) {
        latest(seconds: 60).reduce(into: (0, 0)) {
            $0.0 += $1.hits
            $0.1 += $1.lookups
        }
    }

    /// Hits over look-ups in the last minute; `nil` without look-ups.
    var hitRatio: Double? { minute.lookups > 0 ? minute.hits / minute.lookups : nil }

    /// The last `count` rates, oldest first, for a graph.
    func rates(_ part: KeyPath<Sample, Double>, last count: Int) -> [Double] {
        samples.suffix(count).map { $0.lasted > 0 ? $0[keyPath: part] / $0.lasted : 0 }
    }

    private func latest(seconds: Double) -> ArraySlice<Sample> {
        var time = 0.0
        var count = 0
        for sample in samples.reversed() where time < seconds {
            time += sample.lasted
            count += 1
        }
        return samples.suffix(count)
    }
}

enum Sparkline {
    /// One character a value, the tallest being the largest value shown.
    static func text(_ values: [Double], width: Int, _ glyphs: Glyphs) -> String {
        let top = values.max() ?? 0
        let bars = values.suffix(width).map { value -> Character in
            guard top > 0, value > 0 else { return glyphs.bars[0] }
            let height = Int((value / top * Double(glyphs.bars.count - 1)).rounded(.up))
            return glyphs.bars[min(height, glyphs.bars.count - 1)]
        }
        return Text.right(String(bars), width)
    }

    /// A bar that is full to `share`.
    static func gauge(_ share: Double, width: Int, _ glyphs: Glyphs) -> String {
        let full = Int((min(max(share, 0), 1) * Double(width)).rounded())
        return String(repeating: glyphs.full, count: full)
            + String(repeating: glyphs.empty, count: width - full)
    }
}
