import Foundation
import HTTPTypes
import HummingbirdCore
import Larder
import LarderAWS
import LarderInspector
import LarderTesting
import NIOCore
import Synchronization

@testable import LarderGateway

/// Keys that the gateway knows, with secrets that must be found nowhere.
let ownKeys = Credentials(
    accessKeyID: "AKIAOWNOWNOWNOWN1234", secretAccessKey: Secret("canary-own-secret"))

/// An endpoint of DynamoDB in this process, by script.
final class ScriptedUpstream: Upstream {
    typealias Script = @Sendable (ForwardedRequest, Credentials) async throws -> ForwardedReply

    let region = "us-east-1"
    let isCache = false
    private let script: Script
    private let state = Mutex<[(request: ForwardedRequest, key: String)]>([])

    init(_ script: @escaping Script) { self.script = script }

    func send(
        _ request: ForwardedRequest, signedBy keys: Credentials
    ) async throws -> ForwardedReply {
        state.withLock { $0.append((request, keys.accessKeyID)) }
        return try await script(request, keys)
    }

    /// What came in so far, in its order.
    var requests: [(request: ForwardedRequest, key: String)] { state.withLock { $0 } }
    var operations: [String] { requests.map(\.request.operation) }
    /// The body of a request, as text.
    func body(_ number: Int) -> String { String(buffer: requests[number].request.body) }
}

/// A reply as DynamoDB sends it.
func reply(
    _ body: String, status: Int = 200, _ more: [(name: String, value: String)] = []
) -> ForwardedReply {
    let buffer = ByteBuffer(string: body)
    let headers: [(name: String, value: String)] = [
        ("Content-Type", "application/x-amz-json-1.0"),
        ("x-amz-crc32", String(Checksum.of(buffer))),
        ("x-amzn-RequestId", "UPSTREAM"), ("Content-Length", String(buffer.readableBytes)),
    ]
    return ForwardedReply(status: status, headers: headers + more, body: Once(buffer))
}

func refusal(_ name: String, _ message: String = "no") -> ForwardedReply {
    reply(
        "{\"__type\":\"com.amazonaws.dynamodb.v20120810#\(name)\",\"message\":\"\(message)\"}",
        status: 400)
}

/// A gateway's DynamoDB before a scripted service, without a network.
struct Rig {
    static let host = "127.0.0.1:5599"
    /// 2026-11-27 12:00:00.
    static let wall = Int64(1_795_780_800)

    let upstream: ScriptedUpstream
    let clock = TestClock()
    let inspector: LocalInspector
    let signers: KnownSigners
    let face: DynamoDBFace

    init(
        acceptsUnsigned: Bool = false,
        bounds: @escaping @Sendable (String) -> CacheConfiguration = { _ in
            CacheConfiguration(maxsize: 100, ttl: .seconds(300), negativeTTL: .seconds(5))
        },
        _ script: @escaping ScriptedUpstream.Script
    ) {
        upstream = ScriptedUpstream(script)
        let age = clock.neverWaking
        inspector = LocalInspector("test", clock: age)
        signers = KnownSigners(own: { (ownKeys, "own") }, clock: age)
        face = DynamoDBFace(
            upstream, signers: signers, inspector: inspector, bounds: bounds,
            acceptsUnsigned: acceptsUnsigned, clock: age, now: { Rig.wall })
        // A new table's first seconds are read with care: most tests are not about those.
        clock.advance(by: .seconds(1))
    }

    struct Answer {
        var status: Int
        var headers: HTTPFields
        var body: String

        var cache: String? { headers[.xCache] }
        var code: String {
            let json = try? Shown(json: Array(body.utf8))
            guard case .text(let type)? = json?["__type"] else { return "" }
            return String(type.split(separator: "#").last ?? "")
        }
    }

    func request(
        _ operation: String, _ body: String, by keys: Credentials? = ownKeys,
        at date: Int64 = Rig.wall, region: String = "us-east-1",
        _ more: [(name: String, value: String)] = []
    ) -> (head: HTTPRequest, body: ByteBuffer) {
        var head = HTTPRequest(method: .post, scheme: "http", authority: Self.host, path: "/")
        let headers =
            [
                (name: "Content-Type", value: "application/x-amz-json-1.0"),
                (name: "X-Amz-Target", value: "DynamoDB_20120810.\(operation)"),
            ] + more
        let signed = SignedRequest(
            headers: [("Host", Self.host)] + headers, body: Array(body.utf8))
        let proof =
            keys.map {
                Signature(region: region, service: "dynamodb").headers(
                    for: signed, $0, at: Date(timeIntervalSince1970: Double(date)))
            } ?? []
        for (name, value) in headers + proof {
            head.headerFields.append(HTTPField(name: .init(name)!, value: value))
        }
        return (head, ByteBuffer(string: body))
    }

    func send(_ request: (head: HTTPRequest, body: ByteBuffer)) async throws -> Answer {
        let response = try await face.respond(to: request.head, request.body)
        let collector = Collector()
        try await response.body.write(collector)
        return Answer(
            status: response.status.code, headers: response.headers,
            body: String(buffer: collector.body))
    }

    @discardableResult
    func call(
        _ operation: String, _ body: String, by keys: Credentials? = ownKeys
    ) async throws -> Answer {
        try await send(request(operation, body, by: keys))
    }

    func get(_ key: String, table: String = "orders", _ more: String = "") async throws -> Answer {
        try await call(
            "GetItem", "{\"TableName\":\"\(table)\",\"Key\":{\"id\":{\"S\":\"\(key)\"}}\(more)}")
    }

    /// What was asked of the service since a mark, by operation.
    func count(_ operation: String) -> Int { upstream.operations.count { $0 == operation } }
}

/// Takes what is written.
final class Collector: ResponseBodyWriter {
    private(set) var body = ByteBuffer()

    func write(_ buffer: ByteBuffer) async throws { body.writeImmutableBuffer(buffer) }
    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
