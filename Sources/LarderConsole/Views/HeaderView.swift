import Larder
import LarderInspector

/// How the caches do: the hit ratio first, then rates, fill, memory and evictions.
enum HeaderView {
    static func draw(_ model: Model, _ layout: Layout, _ frame: inout Frame) {
        title(model, &frame)
        if let row = layout.tabs { tabs(model, row: row, &frame) }
        if let box = layout.rates {
            frame.border(box, "Look-ups and misses a second", model.glyphs)
            for (place, cache) in shownCaches(model, layout).enumerated() {
                wide(model, cache, box.inside.row + 2 * place, box.inside, &frame)
            }
        } else {
            for (place, cache) in shownCaches(model, layout).enumerated() {
                line(model, cache, row: 1 + place, &frame)
            }
        }
    }

    /// All that fits when there is next to no room.
    static func oneLine(_ model: Model) -> String {
        guard let report = model.report else { return model.problem ?? "larder: waiting" }
        let counts = report.caches.compactMap { model.held($0)?.count }
        let count = counts.isEmpty ? "-" : Format.count(counts.reduce(0, +))
        let lag = model.lag.map { "\(model.problem == nil ? "" : "LOST ")\(Format.age($0)) " } ?? ""
        let text =
            lag + "\(hitLabel) \(Format.percent(hitRatio(model))) \(Format.rate(lookups(model)))"
            + " \(count) held"
        return Text.cut(text, to: model.size.columns, mark: model.glyphs.more)
    }

    private static func title(_ model: Model, _ frame: inout Frame) {
        // Which engine it is must be seen; the figures have what is left.
        let groups = figures(model)
        let full = badges(model, brief: false)
        let right =
            width(full) + width(groups.flatMap(\.self)) <= model.size.columns
            ? full : badges(model, brief: true)
        let room = model.size.columns - width(right)
        frame.put(fitting(groups, in: room), at: Place(row: 0, column: 0))
        frame.put(right, at: Place(row: 0, column: max(0, room)))
    }

    /// What matters of all caches together: each with its unit, in places that do not move.
    private static func figures(_ model: Model) -> [Pieces] {
        var groups: [Pieces] = [
            [(" \(hitLabel) ", .dim), (Text.left(Format.percent(hitRatio(model)), 5), .bold)],
            [(" ", .plain), (Text.right(Format.rate(lookups(model)), 8), .plain)],
        ]
        guard let report = model.report else { return groups }
        // In the past what was held then, or a dash where that is not known.
        let parts = report.caches.compactMap { model.held($0) }
        let (count, bytes) = parts.reduce((0, 0)) { ($0.0 + $1.count, $0.1 + $1.bytes) }
        let held =
            parts.isEmpty
            ? "-" : "\(Units.counted(count, "entry", "entries")), \(Format.bytes(bytes))"
        let room = model.size.columns < 100 ? 19 : 26
        groups.append([("  ", .plain), (Text.left(held, room), .plain)])
        var process: Pieces = [
            ("  process ", .dim),
            (model.resident.map { Format.bytes($0) } ?? "-", .plain),
        ]
        if let limit = report.memory.limit, model.resident != nil {
            process.append((" of \(Format.bytes(limit))", .dim))
        }
        groups.append(process)
        return groups
    }

    /// The ratio is that of the last minute, and says so wherever it stands.
    private static let hitLabel = "hit 1m"

    private static func width(_ pieces: Pieces) -> Int {
        pieces.reduce(0) { $0 + Text.width(of: $1.text) }
    }

    /// As many of the groups, from the first, as stand there whole: half a figure is a wrong one.
    private static func fitting(_ groups: [Pieces], in room: Int) -> Pieces {
        var shown: Pieces = []
        for group in groups {
            guard width(shown) + width(group) <= room else { break }
            shown += group
        }
        return shown
    }

