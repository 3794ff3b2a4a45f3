import ArgumentParser
import Foundation
import Larder
import LarderAWS
import LarderGateway
import LarderInspector
import Logging
import Synchronization

extension Engine {
    /// Accounts of a DynamoDB table, and the credentials of roles.
    static func aws(
        _ options: OriginOptions, called engine: String, hasGateway: Bool = false,
        logger: Logger? = nil
    ) async throws -> Engine {
        try ProcessLimits.check(.talking)
        let environment = ProcessInfo.processInfo.environment
        do {
            var configuration = try AWSConfiguration(
                environment, secrets: LarderCommand.secrets, profile: options.profile)
            configuration.code = TerminalQuestions.code
            configuration.terminal = TerminalQuestions.terminal
            configuration.refresh = options.refresh
            configuration.deadlines = options.deadlines
            configuration.notice = { say($0) }
            configuration.logger = logger
            for warning in configuration.warnings { say(warning) }
            let (client, user) = try await configuration.client(
                region: options.region, endpointURL: options.endpointURL)
            let endpoint = try options.endpointURL ?? configuration.endpointURL(of: "sts")
            // Asked for anew, because the keys may become somebody else's.
            let requests = RoleRequests(options) {
                RoleRequest.Caller(
                    identity: user.identity, region: client.region, endpoint: endpoint,
                    isSession: user.givesSessions)
            }
            do {
                // What cannot be signed for cannot be looked up: said now, not in every row.
                _ = try await client.signer()
                _ = try requests.reader()
                return make(options, engine, client, user, requests, hasGateway: hasGateway)
            } catch {
                await client.shutdown()
                throw error
            }
        } catch let error as AWSError where error.kind == .invalid && error.code == nil {
            // A refusal of a service, whatever its code, is a failure and not a wrong option.
            throw ValidationError("\(error)")
        }
    }

    private static func make(
        _ options: OriginOptions, _ engine: String, _ client: AWSClient, _ user: Signer,
        _ requests: RoleRequests, hasGateway: Bool
    ) -> Engine {
        let defaults = [
            "accounts": CacheConfiguration(
                maxsize: 64, ttl: .seconds(300), negativeTTL: .seconds(5)),
            "credentials": CacheConfiguration(maxsize: 64, ttl: nil),
        ]
        let credentials = Cache<RoleRequest, Credentials>(
            "credentials", options.configuration("credentials", default: defaults["credentials"]!),
            refresh: options.refresh
        ) { try await client.sts.assumeRole($0) }
        // Sessions that somebody else's keys asked for are not handed out any more.
        user.onChange { credentials.invalidateAll() }

        let table = client.signing(
            with: {
                user.noticeChanges()
                guard let reader = try requests.reader() else { return try await client.signer() }
                return try await credentials.value(for: reader)
            }, from: options.role
        ) { id in
            guard let reader = try? requests.reader() else { return await client.reject(id) }
            return credentials.reject(reader) { $0.accessKeyID == id }
        }
        let name = options.table
        let key = TableKey(partition: options.key, sort: options.sortKey)
        let reading = DynamoDB.Reading(
            isConsistent: options.consistentRead, attributes: options.attributes)
        let named = key.keys(options.keys).map { (try? key.canonical($0)) ?? Verbatim($0) }
        let known = KnownKeys(
            accounts: named,
            roles: options.role.flatMap { try? IAMRole($0) }.map { [$0] } ?? [],
            following: options.following)
        let written = LastWrite()
        let accounts = Cache<Verbatim, DynamoDBItem>(
            "accounts", options.configuration("accounts", default: defaults["accounts"]!),
            refresh: .items
        ) { number in
            guard let name else {
                throw InspectorError("no table is named; name the accounts' table with --table")
            }
            var reading = reading
            // The usual read may miss what a stream has just told of, and be kept for a whole ttl.
            if written.isRecent { reading.isConsistent = true }
            let item = try await table.dynamoDB.getItem(
                table: name, key: key.key(number.text), reading)
            known.add(number, item)
            return item
        }

        let inspector = LocalInspector(engine)
        // A gateway's tables have caches of their own: one that can fetch nothing is in their way.
        if name != nil || !hasGateway { inspector.add(accounts, parse: { try key.canonical($0) }) }
        let request: @Sendable (String) throws -> RoleRequest = { try requests.request(of: $0) }
        inspector.add(credentials, key: \.shownKey, parse: request)
        inspector.add { .of("GetItem", client, savedBy: accounts.snapshot().counters) }
        inspector.add(unitsOf: "accounts") { client.units(of: "GetItem") }
        inspector.add { .of("AssumeRole", client, savedBy: credentials.snapshot().counters) }
        let warming = Warming(named: named)
        return Engine(
            inspector: inspector, defaults: defaults,
            warm: { count in
                if await !warming.list({ try await keys(of: table, options, most: count) }) {
                    return false
                }
                await warming.lookUp { number in
                    // Known before it has answered: traffic goes on asking.
                    known.add(number)
                    return await isAnswered(.items) { _ = try await accounts.value(for: number) }
                }
                var isDone = warming.isDone
                for role in known.roles {
                    guard let request = try? requests.request(following: role) else { continue }
                    let isKnown = await isAnswered(options.refresh) {
                        _ = try await credentials.value(for: request)
                    }
                    isDone = isDone && isKnown
                }
                return isDone
            },
            lookUp: {
                let (number, role) = known.any()
                if let number { _ = try? await accounts.value(for: number) }
                if let role, let request = try? requests.request(following: role) {
                    _ = try? await credentials.value(for: request)
                }
            },
            reveal: { role in
                let session = try await credentials.value(for: request(role))
                return .fields([
                    .init("AccessKeyId", .text(session.accessKeyID)),
                    .init("SecretAccessKey", .text(session.secretAccessKey.reveal())),
                    .init("SessionToken", session.sessionToken.map { .text($0.reveal()) } ?? .null),
                    .init(
                        "Expiration",
                        session.expiration.map { .text($0.formatted(.iso8601)) } ?? .null),
                ])
            },
            dynamoDBJSON: { text in
                try await accounts.value(for: key.canonical(text)).json.prettyJSON
            },
            readAgain: { try user.readAgain() },
            behindGateway: BehindGateway(client, own: user, credentials, request: request),
            follow: { tables, gateway, logger in
                guard !tables.isEmpty else { return [] }
                inspector.add { .of("GetRecords", table) }
                return tables.map { followed in
                    let own =
                        FollowedTable.isNamed(name, followed) ? (accounts, key, written) : nil
                    let arn = own == nil ? nil : FollowedTable.arn(name)
                    let follower = StreamFollower(
                        table, of: followed, arn: arn, reactions(followed, own, gateway),
                        logger: logger)
                    inspector.add { .of(follower) }
                    return follower
                }
            },
            close: { await client.shutdown() })
    }

