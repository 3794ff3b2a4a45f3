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
    /// A gateway before this engine; it makes its own keys known first.
    ///
    /// - Parameter door: Is told where it is, once it is there.
    func gateway(
        _ address: GatewayAddress, _ bounds: TableBounds, acceptsUnsigned: Bool = false,
        _ door: GatewayDoor, _ logger: Logger
    ) async throws -> GatewayService {
        guard let behindGateway else {
            throw InspectorError("this engine has nothing that a gateway could answer from")
        }
        try await behindGateway.signers.learnOwn()
        let token = AccessToken()
        let (region, isDemo) = (behindGateway.upstream.region, isDemo)
        return behindGateway.service(
            address, inspector: inspector, bounds: { bounds.configuration($0) },
            acceptsUnsigned: acceptsUnsigned, token: token, logger: logger
        ) { listening in
            door.open(
                GatewayPass(
                    url: "http://\(listening)", token: token.reveal(), region: region,
                    isDemo: isDemo))
        }
    }
}
