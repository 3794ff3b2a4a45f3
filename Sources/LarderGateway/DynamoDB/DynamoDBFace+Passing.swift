import HTTPTypes
import HummingbirdCore
import LarderAWS
import NIOCore

extension DynamoDBFace {
    /// Sends a request on as it is, signed anew, and the reply back as it comes.
    func pass(_ asked: Asked) async throws -> Response {
        let table = asked.input["TableName"]?.text.flatMap {
            TableName($0, region: upstream.region)?.name
        }
        do {
            let reply = try await sent(asked)
            // A service that is a cache says itself what it did.
            let said = upstream.isCache ? reply.headers.first { $0.name == "X-Cache" }?.value : nil
            count(asked, of: table, said.flatMap { Outcome(rawValue: $0) } ?? .pass)
            return passed(reply)
        } catch let refusal as Refusal {
            count(asked, of: table, nil)
            return answers.refusal(refusal)
        }
    }

    private func sent(_ asked: Asked) async throws -> ForwardedReply {
        let touches =
            upstream.isCache ? [] : asked.operation.touches(asked.input, region: upstream.region)
        guard !touches.isEmpty else { return try await send(asked) }
        // A write goes on to its end whether or not its sender waits for it, so that it is known
        // when it has ended.
        return try await Task {
            tables.forget(touches)
            // Whatever came of it: nobody knows what was done where no answer came.
            defer { tables.forget(touches) }
            return try await send(asked)
        }.value
    }

    private func send(_ asked: Asked) async throws -> ForwardedReply {
        let request = ForwardedRequest(
            operation: asked.operation.name,
            headers: Forwarding.request(asked.head.headerFields)
                + [(name: LoopCheck.header, value: asked.hop)],
            body: asked.body)
        do {
            return try await upstream.send(request, signedBy: asked.signer.keys)
        } catch let error as AWSError where error.kind == .cut && asked.operation.isRead {
            // The service may have closed a connection that was kept, just as it was used again.
            do { return try await upstream.send(request, signedBy: asked.signer.keys) } catch {
                throw try Self.refusal(error)
            }
        } catch { throw try Self.refusal(error) }
    }

    private static func refusal(_ error: any Error) throws -> Refusal {
        if error is CancellationError { throw error }
        return (error as? Refusal) ?? .unreachable("\(error)")
    }

    private func passed(_ reply: ForwardedReply) -> Response {
        let headers = Forwarding.reply(reply.headers, answers: answers)
        let body = reply.body
        return Response(
            status: .init(code: reply.status), headers: headers,
            body: .init { writer in
                for try await piece in body { try await writer.write(piece) }
                try await writer.finish(nil)
            })
    }

    func passed(_ reply: WholeReply) -> Response {
        var headers = Forwarding.reply(reply.headers, answers: answers)
        headers[.contentLength] = nil
        return Response(
            status: .init(code: reply.status), headers: headers,
            body: .init(byteBuffer: reply.body))
    }
}

/// Which headers go on, and which belong to one connection or one signature.
enum Forwarding {
    private static let ofConnection: Set = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// Compressed, a reply has the checksum of what is compressed: it is not asked for. A host and a
    /// signature are made anew.
    private static let ofRequest: Set = [
        "accept-encoding", "authorization", "content-length", "expect", "host", "x-amz-date",
        "x-amz-security-token", "x-amz-content-sha256", "date", "larder-hop",
    ]

    static func request(_ fields: HTTPFields) -> [(name: String, value: String)] {
        fields.compactMap { field in
            let name = field.name.canonicalName
            guard !ofConnection.contains(name), !ofRequest.contains(name) else { return nil }
            return (field.name.rawName, field.value)
        }
    }

    static func reply(
        _ headers: [(name: String, value: String)], answers: Answers
    ) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in headers {
            guard !ofConnection.contains(name.lowercased()), let name = HTTPField.Name(name),
                // Browsers are no clients of ours.
                !name.canonicalName.hasPrefix("access-control-")
            else { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        if fields[.xCache] == nil { fields[.xCache] = Outcome.pass.rawValue }
        return fields
    }
}