    /// What is dropped when somebody writes to a table.
    ///
    /// - Parameter own: The cache before it, and how its keys are written.
    private static func reactions(
        _ table: String,
        _ own: (cache: Cache<Verbatim, DynamoDBItem>, key: TableKey, written: LastWrite)?,
        _ gateway: Gateway?
    ) -> [StreamFollower.Reaction] {
        let (wrote, missed) = StreamFollower.operators(table)
        var reactions: [StreamFollower.Reaction] = []
        if let (cache, key, written) = own {
            reactions.append(
                .init(
                    wrote: { item in
                        written.mark()
                        guard let key = key.key(of: item) else { return }
                        cache.invalidate(TableKey.text(key), by: wrote)
                    },
                    missed: {
                        written.mark()
                        cache.invalidateAll(by: missed)
                    }))
        }
        if let gateway {
            reactions.append(
                .init(
                    wrote: { gateway.dynamoDB.wrote($0.json, of: table, by: wrote) },
                    missed: { gateway.dynamoDB.wroteAnything(to: table, by: missed) }))
        }
        return reactions
    }

    /// Some keys of the table, by a Scan.
    private static func keys(
        of table: AWSClient, _ options: OriginOptions, most: Int
    ) async throws -> [Verbatim] {
        guard most > 0, let name = options.table else { return [] }
        return try await table.dynamoDB.someKeys(
            table: name, names: [options.key.name] + (options.sortKey.map { [$0.name] } ?? []),
            limit: most
        ).map { TableKey.text($0) }
    }
}

/// When somebody wrote to the accounts' table, as its stream tells.
private final class LastWrite: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    /// How long behind a write reads are strongly consistent.
    private static let window = Duration.seconds(5)

    func mark() { last.withLock { $0 = .now } }

    var isRecent: Bool { last.withLock { $0 }.map { .now - $0 < Self.window } ?? false }
}

/// What is asked of STS for a role, and by whom.
private struct RoleRequests: Sendable {
    private let role: String?
    private let assuming: AssumingOptions
    private let caller: @Sendable () -> RoleRequest.Caller

    init(_ options: OriginOptions, caller: @escaping @Sendable () -> RoleRequest.Caller) {
        role = options.role
        assuming = options.assuming
        self.caller = caller
    }

    /// The session that reads the table; `nil` where the caller's own keys do.
    func reader() throws -> RoleRequest? { try role.map { try request(of: $0) } }

    /// A role that a person asks for: external id, tags and source identity are `--role`'s, where
    /// that names one, and else whatever role's is asked for.
    func request(of arn: String) throws -> RoleRequest {
        let request = try assuming.request(of: arn, by: caller())
        return role == nil || request.role.arn == role ? request : request.withoutIdentity
    }

    /// A role that an item names.
    func request(following found: IAMRole) throws -> RoleRequest {
        let request = try assuming.request(of: found.arn, by: caller())
        return request.role.arn == role ? request : request.withoutIdentity
    }
}