    /// The views by their numbers; the one that is shown in brackets.
    private static func tabs(_ model: Model, row: Int, _ frame: inout Frame) {
        let (shown, columns) = (model.view, model.size.columns)
        // Names give up their blank before they give way to their numbers.
        func names(_ blank: String) -> [String] {
            Model.View.allCases.map { "\($0.rawValue)\(blank)\($0.title)" }
        }
        func fit(_ names: [String]) -> Bool { names.reduce(1) { $0 + $1.count + 1 } <= columns }
        let names = fit(names(" ")) ? names(" ") : names("")
        // Where there is little room, a bracket stands where else the blank between two names is.
        let isRoomy = names.reduce(0) { $0 + $1.count + 2 } <= columns
        let isShort = !fit(names)
        var column = 0
        for (view, name) in zip(Model.View.allCases, names) {
            let isShown = view == shown
            let endsShown = view.rawValue == shown.rawValue + 1 && !isRoomy
            let closes = isShown && (isRoomy || view.rawValue == names.count)
            let pieces: Pieces = [
                (isShown ? "[" : endsShown ? "]" : " ", .dim),
                (isShort && !isShown ? "\(view.rawValue)" : name, isShown ? .accent : .dim),
                (closes ? "]" : isRoomy ? " " : "", .dim),
            ]
            let end = frame.put(pieces, at: Place(row: row, column: column))
            frame.point(row: row, columns: column..<end, .action(view.action))
            column = end
        }
    }

    private static func line(_ model: Model, _ cache: CacheReport, row: Int, _ frame: inout Frame) {
        let history = model.history(of: cache.name)
        let columns = model.size.columns
        let name = Text.left(name(cache.name, model), nameWidth(model))
        let held = model.held(cache)
        let fill = fill(held)
        let label: Pieces = [(" ", .plain), ("\(name) ", .accent)]
        var groups: [Pieces] = [
            [(Text.right(Format.rate(history.rate(\.lookups)), 8), .plain)],
            // Of the minute that the title names.
            [
                (" \(hitLabel) ", .dim),
                (Text.right(Format.percent(history.hitRatio()), 5), .plain),
            ],
            [(" miss ", .dim), (Text.right(Format.rate(history.rate(\.misses)), 6), .plain)],
            evictions(model, cache, isNarrow: columns < 100),
            [("  ", .plain), (Text.right(fill.text, fillWidth(model)), .plain)],
        ]
        // A narrower screen leaves their place to the graph; the views 7 and 8 have them.
        if columns >= 100 { groups += [refused(history), failing(model, cache)] }
        var figures = fitting(groups, in: columns - width(label))
        let spare = columns - width(label) - width(figures)
        if spare >= 11, let share = fill.share {
            let gauge = Sparkline.gauge(share, width: min(12, spare / 2 - 2), model.glyphs)
            figures.append((" " + gauge, .accent))
        }
        let room = min(16, columns - width(label) - width(figures) - 1)
        var column = frame.put(label, at: Place(row: row, column: 0))
        if room >= 4 {
            graph(model, history, \.lookups, at: Place(row: row, column: column), room, &frame)
            column += room
        }
        frame.put(figures, at: Place(row: row, column: column))
    }

