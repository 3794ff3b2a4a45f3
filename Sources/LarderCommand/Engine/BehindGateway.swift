import Foundation
import Larder
import LarderGateway
import LarderInspector
import LarderWire
import Logging
import Synchronization

/// What a gateway before an engine answers from.
struct BehindGateway: Sendable {
    var upstream: any Upstream
    var signers: KnownSigners
    /// The sessions that it hands out, by the role's ARN, or the engine's own.
    var lend: CredentialsFace.Lender
    /// Whether there is nothing to protect.
    var isOpen = false
}

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
    /// Where nothing is said of a table: as many items as will do for most, and as many bytes as
    /// hurt nobody.
    private static let usualTable = CacheConfiguration(
        maxsize: 10_000, maxbytes: 64 << 20, ttl: .seconds(300), negativeTTL: .seconds(5))

    /// The bounds of a table's cache: what is said of all tables, and then of this one.
    func tableConfiguration(_ table: String) -> CacheConfiguration {
        let usual = configuration(CacheOption.allTables, default: Self.usualTable)
        return configuration(table, default: usual)
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
        let dynamoDB = DynamoDBFace(
            behindGateway.upstream, signers: behindGateway.signers, inspector: inspector,
            bounds: { bounds.configuration($0) },
            acceptsUnsigned: acceptsUnsigned || behindGateway.isOpen,
            now: { Int64(Date().timeIntervalSince1970) })
        let token = AccessToken()
        let credentials = CredentialsFace(
            signers: behindGateway.signers, token: token, lend: behindGateway.lend)
        let (region, isDemo) = (behindGateway.upstream.region, isDemo)
        return GatewayService(address, [credentials, dynamoDB], logger: logger) { listening in
            door.open(
                GatewayPass(
                    url: "http://\(listening)", token: token.reveal(), region: region,
                    isDemo: isDemo))
        }
    }
}
