import HTTPTypes
import HummingbirdCore
import NIOCore
import Synchronization

/// Reads bodies of requests, each within its bound, and all together within theirs.
final class RequestBodies: Sendable {
    private let held = Atomic(0)

    /// Most bytes of bodies at once.
    private static let most = 256 << 20

    /// Gives the whole body to `answer`, and counts its bytes for as long as that takes.
    ///
    /// - Throws: ``Refusal`` where it is too large; what `answer` throws.
    func with<Answer: Sendable>(
        _ request: Request, upTo limit: Int,
        _ answer: (ByteBuffer) async throws -> Answer
    ) async throws -> Answer {
        if let said = request.headers[.contentLength], Int(said).map({ $0 > limit }) ?? true {
            throw Refusal.tooLarge(limit)
        }
        var counted = 0
        defer { held.subtract(counted, ordering: .relaxed) }
        var body = ByteBuffer()
        for try await piece in request.body {
            guard body.readableBytes + piece.readableBytes <= limit else {
                throw Refusal.tooLarge(limit)
            }
            counted += piece.readableBytes
            let all = held.add(piece.readableBytes, ordering: .relaxed).newValue
            guard all <= Self.most else { throw Refusal.tooMuch }
            if body.readableBytes == 0 {
                body = piece
            } else {
                body.writeImmutableBuffer(piece)
            }
        }
        return try await answer(body)
    }
}