    private static func wide(
        _ model: Model, _ cache: CacheReport, _ row: Int, _ box: Box, _ frame: inout Frame
    ) {
        let history = model.history(of: cache.name)
        let held = model.held(cache)
        let fill = fill(held, isNamed: true)
        let name = Text.left(name(cache.name, model), nameWidth(model))
        let gauge = fill.share.map { Sparkline.gauge($0, width: 13, model.glyphs) } ?? ""
        let ttl = held.map { Units.text(ttl: $0.ttl) } ?? "-"
        let size = held.map { Format.bytes($0.bytes) } ?? "-"
        let rows: [Line] = [
            Line(
                label: "look-ups", part: \.lookups, style: .bold,
                figures: [
                    (hitLabel, Format.percent(history.hitRatio())), ("held", fill.text),
                ], end: (gauge, .accent)),
            Line(
                label: "misses", part: \.misses, style: .plain,
                figures: [("ttl", ttl), ("size", size)],
                end: ("evict " + Text.right(Format.rate(history.rate(\.evicted)), 7), .dim)),
        ]
        for (place, line) in rows.enumerated() {
            let own: Pieces =
                [(Text.right(Format.rate(history.rate(line.part)), 9), line.style)]
                + line.figures.enumerated().flatMap { column, figure in
                    [
                        ("  " + Text.left(figure.label, 6) + " ", .dim),
                        (Text.right(figure.text, column == 0 ? 7 : 11), .plain),
                    ]
                }
                + [("  ", .plain), (line.end.text, line.end.style)]
            let label = (place == 0 ? name : Text.left("", Text.width(of: name))) + " "
            let labelStyle: Style = place == 0 ? .accent : .plain
            let front: Pieces = [
                (" ", .plain), (label, labelStyle), (Text.left(line.label, 9), .dim),
            ]
            let tail = tails(model, cache)[place]
            let room = tailWidth(model) - Self.width(tail)
            let figures = own + tail + [(Text.left("", room), .plain)]
            let used = (front + figures).reduce(0) { $0 + Text.width(of: $1.text) }
            let width = max(0, box.width - 1 - used)
            let start = Place(row: row + place, column: box.column)
            let middle = Place(row: start.row, column: frame.put(front, at: start))
            graph(model, history, line.part, at: middle, width, &frame)
            frame.put(
                figures, at: Place(row: start.row, column: middle.column + width),
                limit: max(0, box.column + box.width - middle.column - width))
        }
    }

    /// The latest samples, all parts of them on the scale of the look-ups; the mouse goes to the
    /// instant of one.
    private static func graph(
        _ model: Model, _ history: History, _ part: KeyPath<History.Sample, Double>,
        at place: Place, _ width: Int, _ frame: inout Frame
    ) {
        let samples = history.samples.suffix(width * model.glyphs.samplesPerColumn)
        let top = samples.lazy.compactMap { $0.rate(\.lookups) }.max()
        frame.put(
            Sparkline.text(samples.map { $0.rate(part) }, width: width, model.glyphs, top: top),
            at: place, .accent)
        for (back, sample) in samples.reversed().enumerated() {
            let column = place.column + width - 1 - back / model.glyphs.samplesPerColumn
            frame.point(row: place.row, columns: column..<column + 1, .instant(sample.at))
        }
    }

    /// One of the two lines that a cache has on a wide screen.
    private struct Line {
        var label: String
        var part: KeyPath<History.Sample, Double>
        var style: Style
        var figures: [(label: String, text: String)]
        var end: (text: String, style: Style)
    }

    // MARK: Figures

    /// Where there is room for one of the two only, failures stand in the place of evictions.
    private static func evictions(
        _ model: Model, _ cache: CacheReport, isNarrow: Bool
    ) -> Pieces {
        let failed = model.past == nil ? troubles(cache).reduce(0) { $0 &+ $1.count } : 0
        if isNarrow, model.past != nil, !troubles(cache).isEmpty {
            return [(" fail ", .dim), (Text.right("-", 7), .dim)]
        }
        guard isNarrow, failed > 0 else {
            let rate = model.history(of: cache.name).rate(\.evicted)
            return [(" evict ", .dim), (Text.right(Format.rate(rate), 6), .plain)]
        }
        return [(" fail ", .dim), (Text.right("\(Format.count(failed))/min", 7), .trouble)]
    }

    /// Look-ups that were told of a failure: they are part of the hit ratio.
    private static func refused(_ history: History) -> Pieces {
        guard let rate = history.rate(\.refused), rate > 0 else { return [] }
        return [("  refused ", .dim), (Text.right(Format.rate(rate), 6), .plain)]
    }

