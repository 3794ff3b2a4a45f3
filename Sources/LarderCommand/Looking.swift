import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

/// How a command's result is printed.
struct FormatOption: ParsableArguments {
    @Option(help: "How the result is printed: text, json or csv.")
    var format = LookingOptions.Format.text

    /// Prints records: as a table, as CSV with a line each, or as JSON with an object each.
    ///
    /// - Parameters:
    ///   - header: The names of the fields, as there may be no record.
    ///   - shown: The names that people see; `nil` for all.
    ///   - titles: What people see in place of some names.
    func print(
        _ records: [[Field]], _ header: [String], shown: Set<String>? = nil,
        titles: [String: String] = [:], _ from: Source = Source()
    ) {
        switch format {
        case .json: self.print(json: Self.json(.list(records.map(\.object))), from)
        case .csv: csv(header, records.map { $0.map(\.figure) }, from)
        case .text:
            let places = header.indices.filter { shown?.contains(header[$0]) ?? true }
            Table.print(
                places.map { titles[header[$0]] ?? header[$0] },
                records.map { record in places.map { record[$0].text } })
        }
    }

    /// Prints one record: its fields are lines of a table and of CSV, and an object of JSON.
    func print(_ record: [Field], _ from: Source = Source()) {
        switch format {
        case .json: self.print(json: Self.json(record.object), from)
        case .csv: csv(["field", "value"], record.map { [$0.name, $0.figure] }, from)
        case .text: Table.print(["field", "value"], record.map { [$0.name, $0.text] })
        }
    }

    private func csv(_ header: [String], _ rows: [[String]], _ from: Source) {
        if from.isFirst { Output.print(csv: (from.engine.map { _ in ["engine"] } ?? []) + header) }
        for row in rows { Output.print(csv: (from.engine.map { [$0] } ?? []) + row) }
    }

    /// Prints what is JSON already.
    func print(json: String, _ from: Source) {
        guard let engine = from.engine else { return Output.print(json: json) }
        Output.print(json: "{\"engine\" : \(Self.json(.text(engine))), \"result\" : \(json)}")
    }

    static func json(_ value: Shown) -> String {
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
            let caches = try await inspector.report().caches.map(\.boundFields)
            output.print(
                caches, caches.first?.map(\.name) ?? ["cache"],
                shown: ["cache", "entries", "maxsize", "ttl", "policy", "bytes", "hit"],
                // For people the ratio says of when it is: of all look-ups since the start.
                titles: ["hit": "hit all"], from)
        }
    }
}

struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Print what the caches of a running engine have counted.",
        discussion: """
            Of the misses, regretEvicted were for keys that had been evicted within the minute \
            before, and regretExpired for keys that had expired. Their shares are of the last ten \
            minutes, or since the bounds were changed where that is shorter (regretWindow): where \
            they are large it is said which bound to raise.
            """)

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let report = try await inspector.report()
            if output.format == .json {
                let document = [
                    Field("name", report.name), Field("instance", report.instance),
                    Field("memory", report.memory.fields.object),
                    Field("caches", .list(report.caches.map(\.fields.object))),
                    Field("origins", .list(report.origins.map(\.fields.object))),
                ]
                return output.print(json: FormatOption.json(document.object), from)
            }
            let counts = report.caches.map { [Field("cache", $0.name)] + $0.countFields }
            output.print(counts, counts.first?.map(\.name) ?? ["cache"], shown: Self.shown, from)
            guard output.format == .text else { return }
            for cache in report.caches {
                for sentence in Advice.sentences(on: cache.snapshot) {
                    Output.print(PlainText.fit("\(cache.name): \(sentence)"))
                }
            }
        }
    }

    /// What people see; the others are rarely other than 0.
    private static let shown = Set(
        [
            "cache", "hits", "misses", "coalesced", "refused", "failed", "evicted", "expired",
            "invalidated", "replaced", "unused", "regretEvictedShare", "regretExpiredShare",
            "regretWindow",
        ] + FailureKind.allCases.map(\.figureName))
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
            \(EntryColumn.allCases.map { "  \(Table.left($0.rawValue, 8)) \($0.about)" }.joined(separator: "\n"))
            The turn to go is the policy's own: what would be evicted were nothing used any more. \
            sieve, s3fifo and tinylfu put off what is used, and rr draws anew with each eviction. \
            Caches of more than 4096 entries tell it only where it is the order or in the filter.

            \(EntryFilter.help)
            """)

    @Argument(help: "Only this cache.")
    var cache: String?

    @Option(
        help: "Which entries: part of a key, or comparisons such as 'hits>=100 and ttl<5m'.",
        transform: parsed { try readable(filter: $0) })
    var filter = ""

    @Option(
        help: "The column to sort by; with :desc behind it, largest first.",
        transform: parsed { try SortOption(parsing: $0) })
    var sort = try! SortOption(parsing: "ttl")

    @Option(help: "Most entries to print, up to 10000.")
    var limit = 1000

    @Option(
        help: "Which columns, with commas between them: \(EntryColumn.accepted).",
        transform: parsed { try EntryColumn.list($0) })
    var columns: [EntryColumn] = [
        .cache, .key, .ttl, .expiry, .age, .hits, .size, .state, .version,
    ]

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
                EntryQuery(
                    caches: cache.map { [$0] } ?? [], filter: filter, sort: sort.column,
                    descending: sort.descending, limit: limit))
            if output.format == .json {
                let look = OneLook(report: try await inspector.report(), page: page)
                return output.print(json: look.text(.json), from)
            }
            output.print(
                page.rows.map { row in columns.map { row.field($0, at: page.at) } },
                columns.map(\.rawValue), from)
            if page.matched > page.rows.count {
                say("\(page.matched - page.rows.count) more; --limit shows them")
            }
        }
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
            let at = try await inspector.report().at
            var fields = detail.row.fields(at: at).filter { $0.value != .null }
            if output.format == .json {
                fields.append(Field("value", detail.value))
                let events = detail.history.map { $0.fields.object }
                fields.append(Field("history", .list(events)))
            } else {
                fields += detail.value.leaves.map {
                    Field($0.path.isEmpty ? "value" : $0.path, $0.text)
                }
            }
            output.print(fields, from)
        }
    }
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
        transform: parsed { try readable(filter: $0) })
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
            let engine = target.isAll ? ["engine"] : []
            Output.print(csv: engine + ["time"] + LoggedEvent.names)
        }
        guard follow else {
            return try await target.each(output.format) { inspector, from in
                var seen = Seen()
                try await show(inspector, from, &seen)
            }
        }
        // All at once: none of them comes to an end.
        let all = target.isAll
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
        let report = try await inspector.report()
        let filter = try EntryFilter(filter, of: .events(of: report.caches.map(\.name)))
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
                say("\(Units.counted(Int(clamping: log.dropped), "event")) of \(name) left out")
            }
            events += log.events.filter { filter.passes($0, at: report.at) }
            seen.last[Verbatim(name)] = log.events.last?.number ?? seen.last[Verbatim(name)] ?? 0
        }
        events = events.inOrder
        show(isFirst ? events.suffix(limit) : events[...], report, from)
    }

    private func show(
        _ events: ArraySlice<LoggedEvent>, _ report: EngineReport, _ from: Source
    ) {
        for event in events {
            let time = report.wall.addingTimeInterval((event.at - report.at).inSeconds)
            let fields = [Field("time", time.formatted(.iso8601))] + event.fields
            switch output.format {
            case .json: output.print(json: fields.object.json, from)
            case .csv: Output.print(csv: (from.engine.map { [$0] } ?? []) + fields.map(\.figure))
            case .text:
                var words = fields.dropLast().map(\.text)
                if let reason = event.by?.reason { words[words.count - 1] += ": \(reason)" }
                Output.print(
                    words.map(PlainText.fit).filter { !$0.isEmpty }.joined(separator: "  "))
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
            let known = try await inspector.changes(after: 0)
            if let lost = known.first?.missed, lost > 0 {
                say(
                    "\(Units.counted(Int(clamping: lost), "change")) before these are not kept any more"
                )
            }
            let changes = known.map(\.fields)
            output.print(
                changes,
                [
                    "time", "what", "by", "plan", "change", "reason", "removed", "forgotten",
                    "softened",
                    "restored", "bytes",
                    "leftAlone", "failure", "lasting",
                ], shown: ["time", "what", "by", "plan", "change", "reason"], from)
        }
    }
}

extension ChangeRecord {
    fileprivate var fields: [Field] {
        [
            Field("time", time.formatted(.iso8601)), Field("what", what.rawValue),
            Field("by", "\(by)"), Field("plan", plan), Field("change", summary),
            Field("reason", by.reason), Field("removed", count: removed - forgotten - softened),
            Field("forgotten", count: forgotten), Field("softened", count: softened),
            Field("restored", count: restored),
            Field("bytes", bytes: bytes),
            Field("leftAlone", count: skipped.count + unnamed), Field("failure", failure),
            Field("lasting", seconds: lasting, text: lasting.map { Units.text($0) } ?? "-"),
        ]
    }
}

extension LoggedEvent {
    fileprivate static let names = ["cache", "number", "event", "key", "note", "by", "reason"]

    fileprivate var fields: [Field] {
        [
            Field("cache", cache), Field("number", .number("\(number)"), text: ""),
            Field("event", kind.word.rawValue), Field("key", key), Field("note", kind.note()),
            Field("by", by.map { "\($0)" }), Field("reason", by?.reason),
        ]
    }
}
