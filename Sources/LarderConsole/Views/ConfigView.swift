import Larder
import LarderInspector

/// The bounds of the caches, now and before, and what was changed by whom.
enum ConfigView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        var lines: [Pieces] = [
            [
                (
                    Text.left("CACHE", nameWidth(model)) + Text.left("BOUND", 11)
                        + Text.left("NOW", 14) + "BEFORE", .dim
                )
            ]
        ]
        for cache in model.report?.caches ?? [] { lines += bounds(model, cache) }
        lines += pending(model)
        let whoWidth = whoWidth(model)
        lines += [
            [], [(Text.left("AT", 9) + Text.left("WHO", whoWidth) + "  WHAT", .dim)],
        ]
        if model.changes.isEmpty { lines.append([("nothing was changed yet", .dim)]) }
        frame.put(lines, in: box, model)
        let rest = box.height - lines.count
        guard rest > 0, !model.changes.isEmpty else { return }
        let cursor = min(model.pane.cursor, model.changes.count - 1)
        let first = max(0, cursor - rest + 1)
        let changes = model.changes.reversed().dropFirst(first).prefix(rest)
        frame.put(
            changes.map { change(model, $0, whoWidth) },
            in: Box(
                row: box.row + lines.count, column: box.column, height: rest, width: box.width),
            model)
        for place in 0..<changes.count {
            let row = box.row + lines.count + place
            frame.line(row: row, in: box, first + place, isSelected: first + place == cursor)
        }
    }

    private static func nameWidth(_ model: Model) -> Int {
        min(15, 1 + max(5, model.cacheNames.map { Text.width(of: $0) }.max() ?? 0))
    }

    private static func bounds(_ model: Model, _ cache: CacheReport) -> [Pieces] {
        let now = cache.snapshot.configuration
        // What they were before each change, the latest first.
        let before = model.changes.reversed().flatMap(\.bounds)
            .filter { $0.cache.isExactly(cache.name) }.map { values($0.before) }
        return values(now).enumerated().compactMap { place, value in
            // A bound that neither is set nor was set is left out.
            let was = before.lazy.map { $0[place].text }.first { $0 != value.text }
            guard place < 3 || !value.isUsual || was != nil else { return nil }
            let name = place == 0 ? Text.safe(cache.name, ascii: model.glyphs.ascii) : ""
            return [
                (
                    Text.left(
                        Text.cut(name, to: nameWidth(model) - 1, mark: model.glyphs.more),
                        nameWidth(model)), .accent
                ),
                (Text.left(value.name, 11), .dim), (Text.left(value.text, 14), .bold),
                (was ?? "", .plain),
            ]
        }
    }

    /// All bounds by name; after the first three, one with its usual value is not worth a line.
    private static func values(
        _ configuration: CacheConfiguration
    ) -> [(name: String, text: String, isUsual: Bool)] {
        [
            ("maxsize", Units.text(maxsize: configuration.maxsize), false),
            ("ttl", Units.text(ttl: configuration.ttl), false),
            ("policy", "\(configuration.policy)", false),
            (
                "maxbytes", configuration.maxbytes.map { Format.bytes($0) } ?? "none",
                configuration.maxbytes == nil
            ),
            ("jitter", Units.text(jitter: configuration.jitter), configuration.jitter == 0),
            (
                "stale", Units.text(reserve: configuration.staleIfError),
                configuration.staleIfError == .zero
            ),
            (
                "negative", Units.text(reserve: configuration.negativeTTL),
                configuration.negativeTTL == .zero
            ),
        ]
    }

    /// What is under way, what goes back by itself, and what can be taken back.
    private static func pending(_ model: Model) -> [Pieces] {
        var lines: [Pieces] = []
        if let underWay = model.underWay {
            lines.append([
                (
                    "under way: plan \(underWay.plan), \(Format.percent(underWay.share)) done"
                        + (underWay.by.map { ", by \($0)" } ?? ""), .warning
                ),
                ("  x stops it", .dim),
            ])
        }
        if let back = model.goesBack {
            lines.append([
                (
                    "goes back by itself in \(Format.left(back.at - model.now)), at "
                        + model.time(back.at), .warning
                )
            ])
        }
        if let target = model.undoTarget {
            let until = model.undos.first { $0.plan == target }?.until
            let left = until.map { ", for \(Format.left($0 - model.now)) more" } ?? ""
            lines.append([("u takes plan \(target) back\(left)", .bold)])
        }
        return lines.isEmpty ? [] : [[]] + lines
    }

    // MARK: One change

    /// All of a change, in the middle of the screen.
    static func drawRecord(_ model: Model, _ change: ChangeRecord, _ frame: inout Frame) {
        let width = min(model.size.columns - 2, 90)
        let lines = record(model, change).flatMap { Text.flow($0, labels: 1, to: width - 4) }
        let inside = frame.dialog("Change", width: width, height: lines.count + 2, model.glyphs)
        frame.put(lines, in: inside, model)
    }

    static func record(_ model: Model, _ change: ChangeRecord) -> [Pieces] {
        func line(_ label: String, _ text: String?) -> [Pieces] {
            guard let text, !text.isEmpty else { return [] }
            return [
                [(Text.left(label, 8), .dim), (Text.safe(text, ascii: model.glyphs.ascii), .plain)]
            ]
        }
        let keys = change.entries.prefix(20).map(\.id.key)
        let all = change.planned ?? change.entries.count
        let more = all > keys.count ? " \(model.glyphs.more)" : ""
        return line("at", model.time(change.at)) + line("who", "\(change.by)")
            + line("what", change.what.rawValue)
            + line("change", change.summary(arrow: model.glyphs.arrow))
            + line("reason", change.by.reason) + line("plan", change.plan)
            + line("keys", keys.isEmpty ? nil : keys.joined(separator: " ") + more)
    }

    /// As wide as the longest name there is, but no more than a third of the screen.
    private static func whoWidth(_ model: Model) -> Int {
        let longest = model.changes.lazy.map { Text.width(of: $0.by.description) }.max() ?? 0
        return min(max(3, longest), max(12, model.size.columns / 3))
    }

    private static func change(
        _ model: Model, _ change: ChangeRecord, _ whoWidth: Int
    ) -> Pieces {
        func safe(_ text: String) -> String { Text.safe(text, ascii: model.glyphs.ascii) }
        let who = Text.cut(safe(change.by.description), to: whoWidth, mark: model.glyphs.more)
        let what = change.what == .applied ? "" : "\(change.what.rawValue): "
        return [
            (model.time(change.at) + " ", .dim), (Text.left(who, whoWidth) + "  ", .plain),
            (
                what + safe(change.summary(arrow: model.glyphs.arrow)),
                change.what == .failed ? .trouble : .plain
            ),
            (change.by.reason.map { "  \"\(safe($0))\"" } ?? "", .dim),
            ("  plan \(change.plan)", .dim),
        ]
    }
}
