import Foundation
import TestSupport
import Testing

/// The real program against a real moto with authorization on.
@Suite(.serialized, .timeLimit(.minutes(5))) final class `Accounts and credentials of AWS` {
    private let moto: Moto
    /// One for all tests: it takes seconds to start, and they only read from it.
    private static let shared = Result { try Moto() }

    /// The roles that items of this table name are assumed.
    private static let following =
        " --follow-roles role_arn --allow-role 'arn:aws:iam::222222222222:role/*'"

    init() throws { moto = try Self.shared.get() }

    private func larder(_ arguments: String..., environment: [String: String] = [:]) throws -> Ran {
        try run(
            [TestSupport.larder] + arguments + ["--endpoint-url", moto.scene.endpoint],
            environment: moto.environment.merging(environment) { $1 })
    }

    @Test func `fetch account prints the item as JSON`() throws {
        let ran = try larder("fetch", "account", "100000000005", "--table", "accounts")
        #expect(ran.status == 0)
        let item = try #require(
            try JSONSerialization.jsonObject(with: Data(ran.output.utf8)) as? [String: Any])
        #expect(item["account_number"] as? String == "100000000005")
        #expect(item["credit"] as? Double == 12.5)
        #expect(ran.errors.contains("no engine is running"))
        #expect(ran.errors.contains("miss, version 1"))
    }

    @Test func `fetch account reads another account's table with a role's session`() throws {
        let ran = try larder(
            "fetch", "account", "200000000000", "--table", "accounts", "--role", moto.scene.reader)
        #expect(ran.status == 0, "\(ran.errors)")
        #expect(ran.output.contains("12345678901234567890123456789012345678"))
        #expect(ran.output.contains("Grüße ☃ \\\"quoted\\\""))
    }

    @Test func `a number is one key however it is written, and DynamoDB JSON has types`() throws {
        let ran = try larder(
            "fetch", "account", "7.0", "--table", "numbered", "--key", "id:number",
            "--dynamodb-json")
        #expect(ran.status == 0, "\(ran.errors)")
        let item = try JSONSerialization.jsonObject(with: Data(ran.output.utf8))
        #expect(item as? [String: [String: String]] == ["id": ["N": "7"], "name": ["S": "seven"]])
        let wrong = try larder(
            "fetch", "account", "seven", "--table", "numbered", "--key", "id:number")
        #expect(wrong.status == 1)
        #expect(wrong.errors.contains("id is a number, and \"seven\" is none"))
    }

    @Test func `a profile's role reads the table, and what is not heeded is named`() throws {
        let folder = try TemporaryFolder()
        let config = folder.path + "/config"
        try """
        [profile reader]
        role_arn = \(moto.scene.reader)
        source_profile = user
        max_atempts = 9
        [profile user]
        aws_access_key_id = \(moto.scene.accessKeyID)
        aws_secret_access_key = \(moto.scene.secretAccessKey)
        """.write(toFile: config, atomically: false, encoding: .utf8)
        let environment = [
            "AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
        ]
        let ran = try larder(
            "fetch", "account", "200000000000", "--table", "accounts", "--profile", "reader",
            environment: environment)
        #expect(ran.status == 0, "\(ran.errors)")
        #expect(ran.output.contains("12345678901234567890123456789012345678"))
        #expect(ran.errors.contains("config:4: max_atempts is not heeded"))
        let unknown = try larder(
            "fetch", "account", "1", "--table", "accounts", "--profile", "writer",
            environment: environment)
        #expect(unknown.status == 64)
        #expect(unknown.errors.contains("there is no profile \"writer\""))
        #expect(unknown.errors.contains("there are reader, user"))
    }

    @Test func `one look tells what is missing, and what the origin did`() throws {
        let ran = try larder(
            "top", "--table", "accounts", "--keys", "100000000001,999", "--once", "--for", "0s",
            "--format", "json")
        #expect(ran.status == 0, "\(ran.errors)")
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(ran.output.utf8)) as? [String: Any])
        let entries = try #require(document["entries"] as? [[String: Any]])
        let missing = try #require(entries.first { $0["key"] as? String == "999" })
        #expect(missing["state"] as? String == "negative")
        #expect((missing["failure"] as? String)?.contains("there is no item") == true)
        let origins = try #require(document["origins"] as? [[String: Any]])
        let items = try #require(origins.first { $0["operation"] as? String == "GetItem" })
        #expect(items["calls"] as? Int == 2)
        // That an item is missing is an answer.
        #expect((items["failures"] as? [String: Int]) == [:])
        #expect((items["capacity"] as? Double ?? 0) > 0)
    }

    @Test func `fetch credentials prints no secret unless a named flag asks`() throws {
        let shown = try larder("fetch", "credentials", moto.scene.reader)
        #expect(shown.status == 0)
        let seen = try #require(
            try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: String])
        #expect(Set(seen.keys) == ["key", "role", "expires"])
        #expect(seen["key"]?.count == 5)
        #expect(!shown.output.contains("ASIA"))
        let revealed = try larder("fetch", "credentials", moto.scene.reader, "--show-secrets")
        let all = try #require(
            try JSONSerialization.jsonObject(with: Data(revealed.output.utf8)) as? [String: String])
        #expect(all["AccessKeyId"]?.hasPrefix("ASIA") == true)
        #expect(all["SecretAccessKey"]?.count == 40)
        #expect(!revealed.errors.contains(all["SecretAccessKey"]!))
    }

    @Test func `200 callers of one cold key make one request`() throws {
        let before = try moto.counts()["GetItem"] ?? 0
        let ran = try larder(
            "fetch", "account", "100000000006", "--table", "accounts", "--times", "200",
            "--parallel", "200")
        #expect(ran.status == 0)
        // One that came late found it there.
        let said = try #require(
            ran.errors.firstMatch(of: /([0-9]+) hits?, 1 miss, ([0-9]+) coalesced/))
        #expect(try #require(Int(said.1)) + (try #require(Int(said.2))) == 199)
        #expect(try moto.counts()["GetItem"] == before + 1)
    }

    @Test func `what is refused is said in one sentence that tells what to do`() throws {
        func refusal(
            _ arguments: String..., environment: [String: String] = [:], status: Int32 = 1
        ) throws -> String {
            let ran = try run(
                [TestSupport.larder, "fetch"] + arguments
                    + (arguments.contains("--endpoint-url")
                        ? [] : ["--endpoint-url", moto.scene.endpoint]),
                environment: moto.environment.merging(environment) { $1 })
            #expect(ran.status == status && ran.output.isEmpty)
            #expect(!ran.errors.contains(moto.scene.secretAccessKey))
            return ran.errors
        }
        #expect(
            try refusal("account", "1", "--table", "accounts")
                .contains("there is no item whose account_number is \"1\""))
        #expect(
            try refusal("account", "1", "--table", "nope")
                .contains("ResourceNotFoundException (request "))
        let wrong = try refusal(
            "account", "1", "--table", "accounts", environment: ["AWS_SECRET_ACCESS_KEY": "wrong"])
        #expect(wrong.contains("SignatureDoesNotMatch") && wrong.contains("AWS_SECRET_ACCESS_KEY"))
        let unknown = try refusal(
            "account", "1", "--table", "accounts", environment: ["AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"]
        )
        #expect(unknown.contains("InvalidClientTokenId") && unknown.contains("AWS_ACCESS_KEY_ID"))
        let denied = try refusal("credentials", moto.scene.closed)
        #expect(denied.contains("AccessDenied") && denied.contains("sts:AssumeRole"))
        #expect(
            try refusal(
                "account", "1", "--table", "accounts", environment: ["AWS_ACCESS_KEY_ID": ""]
            )
            .contains("set both"))
        #expect(
            try refusal(
                "account", "1", "--table", "accounts", "--endpoint-url", "http://127.0.0.1:1"
            )
            .contains("connection refused"))
        #expect(
            try refusal(
                "account", "1", "--table", "accounts", "--endpoint-url", "ftp://x", status: 64
            ).contains("write a URL such as"))
        #expect(
            try refusal("credentials", "reader", status: 1).contains("is no role's ARN"))
    }

    @Test func `top shows rows of both caches with right countdowns`() throws {
        let terminal = try Terminal(
            "\(TestSupport.larder) top --table accounts --endpoint-url \(moto.scene.endpoint)"
                + Self.following, environment: moto.environment)
        let screen = try terminal.wait("both caches") {
            $0.contains("222222222222/reader") && $0.contains("100000000001")
        }
        let role = try #require(
            screen.split(separator: "\n").first { $0.contains("222222222222/reader") })
        #expect(role.contains(#/59m[0-9]{2}s +59m[0-9]{2}s/#) || role.contains("1h00m"), "\(role)")
        #expect(screen.contains(#/accounts +(5m00s|4m5[0-9]s) +- /#))
        #expect(!screen.contains("DEMO"))
    }

    @Test func `an origin that goes away is an event; what is cached stays`() throws {
        var moto: Moto? = try Moto()
        let scene = moto!.scene
        let terminal = try Terminal(
            "\(TestSupport.larder) top --table accounts --keys 100000000001 --endpoint-url "
                + scene.endpoint + Self.following, columns: 160, rows: 40,
            environment: moto!.environment)
        try terminal.wait(for: "222222222222/reader")
        moto = nil
        try terminal.press("/")
        try terminal.type("1000")
        try terminal.press("Enter", "f")
        try terminal.type("100000000009")
        try terminal.press("Enter")
        let screen = try terminal.wait("the event") {
            // The connection that was kept may be seen to close only now.
            $0.contains(#/failed +100000000009 .*(connection refused|closed the connection)/#)
        }
        #expect(screen.contains("100000000001"))
    }
}
