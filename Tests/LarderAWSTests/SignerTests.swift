import Foundation
import Larder
import Synchronization
import TestSupport
import Testing

@testable import LarderAWS

/// Keys that are written anew while the engine runs.
@Suite(.timeLimit(.minutes(1))) struct SignerTests {
    private static let item = reply("200 OK", [], #"{"Item":{"account_number":{"S":"1"}}}"#)

    private final class Place {
        let folder: TemporaryFolder
        let credentials: String
        let upstream: Upstream
        let client: AWSClient
        let signer: Signer

        init(
            _ upstream: Upstream, _ environment: [String: String] = [:], config: String = "",
            text: String
        ) async throws {
            folder = try TemporaryFolder()
            credentials = folder.path + "/credentials"
            self.upstream = upstream
            try config.write(
                toFile: folder.path + "/config", atomically: false, encoding: .utf8)
            try text.write(toFile: credentials, atomically: false, encoding: .utf8)
            let files = [
                "HOME": folder.path, "AWS_CONFIG_FILE": folder.path + "/config",
                "AWS_SHARED_CREDENTIALS_FILE": credentials, "AWS_MAX_ATTEMPTS": "1",
                "AWS_EC2_METADATA_DISABLED": "true",
            ].merging(environment) { $1 }
            (client, signer) = try await AWSConfiguration(files).client(
                endpointURL: upstream.endpoint)
        }

        func write(_ text: String) throws {
            try text.write(toFile: credentials, atomically: false, encoding: .utf8)
        }

        /// Whose key signed the next request.
        func asks() async throws -> String {
            _ = try await LarderAWSTests.item(client)
            return Self.signer(of: upstream.requests.last!)
        }

        static func signer(of request: Upstream.Request) -> String {
            let start = request.head.firstRange(of: "Credential=")!.upperBound
            return String(request.head[start...].prefix { $0 != "/" })
        }
    }

    private static func keys(_ id: String, token: String = "") -> String {
        "[default]\naws_access_key_id = \(id)\naws_secret_access_key = secret\(id)\n"
            + (token.isEmpty ? "" : "aws_session_token = \(token)\n")
    }

    @Test func `keys are read again as soon as their file changes`() async throws {
        let upstream = try Upstream(Self.item)
        defer { upstream.stop() }
        let place = try await Place(upstream, text: Self.keys("AKIAFIRST"))
        let changes = Mutex(0)
        place.signer.onChange { changes.withLock { $0 += 1 } }
        #expect(try await place.asks() == "AKIAFIRST")
        try place.write(Self.keys("AKIASECOND", token: "t"))
        #expect(try await place.asks() == "AKIASECOND")
        #expect(upstream.requests.last!.head.lowercased().contains("x-amz-security-token: t"))
        #expect(changes.withLock { $0 } == 1)
        // Another file in its place, as careful tools write it.
        try Self.keys("AKIATHIRD").write(
            toFile: place.credentials, atomically: true, encoding: .utf8)
        #expect(try await place.asks() == "AKIATHIRD")
        // What is said of others changes nothing.
        try place.write(Self.keys("AKIATHIRD") + "[other]\nregion = x\n")
        #expect(try await place.asks() == "AKIATHIRD")
        #expect(changes.withLock { $0 } == 2)
        await place.client.shutdown()
    }

    @Test func `what is written half, or gone, changes nothing and makes nobody the machine`()
        async throws
    {
        let upstream = try Upstream(Self.item)
        defer { upstream.stop() }
        let place = try await Place(
            upstream, ["AWS_CONTAINER_CREDENTIALS_FULL_URI": upstream.endpoint + "/keys"],
            text: Self.keys("AKIAFIRST"))
        for text in [
            "", "[default]\n", "[default]\naws_access_key_id = AKIASECOND\n", "[defau",
            "[default]\naws_access_key_id = AKIASECOND\naws_secret",
        ] {
            try place.write(text)
            #expect(try await place.asks() == "AKIAFIRST")
            #expect(throws: AWSError.self) { try place.signer.readAgain() }
        }
        try FileManager.default.removeItem(atPath: place.credentials)
        #expect(try await place.asks() == "AKIAFIRST")
        try place.write(Self.keys("AKIASECOND"))
        #expect(try await place.asks() == "AKIASECOND")
        #expect(!upstream.requests.contains { $0.head.contains("/keys") })
        await place.client.shutdown()
    }

    @Test func `a session that has ended is looked for in the files, and the call made again`()
        async throws
    {
        let path = Mutex("")
        let ended = #"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"old"}"#
        let upstream = try Upstream { number in
            // The tool writes while the request is under way.
            if number == 0 {
                let path = path.withLock { $0 }
                try? Self.keys("ASIASECOND", token: "new").write(
                    toFile: path, atomically: false, encoding: .utf8)
            }
            return number == 1 ? [Self.item] : [reply("400 Bad Request", [], ended)]
        }
        defer { upstream.stop() }
        let place = try await Place(upstream, text: Self.keys("ASIAFIRST", token: "old"))
        path.withLock { $0 = place.credentials }
        #expect(try await place.asks() == "ASIASECOND")
        #expect(upstream.requests.map(Place.signer) == ["ASIAFIRST", "ASIASECOND"])
        // Nothing new is there: it is said, and not asked for again.
        let error = try await failure { try await place.asks() }
        #expect(error.kind == .expiredToken && upstream.requests.count == 3)
        await place.client.shutdown()
    }

    @Test func `a role is assumed with its source's new keys, and places that need a start named`()
        async throws
    {
        let (upstream, base) = try ConfigurationTests.upstream()
        defer { upstream.stop() }
        let config = "[default]\n" + ConfigurationTests.role + "source_profile = p\n"
        let place = try await Place(
            upstream, ["AWS_ENDPOINT_URL_STS": base], config: config,
            text: Self.keys("AKIAFIRST").replacing("default", with: "p"))
        #expect(try await place.signer.credentials().accessKeyID == "ASIA.AKIAFIRST")
        try place.write(Self.keys("AKIASECOND").replacing("default", with: "p"))
        #expect(try await place.signer.credentials().accessKeyID == "ASIA.AKIASECOND")
        #expect(upstream.requests.count == 2)
        _ = try await place.signer.credentials()
        #expect(upstream.requests.count == 2)
        try (config + "region = eu-west-1\n").write(
            toFile: place.folder.path + "/config", atomically: false, encoding: .utf8)
        #expect(try place.signer.readAgain() == ["\(place.folder.path)/config:4: region"])
        #expect(try place.signer.readAgain() == [])
        await place.client.shutdown()
    }
}
