import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderSocket

/// How a command's result is printed.
struct FormatOption: ParsableArguments {
    @Option(help: "How the result is printed: text, json or csv.")
    var format = LookingOptions.Format.text

    /// Prints a value as JSON, or else lines of fields: as a table, or as CSV.
    func print(
        _ value: some Encodable, _ header: [String], _ rows: [[String]], _ from: Source = Source()
    ) {
        switch format {
        case .json: self.print(json: Self.json(value), from)
        case .csv:
            for row in (from.isFirst ? [header] : []) + rows {
                let engine = from.engine.map { row == header ? ["engine"] : [$0] } ?? []
                Output.print(csv: engine + row)
            }
        case .text: Table.print(header, rows)
        }
    }

    /// Prints what is JSON already.
    func print(json: String, _ from: Source) {
        guard let engine = from.engine else { return Output.print(json: json) }
        Output.print(json: "{\"engine\" : \(Self.json(engine)), \"result\" : \(json)}")
    }

    private static func json(_ value: some Encodable) -> String {
        let formatting: JSONEncoder.OutputFormatting = [
            .prettyPrinted, .sortedKeys, .withoutEscapingSlashes,
        ]
        // What came as JSON goes as such.
        return String(decoding: try! PlainJSON.encode(value, formatting), as: UTF8.self)
    }
}

/// The engine that a result comes from, where there are several.
struct Source {
    /// `nil` where there is only one.
    var engine: String?
    /// Nothing was printed of another before.
    var isFirst = true
}

struct Caches: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caches", abstract: "List the caches of a running engine.")

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let caches = try await inspector.report().caches
            // For people the ratio says of when it is: of all look-ups since the start.
            let hit = output.format == .csv ? "hit" : "hit all"
            output.print(
                caches, ["cache", "entries", "maxsize", "ttl", "policy", "bytes", hit],
                caches.map { cache in
                    let snapshot = cache.snapshot
                    return [
                        cache.name, "\(snapshot.count)",
                        Units.text(maxsize: snapshot.configuration.maxsize),
                        Units.text(ttl: snapshot.configuration.ttl),
                        "\(snapshot.configuration.policy)", Units.text(bytes: snapshot.bytes),
                        Format.percent(snapshot.counters.hitRatio),
                    ]
                }, from)
        }
    }
}

struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Print what the caches of a running engine have counted.")

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let report = try await inspector.report()
            let rows = report.caches.map(Self.figures)
            output.print(
                report, rows.first?.map(\.name) ?? ["cache"], rows.map { $0.map(\.text) }, from)
        }
    }

    /// What a cache has counted, by name.
    private static func figures(_ cache: CacheReport) -> [(name: String, text: String)] {
        let counters = cache.snapshot.counters
        let lookUps = [
            ("hits", counters.hits), ("misses", counters.misses),
            ("coalesced", counters.coalesced), ("refused", counters.refused),
            ("failed", counters.fetchFailures),
        ]
        let removals = [
            ("evicted", counters.evicted), ("expired", counters.expired),
            ("invalidated", counters.invalidated), ("replaced", counters.replaced),
            ("unused", counters.unused),
        ]
        var figures = [(name: "cache", text: cache.name)]
        for (name, count) in lookUps { figures.append((name, "\(count)")) }
        for (name, count) in cache.failureFigures { figures.append((name, "\(count)")) }
        for (name, count) in removals { figures.append((name, "\(count)")) }
        for (name, share) in cache.regretFigures { figures.append((name, percent(share))) }
        return figures
    }
}

struct Entries: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entries", abstract: "List entries of a running engine.",
        discussion: """
            Examples:
              larder entries --sort hits:desc --limit 10
              larder entries accounts --filter 0001 --format csv
              larder entries accounts --sort togo --columns togo,key,hits,lasthit
            Columns:
            \(Column.allCases.map { "  \(Table.left($0.rawValue, 8)) \($0.about)" }.joined(separator: "\n"))
            The turn to go is the policy's own: what would be evicted were nothing used any more. sieve,
            s3fifo and tinylfu put off what is used, and rr draws anew with each eviction. Caches of more
            than 4096 entries tell it only where it is the order.
            """)

    @Argument(help: "Only this cache.")
    var cache: String?

    @Option(
        help: "Which entries: part of a key, or comparisons such as 'hits>=100 and ttl<5m'.",
        transform: parsed("--filter") { try readable(filter: $0) })
    var filter = ""

    @Option(
        help: "The column to sort by; with :desc behind it, largest first.",
        transform: parsed("--sort") { try SortOption(parsing: $0) })
    var sort = try! SortOption(parsing: "ttl")

    @Option(help: "Most entries to print, up to 10000.")
    var limit = 1000

    @Option(
        help: "Which columns, with commas between them.",
        transform: parsed("--columns") { text in
            try KeyNotation.pieces(text).map { try Column(named: $0) }
        })
    var columns: [Column] = [.cache, .key, .ttl, .expiry, .age, .hits, .size, .state, .version]

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func validate() throws {
        guard (0...10_000).contains(limit) else {
            throw ValidationError("--limit \(limit): 0 to 10000 are accepted")
        }
    }

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let page = try await inspector.entries(
                Query(
                    caches: cache.map { [$0] } ?? [], filter: filter, sort: sort.column,
                    descending: sort.descending, limit: limit))
            if output.format == .json {
                let look = OneLook(report: try await inspector.report(), page: page)
                return output.print(json: look.text(.json), from)
            }
            output.print(
                page.rows.map(\.id), columns.map(\.rawValue),
                page.rows.map { row in
                    columns.map { column in
                        output.format == .csv
                            ? figure(column, row, page.at) : text(column, row, page.at)
                    }
                }, from)
            if page.matched > page.rows.count {
                say("\(page.matched - page.rows.count) more; --limit shows them")
            }
        }
    }
}

