import Larder
import LarderAWS
import LarderGateway
import LarderInspector
import Logging
import Synchronization

/// The engine behind the gateway: the tables' caches, the sessions of roles, and AWS.
struct Backing: Sendable {
    let dynamoDB: DynamoDBFace
    let client: AWSClient
    let credentials: Cache<RoleRequest, Credentials>
    private let snapshot: Snapshot
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
            "credentials", settings.credentials, refresh: .credentials, events: 0,
            foresight: false
        ) { try await client.sts.assumeRole($0) }
        user.onChange { credentials.invalidateAll() }
        let behind = BehindGateway(client, own: user, credentials, renewsOwn: true) { role in
            RoleRequest(
                try IAMRole(role),
                caller: RoleRequest.Caller(
                    identity: user.identity, region: client.region, endpoint: endpoint,
                    isSession: user.givesSessions))
        }
        // Not to know them yet is no reason to wait or to give up: each request asks again.
        Task.detached {
            do { try await behind.signers.learnOwn() } catch {
                let sentence = (error as? AWSError)?.forLogs ?? "\(error)"
                logger.warning("the function's own keys are not known yet: \(sentence)")
            }
        }
        let inspector = LocalInspector(settings.function ?? "larder")
        let faces = behind.faces(
            inspector, bounds: { settings.bounds($0) }, token: token(in: secrets),
            isWatched: false, mostTables: Self.mostTables)
        let snapshot = Snapshot(settings.isSnapshot) {
            faces.dynamoDB.forgetWhatIsHeld()
            credentials.invalidateAll()
            user.forget()
        }
        standstill.whenOver { _ in
            client.reconnect()
            // What is being fetched waits for connections that may be dead, and was read before.
            faces.dynamoDB.disownFetches()
            credentials.disownFetches()
            snapshot.mayBeRestored()
        }
        return Backing(
            dynamoDB: faces.dynamoDB, client: client, credentials: credentials, snapshot: snapshot,
            faces: [faces.credentials, faces.dynamoDB])
    }

    /// Each has a 32nd of the function's memory where nothing else is said: a quarter of it in all.
    private static let mostTables = 8

    /// The function is invoked.
    func begin() { snapshot.isInvoked() }

    /// What opens the credentials: what the function has and nobody else has.
    private static func token(in secrets: [String: Secret]) -> AccessToken {
        let known = Token.variables.lazy.compactMap { secrets[$0] }.first { !$0.isEmpty }
        return known.map { AccessToken(known: $0) } ?? AccessToken()
    }

    /// The tables' own counters, one set for all of them.
    var tables: [CacheSnapshot] { dynamoDB.snapshots }
}

/// Lets go once of what was there before a snapshot: it is there in every copy, and weeks old. The
/// function stands still before it is restored, and is invoked after that.
final class Snapshot: Sendable {
    private let isBefore: Guarded<Bool>
    private let forget: @Sendable () -> Void

    init(_ isSnapshot: Bool, forget: @escaping @Sendable () -> Void) {
        isBefore = Guarded(isSnapshot)
        self.forget = forget
    }

    /// The process stood still.
    func mayBeRestored() { if isBefore.withLock({ $0 }) { forget() } }

    /// Whatever was restored is by now.
    func isInvoked() {
        let wasBefore = isBefore.withLock { isBefore in
            defer { isBefore = false }
            return isBefore
        }
        if wasBefore { forget() }
    }
}

/// By what the extension knows its function.
enum Token {
    /// The first that is set is it.
    static let variables = ["AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"]
}
