import Foundation
import Larder
import LarderInspector
import LarderTesting
import TestSupport
import Testing

@testable import LarderAWS

/// Each way in which DynamoDB can fail, at each age of what is held: what the caller is served, and
/// how often the service was asked. `swift test --filter FaultTests` prints the table.
@Suite(.serialized, .timeLimit(.minutes(2))) struct FaultTests {
    struct Fault: Sendable, CustomStringConvertible {
        var name: String
        var steps: [Upstream.Step] = []
        /// Instead of one that answers.
        var endpoint: String?
        /// How often it is asked where it is asked at all.
        var attempts: Int
        /// What a caller is told who cannot be served.
        var told: String
        /// Whether a value past its ttl, within `stale`, is served instead of that.
        var servesStale = true

        var description: String { name }
    }

    private static func refusal(_ code: String, _ status: String = "400 Bad Request")
        -> [Upstream.Step]
    {
        [reply(status, [], ##"{"__type":"com.amazonaws.dynamodb.v20120810#\##(code)"}"##)]
    }

    private static let head = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
    private static let good = #"{"Item":{"id":{"S":"a"}}}"#

    static let faults: [Fault] = [
        Fault(name: "refused", endpoint: "http://127.0.0.1:1", attempts: 4, told: "unreachable"),
        Fault(
            name: "no such host", endpoint: "http://no-such-host.invalid:1", attempts: 4,
            told: "unreachable"),
        Fault(name: "silence", steps: [.untilClosed], attempts: 4, told: "unreachable"),
        Fault(
            name: "slow drip", steps: [.send(head), .send("{"), .untilClosed], attempts: 4,
            told: "unreachable"),
        Fault(
            name: "reset in the body", steps: [.send(head + "{"), .reset], attempts: 4, told: "cut"),
        Fault(name: "cut body", steps: [.send(head + "{"), .cut], attempts: 4, told: "cut"),
        Fault(
            name: "wrong CRC", steps: [reply("200 OK", ["x-amz-crc32: 1"], good)], attempts: 4,
            told: "corrupt"),
        Fault(
            name: "500", steps: refusal("InternalServerError", "500 Internal Server Error"),
            attempts: 4, told: "InternalServerError"),
        Fault(
            name: "503", steps: [reply("503 Service Unavailable", [], "")], attempts: 4,
            told: "throttled"),
        Fault(
            name: "throttled", steps: refusal("ThrottlingException"), attempts: 4,
            told: "ThrottlingException"),
        Fault(
            name: "429", steps: [reply("429 Too Many Requests", [], "")], attempts: 4,
            told: "throttled"),
        Fault(
            name: "expired token", steps: refusal("ExpiredTokenException"), attempts: 1,
            told: "ExpiredTokenException"),
        Fault(
            name: "access denied", steps: refusal("AccessDeniedException"), attempts: 1,
            told: "AccessDeniedException", servesStale: false),
        Fault(
            name: "validation", steps: refusal("ValidationException"), attempts: 1,
            told: "ValidationException", servesStale: false),
        Fault(
            name: "garbage", steps: [reply("200 OK", [], "<html></html>")], attempts: 1,
            told: "garbage"),
    ]

    private enum Phase: String, CaseIterable {
        case cold, warm, stale
    }

    private struct Seen: Equatable {
        var served: String
        var attempts: Int
    }

    private func expected(_ fault: Fault, _ phase: Phase) -> Seen {
        switch phase {
        case .cold: Seen(served: fault.told, attempts: fault.attempts)
        case .warm: Seen(served: "the value", attempts: 0)
        case .stale:
            Seen(served: fault.servesStale ? "the value" : fault.told, attempts: fault.attempts)
        }
    }

    private func look(_ fault: Fault, _ phase: Phase) async throws -> Seen {
        let upstream = try Upstream { _ in fault.steps }
        defer { upstream.stop() }
        let client = try AWSClient(
            region: "us-east-1", endpointURL: fault.endpoint ?? upstream.endpoint,
            deadline: .seconds(10), attemptDeadline: .milliseconds(200),
            retries: Retries(most: nil) { _ in }, clock: .system
        ) { canaries }
        let clock = TestClock()
        let cache = Cache<String, DynamoDBItem>(
            "accounts",
            CacheConfiguration(maxsize: 8, ttl: .seconds(60), staleIfError: .seconds(60)),
            refresh: .items, clock: clock.neverWaking
        ) { _ in try await item(client) }
        if phase != .cold {
            cache.insert(DynamoDBItem(["id": .string("a")], keyName: "id"), for: "1")
            clock.advance(by: .seconds(phase == .warm ? 30 : 61))
        }
        let served: String
        do {
            let item = try await cache.value(for: "1")
            served = item.attributes["id"] == .string("a") ? "the value" : "another"
        } catch let error as AWSError {
            served = error.code ?? error.kind.description
        }
        await client.shutdown()
        let tally = client.operations.first
        return Seen(served: served, attempts: Int((tally?.calls ?? 0) + (tally?.retries ?? 0)))
    }

    @Test(arguments: faults)
    func `a fault costs so many calls, and what is held is served through it`(
        fault: Fault
    ) async throws {
        for phase in Phase.allCases {
            let seen = try await look(fault, phase)
            print(
                Self.column(fault.name, 18), Self.column(phase.rawValue, 6),
                Self.column(seen.served, 24), "\(seen.attempts) attempts")
            #expect(seen == expected(fault, phase), "\(fault) \(phase)")
        }
    }

    private static func column(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
