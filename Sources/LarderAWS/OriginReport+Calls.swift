package import Larder
package import LarderInspector

extension AWSClient {
    /// Capacity units that a call of an operation takes on average; `nil` where none are counted.
    package func units(of operation: String) -> Double? {
        operations.first { $0.operation == operation }.flatMap {
            $0.capacity > 0 && $0.calls > 0 ? $0.capacity / Double($0.calls) : nil
        }
    }
}

extension OriginReport {
    /// A table's stream that is followed: of one that is not, why.
    package static func of(_ follower: StreamFollower) -> OriginReport {
        var report = OriginReport(name: follower.name)
        if let problem = follower.problemWord { report.failures = [problem: 1] }
        return report
    }

    /// What an operation came to, and what the look-ups that needed no call would have come to.
    ///
    /// - Parameter counters: The look-ups; `nil` where an operation is called whoever looks up.
    package static func of(
        _ operation: String, _ client: AWSClient, savedBy counters: CacheCounters? = nil
    ) -> OriginReport {
        let known = client.operations.first { $0.operation == operation }
        var report = OriginReport(name: operation)
        report.savedCalls = counters.map { $0.hits + $0.coalesced } ?? 0
        guard let known else { return report }
        report.calls = known.calls
        report.retries = known.retries
        report.throttles = known.throttles
        report.failures = known.failures
        report.latency = known.latency
        report.capacity = known.capacity
        if known.capacity > 0, known.calls > 0 {
            report.savedCapacity =
                Double(report.savedCalls) * known.capacity / Double(known.calls)
            report.savedDollars = report.savedCapacity * FetchCost.dollarsPerUnit
        }
        return report
    }
}
