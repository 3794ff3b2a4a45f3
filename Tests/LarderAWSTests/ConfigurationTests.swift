import Foundation
import Larder
import LarderInspector
import LarderTesting
import Synchronization
import TestSupport
import Testing

@testable import LarderAWS

/// Profile files and environments, beside what botocore makes of the same.
@Suite(.timeLimit(.minutes(Fuzz.minutes(2)))) struct ConfigurationTests {
    /// A case: what the files hold, what the environment says beside their places, and which
    /// profile is asked for.
    struct Case: CustomTestStringConvertible {
        var name: String
        var config = ""
        var credentials = ""
        var environment: [String: String] = [:]
        var profile: String?
        var testDescription: String { name }
    }

    static let keys = "aws_access_key_id = AKIAFIRST\naws_secret_access_key = first\n"
    private static let others = "aws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n"
    private static let session = keys + "aws_session_token = token\n"
    private static let inEnvironment = [
        "AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env",
    ]
    static let role = "role_arn = arn:aws:iam::222222222222:role/reader\n"

    /// `TOKEN`, `BASE` and `PROGRAM` stand for a file, the server's address and a program.
    static let cases: [Case] = [
        Case(name: "nothing at all"),
        Case(name: "keys in the environment", environment: inEnvironment),
        Case(
            name: "a session in the environment",
            environment: inEnvironment.merging(["AWS_SESSION_TOKEN": "token"]) { $1 }),
        Case(
            name: "keys in the environment that end",
            environment: inEnvironment.merging(
                ["AWS_CREDENTIAL_EXPIRATION": "2096-01-01T00:00:00+00:00"]) { $1 }),
        Case(
            name: "keys in the environment that have ended",
            environment: inEnvironment.merging(
                ["AWS_CREDENTIAL_EXPIRATION": "2001-01-01 00:00:00Z"]) { $1 }),
        Case(
            name: "keys in the environment whose end is no moment",
            environment: inEnvironment.merging(["AWS_CREDENTIAL_EXPIRATION": "soon"]) { $1 }),
        Case(
            name: "keys in the environment whose end has no zone",
            environment: inEnvironment.merging(
                ["AWS_CREDENTIAL_EXPIRATION": "2096-01-01T00:00:00"]) { $1 }),
        Case(
            name: "an end of no keys", credentials: "[default]\n" + keys,
            environment: ["AWS_CREDENTIAL_EXPIRATION": "2001-01-01T00:00:00Z"]),
        Case(
            name: "a role by an environment that has ended",
            config: "[profile p]\n" + role + "credential_source = Environment\n",
            environment: inEnvironment.merging(
                ["AWS_CREDENTIAL_EXPIRATION": "2001-01-01T00:00:00Z"]) { $1 }, profile: "p"),
        Case(
            name: "half a pair in the environment", environment: ["AWS_ACCESS_KEY_ID": "AKIAENV"]),
        Case(name: "the default profile's keys", credentials: "[default]\n" + keys),
        Case(name: "the default profile's session", credentials: "[default]\n" + session),
        Case(name: "keys in the config file", config: "[default]\n" + keys),
        Case(
            name: "the credentials file before the config file", config: "[default]\n" + keys,
            credentials: "[default]\n" + others),
        Case(
            name: "the environment before files", credentials: "[default]\n" + keys,
            environment: inEnvironment),
        Case(
            name: "a profile asked for before the environment",
            credentials: "[default]\n" + keys + "[p]\n" + others, environment: inEnvironment,
            profile: "p"),
        Case(
            name: "the environment before a profile that the environment names",
            credentials: "[p]\n" + others,
            environment: inEnvironment.merging(["AWS_PROFILE": "p"]) { $1 }),
        Case(
            name: "AWS_PROFILE", config: "[profile p]\nregion = eu-west-1\n" + others,
            environment: ["AWS_PROFILE": "p"]),
        Case(
            name: "AWS_DEFAULT_PROFILE", config: "[profile p]\nregion = eu-west-1\n" + others,
            environment: ["AWS_DEFAULT_PROFILE": "p"]),
        Case(name: "a profile that is not there", credentials: "[p]\n" + keys, profile: "q"),
        Case(
            name: "a profile with a blank in its name", config: "[profile \"a b\"]\n" + keys,
            profile: "a b"),
        Case(
            name: "a config section without the word profile", config: "[p]\n" + keys, profile: "p"),
        Case(
            name: "half a pair in the credentials file",
            credentials: "[default]\naws_access_key_id = AKIAFIRST\n"),
        Case(
            name: "half a pair in the config file",
            config: "[default]\naws_access_key_id = AKIAFIRST\n"),
        Case(
            name: "an id in one file and the secret in the other",
            config: "[default]\naws_secret_access_key = first\n",
            credentials: "[default]\naws_access_key_id = AKIAFIRST\n"),
        Case(
            name: "names in any case, colons, comments, blanks",
            credentials:
                "# a comment\n[default]\n; another\nAWS_Access_Key_ID: AKIAFIRST\n\n"
                + "  aws_secret_access_key   =   first = # x\n"),
        Case(
            name: "Windows line ends",
            credentials: ("[default]\n" + keys).replacing("\n", with: "\r\n")),
        Case(name: "no line end at the end", credentials: "[default]\n" + keys.dropLast()),
        Case(name: "a setting before any section", credentials: keys),
        Case(name: "a line that is none", credentials: "[default]\n" + keys + "nonsense\n"),
        Case(name: "a section twice", credentials: "[default]\n" + keys + "[default]\n" + others),
        Case(
            name: "a setting twice", credentials: "[default]\n" + keys + "region = a\nregion = b\n"),
        Case(
            name: "a DEFAULT setting twice",
            credentials: "[DEFAULT]\nx = a\n[default]\n" + keys + "[DEFAULT]\nX = b\n"),
        Case(
            name: "DEFAULT settings are those of every section",
            credentials: "[DEFAULT]\naws_secret_access_key = shared\n[default]\n"
                + "aws_access_key_id = AKIAFIRST\n"),
        Case(name: "the region of the profile", config: "[default]\nregion = eu-west-1\n" + keys),
        Case(
            name: "the region of the environment", config: "[default]\nregion = eu-west-1\n" + keys,
            environment: ["AWS_DEFAULT_REGION": "us-west-2"]),
        Case(
            name: "an endpoint for all",
            config: "[default]\nendpoint_url = http://127.0.0.1:1\n" + keys),
        Case(
            name: "an endpoint of the services section",
            config: "[default]\nservices = s\nendpoint_url = http://127.0.0.1:1\n" + keys
                + "[services s]\ndynamodb =\n  endpoint_url = http://127.0.0.1:2\n"),
        Case(
            name: "a services section that is not there",
            config: "[default]\nservices = s\n" + keys),
        Case(
            name: "the environment's endpoint before the profile's",
            config: "[default]\nservices = s\n" + keys
                + "[services s]\ndynamodb =\n  endpoint_url = http://127.0.0.1:2\n",
            environment: ["AWS_ENDPOINT_URL": "http://127.0.0.1:3"]),
        Case(
            name: "the service's own before that", credentials: "[default]\n" + keys,
            environment: [
                "AWS_ENDPOINT_URL": "http://127.0.0.1:3",
                "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:4",
            ]),
        Case(
            name: "no endpoint is to be heeded", credentials: "[default]\n" + keys,
            environment: [
                "AWS_ENDPOINT_URL": "http://127.0.0.1:3",
                "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
            ]),
        Case(
            name: "a role by another profile's keys",
            config: "[default]\n" + role + "source_profile = p\nexternal_id = ext\n"
                + "role_session_name = name\nduration_seconds = 1800\n[profile p]\n" + others),
        Case(
            name: "a role before the profile's own keys",
            config: "[default]\n" + role + "source_profile = p\n" + keys,
            credentials: "[p]\n" + others),
        Case(
            name: "a role by the profile's own keys",
            config: "[profile p]\n" + role + "source_profile = p\n", credentials: "[p]\n" + others,
            profile: "p"),
        Case(
            name: "a role by a role",
            config: "[default]\n" + role + "source_profile = p\n[profile p]\n"
                + "role_arn = arn:aws:iam::333333333333:role/middle\nsource_profile = q\n"
                + "external_id = ee\n",
            credentials: "[q]\n" + session),
        Case(
            name: "a source's own keys before its role",
            config: "[default]\n" + role + "source_profile = p\n[profile p]\n"
                + "role_arn = arn:aws:iam::333333333333:role/middle\nsource_profile = q\n" + others,
            credentials: "[q]\n" + session),
        Case(
            name: "source profiles that go round",
            config: "[default]\n" + role + "source_profile = p\n[profile p]\n" + role
                + "source_profile = default\n"),
        Case(
            name: "a source that is itself and has no keys",
            config: "[default]\n" + role + "source_profile = default\n"),
        Case(
            name: "a source that is not there",
            config: "[default]\n" + role + "source_profile = nobody\n"),
        Case(
            name: "a source without credentials",
            config: "[default]\n" + role + "source_profile = p\n[profile p]\nregion = a\n"),
        Case(
            name: "a source with half a pair",
            config: "[default]\n" + role
                + "source_profile = p\n[profile p]\naws_access_key_id = AKIAOTHER\n"),
        Case(name: "a role and no source", config: "[default]\n" + role),
        Case(
            name: "a role and two sources",
            config: "[default]\n" + role + "source_profile = p\ncredential_source = Environment\n"
                + "[profile p]\n" + keys),
        Case(
            name: "a role by the environment",
            config: "[profile p]\n" + role + "credential_source = Environment\n",
            environment: inEnvironment, profile: "p"),
        Case(
            name: "a role by an environment that is empty",
            config: "[profile p]\n" + role + "credential_source = Environment\n", profile: "p"),
        Case(
            name: "a role by a source unheard of",
            config: "[default]\n" + role + "credential_source = Moon\n"),
        Case(
            name: "a role by a container",
            config: "[profile p]\n" + role + "credential_source = EcsContainer\n",
            environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "BASE/keys"], profile: "p"),
        Case(
            name: "a program", config: "[default]\ncredential_process = PROGRAM good 'a b'\n"),
        Case(
            name: "a program's session",
            config: "[default]\ncredential_process = PROGRAM session\n"),
        Case(
            name: "keys before a program",
            config: "[default]\ncredential_process = PROGRAM good\n",
            credentials: "[default]\n" + keys),
        Case(
            name: "a program before the config file's keys",
            config: "[default]\ncredential_process = PROGRAM good\n" + keys),
        Case(
            name: "a program that fails", config: "[default]\ncredential_process = PROGRAM fail\n"),
        Case(
            name: "a program of another version",
            config: "[default]\ncredential_process = PROGRAM version\n"),
        Case(
            name: "a program that leaves the secret out",
            config: "[default]\ncredential_process = PROGRAM half\n"),
        Case(
            name: "a program that is a source",
            config: "[default]\n" + role
                + "source_profile = p\n[profile p]\ncredential_process = PROGRAM good\n"),
        Case(
            name: "a web identity of the profile",
            config: "[default]\n" + role
                + "web_identity_token_file = TOKEN\nrole_session_name = nn\n"),
        Case(
            name: "a web identity of the environment",
            environment: [
                "AWS_WEB_IDENTITY_TOKEN_FILE": "TOKEN", "AWS_ROLE_SESSION_NAME": "nn",
                "AWS_ROLE_ARN": "arn:aws:iam::222222222222:role/reader",
            ]),
        Case(
            name: "a web identity without a role",
            environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": "TOKEN"]),
        Case(
            name: "a web identity that is a source",
            config: "[default]\n" + role + "source_profile = p\n[profile p]\n"
                + "role_arn = arn:aws:iam::333333333333:role/web\n"
                + "web_identity_token_file = TOKEN\nrole_session_name = nn\n"),
        Case(
            name: "an empty session token",
            credentials: "[default]\n" + keys
                + "aws_session_token =\n"),
        Case(
            name: "an empty session token in the config file",
            config: "[default]\n" + keys + "aws_session_token =\n"),
        Case(
            name: "the older name of the session token",
            credentials: "[default]\n" + keys + "aws_security_token = older\n"),
        Case(
            name: "the older name before the newer",
            credentials: "[default]\n" + session + "aws_security_token = older\n"),
        Case(
            name: "the older name before the newer, and empty",
            config: "[default]\n" + session + "aws_security_token =\n"),
        Case(
            name: "the older variable of the session token",
            environment: inEnvironment.merging(["AWS_SECURITY_TOKEN": "older"]) { $1 }),
        Case(
            name: "the older variable before the newer",
            environment: inEnvironment.merging(
                ["AWS_SECURITY_TOKEN": "older", "AWS_SESSION_TOKEN": "newer"]) { $1 }),
        Case(
            name: "the older variable empty",
            environment: inEnvironment.merging(
                ["AWS_SECURITY_TOKEN": "", "AWS_SESSION_TOKEN": "newer"]) { $1 }),
        Case(
            name: "lines that saml2aws and others write",
            credentials: "[default]\n" + session + "x_principal_arn = arn:x\n"
                + "x_security_token_expires = 2026-11-23T09:37:38+01:00\n"),
        Case(
            name: "files by $HOME and ~", config: "[default]\nregion = eu-west-1\n",
            credentials: "[default]\n" + keys,
            environment: [
                "AWS_CONFIG_FILE": "$HOME/config", "AWS_SHARED_CREDENTIALS_FILE": "~/credentials",
            ]),
        Case(
            name: "no config file at all", config: "[default]\n" + keys,
            credentials: "[default]\n" + others, environment: ["AWS_CONFIG_FILE": "/dev/null"]),
        Case(
            name: "a session to log in for", config: "[default]\nlogin_session = arn:x\n"),
        Case(
            name: "keys before a session to log in for",
            config: "[default]\nlogin_session = arn:x\n", credentials: "[default]\n" + keys),
        Case(
            name: "SSO before keys", config: "[default]\nsso_account_id = 1\nsso_role_name = r\n",
            credentials: "[default]\n" + keys),
        Case(
            name: "a part of SSO after keys",
            config: "[default]\nsso_session = s\n[sso-session s]\nsso_region = us-east-1\n"
                + "sso_start_url = https://x\n",
            credentials: "[default]\n" + keys),
        Case(
            name: "a source that is SSO",
            config: "[default]\n" + role + "source_profile = p\n[profile p]\n"
                + "sso_account_id = 1\nsso_role_name = r\n"),
        Case(
            name: "FIPS of the profile",
            config: "[default]\nregion = eu-west-1\nuse_fips_endpoint = True\n" + keys),
        Case(
            name: "dual-stack of the environment before the profile's",
            config: "[default]\nregion = cn-north-1\nuse_dualstack_endpoint = false\n" + keys,
            environment: ["AWS_USE_DUALSTACK_ENDPOINT": "true"]),
        Case(
            name: "FIPS beside an endpoint of its own",
            config: "[default]\nuse_fips_endpoint = true\n" + keys,
            environment: ["AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:4"]),
        Case(
            name: "a profile that says only where", config: "[default]\nregion = eu-west-1\n",
            environment: [
                "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "BASE",
            ]),
        Case(
            name: "metadata that the profile names",
            config: "[default]\nec2_metadata_service_endpoint = BASE\n"
                + "metadata_service_timeout = 2\nmetadata_service_num_attempts = 2\n",
            environment: ["AWS_EC2_METADATA_DISABLED": "false"]),
        Case(
            name: "a program whose session ends in Python's words",
            config: "[default]\ncredential_process = PROGRAM python\n"),
        Case(
            name: "a program whose session ends at no moment",
            config: "[default]\ncredential_process = PROGRAM never\n"),
        Case(
            name: "a container's full address",
            environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "BASE/keys"]),
        Case(
            name: "a container's token",
            environment: [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "BASE/keys",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic abc",
            ]),
        Case(
            name: "a container's token in a file, before the other",
            environment: [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "BASE/keys",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic abc",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "TOKEN",
            ]),
        Case(
            name: "a container on another host",
            environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/keys"]),
        Case(
            name: "profile keys before a container", credentials: "[default]\n" + keys,
            environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "BASE/keys"]),
        Case(
            name: "instance metadata",
            environment: [
                "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "BASE",
            ]),
        Case(
            name: "a role by instance metadata",
            config: "[default]\n" + role + "credential_source = Ec2InstanceMetadata\n",
            environment: [
                "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "BASE",
            ]),
    ]

    private struct Answer: Decodable, Equatable {
        var id: String?
        var secret: String?
        var token: String?
        var region: String?
        var endpoint: String?
        var error: String?
    }

    /// An upstream that is STS, a container endpoint and instance metadata: what it gives says who
    /// asked, and for what.
    static func upstream() throws -> (Upstream, String) {
        let box = Guarded<Upstream?>(nil)
        let upstream = try Upstream { number in
            guard let request = box.withLock({ $0 })?.requests[number] else { return [.cut] }
            let lines = request.head.split(separator: "\r\n").map(String.init)
            let path = lines[0].split(separator: " ")[1]
            func header(_ name: String) -> String {
                lines.first { $0.lowercased().hasPrefix(name + ":") }?
                    .drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces) ?? "none"
            }
            let end = Date(timeIntervalSinceNow: 3600).formatted(.iso8601)
            switch path {
            case "/keys":
                let body =
                    #"{"AccessKeyId":"ASIACONTAINER","SecretAccessKey":"s","Token":"\#(header("authorization"))","Expiration":"\#(end)"}"#
                return [reply("200 OK", [], body)]
            case "/latest/api/token": return [reply("200 OK", [], "imds-token")]
            case "/latest/meta-data/iam/security-credentials/":
                return [reply("200 OK", [], "machine")]
            case "/latest/meta-data/iam/security-credentials/machine":
                let body =
                    #"{"Code":"Success","AccessKeyId":"ASIAMACHINE","SecretAccessKey":"s","Token":"\#(header("x-aws-ec2-metadata-token"))","Expiration":"\#(end)"}"#
                return [reply("200 OK", [], body)]
            default:
                // The session says which parameters came, and whose signature.
                let form = String(decoding: request.body, as: UTF8.self).split(separator: "&")
                    .filter {
                        !$0.hasPrefix("RoleSessionName=") || $0.hasSuffix("=nn")
                            || $0.hasSuffix("=name")
                    }
                    .sorted().joined(separator: "-")
                let signer =
                    header("authorization").split(separator: "=").dropFirst().first?
                    .split(separator: "/").first.map(String.init) ?? "unsigned"
                let action =
                    form.contains("WebIdentity") ? "AssumeRoleWithWebIdentity" : "AssumeRole"
                let body = """
                    <\(action)Response><\(action)Result><Credentials>\
                    <AccessKeyId>ASIA.\(signer)</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                    <SessionToken>\(form)</SessionToken><Expiration>\(end)</Expiration>\
                    </Credentials><AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>\
                    arn:aws:sts::222222222222:assumed-role/reader/n</Arn></AssumedRoleUser>\
                    </\(action)Result></\(action)Response>
                    """
                return [reply("200 OK", ["Content-Type: text/xml"], body)]
            }
        }
        box.withLock { $0 = upstream }
        return (upstream, upstream.endpoint)
    }

    private static let program = """
        #!/bin/sh
        keys='"AccessKeyId":"AKIAPROGRAM","SecretAccessKey":"s"'
        case "$1" in
        good) echo "{\\"Version\\":1,$keys}" ;;
        session) echo "{\\"Version\\":1,$keys,\\"SessionToken\\":\\"t\\",\\"Expiration\\":\\"2096-01-01T00:00:00Z\\"}" ;;
        python) echo "{\\"Version\\":1,$keys,\\"SessionToken\\":\\"t\\",\\"Expiration\\":\\"2096-01-01 00:00:00.5+00:00\\"}" ;;
        never) echo "{\\"Version\\":1,$keys,\\"SessionToken\\":\\"t\\",\\"Expiration\\":\\"2096-01-01 00:00\\"}" ;;
        torn) printf %s "{\\"Version\\":1,$keys,\\"SessionToken\\":\\"a\\\\nb\\"}" ;;
        version) echo "{\\"Version\\":2,$keys}" ;;
        half) echo '{"Version":1,"AccessKeyId":"AKIAPROGRAM"}' ;;
        fail) echo "out of order" >&2; exit 3 ;;
        esac
        """

    /// Lays a case's files out, and returns the environment for it.
    static func lay(_ example: Case, _ folder: URL, _ base: String) throws -> [String:
        String]
    {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        func place(_ text: String) -> String {
            text.replacing("TOKEN", with: folder.path + "/token").replacing("BASE", with: base)
                .replacing("PROGRAM", with: folder.path + "/program")
        }
        for (name, text) in [
            ("config", example.config), ("credentials", example.credentials),
            ("token", "the-token"), ("program", program),
        ] where !text.isEmpty {
            let text = ["token", "program"].contains(name) ? text : place(text)
            try text.write(to: folder.appending(path: name), atomically: false, encoding: .utf8)
        }
        chmod(folder.path + "/program", 0o700)
        var environment = [
            "HOME": folder.path, "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "",
            "AWS_CONFIG_FILE": folder.path + "/config",
            "AWS_SHARED_CREDENTIALS_FILE": folder.path + "/credentials",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_STS": base, "NO_PROXY": "*",
        ]
        // Where no region is the subject there is one: STS needs it.
        if !example.config.contains("region") { environment["AWS_DEFAULT_REGION"] = "us-east-1" }
        for (name, value) in example.environment {
            environment[name] = name.hasSuffix("TOKEN") ? value : place(value)
        }
        return environment
    }

    private static func ours(_ environment: [String: String], _ profile: String?) async -> Answer {
        do {
            let configuration = try AWSConfiguration(environment, profile: profile)
            let (client, provider) = try await configuration.client()
            let result: Result<Credentials, any Error>
            do { result = .success(try await provider.credentials()) } catch {
                result = .failure(error)
            }
            let endpoint = client.call("dynamodb", "GetItem", "").endpoint.url
            await client.shutdown()
            let keys = try result.get()
            return Answer(
                id: keys.accessKeyID, secret: keys.secretAccessKey.reveal(),
                token: keys.sessionToken?.reveal(), region: configuration.region, endpoint: endpoint
            )
        } catch {
            return Answer(error: (error as? AWSError)?.kind.description ?? "\(error)")
        }
    }

    /// What an error of botocore's is here.
    private static let kinds = [
        "NoCredentials": ["noCredentials"], "PartialCredentialsError": ["noCredentials"],
        "CredentialRetrievalError": ["noCredentials"],
        "InvalidConfigError": ["invalid", "noCredentials"],
        "InfiniteLoopConfigError": ["invalid"], "ConfigParseError": ["invalid"],
        "ProfileNotFound": ["invalid"], "ValueError": ["invalid"],
        "MissingDependencyException": ["noCredentials"], "LoginTokenLoadError": ["noCredentials"],
        "TypeError": ["noCredentials"], "RuntimeError": ["noCredentials"],
        "ParserError": ["noCredentials"],
    ]

    @Test func `files and environments are read as botocore reads them`() async throws {
        try await compare(Self.cases)
    }

    @Test func `any settings beside each other are read as botocore reads them`() async throws {
        try await compare(randomCases())
    }

    private func compare(_ cases: [Case]) async throws {
        let (upstream, base) = try Self.upstream()
        defer { upstream.stop() }
        let folder = try TemporaryFolder()
        let root = URL(filePath: folder.path)
        struct Asked: Encodable {
            var environment: [String: String]
            var profile: String?
        }
        let asked = try cases.enumerated().map { number, example in
            Asked(
                environment: try Self.lay(example, root.appending(path: "\(number)"), base),
                profile: example.profile)
        }
        let input = String(decoding: try JSONEncoder().encode(asked), as: UTF8.self)
        let script = packageRoot.appending(path: "Tests/Peers/botocore_profiles.py").path
        let ran = try run([python(), script], input: input)
        try #require(ran.status == 0, "\(ran.errors)")
        let theirs = try JSONDecoder().decode([Answer].self, from: Data(ran.output.utf8))
        try #require(theirs.count == cases.count)
        for ((example, asked), their) in zip(zip(cases, asked), theirs) {
            var their = their
            // An empty one is not sent by either.
            if their.token == "" { their.token = nil }
            var ours = await Self.ours(asked.environment, asked.profile)
            if let error = their.error {
                let kinds = Self.kinds[error] ?? []
                #expect(
                    kinds.contains(ours.error ?? ""), "\(example.name): \(ours), botocore \(error)")
            } else {
                ours.endpoint = ours.endpoint.map {
                    String($0.hasSuffix("/") ? $0.dropLast() : $0[...])
                }
                #expect(ours == their, "\(example.name)")
            }
        }
    }

    // MARK: In words

    private func refusal(
        config: String = "", credentials: String = "", environment: [String: String] = [:]
    ) async throws -> String {
        let folder = try TemporaryFolder()
        let root = URL(filePath: folder.path)
        let example = Case(
            name: "", config: config, credentials: credentials, environment: environment)
        let environment = try Self.lay(example, root, "http://127.0.0.1:1")
        do {
            let (client, provider) = try await AWSConfiguration(environment).client()
            let result: Result<Credentials, any Error>
            do { result = .success(try await provider.credentials()) } catch {
                result = .failure(error)
            }
            await client.shutdown()
            _ = try result.get()
            return "nothing failed"
        } catch {
            return "\(error)".replacing(root.path + "/", with: "")
        }
    }

    @Test func `an error names the file and the line`() async throws {
        let role = Self.role
        #expect(
            try await refusal(config: "[default]\n" + role + "source_profile = nobody\n")
                == "config:3: there is no profile \"nobody\" to be the source_profile")
        #expect(
            try await refusal(credentials: "[default]\n\naws_access_key_id = AKIA\n")
                == "credentials:3: aws_access_key_id stands without aws_secret_access_key; set both"
        )
        #expect(
            try await refusal(
                config: "[default]\n" + role + "source_profile = p\n[profile p]\n" + role
                    + "source_profile = default\n")
                == "config:6: the source profiles go round: default -> p -> default")
        #expect(
            try await refusal(credentials: "[default]\nsecret-value-here\n")
                == "credentials:2: this line sets nothing; write NAME = VALUE")
        #expect(
            try await refusal(config: "[default]\ncredential_process = PROGRAM fail\n")
                == "config:2: credential_process failed (exit code 3): out of order")
        #expect(
            try await refusal(config: "[default]\ncredential_process = PROGRAM torn\n")
                == "config:2: credential_process gave SessionToken with a line's end or another "
                + "character that no key has")
        #expect(
            try await refusal(
                config: "[default]\n" + role
                    + "duration_seconds = soon\nsource_profile = default\n",
                credentials: "[default]\n" + Self.keys)
                == "config:3: duration_seconds is \"soon\"; 900 to 43200 are accepted")
        #expect(
            try await refusal(config: "[default]\nsso_session = corp\n").hasPrefix(
                "config:2: SSO profiles are not supported"))
        #expect(
            try await refusal(
                config: "[default]\n" + role + "mfa_serial = arn:aws:iam::1:mfa/me\n"
                    + "source_profile = default\n", credentials: "[default]\n" + Self.keys
            ).contains("wants the code of arn:aws:iam::1:mfa/me, and there is no terminal"))
    }

    @Test(arguments: [
        ("region =\n", "config:2: region is empty; write one such as eu-west-1"),
        ("region = eu-west-1 # home\n", "config:2: \"eu-west-1 # home\" is no region"),
        (role + "source_profile = p ; base\n", "config:3: there is no profile \"p ; base\""),
        (
            "role_arn = arn:aws:iam::222222222222:role/r # it\nsource_profile = default\n",
            "config:2: "
        ),
        (role + "credential_source = Environment # x\n", "config:3: credential_source is"),
        (
            role + "source_profile = default\nduration_seconds = 3600 # an hour\n",
            "config:4: duration_seconds is"
        ),
        (
            role + "source_profile = default\nexternal_id = abc # theirs\n",
            "config:4: external_id: character 4 is none that it may have"
        ),
        (
            role + "source_profile = default\nrole_session_name = me ; too\n",
            "config:4: role_session_name: character 3 is none"
        ),
        (
            "endpoint_url = http://127.0.0.1:1 # moto\n",
            "config:2: \"http://127.0.0.1:1 # moto\" is no"
        ),
        ("aws_access_key_id = AKIA # mine\naws_secret_access_key = s\n", "config:2: this value is"),
        (keys + "aws_session_token = abc # mine\n", "config:4: this value is empty, goes on in"),
        (keys + "aws_session_token = abc\n  def\n", "config:4: this value is empty, goes on in"),
        (keys + "aws_security_token =\n  abc\n", "config:5: this line sets nothing; write"),
        (
            "credential_process =\noutput = key\n",
            "config:2: credential_process is empty; write a program"
        ),
        ("credential_process = '' key\n", "config:2: credential_process is empty; write a program"),
        (
            role + "web_identity_token_file = TOKEN # x\n",
            "token # x, the web identity's token of config:3, cannot be read"
        ),
    ])
    func `a value that is none, and a comment behind one, are told with file and line`(
        lines: String, sentence: String
    ) async throws {
        let error = try await refusal(
            config: "[default]\n" + lines,
            credentials: lines.contains("key") ? "" : "[default]\n" + Self.keys)
        #expect(error.hasPrefix(sentence), "\(error)")
        let isComment = lines.contains(" # ") || lines.contains(" ; ")
        #expect(error.contains("a comment stands in a line of its own") == isComment, "\(error)")
    }

    @Test(arguments: [
        ("", "token:1: there is no token"), ("\n \r\n", "token:1: there is no token"),
        ("eyJhbGciOiJ\nSUzI1NiJ9\n", "token:2: another line follows"),
        ("\n\neyJhbGciOiJ\r\n\r\nSUzI1NiJ9", "token:5: another line follows"),
        ("eyJh bGci", "token:1: there is a blank or another character"),
        ("eyJhbGci\u{301}", "token:1: there is a blank or another character"),
        ("e", "token:1: 4 to 20000 characters"),
    ])
    func `a token that is none is told with file and line, and not sent`(
        text: String, sentence: String
    ) async throws {
        let error = try await failure { try WebIdentityProvider.token(text, "token") }
        #expect(error.description.hasPrefix(sentence), "\(error)")
        #expect(!error.description.contains("eyJ"))
    }

    @Test(arguments: ["token", "token\n", "\r\n token \n\n", "token\r"])
    func `line breaks around a token are no part of it`(text: String) throws {
        #expect(try WebIdentityProvider.token(text, "token") == "token")
    }

    /// What a profile may say of keys that are not to be had here.
    @Test(arguments: [
        ("sso_start_url = https://x\nsso_region = a\n", "", "config:2: SSO profiles are not"),
        (
            "sso_role_name = r\n", ConfigurationTests.keys,
            "config:2: SSO profiles are not supported; log in and"
        ),
        ("sso_region = r\n", "", "config:2: SSO profiles are not supported"),
        ("login_session = arn:x\n", "", "config:2: profiles of aws login are not supported; log"),
        ("granted_sso_start_url = x\n", "", "config:2: the profile \"default\" has granted_sso_"),
        ("source_profile = p\n", "", "config:2: the profile \"default\" has source_profile and no"),
        ("credentials_process = x\n", "", "config:2: the profile \"default\" has credentials_proc"),
        ("region = a\nmfa_serial = x\n", "", "config:3: the profile \"default\" has mfa_serial"),
        ("", "aws_session_token = x\n", "credentials:2: the profile \"default\" has aws_session"),
        ("", "aws_acces_key_id = x\n", "credentials:2: the profile \"default\" has aws_acces_key"),
        ("region = a\n", "x_principal_arn = x\n", "credentials:2: the profile \"default\" has x_"),
    ])
    func `a profile that names another source of keys never gives way to the machine`(
        config: String, credentials: String, part: String
    ) async throws {
        let (upstream, base) = try Self.upstream()
        defer { upstream.stop() }
        for machine in [
            ["AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": base],
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": base + "/keys"],
        ] {
            let sentence = try await refusal(
                config: config.isEmpty ? "" : "[default]\n" + config,
                credentials: credentials.isEmpty ? "" : "[default]\n" + credentials,
                environment: machine)
            #expect(sentence.hasPrefix(part), "\(sentence)")
            #expect(upstream.requests.isEmpty)
        }
    }

    @Test(arguments: [
        (["AWS_SECRET_ACCESS_KEY": "canary"], "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID"),
        (["AWS_CREDENTIAL_FILE": "/x"], "AWS_CREDENTIAL_FILE is not supported; write the keys to"),
        (["BOTO_CONFIG": "~/config"], "config:2: keys of boto's own file are not supported"),
    ])
    func `keys that cannot be used never give way to the machine`(
        environment: [String: String], part: String
    ) async throws {
        let (upstream, base) = try Self.upstream()
        defer { upstream.stop() }
        let machine = [
            "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": base,
        ]
        let sentence = try await refusal(
            config: environment["BOTO_CONFIG"] == nil
                ? "[default]\nregion = a\n" : "[Credentials]\naws_access_key_id = AKIA\n",
            environment: environment.merging(machine) { own, _ in own })
        #expect(sentence.hasPrefix(part), "\(sentence)")
        #expect(upstream.requests.isEmpty)
    }

    @Test func `an Expiration that is none is named, and the form that is expected`() async throws {
        let sentence = try await refusal(config: "[default]\ncredential_process = PROGRAM never\n")
        #expect(
            sentence == "config:2: credential_process gave \"2096-01-01 00:00\" as Expiration; a "
                + "time with its zone such as 2026-11-23T08:37:38Z is expected")
    }

    @Test func `keys of the environment are used until they end, and not after`() async throws {
        let end = Date(timeIntervalSinceNow: 100)
        let clock = TestClock()
        let (client, signer) = try await AWSConfiguration([
            "AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env",
            "AWS_CREDENTIAL_EXPIRATION": end.formatted(.iso8601), "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        ]).client(clock: clock.neverWaking)
        clock.advance(by: .seconds(50))
        #expect(
            try await signer.credentials().expiration?.timeIntervalSince(end).magnitude ?? 9 < 1)
        clock.advance(by: .seconds(60))
        let error = try await failure { try await signer.credentials() }
        await client.shutdown()
        #expect(
            error.description == "these keys ended at \(end.formatted(.iso8601)), as "
                + "AWS_CREDENTIAL_EXPIRATION says; set new ones and start again")
    }

    @Test func `what is not heeded is named`() throws {
        let folder = try TemporaryFolder()
        let root = URL(filePath: folder.path)
        let example = Case(
            name: "",
            config: "[default]\nregion = a\noutput = json\nmax_atempts = 5\nsource_profile = p\n"
                + "x_expires = y\ncli_pager =\ns3 =\n  a = b\n[profile p]\n"
                + "sigv4a_signing_region_set = x\n" + Self.keys,
            credentials: "[default]\naws_expiration = soon\nassumed_role = x\nanything = y\n"
                + "aws_secret_acces_key = z\naws_session_token_expiration = y\n"
                + "aws_credential_expires_at = y\ntoolkit_artifact_guid = y\nlast_login = y\n")
        let configuration = try AWSConfiguration(try Self.lay(example, root, ""))
        #expect(
            configuration.warnings.map { $0.replacing(root.path + "/", with: "") } == [
                "config:4: max_atempts is not heeded",
                "credentials:5: aws_secret_acces_key is not heeded",
                "config:11: sigv4a_signing_region_set is not heeded",
            ])
    }

    @Test(arguments: [
        ("a b", ["a", "b"]), (" a  'b c' ", ["a", "b c"]),
        (#"a "b \"c\" \d" e\ f"#, ["a", #"b "c" \d"#, "e f"]),
        ("''", [""]), ("", []), ("a'b'\"c\"", ["abc"]),
    ])
    func `a command is taken apart as a shell would`(text: String, words: [String]) {
        #expect(shellWords(text) == words)
        #expect(shellWords(text + " 'open") == nil)
    }

    @Test func `keys of a profile are kept, and a role's refreshed`() async throws {
        let (upstream, base) = try Self.upstream()
        defer { upstream.stop() }
        let folder = try TemporaryFolder()
        let root = URL(filePath: folder.path)
        let example = Case(
            name: "",
            config: "[default]\n" + Self.role + "source_profile = p\n[profile p]\n" + Self.keys)
        let environment = try Self.lay(example, root, base)
        let clock = TestClock()
        let (client, _) = try await AWSConfiguration(environment).client(
            endpointURL: base, clock: clock.neverWaking)
        for wait in [Duration.zero, .seconds(1800), .seconds(1200)] {
            clock.advance(by: wait)
            for _ in 0..<3 {
                _ = try? await client.dynamoDB.getItem(table: "t", key: .init("id", .string("a")))
            }
        }
        await client.shutdown()
        let assumed = upstream.requests.count {
            String(decoding: $0.body, as: UTF8.self).contains("Action=AssumeRole")
        }
        #expect(assumed == 2)
    }

    // MARK: Any file, any command

    private enum Read: Decodable, Equatable {
        case text(String)
        case block([String: String])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .block(try container.decode([String: String].self))
            }
        }

        init(_ setting: Setting) throws {
            self =
                setting.value.hasPrefix("\n")
                ? .block(try setting.nested().mapValues(\.value)) : .text(setting.value)
        }
    }

    private struct Parsed: Decodable, Equatable {
        var profiles: [String: [String: Read]]
        var services: [String: [String: Read]]
    }

    @Test func `the mark that Windows writes before the first line is passed over`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/config"
        try Data("\u{feff}[default]\r\nregion = a\r\n".utf8).write(to: URL(filePath: path))
        let file = try #require(try SettingsFile(path: path))
        #expect(file.sections.map(\.name) == ["default"])
    }

    @Test func `any file and any command is read as botocore reads it`() throws {
        let folder = try TemporaryFolder()
        struct Asked: Encodable {
            var files: [String]
            var commands: [String]
        }
        struct Answered: Decodable {
            var files: [Parsed?]
            var commands: [[String]?]
        }
        let texts = randomFiles()
        let files = try texts.enumerated().map { number, text in
            let path = "\(folder.path)/\(number)"
            try Data(text.utf8).write(to: URL(filePath: path))
            return path
        }
        let commands = randomCommands()
        let input = String(
            decoding: try JSONEncoder().encode(Asked(files: files, commands: commands)),
            as: UTF8.self)
        let script = packageRoot.appending(path: "Tests/Peers/botocore_files.py").path
        let ran = try run([python(), script], input: input)
        try #require(ran.status == 0, "\(ran.errors)")
        let theirs = try JSONDecoder().decode(Answered.self, from: Data(ran.output.utf8))
        for (path, (text, their)) in zip(files, zip(texts, theirs.files)) {
            let ours = try? Self.parsed(path, folder.path)
            #expect(ours == their, "\(text.debugDescription)")
        }
        for (command, their) in zip(commands, theirs.commands) {
            #expect(shellWords(command) == their, "\(command.debugDescription)")
        }
        #expect(theirs.files.contains { $0 == nil } && theirs.files.contains { $0 != nil })
    }

    private static func parsed(_ path: String, _ folder: String) throws -> Parsed {
        let profiles = try Profiles([
            "AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": folder + "/none",
        ])
        return Parsed(
            profiles: try profiles.inConfig.mapValues { try $0.mapValues { try Read($0) } },
            services: try profiles.services.mapValues { try $0.mapValues { try Read($0) } })
    }
}
