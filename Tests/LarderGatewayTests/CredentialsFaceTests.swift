import Foundation
import HTTPTypes
import HummingbirdCore
import Larder
import LarderAWS
import LarderInspector
import LarderTesting
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import LarderGateway

/// The credentials face before a cache of sessions, without a network or a waiting clock.
private struct Lender {
    let clock = TestClock()
    let cache: Cache<String, Credentials>
    let signers: KnownSigners
    let token = AccessToken()
    let face: CredentialsFace
    /// Until it is open nobody's patience ends.
    let late = Gate()

    static let role = "arn:aws:iam::222222222222:role/reader"
    static let wall = Date(timeIntervalSince1970: 1_795_780_800.75)

    init(
        life: Duration = .seconds(3600), logger: Logger? = nil,
        _ fetch: @escaping @Sendable (_ number: Int) async throws -> Void = { _ in }
    ) {
        let age = clock.neverWaking
        let count = Guarded(0)
        cache = Cache("credentials", ttl: nil, refresh: .credentials, clock: age) { role in
            let number = count.withLock { count in
                count += 1
                return count
            }
            try await fetch(number)
            return Credentials(
                accessKeyID: "ASIASESSION00000000\(number)",
                secretAccessKey: Secret("canary-secret-\(number)"),
                sessionToken: Secret("canary-token-\(number)"), expiry: age.now() + life,
                expiration: Self.wall.addingTimeInterval(life.inSeconds), role: role)
        }
        let own = KnownSigners(own: { (ownKeys, "own") }, clock: age)
        signers = own
        let (cache, late) = (cache, late)
        face = CredentialsFace(
            signers: signers, token: token, clock: age, logger: logger,
            patience: { try? await late.pass() }
        ) { role in
            guard let role else { return Loan(own: own) { "own" } }
            let checked = try IAMRole(role).arn
            return Loan(cache, checked, as: "\(checked) by own") { $0 }
        }
    }

    struct Answer {
        var status: Int
        var headers: HTTPFields
        var body: String
        var json: [String: String] {
            (try? JSONDecoder().decode([String: String].self, from: Data(body.utf8))) ?? [:]
        }
        var key: String? { json["AccessKeyId"] }
    }

    func ask(
        _ path: String = "/role-arn/\(role)", _ method: HTTPRequest.Method = .get,
        token: String?? = nil
    ) async throws -> Answer {
        var head = HTTPRequest(method: method, scheme: "http", authority: Rig.host, path: path)
        head.headerFields[.authorization] = token ?? self.token.reveal()
        let response = try await face.respond(to: head, ByteBuffer())
        let collector = Collector()
        try await response.body.write(collector)
        return Answer(
            status: response.status.code, headers: response.headers,
            body: String(buffer: collector.body))
    }
}

