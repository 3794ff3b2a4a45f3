public import Larder
import Synchronization

/// What was asked of one operation, since the client was made.
public struct OperationTally: Hashable, Sendable, Codable {
    /// `GetItem`.
    public var operation: String
    /// Calls made, each with all its attempts.
    public var calls: UInt64 = 0
    /// Attempts beyond the first of a call.
    public var retries: UInt64 = 0
    /// Attempts that were refused because they were too many.
    public var throttles: UInt64 = 0
    /// Calls that failed in the end, by the service's code or what else it was.
    public var failures: [String: UInt64] = [:]
    /// How long calls took that succeeded.
    public var latency = Histogram()
    /// Capacity units that DynamoDB counted.
    public var capacity = 0.0
}

/// Counts what a client does.
final class Tally: Sendable {
    private let operations = Mutex<[String: OperationTally]>([:])

    func count(_ operation: String, _ change: (inout OperationTally) -> Void) {
        operations.withLock {
            change(&$0[operation, default: OperationTally(operation: operation)])
        }
    }

    var all: [OperationTally] {
        operations.withLock { $0.values.sorted { $0.operation < $1.operation } }
    }
}
