import AsyncHTTPClient
import Foundation
import LarderInspector
import TestSupport
import Testing

@testable import LarderAWS

/// Where requests go and through what, beside where botocore sends them.
@Suite(.timeLimit(.minutes(Fuzz.minutes(2)))) struct NetworkTests {
    private struct Asked: Encodable {
        struct Proxied: Encodable {
            var environment: [String: String]
            var url: String
        }
        struct Path: Encodable {
            var environment: [String: String]
            var path: String
        }
        var regions: [String]
        var proxies: [Proxied]
        var paths: [Path]
        var times: [String]
    }

    private struct Answered: Decodable {
        struct Place: Decodable {
            var service: String
            var region: String
            var isFIPS: Bool
            var isDualStack: Bool
            var isGlobalSTS: Bool
            var url: String?
            var signed: String?
        }
        struct Proxied: Decodable {
            var url: String
            var header: String?
        }
        var endpoints: [Place]
        var proxies: [Proxied?]
        var paths: [String]
        var times: [Double?]
    }

    @Test func `endpoints, proxies, paths and times are as botocore has them`() throws {
        let asked = Asked(
            regions: [
                "local", "eu-nowhere-9", "xx-north-1", "us-gov-nowhere-3", "cn-nowhere-12",
                "eusc-de-west-2", "us-iso-nowhere-1", "fips-us-east-1", "us-gov-west-1-fips",
                "eu-west", "us-isob-x-2", "eusc-fr-west-1",
            ],
            proxies: randomProxies().map { .init(environment: $0.environment, url: $0.url) },
            paths: randomPaths().map { .init(environment: $0.environment, path: $0.path) },
            times: randomTimes())
        let input = String(decoding: try JSONEncoder().encode(asked), as: UTF8.self)
        let script = packageRoot.appending(path: "Tests/Peers/botocore_network.py").path
        let ran = try run([python(), script], input: input)
        try #require(ran.status == 0, "\(ran.errors)")
        let theirs = try JSONDecoder().decode(Answered.self, from: Data(ran.output.utf8))
        #expect(theirs.endpoints.count > 500)
        for place in theirs.endpoints { try compare(place) }
        for (asked, their) in zip(asked.proxies, theirs.proxies) {
            let ours = try Proxies(asked.environment).proxy(for: asked.url)
            #expect(ours?.authorization?.headerValue == their?.header, "\(asked)")
            #expect(
                ours.map { Self.place($0) }
                    == (try their.map { try Proxy($0.url, variable: "") })
                    .map { Self.place($0) }, "\(asked), botocore \(their as Any)")
        }
        #expect(theirs.proxies.contains { $0 == nil } && theirs.proxies.contains { $0 != nil })
        for (asked, their) in zip(asked.paths, theirs.paths) {
            #expect(expandedPath(asked.path, asked.environment) == their, "\(asked)")
        }
        var known = 0
        for (asked, their) in zip(asked.times, theirs.times) {
            let ours = looseTime(asked)?.timeIntervalSince1970
            known += their == nil ? 0 : 1
            #expect(
                ours == their || abs((ours ?? 0) - (their ?? .infinity)) < 1e-5,
                "\(asked.debugDescription): \(ours as Any), botocore \(their as Any)")
        }
        #expect(known > asked.times.count / 3)
    }

    private static func place(_ proxy: Proxy) -> String { "\(proxy.host):\(proxy.port)" }

    private func compare(_ place: Answered.Place) throws {
        var network = NetworkSettings()
        network.variant = .init(
            isFIPS: place.isFIPS, isDualStack: place.isDualStack, isGlobalSTS: place.isGlobalSTS)
        let bare = place.region.replacing("fips-", with: "").replacing("-fips", with: "")
        if bare != place.region { network.variant.isFIPS = true }
        if place.region == "local", place.isFIPS || place.isDualStack {
            // Refused for both, where botocore refuses it for DynamoDB.
            #expect(place.service != "dynamodb" || place.url == nil)
            return
        }
        // DynamoDB on this machine has its streams at the same address; botocore's is nowhere.
        if place.region == "local", place.service == "dynamodbstreams" { return }
        let service =
            place.service == "dynamodbstreams" ? DynamoDBStreams.service : place.service
        let ours = Endpoint(service: service, region: bare, network.variant)
        #expect(ours.url == place.url && ours.signingRegion ?? bare == place.signed, "\(place)")
    }

    @Test func `no text of others traps, and none is repeated whole`() throws {
        for text in randomTexts() {
            _ = looseTime(text)
            _ = expandedPath(text, ["HOME": text])
            do {
                let proxies = try Proxies(["HTTPS_PROXY": text, "NO_PROXY": text])
                _ = proxies.proxy(for: "https://x.example/")
            } catch {
                #expect(text.count < 12 || !error.description.contains(text))
            }
        }
    }

    @Test(arguments: Partition.all.map(\.name))
    func `a role may be of any partition`(partition: String) throws {
        let role = try IAMRole("arn:\(partition):iam::222222222222:role/reader")
        #expect(role.shownKey == "222222222222/reader")
    }

    // MARK: Proxies in words

    @Test(arguments: [
        ("socks5://proxy:1080", "HTTPS_PROXY names a proxy of the kind socks5"),
        ("https://proxy:443", "HTTPS_PROXY names a proxy of the kind https"),
        ("http://user:canary@:3128", "HTTPS_PROXY is no proxy's address"),
        ("http://proxy:99999", "HTTPS_PROXY is no proxy's address"),
        ("http://proxy:x", "HTTPS_PROXY is no proxy's address"),
        ("canary canary://x", "HTTPS_PROXY names a proxy of the kind another"),
    ])
    func `what is no proxy is refused at the start, and not repeated`(
        text: String, part: String
    ) async throws {
        let error = try await failure {
            try await AWSConfiguration(["HTTPS_PROXY": text, "AWS_ACCESS_KEY_ID": "A"]).client()
        }
        #expect(error.kind == .invalid && error.description.hasPrefix(part), "\(error)")
        #expect(error.description.contains("write http://HOST:PORT"))
    }

    @Test func `a proxy's password is not shown`() throws {
        let proxy = try Proxy("http://user:canary@proxy:3128", variable: "https_proxy")
        #expect("\(proxy) \(String(reflecting: proxy))".contains("proxy:3128 of https_proxy"))
        var dumped = ""
        dump(proxy, to: &dumped)
        #expect(!dumped.contains("canary") && !dumped.contains(proxy.authorization!.headerValue))
    }

    // MARK: With real TLS

    private static let keys = [
        "AWS_ACCESS_KEY_ID": "AKIACANARYCANARY1234", "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_MAX_ATTEMPTS": "1",
    ]

    /// What the service behind the proxy was told of a request.
    private func told(
        _ environment: [String: String], endpointURL: String? = nil
    ) async throws -> [String: String] {
        let configuration = try AWSConfiguration(environment.merging(Self.keys) { own, _ in own })
        let (client, _) = try await configuration.client(endpointURL: endpointURL)
        let result: Result<DynamoDBItem, any Error>
        do { result = .success(try await item(client)) } catch { result = .failure(error) }
        await client.shutdown()
        let texts = try result.get().attributes.compactMap { name, value in
            if case .string(let text) = value { (name.text, text) } else { nil }
        }
        return Dictionary(uniqueKeysWithValues: texts)
    }

    @Test func `requests go through the proxy, to a service that the bundle vouches for`()
        async throws
    {
        let scene = try TLSProxy()
        let (open, strict) = ("127.0.0.1:\(scene.scene.proxy)", "127.0.0.1:\(scene.scene.strict)")
        let bundle = scene.scene.authority
        for environment in [
            ["HTTPS_PROXY": "http://\(open)", "AWS_CA_BUNDLE": bundle],
            ["https_proxy": open, "HTTPS_PROXY": "http://127.0.0.1:1", "AWS_CA_BUNDLE": bundle],
            ["HTTPS_PROXY": "//\(open)/", "REQUESTS_CA_BUNDLE": bundle, "NO_PROXY": "example.com"],
        ] {
            let answer = try await told(environment)
            #expect(answer["host"] == "dynamodb.us-east-1.amazonaws.com")
            #expect(answer["connect"] == "dynamodb.us-east-1.amazonaws.com:443")
            #expect(answer["authorization"] == "")
        }
        let named = try await told([
            "HTTPS_PROXY": "http://me:p%40ss@\(strict)", "AWS_CA_BUNDLE": bundle,
            "AWS_USE_FIPS_ENDPOINT": "true",
        ])
        #expect(named["authorization"] == "Basic " + Data("me:p@ss".utf8).base64EncodedString())
        #expect(named["connect"] == "dynamodb-fips.us-east-1.amazonaws.com:443")
        // Straight, because NO_PROXY names the host: the port is right too.
        for exception in ["localhost", "LOCALHOST:\(scene.scene.direct)", "a, .localhost", "*"] {
            let straight = try await told(
                [
                    "HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": exception,
                    "AWS_CA_BUNDLE": bundle,
                ], endpointURL: "https://localhost:\(scene.scene.direct)")
            #expect(straight["connect"] == "")
        }
    }

    @Test func `a profile names the bundle; a wrong one is refused with its place`() async throws {
        let scene = try TLSProxy()
        let folder = try TemporaryFolder()
        let config = folder.path + "/config"
        func say(_ path: String) throws -> [String: String] {
            try "[default]\nca_bundle = \(path)\n".write(
                toFile: config, atomically: false, encoding: .utf8)
            return [
                "AWS_CONFIG_FILE": config, "HTTPS_PROXY": "127.0.0.1:\(scene.scene.proxy)",
                "HOME": folder.path,
            ]
        }
        #expect(try await told(say(scene.scene.authority))["connect"]?.isEmpty == false)
        try FileManager.default.copyItem(
            atPath: scene.scene.authority, toPath: folder.path + "/own.pem")
        #expect(try await told(say("~/own.pem"))["connect"]?.isEmpty == false)
        for wrong in [folder.path, folder.path + "/none", config] {
            let error = try await failure { try await told(say(wrong)) }
            #expect(
                error.description
                    == "\(config):2: ca_bundle is \"\(wrong)\"; a readable file of certificates "
                    + "(PEM) is accepted")
        }
    }

    @Test func `what goes wrong at a proxy is told of it`() async throws {
        let scene = try TLSProxy()
        let (open, strict) = (scene.scene.proxy, scene.scene.strict)
        func sentence(
            _ environment: [String: String], endpointURL: String? = nil
        ) async throws -> String {
            try await failure {
                try await told(environment, endpointURL: endpointURL)
            }.description
        }
        #expect(
            try await sentence(["HTTPS_PROXY": "http://127.0.0.1:\(strict)"]).hasSuffix(
                "the proxy 127.0.0.1:\(strict) of HTTPS_PROXY wants to be told who asks; write "
                    + "http://USER:PASSWORD@HOST:PORT"))
        #expect(
            try await sentence(["https_proxy": "http://127.0.0.1:1"]).hasSuffix(
                "the proxy 127.0.0.1:1 of https_proxy cannot be reached: connection refused; check "
                    + "the proxy 127.0.0.1:1 of https_proxy, or name the host in NO_PROXY"))
        #expect(
            try await sentence(
                ["HTTPS_PROXY": "http://127.0.0.1:\(open)"],
                endpointURL: "https://refused.example"
            ).contains("does not lead to https://refused.example/"))
        #expect(
            try await sentence(["HTTPS_PROXY": "http://127.0.0.1:\(open)"]).contains(
                "its certificate is not trusted here (AWS_CA_BUNDLE names others to trust)"))
    }

    @Test func `no proxy is between us and the endpoints nearby`() async throws {
        let keys =
            #"{"AccessKeyId":"ASIACONTAINER","SecretAccessKey":"s","Token":"t","Expiration":"2096-01-01T00:00:00Z"}"#
        let upstream = try Upstream(reply("200 OK", [], keys))
        defer { upstream.stop() }
        let environment = [
            "HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1",
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "HOME": "/nowhere",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": upstream.endpoint + "/keys",
        ]
        let (client, signer) = try await AWSConfiguration(environment).client()
        let found = try? await signer.credentials()
        await client.shutdown()
        #expect(found?.accessKeyID == "ASIACONTAINER")
    }

    // MARK: The other settings

    @Test(arguments: [
        (["AWS_USE_FIPS_ENDPOINT": "1"], "AWS_USE_FIPS_ENDPOINT is \"1\"; true and false are"),
        (["AWS_USE_DUALSTACK_ENDPOINT": "yes"], "AWS_USE_DUALSTACK_ENDPOINT is \"yes\"; true"),
        (["AWS_MAX_ATTEMPTS": "0"], "AWS_MAX_ATTEMPTS is \"0\"; 1 to 100 are accepted"),
        (["AWS_MAX_ATTEMPTS": "many"], "AWS_MAX_ATTEMPTS is \"many\"; 1 to 100 are accepted"),
        (["AWS_RETRY_MODE": "never"], "AWS_RETRY_MODE is \"never\"; standard is accepted"),
        (["AWS_STS_REGIONAL_ENDPOINTS": "no"], "AWS_STS_REGIONAL_ENDPOINTS is \"no\"; regional"),
        (["AWS_CA_BUNDLE": "/nowhere"], "AWS_CA_BUNDLE is \"/nowhere\"; a readable file of"),
        (["AWS_USE_FIPS_ENDPOINT": "true", "AWS_REGION": "local"], "the region local has no FIPS"),
    ])
    func `what cannot be heeded is refused at the start`(
        environment: [String: String], part: String
    ) async throws {
        let error = try await failure {
            try await AWSConfiguration(environment.merging(Self.keys) { own, _ in own }).client()
        }
        #expect(error.kind == .invalid && error.description.hasPrefix(part), "\(error)")
    }

    @Test func `attempts are as many as the environment says, else the profile`() async throws {
        let upstream = try Upstream(reply("500 Out of order", [], "{}"))
        defer { upstream.stop() }
        let folder = try TemporaryFolder()
        try "[default]\nmax_attempts = 2\n".write(
            toFile: folder.path + "/config", atomically: false, encoding: .utf8)
        func attempts(_ environment: [String: String]) async throws -> Int {
            let before = upstream.requests.count
            _ = try await failure {
                try await told(environment, endpointURL: upstream.endpoint)
            }
            return upstream.requests.count - before
        }
        let config = ["AWS_CONFIG_FILE": folder.path + "/config"]
        #expect(try await attempts(config.merging(["AWS_MAX_ATTEMPTS": ""]) { $1 }) == 2)
        #expect(try await attempts(config.merging(["AWS_MAX_ATTEMPTS": "3"]) { $1 }) == 3)
    }

    @Test func `what is not heeded of the environment is named`() throws {
        let environment = [
            "ALL_PROXY": "socks5://x", "SSL_CERT_FILE": "/x", "AWS_RETRY_MODE": "adaptive",
            "AWS_DEFAULTS_MODE": "", "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_USE_FIPS_ENDPOINT": "TRUE", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        ].merging(Self.keys) { own, _ in own }
        #expect(
            try AWSConfiguration(environment).warnings == [
                "AWS_RETRY_MODE is adaptive, which is not heeded; requests are sent again by the "
                    + "rules of standard",
                "ALL_PROXY is not heeded; set HTTPS_PROXY",
                "SSL_CERT_FILE is not heeded; set AWS_CA_BUNDLE",
                "AWS_USE_FIPS_ENDPOINT does not change the endpoint that dynamodb was given",
                "AWS_USE_FIPS_ENDPOINT does not change the endpoint that sts was given",
                "AWS_SHARED_CREDENTIALS_FILE names /nowhere, which is not there",
            ])
    }

    @Test func `the manual names only variables that are read`() throws {
        let path = "Sources/LarderAWS/LarderAWS.docc/PointItAtAWS.md"
        let manual = try String(contentsOf: packageRoot.appending(path: path), encoding: .utf8)
        let folder = packageRoot.appending(path: "Sources/LarderAWS")
        let files = try #require(FileManager.default.enumerator(atPath: folder.path))
        var sources = ""
        for case let file as String in files where file.hasSuffix(".swift") {
            sources += try String(contentsOf: folder.appending(path: file), encoding: .utf8)
        }
        let names = Set(manual.matches(of: /`([A-Z][A-Z_]+[A-Z])`/).map { String($0.output.1) })
        #expect(names.count > 20)
        for name in names {
            // Some are put together of the word for what they are about and the rest.
            let isRead =
                sources.contains(name) || name.hasSuffix("_PROXY")
                || name.hasPrefix("AWS_ENDPOINT_URL_")
            #expect(isRead, "\(name) is named in the manual and read nowhere")
        }
    }
}
