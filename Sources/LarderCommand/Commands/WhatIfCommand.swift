import ArgumentParser
import Foundation
import Larder
import LarderGateway
import LarderInspector
import LarderRemote
import LarderWire

struct WhatIfCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whatif",
        abstract: "Print what other bounds would bring, by the look-ups of late.",
        discussion: """
            Examples:
              larder whatif accounts
              larder whatif accounts maxsize=128 ttl=10m
              larder whatif accounts policy=tinylfu --format json

            The look-ups of the window are replayed through caches of other bounds. Without bounds, \
            sizes and ttls from an eighth to eight times the present ones are tried out, and every \
            policy: as text their hit ratios, as csv and json every figure with its error, which is \
            half the width of its 95 % bar; look-ups to come differ by chance, which is in it. What a \
            cache fetches once when it is new counts here and not in a plan. Outdated is the share \
            of look-ups that are served what the origin has changed since, as far as refetches \
            told. Dollars are those of reads on demand in us-east-1. Nothing is changed.
            """)

    @Argument(help: "The cache.")
    var cache: String

    @Argument(
        help:
            "maxsize=N, maxbytes=SIZE, ttl=DURATION, policy=NAME: what to try out; none is no bound."
    )
    var bounds: [String] = []

    @Option(
        help: "The look-ups of how long ago count, 1s to 1h, as far as they are on record.",
        transform: parsed { try Units.duration($0) })
    var window = WhatIfQuery.longest

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    private func option() throws -> CacheOption? {
        guard !bounds.isEmpty else { return nil }
        do { return try CacheOption(parsing: "\(cache):\(bounds.joined(separator: ","))") } catch {
            throw ValidationError("\(error)")
        }
    }

    func validate() throws {
        _ = try option()
        let known = ["maxsize", "maxbytes", "ttl", "policy"]
        if let other = bounds.map({ String($0.prefix { $0 != "=" }) }).first(where: {
            !known.contains($0)
        }) {
            throw ValidationError(
                "\(other): a what-if is of \(known.formatted(.list(type: .or)))")
        }
        guard (.seconds(1)...WhatIfQuery.longest).contains(window) else {
            throw ValidationError("--window: 1s to 1h are accepted")
        }
    }

    func run() async throws {
        let option = try option()
        try await target.each(output.format) { inspector, from in
            var query = WhatIfQuery(cache, window: window)
            if let option {
                let report = try await inspector.report()
                guard let found = report.caches.first(where: { $0.name.isExactly(cache) }) else {
                    throw InspectorError(
                        "no cache is called \"\(cache)\"; "
                            + Words.there(are: report.caches.map(\.name)))
                }
                query.bounds = option.applied(to: found.snapshot.configuration)
            }
            let answer = try await inspector.whatIf(query)
            guard !answer.points.isEmpty else {
                throw InspectorError("the engine foresees nothing for these bounds")
            }
            guard output.format != .text else {
                return tell(answer)
            }
            if option != nil, output.format == .json {
                return output.print(answer.points[0].fields(in: answer), from)
            }
            let points = answer.points + answer.policies
            let fields = points.map { $0.fields(in: answer) }
            output.print(fields, fields.first?.map(\.name) ?? [], from)
        }
    }

    private func tell(_ answer: WhatIfAnswer) {
        Output.print(PlainText.fit("by \(answer.basisWords)"))
        let said = bounds.isEmpty ? answer.present : answer.points[0]
        if bounds.isEmpty { Self.table(answer) }
        let others = [answer.verdict(at: answer.at), answer.note].compactMap(\.self)
        for line in [answer.said(of: said)] + answer.remarks + others {
            Output.print(PlainText.fit(line))
        }
    }

    /// The hit ratio over sizes and ttls, and of every policy.
    private static func table(_ answer: WhatIfAnswer) {
        func row(_ name: String, _ cells: [String]) {
            Output.print(
                Table.left(name, 12) + cells.map { Table.right($0, 9) }.joined())
        }
        let grid = answer.grid
        Output.print("\nhit ratio; [at the present bounds], ~ not sure to two points")
        row(
            answer.corner,
            grid[0].map { point in
                let ttl = answer.heading(point, width: 8)
                return ttl.hasSuffix("?") ? ttl : ttl + " "
            })
        for points in grid {
            row(answer.name(ofRow: points), points.map { answer.cell($0, .hits) })
        }
        row("POLICY", answer.policies.map { "\("\($0.bounds.policy)".prefix { $0 != "," }) " })
        row("", answer.policies.map { answer.cell($0, .hits) })
        if grid[0].contains(where: answer.isBeyondRecord) {
            Output.print("? longer than the record: of values as old nothing is known")
        }
        Output.print("")
    }
}

extension WhatIf {
    /// A point: its bounds, each figure with its error, and by how many look-ups it is known.
    func fields(in answer: WhatIfAnswer) -> [Field] {
        let (cost, basis) = (answer.cost ?? FetchCost(), answer.basis)
        return [
            Field(
                "maxsize", bounds.maxsize.map { .number("\($0)") } ?? .null,
                text: Units.text(maxsize: bounds.maxsize)),
            Field(
                "maxbytes", bounds.maxbytes.map { .number("\($0)") } ?? .null,
                text: Units.text(maxbytes: bounds.maxbytes)),
            Field("ttl", seconds: bounds.ttl, text: Units.text(ttl: bounds.ttl)),
            Field("policy", "\(bounds.policy)"),
            Field("hitRatio", share: hitRatio), Field("hitRatioError", share: hitRatioError),
            Field("fetchesPerSecond", number: fetchesPerSecond),
            Field("fetchesPerSecondError", number: fetchesPerSecondError),
            Field("stale", share: stale), Field("staleError", share: staleError),
            Field("bytes", bytes: bytes), Field("bytesError", bytes: bytesError),
            Field("wait", seconds: cost.wait(self), text: cost.wait(self).map(Format.took) ?? "-"),
            Field("unitsPerSecond", number: cost.unitsPerSecond(self)),
            Field("dollarsPerDay", number: cost.dollarsPerDay(self)),
            Field("isPresent", .bool(bounds == answer.present.bounds)),
            Field("window", seconds: basis.window, text: Units.text(basis.window)),
            Field("lookups", count: basis.lookups),
        ]
    }
}
