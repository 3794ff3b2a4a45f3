import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

/// How long a list is.
struct LimitOption: ParsableArguments {
    @Option(help: "How many are named, up to 1000.")
    var limit = 10

    func validate() throws {
        guard (0...1000).contains(limit) else {
            throw ValidationError("--limit \(limit): 0 to 1000 are accepted")
        }
    }
}

struct Memory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory", abstract: "Print what takes the memory of a running engine.",
        discussion: """
            \(MemoryPart.What.allCases.map { "  \(Table.left($0.rawValue, 8)) \($0.about)" }.joined(separator: "\n"))
            """)

    @OptionGroup
    var limit: LimitOption

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let report = try await inspector.report()
            let largest = try await inspector.entries(
                EntryQuery(sort: .size, descending: true, limit: limit.limit))
            if output.format == .text { Output.print(PlainText.fit(report.memorySentence)) }
            output.print(
                report.memoryRecords + largest.rows.map(\.memoryRecord), EngineReport.memoryNames,
                from)
        }
    }
}

extension EngineReport {
    fileprivate static let memoryNames = ["what", "cache", "key", "entries", "bytes", "share"]

    fileprivate var held: Int { caches.reduce(0) { $0 + $1.snapshot.bytes } }

    /// Who uses the memory.
    fileprivate var memorySentence: String {
        let most = caches.max { $0.snapshot.bytes < $1.snapshot.bytes }
        guard let most, held > 0 else { return "the caches hold nothing" }
        let share = Double(most.snapshot.bytes) / Double(held)
        let process = memory.resident.map { resident in
            let share = Format.percent(Double(held) / Double(max(1, resident)))
            return "; the caches are \(share) of the process's \(Units.words(bytes: resident))"
        }
        return "\(most.name) takes most: \(Units.words(bytes: most.snapshot.bytes)) in "
            + "\(Units.counted(most.snapshot.count, "entry", "entries")), "
            + "\(Format.percent(share)) of what is held" + (process ?? "")
    }

    fileprivate var memoryRecords: [[Field]] {
        let process = [("process", memory.resident), ("limit", memory.limit)]
            .compactMap { what, bytes in
                bytes.map { Self.record(what, bytes: $0) }
            }
        let each = caches.map { cache in
            Self.record(
                "cache", cache: cache.name, entries: cache.snapshot.count,
                bytes: cache.snapshot.bytes,
                share: held == 0 ? nil : Double(cache.snapshot.bytes) / Double(held))
        }
        let undoable = caches.filter { $0.snapshot.undoable > 0 }.map { cache in
            Self.record(
                "undo", cache: cache.name, entries: cache.snapshot.undoable,
                bytes: cache.snapshot.undoableBytes)
        }
        let others = memoryParts.filter { ![.entries, .undo].contains($0.what) }
            .compactMap { part in
                part.bytes.map { Self.record(part.what.rawValue, bytes: $0) }
            }
        return process + each + undoable + others
    }

    fileprivate static func record(
        _ what: String, cache: String? = nil, key: String? = nil, entries: Int? = nil, bytes: Int,
        share: Double? = nil
    ) -> [Field] {
        [
            Field("what", what), Field("cache", cache), Field("key", key),
            Field("entries", entries.map { .number("\($0)") } ?? .null),
            Field("bytes", bytes: bytes), Field("share", share: share),
        ]
    }
}

extension EntryRow {
    fileprivate var memoryRecord: [Field] {
        EngineReport.record("entry", cache: id.cache, key: id.key, bytes: bytes)
    }
}

struct Origins: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "origins",
        abstract: "Print what the origins of a running engine were asked, and why they failed.",
        discussion: """
            Of each cache the keys are named that were fetched most of late, with how often at least, \
            how often in vain, and why the last time.
            """)

    @OptionGroup
    var limit: LimitOption

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let report = try await inspector.report()
            let keys = Array(report.fetchedKeys.prefix(limit.limit))
            guard output.format == .text else { return tell(report, keys, from) }
            if !report.origins.isEmpty {
                Table.print(
                    Self.shown,
                    report.origins.map { origin in
                        origin.fields.filter { Self.shown.contains($0.name) }.map(\.text)
                    })
                Output.print("")
            }
            for cache in report.caches where cache.snapshot.counters.fetchFailures > 0 {
                Output.print(PlainText.fit("\(cache.name): failed \(cache.failureWords)"))
            }
            guard let since = report.caches.compactMap(\.fetchedSince).min(), !keys.isEmpty else {
                return Output.print("nothing was fetched yet")
            }
            let time = Format.age(report.at - since)
            Output.print("fetched most within the last \(time):")
            output.print(keys, EngineReport.fetchedNames, from)
        }
    }

    private func tell(_ report: EngineReport, _ keys: [[Field]], _ from: Source) {
        guard output.format == .json else {
            return output.print(keys, EngineReport.fetchedNames, from)
        }
        let document = [
            Field("origins", .list(report.origins.map(\.fields.object))),
            Field("keys", .list(keys.map(\.object))),
        ]
        output.print(json: FormatOption.json(document.object), from)
    }

    private static let shown = [
        "operation", "calls", "retries", "throttled", "failed", "failures", "p50", "p99", "saved",
    ]
}

