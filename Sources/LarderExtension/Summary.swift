import Larder
import LarderAWS
import LarderInspector

/// What the cache came to in this environment, as one line of JSON in CloudWatch's embedded metric
/// format: whoever reads the log has the figures, and CloudWatch makes metrics of them.
///
/// What is not known is left out.
struct Summary: Sendable {
    var function: String
    /// As Lambda words it.
    var reason: String
    var tables: [CacheSnapshot]
    /// Requests that were answered without a call of their own: a batch is one, whatever is in it.
    var answered: UInt64
    var sessions: CacheSnapshot
    var operations: [OperationTally]
    /// Milliseconds since 1970.
    var time: Int64

    private struct Metric {
        var name: String
        var unit = "Count"
        var value: Shown
        init(_ name: String, unit: String = "Count", _ value: Shown) {
            (self.name, self.unit, self.value) = (name, unit, value)
        }
    }

    private func sum(_ count: (CacheCounters) -> UInt64) -> UInt64 {
        tables.reduce(0) { $0 + count($1.counters) }
    }

    private func tally(_ names: String...) -> [OperationTally] {
        operations.filter { names.contains($0.operation) }
    }

    private static func saved(_ counters: CacheCounters) -> UInt64 {
        counters.hits + counters.coalesced
    }

    private var metrics: [Metric] {
        func count(_ number: UInt64) -> Shown { .number("\(number)") }
        let reads = tally("GetItem", "BatchGetItem")
        var metrics = [
            Metric("LookUps", count(sum(\.lookups))), Metric("Hits", count(sum(\.hits))),
            Metric("Coalesced", count(sum(\.coalesced))),
            Metric("ServedStale", count(sum(\.servedStale))),
            Metric("Fetches", count(reads.reduce(0) { $0 + $1.calls })),
            Metric("FetchFailures", count(sum(\.failed))),
            Metric("ReadsSaved", count(answered)),
            Metric("STSCalls", count(tally("AssumeRole").reduce(0) { $0 + $1.calls })),
            Metric("STSCallsSaved", count(Self.saved(sessions.counters))),
        ]
        if let saved = millisecondsSaved {
            metrics.append(.init("MillisecondsSaved", unit: "Milliseconds", .number("\(saved)")))
        }
        let bytes = tables.reduce(sessions.bytes) { $0 + $1.bytes }
        return metrics + [
            Metric("Bytes", unit: "Bytes", .number("\(bytes)")),
            Metric("Evicted", count(sum(\.evicted))), Metric("Expired", count(sum(\.expired))),
            Metric("Invalidated", count(sum(\.invalidated))),
            Metric("Replaced", count(sum(\.replaced))),
        ]
    }

    /// Each look-up that needed no call has saved as much as a call took on the average; `nil` where
    /// there was no call to go by.
    private var millisecondsSaved: Int64? {
        let parts = [
            (tally("GetItem") + tally("BatchGetItem"), answered),
            (tally("AssumeRole"), Self.saved(sessions.counters)),
        ].compactMap { tally, saved in
            tally.first?.latency.mean.map { $0 / .milliseconds(1) * Double(saved) }
        }
        return parts.isEmpty ? nil : Int64(parts.reduce(0, +).rounded())
    }

    var line: String {
        let metrics = metrics
        let definitions = Shown.list(
            metrics.map { ["Name": .text($0.name), "Unit": .text($0.unit)] })
        let head: [Shown.Field] = [
            .init(
                "_aws",
                .fields([
                    .init("Timestamp", .number("\(time)")),
                    .init(
                        "CloudWatchMetrics",
                        [
                            .fields([
                                .init("Namespace", "Larder"),
                                .init("Dimensions", [["FunctionName"]]),
                                .init("Metrics", definitions),
                            ])
                        ]),
                ])),
            .init("FunctionName", .text(function)), .init("ShutdownReason", .text(reason)),
        ]
        return Shown.fields(head + metrics.map { .init($0.name, $0.value) }).json
    }
}
