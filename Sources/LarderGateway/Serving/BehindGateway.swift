import FoundationEssentials
package import Larder
package import LarderAWS
package import LarderInspector
package import Logging

/// What a gateway before an engine answers from.
package struct BehindGateway: Sendable {
    package var upstream: any Upstream
    package var signers: KnownSigners
    /// The sessions that it hands out, by the role's ARN, or the engine's own.
    package var lend: CredentialsFace.Lender
    /// Whether there is nothing to protect.
    package var isOpen: Bool

    package init(
        upstream: any Upstream, signers: KnownSigners, lend: @escaping CredentialsFace.Lender,
        isOpen: Bool = false
    ) {
        self.upstream = upstream
        self.signers = signers
        self.lend = lend
        self.isOpen = isOpen
    }

    /// AWS, with the client's own keys and the sessions that a cache holds.
    ///
    /// - Parameters:
    ///   - renewsOwn: Whether the client's keys are asked for anew where somebody signs with others.
    ///   - request: What is asked of STS for a role, by its ARN.
    package init(
        _ client: AWSClient, own user: Signer, _ credentials: Cache<RoleRequest, Credentials>,
        renewsOwn: Bool = false,
        request: @escaping @Sendable (_ role: String) throws -> RoleRequest
    ) {
        let own: KnownSigners.Own = { (try await client.signer(), user.identity) }
        let renew: @Sendable () -> Void = { user.forget() }
        let signers = KnownSigners(own: own, renew: renewsOwn ? renew : nil)
        self.init(upstream: AWSUpstream(client), signers: signers) { role in
            guard let role else { return Loan(own: signers) { user.identity } }
            let request = try request(role)
            return Loan(
                credentials, request,
                as: "\(request.shownKey) by \(request.caller.identity)"
            ) { $0 }
        }
    }

    /// Tables, and credentials, in the form in which SDKs ask for them.
    ///
    /// - Parameters:
    ///   - bounds: Those of a table's cache, by the table's name.
    ///   - isWatched: Whether anybody can look into the tables.
    ///   - mostTables: What is asked of more is passed on.
    package func faces(
        _ inspector: LocalInspector, bounds: @escaping @Sendable (String) -> CacheConfiguration,
        acceptsUnsigned: Bool = false, token: AccessToken, isWatched: Bool = true,
        mostTables: Int = 1000,
        logger: Logger? = nil
    ) -> (credentials: CredentialsFace, dynamoDB: DynamoDBFace) {
        let dynamoDB = DynamoDBFace(
            upstream, signers: signers, inspector: inspector, bounds: bounds,
            acceptsUnsigned: acceptsUnsigned || isOpen, isWatched: isWatched,
            mostTables: mostTables,
            now: { Int64(Date().timeIntervalSince1970) })
        inspector.add {
            GatewayReport(acceptsUnsigned: acceptsUnsigned, askers: dynamoDB.askers)
        }
        return (
            CredentialsFace(signers: signers, token: token, logger: logger, lend: lend), dynamoDB
        )
    }
}