    /// The failures of the last minute, but that something is absent: that is an answer.
    private static func troubles(_ cache: CacheReport) -> [(kind: FailureKind, count: UInt64)] {
        let lately = cache.snapshot.failuresLately
        return FailureKind.allCases.filter { $0 != .absent && lately[$0] > 0 }
            .map { ($0, lately[$0]) }
    }

    /// The failures of the last minute, by kind; that something is absent is an answer. They are
    /// not known of any other time.
    private static func failing(_ model: Model, _ cache: CacheReport) -> Pieces {
        guard model.past == nil else {
            return troubles(cache).isEmpty ? [] : [("  failed ", .dim), (Text.right("-", 7), .dim)]
        }
        // What counts up moves nothing beside it.
        func piece(_ word: String, _ count: UInt64, _ style: Style) -> Pieces {
            [("  \(word) ", .dim), (Text.right("\(Format.count(count))/min", 7), style)]
        }
        let troubles = troubles(cache)
        // Where each kind would leave no room for the graph, all that is trouble together.
        if model.size.columns < 160, troubles.count > 1 {
            return piece("failed", troubles.reduce(0) { $0 &+ $1.count }, .trouble)
        }
        let absent = cache.snapshot.failuresLately[.absent]
        let isShort = model.size.columns < 160 && !troubles.isEmpty
        let others =
            absent == 0 || isShort ? [] : piece(FailureKind.absent.word, absent, .plain)
        return others + troubles.flatMap { piece($0.kind.word, $0.count, .trouble) }
    }

    /// Both at the end of the two lines of a cache.
    private static func tails(_ model: Model, _ cache: CacheReport) -> [Pieces] {
        [refused(model.history(of: cache.name)), failing(model, cache)]
    }

    /// The lines of all caches end alike; where there is room, also while nothing fails.
    private static func tailWidth(_ model: Model) -> Int {
        let all = (model.report?.caches ?? []).flatMap { tails(model, $0) }
        return max(model.size.columns >= 140 ? 18 : 0, all.map(width).max() ?? 0)
    }

    private static func shownCaches(_ model: Model, _ layout: Layout) -> [CacheReport] {
        Array((model.report?.caches ?? []).prefix(layout.cacheLines))
    }

    private static func name(_ name: String, _ model: Model) -> String {
        Text.cut(
            Text.safe(name, ascii: model.glyphs.ascii), to: nameWidth(model),
            mark: model.glyphs.more)
    }

    private static func nameWidth(_ model: Model) -> Int {
        min(12, model.cacheNames.map { Text.width(of: $0) }.max() ?? 0)
    }

    /// `60/64`, and the share where there is a bound.
    ///
    /// - Parameter isNamed: A word before it says that so many are held.
    private static func fill(
        _ sample: CacheSample?, isNamed: Bool = false
    ) -> (text: String, share: Double?) {
        guard let sample else { return ("-", nil) }
        let held = Format.count(sample.count)
        guard let maxsize = sample.maxsize else { return (isNamed ? held : "\(held) held", nil) }
        if maxsize == 0 { return ("off", nil) }
        return (
            "\(held)/\(Format.count(maxsize))", Double(sample.count) / Double(maxsize)
        )
    }

    /// Room for full caches of the present bounds.
    private static func fillWidth(_ model: Model) -> Int {
        let widths = (model.report?.caches ?? []).map { cache in
            cache.snapshot.configuration.maxsize.map { 2 * Format.count($0).count + 1 } ?? 9
        }
        return max(5, widths.max() ?? 0)
    }

    private static func hitRatio(_ model: Model) -> Double? {
        let recent = model.cacheNames.map { model.history(of: $0) }
        let lookups = recent.reduce(0) { $0 + $1.minute.lookups }
        return lookups > 0 ? recent.reduce(0) { $0 + $1.minute.hits } / lookups : nil
    }

    private static func lookups(_ model: Model) -> Double? {
        let rates = model.cacheNames.compactMap { model.history(of: $0).rate(\.lookups) }
        return rates.isEmpty ? nil : rates.reduce(0, +)
    }
}
