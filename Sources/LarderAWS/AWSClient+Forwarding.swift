import AsyncHTTPClient
import FoundationEssentials
import Larder
import LarderInspector
package import NIOCore
import NIOHTTP1

/// A request for DynamoDB that somebody else made: it goes on as it is, signed anew.
package struct ForwardedRequest: Sendable {
    /// `GetItem`.
    package var operation: String
    /// All but those that belong to one connection or one signature.
    package var headers: [(name: String, value: String)]
    package var body: ByteBuffer

    package init(operation: String, headers: [(name: String, value: String)], body: ByteBuffer) {
        self.operation = operation
        self.headers = headers
        self.body = body
    }
}

/// What came back, as it came: whatever the status, and the body piece by piece.
package struct ForwardedReply: Sendable {
    package typealias Body = any AsyncSequence<ByteBuffer, any Error> & Sendable

    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: Body

    package init(status: Int, headers: [(name: String, value: String)], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension AWSClient {
    /// Sends somebody's request on to DynamoDB, signed with `signer`; returns as soon as the reply's
    /// head is there. Nothing is tried again but what was refused for this machine's wrong clock,
    /// which has done nothing.
    ///
    /// - Throws: ``AWSError`` where there was no reply; `CancellationError`.
    package func forward(
        _ request: ForwardedRequest, signedBy signer: Credentials
    ) async throws -> ForwardedReply {
        let call = call("dynamodb", request.operation, "for a client of the gateway")
        tally.count(call.operation) { $0.calls += 1 }
        do {
            let began = ContinuousClock.now
            var reply = try await forwarded(request, call, signer)
            if (400..<500).contains(reply.status), try await teachesTime(&reply) {
                reply = try await forwarded(request, call, signer)
            }
            let (took, status) = (ContinuousClock.now - began, reply.status)
            tally.count(call.operation) {
                if status == 200 {
                    $0.latency.add(took)
                } else {
                    $0.failures["HTTP \(status)", default: 0] += 1
                }
            }
            return reply
        } catch {
            try Task.checkCancellation()
            let failure = failure(of: call, error)
            tally.count(call.operation) { $0.failures[failure.kind.description, default: 0] += 1 }
            throw failure
        }
    }

    /// How long a reply's head may take: longer than the SDKs wait, who give up by themselves.
    private static let patience = Duration.seconds(70)

    private func forwarded(
        _ request: ForwardedRequest, _ call: Call, _ signer: Credentials
    ) async throws -> ForwardedReply {
        let signed = SignedRequest(
            path: call.endpoint.path, headers: [("Host", call.endpoint.host)] + request.headers,
            body: Array(request.body.readableBytesView))
        let signature = Signature(
            region: call.endpoint.signingRegion ?? region, service: call.service)
        let proof = signature.headers(for: signed, signer, at: skew.now)
        var sent = HTTPClientRequest(url: call.endpoint.url)
        sent.method = .POST
        sent.headers = HTTPHeaders((signed.headers + proof).map { ($0.name, $0.value) })
        sent.body = .bytes(request.body)
        let prepared = sent
        let response = try await within(Self.patience) { try await network.execute(prepared) }
        return ForwardedReply(
            status: Int(response.status.code),
            headers: response.headers.map { (name: $0.name, value: $0.value) },
            body: response.body)
    }

    /// Whether a refusal says that the clock is wrong, and by how much. What it reads of the reply
    /// stays in it.
    private func teachesTime(_ reply: inout ForwardedReply) async throws -> Bool {
        let body = try await reply.collected(upTo: 1 << 20)
        reply.body = Once(body)
        guard String(buffer: body).contains("Signature") else { return false }
        let date = reply.headers.first { $0.name.lowercased() == "date" }
        return skew.learn(from: date.flatMap { STS.httpDate($0.value) })
    }
}

extension ForwardedReply {
    /// The whole body.
    ///
    /// - Throws: `NIOTooManyBytesError` where it is larger; what cut it short.
    package func collected(upTo limit: Int) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        for try await piece in body {
            guard whole.readableBytes + piece.readableBytes <= limit else {
                throw NIOTooManyBytesError(maxBytes: limit)
            }
            if whole.readableBytes == 0 {
                whole = piece
            } else {
                whole.writeImmutableBuffer(piece)
            }
        }
        return whole
    }
}

/// A body that is there already.
package struct Once: AsyncSequence, Sendable {
    package typealias Failure = any Error

    private let buffer: ByteBuffer

    package init(_ buffer: ByteBuffer) { self.buffer = buffer }

    package func makeAsyncIterator() -> Iterator { Iterator(buffer: buffer) }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate var buffer: ByteBuffer?

        package mutating func next() async throws -> ByteBuffer? {
            defer { buffer = nil }
            return buffer
        }
    }
}
