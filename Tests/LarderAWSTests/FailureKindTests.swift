import AsyncHTTPClient
import Foundation
import Larder
import LarderInspector
import NIOCore
import TestSupport
import Testing

@testable import LarderAWS

/// As what a cache counts what AWS, or the way to it, made of a fetch.
@Suite(.timeLimit(.minutes(1))) struct `A failure of AWS` {
    private static func refusal(_ status: String, _ code: String) -> Upstream.Step {
        reply(status, ["x-amzn-ErrorType: \(code)"], #"{"message":"No"}"#)
    }

    @Test(arguments: [
        ("400 Bad Request", "AccessDeniedException", FailureKind.refused),
        ("400 Bad Request", "ResourceNotFoundException", .refused),
        ("400 Bad Request", "UnrecognizedClientException", .refused),
        ("400 Bad Request", "ExpiredTokenException", .refused),
        ("400 Bad Request", "ValidationException", .refused),
        ("400 Bad Request", "SomethingNewException", .refused),
        ("400 Bad Request", "ProvisionedThroughputExceededException", .throttled),
        ("400 Bad Request", "ThrottlingException", .throttled),
        ("503 Service Unavailable", "ServiceUnavailable", .throttled),
        ("429 Too Many Requests", "AnythingException", .throttled),
        ("400 Bad Request", "RequestTimeoutException", .timedOut),
        ("504 Gateway Timeout", "AnythingException", .timedOut),
        ("500 Internal Server Error", "InternalServerError", .broken),
        ("500 Internal Server Error", "SomethingNewException", .broken),
    ])
    func `is of the kind that the service's answer says`(
        status: String, code: String, kind: FailureKind
    ) async throws {
        try await with(Self.refusal(status, code)) { client, _ in
            let error = try await failure { try await item(client) }
            #expect(error.failureKind == kind, "\(error)")
        }
    }

    @Test(arguments: [
        ("408 Request Timeout", FailureKind.timedOut), ("504 Gateway Timeout", .timedOut),
        ("502 Bad Gateway", .broken), ("404 Not Found", .broken), ("429 Too Many", .throttled),
    ])
    func `is told by the status where nothing else is said`(
        status: String, kind: FailureKind
    ) async throws {
        try await with(reply(status, [], "")) { client, _ in
            let error = try await failure { try await item(client) }
            #expect(error.failureKind == kind, "\(error)")
        }
    }

    @Test func `is absent where there is no such item`() async throws {
        try await with(reply("200 OK", [], "{}")) { client, _ in
            let error = try await failure { try await item(client) }
            #expect(error.failureKind == .absent)
        }
    }

    @Test func `is timed out where nothing comes, and broken where what comes makes no sense`()
        async throws
    {
        try await with(.untilClosed, deadline: .milliseconds(200)) { client, _ in
            let error = try await failure { try await item(client) }
            #expect(error.failureKind == .timedOut, "\(error)")
        }
        for step in [reply("200 OK", [], "no JSON"), .cut, Upstream.Step.send(Array("?".utf8))] {
            try await with(step) { client, _ in
                let error = try await failure { try await item(client) }
                #expect(error.failureKind == .broken, "\(error)")
            }
        }
        let gone = try Upstream(.cut)
        gone.stop()
        try await withClient(gone.endpoint, credentials: canaries) { client in
            let error = try await failure { try await item(client) }
            #expect(error.failureKind == .broken, "\(error)")
        }
    }

    @Test(arguments: [
        HTTPClientError.connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded,
        .tlsHandshakeTimeout, .cancelled, .httpProxyHandshakeTimeout,
    ])
    func `is late by whichever of the clocks ran out`(error: HTTPClientError) {
        #expect(AWSError.isLate(error))
        #expect(!AWSError.isLate(HTTPClientError.remoteConnectionClosed))
        #expect(AWSError.isLate(IOError(errnoCode: ETIMEDOUT, reason: "connect")))
        #expect(!AWSError.isLate(IOError(errnoCode: ECONNREFUSED, reason: "connect")))
        #expect(AWSError.isLate(CancellationError()))
    }

    @Test func `counts in the cache as what it is`() async throws {
        try await with(Self.refusal("400 Bad Request", "ThrottlingException")) { client, _ in
            let cache = Cache<String, DynamoDBItem>(
                "accounts", maxsize: 4, ttl: .seconds(60), refresh: .items
            ) { _ in try await item(client) }
            _ = try? await cache.value(for: "a")
            #expect(cache.snapshot().counters.failures.throttled == 1)
            #expect(cache.troubles().first?.trouble.failure == .throttled)
        }
    }
}
