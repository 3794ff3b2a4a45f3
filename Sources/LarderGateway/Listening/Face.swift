package import HTTPTypes
package import HummingbirdCore
package import NIOCore

/// One of the protocols that the gateway speaks on its one port.
package protocol Face: Sendable {
    /// Whether a request is one of its own, by its method, its path and its headers.
    func takes(_ head: HTTPRequest) -> Bool
    /// Largest body of a request, in bytes.
    var largestBody: Int { get }
    /// Answers a request whose body is there; throws where nobody waits any more.
    func respond(
        to head: HTTPRequest, _ body: ByteBuffer, from sender: Sender
    ) async throws -> Response
    /// How it says that it will not; the reason may be the gateway's own.
    func refuse(_ refusal: Refusal) -> Response
}

extension Face {
    /// Where nobody knows who asks.
    package func respond(to head: HTTPRequest, _ body: ByteBuffer) async throws -> Response {
        try await respond(to: head, body, from: .unknown)
    }
}

extension DynamoDBFace: Face {
    /// All that no other face takes.
    package func takes(_ head: HTTPRequest) -> Bool { true }

    /// The largest is BatchWriteItem's, 16 MB of items in JSON; DynamoDB itself takes no more.
    package var largestBody: Int { 16 << 20 }

    package func refuse(_ refusal: Refusal) -> Response { answers.refusal(refusal) }
}
