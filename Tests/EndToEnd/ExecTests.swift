import Foundation
import TestSupport
import Testing

/// `larder exec` with real programs, before a real moto with authorization on.
@Suite(.serialized, .timeLimit(.minutes(5))) final class `Programs that larder starts` {
    private static let shared = Result { try Moto() }
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
    }

    /// What is common to the engine and to the commands.
    private var common: [String: String] {
        [
            "XDG_RUNTIME_DIR": folder.path, "LARDER_STORE": folder.path + "/accounts.sqlite",
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        ]
    }

    private func engine(
        _ options: String, _ environment: [String: String] = [:]
    ) throws -> Terminal {
        let terminal = try Terminal(
            "exec \(larder) serve --name gateway --gateway 127.0.0.1:0 \(options)", columns: 200,
            environment: common.merging(environment) { $1 })
        try terminal.wait("the gateway") {
            $0.contains(/address=127\.0\.0\.1:[0-9]+/) && $0.contains("gateway.sock")
        }
        return terminal
    }

    private func exec(
        _ words: [String], _ environment: [String: String] = [:]
    ) throws -> Ran {
        try run([larder, "exec"] + words, environment: common.merging(environment) { $1 })
    }

    private func play(_ scene: String, _ moto: Moto) throws -> [String] {
        [
            try python(), packageRoot.appending(path: "Tests/Peers/boto3_exec.py").path, scene,
            moto.scene.endpoint,
        ]
    }

    private struct Reads: Decodable {
        var keys: Int
        var method: String
        var items: [String]
        var cache: [String]
        var frozen: Bool
        var counts: [String: Int]
    }

    /// - Parameter before: What was counted at moto until then.
    private func check(_ ran: Ran, _ moto: Moto, since before: [String: Int]) throws {
        try #require(ran.status == 0, "\(ran.errors)")
        let reads = try JSONDecoder().decode(Reads.self, from: Data(ran.output.utf8))
        #expect(reads.keys == 1 && reads.method == "container-role" && reads.frozen)
        #expect(reads.items == Array(repeating: "Account 003", count: 21))
        #expect(reads.cache == ["miss"] + Array(repeating: "hit", count: 19))
        #expect(reads.counts["AssumeRole", default: 0] - before["AssumeRole", default: 0] == 1)
        #expect(reads.counts["GetItem", default: 0] - before["GetItem", default: 0] == 1)
    }

    @Test func `read a role's account through both faces of an engine, for one request each`()
        throws
    {
        let moto = try Self.shared.get()
        let engine = try engine("--endpoint-url \(moto.scene.endpoint)", moto.environment)
        let before = try moto.counts()
        // Proxies of the environment are nothing to a gateway on this machine.
        let ran = try exec(
            ["--role", moto.scene.reader, "--"] + play("reads", moto),
            ["HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "x.example", "AWS_PROFILE": "none"])
        try check(ran, moto, since: before)
        let rows = try run(
            [larder, "entries", "credentials", "--format", "csv"], environment: common)
        #expect(rows.output.contains("222222222222/reader"), "\(rows.errors)")
        #expect(!rows.output.contains(moto.scene.secretAccessKey))
        withExtendedLifetime(engine) {}
    }

    @Test func `read it without an engine too, through a gateway of their own`() throws {
        let moto = try Self.shared.get()
        let before = try moto.counts()
        let ran = try exec(
            ["--endpoint-url", moto.scene.endpoint, "--role", moto.scene.reader, "--"]
                + play("reads", moto), moto.environment)
        try check(ran, moto, since: before)
    }

    @Test func `may be the AWS CLI, in two accounts`() throws {
        let aws = packageRoot.appending(path: ".venv/cli/bin/aws").path
        try #require(
            FileManager.default.isExecutableFile(atPath: aws),
            "no AWS CLI; .ci/setup --tests installs one")
        let moto = try Self.shared.get()
        let engine = try engine("--endpoint-url \(moto.scene.endpoint)", moto.environment)
        func get(_ number: String, _ count: Int, by role: [String]) throws -> [String: Int] {
            let before = try moto.counts()
            let key = "{\\\"account_number\\\":{\\\"S\\\":\\\"\(number)\\\"}}"
            let call =
                "\(aws) dynamodb get-item --table-name accounts --key \"\(key)\" --output json"
            let ran = try exec(
                role + [
                    "--", "sh", "-ec",
                    "for n in $(seq \(count)); do \(call); done; "
                        + "\(aws) dynamodb describe-endpoints --output text",
                ], ["AWS_PAGER": ""])
            #expect(ran.status == 0, "\(ran.errors)")
            #expect(ran.output.ranges(of: "Account \(number.suffix(3))").count == count)
            let after = try moto.counts()
            return after.mapValues { $0 }.merging(before) { $0 - $1 }
        }
        let own = try get("100000000007", 3, by: [])
        #expect(own["GetItem"] == 1)
        let other = try get("200000000007", 3, by: ["--role", moto.scene.reader])
        #expect(other["GetItem"] == 1 && other["AssumeRole"] == 1)
        withExtendedLifetime(engine) {}
    }

    @Test func `have the engine's own identity where no role is named`() throws {
        let moto = try Self.shared.get()
        let ran = try exec(
            ["--endpoint-url", moto.scene.endpoint, "--"] + play("own", moto), moto.environment)
        struct Own: Decodable { var name, key: String }
        let own = try JSONDecoder().decode(Own.self, from: Data(ran.output.utf8))
        #expect(own.name == "Account 003" && own.key == moto.scene.accessKeyID)
    }

    @Test func `of a role that is refused are not started, and the reason is said`() throws {
        let moto = try Self.shared.get()
        let mark = folder.path + "/started"
        let words = ["--role", moto.scene.closed, "--", "touch", mark]
        let alone = try exec(
            ["--endpoint-url", moto.scene.endpoint] + words, moto.environment)
        let engine = try engine("--endpoint-url \(moto.scene.endpoint)", moto.environment)
        for ran in [alone, try exec(words)] {
            #expect(ran.status == 1)
            #expect(ran.errors.contains("touch is not started: "), "\(ran.errors)")
            #expect(ran.errors.contains("AccessDenied"), "\(ran.errors)")
            #expect(!FileManager.default.fileExists(atPath: mark))
        }
        withExtendedLifetime(engine) {}
    }

    /// With keys that nobody is asked about.
    private static let keys = [
        "AWS_ACCESS_KEY_ID": "AKIACANARYCANARY0001", "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
    ]

    @Test func `end with their own statuses, and signals, in both ways`() throws {
        let engine = try engine("--latency 1ms")
        for environment in [[:], Self.keys] {
            let own = environment.isEmpty ? [] : ["--region", "eu-west-1"]
            for (script, status) in [
                ("exit 0", 0), ("exit 7", 7), ("kill -INT $$", 130), ("kill -TERM $$", 143),
                ("kill -KILL $$", 137),
            ] as [(String, Int32)] {
                let ran = try exec(own + ["--", "sh", "-c", script], environment)
                #expect(ran.status == status, "\(own) \(script): \(ran.errors)")
            }
            #expect(try exec(own + ["nosuchprogram"], environment).status == 127)
            #expect(try exec(own + ["/etc/passwd"], environment).status == 126)
            #expect(try exec(own + ["sh", "-c", "exit 5"], environment).status == 5)
        }
        #expect(try exec(["--"]).status == 64)
        withExtendedLifetime(engine) {}
    }

    @Test func `have exactly the right variables, and no secret in any`() throws {
        let ran = try exec(
            [
                "--region", "eu-west-1", "--", "sh", "-c",
                "env; cat /proc/$$/cmdline /proc/$PPID/cmdline /proc/$PPID/environ",
            ],
            Self.keys.merging([
                "AWS_SESSION_TOKEN": "canary-token", "AWS_PROFILE": "", "AWS_ROLE_ARN": "x",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "no_proxy": "a.example",
            ]) { $1 })
        let lines = ran.output.split(separator: "\n").map(String.init)
        let names = Set(
            lines.compactMap { $0.firstMatch(of: /^(AWS_[A-Z0-9_]+|NO_PROXY|no_proxy)=/)?.1 }
                .filter { $0 != "AWS_CA_BUNDLE" })
        #expect(
            names == [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_DYNAMODB", "NO_PROXY",
                "no_proxy", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
                "AWS_EC2_METADATA_DISABLED",
            ])
        #expect(lines.contains("no_proxy=a.example,127.0.0.1"))
        #expect(lines.contains("AWS_REGION=eu-west-1"))
        #expect(!ran.output.contains("canary") && !ran.errors.contains("canary-"))
    }

    @Test func `of a terminal have its keys, stop, go on and end as jobs do`() throws {
        let script = folder.path + "/job"
        try """
        trap 'echo INTERRUPTED; exit 3' INT
        echo READY
        while :; do sleep 0.1; done
        """.write(toFile: script, atomically: true, encoding: .utf8)
        let terminal = try Terminal(
            "env PS1='prompt> ' bash --norc", columns: 100,
            environment: common.merging(Self.keys) { $1 })
        try terminal.wait(for: "prompt>")
        try terminal.type("\(larder) exec --region eu-west-1 -- sh \(script)")
        try terminal.press("Enter")
        try terminal.wait(for: "READY")
        try terminal.press("C-z")
        try terminal.wait(for: "Stopped")
        try terminal.type("fg")
        try terminal.press("Enter")
        try terminal.press("C-c")
        try terminal.wait(for: "INTERRUPTED")
        try terminal.type("echo status $?")
        try terminal.press("Enter")
        try terminal.wait(for: "status 3")
    }

    // MARK: The other ways to it

    @Test func `by a profile's credential_process have one session, however many ask at once`()
        throws
    {
        let moto = try Self.shared.get()
        let engine = try engine("--endpoint-url \(moto.scene.endpoint)", moto.environment)
        let before = try moto.counts()
        // Forty processes, all of them started before the first has its keys.
        let ran = try run(
            [
                "sh", "-c",
                "seq 40 | xargs -P 40 -I{} \(larder) credential-process --role "
                    + moto.scene.reader,
            ], environment: common)
        let keys = ran.output.split(separator: "\n")
        #expect(ran.status == 0 && keys.count == 40 && Set(keys).count == 1, "\(ran.errors)")
        #expect(keys.first?.hasPrefix(#"{"Version":1,"AccessKeyId":"ASIA"#) == true)
        let after = try moto.counts()
        #expect(after["AssumeRole", default: 0] - before["AssumeRole", default: 0] == 1)
        // And on its own, where none runs.
        let alone = try run(
            [
                larder, "credential-process", "--endpoint-url", moto.scene.endpoint, "--role",
                moto.scene.reader,
            ], environment: common.merging(moto.environment) { $1 })
        #expect(alone.output.contains("\"SessionToken\":"), "\(alone.errors)")
        let refused = try run(
            [larder, "credential-process", "--role", moto.scene.closed], environment: common)
        #expect(refused.status == 1 && refused.output.isEmpty)
        #expect(refused.errors.contains("AccessDenied"))
        withExtendedLifetime(engine) {}
    }

    @Test func `are what a fuzzer of the endpoint of credentials finds nothing wrong with`() throws
    {
        let engine = try engine("--latency 1ms")
        let lines = try run([larder, "env"], environment: common).output
        func value(_ name: String) throws -> String {
            let line = lines.split(separator: "\n").first { $0.hasPrefix("export \(name)=") }
            return String(try #require(line).dropFirst("export \(name)='".count).dropLast())
        }
        let base = try value("AWS_CONTAINER_CREDENTIALS_FULL_URI").replacing(
            "/credentials", with: "")
        // The same examples every time: a test that fails by luck says little.
        let ran = try run(
            [
                try python(), "-m", "schemathesis.cli", "run",
                packageRoot.appending(path: "Tests/Peers/credentials.json").path, "--url", base,
                "--max-examples", "40", "--generation-deterministic", "--no-color", "-H",
                "Authorization: \(value("AWS_CONTAINER_AUTHORIZATION_TOKEN"))",
            ], environment: ["NO_PROXY": "*", "HOME": folder.path])
        #expect(ran.status == 0, "\(ran.output.suffix(3000))\(ran.errors.suffix(500))")
        // It had keys, too.
        let rows = try run(
            [larder, "entries", "credentials", "--format", "csv"], environment: common)
        #expect(rows.output.contains("\ncredentials,1000000000"), "\(rows)")
        withExtendedLifetime(engine) {}
    }

    @Test func `by the lines of larder env use an engine, and are told where there is none`()
        throws
    {
        let nobody = try run([larder, "env"], environment: common)
        #expect(nobody.status == 69 && nobody.output.isEmpty)
        #expect(nobody.errors.contains("larder serve --gateway on"))
        let moto = try Self.shared.get()
        let engine = try engine("--endpoint-url \(moto.scene.endpoint)", moto.environment)
        let words = try play("own", moto).map { "'\($0)'" }.joined(separator: " ")
        let ran = try run(
            ["sh", "-c", "set -e; lines=$(\(larder) env); eval \"$lines\"; exec \(words)"],
            environment: common.merging(["AWS_PROFILE": "none"]) { $1 })
        #expect(ran.output.contains("\"name\": \"Account 003\""), "\(ran.errors)")
        withExtendedLifetime(engine) {}
    }

    @Test func `go through the one gateway there is, or are asked which`() throws {
        let moto = try Self.shared.get()
        let one = try engine("--latency 1ms")
        let two = try Terminal(
            "exec \(larder) serve --name other --gateway 127.0.0.1:0 --latency 1ms", columns: 200,
            environment: common)
        try two.wait(for: "other.sock")
        let both = try exec(["--", "true"])
        #expect(both.status == 64 && both.errors.contains("name one with --target"))
        let named = try exec(["--target", "other", "--", "true"])
        #expect(named.status == 0 && named.errors.contains("DEMO"), "\(named.errors)")
        #expect(try exec(["--target", "nosuch", "--", "true"]).status == 69)
        withExtendedLifetime((one, two, moto)) {}
    }
}