@Suite struct `Credentials that are handed out` {
    @Test func `have all that SDKs insist on, as texts, the end in whole seconds`() async throws {
        let lender = Lender()
        let answer = try await lender.ask()
        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "application/json")
        #expect(
            answer.json == [
                "AccessKeyId": "ASIASESSION000000001", "SecretAccessKey": "canary-secret-1",
                "Token": "canary-token-1", "Expiration": "2026-11-27T13:00:00Z",
                "AccountId": "222222222222", "RoleArn": Lender.role,
            ])
        #expect(
            try await lender.ask("/role-arn/arn%3Aaws:iam::222222222222:role/reader").key != nil)
    }

    @Test func `are asked of STS once for a thousand reads, each of them counted`() async throws {
        let lender = Lender()
        for _ in 0..<1000 { #expect(try await lender.ask().status == 200) }
        let counters = lender.cache.snapshot().counters
        #expect(counters.hits == 999 && counters.misses == 1)
    }

    @Test func `are written down: whose, to whom, and of the key its end alone`() async throws {
        let lines = Lines()
        let lender = Lender(logger: Logger(label: "test") { _ in lines })
        var head = HTTPRequest(
            method: .get, scheme: "http", authority: Rig.host, path: "/role-arn/\(Lender.role)")
        head.headerFields[.authorization] = lender.token.reveal()
        _ = try await lender.face.respond(to: head, ByteBuffer(), from: .process(getpid()))
        #expect(await settles { !lines.all.isEmpty })
        let line = try #require(lines.all.first)
        #expect(line.contains("credentials handed out") && line.contains("(pid \(getpid()))"))
        #expect(line.contains("reader by own") && line.contains("…0001"))
        #expect(!line.contains("canary") && !line.contains("ASIASESSION"))
        // What is refused is no hand-out.
        _ = try await lender.ask(token: "x")
        #expect(lines.all.count == 1)
    }

    @Test func `are asked of STS once by two hundred at once, none of them held before`()
        async throws
    {
        let gate = Gate()
        let lender = Lender { _ in try await gate.pass() }
        async let keys = withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<200 { group.addTask { try await lender.ask().key } }
            return try await group.reduce(into: [String: Int]()) { $0[$1 ?? "", default: 0] += 1 }
        }
        let areWaiting = await settles { lender.cache.snapshot().counters.coalesced == 199 }
        #expect(areWaiting)
        gate.open()
        #expect(try await keys == ["ASIASESSION000000001": 200])
        #expect(lender.cache.snapshot().counters.misses == 1)
    }

    @Test func `are the engine's own where no role is named, with an end that is no session's`()
        async throws
    {
        let answer = try await Lender().ask("/credentials")
        #expect(answer.key == ownKeys.accessKeyID && answer.json["Token"] == "")
        let end = try Date(answer.json["Expiration"] ?? "", strategy: .iso8601)
        #expect((3500..<3700).contains(end.timeIntervalSinceNow))
        #expect(answer.json["RoleArn"] == nil)
    }

    @Test func `become known signers with an identity of their own`() async throws {
        let lender = Lender()
        _ = try await lender.ask()
        let signer = await lender.signers.signer("ASIASESSION000000001")
        #expect(signer?.identity.name == "\(Lender.role) by own")
        let own = await lender.signers.signer(ownKeys.accessKeyID)
        #expect(own != nil && own?.identity != signer?.identity)
    }

    @Test func `go to nobody without the token, and what is wrong is said without it`() async throws
    {
        let lender = Lender()
        let right = lender.token.reveal()
        #expect(right.utf8.count == 43 && right != AccessToken().reveal())
        #expect(right.utf8.allSatisfy { $0 != 0x2b && $0 != 0x2f && $0 != 0x3d })
        let flipped = String(right.dropLast()) + (right.last == "A" ? "B" : "A")
        for (token, status) in [
            (nil, 401), ("", 403), (String(right.dropLast()), 403), (right + "A", 403),
            (flipped, 403), ("Bearer " + right, 403),
        ] as [(String?, Int)] {
            let answer = try await lender.ask(token: .some(token))
            #expect(answer.status == status)
            #expect(answer.json["code"] == answer.json["Code"] && answer.json["code"] != nil)
            #expect(answer.json["message"] == answer.json["Message"])
            #expect(answer.body.contains("larder exec") && !answer.body.contains(right))
            #expect(!answer.body.contains("canary"))
        }
        #expect(lender.cache.snapshot().counters.misses == 0)
    }

    @Test(arguments: [HTTPRequest.Method.post, .put, .head, .delete, .options])
    func `are there for GET alone`(method: HTTPRequest.Method) async throws {
        let answer = try await Lender().ask("/credentials", method)
        #expect(answer.status == 405 && answer.headers[.allow] == "GET")
    }

    @Test(arguments: [
        "/role-arn/", "/role-arn/reader", "/role-arn/arn:aws:iam::1:role/x", "/role-arn/%ff",
        "/role-arn/\(Lender.role)?x=1", "/credentials?x",
    ])
    func `of what is no role are refused for good`(path: String) async throws {
        let answer = try await Lender().ask(path)
        #expect(answer.status == 400 && answer.json["Message"] != nil, "\(answer.body)")
    }

    @Test func `are asked for at paths that no other face has`() {
        let face = Lender().face
        func takes(_ path: String) -> Bool {
            face.takes(HTTPRequest(method: .get, scheme: nil, authority: nil, path: path))
        }
        #expect(takes("/credentials") && takes("/credentials?x") && takes("/role-arn/x"))
        #expect(!takes("/") && !takes("/credentialsx") && !takes("/role-arn"))
    }

    @Test func `that are long in coming are not waited for, and are there the next time`()
        async throws
    {
        let gate = Gate()
        let lender = Lender { _ in try await gate.pass() }
        lender.late.open()
        let early = try await lender.ask()
        #expect(early.status == 503)
        #expect(early.json["code"] == "CredentialsPending")
        #expect(early.json["Code"] == "CredentialsPending")
        gate.open()
        #expect(await settles { lender.cache.snapshot().count == 1 })
        #expect(try await lender.ask().key == "ASIASESSION000000001")
    }

    @Test func `with life left are handed out at once, and fetched again behind`() async throws {
        let gate = Gate()
        let lender = Lender { if $0 > 1 { try await gate.pass() } }
        _ = try await lender.ask()
        lender.clock.advance(by: .seconds(3600 - 1100))
        for _ in 0..<5 { #expect(try await lender.ask().key == "ASIASESSION000000001") }
        try await gate.arrivals(atLeast: 1)
        gate.open()
        #expect(await settles { lender.cache.peek(Lender.role)?.value.accessKeyID.last == "2" })
        #expect(try await lender.ask().key == "ASIASESSION000000002")
        #expect(gate.arrivals == 1)
    }

    @Test func `with less than a quarter of an hour left wait for new ones`() async throws {
        let lender = Lender()
        _ = try await lender.ask()
        lender.clock.advance(by: .seconds(3600 - 899))
        let keys = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<20 { group.addTask { try await lender.ask().key } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(keys == ["ASIASESSION000000002"])
    }

    @Test func `with life left are handed out while STS is gone, and nothing after their end`()
        async throws
    {
        struct Gone: Error, CustomStringConvertible { let description = "STS is gone" }
        let lender = Lender { if $0 > 1 { throw Gone() } }
        _ = try await lender.ask()
        lender.clock.advance(by: .seconds(3600 - 30))
        #expect(try await lender.ask().key == "ASIASESSION000000001")
        lender.clock.advance(by: .seconds(30))
        let over = try await lender.ask()
        #expect(over.status == 503 && over.json["Message"] == "STS is gone")
    }

    @Test func `of a session that never lives longer are handed out at once`() async throws {
        let lender = Lender(life: .seconds(900))
        for _ in 0..<50 { #expect(try await lender.ask().status == 200) }
        lender.clock.advance(by: .seconds(500))
        #expect(try await lender.ask().key == "ASIASESSION000000001")
        #expect(lender.cache.snapshot().counters.misses == 1)
    }

    @Test func `whose entry is invalidated are fetched again`() async throws {
        let lender = Lender()
        _ = try await lender.ask()
        lender.cache.invalidateAll()
        #expect(try await lender.ask().key == "ASIASESSION000000002")
    }

    @Test func `are said nowhere but in the answer`() async throws {
        let lender = Lender()
        _ = try await lender.ask()
        let token = lender.token.reveal()
        let seen =
            String(reflecting: lender.face) + String(reflecting: lender.token) + "\(lender.token)"
            + String(reflecting: lender.signers) + "\(lender.cache.snapshot())"
            + "\(lender.cache.peek(Lender.role)!.value.shown)"
        #expect(!seen.contains("canary") && !seen.contains(token))
    }
}

/// Keeps what is logged.
private final class Lines: LogHandler {
    private let lines = Guarded<[String]>([])
    var all: [String] { lines.withLock { $0 } }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .info }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }
}
