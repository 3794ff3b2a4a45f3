import HTTPTypes
import HummingbirdCore
import LarderGateway
import NIOCore

/// A face that looks whether the process has stood still before it answers.
struct Watched: Face {
    let face: any Face
    let standstill: Standstill

    var largestBody: Int { face.largestBody }
    func takes(_ head: HTTPRequest) -> Bool { face.takes(head) }
    func refuse(_ refusal: Refusal) -> Response { face.refuse(refusal) }

    func respond(
        to head: HTTPRequest, _ body: ByteBuffer, from sender: Sender
    ) async throws -> Response {
        standstill.notice()
        return try await face.respond(to: head, body, from: sender)
    }
}

/// Says to everyone, in DynamoDB's words, that there is nothing behind it, and why.
struct Unavailable: Face {
    let reason: String
    private let answers = Answers()

    init(_ reason: String) { self.reason = reason }

    var largestBody: Int { 16 << 20 }
    func takes(_ head: HTTPRequest) -> Bool { true }
    func refuse(_ refusal: Refusal) -> Response { answers.refusal(refusal) }

    func respond(
        to head: HTTPRequest, _ body: ByteBuffer, from sender: Sender
    ) async throws -> Response {
        answers.refusal(.unavailable(reason))
    }
}
