import Foundation
import Larder
import LarderInspector
import Logging
import Synchronization
import TestSupport
import Testing

@testable import LarderAWS

/// A service that has a bad day: what is asked again, how often, and what is told in the end.
@Suite(.timeLimit(.minutes(1))) struct RetryTests {
    private static let good = reply("200 OK", [], #"{"Item":{"id":{"S":"a"}}}"#)

    private static func refusal(
        _ code: String, status: String = "400 Bad Request", _ headers: [String] = [],
        message: String = "no"
    ) -> Upstream.Step {
        reply(
            status, headers,
            ##"{"__type":"com.amazonaws.dynamodb.v20120810#\##(code)","message":"\##(message)"}"##)
    }

    /// Pauses that were asked for, and do not pass.
    private final class Pauses: Sendable {
        private let taken = Mutex<[Duration]>([])
        var all: [Duration] { taken.withLock { $0 } }
        @Sendable func pause(_ duration: Duration) { taken.withLock { $0.append(duration) } }
    }

    private func ask<Result>(
        _ script: @escaping @Sendable (Int) -> [Upstream.Step], most: Int? = nil,
        signer: @escaping AWSClient.CredentialSource = { canaries },
        reject: AWSClient.Rejection? = nil,
        _ body: (AWSClient, Upstream, @escaping @Sendable () -> [Duration]) async throws -> Result
    ) async throws -> Result {
        let upstream = try Upstream(script)
        defer { upstream.stop() }
        let pauses = Pauses()
        let client = try AWSClient(
            region: "us-east-1", endpointURL: upstream.endpoint, deadline: .seconds(10),
            retries: Retries(most: most, pause: pauses.pause), clock: .system, credentials: signer)
        let result: Swift.Result<Result, any Error>
        do {
            let signing = client.signing(with: signer, reject: reject)
            result = .success(try await body(signing, upstream) { pauses.all })
        } catch {
            result = .failure(error)
        }
        await client.shutdown()
        return try result.get()
    }

    /// Lines that were logged, with their facts.
    private struct Lines: LogHandler {
        let all: Mutable
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        final class Mutable: Sendable {
            private let lines = Mutex<[String]>([])
            var all: [String] { lines.withLock { $0 } }
            func add(_ line: String) { lines.withLock { $0.append(line) } }
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let facts = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted()
            all.add("\(event.level) \(event.message) \(facts.joined(separator: " "))")
        }
    }

    @Test func `is told to a logger, without what is secret`() async throws {
        let log = Lines.Mutable()
        let bad = [
            [Self.refusal("ThrottlingException")], [.reset],
            [Self.refusal("ExpiredTokenException")],
        ]
        try await ask({ $0 < 3 ? bad[$0] : [Self.good] }, reject: { _ in true }) {
            client, _, _ in
            let logger = Logger(label: "test") { _ in Lines(all: log) }
            _ = try await item(client.logging(to: logger))
        }
        let all = log.all
        let told = [
            "notice throttled: sent again after=", "info failed in passing: sent again after=",
            "notice the service rejects the key", "debug answered operation=GetItem",
        ]
        #expect(all.count == told.count, "\(all)")
        for (line, words) in zip(all, told) { #expect(line.hasPrefix(words), "\(all)") }
        #expect(all[0].contains("attempt=2") && all[0].contains("failure=ThrottlingException"))
        let secrets = [canaries.accessKeyID, canaries.secretAccessKey.reveal()]
        for secret in secrets { #expect(!all.joined().contains(secret)) }
    }

    static let passing: [[Upstream.Step]] = [
        [refusal("ThrottlingException")], [refusal("ProvisionedThroughputExceededException")],
        [refusal("InternalServerError", status: "500 Internal Server Error")],
        [reply("503 Service Unavailable", [], "")], [.send("HTTP/1.1 200 OK\r\n"), .cut],
        [.reset], [reply("200 OK", ["x-amz-crc32: 1"], #"{"Item":{"id":{"S":"b"}}}"#)],
    ]

    @Test(arguments: passing.indices)
    func `what passes is asked again, up to four times at DynamoDB`(place: Int) async throws {
        let bad = Self.passing[place]
        try await ask {
            $0 < 3 ? bad : [Self.good]
        } _: { client, upstream, pauses in
            #expect(try await item(client).attributes["id"] == .string("a"))
            #expect(upstream.requests.count == 4)
            #expect(pauses().count == 3)
            let tally = try #require(client.operations.first)
            #expect(tally.calls == 1 && tally.retries == 3 && tally.failures.isEmpty)
        }
        try await ask { _ in
            bad
        } _: { client, upstream, _ in
            _ = try await failure { try await item(client) }
            #expect(upstream.requests.count == 4)
            #expect(client.operations.first?.failures.values.reduce(0, +) == 1)
        }
    }

    @Test(arguments: [
        "ValidationException", "AccessDeniedException", "ResourceNotFoundException",
        "ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException",
    ])
    func `what does not pass is asked once`(code: String) async throws {
        try await ask { _ in
            [Self.refusal(code)]
        } _: { client, upstream, _ in
            let error = try await failure { try await item(client) }
            #expect(error.code == code)
            #expect(upstream.requests.count == 1)
        }
    }

    @Test func `garbage is a clear error, and asked once`() async throws {
        try await ask { _ in
            [reply("200 OK", [], "<html>")]
        } _: { client, upstream, _ in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .garbage)
            #expect(upstream.requests.count == 1)
        }
    }

    @Test func `the service says how long to wait`() async throws {
        try await ask { number in
            number == 0
                ? [Self.refusal("ThrottlingException", ["x-amz-retry-after: 3000"])] : [Self.good]
        } _: { client, _, pauses in
            _ = try await item(client)
            #expect(pauses().first.map { (.seconds(3) ... .seconds(6)).contains($0) } == true)
        }
    }

    @Test(arguments: ["429 Too Many Requests", "503 Service Unavailable"])
    func `too many requests are a throttle, whatever the body says`(status: String) async throws {
        let bodies = [
            "", "<html>busy</html>", "{}", ##"{"__type":"a#InternalFailure","message":"no"}"##,
            ##"{"__type":"a#AccessDeniedException","message":"no"}"##, "\u{0}",
        ]
        for body in bodies {
            try await ask { _ in
                [reply(status, ["Retry-After: 2"], body)]
            } _: { client, upstream, pauses in
                let error = try await failure { try await item(client) }
                #expect(error.kind == .throttled, "\(error)")
                #expect(upstream.requests.count == 4)
                #expect(client.operations.first?.throttles == 4)
                #expect(pauses().allSatisfy { (.seconds(2) ... .seconds(7)).contains($0) })
            }
        }
    }

    // MARK: Time

    /// A client whose attempts and calls have so much time.
    private func timed<Result>(
        _ attempt: Duration, call: Duration = .seconds(30), credentials: Duration = .seconds(30),
        signer: @escaping AWSClient.CredentialSource = { canaries },
        script: @escaping @Sendable (Int) -> [Upstream.Step],
        _ body: (AWSClient, Upstream) async throws -> Result
    ) async throws -> Result {
        let upstream = try Upstream(script)
        defer { upstream.stop() }
        let client = try AWSClient(
            region: "us-east-1", endpointURL: upstream.endpoint, deadline: call,
            attemptDeadline: attempt, credentialsDeadline: credentials,
            retries: Retries(most: nil, pause: { _ in }), clock: .system, credentials: signer)
        let result: Swift.Result<Result, any Error>
        do {
            let named = client.signing(with: signer, from: "the pantry's keeper")
            result = .success(try await body(named, upstream))
        } catch {
            result = .failure(error)
        }
        await client.shutdown()
        return try result.get()
    }

    @Test func `a reply that does not come leaves time for another attempt`() async throws {
        try await timed(.milliseconds(300), script: { $0 < 3 ? [.untilClosed] : [Self.good] }) {
            client, upstream in
            let found = try await item(client)
            #expect(found.attributes["id"] == .string("a"))
            #expect(upstream.requests.count == 4)
        }
        for (attempt, call, requests) in [
            (Duration.milliseconds(100), Duration.seconds(30), 4),
            (.seconds(30), .milliseconds(100), 1),
        ] {
            try await timed(attempt, call: call, script: { _ in [.untilClosed] }) {
                client, upstream in
                let error = try await failure { try await item(client) }
                #expect(error.kind == .unreachable)
                #expect(
                    error.description.contains("did not answer in full within 100ms"), "\(error)")
                #expect(upstream.requests.count == requests)
            }
        }
    }

    @Test func `what credentials take is not the service's time, nor its fault`() async throws {
        let slow: AWSClient.CredentialSource = {
            try await Task.sleep(for: .milliseconds(400))
            return canaries
        }
        try await timed(
            .milliseconds(300), call: .milliseconds(300), signer: slow,
            script: { $0 == 0 ? [.cut] : [Self.good] }
        ) { client, upstream in
            _ = try await item(client)
            #expect(upstream.requests.count == 2)
            let tally = try #require(client.operations.first)
            #expect(try #require(tally.latency.quantile(1)) < .milliseconds(400))
        }
    }

    @Test func `credentials that do not come are blamed by name`() async throws {
        let never: AWSClient.CredentialSource = {
            try await Gate().pass()
            return canaries
        }
        try await timed(
            .seconds(1), credentials: .milliseconds(100), signer: never,
            script: { _ in [Self.good] }
        ) { client, upstream in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .noCredentials)
            #expect(
                error.description
                    == "GetItem on \"accounts\": the pantry's keeper gave no credentials within 100ms"
            )
            #expect(upstream.requests.isEmpty)
            #expect(client.operations.first?.failures == ["no credentials": 1])
        }
    }

    @Test(arguments: 0..<8)
    func `waits grow to a bound`(retry: Int) {
        let throttled = AWSError(.throttled, "")
        let base = min(Double(1 << retry), 20)
        let wait = Retries.delay(retry, throttled, service: "sts", share: 1)
        #expect(abs(wait.inSeconds - base) < 1e-9)
        let cut = AWSError(.cut, "")
        let brief = Retries.delay(retry, cut, service: "dynamodb", share: 1)
        #expect(abs(brief.inSeconds - 0.025 * Double(1 << retry)) < 1e-9)
    }

    @Test func `a service that is down is not asked three times as often`() async throws {
        try await ask { _ in
            [.cut]
        } _: { client, upstream, _ in
            for _ in 0..<60 { _ = try? await item(client) }
            // 500 in the quota are 35 retries at 14; after those each call is one request.
            #expect(upstream.requests.count == 60 + 500 / 14)
        }
    }

    @Test(arguments: [-1200.0, 1200, -86400])
    func `a clock that is wrong is corrected by the service's date`(skew: Double) async throws {
        try await ask { number in
            let date = Date(timeIntervalSinceNow: skew)
            let format = Self.formatter("EEE, dd MMM yyyy HH:mm:ss zzz")
            let headers = ["Date: \(format.string(from: date))"]
            return number == 0
                ? [
                    Self.refusal(
                        "InvalidSignatureException", headers,
                        message: "Signature not yet current: a is later than b")
                ] : [Self.good]
        } _: { client, upstream, _ in
            _ = try await item(client)
            _ = try await item(client)
            #expect(upstream.requests.count == 3)
            let times = try upstream.requests.map { request in
                let line = try #require(
                    request.head.split(separator: "\r\n")
                        .first { $0.lowercased().hasPrefix("x-amz-date") })
                let format = Self.formatter("yyyyMMdd'T'HHmmss'Z'")
                return try #require(format.date(from: String(line.suffix(16))))
                    .timeIntervalSinceNow
            }
            #expect(abs(times[0]) < 60)
            #expect(abs(times[1] - skew) < 60 && abs(times[2] - skew) < 60)
        }
    }

    private static func formatter(_ format: String) -> DateFormatter {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = format
        return formatter
    }

    @Test func `a session that has ended is replaced, and the call made once more`() async throws {
        let sessions = Guarded(["ASIAOLD0000000000001", "ASIANEW0000000000002"])
        let rejected = Guarded<[String]>([])
        try await ask(
            { $0 == 0 ? [Self.refusal("ExpiredTokenException")] : [Self.good] },
            signer: {
                Credentials(
                    accessKeyID: sessions.withLock { $0[0] }, secretAccessKey: Secret("canary"))
            },
            reject: { id in
                rejected.withLock { $0.append(id) }
                sessions.withLock { _ = $0.removeFirst() }
                return true
            }
        ) { client, upstream, pauses in
            _ = try await item(client)
            #expect(rejected.withLock { $0 } == ["ASIAOLD0000000000001"])
            #expect(upstream.requests.last?.head.contains("ASIANEW0000000000002") == true)
            #expect(pauses().isEmpty)
        }
    }

    @Test func `that is tried once, not for ever`() async throws {
        try await ask(
            { _ in [Self.refusal("UnrecognizedClientException")] }, reject: { _ in true }
        ) { client, upstream, _ in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .unknownKey)
            #expect(upstream.requests.count == 2)
        }
    }

    // MARK: Many keys

    private struct Batch: Decodable {
        struct Wanted: Decodable { var Keys: [[Verbatim: AttributeValue]] }
        var RequestItems: [String: Wanted]
    }

    @Test func `many keys go in hundreds, and what was left over is asked for again`() async throws
    {
        let upstreamBox = Guarded<Upstream?>(nil)
        let script: @Sendable (Int) -> [Upstream.Step] = { number in
            guard let upstream = upstreamBox.withLock({ $0 }),
                let batch = try? JSONDecoder().decode(
                    Batch.self, from: Data(upstream.requests[number].body))
            else { return [.cut] }
            let keys = batch.RequestItems["accounts"]!.Keys
            let answered = keys.count > 60 ? Array(keys.prefix(60)) : keys
            struct Answer: Encodable {
                struct Left: Encodable { var Keys: [[Verbatim: AttributeValue]] }
                var Responses: [String: [[Verbatim: AttributeValue]]]
                var UnprocessedKeys: [String: Left]
            }
            let left = keys.dropFirst(answered.count)
            let answer = Answer(
                Responses: ["accounts": answered.filter { $0["id"] != .number("7") }],
                UnprocessedKeys: left.isEmpty ? [:] : ["accounts": .init(Keys: Array(left))])
            let body = try! JSONEncoder().encode(answer)
            return [reply("200 OK", [], String(decoding: body, as: UTF8.self))]
        }
        try await ask(script) { client, upstream, _ in
            upstreamBox.withLock { $0 = upstream }
            let keys = (0..<250).map { DynamoDB.Key("id", .number("\($0).0")) }
            let found = try await client.dynamoDB.getItems(table: "accounts", keys: keys)
            #expect(found.count == 249)
            #expect(found[keys[3]]?.attributes["id"] == .number("3"))
            #expect(found[keys[7]] == nil)
            #expect(upstream.requests.count == 5)
        }
    }

    @Test func `keys that are never processed are an error in the end`() async throws {
        let left =
            #"{"Responses":{},"UnprocessedKeys":{"accounts":{"Keys":[{"id":{"S":"a"}}]}}}"#
        try await ask { _ in
            [reply("200 OK", [], left)]
        } _: { client, upstream, _ in
            let error = try await failure {
                try await client.dynamoDB.getItems(
                    table: "accounts", keys: [.init("id", .string("a"))])
            }
            #expect(error.kind == .throttled)
            #expect(upstream.requests.count == 4)
        }
    }
}
