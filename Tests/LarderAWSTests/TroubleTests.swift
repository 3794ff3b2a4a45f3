import Foundation
import LarderAWS
import LarderInspector
import TestSupport
import Testing

/// Connections that fail, break, hang or carry nonsense.
@Suite(.timeLimit(.minutes(1))) struct TroubleTests {
    static let place = "GetItem on \"accounts\": http://127.0.0.1:"
    static let check = "check the network, --endpoint-url and --region"

    @Test func `where nobody listens, that is said`() async throws {
        let gone = try Upstream(.cut)
        gone.stop()
        try await withClient(gone.endpoint, credentials: canaries) { client in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .unreachable)
            #expect(
                error.description
                    == "\(Self.place)\(gone.port)/ cannot be reached: connection refused; "
                    + Self.check)
        }
    }

    @Test func `a host that has no address is unreachable`() async throws {
        try await withClient("http://no-such-host.invalid:1", credentials: canaries) { client in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .unreachable)
            #expect(
                error.description.hasSuffix(
                    "cannot be reached: no such host is known; \(Self.check)"), "\(error)")
        }
    }

    @Test func `plain text where TLS is expected is told in words`() async throws {
        let upstream = try Upstream(wholeRequests: false) { _ in
            [reply("400 Bad Request", [], ""), .untilClosed]
        }
        defer { upstream.stop() }
        let endpoint = upstream.endpoint.replacing("http:", with: "https:")
        try await withClient(endpoint, credentials: canaries) { client in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .unreachable)
            #expect(error.description.contains("no TLS"), "\(error)")
        }
    }

    @Test func `a reply cut anywhere is an error, and the whole one is not`() async throws {
        let whole = Array(replyText("200 OK", [], #"{"Item":{"id":{"S":"a"}}}"#).utf8)
        let upstream = try Upstream { [.send(Array(whole.prefix($0))), .cut] }
        defer { upstream.stop() }
        try await withClient(upstream.endpoint, credentials: canaries) { client in
            for length in 0..<whole.count {
                let error = try await failure { try await item(client) }
                #expect(error.kind == .cut, "after \(length) bytes: \(error)")
            }
            _ = try await item(client)
            #expect(upstream.requests.count == whole.count + 1)
        }
    }

    @Test func `a reply in chunks cut between them is an error`() async throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for chunks in ["", "2\r\n{}", "2\r\n{}\r\n", "2\r\n{}\r\n0\r\n"] {
            try await with(.send(head + chunks), .cut) { client, _ in
                let error = try await failure { try await item(client) }
                #expect(error.kind == .cut, "\(error)")
            }
        }
    }

    @Test func `a connection that is reset is an error`() async throws {
        try await with(.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), .reset) {
            client, _ in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .cut)
            #expect(error.description.contains("closed the connection before its reply ended"))
        }
    }

    @Test func `after a cut connection the next request has a new one`() async throws {
        let upstream = try Upstream { number in
            number == 0 ? [.cut] : [reply("200 OK", [], #"{"Item":{"id":{"S":"a"}}}"#)]
        }
        defer { upstream.stop() }
        try await withClient(upstream.endpoint, credentials: canaries) { client in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .cut)
            _ = try await item(client)
        }
    }

    @Test(arguments: [
        "", "null", "[]", "{", #"{"Item":{"id":{"S":"a"}}"#, #"{"Item":7}"#,
        #"{"Item":{"id":{"Q":"a"}}}"#, #"{"Item":{"id":{"S":"\ud800"}}}"#, "<html></html>",
        "\u{0}\u{0}",
    ])
    func `a body that is no reply is refused`(body: String) async throws {
        try await with(reply("200 OK", [], body)) { client, upstream in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .garbage)
            #expect(
                error.description
                    == "GetItem on \"accounts\": the reply of \(upstream.endpoint)/ is none of "
                    + "DynamoDB's; check --endpoint-url")
        }
    }

    @Test func `a body nested without end is refused`() async throws {
        let deep = #"{"Item":{"id":"# + String(repeating: #"{"L":["#, count: 100_000)
        let upstream = try Upstream { [reply($0 == 0 ? "200 OK" : "403 No", [], deep)] }
        defer { upstream.stop() }
        try await withClient(upstream.endpoint, credentials: canaries) { client in
            for _ in 0..<2 {
                let error = try await failure { try await item(client) }
                #expect(error.kind == .garbage)
            }
        }
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"])
    func `a server that does not speak HTTP is told`(bytes: String) async throws {
        try await with(.send(bytes), .untilClosed) { client, upstream in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .garbage)
            #expect(
                error.description
                    == "\(Self.place)\(upstream.port)/ does not answer in HTTP; check "
                    + "--endpoint-url")
        }
    }

    @Test func `a reply over the limit is not read to its end`() async throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let chunk = [UInt8]("100000\r\n".utf8) + [UInt8](repeating: 32, count: 1 << 20) + [13, 10]
        let steps = [.send(head)] + Array(repeating: Upstream.Step.send(chunk), count: 200)
        let upstream = try Upstream { _ in steps }
        defer { upstream.stop() }
        try await withClient(upstream.endpoint, credentials: canaries) { client in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .garbage)
            #expect(error.description.contains("sent more than 20 MiB; check --endpoint-url"))
        }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
    func `a reply that stops coming ends at the deadline, wherever it stopped`(
        start: String
    ) async throws {
        let deadline = Duration.milliseconds(300)
        try await with(.send(start), .untilClosed, deadline: deadline) { client, upstream in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .unreachable)
            #expect(
                error.description
                    == "\(Self.place)\(upstream.port)/ did not answer in full within 300ms; try "
                    + "again, or \(Self.check)")
            await upstream.hungUp(1)
        }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
    func `a caller who gives up ends the request`(start: String) async throws {
        try await with(.send(start), .untilClosed) { client, upstream in
            let asking = Task { try await item(client) }
            await upstream.arrived(1)
            asking.cancel()
            await #expect(throws: CancellationError.self) { try await asking.value }
            await upstream.hungUp(1)
        }
    }

    @Test func `a reply held back arrives when it is let go`() async throws {
        let gate = Upstream.Gate()
        let json = #"{"Item":{"id":{"S":"a"}}}"#
        try await with(.wait(gate), reply("200 OK", [], json)) { client, upstream in
            async let asked = item(client)
            await upstream.arrived(1)
            gate.open()
            let item = try await asked
            #expect(item.attributes["id"] == .string("a"))
        }
    }

    @Test func `credentials that cannot be had are the caller's own error`() async throws {
        struct NoKeys: Error {}
        let upstream = try Upstream(reply("200 OK", [], "{}"))
        defer { upstream.stop() }
        let client = try AWSClient(region: "us-east-1", endpointURL: upstream.endpoint) {
            throw NoKeys()
        }
        await #expect(throws: NoKeys.self) { try await item(client) }
        #expect(upstream.requests.isEmpty)
        await client.shutdown()
    }

    @Test func `a session token that no header can hold is not told`() async throws {
        let torn = Credentials(
            accessKeyID: "AKIACANARYCANARY1234", secretAccessKey: Secret("canary"),
            sessionToken: Secret("canary\r\ncanary"))
        let upstream = try Upstream(reply("200 OK", [], "{}"))
        defer { upstream.stop() }
        try await withClient(upstream.endpoint, credentials: torn) { client in
            _ = try await failure { try await item(client) }
        }
    }
}
