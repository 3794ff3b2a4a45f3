import Foundation
import Larder
import LarderAWS
import LarderEmbedded
import LarderGateway
import LarderInspector

extension Engine {
    /// Invented accounts and credentials.
    static func embedded(
        _ options: OriginOptions, called engine: String, throttled: Double
    ) throws -> Engine {
        let environment = ProcessInfo.processInfo.environment
        let behavior = EmbeddedOrigin.Behavior(
            latency: options.latency ?? .milliseconds(40), throttled: throttled,
            failing: options.failing ?? 0)
        let count = options.accounts ?? 100
        let origin: EmbeddedOrigin
        if let path = environment["LARDER_STORE"], !path.isEmpty {
            origin = try EmbeddedOrigin(path: path, accounts: count, behavior: behavior)
        } else {
            do {
                origin = try EmbeddedOrigin(
                    path: storePath(environment), accounts: count, behavior: behavior)
            } catch {
                say("\(error); the accounts are kept in memory")
                origin = try EmbeddedOrigin(path: nil, accounts: count, behavior: behavior)
            }
        }

        let defaults = [
            "accounts": CacheConfiguration(
                maxsize: 64, ttl: .seconds(45), negativeTTL: .seconds(5)),
            "credentials": CacheConfiguration(maxsize: 64, ttl: nil),
        ]
        let accounts = Cache<String, Account>(
            "accounts", options.configuration("accounts", default: defaults["accounts"]!),
            refresh: .embeddedAccounts
        ) { try await origin.account($0) }
        let credentials = Cache<EmbeddedRole, IssuedCredentials>(
            "credentials", options.configuration("credentials", default: defaults["credentials"]!),
            refresh: .embeddedCredentials
        ) { try await origin.credentials(for: $0) }

        let inspector = LocalInspector(engine, isDemo: true)
        inspector.add(accounts)
        inspector.add(credentials, key: \.shownKey) { try EmbeddedRole($0) }
        let zipf = Zipf(count: origin.knownAccounts)
        let named = TableKey(partition: options.key).keys(options.keys)
        return Engine(
            inspector: inspector, isDemo: true, defaults: defaults,
            warm: { count in
                let first = (0..<min(count, origin.knownAccounts)).map(Account.number)
                var isDone = true
                for number in named + first {
                    let isKnown = await isAnswered(.embeddedAccounts) {
                        _ = try await accounts.value(for: number)
                    }
                    isDone = isDone && isKnown
                }
                return isDone
            },
            lookUp: {
                // One in a hundred asks for an account that is not there.
                let missing = Int.random(in: 0..<100) == 0
                let drawn = missing ? origin.knownAccounts + Int.random(in: 0..<9) : zipf.draw()
                let number = named.randomElement() ?? Account.number(at: drawn)
                _ = try? await accounts.value(for: number)
                // Some callers go on into the account; fewer accounts than there are have a role.
                guard let place = Account.place(of: number), place < origin.knownAccounts,
                    place % 8 == 1, Int.random(in: 0..<2) == 0
                else { return }
                let role = try? EmbeddedRole("arn:aws:iam::\(number):role/reader")
                if let role { _ = try? await credentials.value(for: role) }
            },
            reveal: { role in
                let issued = try await credentials.value(for: EmbeddedRole(role))
                return .fields([
                    .init("AccessKeyId", .text(issued.accessKeyID)),
                    .init("SecretAccessKey", .text(issued.secretAccessKey.reveal())),
                    .init("SessionToken", .text(issued.sessionToken.reveal())),
                    .init("Expiration", .text(issued.expiration.formatted(.iso8601))),
                ])
            },
            behindGateway: BehindGateway(
                upstream: EmbeddedTable(EmbeddedAccounts(accounts, origin)),
                signers: KnownSigners { (EmbeddedTable.keys, "demo") },
                lend: { arn in
                    let role = try EmbeddedRole(arn ?? "arn:aws:iam::000000000000:role/demo")
                    return Loan(credentials, role, as: role.shownKey) { $0.keys }
                }, isOpen: true),
            close: {})
    }

    /// In the user's data folder.
    private static func storePath(_ environment: [String: String]) -> String {
        let data = environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let home = environment["HOME"] ?? NSHomeDirectory()
        return (data ?? home + "/.local/share") + "/larder/accounts.sqlite"
    }
}

extension EmbeddedAccounts {
    /// From the demo's own cache, so that whoever looks sees what was asked for.
    fileprivate init(_ cache: Cache<String, Account>, _ origin: EmbeddedOrigin) {
        self.init(
            count: origin.knownAccounts,
            age: { number in
                cache.peek(number).map { cache.clock.now() - $0.facts.writtenAt }
            },
            account: { number in
                do { return try await cache.value(for: number).shown } catch EmbeddedError.missing {
                    return nil
                } catch EmbeddedError.throttled {
                    throw Trouble.throttled("\(EmbeddedError.throttled)")
                } catch let error as EmbeddedError {
                    throw Trouble.broken("\(error)")
                }
            },
            accounts: { try await origin.accounts(after: $0, limit: $1).map(\.shown) })
    }
}

extension IssuedCredentials {
    /// As keys that requests are signed with.
    fileprivate var keys: Credentials {
        Credentials(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken,
            expiry: expiry, expiration: expiration, role: role.arn)
    }
}
