import Foundation
import TestSupport
import Testing

/// The extension in Lambda's own emulator, with the real runtime of Python, a real boto3 and a real
/// moto. The function has no line of code for it.
@Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: LambdaSandbox.missing == nil))
final class `A Python function in Lambda's emulator` {
    private static let shared = Result { try Moto() }
    private let moto: Moto
    private let port: UInt16

    init() throws {
        moto = try Self.shared.get()
        let free = try Upstream()
        port = free.port
        free.stop()
    }

    /// Of a layer, where one is named.
    private static let program =
        ProcessInfo.processInfo.environment["LARDER_EXTENSION"]
        ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "larder-extension").path
    private static let wrapper = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/LarderExtension/larder-wrapper").standardized.path

    private struct Found: Decodable {
        var name, first, cache, key, error: String?
        var microseconds, cachetools: Int?
    }

    /// A function, with the extension and by its wrapper, or without both.
    private func sandbox(
        cached: Bool = true, upstream: String? = nil, _ more: [String: String] = [:]
    ) throws -> LambdaSandbox {
        let endpoint = upstream ?? moto.scene.endpoint
        var environment = moto.environment.merging([
            "LARDER_ENDPOINT_URL": endpoint, "LARDER_GATEWAY": "127.0.0.1:\(port)",
            "AWS_DEFAULT_REGION": moto.scene.region, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_NAME": "recipe",
        ]) { $1 }.merging(more) { $1 }
        environment["AWS_SESSION_TOKEN"] = more["AWS_SESSION_TOKEN"]
        if !cached { environment["AWS_ENDPOINT_URL"] = endpoint }
        return try LambdaSandbox(
            extensions: cached ? ["larder": Self.program] : [:],
            wrapper: cached ? [Self.wrapper] : [], environment: environment)
    }

    private func invoke(_ sandbox: LambdaSandbox, _ event: String = "{}") throws -> Found {
        let reply = try sandbox.invoke(event)
        #expect(reply.status == 200, "\(reply.body)\n\(sandbox.said)")
        return try JSONDecoder().decode(Found.self, from: Data(reply.body.utf8))
    }

    /// How many GetItem came to moto meanwhile.
    private func reads(_ body: () throws -> Void) throws -> Int {
        let before = try moto.counts()["GetItem"] ?? 0
        try body()
        return try (moto.counts()["GetItem"] ?? 0) - before
    }

    /// The line of metrics, once the sandbox has ended.
    private func summary(_ sandbox: LambdaSandbox) throws -> [String: Any] {
        let began = ContinuousClock.now
        sandbox.end()
        print("the sandbox ended within \(ContinuousClock.now - began)")
        let line = try #require(
            sandbox.said.split(separator: "\n").last { $0.contains("CloudWatchMetrics") },
            "\(sandbox.said)")
        let object = try JSONSerialization.jsonObject(
            with: Data(line.drop { $0 != "{" }.utf8))
        return try #require(object as? [String: Any])
    }

    @Test func `twenty invokes and an import are one read, and the last line says so`() throws {
        let sandbox = try sandbox()
        var found: [Found] = []
        let count = try reads {
            for number in 0..<20 {
                found.append(try invoke(sandbox, number == 19 ? #"{"compare":true}"# : "{}"))
            }
        }
        #expect(count == 1)
        #expect(found.allSatisfy { $0.cache == "hit" && $0.name == $0.first && $0.name != nil })
        let hits = found.compactMap(\.microseconds).sorted()
        print(
            "a hit takes the handler \(hits[hits.count / 2]) us by boto3,",
            "\(found[19].cachetools ?? -1) us by cachetools in the function itself")
        let line = try summary(sandbox)
        // Nineteen invokes, the comparison's own read beside the last, and the import.
        #expect(line["Fetches"] as? Int == count)
        #expect(line["LookUps"] as? Int == 22 && line["Hits"] as? Int == 21)
        #expect(line["ReadsSaved"] as? Int == 21 && line["STSCalls"] as? Int == 0)
        #expect(line["FunctionName"] as? String == "recipe")
    }

    @Test func `a role's session comes by the wrapper, once`() throws {
        let before = try moto.counts()
        let sandbox = try sandbox([
            "LARDER_ROLE": moto.scene.reader, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "known",
            "FUNCTION_ACCOUNT": "200000000000",
        ])
        let found = try (0..<3).map { _ in try invoke(sandbox) }
        #expect(found.allSatisfy { $0.cache == "hit" && $0.key?.hasPrefix("ASIA") ?? false })
        let after = try moto.counts()
        #expect(after["AssumeRole", default: 0] - before["AssumeRole", default: 0] == 1)
        let line = try summary(sandbox)
        #expect(line["STSCalls"] as? Int == 1)
    }

    @Test func `frozen for twice the ttl, it fetches once and serves nothing old`() throws {
        let sandbox = try sandbox(["LARDER_CACHE": "*:ttl=2s,stale=60s"])
        _ = try invoke(sandbox)
        let extensions = sandbox.processes(of: "larder")
        #expect(extensions.count == 1)
        for _ in 0..<2 {
            for process in extensions { kill(process, SIGSTOP) }
            sleep(4)
            for process in extensions { kill(process, SIGCONT) }
            var found: [Found] = []
            let count = try reads { for _ in 0..<3 { found.append(try invoke(sandbox)) } }
            #expect(count == 1)
            #expect(found.map(\.cache) == ["miss", "hit", "hit"])
        }
    }

    /// What becomes of a connection that nobody used for a while.
    enum Death: CaseIterable {
        case silent, reset, cut

        var steps: [Upstream.Step] {
            switch self {
            case .silent: [.untilClosed]
            case .reset: [.reset]
            case .cut: [.cut]
            }
        }
    }

    @Test(arguments: Death.allCases, [false, true])
    func `frozen with a connection that died meanwhile, no invoke fails`(
        death: Death, isSecure: Bool
    ) throws {
        let item = #"{"Item":{"account_number":{"S":"100000000001"}}}"#
        let reply = Upstream.Step.send(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n"
                + "content-length: \(item.utf8.count)\r\n\r\n\(item)")
        let upstream = try Upstream(byConnection: { request, connection in
            request == 0 || connection > 0 ? [reply] : death.steps
        })
        let secure = isSecure ? try TLSProxy(before: upstream.port) : nil
        var (endpoint, variables) = (upstream.endpoint, ["LARDER_CACHE": "*:ttl=1s"])
        if let scene = secure?.scene {
            endpoint = "https://localhost:\(try #require(scene.front))"
            variables["AWS_CA_BUNDLE"] = scene.authority
        }
        let sandbox = try sandbox(upstream: endpoint, variables)
        #expect(try invoke(sandbox).name == "100000000001")
        #expect(upstream.requests.count == 1)
        let extensions = sandbox.processes(of: "larder")
        for process in extensions { kill(process, SIGSTOP) }
        // Of the silent one nothing is heard at all.
        if death != .silent { upstream.endConnections(resetting: death == .reset) }
        sleep(2)
        for process in extensions { kill(process, SIGCONT) }
        let found = try invoke(sandbox)
        #expect(found.name == "100000000001" && found.cache == "miss", "\(found)")
        // It went over a new connection: the old one was not asked.
        #expect(upstream.requests.count == 2 && upstream.accepted == 2)
    }

    @Test func `with an upstream that is gone, it serves what is stale, or an error of the SDK's`()
        throws
    {
        let own = try Moto()
        let sandbox = try sandbox(
            upstream: own.scene.endpoint,
            own.environment.filter { !$0.value.isEmpty }.merging(
                ["LARDER_CACHE": "*:ttl=1s,stale=60s", "AWS_MAX_ATTEMPTS": "2"]) { $1 })
        _ = try invoke(sandbox)
        own.end()
        sleep(2)
        let stale = try invoke(sandbox)
        #expect(stale.cache == "stale" && stale.name != nil)
        let other = try invoke(sandbox, #"{"account":"100000000002"}"#)
        #expect(other.error == "InternalServerError" || other.error == "ClientError")
        let line = try summary(sandbox)
        #expect(line["ServedStale"] as? Int ?? 0 >= 1)
    }

    @Test func `an invoke takes as long as without it`() throws {
        func durations(cached: Bool) throws -> (usual: Double, start: Double) {
            let sandbox = try sandbox(cached: cached)
            for _ in 0..<20 { _ = try sandbox.invoke(#"{"account":"100000000001"}"#) }
            sandbox.end()
            let all = sandbox.durations.dropFirst().sorted()
            #expect(all.count == 19, "\(sandbox.said)")
            return (all[all.count / 2], sandbox.inits.first ?? 0)
        }
        let (with, without) = (try durations(cached: true), try durations(cached: false))
        print(
            "an invoke takes \(with.usual) ms with the extension, \(without.usual) without;",
            "init \(with.start) ms, and \(without.start)")
        #expect(with.usual <= without.usual + 5)
    }
}
