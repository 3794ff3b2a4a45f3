import Foundation
import HTTPTypes
import Larder
import LarderAWS
import LarderInspector
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import LarderGateway

@Suite(.timeLimit(.minutes(2))) struct `The gateway's port` {
    /// A gateway that listens while `body` runs, and signs nothing: what is told apart here is told
    /// apart before signatures are looked at, or beside them.
    private func listening(
        _ script: @escaping ScriptedUpstream.Script,
        _ body: (_ port: UInt16, _ rig: Rig) async throws -> Void
    ) async throws {
        let rig = Rig(acceptsUnsigned: true, script)
        try await listening(rig.face) { try await body($0, rig) }
    }

    private func listening(
        _ face: DynamoDBFace, _ deadlines: GatewayService.Deadlines = .init(),
        _ body: (_ port: UInt16) async throws -> Void
    ) async throws {
        let (addresses, told) = AsyncStream<GatewayAddress>.makeStream()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = GatewayService(
            try GatewayAddress(parsing: "127.0.0.1:0"), [face], deadlines: deadlines,
            logger: logger
        ) { told.yield($0) }
        let serving = Task { try await service.run() }
        var iterator = addresses.makeAsyncIterator()
        let address = try #require(await iterator.next())
        do { try await body(UInt16(address.port)) } catch {
            serving.cancel()
            throw error
        }
        serving.cancel()
        _ = await serving.result
    }

    private static let body = #"{"TableName":"orders","Key":{"id":{"S":"a"}}}"#

    private func head(
        _ port: UInt16, _ operation: String = "GetItem", host: String? = nil,
        length: Int = body.utf8.count, with more: [String] = []
    ) -> String {
        ([
            "POST / HTTP/1.1", "Host: \(host ?? "127.0.0.1:\(port)")",
            "Content-Type: application/x-amz-json-1.0",
            "X-Amz-Target: DynamoDB_20120810.\(operation)", "Content-Length: \(length)",
        ] + more).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// On a thread of its own: those of the tests are the gateway's as well.
    private func ask(_ port: UInt16, _ text: String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let peer = try RawPeer(port: port)
                        peer.send(text)
                        return peer.answer()
                    })
            }
        }
    }

    @Test func `answers requests, several on one connection`() async throws {
        try await listening({ _, _ in reply("{}") }) { port, rig in
            let peer = try RawPeer(port: port)
            for outcome in ["miss", "hit", "hit"] {
                peer.send(head(port) + Self.body)
                let answer = peer.answer()
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
                #expect(answer.contains("X-Cache: \(outcome)\r\n"))
                #expect(answer.contains("Content-Length: 2\r\n") && answer.hasSuffix("{}"))
            }
            #expect(rig.upstream.requests.count == 1)
        }
    }

    @Test func `answers to its own name alone, and not to what browsers and proxies send`()
        async throws
    {
        try await listening({ _, _ in reply("{}") }) { port, rig in
            for host in ["localhost:\(port)", "127.0.0.1", "evil.example", "127.0.0.1:1"] {
                let answer = try await ask(port, head(port, host: host) + Self.body)
                #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(host): \(answer)")
                #expect(answer.contains("http://127.0.0.1:\(port)"))
            }
            for line in [
                "Origin: http://evil.example", "Forwarded: for=1", "X-Forwarded-For: 1",
                "Via: 1.1 x", "Sec-Fetch-Site: none", "X-Forwarded-Host: x",
            ] {
                let answer = try await ask(port, head(port, with: [line]) + Self.body)
                #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(line): \(answer)")
                #expect(!answer.lowercased().contains("access-control-"))
            }
            #expect(rig.upstream.requests.isEmpty)
        }
    }

    @Test func `takes no body that is larger than DynamoDB's`() async throws {
        try await listening({ _, _ in reply("{}") }) { port, rig in
            let said = try await ask(port, head(port, length: (16 << 20) + 1))
            #expect(said.hasPrefix("HTTP/1.1 413 "), "\(said)")
            let chunked = try RawPeer(port: port)
            chunked.send(
                head(port).replacing("Content-Length: 45", with: "Transfer-Encoding: chunked"))
            let piece = [UInt8](repeating: 0x20, count: 1 << 20)
            for _ in 0..<17 { chunked.send("100000\r\n".utf8 + piece + "\r\n".utf8) }
            #expect(chunked.answer().hasPrefix("HTTP/1.1 413 "))
            #expect(rig.upstream.requests.isEmpty)
        }
    }

    @Test func `passes a reply on as it comes, and one that is cut is cut`() async throws {
        struct Cut: Error {}
        let rest = Gate()
        try await listening({ _, _ in
            ForwardedReply(
                status: 200, headers: [("Content-Length", "10"), ("Connection", "close")],
                body: AsyncThrowingStream { continuation in
                    continuation.yield(ByteBuffer(string: "{\"a\":"))
                    Task {
                        try await rest.pass()
                        continuation.finish(throwing: Cut())
                    }
                })
        }) { port, _ in
            let peer = try RawPeer(port: port)
            peer.send(head(port, "Scan") + Self.body)
            // The first piece is there before the rest has come.
            var lines: [String] = []
            while lines.last != "" { lines.append(peer.line()) }
            #expect(lines.first == "HTTP/1.1 200 OK")
            #expect(lines.contains("Content-Length: 10") && !lines.contains("Connection: close"))
            rest.open()
            #expect(peer.ends())
        }
    }

    @Test func `passes on what is not its own, and no more`() async throws {
        try await listening({ _, _ in reply("{}", [("Access-Control-Allow-Origin", "*")]) }) {
            port, rig in
            let answer = try await ask(
                port,
                head(
                    port, "Query",
                    with: [
                        "Accept-Encoding: gzip", "User-Agent: boto3", "amz-sdk-invocation-id: 1",
                        "Connection: keep-alive",
                    ]) + Self.body)
            #expect(!answer.lowercased().contains("access-control-"))
            let sent = Dictionary(
                uniqueKeysWithValues: rig.upstream.requests[0].request.headers.map {
                    ($0.name.lowercased(), $0.value)
                })
            #expect(sent["user-agent"] == "boto3" && sent["amz-sdk-invocation-id"] == "1")
            #expect(sent["larder-hop"] == rig.inspector.instance)
            for name in ["accept-encoding", "host", "connection", "content-length"] {
                #expect(sent[name] == nil)
            }
        }
    }

    @Test func `knows a request that has been there before`() async throws {
        try await listening({ _, _ in reply("{}") }) { port, rig in
            let hop = "Larder-Hop: other, \(rig.inspector.instance)"
            let answer = try await ask(port, head(port, with: [hop]) + Self.body)
            #expect(answer.hasPrefix("HTTP/1.1 508 ") && answer.contains("LoopDetected"))
            let long = try await ask(port, head(port, with: ["Larder-Hop: a,b,c,d"]) + Self.body)
            #expect(long.hasPrefix("HTTP/1.1 508 "))
            #expect(
                try await ask(port, head(port, with: ["Larder-Hop: a"]) + Self.body).contains(
                    "200 OK"))
            #expect(rig.upstream.requests.count == 1)
        }
    }

    @Test func `its own upstream that leads back to it is told, and ends`() async throws {
        let port = Guarded<UInt16>(0)
        let rig = Rig(acceptsUnsigned: true) { request, _ in
            let hop = request.headers.first { $0.name == "Larder-Hop" }?.value ?? ""
            let own = port.withLock { $0 }
            let answer = try await ask(
                own,
                "POST / HTTP/1.1\r\nHost: 127.0.0.1:\(own)\r\nLarder-Hop: \(hop)\r\n"
                    + "Content-Type: application/json\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\n"
                    + "Content-Length: \(request.body.readableBytes)\r\n\r\n"
                    + String(buffer: request.body))
            let body = answer.split(separator: "\r\n\r\n", maxSplits: 1).last.map(String.init) ?? ""
            return reply(body, status: answer.contains(" 508 ") ? 508 : 200)
        }
        try await listening(rig.face) { own in
            port.withLock { $0 = own }
            let answer = try await ask(own, head(own) + Self.body)
            #expect(answer.contains("508") && answer.contains("leads back to it"), "\(answer)")
        }
    }

    @Test func `lives on after garbage of every kind`() async throws {
        try await listening({ _, _ in reply("{}") }) { port, _ in
            var random = Seeded(16)
            for _ in 0..<200 {
                let peer = try RawPeer(port: port)
                let bytes = (0..<Int.random(in: 0..<400, using: &random)).map { _ in
                    UInt8.random(in: .min ... .max, using: &random)
                }
                switch Int.random(in: 0..<4, using: &random) {
                case 0: peer.send(bytes)
                case 1: peer.send(head(port, length: bytes.count).utf8 + bytes)
                case 2:
                    let text = Array(head(port).utf8) + Self.body.utf8
                    peer.send(text.prefix(Int.random(in: 0..<text.count, using: &random)))
                default:
                    var text = Array(head(port).utf8) + Self.body.utf8
                    text[Int.random(in: 0..<text.count, using: &random)] = bytes.first ?? 0
                    peer.send(text)
                }
            }
            #expect(try await ask(port, head(port) + Self.body).hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    /// On a thread of its own: whether the other end closes while `peer` sends on, a byte at a time.
    private func isClosed(
        _ port: UInt16, _ first: String, _ dripping: String = "x"
    ) async throws -> Bool {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let peer = try RawPeer(port: port)
                        peer.send(first)
                        for _ in 0..<1000 {
                            guard peer.send(dripping.utf8) else { return true }
                            if peer.ends(within: .milliseconds(10)) { return true }
                        }
                        return false
                    })
            }
        }
    }

    @Test func `hangs up on heads and bodies that drip, and on nobody who only rests`()
        async throws
    {
        let rig = Rig(acceptsUnsigned: true) { _, _ in reply("{}") }
        var deadlines = GatewayService.Deadlines()
        (deadlines.head, deadlines.body) = (.milliseconds(200), .seconds(60))
        try await listening(rig.face, deadlines) { port async throws in
            let resting = try RawPeer(port: port)
            resting.send(head(port) + Self.body)
            #expect(resting.answer().hasPrefix("HTTP/1.1 200 OK"))
            #expect(try await isClosed(port, "POST / HTTP/1.1\r\nHost: "))
            #expect(try await isClosed(port, head(port) + Self.body + "POST / HTTP/1.1\r\nA: "))
            resting.send(head(port) + Self.body)
            #expect(resting.answer().hasPrefix("HTTP/1.1 200 OK"))
        }
        (deadlines.head, deadlines.body) = (.seconds(60), .milliseconds(200))
        try await listening(rig.face, deadlines) { port async throws in
            #expect(try await isClosed(port, head(port, length: 5000), " "))
            let chunked = head(port).replacing(
                "Content-Length: 45", with: "Transfer-Encoding: chunked")
            #expect(try await isClosed(port, chunked + "1388\r\n", " "))
        }
        #expect(rig.upstream.requests.count == 1)
    }

    @Test func `hangs up on who does not read what was asked for`() async throws {
        let isStopped = Gate()
        let rig = Rig(acceptsUnsigned: true) { _, _ in
            ForwardedReply(
                status: 200, headers: [],
                body: AsyncThrowingStream { continuation in
                    continuation.onTermination = { _ in isStopped.open() }
                    let piece = ByteBuffer(repeating: 0x20, count: 1 << 20)
                    for _ in 0..<64 { continuation.yield(piece) }
                })
        }
        var deadlines = GatewayService.Deadlines()
        deadlines.reading = .milliseconds(200)
        try await listening(rig.face, deadlines) { port async throws in
            let peer = try RawPeer(port: port)
            peer.send(head(port, "Scan") + Self.body)
            var lines: [String] = []
            while lines.last != "" { lines.append(peer.line()) }
            // The service's reply has no end: it is let go of because nobody reads it.
            try await isStopped.pass()
        }
    }

    @Test func `answers while five hundred connections want nothing`() async throws {
        try await listening({ _, _ in reply("{}") }) { port, _ in
            let crowd = try (0..<500).map { number in
                let peer = try RawPeer(port: port)
                if number.isMultiple(of: 2) { peer.send("POST / HTTP/1.1\r\n") }
                return peer
            }
            let answer = try await ask(port, head(port) + Self.body)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
            withExtendedLifetime(crowd) {}
        }
    }

    @Test func `is a unix socket as well, whose host is localhost, for its own user`() async throws
    {
        let folder = try TemporaryFolder()
        let path = folder.path + "/gateway.sock"
        let rig = Rig(acceptsUnsigned: true) { _, _ in reply("{}") }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = GatewayService(socket: path, [rig.face], logger: logger)
        let serving = Task { try await service.run() }
        defer { serving.cancel() }
        #expect(
            await settles {
                (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions]
                    as? Int == 0o600
            })
        let text = head(0, host: "localhost") + Self.body
        let other = head(0, host: "127.0.0.1:5599") + Self.body
        let answers = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<[String], any Error>) in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try [text, other].map { text in
                            let peer = try RawPeer(path)
                            peer.send(text)
                            return peer.answer()
                        }
                    })
            }
        }
        #expect(answers[0].hasPrefix("HTTP/1.1 200 OK"))
        #expect(answers[1].hasPrefix("HTTP/1.1 403"))
        #expect(answers[1].contains("http://localhost"))
        #expect(
            await settles {
                let asker = rig.face.askers.first { $0.table == "orders" }
                return asker?.processes?.first.map { $0.pid == getpid() && !$0.name.isEmpty }
                    ?? false
            })
    }

    @Test func `knows the process that is connected to it`() async throws {
        try await listening({ _, _ in reply("{}") }) { port, rig in
            let peer = try RawPeer(port: port)
            peer.send(head(port) + Self.body)
            #expect(peer.answer().hasPrefix("HTTP/1.1 200 OK"))
            #expect(
                await settles {
                    let asker = rig.face.askers.first { $0.table == "orders" }
                    return asker?.processes?.map(\.pid) == [getpid()]
                })
            withExtendedLifetime(peer) {}
        }
    }

    @Test(arguments: [
        ("127.0.0.1:0", "127.0.0.1:0"), (":7000", "127.0.0.1:7000"), ("7000", "127.0.0.1:7000"),
        ("127.0.0.1", "127.0.0.1:5599"), ("127.1.2.3:80", "127.1.2.3:80"), ("on", "127.0.0.1:5599"),
    ])
    func `is named in few words`(text: String, address: String) throws {
        #expect(try GatewayAddress(parsing: text).description == address)
    }

    @Test(arguments: [
        "0.0.0.0:1", "10.0.0.1:1", "localhost:1", "::1", "[::1]:1", "127.1:1", "127.0.0.01:1",
        "127.0.0.1:65536", "127.0.0.1:x", "x", "", "127.0.0.256:1", "127.0.0.1:-1", "128.0.0.1",
        "127.0.0.1:99999999999999999999",
    ])
    func `is this machine's own, and no name's`(text: String) {
        #expect(throws: UnitError.self) { try GatewayAddress(parsing: text) }
    }
}
