import Foundation
import Larder
import LarderInspector

/// When the entries end: a bar for each few seconds of the next quarter of an hour.
enum ExpiryView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        guard let forecast = model.forecast, forecast.count > 0 else {
            return frame.put(
                [[(model.problem ?? "waiting for the forecast", .dim)]], in: box, model)
        }
        let bars = Bars(model, forecast)
        let caches = forecast.caches.count + 1
        let advice = advice(model, bars).map { Text.wrap($0, to: box.width - 2) } ?? []
        // Summary, axis, the bar under the cursor, its facts, a blank line, the caches, the advice.
        let height = min(12, max(2, box.height - 6 - caches - advice.count))
        var lines: [Pieces] = [summary(model, forecast, bars)]
        lines += graph(model, bars, height: height)
        lines += [axis(model, bars), facts(model, forecast, bars), []]
        lines += table(model, forecast)
        lines += advice.map { [($0, .warning)] }
        frame.put(lines, in: box, model)
        for row in box.row + 1..<box.row + 1 + height {
            for place in bars.ending.indices {
                let column = box.column + 2 + place * bars.columns
                frame.point(row: row, columns: column..<column + bars.columns, .line(place))
            }
        }
    }

    /// The buckets of the forecast, as many together as it takes for all to fit.
    private struct Bars {
        let ending: [Int]
        let fetches: [Int]
        let width: Duration
        let columns: Int
        let cursor: Int
        /// Where more end at once than the origin should be asked for.
        let storm: Int?

        init(_ model: Model, _ forecast: Forecast) {
            let each = model.bucketsPerBar
            func together(_ values: [Int]) -> [Int] {
                stride(from: 0, to: values.count, by: each).map {
                    values[$0..<min($0 + each, values.count)].reduce(0, +)
                }
            }
            ending = together(forecast.ending)
            fetches = together(forecast.fetches)
            width = forecast.width * each
            columns = max(1, (model.size.columns - 4) / ending.count)
            cursor = min(model.pane.cursor, ending.count - 1)
            storm = Self.storm(ending, fetches, width, model.budget)
        }

        /// The highest of them, where it stands out or is beyond the budget.
        private static func storm(
            _ ending: [Int], _ fetches: [Int], _ width: Duration, _ budget: Double
        ) -> Int? {
            guard let place = ending.indices.max(by: { ending[$0] < ending[$1] }) else {
                return nil
            }
            let some = ending.filter { $0 > 0 }
            let mean = Double(some.reduce(0, +)) / Double(max(1, some.count))
            let standsOut =
                some.count > 1 && ending[place] >= 20 && Double(ending[place]) >= 4 * mean
            let isTooMuch = Double(fetches[place]) / width.inSeconds > budget
            return standsOut || isTooMuch ? place : nil
        }

        func rate(_ place: Int) -> Double { Double(fetches[place]) / width.inSeconds }
    }

    private static func summary(_ model: Model, _ forecast: Forecast, _ bars: Bars) -> Pieces {
        let ending = bars.ending.reduce(0, +)
        let fetches = bars.fetches.reduce(0, +)
        var pieces: Pieces = [
            (Format.count(ending), .bold), (" end within 15 minutes", .plain),
            ("  fetches to come ", .dim), (Format.count(fetches), .plain),
        ]
        if let storm = bars.storm {
            pieces += [
                ("  STORM at \(time(model, forecast, bars, storm))", .trouble),
                (": \(Format.count(bars.ending[storm]))", .plain),
            ]
        }
        return pieces
    }

    private static func graph(_ model: Model, _ bars: Bars, height: Int) -> [Pieces] {
        let top = max(1, bars.ending.max() ?? 1)
        let steps = model.glyphs.bars.count
        return (0..<height).map { line -> Pieces in
            let below = (height - 1 - line) * steps
            var pieces: Pieces = [(" ", .plain)]
            for (place, value) in bars.ending.enumerated() {
                let full = Int((Double(value) / Double(top) * Double(height * steps)).rounded(.up))
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
    private static func axis(_ model: Model, _ bars: Bars) -> Pieces {
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
        for minutes in stride(from: 5, to: 15, by: 5) {
            let place =
                Int(clamping: (Double(minutes) * 60 / bars.width.inSeconds).rounded(.down))
                * bars.columns
            write("\(minutes)m", from: place)
        }
        write("15m", from: width - 3)
        for step in 0..<bars.columns { write("^", from: at + step) }
        return [
            (" " + String(line[..<at]), .dim),
            (String(line[at..<min(width, at + bars.columns)]), .bold),
            (String(line[min(width, at + bars.columns)...]), .dim),
        ]
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
        let headings = ["1M", "5M", "15M", "LATER", "NEVER", "FETCHES"]
        let heading: Pieces = [
            (Text.left("CACHE", width), .dim),
            (headings.map { Text.right($0, 9) }.joined(), .dim),
        ]
        return [heading]
            + forecast.caches.map { cache in
                func within(_ minutes: Int) -> Int {
                    let last = Int(
                        clamping: (Double(minutes) * 60 / forecast.width.inSeconds).rounded(.down))
                    return cache.ending.prefix(last).reduce(0, +)
                }
                let counts = [
                    within(1), within(5), within(15), cache.later, cache.endless,
                    cache.fetches.reduce(0, +),
                ]
                let name = Text.cut(
                    Text.safe(cache.name, ascii: model.glyphs.ascii), to: width,
                    mark: model.glyphs.more)
                return [
                    (Text.left(name, width), .plain),
                    (counts.map { Text.right(Format.count($0), 9) }.joined(), .plain),
                ]
            }
    }

    /// Which jitter would flatten the storm; `nil` where there is none or nothing to turn.
    private static func advice(_ model: Model, _ bars: Bars) -> String? {
        guard let storm = bars.storm, let forecast = model.forecast else { return nil }
        let each = model.bucketsPerBar
        let range = storm * each..<min(forecast.count, (storm + 1) * each)
        let counts = forecast.caches.map { cache in
            (name: cache.name, count: range.reduce(0) { $0 + cache.ending[$1] })
        }
        guard let worst = counts.max(by: { $0.count < $1.count }),
            let configuration = model.configuration(of: worst.name), let ttl = configuration.ttl,
            configuration.jitter < 0.2
        else { return nil }
        let jitter = max(0.1, configuration.jitter * 2)
        let spread = ttl.inSeconds * jitter
        let flat = Double(worst.count) * min(1, bars.width.inSeconds / spread)
        guard flat < Double(worst.count) / 2 else { return nil }
        return
            "A jitter of \(Int(jitter * 100)) % would spread these \(worst.count) over "
            + "\(Units.text(.seconds(spread.rounded()))): about \(Int(clamping: flat.rounded(.up))) a bar. "
            + "Type :jitter \(jitter) for what is written from then on."
    }
}
