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

        /// A second.
        func rate(_ part: KeyPath<Sample, Double>) -> Double {
            lasted > 0 ? self[keyPath: part] / lasted : 0
        }
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
    var minute: (hits: Double, lookups: Double) { sums(seconds: 60) }

    private func sums(seconds: Double) -> (hits: Double, lookups: Double) {
        latest(seconds: seconds).reduce(into: (0, 0)) {
            $0.0 += $1.hits
            $0.1 += $1.lookups
        }
    }

    /// Hits over look-ups in the last seconds; `nil` without look-ups.
    func hitRatio(seconds: Double = 60) -> Double? {
        let sums = sums(seconds: seconds)
        return sums.lookups > 0 ? sums.hits / sums.lookups : nil
    }

    /// Where far more look-ups missed than usual: the highest sample of each such time.
    var spikes: [Instant] {
        let rates = samples.map { $0.rate(\.misses) }
        guard rates.count >= 10 else { return [] }
        let mean = rates.reduce(0, +) / Double(rates.count)
        let variance = rates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rates.count)
        let threshold = max(2 * mean, mean + 3 * variance.squareRoot(), 1)
        var tops: [Int] = []
        for place in rates.indices where rates[place] > threshold {
            if let last = tops.last, rates[last...place].allSatisfy({ $0 > threshold }) {
                if rates[place] > rates[last] { tops[tops.count - 1] = place }
            } else {
                tops.append(place)
            }
        }
        return tops.map { samples[$0].at }
    }

    private func latest(seconds: Double) -> ArraySlice<Sample> {
        var time = 0.0
        var first = samples.count
        while first > 0, time < seconds {
            first -= 1
            time += samples[first].lasted
        }
        return samples[first...]
    }
}

enum Sparkline {
    /// As many values a character as the glyphs allow, the tallest being the largest value shown.
    static func text(_ values: [Double], width: Int, _ glyphs: Glyphs) -> String {
        let top = values.max() ?? 0
        let heights = values.suffix(width * glyphs.samplesPerColumn).map { value -> Int in
            guard top > 0, value > 0 else { return 0 }
            let height = Int(clamping: (value / top * Double(glyphs.bars.count - 1)).rounded(.up))
            return min(height, glyphs.bars.count - 1)
        }
        guard glyphs.samplesPerColumn == 2 else {
            return Text.right(String(heights.map { glyphs.bars[$0] }), width)
        }
        let pairs = (heights.count % 2 == 1 ? [nil] : []) + heights.map(Optional.some)
        let dots = stride(from: 0, to: pairs.count, by: 2).map { braille(pairs[$0], pairs[$0 + 1]) }
        return Text.right(String(dots), width)
    }

    /// Two columns of up to four dots; 0 is the lowest dot, `nil` none.
    private static func braille(_ left: Int?, _ right: Int?) -> Character {
        // The dots of U+2800 from the bottom up, of either column.
        let dots: [[UInt32]] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]]
        func column(_ height: Int?, _ side: Int) -> UInt32 {
            height.map { dots[side][...$0].reduce(0, |) } ?? 0
        }
        return Character(Unicode.Scalar(0x2800 | column(left, 0) | column(right, 1))!)
    }

    /// A bar that is full to `share`.
    static func gauge(_ share: Double, width: Int, _ glyphs: Glyphs) -> String {
        let full = max(0, Int(clamping: min(max(share, 0), 1) * Double(width)))
        return String(repeating: glyphs.full, count: full)
            + String(repeating: glyphs.empty, count: width - full)
    }
}
