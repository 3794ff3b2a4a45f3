import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

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
