import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Origins: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "origins",
        abstract: "Print what the origins of a running engine were asked, and why they failed.",
        discussion: """
            Names the keys of each cache that were fetched most of late: at least how often, how \
            often in vain, and why the last time.
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
                Output.print(PlainText.fit("\(cache.name): \(cache.failureWords)"))
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

    /// The most fetched keys of all caches, the most fetched first.
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
