import Foundation
import Larder
import Synchronization
import TestSupport
import Testing

@testable import LarderAWS

/// Keys from a container's endpoint and from instance metadata: tries, waits and words.
@Suite(.timeLimit(.minutes(1))) struct NearbyTests {
    private static func keys(_ end: String = "2096-01-01T00:00:00Z") -> String {
        #"{"Code":"Success","AccessKeyId":"ASIANEARBY","SecretAccessKey":"s","Token":"t","Expiration":"\#(end)"}"#
    }

    /// What `body` comes to with a client that waits for nothing, and what it would have waited.
    private func client<Result>(
        _ body: (AWSClient) async throws -> Result
    ) async throws -> (result: Swift.Result<Result, any Error>, waits: [Duration]) {
        let waits = Guarded<[Duration]>([])
        let client = try AWSClient(
            region: "us-east-1", endpointURL: nil, deadline: .seconds(10),
            retries: Retries(most: 1) { wait in waits.withLock { $0.append(wait) } },
            clock: .system
        ) { canaries }
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        await client.shutdown()
        return (result, waits.withLock { $0 })
    }

    private func container(
        _ upstream: Upstream, _ environment: [String: String] = [:]
    ) async throws -> (result: Result<Credentials, any Error>, waits: [Duration]) {
        let address = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": upstream.endpoint + "/keys"]
        return try await client { client in
            try await ContainerProvider(
                environment: address.merging(environment) { $1 }, client: client
            ).credentials()
        }
    }

    @Test func `a container is asked three times, a second apart`() async throws {
        for good in 0..<4 {
            let upstream = try Upstream { number in
                number == good
                    ? [reply("200 OK", [], Self.keys())]
                    : [[reply("503 Busy", [], "{}")], [.cut], [reply("200 OK", [], "no")]][
                        number % 3]
            }
            defer { upstream.stop() }
            let (result, waits) = try await container(upstream)
            #expect(((try? result.get()) != nil) == (good < 3))
            #expect(waits == Array(repeating: .seconds(1), count: min(good, 2)))
            #expect(upstream.requests.count == min(good + 1, 3))
        }
    }

    @Test(
        arguments: [
            (
                "400 Bad", #"{"code":"InvalidIdInRequest","message":"no such id"}"#, [:],
                "HTTP 400 (InvalidIdInRequest: no such id); check AWS_CONTAINER_CREDENTIALS_FULL_URI"
            ),
            (
                "403 No", #"{"Message":"Forbidden"}"#,
                ["AWS_CONTAINER_AUTHORIZATION_TOKEN": "canary"],
                "HTTP 403 (Forbidden); check AWS_CONTAINER_AUTHORIZATION_TOKEN"
            ),
            (
                "401 No", "nothing of use", [:],
                "HTTP 401; check whether it wants AWS_CONTAINER_AUTHORIZATION_TOKEN, which is not set"
            ),
            (
                "500 Oh", #"{"code":"InternalServerError"}"#, [:],
                "HTTP 500 (InternalServerError); check the endpoint's own log"
            ),
            (
                "200 OK", #"{"AccessKeyId":"A","SecretAccessKey":"s","Expiration":17}"#, [:],
                "gave Expiration as something else than text"
            ),
            (
                "200 OK", "<html>", [:],
                "answered no JSON that holds credentials; check AWS_CONTAINER_CREDENTIALS_FULL_URI"
            ),
        ] as [(String, String, [String: String], String)])
    func `what a container's endpoint says is shown, with the variable at fault`(
        status: String, body: String, environment: [String: String], end: String
    ) async throws {
        let upstream = try Upstream(reply(status, [], body))
        defer { upstream.stop() }
        let result = try await container(upstream, environment).result
        let error = try await failure { try result.get() }
        #expect(error.kind == .noCredentials && error.description.hasSuffix(end), "\(error)")
        #expect(error.description.hasPrefix("the container endpoint \(upstream.endpoint)/keys "))
    }

    @Test func `a container's token that ends in a line break names its variable`() async throws {
        let upstream = try Upstream(.cut)
        defer { upstream.stop() }
        let folder = try TemporaryFolder()
        let file = folder.path + "/token"
        try "canary\r\n".write(toFile: file, atomically: false, encoding: .utf8)
        for (variable, value) in [
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary\n"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file),
        ] {
            let result = try await container(upstream, [variable: value]).result
            let error = try await failure { try result.get() }
            #expect(error.description == "the token of \(variable) holds a line break; remove it")
        }
        #expect(upstream.requests.isEmpty)
    }

    // MARK: Instance metadata

    /// Instance metadata of which `answer` says what it does not do as usual.
    private func machine(
        _ environment: [String: String] = [:],
        _ answer: @escaping @Sendable (_ path: String) -> [Upstream.Step]?
    ) async throws -> (result: Result<Credentials, any Error>, requests: [String]) {
        let box = Guarded<Upstream?>(nil)
        let upstream = try Upstream { number in
            let head = box.withLock({ $0 })?.requests[number].head ?? ""
            let path = String(head.split(separator: " ")[1])
            if let steps = answer(path) { return steps }
            if path.hasSuffix("/token") { return [reply("200 OK", [], "proof")] }
            return [reply("200 OK", [], path.hasSuffix("/") ? "machine" : Self.keys())]
        }
        box.withLock { $0 = upstream }
        defer { upstream.stop() }
        let base = [
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": upstream.endpoint,
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        ]
        let configuration = try AWSConfiguration(base.merging(environment) { $1 })
        let result = try await client { client in
            try await configuration.metadata(client).credentials()
        }.result
        return (result, upstream.requests.map(\.head))
    }

    @Test func `where there is no version 2 the first is asked, unless that is switched off`()
        async throws
    {
        for refusal in ["403 No", "404 None", "405 Not so", "500 Oh"] {
            let (result, requests) = try await machine { path in
                path.hasSuffix("/token") ? [reply(refusal, [], "")] : nil
            }
            #expect(try result.get().accessKeyID == "ASIANEARBY")
            #expect(requests.count == 3)
            #expect(!requests.contains { $0.lowercased().contains("x-aws-ec2-metadata-token:") })
        }
        let off = try await machine(["AWS_EC2_METADATA_V1_DISABLED": "true"]) { path in
            path.hasSuffix("/token") ? [reply("403 No", [], "")] : nil
        }
        let error = try await failure { try off.result.get() }
        #expect(error.description.contains("gives no token, and version 1, which wants none, is"))
        #expect(off.requests.count == 1)
        let bad = try await machine { path in
            path.hasSuffix("/token") ? [reply("400 Bad", [], "")] : nil
        }
        #expect(
            try await failure { try bad.result.get() }.description
                == "instance metadata answered HTTP 400 to /latest/api/token")
        let good = try await machine { _ in nil }
        #expect(good.requests.last!.lowercased().contains("x-aws-ec2-metadata-token: proof"))
    }

    @Test func `tries and the time of each are as the settings say`() async throws {
        let count = Mutex(0)
        let (result, requests) = try await machine(["AWS_METADATA_SERVICE_NUM_ATTEMPTS": "3"]) {
            path in
            guard path.hasSuffix("machine"),
                count.withLock({
                    $0 += 1; return $0 < 3
                })
            else {
                return nil
            }
            return [reply("200 OK", [], "")]
        }
        #expect(try result.get().accessKeyID == "ASIANEARBY" && requests.count == 5)
        let once = try await machine { path in
            path.hasSuffix("machine") ? [reply("503 Busy", [], "")] : nil
        }
        #expect(
            try await failure { try once.result.get() }.description.hasPrefix(
                "instance metadata answered HTTP 503 to /latest/meta-data/iam/"))
        for (name, value) in [
            ("AWS_METADATA_SERVICE_TIMEOUT", "soon"), ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "0"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"), ("AWS_IMDS_USE_IPV6", "1"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "169.254.169.254"),
        ] {
            await #expect(throws: AWSError.self) {
                try await machine([name: value]) { _ in nil }.result.get()
            }
        }
        let configuration = try AWSConfiguration([
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6", "AWS_METADATA_SERVICE_TIMEOUT": "7",
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        ])
        let provider = try await client { try configuration.metadata($0) }.result.get()
        #expect(provider.base == "http://[fd00:ec2::254]" && provider.limit == .seconds(7))
        #expect(provider.tries == 1)
    }

    @Test func `keys near their end or past it are kept while the service behind is out of order`()
        async throws
    {
        let now = Date()
        for (seconds, lives) in [
            (-3600, 1020...1500), (60, 1020...1500), (7200, 7100...7200),
        ] as [(Double, ClosedRange<Double>)] {
            let end = now.addingTimeInterval(seconds).formatted(.iso8601)
            let (result, _) = try await machine { path in
                path.hasSuffix("machine") ? [reply("200 OK", [], Self.keys(end))] : nil
            }
            let life = try result.get().expiry! - AgeClock.system.now()
            #expect(lives.contains(life.inSeconds + 5) || lives.contains(life.inSeconds))
        }
    }

    @Test func `what the metadata says instead of keys is shown`() async throws {
        let refused = #"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume it"}"#
        let (result, _) = try await machine { path in
            path.hasSuffix("machine") ? [reply("200 OK", [], refused)] : nil
        }
        #expect(
            try await failure { try result.get() }.description
                == "instance metadata has no credentials of machine: "
                + "AssumeRoleUnauthorizedAccess: EC2 cannot assume it")
        let none = try await machine { path in
            path.hasSuffix("/") ? [reply("404 None", [], "")] : nil
        }
        #expect(
            try await failure { try none.result.get() }.description
                == "instance metadata knows no role of this machine; attach one")
        let silent = try await machine { _ in [.cut] }
        #expect(
            try await failure { try silent.result.get() }.description.hasPrefix(
                "there are no AWS keys in the environment and the profile, and instance metadata"))
    }
}