extension EngineReport {
    fileprivate static let fetchedNames = [
        "cache", "key", "fetches", "failures", "kind", "reason",
    ]

    /// The keys of all caches that were fetched most, the first first.
    fileprivate var fetchedKeys: [[Field]] {
        fetchedMost.map { cache, row in
            [
                Field("cache", cache), Field("key", row.key), Field("fetches", count: row.fetches),
                Field("failures", count: row.failures), Field("kind", row.kind?.rawValue),
                Field("reason", row.reason),
            ]
        }
    }
}

struct Storm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast",
        abstract: "Print how many entries of a running engine end when, and whether a storm comes.",
        discussion: """
            Of the entries that are held now and end, those that were hit within the last minute are \
            fetched anew. It is a storm where within five seconds clearly more of them come than the \
            budget allows, or at least 20 and more than twice as many as now. Entries that are \
            fetched, end and are fetched again are counted once; what is missed comes on top.
            """)

    @Option(
        help: "How wide a bucket is.", transform: parsed { try Units.duration($0) })
    var width = Duration.seconds(10)

    @Option(help: "How many buckets are looked at, up to 1000.")
    var count = 90

    @Option(
        help: "Fetches a second that the origin may have, such as 20/s.",
        transform: parsed { try Units.rate($0) })
    var budget = 50.0

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func validate() throws {
        guard (1...1000).contains(count) else {
            throw ValidationError("--count \(count): 1 to 1000 are accepted")
        }
        guard (.milliseconds(100) ... .seconds(86_400)).contains(width) else {
            throw ValidationError("--width: 100ms to 24h are accepted")
        }
        guard (0.1...1_000_000).contains(budget) else {
            throw ValidationError("--budget: 0.1/s to 1000000/s are accepted")
        }
    }

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let forecast = try await inspector.forecast(width: width, count: count)
            if output.format == .text { Output.print(verdict(forecast)) }
            let fetches = forecast.fetches.map { Double($0) }
            let buckets = zip(forecast.ending, fetches).enumerated()
            let records = buckets.compactMap { place, bucket -> [Field]? in
                // What is empty says nothing to people.
                guard bucket.0 > 0 || output.format != .text else { return nil }
                let start = width * place
                return [
                    Field("from", seconds: start, text: "in \(Units.text(start))"),
                    Field("ending", count: bucket.0), Field("fetches", number: bucket.1),
                    Field("perSecond", number: bucket.1 / width.inSeconds),
                ]
            }
            output.print(records, ["from", "ending", "fetches", "perSecond"], from)
        }
    }

    /// What comes at once is not spread over a bucket: the peak of a few seconds decides, however
    /// wide a bucket is.
    private func verdict(_ forecast: Forecast) -> String {
        let now = forecast.rate.map { "\(Units.text($0, digits: 1)) a second now, " } ?? ""
        let beside = "; \(now)and a budget of \(Units.text(budget, digits: 1)) a second"
        func words(_ peak: Forecast.Peak) -> String {
            let left = max(.zero, peak.at - forecast.at)
            return "\(Units.text(peak.rate, digits: 1)) fetches a second, in \(Units.text(left))"
        }
        if let storm = forecast.storm(beyond: budget, at: forecast.at) {
            return "STORM of \(storm.cache): \(words(storm.peak))\(beside)"
        }
        let peaks = forecast.caches.compactMap(\.peak)
        guard let most = peaks.max(by: { $0.fetches < $1.fetches }) else {
            return "no storm: nothing ends that was hit lately\(beside)"
        }
        let isBeyond = forecast.rate.map { $0 > budget } ?? false
        return
            (isBeyond
            ? "no storm beside the fetches of now, which are beyond the budget" : "no storm")
            + ": of what is held now, at most \(words(most))\(beside)"
    }
}
