import Foundation
import Synchronization
import TestSupport
import Testing

@testable import LarderCommand

/// 64 says that the command line, a variable or a file has to be written otherwise; what a service
/// refuses is a failure, whichever service it is and however it calls it.
@Suite struct `The status of a command` {
    private static let role = "arn:aws:iam::222222222222:role/reader"

    /// Each as it goes on with an endpoint.
    private static let commands = [
        ["fetch", "account", "1", "--table", "t"], ["fetch", "credentials", role],
        ["top", "--once", "--for", "0s", "--table", "t"], ["serve", "--table", "t"],
    ]

    /// A service that refuses everything with one code, in the words of DynamoDB or of STS.
    private func refusing(_ code: String, _ status: Int) throws -> Upstream {
        let scene = Mutex<Upstream?>(nil)
        let upstream = try Upstream { number in
            let head = scene.withLock { $0 }?.requests[number].head ?? ""
            let body =
                head.lowercased().contains("x-amz-target")
                ? #"{"__type":"com.amazon.coral.validate#\#(code)","message":"it is wrong"}"#
                : "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>it is "
                    + "wrong</Message></Error><RequestId>r</RequestId></ErrorResponse>"
            return [
                .send(
                    "HTTP/1.1 \(status) Refused\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                        + body)
            ]
        }
        scene.withLock { $0 = upstream }
        return upstream
    }

    private func ran(
        _ words: [String], _ environment: [String: String] = [:], config: String = ""
    ) throws -> Ran {
        let folder = try TemporaryFolder()
        try config.write(
            toFile: folder.path + "/config", atomically: false, encoding: .utf8)
        return try run(
            [larder] + words,
            environment: [
                "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "NO_PROXY": "*",
                "AWS_CONFIG_FILE": folder.path + "/config", "AWS_MAX_ATTEMPTS": "1",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "XDG_RUNTIME_DIR": folder.path,
                "LARDER_STORE": folder.path + "/accounts.sqlite",
            ].merging(environment) { $1 })
    }

    /// Looks an account up, a role, and an account by a role of its own.
    @Test(arguments: [
        ("ValidationException", 400), ("ValidationError", 400), ("MalformedPolicyDocument", 400),
        ("AccessDenied", 403), ("ResourceNotFoundException", 400), ("Unheard-of", 400),
        ("InternalFailure", 500),
    ])
    func `is 1 where a service refuses, whichever it is`(code: String, status: Int) throws {
        let upstream = try refusing(code, status)
        defer { upstream.stop() }
        let there = ["--endpoint-url", upstream.endpoint]
        let commands = Self.commands.prefix(2) + [Self.commands[0] + ["--role", Self.role]]
        for words in commands { try expectFailure(words + there, code) }
        #expect(!upstream.requests.isEmpty)
    }

    /// The role of a profile is assumed before anything else is done.
    @Test func `is 1 where a service refuses the profile's role, whatever was to be done`() throws {
        let upstream = try refusing("ValidationError", 400)
        defer { upstream.stop() }
        let config =
            "[profile p]\nregion = us-east-1\nrole_arn = \(Self.role)\n"
            + "credential_source = Environment\n"
        for words in Self.commands {
            try expectFailure(
                words + ["--endpoint-url", upstream.endpoint, "--profile", "p"],
                "ValidationError", config)
        }
        #expect(upstream.requests.count == Self.commands.count)
    }

    private func expectFailure(_ words: [String], _ code: String, _ config: String = "") throws {
        let ran = try ran(words, config: config)
        #expect(ran.status == 1, "\(words): \(ran.errors)")
        #expect(ran.errors.contains(code) && !ran.errors.contains("Usage:"), "\(ran.errors)")
    }

    private static let wrong: [(words: [String], environment: [String: String], lines: String)] = [
        (["--region", "x y"], [:], ""), (["--endpoint-url", "nowhere"], [:], ""),
        (["--profile", "nobody"], [:], ""), (["--external-id", "a b"], [:], ""),
        ([], ["AWS_MAX_ATTEMPTS": "0"], ""), ([], ["AWS_USE_FIPS_ENDPOINT": "1"], ""),
        ([], ["AWS_CA_BUNDLE": "/nowhere"], ""), ([], ["HTTPS_PROXY": "socks5://x"], ""),
        ([], ["LARDER_CALL_DEADLINE": "soon"], ""), ([], [:], "region = eu-west-1 # home\n"),
        ([], [:], "endpoint_url = nowhere\n"), ([], [:], "nonsense\n"),
    ]

    @Test func `is 64 where a value is wrong, and nothing is sent`() throws {
        let upstream = try refusing("ValidationError", 400)
        defer { upstream.stop() }
        // Each value with one of the commands, which take turns.
        for (number, wrong) in Self.wrong.enumerated() {
            let isEndpoint = (wrong.words + [wrong.lines]).contains { $0.contains("endpoint") }
            let ran = try ran(
                Self.commands[number % Self.commands.count] + wrong.words
                    + (isEndpoint ? ["--origin", "aws"] : ["--endpoint-url", upstream.endpoint]),
                wrong.environment, config: "[default]\n" + wrong.lines)
            #expect(ran.status == 64, "\(wrong): \(ran.errors)")
        }
        #expect(upstream.requests.isEmpty)
    }

    @Test(arguments: [
        ["fetch", "account", "one", "--key", "id:number"],
        ["fetch", "credentials", "one"],
    ])
    func `is 1 where no entry can have such a key, from every origin`(words: [String]) throws {
        let upstream = try refusing("ValidationError", 400)
        defer { upstream.stop() }
        let there = ["--table", "t", "--endpoint-url", upstream.endpoint]
        #expect(try ran(words + there).status == 1)
        #expect(upstream.requests.isEmpty)
        #expect(try ran(Array(words.prefix(3)) + ["--latency", "0s"]).status == 1)
    }
}
