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
            Of the misses, ghostEvicted were for keys that had been evicted within the minute \
            before, and ghostExpired for keys that had expired. Their shares are of the last ten \
            minutes, or since the bounds were changed where that is shorter (ghostWindow): where \
            they are large it is said which bound to raise.

            Of an engine with a gateway it is also told who asked for which table, and what came \
            of it: answered from an entry (hits), by a fetch of another (joined), sent on as it \
            came (passed), or refused.
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
                    Field("gateway", report.gateway.map { Self.document($0) } ?? .null),
                ]
                return output.print(json: FormatOption.json(document.object), from)
            }
            let counts = report.caches.map { [Field("cache", $0.name)] + $0.countFields }
            output.print(
                counts, counts.first?.map(\.name) ?? ["cache"], shown: Self.shown(report), from)
            guard output.format == .text else { return }
            for cache in report.caches {
                for sentence in Advice.sentences(on: cache.snapshot) {
                    Output.print(PlainText.fit("\(cache.name): \(sentence)"))
                }
            }
            if let gateway = report.gateway { tell(gateway) }
        }
    }

    private static func document(_ gateway: GatewayReport) -> Shown {
        .fields([
            .init("unsignedOk", .bool(gateway.acceptsUnsigned)),
            .init("askers", .list(gateway.askers.map(\.fields.object))),
        ])
    }

    /// Who asked the gateway, for people.
    private func tell(_ gateway: GatewayReport) {
        Output.print("")
        if gateway.acceptsUnsigned {
            Output.print("the gateway answers requests without a signature (--unsigned-ok)")
        }
        guard !gateway.askers.isEmpty else {
            return Output.print("nobody has asked the gateway yet")
        }
        Table.print(
            Self.asked,
            gateway.askers.map { asker in
                asker.fields.filter { Self.asked.contains($0.name) }.map {
                    $0.text.isEmpty ? "-" : PlainText.fit($0.text)
                }
            })
    }

    private static let asked = [
        "table", "by", "requests", "hits", "joined", "misses", "stale", "passed", "refused",
        "saved", "savedTime", "savedDollars", "agents", "processes",
    ]

    /// What people see. The kinds of failures are named where there were any, and what keys that
    /// came back say of the bounds is said in sentences.
    private static func shown(_ report: EngineReport) -> Set<String> {
        let kinds = FailureKind.allCases.filter { kind in
            report.caches.contains { $0.snapshot.counters.failures[kind] > 0 }
        }
        return Set(
            [
                "cache", "hits", "misses", "coalesced", "refused", "failed", "evicted", "expired",
                "invalidated", "replaced", "unused",
            ] + kinds.map(\.figureName))
    }
}
