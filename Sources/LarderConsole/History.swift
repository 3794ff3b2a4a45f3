import Larder
import LarderInspector

/// What one cache was in the last hour: what its engine kept of before, and what was seen since.
///
/// Nothing is made up: before the first point, and between two that lie further apart than anybody
/// looks, nothing is known, and every figure is `nil`.
struct History: Hashable, Sendable {
    /// In the order of time.
    private(set) var points: ArraySlice<CacheSample> = []
    /// Where more lies between two points, nothing is known of the time between.
    var longest = Duration.seconds(5)
    /// Whether nothing is known of the instant that is shown.
    private var isUnknown = false

    /// What happened between two points.
    struct Sample: Hashable, Sendable {
        var at: AgeInstant
        var lasted: Double
        /// Nobody looked.
        var isGap: Bool
        var hits: Double
        var misses: Double
        var coalesced: Double
        /// Answered by a failure that is remembered.
        var refused: Double
        var evicted: Double
        /// Fetches that failed.
        var failed: Double
        /// That brought a value or failed.
        var fetches: Double

        init(from first: CacheSample, to last: CacheSample, longest: Duration) {
            func grown(_ counter: KeyPath<CacheSample, UInt64>) -> Double {
                // A counter that fell belongs to an engine that started again.
                let (now, then) = (last[keyPath: counter], first[keyPath: counter])
                return now >= then ? Double(now - then) : 0
            }
            at = last.at
            lasted = (last.at - first.at).inSeconds
            isGap = last.at - first.at > longest
            (hits, misses, coalesced) = (grown(\.hits), grown(\.misses), grown(\.coalesced))
            (refused, evicted) = (grown(\.refused), grown(\.evicted))
            failed = grown(\.failed)
            fetches = grown(\.fetched) + failed
        }

        var lookups: Double { hits + misses + coalesced + refused }

        /// A second; `nil` where nobody looked.
        func rate(_ part: KeyPath<Sample, Double>) -> Double? {
            lasted > 0 && !isGap ? self[keyPath: part] / lasted : nil
        }
    }

    var samples: some RandomAccessCollection<Sample> {
        let places = min(points.startIndex + 1, points.endIndex)..<points.endIndex
        return places.lazy.map { Sample(from: points[$0 - 1], to: points[$0], longest: longest) }
    }

    /// As the engine has them.
    private static let (most, spacing) = (CacheSample.most, CacheSample.spacing)

    mutating func add(_ snapshot: CacheSnapshot) {
        let point = CacheSample(snapshot)
        guard points.last.map({ $0.at < point.at }) ?? true else { return }
        // Whoever looks ten times a second moves the last one on.
        let isSoon = points.dropLast().last.map { point.at - $0.at < Self.spacing } ?? false
        if isSoon { points.removeLast() }
        points.append(point)
        if points.count > Self.most { points.removeFirst() }
    }

    /// Takes in what the engine kept of the time before it was looked at, and of that in which it
    /// was not.
    mutating func fill(_ record: [CacheSample]) {
        let all = (points + record).sorted { $0.at < $1.at }
        var kept: [CacheSample] = []
        for point in all where kept.last.map({ point.at - $0.at >= Self.spacing / 2 }) ?? true {
            kept.append(point)
        }
        if let last = all.last, kept.last?.at != last.at { kept[kept.count - 1] = last }
        points = kept.suffix(Self.most)
    }

    /// As it was at an instant.
    func at(_ instant: AgeInstant) -> History {
        var history = self
        let end = firstPoint(after: instant)
        history.points = points[..<end]
        guard let before = history.points.last else {
            history.isUnknown = true
            return history
        }
        // In a gap only where it begins is known.
        let gap = (points.indices.contains(end) ? points[end].at : instant) - before.at
        history.isUnknown = gap > longest && instant > before.at
        return history
    }

