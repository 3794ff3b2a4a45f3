import Larder
import LarderInspector

/// What was evicted, for what, and which bound that says to change.
enum EvictionsView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        let caches = model.report?.caches ?? []
        // On a narrow screen there is room for none but the first group.
        let isNarrow = model.size.columns < nameWidth(model) + 8 * 8
        var lines: [Pieces] = isNarrow ? [heading(model)] : [groups(model), heading(model)]
        lines += caches.map { counts(model, $0) }
        lines += caches.flatMap { cache in
            advice(cache.snapshot).flatMap { text in
                Text.wrap("\(cache.name): \(text)", to: box.width - 2).map { [($0, .warning)] }
            }
        }
        lines += foreseen(model).flatMap { text in
            Text.wrap(text, to: box.width - 2).map { [($0, .warning)] }
        }
        lines.append([])
        let shown = model.evictions
        lines.append(list(model))
        frame.put(lines, in: box, model)
        let rest = box.height - lines.count
        guard rest > 0 else { return }
        if shown.isEmpty {
            let place = Place(row: box.row + lines.count, column: box.column + 1)
            return frame.put("nothing was evicted lately", at: place, .dim)
        }
        let cursor = min(model.pane.cursor, shown.count - 1)
        let first = max(0, cursor - rest + 1)
        for (place, event) in shown.dropFirst(first).prefix(rest).enumerated() {
            let row = box.row + lines.count + place
            frame.put(
                [line(model, event)],
                in: Box(row: row, column: box.column, height: 1, width: box.width), model)
            frame.line(row: row, in: box, first + place, isSelected: first + place == cursor)
        }
    }

    /// How far to turn a knob, and what it would bring.
    private static func foreseen(_ model: Model) -> [String] {
        guard let answer = model.whatIf.answer else { return [] }
        return answer.advice.map {
            WhatIfView.fit("\(answer.cache): \($0); 8 shows more", model)
        }
    }

    /// Figures of one cache, in groups. Each of the two kinds of ghost hits has a knob of its own.
    private static func figures(_ model: Model) -> [(group: String, headings: [String])] {
        [
            ("REMOVED", ["EVICTED", "EXPIRED", "INVALID", "UNUSED"]),
            (ghostTitle(model), ["EVICTED", "EXPIRED"]),
            ("HIT RATIO", model.size.columns < 90 ? ["1m", "ALL"] : ["1m", "10m", "ALL"]),
        ]
    }

    /// The title, with the time that it is of where that is the same for all.
    private static func ghostTitle(_ model: Model) -> String {
        let windows = Set(
            (model.report?.caches ?? []).map { $0.ghostWindow.map(Advice.words) ?? "" })
        guard windows.count == 1, let window = windows.first, !window.isEmpty else {
            return "GHOST HITS"
        }
        return "GHOSTS IN \(window)"
    }

    private static func groups(_ model: Model) -> Pieces {
        let groups = figures(model).map { Text.right($0.group, 8 * $0.headings.count) }
        return [(Text.left("", nameWidth(model)) + groups.joined(), .dim)]
    }

    private static func nameWidth(_ model: Model) -> Int {
        min(14, max(5, model.cacheNames.map { Text.width(of: $0) }.max() ?? 0))
    }

    private static func heading(_ model: Model) -> Pieces {
        [
            (Text.left("CACHE", nameWidth(model)), .dim),
            (figures(model).flatMap(\.headings).map { Text.right($0, 8) }.joined(), .dim),
        ]
    }

    private static func counts(_ model: Model, _ cache: CacheReport) -> Pieces {
        let counters = cache.snapshot.counters
        let lately = cache.snapshot.lately
        let numbers = [
            counters.evicted, counters.expired, counters.invalidated, counters.unused,
        ]
        let history = model.history(of: cache.name)
        let long = model.size.columns < 90 ? [] : [history.hitRatio(seconds: 600)]
        let shares =
            [lately?.ghostEvictedShare, lately?.ghostExpiredShare, history.hitRatio()] + long
            + [counters.hitRatio]
        let figures = numbers.map(Format.count) + shares.map(Format.percent)
        let name = Text.cut(
            Text.safe(cache.name, ascii: model.glyphs.ascii), to: nameWidth(model),
            mark: model.glyphs.more)
        return [
            (Text.left(name, nameWidth(model)), .accent),
            (figures.map { Text.right($0, 8) }.joined(), .plain),
        ]
    }

    /// Which knob to turn, with the key that does it here.
    static func advice(_ snapshot: CacheSnapshot) -> [String] {
        let failing = Advice.failing(snapshot).map { ["\($0) (7)"] } ?? []
        return failing
            + Advice.of(snapshot).map { advice in
                let key =
                    switch advice.knob {
                    case .maxsize: "m"
                    case .maxbytes: ":maxbytes"
                    case .ttl: "t"
                    case .policy: ":policy"
                    }
                return "\(advice.sentence) (\(key))"
            }
    }

    private static func list(_ model: Model) -> Pieces {
        [
            (
                Text.left("AT", 9) + Text.left("CACHE", nameWidth(model) + 1)
                    + Text.left("EVICTED", keyWidth(model) + 1) + Text.right("AGE", 7)
                    + Text.right("HITS", 8) + "  FOR", .dim
            )
        ]
    }

    private static func keyWidth(_ model: Model) -> Int {
        max(8, min(32, (model.size.columns - 9 - nameWidth(model) - 1 - 22) / 2))
    }

    private static func line(_ model: Model, _ event: LoggedEvent) -> Pieces {
        guard case .removed(_, _, let age, let hits) = event.kind else { return [] }
        func cut(_ text: String, _ width: Int) -> String {
            Text.cut(Text.safe(text, ascii: model.glyphs.ascii), to: width, mark: model.glyphs.more)
        }
        return [
            (model.time(event.at) + " ", .dim),
            (Text.left(cut(event.cache, nameWidth(model)), nameWidth(model) + 1), .dim),
            (Text.left(cut(event.key ?? "", keyWidth(model)), keyWidth(model) + 1), .plain),
            (Text.right(Format.age(age), 7) + Text.right(Format.count(hits), 8), .plain),
            ("  " + (event.rival.map { cut($0, keyWidth(model)) } ?? "smaller bounds"), .dim),
        ]
    }
}
