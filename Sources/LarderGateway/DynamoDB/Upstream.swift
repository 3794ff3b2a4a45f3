import Larder
package import LarderAWS
import LarderInspector
import NIOCore

/// Where requests go on to.
package protocol Upstream: Sendable {
    /// The region that requests have to be signed for.
    var region: String { get }
    /// Whether it keeps items itself, so that nothing of it is kept here.
    var isCache: Bool { get }

    /// Sends a request on in the name of whoever has these keys.
    ///
    /// - Throws: What is to be told where there was no reply; `CancellationError`.
    func send(
        _ request: ForwardedRequest, signedBy keys: Credentials
    ) async throws -> ForwardedReply
}

/// DynamoDB itself, or what stands for it.
package struct AWSUpstream: Upstream {
    private let client: AWSClient

    package init(_ client: AWSClient) { self.client = client }

    package var region: String { client.region }
    package var isCache: Bool { false }

    package func send(
        _ request: ForwardedRequest, signedBy keys: Credentials
    ) async throws -> ForwardedReply {
        try await client.forward(request, signedBy: keys)
    }
}

/// A fetch that brought no item: what the service said instead, which goes to whoever waits for it,
/// or why it said nothing.
enum FetchFailure: Error {
    case reply(WholeReply)
    case nothing(String)
    /// The reply is right and must not be kept.
    case unkept(WholeReply)

    /// Whether it may be over soon.
    var isPassing: Bool {
        switch self {
        case .reply(let reply): reply.isPassing
        case .nothing: true
        case .unkept: false
        }
    }
}

/// A reply with all of its body.
struct WholeReply: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: ByteBuffer

    func first(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }

    /// Throttles and the service's own faults. What is refused stays so.
    var isPassing: Bool {
        guard status >= 400 else { return false }
        if status >= 500 || status == 429 { return true }
        let type = JSONPart(Array(body.readableBytesView))?["__type"]?.text ?? ""
        return Self.throttles.contains { type.utf8.count >= $0.utf8.count && type.hasSuffix($0) }
    }

    private static let throttles = [
        "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
        "TransactionInProgressException",
    ]
}

extension FetchFailure: KnownFailure, CustomStringConvertible {
    var failureKind: FailureKind {
        switch self {
        case .reply(let reply) where reply.isPassing: reply.status < 500 ? .throttled : .broken
        case .reply, .unkept: .refused
        case .nothing: .broken
        }
    }

    /// For whoever looks at the cache.
    var description: String {
        switch self {
        case .reply(let reply), .unkept(let reply):
            let type = JSONPart(Array(reply.body.readableBytesView))?["__type"]?.text ?? ""
            let code = type.split(separator: "#").last.map { PlainText.fit(String($0)) }
            return code.map { "\($0) (HTTP \(reply.status))" } ?? "HTTP \(reply.status)"
        case .nothing(let sentence): return sentence
        }
    }
}
