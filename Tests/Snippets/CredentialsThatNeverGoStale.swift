import Foundation
import Larder
import LarderAWS
import LarderInspector
import TestSupport
import Testing

/// The examples of the article "Credentials that never go stale".
@Suite(.timeLimit(.minutes(1))) struct `Credentials that never go stale` {
    struct Account: Decodable, Sendable, Inspectable {
        var number: String
        var role: String

        var shown: Shown { ["number": "\(number)", "role": "\(role)"] }
    }

    func makeAccounts(_ client: AWSClient) -> Cache<String, Account> {
        let bounds = CacheConfiguration(
            maxsize: 64, ttl: .seconds(300), negativeTTL: .seconds(5))
        let accounts = Cache<String, Account>(
            "accounts", bounds, refresh: .items
        ) { number in
            try await client.dynamoDB.getItem("accounts", key: ["number": "\(number)"])
                .decode(Account.self)
        }
        return accounts
    }

    func makeSessions(_ client: AWSClient) -> Cache<RoleRequest, Credentials> {
        let sessions = Cache<RoleRequest, Credentials>(
            "credentials", maxsize: 64, ttl: nil, refresh: .credentials
        ) { request in
            try await client.sts.assumeRole(request)
        }
        return sessions
    }

    struct Orders: Sendable {
        let client: AWSClient
        let caller: RoleRequest.Caller
        let accounts: Cache<String, Account>
        let sessions: Cache<RoleRequest, Credentials>

        func order(_ number: Int, of account: String) async throws -> DynamoDBItem {
            let role = try await accounts.value(for: account).role
            let request = try RoleRequest(IAMRole(role), caller: caller)
            let table = client.signing(
                with: { try await sessions.value(for: request) }, from: role
            ) { id in
                sessions.reject(request) { $0.accessKeyID == id }
            }
            return try await table.dynamoDB.getItem(
                "orders", key: ["customer": "\(account)", "number": .number("\(number)")])
        }
    }

    func open() async throws -> Orders {
        let configuration = try AWSConfiguration(ProcessInfo.processInfo.environment)
        let (client, signer) = try await configuration.client()
        let (accounts, sessions) = (makeAccounts(client), makeSessions(client))
        let caller = RoleRequest.Caller(
            identity: signer.identity, region: client.region, isSession: signer.givesSessions)
        signer.onChange { sessions.invalidateAll() }
        return Orders(client: client, caller: caller, accounts: accounts, sessions: sessions)
    }

    func show(_ orders: Orders) -> LocalInspector {
        let inspector = LocalInspector("orders-service")
        inspector.add(orders.accounts)
        inspector.add(orders.sessions, key: \.shownKey)
        return inspector
    }

    private static let keys = Credentials(
        accessKeyID: "AKIAEXAMPLE000000001", secretAccessKey: Secret("canary-secret"))

    private static func reply(_ body: String, status: String = "200 OK") -> [Upstream.Step] {
        [.send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")]
    }

    private static let account = """
        {"Item":{"number":{"S":"100000000001"},\
        "role":{"S":"arn:aws:iam::222222222222:role/reader"}}}
        """

    private static let ended = """
        {"__type":"com.amazonaws.dynamodb.v20120810#ExpiredTokenException","message":"ended"}
        """

    private static func session(_ number: Int) -> String {
        """
        <AssumeRoleResponse><AssumeRoleResult><Credentials>\
        <AccessKeyId>ASIAEXAMPLE0000000\(number)</AccessKeyId>\
        <SecretAccessKey>canary-session</SecretAccessKey><SessionToken>token</SessionToken>\
        <Expiration>\(Date(timeIntervalSinceNow: 3600).formatted(.iso8601))</Expiration>\
        </Credentials></AssumeRoleResult></AssumeRoleResponse>
        """
    }

    private static func script(_ number: Int) -> [Upstream.Step] {
        switch number {
        case 0: reply(account)
        case 1: reply(session(1))
        case 3: reply(ended, status: "400 Bad Request")
        case 4: reply(session(2))
        default: reply(#"{"Item":{"customer":{"S":"100000000001"},"number":{"N":"7"}}}"#)
        }
    }

    @Test func `an order is read with the role of its account, past a session that ends early`()
        async throws
    {
        let upstream = try Upstream { Self.script($0) }
        defer { upstream.stop() }
        try await withAWSClient(
            region: "eu-west-1", endpointURL: upstream.endpoint, credentials: { Self.keys }
        ) { client in
            let orders = Orders(
                client: client, caller: .init(identity: Self.keys.accessKeyID),
                accounts: makeAccounts(client), sessions: makeSessions(client))
            #expect(try await orders.order(7, of: "100000000001")["number"]?.int == 7)
            #expect(upstream.requests.count == 3)
            #expect(upstream.requests[1].head.contains("AKIAEXAMPLE000000001"))
            #expect(upstream.requests[2].head.contains("ASIAEXAMPLE00000001"))
            // The service does not know the session any more: another is made, once.
            _ = try await orders.order(7, of: "100000000001")
            #expect(upstream.requests.count == 6)
            #expect(upstream.requests[5].head.contains("ASIAEXAMPLE00000002"))
            let page = try await show(orders).entries(EntryQuery(sort: .cache))
            #expect(page.rows.map(\.id.key) == ["100000000001", "222222222222/reader"])
        }
    }
}
