import AsyncHTTPClient
import Foundation
public import Larder
import NIOCore
import NIOHTTP1
import NIOPosix

/// Sends signed requests to DynamoDB and STS, over one pool of connections.
public struct AWSClient: Sendable {
    /// Who signs: asked before every request, so that credentials may come from a cache.
    public typealias CredentialSource = @Sendable () async throws -> Credentials

    public let region: String
    let clock: AgeClock
    private let endpoint: Endpoint?
    private let http: HTTPClient
    private let credentials: CredentialSource
    private let deadline: Duration

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

    /// Closes the connections; requests under way fail.
    public func shutdown() async { try? await http.shutdown() }

    // MARK: Sending

    /// Largest reply that is read: DynamoDB's largest is 16 MB.
    private static let largestReply = 20 << 20

    /// What a service answered.
    struct Reply {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]
    }

    /// The address of a service.
    func endpoint(of service: String) -> Endpoint {
        endpoint ?? Endpoint(service: service, region: region)
    }

    /// - Parameter subject: What is asked, for the sentence of an error.
    func send(
        _ body: [UInt8], headers: [(name: String, value: String)], to service: String,
        _ subject: String
    ) async throws -> Reply {
        let endpoint = endpoint(of: service)
        let signer = try await credentials()
        let signed = SignedRequest(
            path: endpoint.path, headers: [("Host", endpoint.host)] + headers, body: body)
        let signature = Signature(region: region, service: service)
        var request = HTTPClientRequest(url: endpoint.url)
        request.method = .POST
        for header in signed.headers + signature.headers(for: signed, signer, at: Date()) {
            request.headers.add(name: header.name, value: header.value)
        }
        request.headers.add(name: "User-Agent", value: "larder")
        request.body = .bytes(ByteBuffer(bytes: body))
        let limit = TimeAmount.nanoseconds(deadline.nanoseconds)
        do {
            let response = try await http.execute(request, timeout: limit)
            if (300..<400).contains(response.status.code) {
                throw AWSError(
                    .garbage,
                    "\(subject): \(endpoint.url) answered with a redirect; check --endpoint-url")
            }
            let buffer = try await response.body.collect(upTo: Self.largestReply)
            return Reply(
                status: Int(response.status.code), headers: response.headers,
                body: Array(buffer.readableBytesView))
        } catch {
            try Task.checkCancellation()
            throw failure(error, subject, endpoint)
        }
    }

    /// The sentence for a request that got no whole reply.
    private func failure(_ error: any Error, _ subject: String, _ endpoint: Endpoint) -> AWSError {
        let place = "\(subject): \(endpoint.url)"
        let check = "check the network, --endpoint-url and --region"
        switch error {
        case let error as AWSError: return error
        case is NIOTooManyBytesError:
            return AWSError(.garbage, "\(place) sent more than 20 MiB; \(check)")
        case let error as HTTPClientError where error == .connectTimeout:
            return AWSError(.unreachable, "\(place) did not accept a connection in time; \(check)")
        case let error as HTTPClientError where [.deadlineExceeded, .readTimeout].contains(error):
            return AWSError(
                .unreachable,
                "\(place) did not answer within \(deadline.components.seconds) s; try again, or \(check)"
            )
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return AWSError(
                .cut,
                "\(place) closed the connection before its reply ended; try again, or \(check)"
            )
        case let error as NIOConnectionError:
            let reason = error.connectionErrors.first.map { Self.reason($0.error) }
            return AWSError(
                .unreachable,
                "\(place) cannot be reached: \(reason ?? "its name is not known"); \(check)")
        case let error as IOError:
            let reached = error.errnoCode == ECONNRESET || error.errnoCode == EPIPE
            return AWSError(
                reached ? .cut : .unreachable,
                reached
                    ? "\(place) cut the connection; try again, or \(check)"
                    : "\(place) cannot be reached: \(Self.reason(error)); \(check)")
        case is HTTPParserError:
            return AWSError(.garbage, "\(place) does not answer in HTTP; \(check)")
        default:
            return AWSError(
                .unreachable, "\(place) failed: \(AWSError.printable("\(error)")); \(check)")
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else { return AWSError.printable("\(error)") }
        return String(cString: strerror(error.errnoCode)).lowercased()
    }
}

/// Where a service is.
struct Endpoint: Sendable {
    /// Scheme, host and port, without a slash at the end, and the path.
    let url: String
    /// As the `Host` header has it: a port only where it is not the scheme's own.
    let host: String
    let path: String

    init(service: String, region: String) {
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        host = "\(service).\(region).\(domain)"
        url = "https://\(host)/"
        path = "/"
    }

    init(_ text: String) throws {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let name = parts.percentEncodedHost, !name.isEmpty,
            parts.query == nil, parts.fragment == nil, parts.user == nil,
            (1...65_535).contains(parts.port ?? 1)
        else {
            throw AWSError(
                .invalid,
                "\"\(AWSError.printable(text))\" is no endpoint; write a URL such as "
                    + "http://127.0.0.1:5000 or https://dynamodb.eu-west-1.amazonaws.com")
        }
        let bracketed = name.contains(":") && !name.hasPrefix("[") ? "[\(name)]" : name
        let own = scheme == "https" ? 443 : 80
        host = bracketed + (parts.port.map { $0 == own ? "" : ":\($0)" } ?? "")
        path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        url = "\(scheme)://\(host)\(path)"
    }
}
