import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

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
        transform: parsed { try readable(filter: $0, isOfEvents: true) })
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
            // The error of an unknown cache says which there are.
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
            let fields = event.fields(of: report)
            switch output.format {
            case .json: output.print(json: fields.object.json, from)
            case .csv: Output.print(csv: (from.engine.map { [$0] } ?? []) + fields.map(\.figure))
            case .text: Output.print(event.line(of: report))
            }
        }
    }
}

extension LoggedEvent {
    fileprivate static let names = ["cache", "number", "event", "key", "note", "by", "reason"]

    /// What happened, and when by the calendar of the engine that tells it.
    func fields(of report: EngineReport) -> [Field] {
        let time = report.wall.addingTimeInterval((at - report.at).inSeconds)
        return [Field("time", time.formatted(.iso8601))] + fields
    }

    /// The same in a line for people.
    func line(of report: EngineReport) -> String {
        var words = fields(of: report).dropLast().map(\.text)
        if let reason = by?.reason { words[words.count - 1] += ": \(reason)" }
        return words.map(PlainText.fit).filter { !$0.isEmpty }.joined(separator: "  ")
    }

    private var fields: [Field] {
        [
            Field("cache", cache), Field("number", .number("\(number)"), text: ""),
            Field("event", kind.word.rawValue), Field("key", key), Field("note", kind.note()),
            Field("by", by.map { "\($0)" }), Field("reason", by?.reason),
        ]
    }
}
