import Foundation
import TestSupport
import Testing

/// A real boto3 before a real gateway before a real moto with authorization on.
@Suite(.serialized, .timeLimit(.minutes(15))) final class `boto3 through the gateway` {
    private static let shared = Result { try Moto() }
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
    }

    private struct Gateway {
        let terminal: Terminal
        let address: String
    }

    /// An engine with a gateway, up.
    private func gateway(
        _ options: String, environment: [String: String] = [:]
    ) throws -> Gateway {
        let terminal = try Terminal(
            "exec \(larder) serve --name gateway --gateway 127.0.0.1:0 \(options)", columns: 200,
            environment: [
                "XDG_RUNTIME_DIR": folder.path, "LARDER_STORE": folder.path + "/accounts.sqlite",
                "NO_PROXY": "*",
            ].merging(environment) { $1 })
        let screen = try terminal.wait("the gateway") {
            $0.contains(/address=127\.0\.0\.1:[0-9]+/) && $0.contains("gateway.sock")
        }
        let found = try #require(screen.firstMatch(of: /address=(127\.0\.0\.1:[0-9]+)/))
        return Gateway(terminal: terminal, address: String(found.1))
    }

    private func play<Found: Decodable>(
        _ scene: String, _ gateway: Gateway, _ moto: Moto? = nil, _ more: String...,
        environment: [String: String] = [:], as: Found.Type = Found.self
    ) throws -> Found {
        let endpoint = "http://\(gateway.address)"
        let ran = try run(
            [try python(), packageRoot.appending(path: "Tests/Peers/boto3_gateway.py").path]
                + [scene, endpoint] + (moto.map { [$0.scene.endpoint] } ?? []) + more,
            environment: [
                "AWS_ENDPOINT_URL_DYNAMODB": endpoint, "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "NO_PROXY": "*",
                "AWS_DEFAULT_REGION": "us-east-1",
            ].merging(environment) { $1 })
        guard ran.status == 0 else { throw Failure(ran.errors) }
        return try JSONDecoder().decode(Found.self, from: Data(ran.output.utf8))
    }

    private func writer(_ moto: Moto) -> [String: String] {
        moto.environment.merging([
            "AWS_ACCESS_KEY_ID": moto.scene.writerKeyID,
            "AWS_SECRET_ACCESS_KEY": moto.scene.writerSecret,
        ]) { $1 }
    }

    private struct Reads: Decodable {
        var getItems: Int
        var caches: [String]
        var same: Bool
        var batches: Int
        var batchCaches: [String]
        var batchItems: [[String]]
        var missing: [Bool]
        var scan: Int
        var unknown: String
        var denied: String
        var endpoints: [String]
    }

    @Test func `twenty reads of one key are one request, and the engine shows the table`() throws {
        let moto = try Self.shared.get()
        let gateway = try gateway(
            "--endpoint-url \(moto.scene.endpoint)", environment: moto.environment)
        let reads: Reads = try play("reads", gateway, moto, environment: moto.environment)
        #expect(reads.getItems == 1 && reads.same)
        #expect(reads.caches == ["miss"] + Array(repeating: "hit", count: 9))
        #expect(reads.batches == 1 && reads.batchCaches == ["miss", "hit", "hit"])
        #expect(reads.batchItems == Array(repeating: ["005", "006", "007"], count: 3))
        #expect(reads.missing == [false, false])
        #expect(reads.scan == 3 && reads.endpoints.isEmpty)
        #expect(reads.unknown == "ResourceNotFoundException")
        // What moto refuses it says in XML, and boto3 makes of it what it makes of moto's own.
        #expect(reads.denied == "403")
        let looked = try run(
            [larder, "entries", "accounts", "--format", "csv", "--sort", "key"],
            environment: ["XDG_RUNTIME_DIR": folder.path])
        #expect(looked.output.contains("accounts,100000000006,"), "\(looked.errors)")
        #expect(!looked.output.contains("accounts-2"))
        #expect(!looked.output.contains(moto.scene.secretAccessKey))
    }

    @Test func `a write by somebody else is seen once the table's stream tells of it`() throws {
        let moto = try Self.shared.get()
        let keys = writer(moto)
        let gateway = try gateway(
            "--endpoint-url \(moto.scene.endpoint) --follow-streams followed", environment: keys)
        struct Found: Decodable {
            var first, seen: String
        }
        let found: Found = try play("streams", gateway, moto, environment: keys)
        #expect(found.first == "hit" && found.seen == "1")
        let events = try run(
            [larder, "events", "--format", "json", "--filter", "by~stream"],
            environment: ["XDG_RUNTIME_DIR": folder.path])
        #expect(events.output.contains("stream of followed"), "\(events.errors)")
    }

    @Test func `whoever is not known is told so in a form that boto3 knows`() throws {
        let moto = try Self.shared.get()
        let gateway = try gateway(
            "--endpoint-url \(moto.scene.endpoint)", environment: moto.environment)
        struct Found: Decodable {
            var unknown, wrong, region: [Word]
        }
        enum Word: Decodable, Equatable {
            case text(String), number(Int)
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                self =
                    try (try? container.decode(Int.self)).map { .number($0) }
                    ?? .text(container.decode(String.self))
            }
        }
        let id = "\"\(moto.scene.accessKeyID)\""
        let found: Found = try play("strangers", gateway, moto, id, environment: moto.environment)
        #expect(found.unknown.prefix(2) == [.text("UnrecognizedClientException"), .number(400)])
        #expect(found.wrong.prefix(2) == [.text("InvalidSignatureException"), .number(400)])
        #expect(found.region.prefix(2) == [.text("InvalidSignatureException"), .number(400)])
    }

    @Test func `a read behind a write of any kind sees it`() throws {
        let moto = try Self.shared.get()
        let keys = writer(moto)
        let gateway = try gateway("--endpoint-url \(moto.scene.endpoint)", environment: keys)
        struct Found: Decodable {
            var put, update, batch, transaction, statement: [Word]
            var delete: Bool
        }
        enum Word: Decodable, Equatable {
            case text(String), bool(Bool)
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                self =
                    try (try? container.decode(Bool.self)).map { .bool($0) }
                    ?? .text(container.decode(String.self))
            }
        }
        let found: Found = try play("writes", gateway, moto, environment: keys)
        let right: [Word] = [.text("hit"), .text("miss"), .bool(true), .bool(true), .bool(true)]
        #expect(found.put == right && found.update == right && found.batch == right)
        #expect(found.transaction == right && found.statement == right && !found.delete)
    }

    @Test func `requests of Go's and JavaScript's SDKs are answered as boto3's are`() throws {
        let moto = try Self.shared.get()
        let gateway = try gateway(
            "--endpoint-url \(moto.scene.endpoint)", environment: moto.environment)
        struct Answer: Decodable, Equatable {
            var status: String
            var cache: String?
            var isWhole: Bool
            var name: String?

            init(_ cache: String, _ name: String?) {
                (status, self.cache, isWhole, self.name) = ("200", cache, true, name)
            }

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                status = try list.decode(String.self)
                cache = try list.decodeIfPresent(String.self)
                isWhole = try list.decode(Bool.self)
                name = try list.decodeIfPresent(String.self)
            }
        }
        let before = try moto.counts()
        let found: [String: [Answer]] = try play(
            "replays", gateway, moto, environment: moto.environment)
        let name = "Account 011"
        // Both ask for the same items, each in its own words.
        #expect(found["go"] == [.init("miss", name), .init("hit", name), .init("miss", nil)])
        #expect(found["js"] == [.init("hit", name), .init("hit", name), .init("hit", nil)])
        #expect(try moto.counts()["GetItem", default: 0] - before["GetItem", default: 0] == 2)
    }

    /// Operations of all clients together: `LARDER_HAMMER=10000` for a run by hand.
    private static let operations =
        ProcessInfo.processInfo.environment["LARDER_HAMMER"].flatMap { Int($0) } ?? 600

    @Test func `no client reads what is older than its own last write, or than moto's`() throws {
        let moto = try Self.shared.get()
        let keys = writer(moto)
        let gateway = try gateway("--endpoint-url \(moto.scene.endpoint)", environment: keys)
        struct Found: Decodable {
            var stale, differs, failed: [String]
            var hits, compared: Int
            var kinds: [String: Int]
        }
        let seed = ProcessInfo.processInfo.environment["LARDER_SEED"] ?? "16"
        let found: Found = try play(
            "hammer", gateway, moto, "\(Self.operations)", seed, environment: keys)
        print(
            "hammer: LARDER_SEED=\(seed) \(found.hits) hits, \(found.compared) compared, \(found.kinds)"
        )
        #expect(found.stale.isEmpty && found.differs.isEmpty && found.failed.isEmpty)
        #expect(found.kinds.count >= 18 && found.kinds.values.reduce(0, +) == Self.operations)
        #expect(found.hits > Self.operations / 50 && found.compared > Self.operations / 4)
    }

    @Test func `the demo is a table too, with no AWS at all`() throws {
        let gateway = try gateway("--latency 1ms")
        struct Found: Decodable {
            var caches: [String]
            var item: [String: String]
            var missing, some: Bool
            var scan, batch: Int
            var table, refused: String
        }
        let found: Found = try play("demo", gateway)
        #expect(found.caches == ["miss", "hit"] && !found.missing && found.some)
        #expect(found.item["account_number"] == "100000000003")
        #expect(found.scan == 5 && found.batch == 7 && found.table == "ACTIVE")
        #expect(found.refused == "ValidationException")
        let looked = try run(
            [larder, "entries", "accounts", "--format", "csv"],
            environment: ["XDG_RUNTIME_DIR": folder.path])
        #expect(looked.output.contains("accounts,100000000003,"), "\(looked.errors)")
    }
}
