import AsyncHTTPClient
import Larder
import NIOCore
import NIOSSL
import Synchronization

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
    private let settings: NetworkSettings
    private let clients: Guarded<Clients>

    private struct Clients {
        var direct: HTTPClient
        var proxied: [Proxy: HTTPClient]
        /// Those before, the oldest first, until nobody waits for them; and how many there were.
        var old: [(number: Int, clients: [HTTPClient])] = []
        var count = 0

        /// - Parameter isAnew: Whether there were others before, which may not be the last.
        init(_ settings: NetworkSettings, isAnew: Bool = false) {
            var settings = settings
            if isAnew { settings.authorities = settings.authorities ?? Network.systemAuthorities }
            direct = Network.client(settings, through: nil)
            proxied = Dictionary(
                uniqueKeysWithValues: settings.proxies.all.map {
                    ($0, Network.client(settings, through: $0))
                })
        }

        var all: [HTTPClient] { [direct] + proxied.values }
    }

    init(_ settings: NetworkSettings) {
        proxies = settings.proxies
        self.settings = settings
        clients = Guarded(Clients(settings))
    }

    private static func client(
        _ settings: NetworkSettings, through proxy: Proxy?
    ) -> HTTPClient {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let authorities = settings.authorities {
            tls.trustRoots = .certificates(authorities)
        }
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
        let client = clients.withLock { clients in
            proxy.flatMap { clients.proxied[$0] } ?? clients.direct
        }
        return try await client.execute(request, deadline: .distantFuture)
    }

    /// Uses no connection again that was made before; requests under way keep theirs to their end,
    /// or until nobody waits for them any more.
    func reconnect() {
        var fresh = Clients(settings, isAnew: true)
        let (number, former) = clients.withLock { clients in
            fresh.count = clients.count + 1
            fresh.old = clients.old + [(clients.count, clients.all)]
            let former = fresh.old.count > Self.mostOld ? fresh.old.removeFirst().clients : []
            defer { clients = fresh }
            return (clients.count, former)
        }
        Task.detached {
            for client in former { try? await client.shutdown() }
            guard (try? await Task.sleep(for: Self.patience)) != nil else { return }
            let ended = self.clients.withLock { clients in
                let place = clients.old.firstIndex { $0.number == number }
                return place.map { clients.old.remove(at: $0).clients } ?? []
            }
            for client in ended { try? await client.shutdown() }
        }
    }

    /// Longer than any request is waited for.
    private static let patience = Duration.seconds(90)
    /// As many former pools are kept: each takes memory, and who waits in an older one has gone.
    private static let mostOld = 4

    /// Whom the system trusts, read once: each client would read it anew, and keep it. `nil` where it
    /// is to be found otherwise.
    private static let systemAuthorities: [NIOSSLCertificate]? = {
        let places = [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
            "/etc/ssl/cert.pem",
        ]
        return places.lazy.compactMap { try? NIOSSLCertificate.fromPEMFile($0) }.first
    }()

    func shutdown() async {
        let all = clients.withLock { clients in
            defer { clients.old = [] }
            return clients.all + clients.old.flatMap(\.clients)
        }
        for client in all { try? await client.shutdown() }
    }
}
