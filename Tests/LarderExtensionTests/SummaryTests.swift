import Larder
import LarderGateway
import LarderInspector
import Testing

@testable import LarderAWS
@testable import LarderExtension

@Suite struct `The line of metrics` {
    private func snapshot(_ counters: CacheCounters, bytes: Int) -> CacheSnapshot {
        CacheSnapshot(
            at: AgeInstant(nanoseconds: 0), configuration: .usualTable, count: 1, bytes: bytes,
            flights: 0, counters: counters)
    }

    private func line(_ operations: [OperationTally]) throws -> Shown {
        var counters = CacheCounters()
        (counters.hits, counters.misses, counters.coalesced, counters.servedStale) = (17, 2, 1, 3)
        (counters.evicted, counters.expired) = (4, 5)
        var sessions = CacheCounters()
        (sessions.hits, sessions.misses) = (9, 1)
        let summary = Summary(
            function: "recipe", reason: "SPINDOWN",
            tables: [snapshot(counters, bytes: 300), snapshot(counters, bytes: 30)],
            answered: 27, sessions: snapshot(sessions, bytes: 8), operations: operations,
            time: 1_795_780_800_000)
        return try Shown(json: Array(summary.line.utf8))
    }

    private func tally(_ operation: String, _ calls: UInt64, took: Duration) -> OperationTally {
        var tally = OperationTally(operation: operation)
        tally.calls = calls
        for _ in 0..<calls { tally.latency.add(took) }
        return tally
    }

    @Test func `adds up all tables, and says what was saved`() throws {
        let line = try line([
            tally("GetItem", 3, took: .milliseconds(10)), tally("BatchGetItem", 1, took: .zero),
            tally("AssumeRole", 1, took: .milliseconds(100)), tally("PutItem", 7, took: .zero),
        ])
        let expected: [String: String] = [
            "LookUps": "40", "Hits": "34", "Coalesced": "2", "ServedStale": "6", "Fetches": "4",
            "FetchFailures": "0", "ReadsSaved": "27", "STSCalls": "1", "STSCallsSaved": "9",
            "Bytes": "338", "Evicted": "8", "Expired": "10", "Invalidated": "0", "Replaced": "0",
        ]
        for (name, value) in expected { #expect(line[name] == .number(value), "\(name)") }
        // Of the 34 items some came in batches: 27 reads of 10 ms, and 9 sessions of 100 ms.
        #expect(line["MillisecondsSaved"] == .number("1170"))
        #expect(line["FunctionName"] == "recipe" && line["ShutdownReason"] == "SPINDOWN")
    }

    @Test func `is CloudWatch's embedded metric format, with each metric that it names`() throws {
        let line = try line([tally("GetItem", 1, took: .milliseconds(10))])
        #expect(line["_aws"]?["Timestamp"] == .number("1795780800000"))
        guard case .list(let directives)? = line["_aws"]?["CloudWatchMetrics"],
            case .list(let metrics)? = directives.first?["Metrics"]
        else { throw Missing() }
        #expect(directives.first?["Namespace"] == "Larder")
        #expect(directives.first?["Dimensions"] == [["FunctionName"]])
        #expect(metrics.count == 15)
        for metric in metrics {
            guard case .text(let name)? = metric["Name"], case .number? = line[name] else {
                throw Missing()
            }
        }
    }

    private struct Missing: Error {}

    @Test func `says nothing of time where nothing was fetched`() throws {
        #expect(try line([])["MillisecondsSaved"] == nil)
    }
}
