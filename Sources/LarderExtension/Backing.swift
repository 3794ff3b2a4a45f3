import Larder
import LarderAWS
import LarderGateway
import LarderInspector
import Logging

/// The engine behind the gateway: the tables' caches, the sessions of roles, and AWS.
struct Backing: Sendable {
    let inspector: LocalInspector
    let client: AWSClient
    let credentials: Cache<RoleRequest, Credentials>
    let faces: [any Face]

    /// - Throws: ``AWSError`` where the variables make no sense.
    static func make(
        _ settings: ExtensionSettings, _ environment: [String: String], _ secrets: [String: Secret],
        _ standstill: Standstill, _ logger: Logger
    ) async throws -> Backing {
        var configuration = try AWSConfiguration(
            settings.withoutOwn(environment), secrets: secrets, profile: nil)
        configuration.notice = { logger.warning("\($0)") }
        for warning in configuration.warnings { logger.warning("\(warning)") }
        let (client, user) = try await configuration.client(endpointURL: settings.endpointURL)
        let endpoint = try settings.endpointURL ?? configuration.endpointURL(of: "sts")
        let credentials = Cache<RoleRequest, Credentials>(
            "credentials",
            settings.caches.configuration(
                "credentials", default: CacheConfiguration(maxsize: 64, ttl: nil)),
            refresh: .credentials
        ) { try await client.sts.assumeRole($0) }
        user.onChange { credentials.invalidateAll() }
        let behind = BehindGateway(client, own: user, credentials) { role in
            RoleRequest(
                try IAMRole(role),
                caller: RoleRequest.Caller(
                    identity: user.identity, region: client.region, endpoint: endpoint,
                    isSession: user.givesSessions))
        }
        // Not to know them yet is no reason to wait or to give up: each request asks again.
        do { try await behind.signers.learnOwn() } catch {
            let sentence = (error as? AWSError)?.forLogs ?? "\(error)"
            logger.warning("the function's own keys are not known yet: \(sentence)")
        }
        let inspector = LocalInspector(settings.function ?? "larder")
        let faces = behind.faces(
            inspector, bounds: { settings.bounds($0) }, token: token(in: secrets))
        standstill.whenOver { _ in
            client.reconnect()
            guard settings.isSnapshot else { return }
            // What was there before the snapshot is there in every copy, and weeks old.
            faces.dynamoDB.forgetEverything()
            credentials.invalidateAll()
            user.forget()
        }
        return Backing(
            inspector: inspector, client: client, credentials: credentials,
            faces: [faces.credentials, faces.dynamoDB])
    }

    /// What opens the credentials: what the function has and nobody else has.
    private static func token(in secrets: [String: Secret]) -> AccessToken {
        let known = Token.variables.lazy.compactMap { secrets[$0] }.first { !$0.isEmpty }
        return known.map { AccessToken(known: $0) } ?? AccessToken()
    }

    /// The tables' own counters, one set for all of them.
    func tables() async -> [CacheSnapshot] {
        let report = try? await inspector.report()
        return report?.caches.map(\.snapshot) ?? []
    }
}

/// By what the extension knows its function.
enum Token {
    /// The first that is set is it.
    static let variables = ["AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"]
}
