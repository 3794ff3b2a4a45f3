import Foundation
import Larder
import LarderGateway
import LarderInspector
import LarderWire
import Logging
import Synchronization

/// The bounds that tables' caches begin with, as the settings say it now.
final class TableBounds: Sendable {
    private let options: Guarded<OriginOptions>

    init(_ options: OriginOptions) { self.options = Guarded(options) }

    func take(_ new: OriginOptions) { options.withLock { $0 = new } }

    func configuration(_ table: String) -> CacheConfiguration {
        options.withLock { $0 }.tableConfiguration(table)
    }
}

extension OriginOptions {
    /// The bounds of a table's cache: what is said of all tables, and then of this one.
    func tableConfiguration(_ table: String) -> CacheConfiguration {
        caches.tableConfiguration(table)
    }
}

extension Engine {
    /// A gateway before this engine: what answers, and what it is told of writes by others.
    struct Gateway: Sendable {
        fileprivate let credentials: CredentialsFace
        let dynamoDB: DynamoDBFace
        fileprivate let token: AccessToken
        fileprivate let region: String
        fileprivate let isDemo: Bool

        private var faces: [any Face] { [credentials, dynamoDB] }

        /// The same at a port.
        ///
        /// - Parameter door: Is told where it is, once it is there.
        func service(
            _ address: GatewayAddress, _ door: GatewayDoor, _ logger: Logger
        ) -> GatewayService {
            GatewayService(address, faces, logger: logger) { listening in
                door.open(
                    GatewayPass(
                        url: "http://\(listening)", token: token.reveal(), region: region,
                        isDemo: isDemo))
            }
        }

        /// The same at a unix socket.
        func service(_ socket: GatewaySocket.Taken, _ logger: Logger) -> GatewayService {
            GatewayService(socket: socket.path, faces, logger: logger) { socket.isBound() }
        }
    }

    /// Makes its own keys known first.
    func gateway(
        _ bounds: TableBounds, acceptsUnsigned: Bool = false, logger: Logger? = nil
    ) async throws -> Gateway {
        guard let behindGateway else {
            throw InspectorError("this engine has nothing that a gateway could answer from")
        }
        try await behindGateway.signers.learnOwn()
        let token = AccessToken()
        let (credentials, dynamoDB) = behindGateway.faces(
            inspector, bounds: { bounds.configuration($0) }, acceptsUnsigned: acceptsUnsigned,
            token: token, logger: logger)
        return Gateway(
            credentials: credentials, dynamoDB: dynamoDB, token: token,
            region: behindGateway.upstream.region, isDemo: isDemo)
    }
}
