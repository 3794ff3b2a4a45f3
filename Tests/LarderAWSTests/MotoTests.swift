import Larder
import LarderAWS
import LarderInspector
import TestSupport
import Testing

/// Against moto, which checks signatures and policies as AWS does.
@Suite(.timeLimit(.minutes(2))) struct MotoTests {
    private static let server = Result { try Moto() }

    let moto: Moto.Scene
    let user: Credentials

    init() throws {
        let server = try Self.server.get()
        moto = server.scene
        user = try Credentials.fromEnvironment(server.environment)
    }

    private func asUser<Result>(_ body: (AWSClient) async throws -> Result) async throws -> Result {
        try await withClient(moto.endpoint, credentials: user, body)
    }

    /// The client, signing as the role in the other account.
    private func asReader<Result>(_ body: (AWSClient) async throws -> Result) async throws -> Result
    {
        try await asUser { client in
            let session = try await client.sts.assumeRole(IAMRole(moto.reader))
            return try await body(client.signing { session })
        }
    }

    private func account(_ client: AWSClient, _ number: String) async throws -> DynamoDBItem {
        try await client.dynamoDB.getItem(
            table: "accounts", key: .init("account_number", .string(number)))
    }

    @Test func `a user reads a table of the own account`() async throws {
        try await asUser { client in
            let item = try await account(client, "100000000007")
            #expect(
                item.attributes == [
                    "account_number": .string("100000000007"), "name": .string("Account 007"),
                    "credit": .number("12.50"),
                ])
            let numbered = try await client.dynamoDB.getItem(
                table: "numbered", key: .init("id", .number("7")))
            #expect(numbered.attributes["name"] == .string("seven"))
        }
    }

    @Test func `a role's session ends when STS says`() async throws {
        try await asUser { client in
            let before = AgeClock.system.now()
            let session = try await client.sts.assumeRole(
                IAMRole(moto.reader), duration: .seconds(1200))
            let life = try #require(session.expiry) - before
            #expect(abs(life.inSeconds - 1200) < 30)
            #expect(session.accessKeyID.hasPrefix("ASIA"))
            #expect(session.role == moto.reader)
        }
    }

    @Test func `through a role, the other account's table is read as it was written`() async throws
    {
        try await asReader { client in
            let item = try await account(client, "200000000000")
            let expected: [Verbatim: AttributeValue] = [
                "account_number": .string("200000000000"),
                "text": .string("Grüße ☃ \"quoted\""), "number": .number("-1.5"),
                "large": .number("12345678901234567890123456789012345678"),
                "binary": .binary([0, 255] + Array("bytes".utf8)),
                "strings": .stringSet(["a", "b"]), "numbers": .numberSet(["1", "2.5"]),
                "binaries": .binarySet([Array("x".utf8), Array("y".utf8)]),
                "map": .map(["inner": .list([.string("deep"), .null])]),
                "list": .list([.number("1"), .bool(false)]), "nothing": .null, "yes": .bool(true),
                "empty": .string(""),
            ]
            #expect(item.attributes.mapValues(\.inOrder) == expected)
            // The two accounts' tables have one name and are two.
            let error = try await failure { try await account(client, "100000000007") }
            #expect(error.kind == .missingItem)
        }
    }

    @Test func `a wrong secret is told from an unknown key`() async throws {
        let wrong = Credentials(
            accessKeyID: user.accessKeyID, secretAccessKey: Secret("canary-secret"))
        let unknown = Credentials(
            accessKeyID: "AKIAUNKNOWNUNKNOWN12", secretAccessKey: Secret("canary-secret"))
        for (credentials, kind, code) in [
            (wrong, AWSError.Kind.wrongSecret, "SignatureDoesNotMatch"),
            (unknown, .unknownKey, "InvalidClientTokenId"),
        ] {
            try await withClient(moto.endpoint, credentials: credentials) { client in
                let reading = try await failure { try await account(client, "100000000007") }
                #expect(reading.kind == kind && reading.code == code, "\(reading)")
                let assuming = try await failure {
                    try await client.sts.assumeRole(IAMRole(moto.reader))
                }
                #expect(assuming.kind == kind && assuming.code == code, "\(assuming)")
                #expect(assuming.requestID != nil)
            }
        }
    }

    @Test func `a session without its token is refused`() async throws {
        try await asUser { client in
            let session = try await client.sts.assumeRole(IAMRole(moto.reader))
            let torn = Credentials(
                accessKeyID: session.accessKeyID, secretAccessKey: session.secretAccessKey)
            let error = try await failure {
                try await account(client.signing { torn }, "200000000000")
            }
            #expect(error.kind == .unknownKey, "\(error)")
        }
    }

    @Test func `a role that may not be assumed is denied`() async throws {
        try await asUser { client in
            let error = try await failure { try await client.sts.assumeRole(IAMRole(moto.closed)) }
            #expect(error.kind == .denied && error.code == "AccessDenied")
            #expect(error.description.hasPrefix("AssumeRole of \(moto.closed): AccessDenied"))
            #expect(
                error.description.hasSuffix(
                    "the caller needs sts:AssumeRole on the role, and the role must trust the "
                        + "caller"))
        }
    }

    @Test func `what a role may not do is denied`() async throws {
        try await asReader { client in
            let error = try await failure {
                try await client.dynamoDB.someKeys(
                    table: "accounts", names: ["account_number"], limit: 5)
            }
            #expect(error.kind == .denied && error.operation == "Scan")
            #expect(error.description.hasPrefix("Scan of \"accounts\": AccessDenied"))
            #expect(error.description.hasSuffix("the caller needs dynamodb:Scan on it"))
        }
    }

    @Test func `an unknown table and a missing item are two things`() async throws {
        try await asUser { client in
            let table = try await failure {
                try await client.dynamoDB.getItem(
                    table: "nowhere", key: .init("account_number", .string("1")))
            }
            #expect(table.kind == .unknownTable && table.code == "ResourceNotFoundException")
            #expect(
                table.description.hasPrefix("GetItem on \"nowhere\": ResourceNotFoundException"))
            #expect(table.description.hasSuffix("check --table and --region (us-east-1)"))
            let missing = try await failure { try await account(client, "999999999999") }
            #expect(missing.kind == .missingItem)
            #expect(
                missing.description
                    == "GetItem on \"accounts\": there is no item whose account_number is "
                    + "\"999999999999\"")
        }
    }
}

extension AttributeValue {
    /// Sets have no order: here they have one.
    fileprivate var inOrder: AttributeValue {
        switch self {
        case .stringSet(let texts): .stringSet(texts.sorted())
        case .numberSet(let numbers): .numberSet(numbers.sorted())
        case .binarySet(let values): .binarySet(values.sorted { $0.lexicographicallyPrecedes($1) })
        default: self
        }
    }
}
