import Foundation
import Larder
import LarderInspector

/// When the entries end: a bar for each few seconds, as far as the longest life reaches. A bar is as
/// high as many entries may be expected to be there until then; most of a full cache are evicted
/// before.
enum ExpiryView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        guard let forecast = model.forecast, forecast.count > 0 else {
            return frame.put(
                [[(model.problem ?? "waiting for the forecast", .dim)]], in: box, model)
        }
        let bars = Bars(model, forecast)
        let caches = forecast.caches.count + 1
        let advice = advice(model, bars).map { Text.wrap($0, to: box.width - 2) } ?? []
        // On a small screen the bars themselves have the room.
        let scale = box.height < 10 ? [] : [scale(model, bars)]
        // Summary, axis, the bar under the cursor, its facts, a blank line, the caches, the advice.
        let height = min(12, max(2, box.height - 6 - scale.count - caches - advice.count))
        var lines: [Pieces] = [summary(model, forecast, bars)] + scale
        lines += graph(model, bars, height: height)
        lines += [axis(model, forecast, bars), facts(model, forecast, bars), []]
        lines += table(model, forecast)
        lines += advice.map { [($0, .warning)] }
        frame.put(lines, in: box, model)
        let top = box.row + 1 + scale.count
        for row in top..<top + height {
            for place in bars.ending.indices {
                let column = box.column + 2 + place * bars.columns
                frame.point(row: row, columns: column..<column + bars.columns, .line(place))
            }
        }
    }

    /// The buckets of the forecast, as many together as it takes for all to fit.
    private struct Bars {
        let ending: [Int]
        let lasting: [Double]
        let fetches: [Double]
        let width: Duration
        let columns: Int
        let cursor: Int
        /// Where far more is fetched than now; `nil` where that is nowhere on the screen.
        let storm: Int?

        init(_ model: Model, _ forecast: Forecast) {
            let each = model.bucketsPerBar
            func together<Number: Numeric>(_ values: [Number]) -> [Number] {
                stride(from: 0, to: values.count, by: each).map {
                    values[$0..<min($0 + each, values.count)].reduce(0, +)
                }
            }
            ending = together(forecast.ending)
            lasting = together(forecast.lasting)
            fetches = together(forecast.fetches)
            width = forecast.width * each
            columns = max(1, (model.size.columns - 4) / ending.count)
            cursor = min(model.pane.cursor, ending.count - 1)
            storm = Self.place(of: model.storm, forecast, width, ending.count)
        }

        private static func place(
            of storm: Forecast.Storm?, _ forecast: Forecast, _ width: Duration, _ count: Int
        ) -> Int? {
            guard let storm else { return nil }
            let time = (storm.peak.at - forecast.at).inSeconds
            let place = Int(clamping: (time / width.inSeconds).rounded(.down))
            return (0..<count).contains(place) ? place : nil
        }

        func rate(_ place: Int) -> Double { fetches[place] / width.inSeconds }
    }

    private static func summary(_ model: Model, _ forecast: Forecast, _ bars: Bars) -> Pieces {
        let ending = bars.ending.reduce(0, +)
        // What matters most is not what a narrow screen leaves out.
        var pieces: Pieces = []
        if let storm = model.storm {
            pieces += [
                ("STORM at \(model.time(storm.peak.at))", .trouble),
                (": \(about(storm.peak.fetches)) fetches in 5s", .plain),
            ]
        } else {
            pieces.append(("no storm is coming", .bold))
            if let peak = forecast.caches.compactMap(\.peak).max(by: { $0.fetches < $1.fetches }) {
                pieces.append((": \(Format.rate(peak.rate)) at most", .plain))
            }
            if let rate = forecast.rate, rate > model.budget {
                let budget = Format.rate(model.budget)
                pieces.append((", but now is beyond the budget of \(budget)", .warning))
            }
        }
        if let rate = forecast.rate {
            pieces.append((", \(Format.rate(rate)) in the last minute", .plain))
        }
        pieces += [
            ("  \(Format.count(ending))", .bold),
            (" end within \(Units.text(forecast.reach))", .plain),
        ]
        return pieces
    }

    /// What a bar is, and how much the highest of them.
    private static func scale(_ model: Model, _ bars: Bars) -> Pieces {
        let highest = bars.lasting.max() ?? 0
        let all = bars.lasting.reduce(0, +)
        let evicted = model.size.columns < 90 ? "" : "; the others are evicted before"
        return [
            (
                "a bar: what ends in \(Units.text(bars.width)) and lives so long, \(about(all)) in "
                    + "all\(evicted)  highest \(about(highest))", .dim
            )
        ]
    }

    /// How many of those that end live so long, where that is not all.
    private static func remark(_ lasting: Double, of ending: Int) -> String {
        about(lasting) == Format.count(ending) ? "" : "  about \(about(lasting)) live so long"
    }

    private static func about(_ number: Double) -> String {
        Format.count(UInt64(clamping: number.rounded()))
    }

    private static func graph(_ model: Model, _ bars: Bars, height: Int) -> [Pieces] {
        let top = max(1, bars.lasting.max() ?? 1)
        let steps = model.glyphs.bars.count
        return (0..<height).map { line -> Pieces in
            let below = (height - 1 - line) * steps
            var pieces: Pieces = [(" ", .plain)]
            for (place, value) in bars.lasting.enumerated() {
                let full = Int(clamping: (value / top * Double(height * steps)).rounded(.up))
                let part = min(max(full - below, 0), steps)
                // What ends at all is seen, be it ever so little.
                let glyph: Character =
                    part == 0 ? " " : model.glyphs.bars[part - 1]
                let text = String(repeating: glyph, count: bars.columns)
                let style: Style =
                    place == bars.storm ? .trouble : place == bars.cursor ? .bold : .accent
                if pieces.last!.style == style {
                    pieces[pieces.count - 1].text += text
                } else {
                    pieces.append((text, style))
                }
            }
            return pieces
        }
    }

    /// The cursor and, where it leaves room, times of day.
    private static func axis(_ model: Model, _ forecast: Forecast, _ bars: Bars) -> Pieces {
        let at = bars.cursor * bars.columns
        let width = bars.ending.count * bars.columns
        var line = Array(repeating: Character(" "), count: width)
        func write(_ text: String, from place: Int) {
            for (step, character) in text.enumerated() where line.indices.contains(place + step) {
                line[place + step] = character
            }
        }
        // The cursor stands beside the word, not in it.
        write("now", from: at < 4 ? at + bars.columns + 1 : 0)
        for label in labels(forecast).dropLast() {
            let place = Int(clamping: (label.inSeconds / bars.width.inSeconds).rounded(.down))
            write(Units.text(label), from: place * bars.columns)
        }
        let last = Units.text(forecast.reach)
        write(last, from: width - last.count)
        for step in 0..<bars.columns { write("^", from: at + step) }
        return [
            (" " + String(line[..<at]), .dim),
            (String(line[at..<min(width, at + bars.columns)]), .bold),
            (String(line[min(width, at + bars.columns)...]), .dim),
        ]
    }

    /// Every step of the axis, and its end.
    private static func labels(_ forecast: Forecast) -> [Duration] {
        let step = Forecast.Axis(for: forecast.reach).step
        let steps = stride(from: 1, to: forecast.reach / step, by: 1).map { step * Int($0) }
        return steps + [forecast.reach]
    }

    /// What ends in the bar under the cursor.
    private static func facts(_ model: Model, _ forecast: Forecast, _ bars: Bars) -> Pieces {
        let each = model.bucketsPerBar
        let range = bars.cursor * each..<min(forecast.count, (bars.cursor + 1) * each)
        let parts = forecast.caches.compactMap { cache -> String? in
            let count = range.reduce(0) {
                $0 + (cache.ending.indices.contains($1) ? cache.ending[$1] : 0)
            }
            return count > 0 ? "\(Text.safe(cache.name, ascii: model.glyphs.ascii)) \(count)" : nil
        }
        let from = time(model, forecast, bars, bars.cursor)
        let to = time(model, forecast, bars, bars.cursor + 1)
        return [
            ("\(from)-\(to)  ", .bold),
            ("\(bars.ending[bars.cursor]) end", .plain),
            (remark(bars.lasting[bars.cursor], of: bars.ending[bars.cursor]), .dim),
            (parts.isEmpty ? "" : "  " + parts.joined(separator: ", "), .plain),
            ("  fetches \(Format.rate(bars.rate(bars.cursor)))", .plain),
            ("  Enter shows them", .dim),
        ]
    }

    private static func time(
        _ model: Model, _ forecast: Forecast, _ bars: Bars, _ place: Int
    ) -> String {
        model.time(forecast.at + bars.width * place)
    }

    private static func table(_ model: Model, _ forecast: Forecast) -> [Pieces] {
        let width = min(20, max(5, forecast.caches.map { Text.width(of: $0.name) }.max() ?? 0))
        // The first two steps of the axis, and all of it.
        let labels = labels(forecast)
        let spans = labels.prefix(min(2, labels.count - 1)) + labels.suffix(1)
        let headings = spans.map { "IN \(Units.text($0))" } + ["LATER", "NEVER", "FETCHES"]
        let heading: Pieces = [
            (Text.left("CACHE", width), .dim),
            (headings.map { Text.right($0, 9) }.joined(), .dim),
        ]
        return [heading]
            + forecast.caches.map { cache in
                func within(_ time: Duration) -> Int {
                    let last = Int(
                        clamping: (time.inSeconds / forecast.width.inSeconds).rounded(.down))
                    return cache.ending.prefix(max(0, last)).reduce(0, +)
                }
                let counts = spans.map(within) + [cache.later, cache.endless]
                let name = Text.cut(
                    Text.safe(cache.name, ascii: model.glyphs.ascii), to: width,
                    mark: model.glyphs.more)
                return [
                    (Text.left(name, width), .plain),
                    (counts.map { Text.right(Format.count($0), 9) }.joined(), .plain),
                    (Text.right(about(cache.fetches.reduce(0, +)), 9), .plain),
                ]
            }
    }

    /// Which jitter would flatten the storm; `nil` where there is none or nothing to turn.
    private static func advice(_ model: Model, _ bars: Bars) -> String? {
        guard let storm = model.storm, let configuration = model.configuration(of: storm.cache),
            let ttl = configuration.ttl, configuration.jitter < 0.2
        else { return nil }
        let jitter = max(0.1, configuration.jitter * 2)
        let spread = ttl.inSeconds * jitter
        let flat = storm.peak.fetches * min(1, Forecast.peakWidth.inSeconds / spread)
        guard flat < storm.peak.fetches / 2 else { return nil }
        return
            "A jitter of \(Int(jitter * 100)) % would spread these over "
            + "\(Units.text(.seconds(spread.rounded()))): about "
            + "\(about(flat.rounded(.up))) fetches in 5s. "
            + "Type :jitter \(jitter) for what is written from then on."
    }
}