    private func firstPoint(after instant: AgeInstant) -> Int {
        var (low, high) = (points.startIndex, points.endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if points[middle].at <= instant { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// What was held, and the bounds; `nil` where that is not known.
    var point: CacheSample? { isUnknown ? nil : points.last }

    /// Look-ups, misses or evictions a second over the last seconds.
    func rate(_ part: KeyPath<Sample, Double>, seconds: Double = 5) -> Double? {
        let recent = latest(seconds: seconds)
        let time = recent.reduce(0) { $0 + $1.lasted }
        return time > 0 ? recent.reduce(0) { $0 + $1[keyPath: part] } / time : nil
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

    /// Where far more came than usual, and than chance brings: the highest sample of each such time.
    func spikes(_ part: KeyPath<Sample, Double>) -> [AgeInstant] {
        let known = samples.filter { !$0.isGap }
        let rates = known.map { $0.rate(part) ?? 0 }
        guard rates.count >= 10 else { return [] }
        let usual = rates.sorted()[rates.count / 2]
        let threshold = max(3 * usual, usual + 6 * usual.squareRoot(), 6)
        var tops: [Int] = []
        for place in rates.indices where rates[place] > threshold {
            if let last = tops.last, rates[last...place].allSatisfy({ $0 > threshold }) {
                if rates[place] > rates[last] { tops[tops.count - 1] = place }
            } else {
                tops.append(place)
            }
        }
        return tops.map { known[$0].at }
    }

    /// When fetches began to fail and when they ceased to: a minute without a failure is between.
    var failing: (begins: [AgeInstant], ends: [AgeInstant]) {
        let failed = samples.filter { $0.failed > 0 }.map(\.at)
        let quiet = Duration.seconds(60)
        var (begins, ends): ([AgeInstant], [AgeInstant]) = ([], [])
        for (place, instant) in failed.enumerated() {
            let before = place > 0 ? failed[place - 1] : nil
            if before.map({ instant - $0 >= quiet }) ?? true { begins.append(instant) }
            let next = place + 1 < failed.count ? failed[place + 1] : points.last?.at ?? instant
            if next - instant >= quiet { ends.append(instant) }
        }
        return (begins, ends)
    }

    /// The latest samples that reach back so far, but not into a gap.
    private func latest(seconds: Double) -> [Sample] {
        guard !isUnknown else { return [] }
        var time = 0.0
        var latest: [Sample] = []
        for sample in samples.reversed() {
            guard time < seconds, !sample.isGap else { break }
            time += sample.lasted
            latest.append(sample)
        }
        return latest
    }
}

extension Model {
    /// What is worth going back to, in order: changes, failures that begin or end, bursts, losses.
    var moments: [Moment] {
        let seen = shownCaches.flatMap { cache -> [Moment] in
            let history = histories[Verbatim(cache)] ?? History()
            let failing = history.failing
            let parts: [([AgeInstant], String)] = [
                (failing.begins, "fetches of \(cache) began to fail"),
                (failing.ends, "fetches of \(cache) failed for the last time"),
                (history.spikes(\.evicted), "a burst of evictions from \(cache)"),
                (history.spikes(\.misses), "a burst of misses in \(cache)"),
            ]
            return parts.flatMap { instants, what in instants.map { Moment(at: $0, what: what) } }
        }
        let changed = changes.map { change in
            Moment(at: change.at, what: "\(change.by): \(change.summary(arrow: glyphs.arrow))")
        }
        return (seen + changed + losses).sorted { $0.at < $1.at }
    }

    /// The history of a cache as far as it is shown.
    func history(of cache: String) -> History {
        let history = histories[Verbatim(cache)] ?? History()
        return past.map { history.at($0.at) } ?? history
    }

    /// What a cache held at the instant that is shown, and its bounds then; `nil` where that is not
    /// known.
    func held(_ cache: CacheReport) -> CacheSample? {
        past == nil ? CacheSample(cache.snapshot) : history(of: cache.name).point
    }

    /// Bytes of the process at the instant that is shown, as far as that was seen from here.
    var resident: Int? {
        guard let past else { return report?.memory.resident }
        let seen = memory.last { $0.at <= past.at }
        return seen.flatMap {
            past.at - $0.at <= max(.seconds(5), interval * 2) ? $0.resident : nil
        }
    }

    /// Where what is known of the engine begins.
    var recordStart: AgeInstant? { histories.values.compactMap { $0.points.first?.at }.min() }

    /// Why nothing is shown of the instant that was gone back to; `nil` where something is.
    var noRecord: String? {
        guard let past, past.at < recordStart ?? now else { return nil }
        return "no record before \(time(recordStart ?? now))"
    }
}

extension Format {
    /// Things a second; a dash where that is not known.
    static func rate(_ perSecond: Double?) -> String {
        guard let perSecond else { return "-" }
        return rate(perSecond)
    }
}

enum Sparkline {
    /// As many values a character as the glyphs allow; nothing where one is not known.
    ///
    /// - Parameter top: What is as tall as can be; the largest value shown where nothing is said.
    static func text(
        _ values: [Double?], width: Int, _ glyphs: Glyphs, top: Double? = nil
    ) -> String {
        let top = top ?? values.lazy.compactMap(\.self).max() ?? 0
        let heights = values.suffix(width * glyphs.samplesPerColumn).map { value -> Int? in
            guard let value else { return nil }
            guard top > 0, value > 0 else { return 0 }
            let height = Int(clamping: (value / top * Double(glyphs.bars.count - 1)).rounded(.up))
            return min(height, glyphs.bars.count - 1)
        }
        guard glyphs.samplesPerColumn == 2 else {
            return Text.right(String(heights.map { $0.map { glyphs.bars[$0] } ?? " " }), width)
        }
        let pairs = (heights.count % 2 == 1 ? [nil] : []) + heights
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

    /// A thin line of which `share` is done, to half a column: what is done, and what is to come.
    /// Any share that is not nothing is seen.
    static func line(
        _ share: Double, width: Int, _ glyphs: Glyphs
    ) -> (done: String, toCome: String) {
        let halves = Int(clamping: (min(max(share, 0), 1) * Double(2 * width)).rounded())
        let shown = share > 0 ? max(1, halves) : halves
        let done =
            String(repeating: glyphs.line.done, count: shown / 2)
            + (shown % 2 == 1 ? String(glyphs.line.half) : "")
        return (done, String(repeating: glyphs.line.toCome, count: width - done.count))
    }
}
