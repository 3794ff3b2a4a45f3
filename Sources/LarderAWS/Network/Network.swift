import AsyncHTTPClient
import NIOCore
import NIOSSL

/// How requests go out, as the environment and the profile say it.
struct NetworkSettings: Sendable {
    var variant = Endpoint.Variant()
    var proxies = Proxies()
    /// Whom to trust instead of those that the system trusts.
    var authorities: [NIOSSLCertificate]?
    /// Most attempts a call, the first included.
    var attempts: Int?
}

/// The connections: one pool that goes straight, and one for every proxy.
final class Network: Sendable {
    let proxies: Proxies
    private let direct: HTTPClient
    private let proxied: [Proxy: HTTPClient]

    init(_ settings: NetworkSettings) {
        proxies = settings.proxies
        direct = Self.client(settings, through: nil)
        proxied = Dictionary(
            uniqueKeysWithValues: settings.proxies.all.map {
                ($0, Self.client(settings, through: $0))
            })
    }

    private static func client(
        _ settings: NetworkSettings, through proxy: Proxy?
    ) -> HTTPClient {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let authorities = settings.authorities { tls.trustRoots = .certificates(authorities) }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .milliseconds(3100)))
        configuration.proxy = proxy.map {
            .server(host: $0.host, port: $0.port, authorization: $0.authorization)
        }
        // A refused connection is an answer; whoever wants another try asks again.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// - Parameter isNearby: Whether it is an endpoint of this machine or its host, which no proxy
    ///   leads to and none should see.
    func execute(
        _ request: HTTPClientRequest, isNearby: Bool = false
    ) async throws -> HTTPClientResponse {
        let proxy = isNearby ? nil : proxies.proxy(for: request.url)
        let client = proxy.flatMap { proxied[$0] } ?? direct
        return try await client.execute(request, deadline: .distantFuture)
    }

    func shutdown() async {
        for client in [direct] + proxied.values { try? await client.shutdown() }
    }
}