/// What stands in a column of a row, for programs: times in seconds, sizes in bytes.
private func figure(_ column: Column, _ row: Row, _ now: Instant) -> String {
    guard case .number(let digits) = column.value(of: row, at: now) else {
        return column.value(of: row, at: now) == .null ? "" : text(column, row, now)
    }
    guard [.ttl, .expiry, .age, .fetch, .lasthit, .refresh].contains(column),
        let number = Double(digits)
    else {
        return digits
    }
    return "\((number / 1e6).rounded() / 1e3)"
}

/// What stands in a column of a row, for people.
private func text(_ column: Column, _ row: Row, _ now: Instant) -> String {
    switch column {
    case .cache: row.id.cache
    case .key: row.id.key
    case .ttl: Units.countdown(row.deadline.map { $0 - now })
    case .expiry: Units.countdown(row.expiry.map { $0 - now })
    case .age: Format.age(now - row.writtenAt)
    case .hits: "\(row.hits)"
    case .size: Units.text(bytes: row.bytes)
    case .state: row.state(at: now).rawValue
    case .fetch: row.fetchTime == .zero ? "-" : Format.took(row.fetchTime)
    case .version: "\(row.version)"
    case .lasthit: row.lastHit.map { Format.age(now - $0) } ?? "-"
    case .fetches: Format.perSecond(row.fetchRate)
    case .refresh: Units.countdown(row.nextRefresh(at: now).map { $0 - now })
    case .togo: row.toGo.map { "\($0)" } ?? "-"
    }
}

struct Entry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entry", abstract: "Print one entry of a running engine in full.")

    @Argument(help: "The cache.")
    var cache: String

    @Argument(help: "The key, as it is shown.")
    var key: String

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            guard let detail = try await inspector.entry(EntryKey(cache: cache, key: key)) else {
                throw InspectorError("\(cache) holds no live entry \"\(key)\"")
            }
            let row = detail.row
            let at = try await inspector.report().at
            output.print(
                detail, ["fact", "value"],
                [
                    ["cache", row.id.cache], ["key", row.id.key],
                    ["state", row.state(at: at).rawValue], ["version", "\(row.version)"],
                    ["ttl left", Units.countdown(row.deadline.map { $0 - at })],
                    ["expiry", Units.countdown(row.expiry.map { $0 - at })],
                    ["age", Format.age(at - row.writtenAt)], ["hits", "\(row.hits)"],
                    ["last hit", row.lastHit.map { Format.age(at - $0) } ?? "-"],
                    ["fetches/s", Format.perSecond(row.fetchRate)],
                    ["refresh", Units.countdown(row.nextRefresh(at: at).map { $0 - at })],
                    ["to go", row.toGo.map { "\($0)" } ?? "-"],
                    ["size", Units.text(bytes: row.bytes)],
                ] + failure(row, at)
                    + detail.value.leaves.map { [$0.path.isEmpty ? "value" : $0.path, $0.text] },
                from)
        }
    }
}

/// A share of one, for people.
private func percent(_ share: Double?) -> String {
    share.map { Units.text($0 * 100, digits: 1) + "%" } ?? "-"
}

/// What there is to say of fetches that failed.
private func failure(_ row: Row, _ now: Instant) -> [[String]] {
    guard let trouble = row.renewal?.trouble else { return [] }
    return [
        ["failure", trouble.failure.word], ["failures", "\(trouble.failures) in a row"],
        ["first failure", Units.countdown(now - trouble.since) + " ago"],
        ["last failure", Units.countdown(now - trouble.last) + " ago"],
        ["refusals", "\(trouble.refusals)"], ["next try", Units.countdown(trouble.until - now)],
    ]
}

struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print what happened in the caches of a running engine.")

    @Argument(help: "Only this cache.")
    var cache: String?

    @Flag(name: .shortAndLong, help: "Go on with what happens from now on.")
    var follow = false

    @Option(help: "Most events to print of the past, the latest.")
    var limit = 100

    @Option(
        help: "Which events: part of a key, or comparisons such as 'state=evicted or by=ops'.",
        transform: parsed("--filter") { try readable(filter: $0) })
    var filter = ""

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func validate() throws {
        guard (0...100_000).contains(limit) else {
            throw ValidationError("--limit \(limit): 0 to 100000 are accepted")
        }
    }

    func run() async throws {
        if output.format == .csv {
            let engine = target.target == "all" ? ["engine"] : []
            Output.print(csv: engine + ["time", "cache", "event", "key", "note", "by"])
        }
        guard follow else {
            return try await target.each(output.format) { inspector, from in
                var seen = Seen()
                try await show(inspector, from, &seen)
            }
        }
        // All at once: none of them comes to an end.
        let all = target.target == "all"
        try await withThrowingDiscardingTaskGroup { group in
            for place in try target.places() {
                group.addTask {
                    try await follow(place, Source(engine: all ? place.name : nil))
                }
            }
        }
    }

    /// What of an engine was shown.
    private struct Seen {
        var instance: String?
        var last: [Verbatim: UInt64] = [:]
    }

    /// Until it is ended from outside; an engine that goes and comes back is followed on.
    private func follow(_ place: Rendezvous, _ from: Source) async throws {
        let inspector = try RemoteInspector(place)
        let result: Result<Void, any Error>
        do { result = .success(try await follow(inspector, from)) } catch {
            result = .failure(error)
        }
        await inspector.close()
        try result.get()
    }

    private func follow(_ inspector: RemoteInspector, _ from: Source) async throws {
        let place = inspector.place
        var seen = Seen()
        var isLost = false
        while !Task.isCancelled {
            do {
                try await show(inspector, from, &seen)
                if isLost { say("\(place.name) answers again") }
                isLost = false
            } catch let error as SocketError {
                guard seen.instance != nil else { throw error }
                if !isLost { say("\(error); waiting for it") }
                isLost = true
            }
            try Output.check()
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// Shows what has happened since the last time.
    private func show(
        _ inspector: RemoteInspector, _ from: Source, _ seen: inout Seen
    ) async throws {
        let filter = try Filter(filter)
        let report = try await inspector.report()
        let isFirst = seen.instance == nil
        if seen.instance != report.instance { seen = Seen(instance: report.instance) }
        if let cache, !report.caches.contains(where: { $0.name.isExactly(cache) }) {
            // It says which there are.
            _ = try await inspector.events(in: cache, after: 0, limit: 0)
        }
        var events: [LoggedEvent] = []
        for name in report.caches.map(\.name) where cache.map(name.isExactly) ?? true {
            let log = try await inspector.events(
                in: name, after: seen.last[Verbatim(name)] ?? 0, limit: 100_000)
            if seen.last[Verbatim(name)] != nil, log.dropped > 0 {
                say("\(log.dropped) events of \(name) were left out")
            }
            events += log.events.filter { filter.passes($0, at: report.at) }
            seen.last[Verbatim(name)] = log.events.last?.number ?? seen.last[Verbatim(name)] ?? 0
        }
        events.sort { $0.at < $1.at }
        show(isFirst ? events.suffix(limit) : events[...], report, from)
    }

    private func show(
        _ events: ArraySlice<LoggedEvent>, _ report: Report, _ from: Source
    ) {
        for event in events {
            let time = report.wall.addingTimeInterval((event.at - report.at).inSeconds)
            if output.format == .json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                // What came as JSON goes as such.
                let text = String(decoding: try! encoder.encode(event), as: UTF8.self)
                output.print(json: text, from)
                continue
            }
            let fields = [
                time.formatted(.iso8601), event.cache, event.kind.word.rawValue, event.key ?? "",
                event.kind.note,
                event.by.map { "\($0)" + ($0.reason.map { ": \($0)" } ?? "") } ?? "",
            ]
            if output.format == .csv {
                Output.print(csv: (from.engine.map { [$0] } ?? []) + fields)
            } else {
                Output.print(
                    fields.map(PlainText.fit).filter { !$0.isEmpty }.joined(separator: "  "))
            }
        }
    }
}

struct Changes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes",
        abstract: "List what was done to a running engine: who, why, before and after.")

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let changes = try await inspector.changes(after: 0)
            if let lost = changes.first?.missed, lost > 0 {
                say("\(lost) changes before these are not kept any more")
            }
            output.print(
                changes, ["time", "what", "by", "plan", "change", "reason"],
                changes.map { change in
                    [
                        change.time.formatted(.iso8601), change.what.rawValue, "\(change.by)",
                        change.plan, change.summary, change.by.reason ?? "",
                    ]
                }, from)
        }
    }
}

extension EventKind {
    /// What else is to be said of it.
    fileprivate var note: String {
        switch self {
        case .written(let version, let took, let bytes):
            "version \(version), \(Units.text(bytes: bytes))"
                + (took.map { ", fetched in \(Format.took($0))" } ?? "")
        case .failed(_, let reason): reason
        case .removed(_, let version, let age, let hits):
            "version \(version), \(Format.age(age)) old, \(Format.count(hits)) hits"
        case .oversized(let bytes): Units.text(bytes: bytes)
        case .forgotten(let failures, let refusals):
            "\(failures) failures in a row, \(refusals) look-ups were told"
        case .softened(let version), .restored(let version): "version \(version)"
        case .configured(let old, let new):
            new.differences(from: old)
        }
    }
}
