import Foundation
import Larder
import LarderInspector

/// What the origins were asked, how that went, why it failed, what the caches saved, and who asked
/// the gateway.
enum OriginsView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        let lines = lines(model)
        let places = lines.indices.filter { lines[$0].stop != nil }
        let cursor = min(model.pane.cursor, max(0, places.count - 1))
        let first = places.isEmpty ? 0 : max(0, places[cursor] - box.height + 1)
        let shown = lines.dropFirst(first).prefix(max(0, box.height))
        frame.put(shown.map(\.pieces), in: box, model)
        for (number, place) in places.enumerated() where shown.indices.contains(place) {
            frame.line(
                row: box.row + place - first, in: box, number, isSelected: number == cursor)
        }
    }

    /// What the cursor stops at, and Enter opens.
    enum Stop: Hashable {
        case cache(String)
        case key(EntryKey)
        case failures(cache: String)
        case call

        var cache: String? {
            switch self {
            case .cache(let cache), .failures(let cache): cache
            case .key(let id): id.cache
            case .call: nil
            }
        }
    }

    private struct Line {
        var pieces: Pieces
        /// `nil` for a heading.
        var stop: Stop?
    }

    static func stops(_ model: Model) -> [Stop] { lines(model).compactMap(\.stop) }

    /// What is fetched most stands before the kinds of failures, so that a small screen has it.
    private static func lines(_ model: Model) -> [Line] {
        guard let report = model.report else { return [] }
        let parts = [
            caches(model, report), askers(model, report), fetched(model, report),
            failures(model, report), calls(model, report),
        ]
        return Array(parts.filter { !$0.isEmpty }.joined(separator: [Line(pieces: [])]))
    }

    // MARK: Lines

    private static func nameWidth(_ model: Model) -> Int {
        let names =
            model.cacheNames + (model.report?.origins.map(\.name) ?? [])
            + (model.report?.gateway?.askers.compactMap(\.table) ?? [])
        return min(18, max(5, names.map { Text.width(of: $0) }.max() ?? 0))
    }

    private static func cell(_ model: Model) -> Int {
        model.size.columns >= 110 ? 11 : model.size.columns >= 90 ? 10 : 9
    }

    private static func heading(
        _ model: Model, _ name: String, _ headings: [String], width: Int
    ) -> Pieces {
        let text = headings.map {
            Text.right(Text.cut($0, to: width - 1, mark: model.glyphs.more), width)
        }.joined()
        return [(Text.left(name, nameWidth(model)), .dim), (text, .dim)]
    }

    private static func name(_ model: Model, _ text: String) -> (text: String, style: Style) {
        let width = nameWidth(model)
        return (Text.left(cut(model, text, width), width), .accent)
    }

    private static func cut(_ model: Model, _ text: String, _ width: Int) -> String {
        Text.cut(
            Text.safe(text, ascii: model.glyphs.ascii), to: max(0, width), mark: model.glyphs.more)
    }

    private static func cells(_ model: Model, _ figures: [String]) -> String {
        figures.map { Text.right($0, cell(model)) }.joined()
    }

    // MARK: Caches

    private static func caches(_ model: Model, _ report: EngineReport) -> [Line] {
        let headings = ["FETCHES", "FAILED", "ABSENT", "MEAN", "P99 <=", "SPARED", "OF TIME"]
        return [Line(pieces: heading(model, "CACHE", headings, width: cell(model)))]
            + report.caches.map { Line(pieces: cache(model, $0), stop: .cache($0.name)) }
    }

    private static func cache(_ model: Model, _ cache: CacheReport) -> Pieces {
        let snapshot = cache.snapshot
        let counters = snapshot.counters
        let saved = counters.hits + counters.coalesced
        let mean = snapshot.fetchTimes.mean
        let time =
            snapshot.fetchTimes.usual.map {
                Format.age(.seconds(clamping: $0.inSeconds * Double(saved)))
            } ?? "-"
        let figures = [
            Format.count(snapshot.fetchTimes.count + counters.fetchFailures),
            Format.count(counters.failed), Format.count(counters.failures[.absent]),
            mean.map(Format.took) ?? "-",
            snapshot.fetchTimes.quantile(0.99).map(Format.took) ?? "-", Format.count(saved), time,
        ]
        return [name(model, cache.name), (cells(model, figures), .plain)]
    }

    // MARK: Who asks the gateway

    private static func askers(_ model: Model, _ report: EngineReport) -> [Line] {
        guard let gateway = report.gateway else { return [] }
        guard !gateway.askers.isEmpty else {
            return [Line(pieces: [("nobody has asked the gateway yet", .dim)])]
        }
        let money = model.size.columns < moneyColumns ? [] : ["OF USD"]
        let heading =
            heading(
                model, "TABLE",
                ["ASKED", "HITS", "JOINED", "PASSED", "REFUSED", "OF TIME"] + money,
                width: callCell(model)) + [("  BY, WITH", .dim)]
        return [Line(pieces: heading)]
            + gateway.askers.map { asker in
                Line(
                    pieces: self.asker(model, asker),
                    stop: asker.table.flatMap { table in
                        report.caches.contains { $0.name.isExactly(table) } ? .cache(table) : nil
                    } ?? .call)
            }
    }

    /// From this width on there is room for the money.
    private static let moneyColumns = 110

    private static func asker(_ model: Model, _ asker: GatewayReport.Asker) -> Pieces {
        let counts = [
            asker.requests, asker.hits + asker.stale, asker.joined, asker.passed, asker.refused,
        ].map { Format.count($0) }
        var saved = [asker.savedSeconds.map { Format.age(.seconds(clamping: $0)) } ?? "-"]
        if model.size.columns >= moneyColumns {
            saved.append(asker.savedDollars.map { Units.text($0, digits: 4) } ?? "-")
        }
        let width = callCell(model)
        let front = (counts + saved).map { Text.right($0, width) }.joined() + "  "
        let who =
            ([asker.identity ?? "unknown"] + asker.agents
            + (asker.processes ?? []).map(\.words)).joined(separator: ", ")
        let room = model.size.columns - 3 - nameWidth(model) - Text.width(of: front)
        return [
            name(model, asker.table ?? "-"),
            (front, asker.identity == nil ? .trouble : .plain), (cut(model, who, room), .plain),
        ]
    }

    // MARK: Failures

    private static let kindWidth = 11

    /// Each kind of failure that there was, how often within the last minute, and why the last time.
    private static func failures(_ model: Model, _ report: EngineReport) -> [Line] {
        let lines = report.caches.flatMap { cache in
            FailureKind.allCases.compactMap { failure(model, cache, $0) }.map {
                Line(pieces: $0, stop: .failures(cache: cache.name))
            }
        }
        guard !lines.isEmpty else { return [] }
        let heading =
            Text.left("CACHE", nameWidth(model)) + Text.right("KIND", kindWidth)
            + cells(model, ["IN ALL", "IN 1m", "LAST"]) + "  WHY"
        return [Line(pieces: [(heading, .dim)])] + lines
    }

    private static func failure(
        _ model: Model, _ cache: CacheReport, _ kind: FailureKind
    ) -> Pieces? {
        let snapshot = cache.snapshot
        let count = snapshot.counters.failures[kind]
        guard count > 0 else { return nil }
        let last = snapshot.lastFailures[kind]
        let lately = snapshot.failuresLately[kind]
        let figures = [
            Format.count(count), Format.count(lately),
            last.map { Format.age(snapshot.at - $0.at) } ?? "-",
        ]
        let front = Text.right(kind.word, kindWidth) + cells(model, figures) + "  "
        let room = model.size.columns - 3 - nameWidth(model) - Text.width(of: front)
        // That something is not there is an answer.
        let style: Style = kind == .absent || lately == 0 ? .plain : .trouble
        return [
            name(model, cache.name), (front, style),
            (cut(model, last?.reason ?? "", room), .plain),
        ]
    }

    // MARK: What is fetched most

    private static func fetched(_ model: Model, _ report: EngineReport) -> [Line] {
        let caches = report.caches.filter { !$0.mostFetched.isEmpty }
        guard let since = caches.compactMap(\.fetchedSince).min() else { return [] }
        let width = keyWidth(model)
        let heading: Pieces = [
            (
                Text.left("CACHE", nameWidth(model)) + "  "
                    + Text.left(cut(model, "MOST SINCE \(model.time(since))", width), width)
                    + cells(model, ["FETCHES", "FAILED"]) + "  WHY", .dim
            )
        ]
        return [Line(pieces: heading)]
            + report.fetchedMost.prefix(mostFetched(model)).map {
                Line(
                    pieces: fetched(model, $0.cache, $0.row),
                    stop: .key(EntryKey(cache: $0.cache, key: $0.row.key)))
            }
    }

    /// On a small screen the kinds of failures are to be seen as well.
    private static func mostFetched(_ model: Model) -> Int {
        model.size.rows < 30 ? 5 : CacheReport.fetched
    }

    /// As wide as the heading or the longest key: why it fails is to be read.
    private static func keyWidth(_ model: Model) -> Int {
        let keys = (model.report?.fetchedMost ?? []).prefix(mostFetched(model))
        let longest = keys.map { Text.width(of: $0.row.key) }.max() ?? 0
        return min(max(20, longest), max(20, model.size.columns / 3))
    }

    private static func fetched(
        _ model: Model, _ cache: String, _ row: FetchedRow
    ) -> Pieces {
        let width = keyWidth(model)
        let key = "  " + Text.left(cut(model, row.key, width), width)
        let fetches = cells(model, [Format.count(row.fetches)])
        let failures = cells(model, [Format.count(row.failures)]) + "  "
        let room =
            model.size.columns - 3 - nameWidth(model) - Text.width(of: key)
            - Text.width(of: fetches + failures)
        return [
            name(model, cache), (key, .plain),
            (fetches, .plain),
            (failures, row.kind == nil || row.kind == .absent ? .plain : .trouble),
            (cut(model, row.why, room), .plain),
        ]
    }

    // MARK: Calls

    private static func callCell(_ model: Model) -> Int {
        model.size.columns < 90 ? 7 : cell(model)
    }

    private static func calls(_ model: Model, _ report: EngineReport) -> [Line] {
        guard !report.origins.isEmpty else {
            return [Line(pieces: [("this origin counts no calls of its own", .dim)])]
        }
        let heading = heading(
            model, "CALL",
            ["CALLS", "FAILED", "RETRIED", "THROTTLED", "MEAN", "P99 <=", "SPARED", "OF USD"],
            width: callCell(model))
        return [Line(pieces: heading)]
            + report.origins.flatMap { origin(model, $0).map { Line(pieces: $0, stop: .call) } }
    }

    private static func origin(_ model: Model, _ origin: OriginReport) -> [Pieces] {
        let width = callCell(model)
        let figures = [
            Format.count(origin.calls), Format.count(origin.failed), Format.count(origin.retries),
            Format.count(origin.throttles), origin.latency.mean.map(Format.took) ?? "-",
            origin.latency.quantile(0.99).map(Format.took) ?? "-", Format.count(origin.savedCalls),
            origin.savedDollars.map { Units.text($0, digits: 4) } ?? "-",
        ]
        let line: Pieces = [
            name(model, origin.name),
            (figures.map { Text.right($0, width) }.joined(), .plain),
        ]
        let failures = origin.failures.sorted { $0.value > $1.value }.map { code, count -> Pieces in
            [(Text.left("", nameWidth(model)), .plain), ("   \(count)  \(code)", .trouble)]
        }
        return [line] + failures
    }
}
