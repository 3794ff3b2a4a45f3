import AsyncHTTPClient
import Foundation
public import Larder
import NIOCore
import NIOHTTP1

/// Sends signed requests to DynamoDB and STS, over one pool of connections.
public struct AWSClient: Sendable {
    /// Who signs: asked before every request, so that credentials may come from a cache.
    public typealias CredentialSource = @Sendable () async throws -> Credentials

    public let region: String
    let clock: AgeClock
    private let endpoint: Endpoint?
    private let http: HTTPClient
    private let credentials: CredentialSource
    let deadline: Duration

    /// - Parameters:
    ///   - endpointURL: Another address than AWS's for every service.
    ///   - deadline: Most time for a request, from its start to the last byte of the reply.
    /// - Throws: ``AWSError`` where the region or the endpoint is none.
    public init(
        region: String, endpointURL: String? = nil, deadline: Duration = .seconds(10),
        clock: AgeClock = .system, credentials: @escaping CredentialSource
    ) throws {
        guard region.wholeMatch(of: /[a-z0-9-]{1,64}/) != nil else {
            throw AWSError(
                .invalid,
                "\"\(AWSError.printable(region))\" is no region; write one such as eu-west-1")
        }
        self.region = region
        self.clock = clock
        self.deadline = deadline
        self.credentials = credentials
        endpoint = try endpointURL.map { try Endpoint($0) }
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .milliseconds(3100)))
        // A refused connection is an answer; whoever wants another try asks again.
        configuration.connectionPool.retryConnectionEstablishment = false
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private init(_ other: AWSClient, credentials: @escaping CredentialSource) {
        region = other.region
        clock = other.clock
        deadline = other.deadline
        endpoint = other.endpoint
        http = other.http
        self.credentials = credentials
    }

    /// The same client, signing with other credentials.
    public func signing(with credentials: @escaping CredentialSource) -> AWSClient {
        AWSClient(self, credentials: credentials)
    }

    public var dynamoDB: DynamoDB { DynamoDB(client: self) }
    public var sts: STS { STS(client: self) }

    /// Closes the connections; requests under way fail. To be called once, before the last copy of
    /// the client goes.
    public func shutdown() async { try? await http.shutdown() }

    // MARK: Sending

    /// Largest reply that is read: DynamoDB's largest is 16 MB.
    static let largestReply = 20 << 20

    /// What a service answered.
    struct Reply {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]
    }

    /// An operation of a service, as it goes from here.
    func call(_ service: String, _ operation: String, _ subject: String) -> Call {
        Call(
            service: service, operation: operation, subject: subject,
            endpoint: endpoint ?? Endpoint(service: service, region: region), region: region)
    }

    /// Signs, sends and reads the reply, whatever its status; one that is no whole reply is an
    /// ``AWSError``.
    func send(
        _ call: Call, headers: [(name: String, value: String)], body: [UInt8]
    ) async throws -> Reply {
        let request = signed(call, headers, body, try await credentials())
        do {
            return try await within(deadline) { try await exchange(call, request) }
        } catch {
            try Task.checkCancellation()
            throw failure(of: call, error)
        }
    }

    private func signed(
        _ call: Call, _ headers: [(name: String, value: String)], _ body: [UInt8],
        _ signer: Credentials
    ) -> HTTPClientRequest {
        let signed = SignedRequest(
            path: call.endpoint.path, headers: [("Host", call.endpoint.host)] + headers, body: body)
        let signature = Signature(region: region, service: call.service)
        var request = HTTPClientRequest(url: call.endpoint.url)
        request.method = .POST
        for header in signed.headers + signature.headers(for: signed, signer, at: Date()) {
            request.headers.add(name: header.name, value: header.value)
        }
        request.headers.add(name: "User-Agent", value: "larder")
        request.body = .bytes(ByteBuffer(bytes: body))
        return request
    }

    private func exchange(_ call: Call, _ request: HTTPClientRequest) async throws -> Reply {
        let response = try await http.execute(request, deadline: .distantFuture)
        if (300..<400).contains(response.status.code) {
            throw call.error(
                .garbage,
                "\(call.endpoint.url) answered with a redirect, which is not followed; check "
                    + "--endpoint-url")
        }
        let buffer = try await response.body.collect(upTo: Self.largestReply)
        return Reply(
            status: Int(response.status.code), headers: response.headers,
            body: Array(buffer.readableBytesView))
    }

    /// The HTTP client's own deadline ends with a reply's head; this one covers the body too.
    private func within(
        _ limit: Duration, _ work: @escaping @Sendable () async throws -> Reply
    ) async throws -> Reply {
        try await withThrowingTaskGroup(of: Reply.self) { group in
            group.addTask(operation: work)
            group.addTask {
                try await Task.sleep(for: limit)
                throw HTTPClientError.deadlineExceeded
            }
            defer { group.cancelAll() }
            return try await group.next()!
        }
    }
}
